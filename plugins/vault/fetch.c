/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Messages, read: metadata and what changed. Any thread. UIDs that follow
 * one another are one step of a cursor each, and so are their contents,
 * which got ascending numbers at delivery.
 */
#include "read.h"
#include "txn.h"

#include <postern/arena.h>
#include <stdlib.h>

void
vault_message_fill(uint32_t uid, const struct vault_message *from,
                   struct ptn_message *to)
{
    *to = (struct ptn_message){
        .uid = uid,
        .flags = {from->keywords, from->system},
        .modseq = from->modseq,
        .internal_date = from->internal_date,
        .internal_zone = from->zone,
        .save_date = from->save_date,
        .size = from->size,
    };
}

/* A cursor that remembers where it is. */
struct stepper {
    MDB_cursor *cursor;
    MDB_val key, val;
    bool placed; /* key and val are those of the cursor */
};

static int
step_to(struct stepper *s, const struct vault_key *want)
{
    int rc, order = 1;

    if (s->placed && (order = memcmp(s->key.mv_data, want->data, 8)) < 0) {
        rc = mdb_cursor_get(s->cursor, &s->key, &s->val, MDB_NEXT);
        s->placed = rc == 0;
        if (rc != 0)
            return rc;
        order = memcmp(s->key.mv_data, want->data, 8);
    }
    if (!s->placed || order < 0) {
        s->key = (MDB_val){want->len, (void *)(uintptr_t)want->data};
        rc = mdb_cursor_get(s->cursor, &s->key, &s->val, MDB_SET_RANGE);
        s->placed = rc == 0;
        if (rc != 0)
            return rc;
        order = memcmp(s->key.mv_data, want->data, 8);
    }
    return order == 0 ? 0 : MDB_NOTFOUND;
}

struct fetch {
    struct stepper messages, metas;
    unsigned items;
    uint32_t box;
};

static int
fetch_text(struct fetch *f, uint64_t content, struct ptn_message *out)
{
    struct vault_key key = vault_key_content(content);
    struct vault_meta meta;
    struct ptn_slice text;
    int rc;

    /* Contents may go back, where messages were copied: start anew. */
    if (f->metas.placed && memcmp(f->metas.key.mv_data, key.data, 8) > 0)
        f->metas.placed = false;
    if ((rc = step_to(&f->metas, &key)) != 0)
        return rc;
    if (f->metas.val.mv_size < sizeof(meta))
        return MDB_CORRUPTED;
    memcpy(&meta, f->metas.val.mv_data, sizeof(meta));
    text = vault_slice(f->metas.val);
    if (text.len - sizeof(meta) !=
        (uint64_t)meta.envelope_len + meta.structure_len + meta.parts_len)
        return MDB_CORRUPTED;
    text.data += sizeof(meta);
    out->envelope = ptn_slice_sub(text, 0, meta.envelope_len);
    out->structure = ptn_slice_sub(text, meta.envelope_len, meta.structure_len);
    out->parts = ptn_slice_sub(text, meta.envelope_len + meta.structure_len,
                               meta.parts_len);
    return 0;
}

static int
fetch_one(struct fetch *f, uint32_t uid, struct ptn_message *out)
{
    struct vault_key key = vault_key2(f->box, uid);
    struct vault_message m;
    int rc = step_to(&f->messages, &key);

    if (rc != 0)
        return rc;
    if (f->messages.val.mv_size != sizeof(m))
        return MDB_CORRUPTED;
    memcpy(&m, f->messages.val.mv_data, sizeof(m));
    vault_message_fill(uid, &m, out);
    if ((f->items &
         (PTN_FETCH_ENVELOPE | PTN_FETCH_STRUCTURE | PTN_FETCH_PARTS)) == 0)
        return 0;
    rc = fetch_text(f, m.content, out);
    return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
}

/* 0 also when fn stopped it. */
static int
fetch_all(struct vault *v, struct vault_reader *r, struct fetch *f,
          const struct ptn_slice *uids,
          bool (*fn)(void *arg, const struct ptn_message *message), void *arg)
{
    const uint32_t *uid = (const void *)uids->data;
    struct ptn_message m;
    int rc;

    if ((rc = vault_read_cursor(v, r, VAULT_MESSAGES, &f->messages.cursor)) ||
        (rc = vault_read_cursor(v, r, VAULT_METAS, &f->metas.cursor)))
        return rc;
    for (size_t i = 0; i < uids->len / sizeof(*uid); i++) {
        rc = fetch_one(f, uid[i], &m);
        if (rc != 0 && rc != MDB_NOTFOUND)
            return rc;
        if (rc == 0 && !fn(arg, &m))
            return 0;
    }
    return 0;
}

/* A box that was deleted has no messages, and its handle must say so. */
static int
check_box(struct vault *v, MDB_txn *txn, uint32_t box, struct vault_box *b)
{
    return box == 0 ? MDB_NOTFOUND : vault_get_box(v, txn, box, b);
}

enum ptn_status
vault_fetch(void *store, struct ptn_mailbox *mailbox, const uint32_t *uids,
            size_t count, unsigned items,
            bool (*fn)(void *arg, const struct ptn_message *message), void *arg)
{
    struct vault *v = store;
    struct fetch f = {.items = items};
    struct ptn_slice list = {(const void *)uids, count * sizeof(uids[0])};
    struct vault_reader *r;
    struct vault_box b;
    int rc;

    vault_mailbox_resolve(v, mailbox);
    f.box = mailbox->box;
    if (f.box == 0)
        return PTN_OK; /* no mail yet */
    if ((rc = vault_read_begin(v, &r)) != 0)
        return vault_index_status(v, rc);
    rc = check_box(v, r->txn, f.box, &b);
    if (rc == 0)
        rc = fetch_all(v, r, &f, &list, fn, arg);
    vault_read_end(v, r);
    return vault_index_status(v, rc);
}

/* --- changes --- */

struct uids {
    uint32_t *list;
    size_t count, cap;
};

static int
by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static void
add_uid(struct uids *u, uint32_t uid)
{
    if (u->count == u->cap) {
        u->cap = u->cap ? u->cap * 2 : 32;
        u->list = ptn_realloc(u->list, u->cap * sizeof(u->list[0]));
    }
    u->list[u->count++] = uid;
}

static int
collect_changed(MDB_cursor *cursor, uint32_t box, uint64_t modseq,
                struct uids *out)
{
    struct vault_key from = vault_key_change(box, modseq + 1, 0);
    MDB_val key = {from.len, from.data}, val;
    int rc = mdb_cursor_get(cursor, &key, &val, MDB_SET_RANGE);

    for (; rc == 0 && vault_key_u32(&key, 0) == box;
         rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT))
        add_uid(out, vault_key_u32(&key, 12));
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static bool
tell_changed(void *arg, const struct ptn_message *message)
{
    const struct ptn_store_changes *tell = arg;

    tell->changed(tell->arg, message);
    return true;
}

static int
changed_since(struct vault *v, struct vault_reader *r, uint32_t box,
              uint64_t modseq, const struct ptn_store_changes *tell)
{
    struct fetch f = {.items = PTN_FETCH_FLAGS, .box = box};
    struct uids u = {0};
    struct ptn_slice list;
    MDB_cursor *cursor;
    int rc = vault_read_cursor(v, r, VAULT_CHANGES, &cursor);

    if (rc == 0)
        rc = collect_changed(cursor, box, modseq, &u);
    if (rc == 0 && u.count > 0) {
        qsort(u.list, u.count, sizeof(u.list[0]), by_number);
        list = (struct ptn_slice){(void *)u.list, u.count * sizeof(u.list[0])};
        rc = fetch_all(v, r, &f, &list, tell_changed, (void *)(uintptr_t)tell);
    }
    ptn_free(u.list);
    return rc;
}

static int
collect_vanished(MDB_cursor *cursor, const struct vault_key *since,
                 const struct ptn_uidmap *known, struct uids *out)
{
    struct vault_key from = *since;
    MDB_val key = {from.len, from.data}, val;
    uint32_t last;
    int rc = mdb_cursor_get(cursor, &key, &val, MDB_SET_RANGE);

    for (; rc == 0 && memcmp(key.mv_data, since->data, 4) == 0;
         rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT)) {
        uint32_t uid = ptn_uidmap_next(known, vault_key_u32(&key, 12));

        memcpy(&last, val.mv_data, sizeof(last));
        for (; uid != 0 && uid <= last; uid = ptn_uidmap_next(known, uid + 1)) {
            add_uid(out, uid);
            if (uid == UINT32_MAX)
                break;
        }
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
vanished_since(struct vault *v, struct vault_reader *r,
               const struct vault_key *since, const struct ptn_uidmap *known,
               const struct ptn_store_changes *tell)
{
    struct uids u = {0};
    MDB_cursor *cursor;
    int rc = vault_read_cursor(v, r, VAULT_VANISHED, &cursor);

    if (rc == 0)
        rc = collect_vanished(cursor, since, known, &u);
    if (rc == 0 && u.count > 0)
        qsort(u.list, u.count, sizeof(u.list[0]), by_number);
    for (size_t i = 0; i < u.count && rc == 0; i++)
        tell->vanished(tell->arg, u.list[i]);
    ptn_free(u.list);
    return rc;
}

static int
all_changes(struct vault *v, struct vault_reader *r, uint32_t box,
            uint64_t modseq, const struct ptn_uidmap *known,
            const struct ptn_store_changes *tell)
{
    struct vault_key since = vault_key_change(box, modseq + 1, 0);
    int rc = 0;

    if (tell->changed)
        rc = changed_since(v, r, box, modseq, tell);
    if (rc == 0 && tell->vanished && known)
        rc = vanished_since(v, r, &since, known, tell);
    return rc;
}

enum ptn_status
vault_changes(void *store, struct ptn_mailbox *mailbox, uint64_t modseq,
              const struct ptn_uidmap *known,
              const struct ptn_store_changes *tell, uint64_t *now)
{
    struct vault *v = store;
    struct vault_reader *r;
    struct vault_box b;
    int rc;

    *now = modseq;
    vault_mailbox_resolve(v, mailbox);
    if (mailbox->box == 0)
        return PTN_OK; /* no mail yet */
    if ((rc = vault_read_begin(v, &r)) != 0)
        return vault_index_status(v, rc);
    rc = check_box(v, r->txn, mailbox->box, &b);
    if (rc == 0 && b.modseq > modseq) {
        rc = all_changes(v, r, mailbox->box, modseq, known, tell);
        *now = b.modseq;
    }
    vault_read_end(v, r);
    return vault_index_status(v, rc);
}
