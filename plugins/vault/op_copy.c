/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The operation that copies or moves messages: new messages with the same
 * content, in one record, so all or nothing. Renaming INBOX is a move, too
 * (op_mailbox.c). Committer thread.
 */
#include "op_copy.h"

#include <postern/arena.h>

struct copy {
    struct ptn_store_copy *op;
    uint32_t from, to;          /* boxes */
    struct vault_message *list; /* content 0: the message is gone */
    uint64_t size;
    size_t found;
    uint64_t bits[PTN_KEYWORDS_MAX]; /* of `to`, for each bit of `from` */
};

static int
collect(struct vault_txn *t, struct copy *c)
{
    uint64_t used = 0;
    int rc;

    for (size_t i = 0; i < c->op->count; i++) {
        struct vault_message *m = &c->list[i];

        rc = vault_get_message(t->v, t->txn, c->from, c->op->uids[i], m);
        if (rc != 0 && rc != MDB_NOTFOUND)
            return rc;
        if (rc == MDB_NOTFOUND) {
            m->content = 0;
            continue;
        }
        c->size += m->size;
        c->found++;
        used |= m->keywords;
    }
    for (unsigned n = 0; n < PTN_KEYWORDS_MAX; n++)
        c->bits[n] = used >> n & 1;
    return 0;
}

/* Names of the keywords in use, as the source box has them; the texts are
 * copied, as the index moves while facts are applied. */
static int
name_keywords(struct vault_txn *t, const struct copy *c, struct ptn_buf *text,
              struct ptn_slice *names, size_t *count)
{
    struct vault_key key = vault_key2(c->from, 0);
    MDB_val val = {0, NULL};
    size_t at = 0;
    int rc = vault_get(t->v, t->txn, VAULT_KEYWORDS, &key, &val);

    if (rc != 0 && rc != MDB_NOTFOUND)
        return rc;
    *count = 0;
    for (uint32_t n = 0; n < PTN_KEYWORDS_MAX; n++) {
        struct ptn_slice name = vault_keyword_at(vault_slice(val), n);

        if (c->bits[n] == 0 || name.len == 0)
            continue;
        names[(*count)++].len = name.len;
        ptn_buf_addslice(text, name);
    }
    for (size_t i = 0; i < *count; i++) {
        names[i].data = text->data + at;
        at += names[i].len;
    }
    return 0;
}

/* Turns c->bits from "in use" into "is this bit there". */
static int
map_keywords(struct vault_txn *t, struct copy *c, bool *fits)
{
    struct ptn_slice names[PTN_KEYWORDS_MAX];
    struct ptn_buf text = PTN_BUF_INIT;
    uint64_t all;
    size_t count, k = 0;
    int rc = name_keywords(t, c, &text, names, &count);

    if (rc == 0)
        rc = vault_op_keywords(t, c->to, names, count, true, &all, fits);
    for (unsigned n = 0; n < PTN_KEYWORDS_MAX && rc == 0 && *fits; n++) {
        if (c->bits[n] != 0 && k < count)
            rc = vault_op_keywords(t, c->to, &names[k++], 1, false, &c->bits[n],
                                   fits);
    }
    ptn_buf_free(&text);
    return rc;
}

static uint64_t
map_bits(const struct copy *c, uint64_t keywords)
{
    uint64_t out = 0;

    if (c->from == c->to)
        return keywords;
    for (unsigned n = 0; keywords != 0; n++, keywords >>= 1) {
        if (keywords & 1)
            out |= c->bits[n];
    }
    return out;
}

static int
state_copies(struct vault_txn *t, struct copy *c)
{
    struct ptn_store_copy *op = c->op;
    struct vault_box *b;
    int rc = vault_txn_box(t, c->to, &b);

    for (size_t i = 0; i < op->count && rc == 0; i++) {
        struct vault_message m = c->list[i];

        op->out_uids[i] = 0;
        if (m.content == 0)
            continue;
        m.keywords = map_bits(c, m.keywords);
        m.save_date = t->now;
        m.modseq = b->modseq + 1;
        op->out_uids[i] = b->uidnext;
        rc = vault_state_message(t, c->to, b->uidnext, &m);
    }
    return rc;
}

static int
state_moved(struct vault_txn *t, const struct copy *c)
{
    const struct ptn_store_copy *op = c->op;
    struct vault_box *b;
    uint64_t modseq;
    int rc = vault_txn_box(t, c->from, &b);

    if (rc != 0)
        return rc;
    modseq = b->modseq + 1;
    for (size_t i = 0; i < op->count && rc == 0; i++) {
        size_t first = i;

        if (c->list[i].content == 0)
            continue;
        while (i + 1 < op->count && c->list[i + 1].content != 0 &&
               op->uids[i + 1] == op->uids[i] + 1)
            i++;
        rc = vault_state_gone(t, c->from, op->uids[first], op->uids[i], modseq);
    }
    return rc;
}

/* Everything that can refuse is looked at before a message is stated. */
static int
judge(struct vault_txn *t, struct copy *c)
{
    struct ptn_store_copy *op = c->op;
    struct vault_box *b;
    uint32_t owner;
    bool fits = true;
    int rc = vault_txn_box(t, c->from, &b);

    owner = b->user;
    if (rc != 0 || (rc = vault_txn_box(t, c->to, &b)) != 0)
        return rc;
    op->uidvalidity = b->uidvalidity;
    if (c->found > UINT32_MAX - b->uidnext) {
        op->op.status = PTN_LIMIT;
        return 0;
    }
    if (!(op->move && owner == b->user))
        rc = vault_op_quota(t, op->user, op->quota, c->size, &fits);
    if (rc == 0 && !fits)
        op->op.status = PTN_OVERQUOTA;
    if (rc != 0 || !fits || c->from == c->to)
        return rc;
    rc = map_keywords(t, c, &fits);
    if (rc == 0 && !fits)
        op->op.status = PTN_LIMIT;
    return rc;
}

int
vault_copy_boxes(struct vault_txn *t, struct ptn_store_copy *op, uint32_t from,
                 uint32_t to)
{
    struct copy *c;
    int rc;

    op->op.status = op->count > VAULT_UIDS_MAX ? PTN_LIMIT : PTN_OK;
    if (op->op.status != PTN_OK)
        return 0;
    c = ptn_alloc(sizeof(*c));
    c->op = op;
    c->from = from;
    c->to = to;
    c->list = ptn_alloc((op->count ? op->count : 1) * sizeof(c->list[0]));
    rc = collect(t, c);
    if (rc == 0)
        rc = judge(t, c);
    if (rc == 0 && op->op.status == PTN_OK)
        rc = state_copies(t, c);
    if (rc == 0 && op->op.status == PTN_OK && op->move)
        rc = state_moved(t, c);
    ptn_free(c->list);
    ptn_free(c);
    return rc;
}

int
vault_op_copy(struct vault_txn *t, struct ptn_store_op *base)
{
    struct ptn_store_copy *op = (void *)base;
    uint32_t from, to = 0;
    int rc = vault_op_box(t, op->source, &from);

    if (rc != 0)
        return rc;
    vault_txn_record(t, (struct ptn_slice){NULL, 0},
                     (struct ptn_slice){NULL, 0});
    if (from != 0)
        rc = vault_op_find(t, op->user, op->target, &to);
    base->status = PTN_NOTFOUND;
    if (rc == 0 && from != 0 && to != 0)
        rc = vault_copy_boxes(t, op, from, to);
    vault_txn_record_end(t);
    return rc;
}
