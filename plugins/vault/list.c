/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The list of a user's mailboxes. Keys put children right behind their
 * parent (index.h), so one walk finds parents that are merely implied, and
 * one step from a name tells whether it has children. Any thread.
 */
#include "commit.h"
#include "read.h"

struct list {
    bool (*fn)(void *arg, const struct ptn_mailbox_entry *entry);
    void *arg;
    uint32_t user;
    MDB_cursor *below; /* to look for children */
    bool stopped;
    bool inbox_pass;                     /* INBOX first, then the others */
    char last[PTN_MAILBOX_NAME_MAX + 1]; /* the name told last */
    size_t last_len;
};

static bool
is_inbox(struct ptn_slice name)
{
    return ptn_slice_eq(name, PTN_SLICE("INBOX"));
}

/* A mere subscription is in no tree: it does not count as told. */
static void
tell(struct list *l, const struct ptn_mailbox_entry *e)
{
    if (e->exists || e->has_children) {
        memcpy(l->last, e->name.data, e->name.len);
        l->last_len = e->name.len;
    }
    if (l->stopped || is_inbox(e->name) != l->inbox_pass)
        return;
    l->stopped = !l->fn(l->arg, e);
}

/* Whether `parent` (of `len` octets) is the last name told or above it. */
static bool
was_told(const struct list *l, const char *parent, size_t len)
{
    return l->last_len >= len && memcmp(l->last, parent, len) == 0 &&
           (l->last_len == len || l->last[len] == '/');
}

/* Parents of `name` that have no entry of their own. */
static void
tell_parents(struct list *l, struct ptn_slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] == '/' && !was_told(l, name.data, i))
            tell(l, &(struct ptn_mailbox_entry){
                        .name = ptn_slice_sub(name, 0, i),
                        .has_children = true,
                    });
    }
}

/* One entry off the table; its name as it is written. */
struct row {
    struct vault_name value;
    char name[PTN_MAILBOX_NAME_MAX + 1];
    size_t len;
};

static int
read_row(const MDB_val *key, const MDB_val *val, uint32_t user, struct row *out)
{
    const char *name = (const char *)key->mv_data + 4;

    if (vault_key_u32(key, 0) != user)
        return MDB_NOTFOUND;
    if (val->mv_size != sizeof(out->value) ||
        key->mv_size - 4 > PTN_MAILBOX_NAME_MAX)
        return MDB_CORRUPTED;
    memcpy(&out->value, val->mv_data, sizeof(out->value));
    out->len = key->mv_size - 4;
    for (size_t i = 0; i < out->len; i++)
        out->name[i] = name[i] == '\1' ? '/' : name[i];
    return 0;
}

/* Whether a mailbox is below `name`; subscriptions alone do not count. */
static int
look_below(struct list *l, struct ptn_slice name, bool *found)
{
    struct vault_name_key from;
    struct vault_name value;
    MDB_val key, val;
    int rc;

    *found = false;
    if (name.len == PTN_MAILBOX_NAME_MAX)
        return 0;
    vault_key_name(l->user, name, &from);
    from.data[from.len++] = '\1';
    key = (MDB_val){from.len, from.data};
    rc = mdb_cursor_get(l->below, &key, &val, MDB_SET_RANGE);
    for (; rc == 0; rc = mdb_cursor_get(l->below, &key, &val, MDB_NEXT)) {
        if (key.mv_size < from.len ||
            memcmp(key.mv_data, from.data, from.len) != 0)
            return 0;
        memcpy(&value, val.mv_data, sizeof(value));
        if (value.box != 0) {
            *found = true;
            return 0;
        }
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
tell_row(struct list *l, const struct row *row)
{
    struct ptn_mailbox_entry e = {
        .name = {row->name, row->len},
        .exists = row->value.box != 0,
        .subscribed = row->value.subscribed,
        .special_use = row->value.use,
    };
    int rc = look_below(l, e.name, &e.has_children);

    if (rc != 0)
        return rc;
    if (e.exists)
        tell_parents(l, e.name);
    tell(l, &e);
    return 0;
}

static int
walk(MDB_cursor *cursor, struct list *l)
{
    struct vault_name_key from;
    struct row row;
    MDB_val key, val;
    int rc;

    vault_key_name(l->user, (struct ptn_slice){NULL, 0}, &from);
    key = (MDB_val){from.len, from.data};
    rc = mdb_cursor_get(cursor, &key, &val, MDB_SET_RANGE);
    while (rc == 0 && (rc = read_row(&key, &val, l->user, &row)) == 0 &&
           (rc = tell_row(l, &row)) == 0 && !l->stopped)
        rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
list_user(struct vault *v, struct vault_reader *r, struct list *l)
{
    MDB_cursor *cursor;
    int rc = vault_read_cursor(v, r, VAULT_NAMES, &cursor);

    if (rc == 0)
        rc = mdb_cursor_open(r->txn, v->tables[VAULT_NAMES], &l->below);
    if (rc != 0)
        return rc;
    l->inbox_pass = true;
    rc = walk(cursor, l);
    l->inbox_pass = false;
    l->last_len = 0;
    if (rc == 0 && !l->stopped)
        rc = walk(cursor, l);
    mdb_cursor_close(l->below);
    return rc;
}

static int
compare(struct ptn_slice a, struct ptn_slice b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

/* The first of the option `create` behind `last` in name order, or NULL. */
static const char *
next_initial(const struct ptn_strings *create, struct ptn_slice last)
{
    const char *best = NULL;

    for (size_t i = 0; i < create->count; i++) {
        struct ptn_slice name = ptn_slice_of(create->items[i]);

        if (compare(name, last) > 0 &&
            (!best || compare(name, ptn_slice_of(best)) < 0))
            best = create->items[i];
    }
    return best;
}

/* A user without mail: what the first message will make. */
static void
list_initial(struct vault *v, struct list *l)
{
    const struct ptn_strings *create = &v->options->create;
    const char *name = "";

    l->inbox_pass = true;
    tell(l, &(struct ptn_mailbox_entry){.name = PTN_SLICE("INBOX"),
                                        .exists = true,
                                        .subscribed = true});
    l->inbox_pass = false;
    while ((name = next_initial(create, ptn_slice_of(name))))
        tell(l, &(struct ptn_mailbox_entry){
                    .name = ptn_slice_of(name),
                    .exists = true,
                    .subscribed = true,
                    .special_use = vault_use_of(name),
                });
}

enum ptn_status
vault_list(void *store, const char *user,
           bool (*fn)(void *arg, const struct ptn_mailbox_entry *entry),
           void *arg)
{
    struct vault *v = store;
    struct list l = {.fn = fn, .arg = arg};
    struct vault_reader *r;
    int rc = vault_read_begin(v, &r);

    if (rc != 0)
        return vault_index_status(v, rc);
    rc = vault_get_login(v, r->txn, user, &l.user);
    if (rc == 0)
        rc = list_user(v, r, &l);
    else if (rc == MDB_NOTFOUND) {
        list_initial(v, &l);
        rc = 0;
    }
    vault_read_end(v, r);
    return vault_index_status(v, rc);
}
