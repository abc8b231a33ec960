/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Recovery: the index made again by applying every fact of the log, in
 * order. It runs when the index is missing, or may be damaged because the
 * system went down (state.c); no other process has the store open.
 *
 * Where does the log end? In each segment but the last, where the next one's
 * head says. In the last, where no intact record follows that is chained to
 * the one before: what a power failure tore is the end of the last group,
 * which was never acknowledged. A record that breaks off earlier than that
 * is damage; it is logged, and reading goes on behind it. The two are told
 * apart by sequence numbers: a group has at most VAULT_GROUP_OPS_MAX of
 * them, so an intact record further on than that proves the damage.
 *
 * The position is kept in the index with the facts of one batch, so that a
 * batch that does not fit the map can be done again after it was grown.
 */
#include "recover.h"

#include "log.h"
#include "record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <postern/arena.h>
#include <postern/log.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH 2048 /* records of a transaction */

struct recovery {
    struct vault *v;
    struct vault_txn t;
    struct vault_record record;
    uint32_t *segments;
    size_t count, next; /* `next`: index of the segment after the open one */
    int fd;
    uint64_t size;
    uint64_t end_seq; /* of the open segment: the next one's first */
    uint64_t lost;    /* records */
    bool done;
    struct ptn_error *err;
};

/* --- which segments are there --- */

static int
by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static bool
segment_number(const char *name, uint32_t *out)
{
    struct ptn_slice s = ptn_slice_of(name);
    uint64_t n;

    if (s.len < 12 || strcmp(name + s.len - 4, ".log") != 0 ||
        !ptn_slice_to_u64(ptn_slice_sub(s, 0, s.len - 4), VAULT_SEGMENT_MAX,
                          &n) ||
        n == 0)
        return false;
    *out = (uint32_t)n;
    return true;
}

int
vault_segment_numbers(struct vault *v, uint32_t **out, size_t *count)
{
    int fd = openat(v->segment_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;
    uint32_t number;

    *out = NULL;
    *count = 0;
    if (!dir)
        return -1;
    while ((e = readdir(dir))) {
        if (!segment_number(e->d_name, &number))
            continue;
        *out = ptn_realloc(*out, (*count + 1) * sizeof(number));
        (*out)[(*count)++] = number;
    }
    closedir(dir);
    if (*count > 0)
        qsort(*out, *count, sizeof(number), by_number);
    return 0;
}

/* --- segments, one after the other --- */

static int
open_segment(struct recovery *r, size_t i, struct vault_segment_head *head)
{
    char name[16];
    struct stat st;
    int fd = openat(r->v->segment_dir, vault_segment_name(r->segments[i], name),
                    O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0 || fstat(fd, &st) != 0)
        ptn_error_errno(r->err, "%s/segments/%s", r->v->path, name);
    else if (vault_log_head(fd, r->segments[i], head, r->err) == 0) {
        r->size = (uint64_t)st.st_size;
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

/* The first sequence number behind segment `i`. A head that cannot be read
 * is an error, but for the last segment: a crash may have torn that, and
 * then no record in it was acknowledged. */
static int
find_end(struct recovery *r, size_t i)
{
    struct vault_segment_head head;
    uint64_t size = r->size;
    int fd;

    r->end_seq = UINT64_MAX;
    if (i + 1 == r->count)
        return 0;
    fd = open_segment(r, i + 1, &head);
    r->size = size;
    if (fd < 0 && i + 2 == r->count) {
        ptn_log(PTN_LOG_WARNING, "vault.torn-segment",
                PTN_FN("segment", r->segments[i + 1]));
        r->count--;
        return 0;
    }
    if (fd < 0)
        return -1;
    close(fd);
    r->end_seq = head.seq;
    return 0;
}

/* Goes on to the next segment. Its head says what comes first. */
static int
turn_segment(struct recovery *r)
{
    struct vault_state *s = &r->t.state;
    struct vault_segment_head head;
    size_t i = r->next++;

    if (r->fd >= 0)
        close(r->fd);
    r->fd = open_segment(r, i, &head);
    if (r->fd < 0 || find_end(r, i) != 0)
        return -1;
    if (head.store != r->v->store)
        return ptn_error_set(r->err, PTN_ERR_STORE,
                             "segment %u belongs to another store: move it "
                             "out of %s/segments",
                             r->segments[i], r->v->path);
    s->segment = r->segments[i];
    s->offset = sizeof(head);
    s->seq = head.seq;
    s->chain = head.chain;
    return 0;
}

/* --- records --- */

static bool
is_last(const struct recovery *r)
{
    return r->next == r->count;
}

static int
note_end(struct recovery *r)
{
    struct vault_segment *s;
    int rc = vault_txn_segment(&r->t, r->t.state.segment, &s);

    if (rc != 0)
        return rc;
    s->end = r->t.state.offset;
    r->t.segment_dirty = true;
    return 0;
}

static int
end_of_segment(struct recovery *r)
{
    int rc = note_end(r);

    if (rc != 0)
        return rc;
    if (is_last(r)) {
        r->done = true;
        return 0;
    }
    return turn_segment(r) == 0 ? 0 : MDB_PANIC;
}

static int
apply_record(struct recovery *r)
{
    const struct vault_record *rec = &r->record;
    struct vault_state *s = &r->t.state;
    struct vault_place place = {
        .offset = rec->at + sizeof(rec->head),
        .length = rec->head.data_len,
        .segment = s->segment,
    };
    const struct vault_fact *f = NULL;
    int rc = 0;

    while (rc == 0 && (f = vault_record_fact(rec, f)))
        rc = vault_apply(&r->t, f, &place);
    s->seq = rec->head.seq + 1;
    s->chain = rec->head.crc;
    s->offset = rec->at + vault_record_size(&rec->head);
    return rc;
}

/* Whether the record continues the log; then it is applied. */
static bool
is_next(const struct recovery *r)
{
    return r->record.head.seq == r->t.state.seq &&
           r->record.head.chain == r->t.state.chain;
}

static void
log_damage(const struct recovery *r, uint64_t at, const char *what)
{
    ptn_log(PTN_LOG_ERROR, "vault.damaged", PTN_FS("path", r->v->path),
            PTN_FN("segment", r->t.state.segment), PTN_FN("offset", at),
            PTN_FS("what", what));
}

/* No record follows where one should. */
static int
break_off(struct recovery *r, enum vault_found found)
{
    struct vault_state *s = &r->t.state;
    uint64_t range[2] = {s->seq + (is_last(r) ? VAULT_GROUP_OPS_MAX : 0),
                         r->end_seq - 1};
    uint64_t proof = vault_record_search(r->v, r->fd, s->offset + 8, range);
    uint64_t at;

    if (proof == 0)
        return end_of_segment(r);
    if (found == VAULT_RECORD_DAMAGED_DATA) {
        log_damage(r, s->offset, "the octets of a message");
        return apply_record(r);
    }
    range[0] = s->seq;
    at = vault_record_search(r->v, r->fd, s->offset + 8, range);
    log_damage(r, s->offset, "a record");
    r->lost++;
    if (at == 0 || vault_record_read(r->fd, at, r->size, false, &r->record) !=
                       VAULT_RECORD_OK) {
        s->offset = at ? at : proof; /* go on searching from there */
        return 0;
    }
    return apply_record(r);
}

static int
replay_next(struct recovery *r)
{
    enum vault_found found;

    if (r->t.state.seq >= r->end_seq)
        return end_of_segment(r);
    found = vault_record_read(r->fd, r->t.state.offset, r->size, is_last(r),
                              &r->record);
    if (found == VAULT_RECORD_ERROR)
        return errno;
    if (found != VAULT_RECORD_NONE && !is_next(r))
        found = VAULT_RECORD_NONE;
    if (found != VAULT_RECORD_OK)
        return break_off(r, found);
    return apply_record(r);
}

/* --- batches --- */

/* The segment of the position that the index has. */
static int
reopen(struct recovery *r)
{
    struct vault_state s = r->t.state;
    int rc;

    r->next = 0;
    while (r->next < r->count && r->segments[r->next] < s.segment)
        r->next++;
    rc = turn_segment(r);
    r->t.state = s;
    return rc == 0 ? 0 : MDB_PANIC;
}

static int
replay_batch(struct recovery *r)
{
    int rc = vault_txn_begin(&r->t);

    if (rc != 0)
        return rc;
    r->t.replay = true;
    rc = reopen(r);
    for (unsigned n = 0; n < BATCH && rc == 0 && !r->done; n++)
        rc = replay_next(r);
    if (rc == 0)
        rc = vault_txn_flush(&r->t);
    if (rc != 0) {
        vault_txn_abort(&r->t);
        return rc;
    }
    rc = vault_index_commit(r->v, r->t.txn);
    r->t.txn = NULL;
    return rc;
}

static int
replay_all(struct recovery *r, int (*batch)(struct recovery *r))
{
    int rc = 0;

    r->done = false;
    while (rc == 0 && !r->done) {
        rc = batch(r);
        if (rc != MDB_MAP_FULL)
            continue;
        r->done = false;
        rc = vault_index_resize(r->v, true);
    }
    return rc;
}

/* --- what was held open --- */

/* Every box: nothing is recent; one that is known from its messages alone
 * was deleted. */
static int
settle_box(struct recovery *r, uint32_t box)
{
    struct vault_fact_box_gone f = {
        .head = {sizeof(f), VAULT_FACT_BOX_GONE, 0},
        .box = box,
    };
    struct vault_box *b;
    int rc = vault_txn_box(&r->t, box, &b);

    if (rc != 0)
        return rc == MDB_NOTFOUND ? 0 : rc;
    b->recent_from = b->uidnext;
    r->t.box_dirty = true;
    return b->uidvalidity == 0 ? vault_apply(&r->t, &f.head, NULL) : 0;
}

/* A message whose content is lost goes, too. */
static int
settle_message(struct recovery *r, uint32_t box, uint32_t uid)
{
    struct vault_fact_gone f = {
        .head = {sizeof(f), VAULT_FACT_GONE, 0},
        .box = box,
        .first = uid,
        .last = uid,
    };
    struct vault_message m;
    struct vault_place p;
    struct vault_box *b;
    int rc = vault_get_message(r->v, r->t.txn, box, uid, &m);

    if (rc == 0)
        rc = vault_get_place(r->v, r->t.txn, m.content, &p);
    if (rc != 0 || p.segment != 0)
        return rc;
    r->lost++;
    ptn_log(PTN_LOG_ERROR, "vault.lost", PTN_FN("mailbox", box),
            PTN_FN("uid", uid));
    if ((rc = vault_txn_box(&r->t, box, &b)) != 0)
        return rc;
    f.modseq = b->modseq + 1;
    return vault_apply(&r->t, &f.head, NULL);
}

/* A content that nobody refers to, or that was not found. */
static int
settle_place(struct recovery *r, const struct vault_key *key, bool *missing)
{
    struct vault_segment *s;
    struct vault_place p;
    int rc = vault_get_fixed(r->v, r->t.txn, VAULT_PLACES, key,
                             (struct iovec){&p, sizeof(p)});

    if (rc != 0)
        return rc;
    *missing = *missing || (p.segment == 0 && p.refs > 0);
    if (p.refs > 0)
        return 0;
    if (p.segment != 0) {
        if ((rc = vault_txn_segment(&r->t, p.segment, &s)) != 0)
            return rc;
        s->live -= p.length + p.facts;
        r->t.segment_dirty = true;
    }
    rc = vault_txn_del(&r->t, VAULT_PLACES, key);
    return rc == 0 ? vault_txn_del(&r->t, VAULT_METAS, key) : rc;
}

/* The first key of a table behind `key` (whose length may be 0). */
static int
next_key(struct recovery *r, enum vault_table table, struct vault_key *key)
{
    unsigned char after[VAULT_KEY_MAX + 1];
    MDB_val k = {0, after}, val;
    MDB_cursor *cursor;
    int rc = mdb_cursor_open(r->t.txn, r->v->tables[table], &cursor);

    if (rc != 0)
        return rc;
    memcpy(after, key->data, key->len);
    after[key->len] = 0;
    k.mv_size = key->len + 1;
    rc = key->len ? mdb_cursor_get(cursor, &k, &val, MDB_SET_RANGE)
                  : mdb_cursor_get(cursor, &k, &val, MDB_FIRST);
    if (rc == 0) {
        assert(k.mv_size <= VAULT_KEY_MAX);
        key->len = k.mv_size;
        memcpy(key->data, k.mv_data, k.mv_size);
    }
    mdb_cursor_close(cursor);
    return rc;
}

static int
settle_boxes(struct recovery *r)
{
    struct vault_key key = vault_key2(VAULT_COUNTER_BOX, 0);
    int rc;

    while ((rc = next_key(r, VAULT_COUNTERS, &key)) == 0) {
        MDB_val k = {key.len, key.data};

        if (vault_key_u32(&k, 0) != VAULT_COUNTER_BOX)
            return 0;
        if ((rc = settle_box(r, vault_key_u32(&k, 4))) != 0)
            return rc;
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
settle_places(struct recovery *r, bool *missing)
{
    struct vault_key key = {.len = 0};
    int rc;

    *missing = false;
    while ((rc = next_key(r, VAULT_PLACES, &key)) == 0) {
        if ((rc = settle_place(r, &key, missing)) != 0)
            return rc;
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
settle_messages(struct recovery *r)
{
    struct vault_key key = {.len = 0};
    int rc;

    while ((rc = next_key(r, VAULT_MESSAGES, &key)) == 0) {
        MDB_val k = {key.len, key.data};

        rc = settle_message(r, vault_key_u32(&k, 0), vault_key_u32(&k, 4));
        if (rc != 0)
            return rc;
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
settle(struct recovery *r)
{
    bool missing;
    int rc = vault_txn_begin(&r->t);

    if (rc != 0)
        return rc;
    r->done = true;
    if ((rc = settle_boxes(r)) == 0)
        rc = settle_places(r, &missing);
    if (rc == 0 && missing)
        rc = settle_messages(r);
    if (rc == 0)
        rc = vault_txn_flush(&r->t);
    if (rc != 0) {
        vault_txn_abort(&r->t);
        return rc;
    }
    rc = vault_index_commit(r->v, r->t.txn);
    r->t.txn = NULL;
    return rc;
}

/* --- */

/* Writes the position at which replay begins. */
static int
put_start(struct recovery *r, const struct vault_segment_head *head)
{
    struct vault_state s = {
        .store = head->store,
        .created = head->created,
        .offset = sizeof(*head),
        .seq = head->seq,
        .next_content = 1,
        .segment = head->segment,
        .chain = head->chain,
        .next_user = 1,
        .next_box = 1,
        .uidvalidity = (uint32_t)head->created,
        .version = VAULT_INDEX_VERSION,
    };
    int rc = vault_index_begin(r->v, &r->t.txn);

    if (rc != 0)
        return rc;
    rc = vault_txn_put_counter(&r->t, VAULT_COUNTER_STATE, 0,
                               (struct iovec){&s, sizeof(s)});
    if (rc != 0) {
        vault_txn_abort(&r->t);
        return rc;
    }
    rc = vault_index_commit(r->v, r->t.txn);
    r->t.txn = NULL;
    return rc;
}

static int
recover_log(struct recovery *r)
{
    struct vault_segment_head head;
    int rc, fd = open_segment(r, 0, &head);

    if (fd < 0)
        return -1;
    close(fd);
    vault_identify(r->v, head.store, head.created);
    r->record.seed = r->v->seed;
    rc = put_start(r, &head);
    if (rc == 0)
        rc = replay_all(r, replay_batch);
    if (rc == 0)
        rc = replay_all(r, settle);
    if (rc == MDB_PANIC)
        return -1; /* r->err says it */
    if (rc != 0)
        return ptn_error_set(r->err, PTN_ERR_STORE,
                             "%s: the index cannot be made again: %s",
                             r->v->path, mdb_strerror(rc));
    return 0;
}

int
vault_recover(struct vault *v, struct ptn_error *err)
{
    struct recovery r = {.v = v, .fd = -1, .err = err};
    int rc;

    if (vault_segment_numbers(v, &r.segments, &r.count) != 0)
        return ptn_error_errno(err, "%s/segments: cannot read", v->path);
    assert(r.count > 0);
    vault_txn_init(&r.t, v);
    rc = recover_log(&r);
    ptn_log(rc == 0 ? PTN_LOG_INFO : PTN_LOG_ERROR, "vault.recovered",
            PTN_FS("path", v->path), PTN_FN("records", r.t.state.seq - 1),
            PTN_FN("lost", r.lost));
    if (r.fd >= 0)
        close(r.fd);
    vault_record_free(&r.record);
    vault_txn_deinit(&r.t);
    ptn_free(r.segments);
    return rc;
}
