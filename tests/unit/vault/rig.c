/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * See rig.h. The few calls of the core that the vault makes are stood in
 * for here. The faults are process-wide: one rig with faults at a time.
 */
#include "rig.h"

#include "plugins/vault/state.h"

#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* --- the core --- */

static pthread_mutex_t done_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t done_wake = PTHREAD_COND_INITIALIZER;

void
ptn_job_complete(struct ptn_job *job)
{
    pthread_mutex_lock(&done_lock);
    assert_null(job->private_.owner);
    job->private_.owner = job;
    pthread_cond_broadcast(&done_wake);
    pthread_mutex_unlock(&done_lock);
}

void
ptn_host_provide(struct ptn_host *host, const char *contract, uint16_t version,
                 const void *ops, void *instance)
{
    (void)host;
    (void)contract;
    (void)version;
    (void)ops;
    (void)instance;
}

void
ptn_host_allow_path(struct ptn_host *host, const char *path, unsigned access)
{
    (void)host;
    (void)path;
    (void)access;
}

const char *
ptn_host_state_dir(struct ptn_host *host)
{
    (void)host;
    return "/nonexistent";
}

struct ptn_fd_watch *
ptn_host_watch_fd(struct ptn_host *host, int fd, void (*fn)(void *arg),
                  void *arg)
{
    (void)host;
    (void)fd;
    (void)fn;
    (void)arg;
    return NULL;
}

void
ptn_host_unwatch_fd(struct ptn_fd_watch *watch)
{
    (void)watch;
}

/* --- faults --- */

static struct {
    _Atomic unsigned calls, left;
    _Atomic bool failed;
} fault;

void
rig_fail(unsigned calls, unsigned nth)
{
    fault.failed = false;
    fault.left = nth;
    fault.calls = calls;
}

bool
rig_failed(void)
{
    return fault.failed;
}

static bool
fails(unsigned call)
{
    if ((fault.calls & call) == 0 || --fault.left > 0)
        return false;
    fault.calls = 0;
    fault.failed = true;
    return true;
}

static ssize_t
rig_pwritev(int fd, const struct iovec *iov, int count, off_t at)
{
    if (fails(RIG_PWRITEV)) {
        errno = ENOSPC;
        return -1;
    }
    if (fails(RIG_SHORT)) {
        /* As on a full disk: what fits goes in, the next call fails. */
        ssize_t n = pwrite(fd, iov->iov_base, (iov->iov_len + 1) / 2, at);

        rig_fail(RIG_PWRITEV, 1);
        return n;
    }
    return pwritev(fd, iov, count, at);
}

static _Atomic unsigned syncs;

unsigned
rig_count_syncs(bool begin)
{
    unsigned n = syncs;

    if (begin)
        syncs = 0;
    return n;
}

static int
rig_fdatasync(int fd)
{
    syncs++;
    (void)fd; /* the page cache outlives a test */
    errno = EIO;
    return fails(RIG_FDATASYNC) ? -1 : 0;
}

static int
rig_fsync(int fd)
{
    (void)fd;
    errno = EIO;
    return fails(RIG_FSYNC) ? -1 : 0;
}

static int
rig_ftruncate(int fd, off_t len)
{
    errno = EIO;
    return fails(RIG_TRUNCATE) ? -1 : ftruncate(fd, len);
}

static int
rig_put(MDB_txn *txn, MDB_dbi db, MDB_val *key, MDB_val *val, unsigned flags)
{
    return fails(RIG_PUT) ? ENOSPC : mdb_put(txn, db, key, val, flags);
}

static int
rig_commit(MDB_txn *txn)
{
    if (!fails(RIG_COMMIT))
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return ENOSPC;
}

static int
rig_sync(MDB_env *env, int force)
{
    (void)env;
    (void)force;
    return 0;
}

static const struct vault_sys rig_sys = {
    .pwritev = rig_pwritev,
    .fdatasync = rig_fdatasync,
    .fsync = rig_fsync,
    .ftruncate = rig_ftruncate,
    .index_put = rig_put,
    .index_commit = rig_commit,
    .index_sync = rig_sync,
};

/* --- a vault --- */

static const char *const initial[] = {"Drafts", "Sent", "Trash", "Junk"};

static void
default_options(struct vault_options *o)
{
    *o = (struct vault_options){
        .segment_size = 1 << 20,
        .preallocate = 64 << 10,
        .map_size = 1 << 20, /* small, so that it has to grow */
        .create = {initial, PTN_COUNT(initial)},
    };
}

void
rig_open(struct rig *r)
{
    struct ptn_error err = PTN_ERROR_INIT;

    memset(&r->v, 0, sizeof(r->v));
    r->v.options = &r->options;
    r->v.sys = &rig_sys;
    if (vault_open(&r->v, r->dir, &err) != 0)
        fail_msg("%s", err.text);
    r->open = true;
}

void
rig_close(struct rig *r)
{
    vault_close(&r->v);
    r->open = false;
}

void
rig_setup(struct rig *r)
{
    memset(r, 0, sizeof(*r));
    default_options(&r->options);
    strcpy(r->dir, "/tmp/vault-test-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    rig_open(r);
}

void
rig_bench(struct rig *r, const char *folder)
{
    struct ptn_error err = PTN_ERROR_INIT;

    memset(r, 0, sizeof(*r));
    r->options = (struct vault_options){
        .segment_size = 128 << 20,
        .preallocate = 4 << 20,
        .map_size = (uint64_t)1 << 30,
        .idle_sync = 5000,
        .compact_below = 60,
        .compact_pause = 50,
        .create = {initial, PTN_COUNT(initial)},
    };
    snprintf(r->dir, sizeof(r->dir), "%s/vault-bench-XXXXXX", folder);
    r->v.options = &r->options;
    r->v.sys = &vault_sys_real;
    if (!mkdtemp(r->dir) || vault_open(&r->v, r->dir, &err) != 0) {
        fprintf(stderr, "%s: %s\n", r->dir, err.text);
        exit(EXIT_FAILURE);
    }
    r->open = true;
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void
rig_remove(const char *dir)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
rig_teardown(struct rig *r)
{
    if (r->open)
        rig_close(r);
    rig_remove(r->dir);
}

int
rig_test_setup(void **state)
{
    struct rig *r = ptn_alloc(sizeof(*r));

    rig_fail(0, 0);
    rig_setup(r);
    *state = r;
    return 0;
}

int
rig_test_teardown(void **state)
{
    rig_fail(0, 0);
    rig_teardown(*state);
    ptn_free(*state);
    return 0;
}

void
rig_path(const struct rig *r, const char *name, char *into, size_t size)
{
    snprintf(into, size, "%s/vault/%s", r->dir, name);
}

void
rig_abandon(struct rig *r)
{
    vault_committer_stop(&r->v);
    atomic_store(&r->v.ring->clean, 1); /* so that closing syncs nothing */
    rig_close(r);
}

void
rig_lose_index(struct rig *r)
{
    char path[128];

    rig_abandon(r);
    rig_path(r, "mark", path, sizeof(path));
    unlink(path);
    rig_path(r, "index/data.mdb", path, sizeof(path));
    assert_int_equal(truncate(path, 4096), 0);
}

/* --- operations --- */

void
rig_expect(struct ptn_store_op *op)
{
    op->job.private_.owner = NULL;
    op->status = PTN_UNSUPPORTED;
}

enum ptn_status
rig_wait(struct ptn_store_op *op)
{
    pthread_mutex_lock(&done_lock);
    while (!op->job.private_.owner)
        pthread_cond_wait(&done_wake, &done_lock);
    pthread_mutex_unlock(&done_lock);
    return op->status;
}

static struct ptn_content
content_of(const char *text)
{
    return (struct ptn_content){
        .body = ptn_slice_of(text),
        .envelope = PTN_SLICE("(envelope)"),
        .structure = PTN_SLICE("(structure)"),
        .parts = PTN_SLICE("parts"),
    };
}

enum ptn_status
rig_deliver(struct rig *r, const char *user, const char *text, uint32_t *uid)
{
    struct ptn_content c = content_of(text);
    struct ptn_store_target target = {.user = user};
    struct ptn_store_deliver op = {
        .content = &c, .targets = &target, .count = 1};

    rig_expect(&op.op);
    vault_store_ops.deliver(&r->v, &op);
    rig_wait(&op.op);
    if (uid)
        *uid = target.uid;
    return op.op.status;
}

enum ptn_status
rig_append(struct rig *r, const char *mailbox, const char *text, uint32_t flags,
           uint32_t *uid)
{
    struct ptn_content c = content_of(text);
    struct ptn_store_append op = {
        .user = USER,
        .mailbox = ptn_slice_of(mailbox),
        .content = &c,
        .system_flags = flags,
        .internal_date = 1000000000,
        .internal_zone = 120,
    };

    rig_expect(&op.op);
    vault_store_ops.append(&r->v, &op);
    rig_wait(&op.op);
    if (uid)
        *uid = op.uid;
    return op.op.status;
}

enum ptn_status
rig_change(struct rig *r, enum ptn_mailbox_change change, const char *name,
           const char *new_name)
{
    struct ptn_store_mailbox op = {
        .change = change,
        .user = USER,
        .name = ptn_slice_of(name),
        .new_name = ptn_slice_of(new_name),
    };

    rig_expect(&op.op);
    vault_store_ops.change(&r->v, &op);
    return rig_wait(&op.op);
}

static enum ptn_status
run_flags(struct rig *r, struct ptn_store_flags *op)
{
    op->unchanged_since = UINT64_MAX;
    rig_expect(&op->op);
    vault_store_ops.flags(&r->v, op);
    return rig_wait(&op->op);
}

enum ptn_status
rig_flags(struct rig *r, struct ptn_mailbox *m, uint32_t uid,
          enum ptn_flag_change change, uint32_t flags)
{
    struct ptn_store_flags op = {
        .mailbox = m,
        .uids = &uid,
        .count = 1,
        .change = change,
        .system_flags = flags,
    };

    return run_flags(r, &op);
}

enum ptn_status
rig_keyword(struct rig *r, struct ptn_mailbox *m, uint32_t uid,
            enum ptn_flag_change change, const char *keyword)
{
    struct ptn_slice name = ptn_slice_of(keyword);
    struct ptn_store_flags op = {
        .mailbox = m,
        .uids = &uid,
        .count = 1,
        .change = change,
        .keywords = &name,
        .keyword_count = 1,
    };

    return run_flags(r, &op);
}

enum ptn_status
rig_expunge(struct rig *r, struct ptn_mailbox *m, uint32_t uid, size_t *removed)
{
    struct ptn_store_expunge op = {
        .mailbox = m,
        .uids = uid ? &uid : NULL,
        .count = 1,
        .any = uid != 0,
    };

    rig_expect(&op.op);
    vault_store_ops.expunge(&r->v, &op);
    rig_wait(&op.op);
    if (removed)
        *removed = op.removed;
    return op.op.status;
}

enum ptn_status
rig_copy(struct rig *r, struct ptn_mailbox *m, uint32_t uid, const char *target,
         bool move, uint32_t *new_uid)
{
    uint32_t out = 0;
    struct ptn_store_copy op = {
        .source = m,
        .uids = &uid,
        .count = 1,
        .user = USER,
        .target = ptn_slice_of(target),
        .move = move,
        .out_uids = &out,
    };

    rig_expect(&op.op);
    vault_store_ops.copy(&r->v, &op);
    rig_wait(&op.op);
    if (new_uid)
        *new_uid = out;
    return op.op.status;
}

/* --- reading --- */

struct ptn_mailbox *
rig_mailbox(struct rig *r, const char *user, const char *name,
            struct ptn_uidmap *uids)
{
    struct ptn_mailbox *m = NULL;
    struct ptn_mailbox_info info;

    if (vault_mailbox_open(&r->v, user, ptn_slice_of(name), false, &m, &info,
                           uids) != PTN_OK)
        return NULL;
    return m;
}

struct ptn_mailbox_info
rig_info(struct rig *r, struct ptn_mailbox *m)
{
    struct ptn_mailbox_info info;

    assert_int_equal(vault_info(&r->v, m, &info), PTN_OK);
    return info;
}

static bool
take_message(void *arg, const struct ptn_message *m)
{
    struct ptn_message *out = arg;

    *out = *m;
    return true;
}

bool
rig_fetch(struct rig *r, struct ptn_mailbox *m, uint32_t uid,
          struct ptn_message *out)
{
    out->uid = 0;
    if (vault_fetch(&r->v, m, &uid, 1, PTN_FETCH_FLAGS, take_message, out) !=
        PTN_OK)
        return false;
    return out->uid == uid;
}

char *
rig_body(struct rig *r, struct ptn_mailbox *m, uint32_t uid)
{
    struct ptn_body *body;
    uint64_t size, at = 0;
    ptrdiff_t n;
    char *text;

    if (vault_body_open(&r->v, m, uid, &body, &size) != PTN_OK)
        return NULL;
    text = ptn_alloc((size_t)size + 1);
    while ((n = vault_body_read(&r->v, body, at, text + at, (size_t)(size - at),
                                false)) > 0)
        at += (uint64_t)n;
    assert_int_equal(n, 0);
    assert_int_equal(at, size);
    vault_body_close(&r->v, body);
    return text;
}

/* --- the index as text --- */

static void
dump_octets(struct ptn_buf *out, const void *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ptn_buf_printf(out, "%02x", ((const unsigned char *)data)[i]);
}

/* Without what recovery need not know. */
static void
dump_counter(struct ptn_buf *out, const MDB_val *key, const MDB_val *val)
{
    union {
        struct vault_state state;
        struct vault_box box;
        struct vault_segment segment;
    } u = {0};

    memcpy(&u, val->mv_data,
           val->mv_size < sizeof(u) ? val->mv_size : sizeof(u));
    if (vault_key_u32(key, 0) == VAULT_COUNTER_BOX)
        u.box.recent_from = 0;
    else if (vault_key_u32(key, 0) == VAULT_COUNTER_SEGMENT)
        u.segment.carried = 0;
    else if (vault_key_u32(key, 0) == VAULT_COUNTER_STATE)
        u.state.next_content = u.state.uidvalidity = 0;
    dump_octets(out, &u, val->mv_size);
}

static void
dump_table(struct rig *r, MDB_txn *txn, unsigned table, struct ptn_buf *out)
{
    MDB_cursor *cursor;
    MDB_val key, val;

    assert_int_equal(mdb_cursor_open(txn, r->v.tables[table], &cursor), 0);
    while (mdb_cursor_get(cursor, &key, &val, MDB_NEXT) == 0) {
        ptn_buf_printf(out, "%u ", table);
        dump_octets(out, key.mv_data, key.mv_size);
        ptn_buf_addc(out, ' ');
        if (table == VAULT_COUNTERS)
            dump_counter(out, &key, &val);
        else
            dump_octets(out, val.mv_data, val.mv_size);
        ptn_buf_addc(out, '\n');
    }
    mdb_cursor_close(cursor);
}

void
rig_dump(struct rig *r, struct ptn_buf *out)
{
    struct vault_reader *reader;

    *out = PTN_BUF_INIT;
    assert_int_equal(vault_read_begin(&r->v, &reader), 0);
    for (unsigned i = 0; i < VAULT_TABLES; i++)
        dump_table(r, reader->txn, i, out);
    vault_read_end(&r->v, reader);
}

void
rig_assert_same(const struct ptn_buf *a, const struct ptn_buf *b)
{
    size_t at = 0, line = 0;

    while (at < a->len && at < b->len && a->data[at] == b->data[at]) {
        if (a->data[at++] == '\n')
            line = at;
    }
    if (at == a->len && at == b->len)
        return;
    fail_msg("differ:\n%.200s\n%.200s", line < a->len ? a->data + line : "",
             line < b->len ? b->data + line : "");
}

void
rig_check_recovery(struct rig *r)
{
    struct ptn_buf before, after;
    int64_t compact = r->options.compact_below;

    vault_committer_stop(&r->v);
    rig_dump(r, &before);
    rig_lose_index(r);
    r->options.compact_below = 0; /* nothing moves while it is compared */
    rig_open(r);
    r->options.compact_below = compact;
    rig_dump(r, &after);
    ptn_buf_addc(&before, '\0');
    ptn_buf_addc(&after, '\0');
    rig_assert_same(&before, &after);
    ptn_buf_free(&before);
    ptn_buf_free(&after);
}
