/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Arenas (postern/arena.h): a stack of chunks, of which the first has room.
 * Chunks double from ARENA_FIRST to ARENA_LARGEST; what is larger gets a
 * chunk of its own behind the first, so that the first's room is not lost.
 */
#include <assert.h>
#include <postern/arena.h>
#include <stdlib.h>

#define ARENA_FIRST 512u
#define ARENA_LARGEST (64u * 1024u)
#define ARENA_ALIGN (_Alignof(max_align_t))

struct ptn_arena_chunk {
    struct ptn_arena_chunk *next;
    size_t cap, fill; /* of data */
    _Alignas(max_align_t) unsigned char data[];
};

static struct ptn_arena_chunk *
chunk_new(size_t cap)
{
    /* Not zeroed: each piece is, when it is handed out. */
    struct ptn_arena_chunk *c = ptn_realloc(NULL, sizeof *c + cap);

    c->next = NULL;
    c->cap = cap;
    c->fill = 0;
    return c;
}

/* A chunk with room for `size`, linked in. */
static struct ptn_arena_chunk *
chunk_add(struct ptn_arena *a, size_t size)
{
    struct ptn_arena_chunk *first = a->chunk, *c;
    size_t cap = first ? first->cap * 2 : ARENA_FIRST;

    if (cap > ARENA_LARGEST)
        cap = ARENA_LARGEST;
    if (first && size > cap / 2) {
        c = chunk_new(size);
        c->next = first->next;
        first->next = c;
        return c;
    }
    c = chunk_new(size > cap ? size : cap);
    c->next = first;
    a->chunk = c;
    return c;
}

void *
ptn_arena_alloc(struct ptn_arena *a, size_t size)
{
    assert(size <= SIZE_MAX / 4);
    size = (size ? size + ARENA_ALIGN - 1 : ARENA_ALIGN) & ~(ARENA_ALIGN - 1);
    if (a->limit && (size > a->limit || a->used > a->limit - size))
        return NULL;
    struct ptn_arena_chunk *c = a->chunk;
    if (!c || c->cap - c->fill < size)
        c = chunk_add(a, size);
    void *p = c->data + c->fill;
    c->fill += size;
    a->used += size;
    return memset(p, 0, size);
}

char *
ptn_arena_dup(struct ptn_arena *a, struct ptn_slice s)
{
    char *copy = ptn_arena_alloc(a, s.len + 1);

    if (copy && s.len)
        memcpy(copy, s.data, s.len);
    return copy;
}

void
ptn_arena_reset(struct ptn_arena *a)
{
    struct ptn_arena_chunk *c = a->chunk;

    while (c) {
        struct ptn_arena_chunk *next = c->next;
        free(c);
        c = next;
    }
    a->chunk = NULL;
    a->used = 0;
}
