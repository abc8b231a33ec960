/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An ordered set of UIDs with rank and select: a mailbox as one session
 * sees it (sequence number <-> UID). Dense runs cost next to nothing, so
 * that a mailbox of a million messages costs a session some kilobytes at
 * most. Not thread-safe.
 */
#ifndef POSTERN_MAIL_UIDMAP_H
#define POSTERN_MAIL_UIDMAP_H

#include <postern/types.h>

struct ptn_uidmap; /* opaque */

/* An empty map; what clear leaves of one. */
PTN_API struct ptn_uidmap *ptn_uidmap_new(void);
PTN_API void ptn_uidmap_free(struct ptn_uidmap *m);
PTN_API void ptn_uidmap_clear(struct ptn_uidmap *m);

/* Adds the run first..last (first <= last); ascending order is the fast
 * case, any order works. Adding what is there changes nothing. */
PTN_API void ptn_uidmap_add(struct ptn_uidmap *m, uint32_t first,
                            uint32_t last);
PTN_API bool ptn_uidmap_remove(struct ptn_uidmap *m, uint32_t uid);

PTN_API uint32_t ptn_uidmap_count(const struct ptn_uidmap *m);
PTN_API bool ptn_uidmap_has(const struct ptn_uidmap *m, uint32_t uid);
/* The UID at 1-based position `seq`, 0 if there is none. O(log n). */
PTN_API uint32_t ptn_uidmap_uid(const struct ptn_uidmap *m, uint32_t seq);
/* The position of `uid`, 0 if it is not in the set. O(log n). */
PTN_API uint32_t ptn_uidmap_seq(const struct ptn_uidmap *m, uint32_t uid);
/* The smallest member >= uid, 0 if none. */
PTN_API uint32_t ptn_uidmap_next(const struct ptn_uidmap *m, uint32_t uid);
PTN_API uint32_t ptn_uidmap_last(const struct ptn_uidmap *m); /* 0 if empty */

#endif
