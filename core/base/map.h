/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A hash map from byte strings to pointers. Keys may come from peers: the
 * hash is keyed with random numbers, so nobody can aim at one slot. Keys
 * and values are borrowed; both must live as long as their entry. An empty
 * map owns no memory. Not thread-safe.
 */
#ifndef PTN_BASE_MAP_H
#define PTN_BASE_MAP_H

#include <postern/types.h>

struct ptn_map_slot {
    struct ptn_slice key;
    uint64_t hash;
    void *value; /* NULL: the slot is free */
};

struct ptn_map {
    struct ptn_map_slot *slots;
    size_t cap;   /* a power of two, or 0 */
    size_t count; /* entries; at most three quarters of cap */
    uint64_t seed[2];
};

#define PTN_MAP_INIT ((struct ptn_map){NULL, 0, 0, {0, 0}})

void ptn_map_free(struct ptn_map *m); /* leaves PTN_MAP_INIT */

/* NULL when there is no such key. */
void *ptn_map_get(const struct ptn_map *m, struct ptn_slice key);

/* `value` is not NULL. Answers the value that the key had before, whose
 * entry now has the new key and value, or NULL. */
void *ptn_map_put(struct ptn_map *m, struct ptn_slice key, void *value);

/* Answers the value that was removed, or NULL. */
void *ptn_map_remove(struct ptn_map *m, struct ptn_slice key);

/* All entries in no order: begin with *at = 0, until it answers NULL. The
 * map must not be changed meanwhile. */
const struct ptn_map_slot *ptn_map_next(const struct ptn_map *m, size_t *at);

#endif
