/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What several operations need: users made on first use, names to boxes,
 * keywords to bits, quotas. Committer thread, inside a write transaction.
 */
#include "commit.h"

#include <postern/mail/flags.h>
#include <strings.h>

/* --- users --- */

static const struct {
    const char *name;
    uint32_t use;
} special_names[] = {
    {"Archive", PTN_USE_ARCHIVE}, {"Archives", PTN_USE_ARCHIVE},
    {"Drafts", PTN_USE_DRAFTS},   {"Junk", PTN_USE_JUNK},
    {"Spam", PTN_USE_JUNK},       {"Sent", PTN_USE_SENT},
    {"Sent Items", PTN_USE_SENT}, {"Trash", PTN_USE_TRASH},
};

uint32_t
vault_use_of(const char *name)
{
    for (size_t i = 0; i < PTN_COUNT(special_names); i++) {
        if (strcasecmp(special_names[i].name, name) == 0)
            return special_names[i].use;
    }
    return 0;
}

bool
vault_is_initial(const struct vault *v, struct ptn_slice name)
{
    const struct ptn_strings *create = &v->options->create;

    if (ptn_slice_eq(name, PTN_SLICE("INBOX")))
        return true;
    for (size_t i = 0; i < create->count; i++) {
        if (ptn_slice_eq(name, ptn_slice_of(create->items[i])))
            return true;
    }
    return false;
}

/* UIDVALIDITY is what readers were told before the user was made. */
static int
make_initial(struct vault_txn *t, uint32_t user, const char *name)
{
    struct vault_name value = {
        .box = t->state.next_box,
        .use = vault_use_of(name),
        .subscribed = true,
    };
    int rc = vault_state_box(t, value.box, user, (uint32_t)t->v->created);

    return rc == 0 ? vault_state_name(t, user, ptn_slice_of(name), &value) : rc;
}

static int
make_user(struct vault_txn *t, const char *name, uint32_t *user)
{
    const struct ptn_strings *create = &t->v->options->create;
    int rc;

    *user = t->state.next_user;
    rc = vault_state_user(t, *user, ptn_slice_of(name));
    if (rc == 0)
        rc = make_initial(t, *user, "INBOX");
    for (size_t i = 0; i < create->count && rc == 0; i++)
        rc = make_initial(t, *user, create->items[i]);
    return rc;
}

int
vault_op_user(struct vault_txn *t, const char *name, uint32_t *user)
{
    int rc = vault_get_login(t->v, t->txn, name, user);

    return rc == MDB_NOTFOUND ? make_user(t, name, user) : rc;
}

int
vault_op_find(struct vault_txn *t, const char *user, struct ptn_slice name,
              uint32_t *box)
{
    struct vault_name value;
    uint32_t user_id;
    int rc = vault_get_login(t->v, t->txn, user, &user_id);

    *box = 0;
    if (rc == MDB_NOTFOUND) {
        if (!vault_is_initial(t->v, name))
            return 0;
        rc = make_user(t, user, &user_id);
    }
    if (rc != 0)
        return rc;
    rc = vault_get_name(t->v, t->txn, user_id, name, &value);
    if (rc == 0)
        *box = value.box;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* The handle is the session's: it is only read here, as the loop thread may
 * be reading it, too. */
int
vault_op_box(struct vault_txn *t, struct ptn_mailbox *m, uint32_t *box)
{
    struct vault_box *b;
    int rc;

    *box = m->box;
    if (*box == 0)
        return 0;
    rc = vault_txn_box(t, *box, &b);
    if (rc == MDB_NOTFOUND)
        *box = 0;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int
vault_op_quota(struct vault_txn *t, const char *user, uint64_t quota,
               uint64_t more, bool *fits)
{
    struct vault_user none = {0}, *u = &none;
    uint32_t user_id;
    int rc;

    *fits = true;
    if (quota == 0)
        return 0;
    rc = vault_get_login(t->v, t->txn, user, &user_id);
    if (rc == 0)
        rc = vault_txn_user(t, user_id, &u);
    else if (rc == MDB_NOTFOUND)
        rc = 0;
    *fits = u->usage <= quota && more <= quota - u->usage;
    return rc;
}

/* --- keywords --- */

static int
add_keyword(struct vault_txn *t, uint32_t box, uint32_t number,
            struct ptn_slice name)
{
    struct vault_fact_keyword f = {
        .head.type = VAULT_FACT_KEYWORD,
        .box = box,
        .number = (uint16_t)number,
        .name_len = (uint16_t)name.len,
    };

    return vault_txn_state(t, &f.head, sizeof(f), &name, 1);
}

/* Whether an equal name comes earlier in the list. */
static bool
is_repeated(const struct ptn_slice *names, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (ptn_slice_caseeq(names[i], names[at]))
            return true;
    }
    return false;
}

static int
keyword_table(struct vault_txn *t, uint32_t box, struct ptn_slice *out)
{
    struct vault_key key = vault_key2(box, 0);
    MDB_val val = {0, NULL};
    int rc = vault_get(t->v, t->txn, VAULT_KEYWORDS, &key, &val);

    *out = vault_slice(val);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static bool
new_ones_fit(struct ptn_slice table, uint32_t count,
             const struct ptn_slice *names, size_t name_count)
{
    for (size_t i = 0; i < name_count; i++) {
        if (names[i].len > PTN_KEYWORD_LEN_MAX)
            return false;
        if (vault_keyword_find(table, names[i]) < 0 && !is_repeated(names, i))
            count++;
    }
    return count <= PTN_KEYWORDS_MAX;
}

int
vault_op_keywords(struct vault_txn *t, uint32_t box,
                  const struct ptn_slice *names, size_t count, bool add,
                  uint64_t *bits, bool *fits)
{
    struct ptn_slice table;
    struct vault_box *b;
    int number, rc;

    *bits = 0;
    *fits = true;
    if (count == 0)
        return 0;
    if ((rc = vault_txn_box(t, box, &b)) != 0 ||
        (rc = keyword_table(t, box, &table)) != 0)
        return rc;
    if (add && !(*fits = new_ones_fit(table, b->keywords, names, count)))
        return 0;
    for (size_t i = 0; i < count; i++) {
        number = vault_keyword_find(table, names[i]);
        if (number < 0 && add) {
            number = (int)b->keywords;
            if ((rc = add_keyword(t, box, b->keywords, names[i])) != 0 ||
                (rc = keyword_table(t, box, &table)) != 0)
                return rc;
        }
        if (number >= 0)
            *bits |= (uint64_t)1 << number;
    }
    return 0;
}

/* --- contents --- */

int
vault_op_content(struct vault_txn *t, const struct ptn_content *content,
                 uint64_t *id)
{
    const struct ptn_slice text[] = {content->envelope, content->structure,
                                     content->parts};
    struct vault_fact_content f = {
        .head.type = VAULT_FACT_CONTENT,
        .content = t->state.next_content,
        .envelope_len = (uint32_t)content->envelope.len,
        .structure_len = (uint32_t)content->structure.len,
        .parts_len = (uint32_t)content->parts.len,
    };

    *id = f.content;
    return vault_txn_state(t, &f.head, sizeof(f), text, PTN_COUNT(text));
}

/* --- \Recent --- */

/* Not in the log: after a recovery nothing is recent. */
int
vault_op_claim(struct vault_txn *t, struct ptn_store_op *op)
{
    const struct vault_claim *c = (const void *)op;
    struct vault_box *b;
    int rc = vault_txn_box(t, c->box, &b);

    if (rc == MDB_NOTFOUND)
        return 0;
    if (rc == 0 && c->recent_from > b->recent_from) {
        b->recent_from = c->recent_from;
        t->box_dirty = true;
        t->changed = true;
    }
    return rc;
}
