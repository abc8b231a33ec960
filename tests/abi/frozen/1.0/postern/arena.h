/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Memory with one lifetime: allocate piece by piece, release all at once.
 * One a config generation, one a session, one a command. An arena that was
 * never allocated from costs three words. Not thread-safe.
 */
#ifndef POSTERN_ARENA_H
#define POSTERN_ARENA_H

#include <postern/types.h>

struct ptn_arena_chunk;

struct ptn_arena {
    struct ptn_arena_chunk *chunk;
    size_t used;  /* bytes handed out since the last reset */
    size_t limit; /* over it, ptn_arena_alloc returns NULL; 0 = no limit */
};

#define PTN_ARENA_INIT ((struct ptn_arena){NULL, 0, 0})

/* Zeroed, aligned for any type. NULL only when `limit` would be exceeded. */
PTN_API void *ptn_arena_alloc(struct ptn_arena *a, size_t size);
/* Copies, with a NUL after; NULL as above. */
PTN_API char *ptn_arena_dup(struct ptn_arena *a, struct ptn_slice s);
PTN_API void ptn_arena_reset(struct ptn_arena *a); /* frees everything */

/* Memory outside of any arena: never NULL, the process ends instead. */
PTN_API void *ptn_alloc(size_t size); /* zeroed */
PTN_API void *ptn_realloc(void *old, size_t size);
PTN_API char *ptn_strdup(const char *text);
PTN_API void ptn_free(void *ptr);

#endif
