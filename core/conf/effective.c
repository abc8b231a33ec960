/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One side of a comparison: effective values and what was worked out from
 * them, as text. See diff.h. One thread.
 */
#include "base/siphash.h"
#include "conf/diff.h"
#include <inttypes.h>
#include <stdio.h>
#include <sys/auxv.h>

/* Instead of what the kernel gave to this program; set before it is used. */
static uint8_t given_key[PTN_MARK_KEY_SIZE];
static bool has_given_key;

struct ptn_effective *
ptn_effective_new(void)
{
    return ptn_alloc(sizeof(struct ptn_effective));
}

void
ptn_effective_free(struct ptn_effective *side)
{
    if (!side)
        return;
    ptn_free(side->values);
    ptn_free(side->listeners);
    ptn_free(side->certs);
    ptn_arena_reset(&side->arena);
    ptn_free(side);
}

/* Room for one more in an array that doubles whenever `count` is a power of
 * two: its capacity need not be kept. */
static void *
grow(void *items, size_t count, size_t size)
{
    if (count > 0 && (count & (count - 1)) != 0)
        return items;
    return ptn_realloc(items, (count ? count * 2 : 1) * size);
}

struct ptn_conf_value *
ptn_effective_add_value(struct ptn_effective *side)
{
    struct ptn_conf_value *entry;

    side->values = grow(side->values, side->value_count, sizeof *entry);
    entry = &side->values[side->value_count++];
    *entry = (struct ptn_conf_value){0};
    return entry;
}

struct ptn_effective_listener *
ptn_effective_add_listener(struct ptn_effective *side)
{
    struct ptn_effective_listener *entry;

    side->listeners =
        grow(side->listeners, side->listener_count, sizeof *entry);
    entry = &side->listeners[side->listener_count++];
    *entry = (struct ptn_effective_listener){0};
    return entry;
}

struct ptn_effective_cert *
ptn_effective_add_cert(struct ptn_effective *side)
{
    struct ptn_effective_cert *entry;

    side->certs = grow(side->certs, side->cert_count, sizeof *entry);
    entry = &side->certs[side->cert_count++];
    *entry = (struct ptn_effective_cert){0};
    return entry;
}

void
ptn_effective_mark_key(uint8_t out[PTN_MARK_KEY_SIZE])
{
    /* 16 octets that each program gets when it is executed: getauxval(3). */
    const void *random = (const void *)getauxval(AT_RANDOM);

    if (has_given_key)
        memcpy(out, given_key, sizeof given_key);
    else if (random)
        memcpy(out, random, sizeof given_key);
    else
        memset(out, 0, sizeof given_key);
}

void
ptn_effective_set_mark_key(const uint8_t key[PTN_MARK_KEY_SIZE])
{
    memcpy(given_key, key, sizeof given_key);
    has_given_key = true;
}

void
ptn_effective_mark(struct ptn_slice data, char out[PTN_MARK_SIZE])
{
    uint8_t bytes[PTN_MARK_KEY_SIZE];
    uint64_t key[2];

    ptn_effective_mark_key(bytes);
    memcpy(key, bytes, sizeof key);
    snprintf(out, PTN_MARK_SIZE, "%016" PRIx64,
             ptn_siphash(key, data.data, data.len));
}
