/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The ENVELOPE of a message (RFC 3501 section 7.4.2).
 */
#ifndef PTN_MAIL_ENVELOPE_H
#define PTN_MAIL_ENVELOPE_H

#include "header.h"

/* Appends the envelope of the message with this header. The content of
 * `scratch` is lost. */
void ptn_envelope_write(const struct ptn_header *header,
                        struct ptn_buf *scratch, struct ptn_buf *out);

#endif
