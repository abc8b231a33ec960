/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The BODYSTRUCTURE of a message (RFC 3501 section 7.4.2).
 */
#ifndef PTN_MAIL_STRUCTURE_H
#define PTN_MAIL_STRUCTURE_H

#include "mime.h"

/* Appends the structure of the whole tree. */
void ptn_structure_write(struct ptn_mime_tree *tree, struct ptn_buf *out);

#endif
