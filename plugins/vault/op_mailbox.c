/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Operations on mailboxes themselves: create, delete, rename, subscribe
 * (RFC 3501 sections 6.3.3 to 6.3.7). A mailbox is a number; names are a
 * table that leads to it, so that renaming moves no message. Committer
 * thread.
 */
#include "op_copy.h"

#include <postern/arena.h>
#include <postern/mail/address.h>

static bool
is_inbox(struct ptn_slice name)
{
    return ptn_slice_eq(name, PTN_SLICE("INBOX"));
}

/* An absent name reads as no box, not subscribed. */
static int
look(struct vault_txn *t, uint32_t user, struct ptn_slice name,
     struct vault_name *out)
{
    int rc = vault_get_name(t->v, t->txn, user, name, out);

    if (rc == MDB_NOTFOUND)
        *out = (struct vault_name){0};
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* UIDVALIDITY rises with each new mailbox, so a name that is used again
 * never repeats one (RFC 3501 section 2.3.1.1). */
static int
make_box(struct vault_txn *t, uint32_t user, struct ptn_slice name,
         unsigned special_use)
{
    uint32_t validity = (uint32_t)t->now;
    struct vault_name value;
    int rc = look(t, user, name, &value);

    if (rc != 0)
        return rc;
    if (validity <= t->state.uidvalidity)
        validity = t->state.uidvalidity + 1;
    value.box = t->state.next_box;
    value.use = special_use;
    rc = vault_state_box(t, value.box, user, validity);
    return rc == 0 ? vault_state_name(t, user, name, &value) : rc;
}

/* How many boxes `name` and its missing parents are. */
static int
count_missing(struct vault_txn *t, uint32_t user, struct ptn_slice name,
              uint32_t *out)
{
    struct vault_name value;
    int rc = 0;

    *out = 1;
    for (size_t i = 0; i < name.len && rc == 0; i++) {
        if (name.data[i] != '/')
            continue;
        rc = look(t, user, ptn_slice_sub(name, 0, i), &value);
        if (rc == 0 && value.box == 0)
            (*out)++;
    }
    return rc;
}

static int
make_parents(struct vault_txn *t, uint32_t user, struct ptn_slice name)
{
    struct vault_name value;
    int rc = 0;

    for (size_t i = 0; i < name.len && rc == 0; i++) {
        struct ptn_slice parent = ptn_slice_sub(name, 0, i);

        if (name.data[i] != '/' || (rc = look(t, user, parent, &value)) != 0 ||
            value.box != 0)
            continue;
        rc = make_box(t, user, parent, 0);
    }
    return rc;
}

/* Whether `more` boxes are within the user's limit. */
static int
check_limit(struct vault_txn *t, uint32_t user, uint32_t more, bool *fits)
{
    struct vault_user *u;
    int rc = vault_txn_user(t, user, &u);

    *fits = rc == 0 && u->boxes + more <= PTN_MAILBOXES_MAX;
    return rc;
}

/* Whether `name` can be made; OK, EXISTS or LIMIT in the op's status. */
static int
judge_new(struct vault_txn *t, struct ptn_store_op *op, uint32_t user,
          struct ptn_slice name)
{
    struct vault_name value;
    uint32_t missing;
    bool fits;
    int rc = look(t, user, name, &value);

    if (rc != 0 || (rc = count_missing(t, user, name, &missing)) != 0 ||
        (rc = check_limit(t, user, missing, &fits)) != 0)
        return rc;
    op->status = value.box != 0 ? PTN_EXISTS : fits ? PTN_OK : PTN_LIMIT;
    return 0;
}

static int
create(struct vault_txn *t, struct ptn_store_mailbox *op, uint32_t user)
{
    int rc = judge_new(t, &op->op, user, op->name);

    if (rc != 0 || op->op.status != PTN_OK)
        return rc;
    rc = make_parents(t, user, op->name);
    return rc == 0 ? make_box(t, user, op->name, op->special_use) : rc;
}

/* Children stay; their parent is then a mere name (RFC 9051 section
 * 6.3.5). A subscription outlives its mailbox (section 6.3.7). */
static int
remove_box(struct vault_txn *t, struct ptn_store_mailbox *op, uint32_t user)
{
    struct vault_fact_box_gone f = {.head.type = VAULT_FACT_BOX_GONE};
    struct vault_name value;
    int rc = look(t, user, op->name, &value);

    if (rc != 0)
        return rc;
    op->op.status = is_inbox(op->name) ? PTN_DENIED
                    : value.box == 0   ? PTN_NOTFOUND
                                       : PTN_OK;
    if (op->op.status != PTN_OK)
        return 0;
    f.box = value.box;
    value.box = 0;
    value.use = 0;
    rc = vault_state_name(t, user, op->name, &value);
    return rc == 0 ? vault_txn_state(t, &f.head, sizeof(f), NULL, 0) : rc;
}

static int
subscribe(struct vault_txn *t, struct ptn_store_mailbox *op, uint32_t user)
{
    bool on = op->change == PTN_MAILBOX_SUBSCRIBE;
    struct vault_name value;
    int rc = look(t, user, op->name, &value);

    op->op.status = PTN_OK;
    if (rc != 0 || on == (value.subscribed != 0))
        return rc;
    value.subscribed = on;
    return vault_state_name(t, user, op->name, &value);
}

/* --- rename --- */

struct moved_name {
    struct vault_name value;
    size_t len;
    char name[PTN_MAILBOX_NAME_MAX];
};

struct moved {
    struct moved_name *list;
    size_t count, cap;
};

static void
add_moved(struct moved *all, const MDB_val *key, const MDB_val *val)
{
    struct moved_name *m;

    if (all->count == all->cap) {
        all->cap = all->cap ? all->cap * 2 : 16;
        all->list = ptn_realloc(all->list, all->cap * sizeof(all->list[0]));
    }
    m = &all->list[all->count++];
    m->len = key->mv_size - 4;
    for (size_t i = 0; i < m->len; i++) {
        char c = ((const char *)key->mv_data)[4 + i];

        m->name[i] = c == '\1' ? '/' : c;
    }
    memcpy(&m->value, val->mv_data, sizeof(m->value));
}

/* The name and all below it, mailboxes only: a subscription to a name that
 * has none stays where it is. */
static int
collect_names(struct vault_txn *t, uint32_t user, struct ptn_slice name,
              struct moved *out)
{
    struct vault_name_key from;
    MDB_val key, val;
    MDB_cursor *cursor;
    int rc = mdb_cursor_open(t->txn, t->v->tables[VAULT_NAMES], &cursor);

    if (rc != 0)
        return rc;
    vault_key_name(user, name, &from);
    key = (MDB_val){from.len, from.data};
    rc = mdb_cursor_get(cursor, &key, &val, MDB_SET_RANGE);
    while (rc == 0 && key.mv_size >= from.len &&
           memcmp(key.mv_data, from.data, from.len) == 0) {
        struct vault_name value;

        memcpy(&value, val.mv_data, sizeof(value));
        if (value.box != 0 && (key.mv_size == from.len ||
                               ((const char *)key.mv_data)[from.len] == '\1'))
            add_moved(out, &key, &val);
        rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static struct ptn_slice
renamed(const struct ptn_store_mailbox *op, const struct moved_name *m,
        struct ptn_buf *into)
{
    into->len = 0;
    ptn_buf_addslice(into, op->new_name);
    ptn_buf_add(into, m->name + op->name.len, m->len - op->name.len);
    return ptn_buf_slice(into);
}

/* All of the new names must be possible and free. */
static int
judge_rename(struct vault_txn *t, struct ptn_store_mailbox *op, uint32_t user,
             const struct moved *all)
{
    struct ptn_buf name = PTN_BUF_INIT;
    struct vault_name value;
    int rc = judge_new(t, &op->op, user, op->new_name);

    for (size_t i = 0; i < all->count && rc == 0; i++) {
        if (op->op.status != PTN_OK)
            break;
        renamed(op, &all->list[i], &name);
        if (!ptn_mailbox_name_valid(ptn_buf_slice(&name))) {
            op->op.status = PTN_DENIED;
            break;
        }
        rc = look(t, user, ptn_buf_slice(&name), &value);
        if (rc == 0 && value.box != 0)
            op->op.status = PTN_EXISTS;
    }
    ptn_buf_free(&name);
    return rc;
}

/* The old name keeps its subscription (RFC 3501 section 6.3.5 does not move
 * it), and the new one the subscription that it may have. */
static int
rename_one(struct vault_txn *t, struct ptn_store_mailbox *op, uint32_t user,
           const struct moved_name *m)
{
    struct ptn_slice old = {m->name, m->len}, to;
    struct vault_name left = {.subscribed = m->value.subscribed};
    struct vault_name value;
    struct ptn_buf text = PTN_BUF_INIT;
    int rc;

    to = renamed(op, m, &text);
    rc = look(t, user, to, &value);
    value.box = m->value.box;
    value.use = m->value.use;
    if (rc == 0)
        rc = vault_state_name(t, user, old, &left);
    if (rc == 0)
        rc = vault_state_name(t, user, to, &value);
    ptn_buf_free(&text);
    return rc;
}

static int
rename_names(struct vault_txn *t, struct ptn_store_mailbox *op, uint32_t user)
{
    struct moved all = {0};
    int rc = collect_names(t, user, op->name, &all);

    op->op.status = PTN_NOTFOUND;
    if (rc == 0 && all.count > 0)
        rc = judge_rename(t, op, user, &all);
    if (rc == 0 && op->op.status == PTN_OK)
        rc = make_parents(t, user, op->new_name);
    for (size_t i = 0; i < all.count && rc == 0; i++) {
        if (op->op.status == PTN_OK)
            rc = rename_one(t, op, user, &all.list[i]);
    }
    ptn_free(all.list);
    return rc;
}

struct uids {
    uint32_t *list;
    size_t count;
};

static bool
add_uids(void *arg, uint32_t first, uint32_t last)
{
    struct uids *u = arg;

    for (uint64_t uid = first; uid <= last; uid++)
        u->list[u->count++] = (uint32_t)uid;
    return true;
}

/* RFC 3501 section 6.3.5: renaming INBOX moves its messages and leaves it
 * empty; its children stay. */
static int
move_all(struct vault_txn *t, struct ptn_store_mailbox *op, uint32_t from,
         uint32_t to)
{
    struct ptn_store_copy move = {.user = op->user, .move = true};
    struct uids u = {0};
    struct vault_box *b;
    MDB_cursor *cursor;
    int rc = vault_txn_box(t, from, &b);

    if (rc != 0 || b->messages == 0 || (rc = vault_set_flush(t)) != 0 ||
        (rc = mdb_cursor_open(t->txn, t->v->tables[VAULT_SETS], &cursor)) != 0)
        return rc;
    u.list = ptn_alloc(b->messages * sizeof(u.list[0]));
    rc = vault_set_each(cursor, VAULT_SET_MEMBERS, from, 0, add_uids, &u);
    mdb_cursor_close(cursor);
    move.uids = u.list;
    move.count = u.count;
    move.out_uids = ptn_alloc(u.count * sizeof(u.list[0]));
    if (rc == 0)
        rc = vault_copy_boxes(t, &move, from, to);
    op->op.status = move.op.status;
    ptn_free(move.out_uids);
    ptn_free(u.list);
    return rc;
}

static int
rename_inbox(struct vault_txn *t, struct ptn_store_mailbox *op, uint32_t user,
             uint32_t inbox)
{
    struct vault_name value;
    int rc = judge_new(t, &op->op, user, op->new_name);

    if (rc != 0 || op->op.status != PTN_OK)
        return rc;
    if ((rc = make_parents(t, user, op->new_name)) != 0 ||
        (rc = make_box(t, user, op->new_name, 0)) != 0 ||
        (rc = look(t, user, op->new_name, &value)) != 0)
        return rc;
    return move_all(t, op, inbox, value.box);
}

static bool
is_below(struct ptn_slice name, struct ptn_slice top)
{
    return name.len > top.len && name.data[top.len] == '/' &&
           memcmp(name.data, top.data, top.len) == 0;
}

static int
rename_box(struct vault_txn *t, struct ptn_store_mailbox *op, uint32_t user)
{
    struct vault_name value;
    int rc = look(t, user, op->name, &value);

    if (rc != 0)
        return rc;
    if (!ptn_mailbox_name_valid(op->new_name) ||
        (!is_inbox(op->name) && is_below(op->new_name, op->name))) {
        op->op.status = PTN_DENIED;
        return 0;
    }
    return is_inbox(op->name) ? rename_inbox(t, op, user, value.box)
                              : rename_names(t, op, user);
}

/* --- */

static int
decide(struct vault_txn *t, struct ptn_store_mailbox *op, uint32_t user)
{
    switch (op->change) {
    case PTN_MAILBOX_CREATE:
        return create(t, op, user);
    case PTN_MAILBOX_DELETE:
        return remove_box(t, op, user);
    case PTN_MAILBOX_RENAME:
        return rename_box(t, op, user);
    case PTN_MAILBOX_SUBSCRIBE:
    case PTN_MAILBOX_UNSUBSCRIBE:
        return subscribe(t, op, user);
    }
    op->op.status = PTN_UNSUPPORTED;
    return 0;
}

int
vault_op_change(struct vault_txn *t, struct ptn_store_op *base)
{
    struct ptn_store_mailbox *op = (void *)base;
    uint32_t user;
    int rc;

    base->status = PTN_DENIED;
    if (!ptn_mailbox_name_valid(op->name))
        return 0;
    vault_txn_record(t, (struct ptn_slice){NULL, 0},
                     (struct ptn_slice){NULL, 0});
    rc = vault_op_user(t, op->user, &user);
    if (rc == 0)
        rc = decide(t, op, user);
    vault_txn_record_end(t);
    return rc;
}
