/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Special-use attributes (RFC 6154 section 2).
 */
#ifndef IMAP_SPECIAL_USE_H
#define IMAP_SPECIAL_USE_H

#include "parser.h"

#include <postern/buf.h>

/* "\Drafts" at the cursor: one bit of enum ptn_special_use. One that no
 * mailbox can be created for is refused with [USEATTR]. */
bool imap_special_use_parse(struct imap_cursor *in, unsigned *bit);

/* " \Drafts" for each bit. */
void imap_put_special_use(struct ptn_buf *out, unsigned use);

#endif
