/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Letter case, for comparing: simple case folding of Unicode for the Latin,
 * Greek, Cyrillic and Armenian letters.
 */
#ifndef PTN_MAIL_FOLD_H
#define PTN_MAIL_FOLD_H

#include <postern/buf.h>

/* Appends UTF-8 text with its letters folded; octets that are not UTF-8 are
 * kept. Stops before a character that is cut at the end of the text, unless
 * `last` is set. Returns the octets read. */
size_t ptn_fold_add(struct ptn_buf *out, struct ptn_slice text, bool last);

/* Whether folded text has the folded `needle` in it. */
bool ptn_fold_has(struct ptn_slice folded, struct ptn_slice needle);

/* The same for text of ASCII alone that is not folded yet. */
bool ptn_fold_ascii_has(struct ptn_slice text, struct ptn_slice needle);

#endif
