/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Mailboxes, read: list, status, open, info. Any thread; each call is one
 * short transaction for reading.
 *
 * A user without mail is not in the index yet. INBOX "always exists", so
 * such a user's mailboxes (INBOX and those of the option `create`) are shown
 * as they will be when the first message makes them: empty, and with the
 * store's time of creation as UIDVALIDITY, which is what they will get.
 */
#include "read.h"

#include "commit.h"

#include <postern/arena.h>

/* --- handles --- */

/* 0 and the box, or MDB_NOTFOUND; *user is 0 when there is no such user. */
static int
find_box(struct vault *v, MDB_txn *txn, const char *user, struct ptn_slice name,
         struct vault_name *out, uint32_t *user_id)
{
    int rc = vault_get_login(v, txn, user, user_id);

    if (rc != 0) {
        *user_id = 0;
        return rc;
    }
    rc = vault_get_name(v, txn, *user_id, name, out);
    return rc == 0 && out->box == 0 ? MDB_NOTFOUND : rc;
}

static void
settle(struct ptn_mailbox *m, uint32_t box, uint32_t user)
{
    m->box = box;
    m->user = user;
    ptn_free(m->user_name);
    ptn_free(m->name);
    m->user_name = m->name = NULL;
}

static void
resolve(struct vault *v, MDB_txn *txn, struct ptn_mailbox *m)
{
    struct vault_name name;
    uint32_t user;

    if (m->box == 0 && find_box(v, txn, m->user_name, ptn_slice_of(m->name),
                                &name, &user) == 0)
        settle(m, name.box, user);
}

void
vault_mailbox_resolve(struct vault *v, struct ptn_mailbox *m)
{
    struct vault_reader *r;

    if (m->box != 0 || vault_read_begin(v, &r) != 0)
        return;
    resolve(v, r->txn, m);
    vault_read_end(v, r);
}

/* --- info --- */

struct tally {
    uint32_t first, count;
};

static bool
first_of(void *arg, uint32_t first, uint32_t last)
{
    struct tally *t = arg;

    (void)last;
    t->first = first;
    return false;
}

static bool
count_of(void *arg, uint32_t first, uint32_t last)
{
    struct tally *t = arg;

    t->count += last - first + 1;
    return true;
}

static int
fill_info(struct vault *v, struct vault_reader *r, uint32_t box,
          struct ptn_mailbox_info *out)
{
    struct tally unseen = {0}, recent = {0};
    struct vault_box b;
    MDB_cursor *cursor;
    int rc = vault_get_box(v, r->txn, box, &b);

    if (rc != 0 || (rc = vault_read_cursor(v, r, VAULT_SETS, &cursor)) != 0)
        return rc;
    if (b.unseen > 0)
        rc =
            vault_set_each(cursor, VAULT_SET_UNSEEN, box, 0, first_of, &unseen);
    if (rc == 0 && b.recent_from < b.uidnext)
        rc = vault_set_each(cursor, VAULT_SET_MEMBERS, box, b.recent_from,
                            count_of, &recent);
    *out = (struct ptn_mailbox_info){
        .uidvalidity = b.uidvalidity,
        .uidnext = b.uidnext,
        .messages = b.messages,
        .unseen = b.unseen,
        .recent = recent.count,
        .deleted = b.deleted,
        .first_unseen = unseen.first,
        .recent_from = b.recent_from,
        .size = b.size,
        .modseq = b.modseq,
        .keyword_count = b.keywords,
    };
    return rc;
}

static void
empty_info(const struct vault *v, struct ptn_mailbox_info *out)
{
    *out = (struct ptn_mailbox_info){
        .uidvalidity = (uint32_t)v->created,
        .uidnext = 1,
        .recent_from = 1,
        .modseq = 1,
    };
}

/* Names and their text in one block. */
static void
cache_keywords(struct ptn_mailbox *m, struct ptn_slice table, uint32_t count)
{
    size_t head = count * sizeof(struct ptn_slice);
    char *text;

    ptn_free(m->keywords);
    m->keywords = ptn_alloc(head + table.len);
    m->keyword_count = count;
    text = (char *)m->keywords + head;
    memcpy(text, table.data, table.len);
    for (uint32_t n = 0; n < count; n++)
        m->keywords[n] =
            vault_keyword_at((struct ptn_slice){text, table.len}, n);
}

static int
fill_keywords(struct vault *v, MDB_txn *txn, struct ptn_mailbox *m,
              struct ptn_mailbox_info *out)
{
    struct vault_key key = vault_key2(m->box, 0);
    MDB_val val;
    int rc = 0;

    if (out->keyword_count != m->keyword_count) {
        rc = vault_get(v, txn, VAULT_KEYWORDS, &key, &val);
        if (rc == 0)
            cache_keywords(m, vault_slice(val), (uint32_t)out->keyword_count);
    }
    out->keywords = m->keywords;
    return rc;
}

static int
mailbox_info(struct vault *v, struct vault_reader *r, struct ptn_mailbox *m,
             struct ptn_mailbox_info *out)
{
    int rc;

    resolve(v, r->txn, m);
    if (m->box == 0) {
        empty_info(v, out);
        return 0;
    }
    rc = fill_info(v, r, m->box, out);
    return rc == 0 ? fill_keywords(v, r->txn, m, out) : rc;
}

enum ptn_status
vault_info(void *store, struct ptn_mailbox *mailbox,
           struct ptn_mailbox_info *out)
{
    struct vault *v = store;
    struct vault_reader *r;
    int rc = vault_read_begin(v, &r);

    if (rc != 0)
        return vault_index_status(v, rc);
    rc = mailbox_info(v, r, mailbox, out);
    vault_read_end(v, r);
    return vault_index_status(v, rc);
}

enum ptn_status
vault_status(void *store, const char *user, struct ptn_slice mailbox,
             struct ptn_mailbox_info *out)
{
    struct vault *v = store;
    struct vault_reader *r;
    struct vault_name name;
    uint32_t user_id;
    int rc = vault_read_begin(v, &r);

    if (rc != 0)
        return vault_index_status(v, rc);
    rc = find_box(v, r->txn, user, mailbox, &name, &user_id);
    if (rc == 0) {
        rc = fill_info(v, r, name.box, out);
        out->keyword_count = 0; /* they belong to an open mailbox */
    } else if (rc == MDB_NOTFOUND && user_id == 0 &&
               vault_is_initial(v, mailbox)) {
        empty_info(v, out);
        rc = 0;
    }
    vault_read_end(v, r);
    return vault_index_status(v, rc);
}

enum ptn_status
vault_usage(void *store, const char *user, uint64_t *octets)
{
    struct vault *v = store;
    struct vault_reader *r;
    struct vault_user u = {0};
    uint32_t user_id;
    int rc = vault_read_begin(v, &r);

    if (rc != 0)
        return vault_index_status(v, rc);
    rc = vault_get_login(v, r->txn, user, &user_id);
    if (rc == 0)
        rc = vault_get_counter(v, r->txn, VAULT_COUNTER_USER, user_id,
                               (struct iovec){&u, sizeof(u)});
    vault_read_end(v, r);
    *octets = u.usage;
    return rc == MDB_NOTFOUND ? PTN_OK : vault_index_status(v, rc);
}

/* --- open --- */

static bool
add_run(void *arg, uint32_t first, uint32_t last)
{
    ptn_uidmap_add(arg, first, last);
    return true;
}

static int
open_box(struct vault *v, struct vault_reader *r, struct ptn_mailbox *m,
         struct ptn_mailbox_info *info, struct ptn_uidmap *uids)
{
    MDB_cursor *cursor;
    int rc = mailbox_info(v, r, m, info);

    if (rc != 0 || m->box == 0 || !uids)
        return rc;
    rc = vault_read_cursor(v, r, VAULT_SETS, &cursor);
    if (rc != 0)
        return rc;
    return vault_set_each(cursor, VAULT_SET_MEMBERS, m->box, 0, add_run, uids);
}

/* A handle for what the name means now; box 0 for a user without mail. */
static int
make_handle(struct vault *v, MDB_txn *txn, const char *user,
            struct ptn_slice name, struct ptn_mailbox **out)
{
    struct vault_name value;
    struct ptn_mailbox *m;
    uint32_t user_id;
    int rc = find_box(v, txn, user, name, &value, &user_id);

    if (rc != 0 &&
        !(rc == MDB_NOTFOUND && user_id == 0 && vault_is_initial(v, name)))
        return rc;
    m = ptn_alloc(sizeof(*m));
    if (rc == 0) {
        settle(m, value.box, user_id);
    } else {
        m->user_name = ptn_strdup(user);
        m->name = ptn_alloc(name.len + 1);
        memcpy(m->name, name.data, name.len);
    }
    *out = m;
    return 0;
}

static void
claim_recent(struct vault *v, const struct ptn_mailbox *m,
             const struct ptn_mailbox_info *info)
{
    struct vault_claim *c;

    if (m->box == 0 || info->recent_from >= info->uidnext)
        return;
    c = ptn_alloc(sizeof(*c));
    c->box = m->box;
    c->recent_from = info->uidnext;
    vault_submit(v, &c->op, VAULT_OP_CLAIM);
}

enum ptn_status
vault_mailbox_open(void *store, const char *user, struct ptn_slice mailbox,
                   bool writable, struct ptn_mailbox **out,
                   struct ptn_mailbox_info *info, struct ptn_uidmap *uids)
{
    struct vault *v = store;
    struct vault_reader *r;
    struct ptn_mailbox_info own;
    struct ptn_mailbox *m = NULL;
    int rc = vault_read_begin(v, &r);

    if (rc != 0)
        return vault_index_status(v, rc);
    if (!info)
        info = &own;
    if (uids)
        ptn_uidmap_clear(uids);
    rc = make_handle(v, r->txn, user, mailbox, &m);
    if (rc == 0)
        rc = open_box(v, r, m, info, uids);
    vault_read_end(v, r);
    if (rc != 0) {
        if (m)
            vault_mailbox_close(v, m);
        return vault_index_status(v, rc);
    }
    m->uidvalidity = info->uidvalidity;
    if (writable)
        claim_recent(v, m, info);
    *out = m;
    return PTN_OK;
}

void
vault_mailbox_close(void *store, struct ptn_mailbox *mailbox)
{
    (void)store;
    ptn_free(mailbox->user_name);
    ptn_free(mailbox->name);
    ptn_free(mailbox->keywords);
    ptn_free(mailbox);
}
