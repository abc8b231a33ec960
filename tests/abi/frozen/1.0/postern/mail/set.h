/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sets of message numbers or UIDs as IMAP writes them: "1:3,7,12:*"
 * (RFC 3501 section 9 "sequence-set").
 */
#ifndef POSTERN_MAIL_SET_H
#define POSTERN_MAIL_SET_H

#include <postern/arena.h>
#include <postern/buf.h>
#include <postern/types.h>

#define PTN_SET_RANGES_MAX 16384 /* of one set */
#define PTN_SET_STAR 0           /* "*", until ptn_set_resolve */

struct ptn_range {
    uint32_t first, last;
};

/* In the arena that it was parsed into. Resolved: ranges ascend, do not
 * touch, and first <= last. */
struct ptn_set {
    struct ptn_range *ranges;
    size_t count;
};

/* Reads the set at the beginning of `text`, as it stands; `*used` octets
 * were read. False on syntax errors, 0, numbers beyond 32 bits, more than
 * PTN_SET_RANGES_MAX ranges, and when the arena's limit is reached. */
PTN_API bool ptn_set_parse(struct ptn_slice text, struct ptn_arena *arena,
                           struct ptn_set *out, size_t *used);

/* Puts `star` (the largest number in use; 0 in an empty mailbox) in the
 * place of "*" and brings the ranges in order. */
PTN_API void ptn_set_resolve(struct ptn_set *set, uint32_t star);

/* Of a resolved set; O(log n). */
PTN_API bool ptn_set_has(const struct ptn_set *set, uint32_t number);
/* The smallest member >= number, 0 if none; O(log n). */
PTN_API uint32_t ptn_set_next(const struct ptn_set *set, uint32_t number);

/* "1:3,7". */
PTN_API void ptn_set_format(const struct ptn_set *set, struct ptn_buf *out);
/* The same for numbers in the order given; neighbours that ascend by one
 * become a range (RFC 4315 "uid-set"). */
PTN_API void ptn_set_format_numbers(const uint32_t *numbers, size_t count,
                                    struct ptn_buf *out);

#endif
