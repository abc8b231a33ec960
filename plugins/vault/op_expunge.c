/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The operation that removes messages, as runs of UIDs. Committer thread.
 */
#include "commit.h"

#include <postern/arena.h>
#include <postern/mail/flags.h>

struct run {
    uint32_t first, last;
};

struct runs {
    struct run *list;
    size_t count, cap;
};

static void
add_run(struct runs *r, uint32_t first, uint32_t last)
{
    if (r->count > 0 && r->list[r->count - 1].last + 1 == first) {
        r->list[r->count - 1].last = last;
        return;
    }
    if (r->count == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 16;
        r->list = ptn_realloc(r->list, r->cap * sizeof(r->list[0]));
    }
    r->list[r->count++] = (struct run){first, last};
}

static size_t
count_uids(const struct runs *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->count; i++)
        n += r->list[i].last - r->list[i].first + 1;
    return n;
}

static bool
add_deleted(void *arg, uint32_t first, uint32_t last)
{
    add_run(arg, first, last);
    return true;
}

/* All that have \Deleted: there is a set of them. */
static int
collect_deleted(struct vault_txn *t, uint32_t box, struct runs *out)
{
    MDB_cursor *cursor;
    int rc = vault_set_flush(t);

    if (rc == 0)
        rc = mdb_cursor_open(t->txn, t->v->tables[VAULT_SETS], &cursor);
    if (rc != 0)
        return rc;
    rc = vault_set_each(cursor, VAULT_SET_DELETED, box, 0, add_deleted, out);
    mdb_cursor_close(cursor);
    return rc;
}

static int
collect_named(struct vault_txn *t, const struct ptn_store_expunge *op,
              uint32_t box, struct runs *out)
{
    struct vault_message m;
    int rc;

    for (size_t i = 0; i < op->count; i++) {
        rc = vault_get_message(t->v, t->txn, box, op->uids[i], &m);
        if (rc != 0 && rc != MDB_NOTFOUND)
            return rc;
        if (rc == 0 && (op->any || (m.system & PTN_FLAG_DELETED)))
            add_run(out, op->uids[i], op->uids[i]);
    }
    return 0;
}

static int
state_runs(struct vault_txn *t, uint32_t box, const struct runs *r,
           uint64_t modseq)
{
    int rc = 0;

    vault_txn_record(t, (struct ptn_slice){NULL, 0},
                     (struct ptn_slice){NULL, 0});
    for (size_t i = 0; i < r->count && rc == 0; i++)
        rc =
            vault_state_gone(t, box, r->list[i].first, r->list[i].last, modseq);
    vault_txn_record_end(t);
    return rc;
}

static int
expunge_box(struct vault_txn *t, struct ptn_store_expunge *op, uint32_t box)
{
    struct runs r = {0};
    struct vault_box *b;
    int rc =
        op->uids ? collect_named(t, op, box, &r) : collect_deleted(t, box, &r);

    if (rc == 0)
        rc = vault_txn_box(t, box, &b);
    if (rc == 0) {
        if (r.count > VAULT_UIDS_MAX)
            r.count = VAULT_UIDS_MAX; /* the rest another time */
        op->modseq = r.count > 0 ? b->modseq + 1 : b->modseq;
        op->removed = count_uids(&r);
        rc = state_runs(t, box, &r, op->modseq);
    }
    ptn_free(r.list);
    return rc;
}

int
vault_op_expunge(struct vault_txn *t, struct ptn_store_op *base)
{
    struct ptn_store_expunge *op = (void *)base;
    uint32_t box;
    int rc = vault_op_box(t, op->mailbox, &box);

    op->removed = 0;
    op->modseq = 0;
    base->status = box ? PTN_OK : PTN_NOTFOUND;
    return rc != 0 || box == 0 ? rc : expunge_box(t, op, box);
}
