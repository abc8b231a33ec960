/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Open addressing with linear probing. Removing moves later entries of the
 * run back into the gap, so that there are no tombstones and a probe ends
 * at the first free slot. The seed is drawn with the first entry.
 */
#include "base/map.h"
#include "base/siphash.h"
#include <assert.h>
#include <postern/arena.h>
#include <stdlib.h>
#include <sys/random.h>

#define MAP_FIRST 8u

void
ptn_map_free(struct ptn_map *m)
{
    free(m->slots);
    *m = PTN_MAP_INIT;
}

/* The key's slot, or the free one where it belongs. cap > count. */
static struct ptn_map_slot *
find(const struct ptn_map *m, struct ptn_slice key, uint64_t hash)
{
    for (size_t at = (size_t)hash;; at++) {
        struct ptn_map_slot *slot = &m->slots[at & (m->cap - 1)];
        if (!slot->value ||
            (slot->hash == hash && ptn_slice_eq(slot->key, key)))
            return slot;
    }
}

static void
grow(struct ptn_map *m)
{
    struct ptn_map old = *m;

    if (!old.cap) {
        ssize_t n = getrandom(m->seed, sizeof m->seed, 0);
        assert(n == (ssize_t)sizeof m->seed);
    }
    m->cap = old.cap ? old.cap * 2 : MAP_FIRST;
    m->slots = ptn_alloc(m->cap * sizeof *m->slots);
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].value)
            *find(m, old.slots[i].key, old.slots[i].hash) = old.slots[i];
    free(old.slots);
}

void *
ptn_map_get(const struct ptn_map *m, struct ptn_slice key)
{
    if (m->count == 0)
        return NULL;
    return find(m, key, ptn_siphash(m->seed, key.data, key.len))->value;
}

void *
ptn_map_put(struct ptn_map *m, struct ptn_slice key, void *value)
{
    assert(value);
    if (m->count >= m->cap / 4 * 3)
        grow(m);
    uint64_t hash = ptn_siphash(m->seed, key.data, key.len);
    struct ptn_map_slot *slot = find(m, key, hash);
    void *before = slot->value;
    if (!before)
        m->count++;
    *slot = (struct ptn_map_slot){key, hash, value};
    return before;
}

/* Fills the gap at `gap` with entries that probe across it. */
static void
close_gap(struct ptn_map *m, size_t gap)
{
    size_t mask = m->cap - 1;

    for (size_t at = (gap + 1) & mask; m->slots[at].value;
         at = (at + 1) & mask) {
        size_t home = (size_t)m->slots[at].hash & mask;
        if (((at - home) & mask) < ((at - gap) & mask))
            continue; /* its home lies behind the gap */
        m->slots[gap] = m->slots[at];
        gap = at;
    }
    m->slots[gap].value = NULL;
}

void *
ptn_map_remove(struct ptn_map *m, struct ptn_slice key)
{
    if (m->count == 0)
        return NULL;
    struct ptn_map_slot *slot =
        find(m, key, ptn_siphash(m->seed, key.data, key.len));
    void *value = slot->value;
    if (!value)
        return NULL;
    close_gap(m, (size_t)(slot - m->slots));
    m->count--;
    return value;
}

const struct ptn_map_slot *
ptn_map_next(const struct ptn_map *m, size_t *at)
{
    while (*at < m->cap) {
        const struct ptn_map_slot *slot = &m->slots[(*at)++];
        if (slot->value)
            return slot;
    }
    return NULL;
}
