/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rings of ticket keys by group. There are a handful: a list will do.
 */
#include "proc/tickets.h"
#include <postern/arena.h>
#include <string.h>
#include <sys/random.h>

static int
make_key(uint8_t key[PTN_TLS_TICKET_KEY_SIZE], struct ptn_error *err)
{
    if (getrandom(key, PTN_TLS_TICKET_KEY_SIZE, 0) != PTN_TLS_TICKET_KEY_SIZE)
        return ptn_error_errno(err, "no random numbers for ticket keys");
    return 0;
}

static struct ptn_ticket_ring *
find(const struct ptn_tickets *t, const char *group)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->rings[i].group, group) == 0)
            return &t->rings[i];
    return NULL;
}

/* A new one, in new memory: what is let go of is wiped. */
static struct ptn_ticket_ring *
add(struct ptn_tickets *t, const char *group)
{
    size_t size = t->count * sizeof *t->rings;
    struct ptn_ticket_ring *rings = ptn_alloc(size + sizeof *rings);

    if (size > 0) {
        memcpy(rings, t->rings, size);
        ptn_wipe(t->rings, size);
    }
    ptn_free(t->rings);
    t->rings = rings;
    rings[t->count].group = ptn_strdup(group);
    return &rings[t->count++];
}

const uint8_t *
ptn_tickets_of(struct ptn_tickets *t, const char *group, struct ptn_error *err)
{
    struct ptn_ticket_ring *ring = find(t, group);
    uint8_t keys[PTN_TICKET_RING_SIZE];
    int result = 0;

    for (size_t i = 0; !ring && i < PTN_TICKET_KEYS && result == 0; i++)
        result = make_key(keys + i * PTN_TLS_TICKET_KEY_SIZE, err);
    if (result != 0)
        return NULL;
    if (!ring) {
        ring = add(t, group);
        memcpy(ring->keys, keys, sizeof ring->keys);
        ptn_wipe(keys, sizeof keys);
    }
    return ring->keys;
}

void
ptn_tickets_put(struct ptn_tickets *t, const char *group,
                const uint8_t keys[PTN_TICKET_RING_SIZE])
{
    struct ptn_ticket_ring *ring = find(t, group);

    if (!ring)
        ring = add(t, group);
    memcpy(ring->keys, keys, sizeof ring->keys);
}

int
ptn_tickets_rotate(struct ptn_tickets *t, struct ptn_error *err)
{
    uint8_t key[PTN_TLS_TICKET_KEY_SIZE];

    for (size_t i = 0; i < t->count; i++) {
        if (make_key(key, err) != 0)
            return -1;
        memmove(t->rings[i].keys + sizeof key, t->rings[i].keys,
                (PTN_TICKET_KEYS - 1) * sizeof key);
        memcpy(t->rings[i].keys, key, sizeof key);
        ptn_wipe(key, sizeof key);
    }
    return 0;
}

void
ptn_tickets_free(struct ptn_tickets *t)
{
    for (size_t i = 0; i < t->count; i++)
        ptn_free(t->rings[i].group);
    if (t->count > 0)
        ptn_wipe(t->rings, t->count * sizeof *t->rings);
    ptn_free(t->rings);
    *t = PTN_TICKETS_INIT;
}
