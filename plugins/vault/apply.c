/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Facts become the index. There is no other way into it: an operation that
 * runs, recovery that reads the log, and compaction that moves records all
 * come through here, so that what is in the index is what the log says.
 *
 * Facts are applied in log order, and each says how things are from then
 * on. Compaction moves facts that still hold to the end of the log, so
 * recovery may meet a message before its mailbox or its content, or a flag
 * change of a message that comes only later. What is missing is then held
 * open (a box without uidvalidity, a place without segment), or passed over
 * because a later fact includes it; recover.c removes what stays open.
 */
#include "txn.h"

#include <postern/mail/flags.h>

/* --- counters that a fact may find missing --- */

static int
make_user(struct vault_txn *t, uint32_t user, struct vault_user **out)
{
    int rc = vault_txn_user(t, user, out);

    if (rc != MDB_NOTFOUND)
        return rc;
    t->user_id = user;
    t->user = (struct vault_user){0};
    t->user_dirty = true;
    if (user >= t->state.next_user)
        t->state.next_user = user + 1;
    return 0;
}

static int
make_box(struct vault_txn *t, uint32_t box, struct vault_box **out)
{
    int rc = vault_txn_box(t, box, out);

    if (rc != MDB_NOTFOUND)
        return rc;
    t->box_id = box;
    t->box = (struct vault_box){.uidnext = 1, .modseq = 1, .recent_from = 1};
    t->box_dirty = true;
    if (box >= t->state.next_box)
        t->state.next_box = box + 1;
    return 0;
}

/* --- users, boxes, names --- */

static int
apply_user(struct vault_txn *t, const struct vault_fact_user *f)
{
    MDB_val key = {f->name_len, (void *)(uintptr_t)f->name};
    MDB_val val = {sizeof(f->user), (void *)(uintptr_t)&f->user};
    struct vault_user *u;
    int rc = make_user(t, f->user, &u);

    if (rc != 0)
        return rc;
    vault_txn_touch(t, 0);
    return t->v->sys->index_put(t->txn, t->v->tables[VAULT_LOGINS], &key, &val,
                                0);
}

/* Users are counted by number 0 until their boxes name them. */
static int
move_box(struct vault_txn *t, struct vault_box *b, uint32_t user)
{
    struct vault_user *u;
    int rc;

    if (b->uidvalidity != 0 && b->user == user)
        return 0;
    if ((rc = make_user(t, b->user, &u)) != 0)
        return rc;
    u->usage -= b->size;
    if (b->uidvalidity != 0)
        u->boxes--;
    t->user_dirty = true;
    if ((rc = make_user(t, user, &u)) != 0)
        return rc;
    u->usage += b->size;
    u->boxes++;
    t->user_dirty = true;
    b->user = user;
    return 0;
}

static int
apply_box(struct vault_txn *t, const struct vault_fact_box *f)
{
    struct vault_box *b;
    int rc = make_box(t, f->box, &b);

    if (rc != 0 || (rc = move_box(t, b, f->user)) != 0)
        return rc;
    b->uidvalidity = f->uidvalidity;
    if (f->uidnext > b->uidnext)
        b->uidnext = f->uidnext;
    if (f->modseq > b->modseq)
        b->modseq = f->modseq;
    if (f->uidvalidity > t->state.uidvalidity)
        t->state.uidvalidity = f->uidvalidity;
    t->box_dirty = true;
    vault_txn_touch(t, f->box);
    return 0;
}

static int
apply_name(struct vault_txn *t, const struct vault_fact_name *f)
{
    struct vault_name value = {f->box, f->use, f->subscribed};
    struct vault_name_key key;
    MDB_val k, val = {sizeof(value), &value};
    int rc;

    vault_key_name(f->user, (struct ptn_slice){f->name, f->name_len}, &key);
    k = (MDB_val){key.len, key.data};
    if (f->box != 0 || f->subscribed)
        return t->v->sys->index_put(t->txn, t->v->tables[VAULT_NAMES], &k, &val,
                                    0);
    rc = mdb_del(t->txn, t->v->tables[VAULT_NAMES], &k, NULL);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Numbers may come out of order; a gap is an empty name. */
static void
join_keywords(struct ptn_buf *out, struct ptn_slice old, uint32_t count,
              const struct vault_fact_keyword *f)
{
    for (uint32_t n = 0; n < count; n++) {
        struct ptn_slice name = vault_keyword_at(old, n);

        if (n == f->number)
            name = (struct ptn_slice){f->name, f->name_len};
        ptn_buf_addc(out, (char)name.len);
        ptn_buf_addslice(out, name);
    }
}

static int
apply_keyword(struct vault_txn *t, const struct vault_fact_keyword *f)
{
    struct vault_key key = vault_key2(f->box, 0);
    struct ptn_buf table = PTN_BUF_INIT;
    struct vault_box *b;
    MDB_val old = {0, NULL};
    int rc = make_box(t, f->box, &b);

    if (rc != 0)
        return rc;
    rc = vault_get(t->v, t->txn, VAULT_KEYWORDS, &key, &old);
    if (rc != 0 && rc != MDB_NOTFOUND)
        return rc;
    if (f->number >= b->keywords)
        b->keywords = f->number + 1u;
    t->box_dirty = true;
    join_keywords(&table, vault_slice(old), b->keywords, f);
    rc = vault_txn_put(t, VAULT_KEYWORDS, &key,
                       (struct iovec){table.data, table.len});
    ptn_buf_free(&table);
    return rc;
}

/* --- contents --- */

static int
count_live(struct vault_txn *t, const struct vault_place *p, bool more)
{
    uint64_t octets = p->length + p->facts;
    struct vault_segment *s;
    int rc;

    if (p->segment == 0)
        return 0;
    if ((rc = vault_txn_segment(t, p->segment, &s)) != 0)
        return rc;
    s->live = more ? s->live + octets : s->live - octets;
    t->segment_dirty = true;
    return 0;
}

static int
put_place(struct vault_txn *t, uint64_t content, struct vault_place *p)
{
    struct vault_key key = vault_key_content(content);

    return vault_txn_put(t, VAULT_PLACES, &key, (struct iovec){p, sizeof(*p)});
}

static int
put_meta(struct vault_txn *t, const struct vault_fact_content *f)
{
    struct vault_key key = vault_key_content(f->content);
    struct vault_meta meta = {f->envelope_len, f->structure_len, f->parts_len};
    size_t text = (size_t)f->envelope_len + f->structure_len + f->parts_len;
    MDB_val k = {key.len, key.data}, val = {sizeof(meta) + text, NULL};
    int rc = t->v->sys->index_put(t->txn, t->v->tables[VAULT_METAS], &k, &val,
                                  MDB_RESERVE);

    if (rc != 0)
        return rc;
    memcpy(val.mv_data, &meta, sizeof(meta));
    memcpy((char *)val.mv_data + sizeof(meta), f->bytes, text);
    return 0;
}

static int
apply_content(struct vault_txn *t, const struct vault_fact_content *f,
              const struct vault_place *where)
{
    struct vault_place p;
    int rc = vault_get_place(t->v, t->txn, f->content, &p);

    if (rc == MDB_NOTFOUND)
        p = (struct vault_place){0};
    else if (rc != 0 || (rc = count_live(t, &p, false)) != 0)
        return rc;
    p.offset = where->offset;
    p.length = where->length;
    p.segment = where->segment;
    p.facts = f->head.len + (uint32_t)sizeof(struct vault_fact_message) +
              (uint32_t)sizeof(struct vault_record_head);
    if (f->content >= t->state.next_content)
        t->state.next_content = f->content + 1;
    if ((rc = count_live(t, &p, true)) != 0 ||
        (rc = put_place(t, f->content, &p)) != 0)
        return rc;
    return put_meta(t, f);
}

static int
content_ref(struct vault_txn *t, uint64_t content)
{
    struct vault_place p;
    int rc = vault_get_place(t->v, t->txn, content, &p);

    if (rc == MDB_NOTFOUND)
        p = (struct vault_place){0};
    else if (rc != 0)
        return rc;
    p.refs++;
    return put_place(t, content, &p);
}

static int
content_unref(struct vault_txn *t, uint64_t content)
{
    struct vault_key key = vault_key_content(content);
    struct vault_place p;
    int rc = vault_get_place(t->v, t->txn, content, &p);

    if (rc != 0)
        return rc == MDB_NOTFOUND ? 0 : rc;
    if (p.refs > 1) {
        p.refs--;
        return put_place(t, content, &p);
    }
    t->freed = true;
    if ((rc = count_live(t, &p, false)) != 0 ||
        (rc = vault_txn_del(t, VAULT_PLACES, &key)) != 0)
        return rc;
    return vault_txn_del(t, VAULT_METAS, &key);
}

/* --- messages --- */

static int
put_change(struct vault_txn *t, uint32_t box, uint64_t modseq, uint32_t uid)
{
    struct vault_key key = vault_key_change(box, modseq, uid);

    return vault_txn_put(t, VAULT_CHANGES, &key, (struct iovec){NULL, 0});
}

static int
del_change(struct vault_txn *t, uint32_t box, uint64_t modseq, uint32_t uid)
{
    struct vault_key key = vault_key_change(box, modseq, uid);

    return vault_txn_del(t, VAULT_CHANGES, &key);
}

static void
count_bit(uint32_t *counter, bool was, bool is)
{
    *counter = *counter - (was ? 1 : 0) + (is ? 1 : 0);
}

/* The sets and counters that hang on system flags. */
static int
change_system(struct vault_txn *t, uint32_t uid, uint32_t from, uint32_t to)
{
    struct vault_box *b = &t->box;
    int rc = 0;

    if ((from ^ to) & PTN_FLAG_SEEN) {
        count_bit(&b->unseen, !(from & PTN_FLAG_SEEN), !(to & PTN_FLAG_SEEN));
        rc = vault_set_change(t, VAULT_SET_UNSEEN, uid, !(to & PTN_FLAG_SEEN));
    }
    if (rc == 0 && ((from ^ to) & PTN_FLAG_DELETED)) {
        count_bit(&b->deleted, from & PTN_FLAG_DELETED, to & PTN_FLAG_DELETED);
        rc = vault_set_change(t, VAULT_SET_DELETED, uid, to & PTN_FLAG_DELETED);
    }
    return rc;
}

static int
put_message(struct vault_txn *t, uint32_t box, uint32_t uid,
            const struct vault_message *m)
{
    struct vault_key key = vault_key2(box, uid);

    return vault_txn_put(t, VAULT_MESSAGES, &key,
                         (struct iovec){(void *)(uintptr_t)m, sizeof(*m)});
}

/* A message without \Seen counts as unseen: adding goes from a message that
 * is seen and not deleted, removing goes there. */
#define FLAGS_UNCOUNTED ((uint32_t)PTN_FLAG_SEEN)

static int
count_size(struct vault_txn *t, uint64_t size, bool more)
{
    struct vault_user *u;
    int rc = make_user(t, t->box.user, &u);

    if (rc != 0)
        return rc;
    u->usage = more ? u->usage + size : u->usage - size;
    t->user_dirty = true;
    t->box.size = more ? t->box.size + size : t->box.size - size;
    t->box.messages = more ? t->box.messages + 1 : t->box.messages - 1;
    t->box_dirty = true;
    return 0;
}

static int
remove_message(struct vault_txn *t, uint32_t box, uint32_t uid,
               const struct vault_message *m)
{
    struct vault_key key = vault_key2(box, uid);
    int rc;

    if ((rc = count_size(t, m->size, false)) != 0 ||
        (rc = change_system(t, uid, m->system, FLAGS_UNCOUNTED)) != 0 ||
        (rc = vault_set_change(t, VAULT_SET_MEMBERS, uid, false)) != 0 ||
        (rc = del_change(t, box, m->modseq, uid)) != 0 ||
        (rc = vault_txn_del(t, VAULT_MESSAGES, &key)) != 0)
        return rc;
    return content_unref(t, m->content);
}

static void
note_numbers(struct vault_txn *t, uint32_t uid, uint64_t modseq)
{
    if (uid >= t->box.uidnext)
        t->box.uidnext = uid + 1;
    if (modseq > t->box.modseq)
        t->box.modseq = modseq;
    t->box_dirty = true;
}

static int
apply_message(struct vault_txn *t, const struct vault_fact_message *f)
{
    const struct vault_message *m = &f->message;
    struct vault_message old;
    struct vault_box *b;
    bool there = false;
    int rc = make_box(t, f->box, &b);

    if (rc != 0)
        return rc;
    /* A UID below uidnext was given before: only moved facts have one. The
     * content is held first, as it may be the same. */
    if (f->uid < b->uidnext) {
        rc = vault_get_message(t->v, t->txn, f->box, f->uid, &old);
        if (rc == 0 && memcmp(&old, m, sizeof(old)) == 0)
            return 0;
        if (rc != 0 && rc != MDB_NOTFOUND)
            return rc;
        there = rc == 0;
    }
    if ((rc = content_ref(t, m->content)) != 0 ||
        (there && (rc = remove_message(t, f->box, f->uid, &old)) != 0))
        return rc;
    note_numbers(t, f->uid, m->modseq);
    if ((rc = count_size(t, m->size, true)) != 0 ||
        (rc = change_system(t, f->uid, FLAGS_UNCOUNTED, m->system)) != 0 ||
        (rc = vault_set_change(t, VAULT_SET_MEMBERS, f->uid, true)) != 0 ||
        (rc = put_change(t, f->box, m->modseq, f->uid)) != 0)
        return rc;
    vault_txn_touch(t, f->box);
    return put_message(t, f->box, f->uid, m);
}

static int
apply_flags(struct vault_txn *t, const struct vault_fact_flags *f)
{
    struct vault_message m;
    struct vault_box *b;
    int rc = make_box(t, f->box, &b);

    if (rc != 0)
        return rc;
    note_numbers(t, f->uid, f->modseq);
    rc = vault_get_message(t->v, t->txn, f->box, f->uid, &m);
    if (rc != 0 || m.modseq == f->modseq)
        return rc == MDB_NOTFOUND ? 0 : rc;
    vault_txn_touch(t, f->box);
    if ((rc = change_system(t, f->uid, m.system, f->system)) != 0 ||
        (rc = del_change(t, f->box, m.modseq, f->uid)) != 0 ||
        (rc = put_change(t, f->box, f->modseq, f->uid)) != 0)
        return rc;
    m.system = f->system;
    m.keywords = f->keywords;
    m.modseq = f->modseq;
    return put_message(t, f->box, f->uid, &m);
}

/* The first message of `box` from `uid` on: its UID, or MDB_NOTFOUND. */
static int
next_message(struct vault_txn *t, MDB_cursor *cursor, uint32_t *uid,
             struct vault_message *m)
{
    uint32_t box = t->box_id;
    struct vault_key from = vault_key2(box, *uid);
    MDB_val key = {from.len, from.data}, val;
    int rc = mdb_cursor_get(cursor, &key, &val, MDB_SET_RANGE);

    if (rc != 0)
        return rc;
    if (vault_key_u32(&key, 0) != box)
        return MDB_NOTFOUND;
    if (val.mv_size != sizeof(*m))
        return MDB_CORRUPTED;
    memcpy(m, val.mv_data, sizeof(*m));
    *uid = vault_key_u32(&key, 4);
    return 0;
}

/* Removes the messages first..last that are there from the box in use. */
static int
remove_range(struct vault_txn *t, uint32_t box, uint32_t first, uint32_t last)
{
    struct vault_message m;
    MDB_cursor *cursor;
    uint32_t uid = first;
    int rc = mdb_cursor_open(t->txn, t->v->tables[VAULT_MESSAGES], &cursor);

    if (rc != 0)
        return rc;
    while ((rc = next_message(t, cursor, &uid, &m)) == 0 && uid <= last) {
        if ((rc = remove_message(t, box, uid, &m)) != 0 || uid++ == last)
            break;
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
apply_gone(struct vault_txn *t, const struct vault_fact_gone *f)
{
    struct vault_key key = vault_key_change(f->box, f->modseq, f->first);
    uint32_t last = f->last;
    struct vault_box *b;
    int rc = make_box(t, f->box, &b);

    if (rc != 0 || (rc = remove_range(t, f->box, f->first, f->last)) != 0)
        return rc;
    note_numbers(t, f->last, f->modseq);
    vault_txn_touch(t, f->box);
    return vault_txn_put(t, VAULT_VANISHED, &key,
                         (struct iovec){&last, sizeof(last)});
}

/* --- a box goes --- */

static int
drop_prefix(struct vault_txn *t, enum vault_table table, uint32_t box)
{
    struct vault_key from = {.len = 4};
    struct vault_key whole = vault_key2(box, 0);
    MDB_val key, val;
    MDB_cursor *cursor;
    int rc = mdb_cursor_open(t->txn, t->v->tables[table], &cursor);

    if (rc != 0)
        return rc;
    memcpy(from.data, whole.data, 4);
    key = (MDB_val){from.len, from.data};
    rc = mdb_cursor_get(cursor, &key, &val, MDB_SET_RANGE);
    while (rc == 0 && vault_key_u32(&key, 0) == box) {
        if ((rc = mdb_cursor_del(cursor, 0)) == 0)
            rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
forget_box(struct vault_txn *t, uint32_t box)
{
    static const enum vault_table tables[] = {VAULT_KEYWORDS, VAULT_CHANGES,
                                              VAULT_VANISHED};
    struct vault_key key = vault_key2(VAULT_COUNTER_BOX, box);
    int rc = vault_set_drop(t, box);

    for (size_t i = 0; i < PTN_COUNT(tables) && rc == 0; i++)
        rc = drop_prefix(t, tables[i], box);
    t->box_id = 0;
    t->box_dirty = false;
    return rc == 0 ? vault_txn_del(t, VAULT_COUNTERS, &key) : rc;
}

static int
apply_box_gone(struct vault_txn *t, const struct vault_fact_box_gone *f)
{
    struct vault_box *b;
    struct vault_user *u;
    int rc;

    if (f->box >= t->state.next_box)
        t->state.next_box = f->box + 1;
    rc = vault_txn_box(t, f->box, &b);
    if (rc != 0)
        return rc == MDB_NOTFOUND ? 0 : rc;
    if ((rc = remove_range(t, f->box, 0, UINT32_MAX)) != 0)
        return rc;
    if (b->uidvalidity != 0) {
        if ((rc = make_user(t, b->user, &u)) != 0)
            return rc;
        u->boxes--;
        t->user_dirty = true;
    }
    vault_txn_touch(t, f->box);
    return forget_box(t, f->box);
}

static int
apply_segment_gone(struct vault_txn *t, const struct vault_fact_segment_gone *f)
{
    struct vault_key key = vault_key2(VAULT_COUNTER_SEGMENT, f->segment);

    if (t->segment_id == f->segment) {
        t->segment_id = 0;
        t->segment_dirty = false;
    }
    return vault_txn_del(t, VAULT_COUNTERS, &key);
}

/* --- facts --- */

/* Octets of text that a fact must have behind its fixed part. */
static bool
text_fits(const struct vault_fact *fact, size_t fixed, uint64_t text)
{
    return fact->len >= fixed && text <= fact->len - fixed;
}

bool
vault_fact_valid(const struct vault_fact *fact, size_t room)
{
    const struct vault_fact_user *u = (const void *)fact;
    const struct vault_fact_name *n = (const void *)fact;
    const struct vault_fact_keyword *k = (const void *)fact;
    const struct vault_fact_content *c = (const void *)fact;

    if (room < sizeof(*fact) || fact->len > room || fact->len % 8 != 0)
        return false;
    switch (fact->type) {
    case VAULT_FACT_USER:
        return text_fits(fact, sizeof(*u), 1) &&
               text_fits(fact, sizeof(*u), u->name_len);
    case VAULT_FACT_BOX:
        return text_fits(fact, sizeof(struct vault_fact_box), 0);
    case VAULT_FACT_BOX_GONE:
        return text_fits(fact, sizeof(struct vault_fact_box_gone), 0);
    case VAULT_FACT_NAME:
        return text_fits(fact, sizeof(*n), 1) &&
               text_fits(fact, sizeof(*n), n->name_len) &&
               n->name_len <= PTN_MAILBOX_NAME_MAX;
    case VAULT_FACT_KEYWORD:
        return text_fits(fact, sizeof(*k), 1) &&
               text_fits(fact, sizeof(*k), k->name_len) &&
               k->name_len <= PTN_KEYWORD_LEN_MAX &&
               k->number < PTN_KEYWORDS_MAX;
    case VAULT_FACT_CONTENT:
        return text_fits(fact, sizeof(*c), 0) &&
               text_fits(fact, sizeof(*c),
                         (uint64_t)c->envelope_len + c->structure_len +
                             c->parts_len);
    case VAULT_FACT_MESSAGE:
        return text_fits(fact, sizeof(struct vault_fact_message), 0);
    case VAULT_FACT_FLAGS:
        return text_fits(fact, sizeof(struct vault_fact_flags), 0);
    case VAULT_FACT_GONE:
        return text_fits(fact, sizeof(struct vault_fact_gone), 0);
    case VAULT_FACT_SEGMENT_GONE:
        return text_fits(fact, sizeof(struct vault_fact_segment_gone), 0);
    default:
        return false;
    }
}

int
vault_apply(struct vault_txn *t, const struct vault_fact *fact,
            const struct vault_place *place)
{
    const void *f = fact;

    switch (fact->type) {
    case VAULT_FACT_USER:
        return apply_user(t, f);
    case VAULT_FACT_BOX:
        return apply_box(t, f);
    case VAULT_FACT_BOX_GONE:
        return apply_box_gone(t, f);
    case VAULT_FACT_NAME:
        return apply_name(t, f);
    case VAULT_FACT_KEYWORD:
        return apply_keyword(t, f);
    case VAULT_FACT_CONTENT:
        return apply_content(t, f, place);
    case VAULT_FACT_MESSAGE:
        return apply_message(t, f);
    case VAULT_FACT_FLAGS:
        return apply_flags(t, f);
    case VAULT_FACT_GONE:
        return apply_gone(t, f);
    case VAULT_FACT_SEGMENT_GONE:
        return apply_segment_gone(t, f);
    default:
        return MDB_CORRUPTED;
    }
}
