/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of addresses that failed to authenticate. Full, it first drops
 * those that may be forgotten, and then remembers no new ones: the delays
 * within a session hold all the same. Loop thread only.
 */
#include "auth/throttle.h"
#include <postern/arena.h>

struct ptn_throttle_entry {
    uint64_t last; /* when it failed last */
    unsigned failures;
    char address[50];
};

void
ptn_throttle_deinit(struct ptn_throttle *t)
{
    const struct ptn_map_slot *slot;
    size_t at = 0;

    while ((slot = ptn_map_next(&t->addresses, &at)))
        ptn_free(slot->value);
    ptn_map_free(&t->addresses);
}

static void
forget_old(struct ptn_throttle *t, uint64_t now)
{
    struct ptn_map kept = PTN_MAP_INIT;
    const struct ptn_map_slot *slot;
    size_t at = 0;

    while ((slot = ptn_map_next(&t->addresses, &at))) {
        struct ptn_throttle_entry *e = slot->value;
        if (now - e->last >= PTN_THROTTLE_FORGET_MS)
            ptn_free(e);
        else
            ptn_map_put(&kept, slot->key, e);
    }
    ptn_map_free(&t->addresses);
    t->addresses = kept;
}

/* NULL when the table is full of fresh ones. */
static struct ptn_throttle_entry *
entry_for(struct ptn_throttle *t, const char *address, uint64_t now)
{
    struct ptn_throttle_entry *e =
        ptn_map_get(&t->addresses, ptn_slice_of(address));

    if (e) {
        if (now - e->last >= PTN_THROTTLE_FORGET_MS)
            e->failures = 0;
        return e;
    }
    if (t->addresses.count >= PTN_THROTTLE_ADDRESSES &&
        now - t->swept >= PTN_THROTTLE_FORGET_MS / 10) {
        t->swept = now;
        forget_old(t, now);
    }
    if (t->addresses.count >= PTN_THROTTLE_ADDRESSES)
        return NULL;
    e = ptn_alloc(sizeof *e);
    strncpy(e->address, address, sizeof e->address - 1);
    ptn_map_put(&t->addresses, ptn_slice_of(e->address), e);
    return e;
}

uint64_t
ptn_throttle_failed(struct ptn_throttle *t, const char *address,
                    unsigned attempts, uint64_t now)
{
    struct ptn_throttle_entry *e = entry_for(t, address, now);
    unsigned steps = attempts ? attempts - 1 : 0;

    if (e) {
        e->last = now;
        e->failures++;
        if (e->failures > PTN_THROTTLE_FREE + steps)
            steps = e->failures - PTN_THROTTLE_FREE;
    }
    if (steps > 8)
        steps = 8;
    uint64_t delay = (uint64_t)PTN_THROTTLE_FIRST_MS << steps;
    return delay < PTN_THROTTLE_LONGEST_MS ? delay : PTN_THROTTLE_LONGEST_MS;
}

void
ptn_throttle_succeeded(struct ptn_throttle *t, const char *address)
{
    struct ptn_throttle_entry *e =
        ptn_map_get(&t->addresses, ptn_slice_of(address));

    if (e)
        e->failures /= 2;
}
