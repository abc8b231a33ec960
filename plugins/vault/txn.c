/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A write transaction: the records of a group being put together, and the
 * counters that it changes, each read once and written back once. Committer
 * thread only; the index's writer lock is held from begin to the end.
 */
#include "txn.h"

#include "crc.h"

#include <postern/arena.h>
#include <time.h>

void
vault_txn_init(struct vault_txn *t, struct vault *v)
{
    memset(t, 0, sizeof(*t));
    t->v = v;
}

void
vault_txn_deinit(struct vault_txn *t)
{
    assert(!t->txn);
    ptn_free(t->drafts);
    ptn_free(t->touched);
    ptn_buf_free(&t->facts);
}

int
vault_txn_begin(struct vault_txn *t)
{
    struct iovec into = {&t->state, sizeof(t->state)};
    int rc = vault_index_begin(t->v, &t->txn);

    if (rc != 0)
        return rc;
    t->draft_count = 0;
    t->facts.len = 0;
    t->touched_count = 0;
    t->open = t->changed = t->rolled = t->freed = false;
    t->box_id = t->user_id = t->segment_id = 0;
    t->box_dirty = t->user_dirty = t->segment_dirty = false;
    for (unsigned i = 0; i < VAULT_SETS_COUNT; i++)
        t->chunks[i].box = 0;
    t->now = time(NULL);
    rc = vault_get_counter(t->v, t->txn, VAULT_COUNTER_STATE, 0, into);
    t->from = t->state.offset;
    if (rc != 0)
        vault_txn_abort(t);
    return rc;
}

void
vault_txn_abort(struct vault_txn *t)
{
    vault_index_abort(t->v, t->txn);
    t->txn = NULL;
}

void
vault_txn_touch(struct vault_txn *t, uint32_t box)
{
    for (size_t i = t->touched_count; i-- > 0 && i + 8 > t->touched_count;) {
        if (t->touched[i] == box)
            return;
    }
    if (t->touched_count == t->touched_cap) {
        t->touched_cap = t->touched_cap ? t->touched_cap * 2 : 16;
        t->touched =
            ptn_realloc(t->touched, t->touched_cap * sizeof(t->touched[0]));
    }
    t->touched[t->touched_count++] = box;
}

/* --- tables --- */

int
vault_txn_put(struct vault_txn *t, enum vault_table table,
              const struct vault_key *key, struct iovec value)
{
    MDB_val k = {key->len, (void *)(uintptr_t)key->data};
    MDB_val val = {value.iov_len, value.iov_base};

    return t->v->sys->index_put(t->txn, t->v->tables[table], &k, &val, 0);
}

int
vault_txn_del(struct vault_txn *t, enum vault_table table,
              const struct vault_key *key)
{
    MDB_val k = {key->len, (void *)(uintptr_t)key->data};
    int rc = mdb_del(t->txn, t->v->tables[table], &k, NULL);

    return rc == MDB_NOTFOUND ? 0 : rc;
}

int
vault_txn_put_counter(struct vault_txn *t, enum vault_counter kind,
                      uint32_t number, struct iovec value)
{
    struct vault_key k = vault_key2(kind, number);

    return vault_txn_put(t, VAULT_COUNTERS, &k, value);
}

static int
flush_box(struct vault_txn *t)
{
    if (!t->box_dirty)
        return 0;
    t->box_dirty = false;
    return vault_txn_put_counter(t, VAULT_COUNTER_BOX, t->box_id,
                                 (struct iovec){&t->box, sizeof(t->box)});
}

static int
flush_user(struct vault_txn *t)
{
    if (!t->user_dirty)
        return 0;
    t->user_dirty = false;
    return vault_txn_put_counter(t, VAULT_COUNTER_USER, t->user_id,
                                 (struct iovec){&t->user, sizeof(t->user)});
}

static int
flush_segment(struct vault_txn *t)
{
    if (!t->segment_dirty)
        return 0;
    t->segment_dirty = false;
    return vault_txn_put_counter(
        t, VAULT_COUNTER_SEGMENT, t->segment_id,
        (struct iovec){&t->segment, sizeof(t->segment)});
}

int
vault_txn_box(struct vault_txn *t, uint32_t box, struct vault_box **out)
{
    int rc = 0;

    *out = &t->box;
    if (t->box_id == box && box != 0)
        return 0;
    if ((rc = flush_box(t)) != 0)
        return rc;
    t->box_id = 0;
    rc = vault_get_box(t->v, t->txn, box, &t->box);
    if (rc == 0)
        t->box_id = box;
    return rc;
}

int
vault_txn_user(struct vault_txn *t, uint32_t user, struct vault_user **out)
{
    int rc;

    *out = &t->user;
    if (t->user_id == user && user != 0)
        return 0;
    if ((rc = flush_user(t)) != 0)
        return rc;
    t->user_id = 0;
    rc = vault_get_counter(t->v, t->txn, VAULT_COUNTER_USER, user,
                           (struct iovec){&t->user, sizeof(t->user)});
    if (rc == 0)
        t->user_id = user;
    return rc;
}

int
vault_txn_segment(struct vault_txn *t, uint32_t segment,
                  struct vault_segment **out)
{
    int rc;

    *out = &t->segment;
    if (t->segment_id == segment)
        return 0;
    if ((rc = flush_segment(t)) != 0)
        return rc;
    t->segment_id = 0;
    rc = vault_get_counter(t->v, t->txn, VAULT_COUNTER_SEGMENT, segment,
                           (struct iovec){&t->segment, sizeof(t->segment)});
    if (rc == MDB_NOTFOUND) {
        t->segment = (struct vault_segment){0};
        rc = 0;
    }
    if (rc == 0)
        t->segment_id = segment;
    return rc;
}

static int
flush_state(struct vault_txn *t)
{
    struct vault_segment *s;
    int rc = vault_txn_segment(t, t->state.segment, &s);

    if (rc != 0)
        return rc;
    s->end = t->state.offset;
    t->segment_dirty = true;
    return vault_txn_put_counter(t, VAULT_COUNTER_STATE, 0,
                                 (struct iovec){&t->state, sizeof(t->state)});
}

int
vault_txn_flush(struct vault_txn *t)
{
    int rc;

    /* Without records the log's end stays where it was, and a segment that
     * was to be turned is not. */
    if ((t->draft_count > 0 || t->replay) && (rc = flush_state(t)) != 0)
        return rc;
    if ((rc = vault_set_flush(t)) != 0 || (rc = flush_box(t)) != 0 ||
        (rc = flush_user(t)) != 0)
        return rc;
    return flush_segment(t);
}

/* --- records --- */

static size_t
padded(size_t len)
{
    return (len + 7) & ~(size_t)7;
}

void
vault_txn_record(struct vault_txn *t, struct ptn_slice data,
                 struct ptn_slice more)
{
    struct vault_draft *d;

    assert(!t->open);
    if (t->draft_count == t->draft_cap) {
        t->draft_cap = t->draft_cap ? t->draft_cap * 2 : 16;
        t->drafts = ptn_realloc(t->drafts, t->draft_cap * sizeof(t->drafts[0]));
    }
    d = &t->drafts[t->draft_count++];
    memset(d, 0, sizeof(*d));
    d->data[0] = data;
    d->data[1] = more;
    d->head.data_len = data.len + more.len;
    d->facts_at = t->facts.len;
    t->open = true;
    t->place = (struct vault_place){
        .offset = t->state.offset + sizeof(d->head),
        .length = d->head.data_len,
        .segment = t->state.segment,
    };
}

void
vault_txn_record_end(struct vault_txn *t)
{
    struct vault_draft *d = &t->drafts[t->draft_count - 1];
    size_t facts_len = t->facts.len - d->facts_at;
    uint32_t crc;

    assert(t->open && facts_len <= VAULT_FACTS_MAX);
    t->open = false;
    if (facts_len == 0) {
        t->draft_count--;
        return;
    }
    d->head.magic = VAULT_RECORD_MAGIC;
    d->head.chain = t->state.chain;
    d->head.seq = t->state.seq++;
    d->head.facts_len = (uint32_t)facts_len;
    crc = vault_crc(0, d->data[0].data, d->data[0].len);
    d->head.data_crc = vault_crc(crc, d->data[1].data, d->data[1].len);
    d->head.facts_crc = vault_crc(0, t->facts.data + d->facts_at, facts_len);
    d->head.crc = vault_crc(t->v->seed, &d->head,
                            offsetof(struct vault_record_head, crc));
    t->state.chain = d->head.crc;
    t->state.offset += sizeof(d->head) + padded(d->head.data_len) + facts_len;
}

int
vault_txn_state(struct vault_txn *t, struct vault_fact *fact, size_t fixed_len,
                const struct ptn_slice *text, size_t text_count)
{
    size_t at = t->facts.len, len = fixed_len;

    assert(t->open);
    for (size_t i = 0; i < text_count; i++)
        len += text[i].len;
    assert(padded(len) <= VAULT_FACTS_MAX);
    fact->len = (uint32_t)padded(len);
    fact->spare = 0;
    ptn_buf_add(&t->facts, fact, fixed_len);
    for (size_t i = 0; i < text_count; i++)
        ptn_buf_addslice(&t->facts, text[i]);
    ptn_buf_add(&t->facts, "\0\0\0\0\0\0\0", padded(len) - len);
    return vault_apply(t, (const void *)(t->facts.data + at), &t->place);
}

int
vault_state_user(struct vault_txn *t, uint32_t user, struct ptn_slice name)
{
    struct vault_fact_user f = {
        .head.type = VAULT_FACT_USER,
        .user = user,
        .name_len = (uint32_t)name.len,
    };

    return vault_txn_state(t, &f.head, sizeof(f), &name, 1);
}

int
vault_state_box(struct vault_txn *t, uint32_t box, uint32_t user,
                uint32_t uidvalidity)
{
    struct vault_fact_box f = {
        .head.type = VAULT_FACT_BOX,
        .box = box,
        .user = user,
        .uidvalidity = uidvalidity,
        .uidnext = 1,
        .modseq = 1,
    };

    return vault_txn_state(t, &f.head, sizeof(f), NULL, 0);
}

int
vault_state_name(struct vault_txn *t, uint32_t user, struct ptn_slice name,
                 const struct vault_name *value)
{
    struct vault_fact_name f = {
        .head.type = VAULT_FACT_NAME,
        .user = user,
        .box = value->box,
        .use = value->use,
        .subscribed = value->subscribed != 0,
        .name_len = (uint16_t)name.len,
    };

    return vault_txn_state(t, &f.head, sizeof(f), &name, 1);
}

int
vault_state_message(struct vault_txn *t, uint32_t box, uint32_t uid,
                    const struct vault_message *m)
{
    struct vault_fact_message f = {
        .head.type = VAULT_FACT_MESSAGE,
        .box = box,
        .uid = uid,
        .message = *m,
    };

    return vault_txn_state(t, &f.head, sizeof(f), NULL, 0);
}

int
vault_state_gone(struct vault_txn *t, uint32_t box, uint32_t first,
                 uint32_t last, uint64_t modseq)
{
    struct vault_fact_gone f = {
        .head.type = VAULT_FACT_GONE,
        .modseq = modseq,
        .box = box,
        .first = first,
        .last = last,
    };

    return vault_txn_state(t, &f.head, sizeof(f), NULL, 0);
}
