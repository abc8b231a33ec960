/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The operation that changes flags. A message that already is as asked for
 * keeps its modseq (RFC 7162 section 3.1.3 leaves that open), so a client
 * that repeats itself costs the others nothing. Committer thread.
 */
#include "commit.h"

#include <postern/mail/flags.h>

static struct ptn_flags
change_flags(struct ptn_flags now, struct ptn_flags by,
             enum ptn_flag_change change)
{
    switch (change) {
    case PTN_FLAGS_ADD:
        now.system |= by.system;
        now.keywords |= by.keywords;
        return now;
    case PTN_FLAGS_REMOVE:
        now.system &= ~by.system;
        now.keywords &= ~by.keywords;
        return now;
    case PTN_FLAGS_SET:
    default:
        return by;
    }
}

static int
flag_one(struct vault_txn *t, struct ptn_store_flags *op, uint32_t box,
         uint32_t uid, struct ptn_flags by)
{
    struct vault_message m;
    struct ptn_flags to;
    struct vault_fact_flags f = {.head.type = VAULT_FACT_FLAGS};
    int rc = vault_get_message(t->v, t->txn, box, uid, &m);

    if (rc != 0)
        return rc == MDB_NOTFOUND ? 0 : rc;
    to = change_flags((struct ptn_flags){m.keywords, m.system}, by, op->change);
    if (m.modseq > op->unchanged_since ||
        (to.system == m.system && to.keywords == m.keywords))
        return 0;
    f.box = box;
    f.uid = uid;
    f.modseq = op->modseq;
    f.keywords = to.keywords;
    f.system = to.system;
    op->changed++;
    return vault_txn_state(t, &f.head, sizeof(f), NULL, 0);
}

static int
flag_all(struct vault_txn *t, struct ptn_store_flags *op, uint32_t box)
{
    struct ptn_flags by = {.system = op->system_flags};
    struct vault_box *b;
    bool fits;
    int rc =
        vault_op_keywords(t, box, op->keywords, op->keyword_count,
                          op->change != PTN_FLAGS_REMOVE, &by.keywords, &fits);

    if (rc != 0 || (rc = vault_txn_box(t, box, &b)) != 0)
        return rc;
    if (!fits) {
        op->op.status = PTN_LIMIT;
        return 0;
    }
    op->modseq = b->modseq + 1;
    for (size_t i = 0; i < op->count && rc == 0; i++)
        rc = flag_one(t, op, box, op->uids[i], by);
    if (op->changed == 0)
        op->modseq = b->modseq;
    return rc;
}

int
vault_op_flags(struct vault_txn *t, struct ptn_store_op *base)
{
    struct ptn_store_flags *op = (void *)base;
    uint32_t box;
    int rc = vault_op_box(t, op->mailbox, &box);

    op->changed = 0;
    op->modseq = 0;
    base->status = box == 0                     ? PTN_NOTFOUND
                   : op->count > VAULT_UIDS_MAX ? PTN_LIMIT
                                                : PTN_OK;
    if (rc != 0 || base->status != PTN_OK)
        return rc;
    vault_txn_record(t, (struct ptn_slice){NULL, 0},
                     (struct ptn_slice){NULL, 0});
    rc = flag_all(t, op, box);
    vault_txn_record_end(t);
    return rc;
}
