/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Compaction. A sealed segment of which little is in use is read from its
 * beginning; what still holds of its records is written again at the end of
 * the log, through the same commit as everything else, a piece at a time
 * with pauses between; then its file is removed.
 *
 *   what a record said         is carried on
 *   a message                  as it is now, while it is there
 *   its content                while somebody refers to this place of it
 *   flags                      while no later change replaced them
 *   a range that is gone       while its mailbox is there: the messages'
 *                              own records may be in older segments
 *   a mailbox, a name, a user  as it is now; that it is gone, too
 *
 * Everything is carried as it is at that moment, under the writer lock, so
 * applying the log in order gives the same index wherever the process dies:
 * before the last piece the old segment is still there, and says nothing
 * that a later fact does not correct; after it the log says that the segment
 * is gone.
 *
 * One process compacts at a time (a lock that ends with the process). What
 * was carried counts as in use for ever, or a segment of nothing but flags
 * would be moved again and again.
 */
#include "compact.h"

#include "log.h"
#include "record.h"
#include "recover.h"
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <postern/arena.h>
#include <postern/log.h>
#include <unistd.h>

#define PIECE_OCTETS (256u * 1024)    /* carried in one commit, about */
#define PIECE_SCAN (8u * 1024 * 1024) /* looked at for one commit */
#define PIECE_RECORDS 512
#define DAMAGED_MAX 16 /* segments that are left alone */

struct vault_compaction {
    struct ptn_store_op op; /* first: the committer's handle */
    struct vault *v;
    bool wanted, locked;

    uint32_t segment; /* 0: none under way */
    struct vault_segment_file *file;
    uint64_t at, next, end; /* done; after this piece; of the segment */
    uint64_t carried;       /* octets, for the log line */

    struct vault_record record;
    char *data[PIECE_RECORDS]; /* of this piece, until it is written */
    size_t data_count;
    uint32_t damaged[DAMAGED_MAX];
    unsigned damaged_count;
};

struct vault_compaction *
vault_compaction_new(struct vault *v)
{
    struct vault_compaction *x;

    if (v->options->compact_below == 0)
        return NULL;
    x = ptn_alloc(sizeof(*x));
    x->v = v;
    x->wanted = true; /* an earlier run may have left something */
    x->record.seed = v->seed;
    return x;
}

static void
drop_data(struct vault_compaction *x)
{
    while (x->data_count > 0)
        ptn_free(x->data[--x->data_count]);
}

static void
leave_segment(struct vault_compaction *x)
{
    if (x->file)
        vault_segment_unref(x->v, x->file);
    x->file = NULL;
    x->segment = 0;
    drop_data(x);
}

static void
unlock(struct vault_compaction *x)
{
    if (x->locked)
        vault_state_unlock_compaction(x->v);
    x->locked = false;
}

void
vault_compaction_free(struct vault_compaction *x)
{
    if (!x)
        return;
    leave_segment(x);
    unlock(x);
    vault_record_free(&x->record);
    ptn_free(x);
}

void
vault_compaction_want(struct vault_compaction *x)
{
    if (x)
        x->wanted = true;
}

bool
vault_compaction_due(const struct vault_compaction *x)
{
    return x && (x->wanted || x->segment != 0);
}

/* --- which segment --- */

static bool
is_damaged(const struct vault_compaction *x, uint32_t segment)
{
    for (unsigned i = 0; i < x->damaged_count; i++) {
        if (x->damaged[i] == segment)
            return true;
    }
    return x->damaged_count == DAMAGED_MAX;
}

static bool
is_worth_it(const struct vault_compaction *x, const struct vault_segment *s)
{
    uint64_t below = (uint64_t)x->v->options->compact_below;

    return (s->live + s->carried) * 100 < s->end * below;
}

/* The segment with the least in use, if it is worth it. */
static int
choose(struct vault_compaction *x, struct vault_reader *r)
{
    struct vault_key from = vault_key2(VAULT_COUNTER_SEGMENT, 0);
    MDB_val key = {from.len, from.data}, val;
    struct vault_state state;
    struct vault_segment s, best = {0};
    MDB_cursor *cursor;
    int rc;

    if ((rc = vault_get_counter(x->v, r->txn, VAULT_COUNTER_STATE, 0,
                                (struct iovec){&state, sizeof(state)})) != 0 ||
        (rc = vault_read_cursor(x->v, r, VAULT_COUNTERS, &cursor)) != 0)
        return rc;
    rc = mdb_cursor_get(cursor, &key, &val, MDB_SET_RANGE);
    for (; rc == 0 && vault_key_u32(&key, 0) == VAULT_COUNTER_SEGMENT;
         rc = mdb_cursor_get(cursor, &key, &val, MDB_NEXT)) {
        uint32_t number = vault_key_u32(&key, 4);

        memcpy(&s, val.mv_data, sizeof(s));
        if (number >= state.segment || is_damaged(x, number) ||
            !is_worth_it(x, &s) ||
            (x->segment != 0 && s.live + s.carried >= best.live + best.carried))
            continue;
        x->segment = number;
        best = s;
    }
    x->end = best.end;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static bool
begin_segment(struct vault_compaction *x)
{
    struct vault_reader *r;

    if (!x->locked && !vault_state_lock_compaction(x->v))
        return false; /* another process is at it, and looks again after */
    x->locked = true;
    if (vault_read_begin(x->v, &r) != 0)
        return false;
    if (choose(x, r) != 0)
        x->segment = 0;
    vault_read_end(x->v, r);
    if (x->segment == 0)
        return false;
    x->at = sizeof(struct vault_segment_head);
    x->carried = 0;
    x->file = vault_segment_ref(x->v, x->segment);
    return x->file != NULL;
}

static void
give_up(struct vault_compaction *x, uint64_t at)
{
    ptn_log(PTN_LOG_ERROR, "vault.damaged", PTN_FS("path", x->v->path),
            PTN_FN("segment", x->segment), PTN_FN("offset", at),
            PTN_FS("what", "found by compaction; the segment is kept"));
    if (x->damaged_count < DAMAGED_MAX)
        x->damaged[x->damaged_count++] = x->segment;
    leave_segment(x);
}

struct ptn_store_op *
vault_compaction_step(struct vault_compaction *x)
{
    if (x->segment == 0) {
        x->wanted = false;
        if (!begin_segment(x)) {
            leave_segment(x);
            unlock(x);
            return NULL;
        }
    }
    x->op.kind = VAULT_OP_COMPACT;
    x->op.next = NULL;
    x->op.status = PTN_OK;
    return &x->op;
}

static void
finish_segment(struct vault_compaction *x)
{
    uint32_t segment = x->segment;
    char name[16];

    leave_segment(x);
    vault_segment_drop(x->v, segment);
    unlinkat(x->v->segment_dir, vault_segment_name(segment, name), 0);
    ptn_log(PTN_LOG_INFO, "vault.compacted", PTN_FN("segment", segment),
            PTN_FN("octets", x->end), PTN_FN("carried", x->carried));
    x->wanted = true; /* there may be another */
}

void
vault_compaction_stepped(struct vault_compaction *x, bool ok)
{
    drop_data(x);
    if (x->segment == 0)
        return;
    if (!ok || x->op.status != PTN_OK) {
        leave_segment(x); /* another time */
        return;
    }
    x->at = x->next;
    if (x->at >= x->end)
        finish_segment(x);
}

/* --- what is carried --- */

static bool
box_is_there(struct vault_txn *t, uint32_t box, int *rc)
{
    struct vault_box *b;

    *rc = vault_txn_box(t, box, &b);
    if (*rc != MDB_NOTFOUND)
        return *rc == 0;
    *rc = 0;
    return false;
}

/* As it stands in the log. */
static int
carry_same(struct vault_txn *t, const struct vault_fact *f)
{
    struct ptn_slice rest = {(const char *)f + sizeof(*f), f->len - sizeof(*f)};
    struct vault_fact head = *f;

    return vault_txn_state(t, &head, sizeof(head), &rest, 1);
}

static int
carry_box(struct vault_txn *t, const struct vault_fact_box *old)
{
    struct vault_fact_box f = *old;
    int rc;

    if (!box_is_there(t, f.box, &rc))
        return rc;
    f.uidnext = t->box.uidnext;
    f.modseq = t->box.modseq;
    return vault_txn_state(t, &f.head, sizeof(f), NULL, 0);
}

static int
carry_name(struct vault_txn *t, const struct vault_fact_name *f)
{
    struct ptn_slice name = {f->name, f->name_len};
    struct vault_name value = {0};
    int rc = vault_get_name(t->v, t->txn, f->user, name, &value);

    if (rc != 0 && rc != MDB_NOTFOUND)
        return rc;
    return vault_state_name(t, f->user, name, &value);
}

static int
carry_message(struct vault_txn *t, const struct vault_fact_message *f)
{
    struct vault_message m;
    int rc = vault_get_message(t->v, t->txn, f->box, f->uid, &m);

    if (rc != 0)
        return rc == MDB_NOTFOUND ? 0 : rc;
    return vault_state_message(t, f->box, f->uid, &m);
}

static int
carry_flags(struct vault_txn *t, const struct vault_fact_flags *f)
{
    struct vault_message m;
    int rc = vault_get_message(t->v, t->txn, f->box, f->uid, &m);

    if (rc != 0)
        return rc == MDB_NOTFOUND ? 0 : rc;
    return m.modseq == f->modseq ? carry_same(t, &f->head) : 0;
}

static int
carry_if_box(struct vault_txn *t, const struct vault_fact *f, uint32_t box)
{
    int rc;

    return box_is_there(t, box, &rc) ? carry_same(t, f) : rc;
}

/* `content` is whether the record's data is carried, too. */
static int
carry_fact(struct vault_txn *t, const struct vault_fact *fact, bool content)
{
    const void *f = fact;

    switch (fact->type) {
    case VAULT_FACT_USER:
    case VAULT_FACT_BOX_GONE:
        return carry_same(t, fact);
    case VAULT_FACT_BOX:
        return carry_box(t, f);
    case VAULT_FACT_NAME:
        return carry_name(t, f);
    case VAULT_FACT_KEYWORD:
        return carry_if_box(t, fact,
                            ((const struct vault_fact_keyword *)f)->box);
    case VAULT_FACT_CONTENT:
        return content ? carry_same(t, fact) : 0;
    case VAULT_FACT_MESSAGE:
        return carry_message(t, f);
    case VAULT_FACT_FLAGS:
        return carry_flags(t, f);
    case VAULT_FACT_GONE:
        return carry_if_box(t, fact, ((const struct vault_fact_gone *)f)->box);
    default:
        return 0; /* that a segment is gone needs saying once */
    }
}

/* Whether somebody refers to the content at this very place. */
static int
content_is_live(struct vault_compaction *x, struct vault_txn *t, bool *live)
{
    const struct vault_record *r = &x->record;
    const struct vault_fact *f = NULL;
    struct vault_place p;
    int rc;

    *live = false;
    while ((f = vault_record_fact(r, f))) {
        if (f->type != VAULT_FACT_CONTENT)
            continue;
        rc = vault_get_place(
            t->v, t->txn,
            ((const struct vault_fact_content *)(const void *)f)->content, &p);
        if (rc != 0)
            return rc == MDB_NOTFOUND ? 0 : rc;
        *live = p.segment == x->segment && p.offset == r->at + sizeof(r->head);
    }
    return 0;
}

/* The record's data, kept until the piece is written. */
static int
load_data(struct vault_compaction *x, struct ptn_slice *out)
{
    size_t len = (size_t)x->record.head.data_len, done = 0;
    char *data = ptn_alloc(len + 1);
    int fd = vault_segment_fd(x->file);

    x->data[x->data_count++] = data;
    while (done < len) {
        ssize_t n =
            pread(fd, data + done, len - done,
                  (off_t)(x->record.at + sizeof(x->record.head) + done));

        if (n <= 0 && !(n < 0 && errno == EINTR))
            return n < 0 ? errno : ENODATA;
        done += n > 0 ? (size_t)n : 0;
    }
    *out = (struct ptn_slice){data, len};
    return 0;
}

static int
note_carried(struct vault_compaction *x, struct vault_txn *t, size_t facts)
{
    struct vault_segment *s;
    int rc = vault_txn_segment(t, t->state.segment, &s);

    (void)x;
    if (rc != 0)
        return rc;
    s->carried += facts;
    t->segment_dirty = true;
    return 0;
}

static int
carry_record(struct vault_compaction *x, struct vault_txn *t)
{
    struct ptn_slice data = {NULL, 0}, none = {NULL, 0};
    const struct vault_fact *f = NULL;
    size_t before = t->facts.len;
    bool live;
    int rc = content_is_live(x, t, &live);

    if (rc == 0 && live)
        rc = load_data(x, &data);
    if (rc != 0)
        return rc;
    vault_txn_record(t, data, none);
    while (rc == 0 && (f = vault_record_fact(&x->record, f)))
        rc = carry_fact(t, f, live);
    vault_txn_record_end(t);
    x->carried += data.len + t->facts.len - before;
    if (rc == 0 && !live)
        rc = note_carried(x, t, t->facts.len - before);
    return rc;
}

static int
state_segment_gone(struct vault_compaction *x, struct vault_txn *t)
{
    struct vault_fact_segment_gone f = {
        .head.type = VAULT_FACT_SEGMENT_GONE,
        .segment = x->segment,
    };
    struct ptn_slice none = {NULL, 0};
    int rc;

    vault_txn_record(t, none, none);
    rc = vault_txn_state(t, &f.head, sizeof(f), NULL, 0);
    vault_txn_record_end(t);
    return rc;
}

static bool
piece_is_full(const struct vault_compaction *x, uint64_t carried, unsigned n)
{
    return x->carried - carried >= PIECE_OCTETS ||
           x->next - x->at >= PIECE_SCAN || n >= PIECE_RECORDS;
}

/* A group that is tried again begins the piece again. */
static int
carry_piece(struct vault_compaction *x, struct vault_txn *t)
{
    uint64_t carried = x->carried;
    enum vault_found found;
    int rc = 0;

    for (unsigned n = 0; rc == 0 && x->next < x->end; n++) {
        if (piece_is_full(x, carried, n))
            return 0;
        found = vault_record_read(vault_segment_fd(x->file), x->next, x->end,
                                  true, &x->record);
        if (found != VAULT_RECORD_OK) {
            give_up(x, x->next);
            return 0;
        }
        rc = carry_record(x, t);
        x->next += vault_record_size(&x->record.head);
    }
    return rc == 0 ? state_segment_gone(x, t) : rc;
}

int
vault_op_compact(struct vault_txn *t, struct ptn_store_op *op)
{
    struct vault_compaction *x = (void *)op;

    drop_data(x);
    x->next = x->at;
    t->changed = true;
    return x->segment == 0 ? 0 : carry_piece(x, t);
}

/* --- left-overs --- */

static bool
is_known(struct vault *v, struct vault_reader *r, uint32_t segment,
         const struct vault_state *s)
{
    struct vault_segment value;

    return segment >= s->segment ||
           vault_get_counter(v, r->txn, VAULT_COUNTER_SEGMENT, segment,
                             (struct iovec){&value, sizeof(value)}) !=
               MDB_NOTFOUND;
}

void
vault_compaction_sweep(struct vault *v)
{
    struct vault_reader *r;
    struct vault_state s;
    uint32_t *numbers;
    size_t count;
    char name[16];

    if (vault_segment_numbers(v, &numbers, &count) != 0)
        return;
    if (vault_read_begin(v, &r) == 0) {
        if (vault_get_counter(v, r->txn, VAULT_COUNTER_STATE, 0,
                              (struct iovec){&s, sizeof(s)}) == 0) {
            for (size_t i = 0; i < count; i++) {
                if (!is_known(v, r, numbers[i], &s))
                    unlinkat(v->segment_dir,
                             vault_segment_name(numbers[i], name), 0);
            }
        }
        vault_read_end(v, r);
    }
    ptn_free(numbers);
}
