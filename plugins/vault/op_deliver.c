/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Operations that bring a message: deliver and append. Committer thread.
 */
#include "commit.h"

static uint64_t
content_size(const struct ptn_content *c)
{
    return c->prefix.len + c->body.len;
}

/* --- deliver --- */

/* Whether UIDs are left in the user's INBOX. */
static int
inbox_takes(struct vault_txn *t, const char *user, bool *takes)
{
    struct vault_name name;
    struct vault_box *b;
    uint32_t user_id;
    int rc = vault_get_login(t->v, t->txn, user, &user_id);

    *takes = true;
    if (rc != 0)
        return rc == MDB_NOTFOUND ? 0 : rc;
    if ((rc = vault_get_name(t->v, t->txn, user_id, PTN_SLICE("INBOX"),
                             &name)) != 0 ||
        (rc = vault_txn_box(t, name.box, &b)) != 0)
        return rc;
    *takes = b->uidnext < UINT32_MAX;
    return 0;
}

static int
judge_target(struct vault_txn *t, struct ptn_store_target *target,
             uint64_t size)
{
    bool fits, takes;
    int rc = vault_op_quota(t, target->user, target->quota, size, &fits);

    if (rc == 0)
        rc = inbox_takes(t, target->user, &takes);
    if (rc != 0)
        return rc;
    target->uid = 0;
    target->status = !fits ? PTN_OVERQUOTA : takes ? PTN_OK : PTN_LIMIT;
    return 0;
}

/* What each target will say. *refused: the first that says no. */
static int
judge_targets(struct vault_txn *t, struct ptn_store_deliver *op,
              enum ptn_status *refused, size_t *good)
{
    *refused = PTN_OK;
    *good = 0;
    for (size_t i = 0; i < op->count; i++) {
        struct ptn_store_target *target = &op->targets[i];
        int rc = judge_target(t, target, content_size(op->content));

        if (rc != 0)
            return rc;
        if (target->status == PTN_OK)
            (*good)++;
        else if (*refused == PTN_OK)
            *refused = target->status;
    }
    return 0;
}

/* Into the INBOX of one user, with the box's next numbers. */
static int
deliver_one(struct vault_txn *t, struct ptn_store_target *target,
            const struct vault_message *like)
{
    struct vault_message m = *like;
    struct vault_box *b;
    uint32_t box;
    int rc = vault_op_find(t, target->user, PTN_SLICE("INBOX"), &box);

    if (rc != 0 || (rc = vault_txn_box(t, box, &b)) != 0)
        return rc;
    target->uid = b->uidnext;
    m.modseq = b->modseq + 1;
    return vault_state_message(t, box, target->uid, &m);
}

static int
deliver_all(struct vault_txn *t, struct ptn_store_deliver *op)
{
    struct vault_message m = {
        .size = content_size(op->content),
        .internal_date = t->now,
        .save_date = t->now,
    };
    int rc;

    vault_txn_record(t, op->content->prefix, op->content->body);
    rc = vault_op_content(t, op->content, &m.content);
    for (size_t i = 0; i < op->count && rc == 0; i++) {
        if (op->targets[i].status == PTN_OK)
            rc = deliver_one(t, &op->targets[i], &m);
    }
    vault_txn_record_end(t);
    return rc;
}

int
vault_op_deliver(struct vault_txn *t, struct ptn_store_op *base)
{
    struct ptn_store_deliver *op = (void *)base;
    enum ptn_status refused;
    size_t good;
    int rc;

    if (op->count > PTN_STORE_RECIPIENTS_MAX) {
        base->status = PTN_LIMIT;
        return 0;
    }
    rc = judge_targets(t, op, &refused, &good);
    if (rc != 0)
        return rc;
    base->status = good > 0 && !(op->atomic && refused) ? PTN_OK : refused;
    return base->status == PTN_OK && good > 0 ? deliver_all(t, op) : 0;
}

/* --- append --- */

/* Whether the mailbox takes it; everything that can refuse it is looked at
 * before the first fact is stated, so that a refusal changes nothing. */
static int
judge_append(struct vault_txn *t, struct ptn_store_append *op, uint32_t *box)
{
    struct vault_box *b;
    bool fits;
    int rc = vault_op_quota(t, op->user, op->quota, content_size(op->content),
                            &fits);

    if (rc != 0)
        return rc;
    if (!fits) {
        op->op.status = PTN_OVERQUOTA;
        return 0;
    }
    if ((rc = vault_op_find(t, op->user, op->mailbox, box)) != 0)
        return rc;
    if (*box == 0) {
        op->op.status = PTN_NOTFOUND;
        return 0;
    }
    rc = vault_txn_box(t, *box, &b);
    op->op.status = rc == 0 && b->uidnext == UINT32_MAX ? PTN_LIMIT : PTN_OK;
    return rc;
}

static int
state_append(struct vault_txn *t, struct ptn_store_append *op, uint32_t box,
             uint64_t keywords)
{
    bool now = op->internal_date == INT64_MIN;
    struct vault_message m = {
        .keywords = keywords,
        .size = content_size(op->content),
        .internal_date = now ? t->now : op->internal_date,
        .save_date = t->now,
        .system = op->system_flags,
        .zone = now ? 0 : op->internal_zone,
    };
    struct vault_box *b;
    int rc = vault_op_content(t, op->content, &m.content);

    if (rc != 0 || (rc = vault_txn_box(t, box, &b)) != 0)
        return rc;
    m.modseq = b->modseq + 1;
    op->uid = b->uidnext;
    op->uidvalidity = b->uidvalidity;
    return vault_state_message(t, box, op->uid, &m);
}

static int
append_in_record(struct vault_txn *t, struct ptn_store_append *op)
{
    uint64_t keywords;
    uint32_t box = 0;
    bool fits;
    int rc = judge_append(t, op, &box);

    if (rc != 0 || op->op.status != PTN_OK)
        return rc;
    rc = vault_op_keywords(t, box, op->keywords, op->keyword_count, true,
                           &keywords, &fits);
    if (rc != 0)
        return rc;
    if (!fits) {
        op->op.status = PTN_LIMIT;
        return 0;
    }
    return state_append(t, op, box, keywords);
}

int
vault_op_append(struct vault_txn *t, struct ptn_store_op *base)
{
    struct ptn_store_append *op = (void *)base;
    int rc;

    vault_txn_record(t, op->content->prefix, op->content->body);
    rc = append_in_record(t, op);
    vault_txn_record_end(t);
    return rc;
}
