/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Chunks of pages, filled from the front, so that thousands of keys take no
 * page each. A chunk goes when the last of what it holds has been dropped.
 */
#include "warden/secret.h"
#include <assert.h>
#include <postern/arena.h>
#include <postern/buf.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
    CHUNK = 65536, /* octets, or as many as the secret needs */
};

/* The record is ordinary memory; the octets are pages of their own. */
struct ptn_safe_chunk {
    struct ptn_safe_chunk *next;
    char *pages;
    size_t size, used, held; /* held: secrets that were not dropped yet */
};

static struct ptn_safe_chunk *
add_chunk(struct ptn_safe *safe, size_t len)
{
    struct ptn_safe_chunk *c = ptn_alloc(sizeof *c);

    c->size = len > CHUNK ? len : CHUNK;
    c->pages = mmap(NULL, c->size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (c->pages == MAP_FAILED)
        abort(); /* out of memory, as everywhere (base/memory.c) */
    (void)madvise(c->pages, c->size, MADV_DONTDUMP);
    (void)madvise(c->pages, c->size, MADV_DONTFORK);
    if (mlock(c->pages, c->size) != 0)
        safe->unlocked = true;
    c->next = safe->chunks;
    safe->chunks = c;
    return c;
}

char *
ptn_safe_keep(struct ptn_safe *safe, struct ptn_slice data)
{
    struct ptn_safe_chunk *c = safe->chunks;
    char *place;

    if (!c || c->size - c->used < data.len)
        c = add_chunk(safe, data.len);
    place = c->pages + c->used;
    memcpy(place, data.data, data.len);
    c->used += data.len;
    c->held++;
    return place;
}

static void
free_chunk(struct ptn_safe_chunk *c)
{
    ptn_wipe(c->pages, c->used);
    munmap(c->pages, c->size);
    ptn_free(c);
}

void
ptn_safe_drop(struct ptn_safe *safe, char *data, size_t len)
{
    struct ptn_safe_chunk **link = &safe->chunks;

    while (*link &&
           (data < (*link)->pages || data >= (*link)->pages + (*link)->size))
        link = &(*link)->next;
    assert(*link && (*link)->held > 0);
    ptn_wipe(data, len);
    if (--(*link)->held == 0) {
        struct ptn_safe_chunk *c = *link;

        *link = c->next;
        free_chunk(c);
    }
}

void
ptn_safe_free(struct ptn_safe *safe)
{
    struct ptn_safe_chunk *next;

    for (struct ptn_safe_chunk *c = safe->chunks; c; c = next) {
        next = c->next;
        free_chunk(c);
    }
    *safe = PTN_SAFE_INIT;
}
