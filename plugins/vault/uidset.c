/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sets of UIDs, kept for each box: its members, those unseen, those marked
 * deleted. A set is cut into chunks of 4096 UIDs. On disk a chunk is a list
 * of runs (pairs of 16-bit numbers) while they are few, a bitmap when they
 * are many, and nothing when it is empty. A dense mailbox of a million
 * messages is 245 runs: that is what SELECT reads.
 *
 * A transaction changes a chunk as a bitmap and writes it back when another
 * is wanted.
 */
#include "txn.h"

#define RUNS_MAX 24 /* more than these are kept as a bitmap */
#define CHUNK_UIDS (1u << VAULT_CHUNK_BITS)

struct run {
    uint16_t first, last;
};

static struct vault_key
chunk_key(uint32_t box, enum vault_set set, uint32_t number)
{
    return vault_key2(box, (uint32_t)set << 24 | number);
}

static bool
bit_get(const unsigned char *bits, unsigned n)
{
    return bits[n / 8] >> (n % 8) & 1;
}

/* The first n >= from that is `value`, or CHUNK_UIDS. */
static unsigned
bit_find(const unsigned char *bits, unsigned from, bool value)
{
    unsigned char same = value ? 0 : 0xff;

    while (from < CHUNK_UIDS) {
        if (from % 8 == 0 && bits[from / 8] == same)
            from += 8;
        else if (bit_get(bits, from) == value)
            return from;
        else
            from++;
    }
    return CHUNK_UIDS;
}

/* How many runs were found; RUNS_MAX + 1 when there are more than that. */
static unsigned
find_runs(const unsigned char *bits, struct run *out)
{
    unsigned count = 0, at = 0;

    while ((at = bit_find(bits, at, true)) < CHUNK_UIDS) {
        unsigned end = bit_find(bits, at, false);

        if (count == RUNS_MAX)
            return RUNS_MAX + 1;
        out[count++] = (struct run){(uint16_t)at, (uint16_t)(end - 1)};
        at = end;
    }
    return count;
}

static void
set_run(unsigned char *bits, struct run r)
{
    for (unsigned n = r.first; n <= r.last && n < CHUNK_UIDS; n++)
        bits[n / 8] = (unsigned char)(bits[n / 8] | 1u << (n % 8));
}

static void
unpack(const MDB_val *val, unsigned char *bits)
{
    struct run r;

    if (val->mv_size == VAULT_CHUNK_OCTETS) {
        memcpy(bits, val->mv_data, VAULT_CHUNK_OCTETS);
        return;
    }
    memset(bits, 0, VAULT_CHUNK_OCTETS);
    for (size_t i = 0; i + sizeof(r) <= val->mv_size; i += sizeof(r)) {
        memcpy(&r, (const char *)val->mv_data + i, sizeof(r));
        set_run(bits, r);
    }
}

/* --- changing --- */

static int
flush_chunk(struct vault_txn *t, enum vault_set set)
{
    struct vault_chunk *c = &t->chunks[set];
    struct vault_key key = chunk_key(c->box, set, c->number);
    struct run runs[RUNS_MAX];
    unsigned count;

    if (c->box == 0 || !c->dirty)
        return 0;
    c->dirty = false;
    count = find_runs(c->bits, runs);
    if (count == 0)
        return vault_txn_del(t, VAULT_SETS, &key);
    if (count > RUNS_MAX)
        return vault_txn_put(t, VAULT_SETS, &key,
                             (struct iovec){c->bits, sizeof(c->bits)});
    return vault_txn_put(t, VAULT_SETS, &key,
                         (struct iovec){runs, count * sizeof(runs[0])});
}

static int
load_chunk(struct vault_txn *t, enum vault_set set, uint32_t number)
{
    struct vault_chunk *c = &t->chunks[set];
    struct vault_key key = chunk_key(t->box_id, set, number);
    MDB_val val;
    int rc;

    if (c->box == t->box_id && c->number == number)
        return 0;
    if ((rc = flush_chunk(t, set)) != 0)
        return rc;
    c->box = 0;
    rc = vault_get(t->v, t->txn, VAULT_SETS, &key, &val);
    if (rc == 0)
        unpack(&val, c->bits);
    else if (rc == MDB_NOTFOUND)
        memset(c->bits, 0, sizeof(c->bits));
    else
        return rc;
    c->box = t->box_id;
    c->number = number;
    return 0;
}

/* In the box that vault_txn_box gave last. */
int
vault_set_change(struct vault_txn *t, enum vault_set set, uint32_t uid,
                 bool member)
{
    struct vault_chunk *c = &t->chunks[set];
    unsigned n = uid & (CHUNK_UIDS - 1);
    int rc = load_chunk(t, set, uid >> VAULT_CHUNK_BITS);

    if (rc != 0)
        return rc;
    if (bit_get(c->bits, n) != member) {
        c->bits[n / 8] = (unsigned char)(c->bits[n / 8] ^ 1u << (n % 8));
        c->dirty = true;
    }
    return 0;
}

int
vault_set_flush(struct vault_txn *t)
{
    int rc = 0;

    for (unsigned i = 0; i < VAULT_SETS_COUNT && rc == 0; i++)
        rc = flush_chunk(t, i);
    return rc;
}

/* Removes all sets of a box. */
int
vault_set_drop(struct vault_txn *t, uint32_t box)
{
    struct vault_key from = vault_key2(box, 0);
    MDB_val key = {from.len, from.data}, val;
    MDB_cursor *cursor;
    int rc;

    for (unsigned i = 0; i < VAULT_SETS_COUNT; i++) {
        if (t->chunks[i].box == box)
            t->chunks[i].box = 0;
    }
    rc = mdb_cursor_open(t->txn, t->v->tables[VAULT_SETS], &cursor);
    if (rc != 0)
        return rc;
    rc = mdb_cursor_get(cursor, &key, &val, MDB_SET_RANGE);
    while (rc == 0 && vault_key_u32(&key, 0) == box) {
        if ((rc = mdb_cursor_del(cursor, 0)) == 0)
            rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* --- reading --- */

struct walk {
    uint32_t base, from;
    bool (*fn)(void *arg, uint32_t first, uint32_t last);
    void *arg;
};

static bool
walk_run(const struct walk *w, unsigned first, unsigned last)
{
    uint32_t from = w->base + first, to = w->base + last;

    if (to < w->from)
        return true;
    return w->fn(w->arg, from < w->from ? w->from : from, to);
}

static bool
walk_bits(const struct walk *w, const unsigned char *bits)
{
    unsigned at = 0, end;

    for (; (at = bit_find(bits, at, true)) < CHUNK_UIDS; at = end) {
        end = bit_find(bits, at, false);
        if (!walk_run(w, at, end - 1))
            return false;
    }
    return true;
}

static bool
walk_chunk(const struct walk *w, const MDB_val *val)
{
    struct run r;

    if (val->mv_size == VAULT_CHUNK_OCTETS)
        return walk_bits(w, val->mv_data);
    for (size_t i = 0; i + sizeof(r) <= val->mv_size; i += sizeof(r)) {
        memcpy(&r, (const char *)val->mv_data + i, sizeof(r));
        if (!walk_run(w, r.first, r.last))
            return false;
    }
    return true;
}

int
vault_set_each(MDB_cursor *cursor, enum vault_set set, uint32_t box,
               uint32_t from,
               bool (*fn)(void *arg, uint32_t first, uint32_t last), void *arg)
{
    struct vault_key k = chunk_key(box, set, from >> VAULT_CHUNK_BITS);
    struct walk w = {.from = from, .fn = fn, .arg = arg};
    MDB_val key = {k.len, k.data}, val;
    int rc = mdb_cursor_get(cursor, &key, &val, MDB_SET_RANGE);

    for (; rc == 0; rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT)) {
        uint32_t number = vault_key_u32(&key, 4);

        if (vault_key_u32(&key, 0) != box || number >> 24 != set)
            return 0;
        w.base = (number & 0xffffff) << VAULT_CHUNK_BITS;
        if (!walk_chunk(&w, &val))
            return 0;
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}
