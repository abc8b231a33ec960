/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opening and closing the store. One process at a time gets through here
 * (state.c); the first one there decides whether the index is good, and
 * makes the store or its index if not. Main thread.
 */
#include "commit.h"
#include "compact.h"
#include "crc.h"
#include "recover.h"
#include "state.h"
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <postern/arena.h>
#include <sys/stat.h>
#include <unistd.h>

void
vault_identify(struct vault *v, uint64_t store, int64_t created)
{
    v->store = store;
    v->created = created;
    v->seed = vault_crc(0, &store, sizeof(store));
}

/* --- folders --- */

static int
open_folder(const char *path, int *fd, struct ptn_error *err)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return ptn_error_errno(err,
                               "%s: cannot be made; make it, or let the "
                               "server's user write to the folder above it",
                               path);
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0)
        return ptn_error_errno(err, "%s: cannot be opened", path);
    if (faccessat(*fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
        return ptn_error_errno(err,
                               "%s: cannot be written; let the server's user "
                               "own it (chown -R)",
                               path);
    return 0;
}

static int
open_folders(struct vault *v, const char *state_dir, struct ptn_error *err)
{
    struct ptn_buf path = PTN_BUF_INIT;
    int rc;

    ptn_buf_printf(&path, "%s/vault", state_dir);
    v->path = ptn_strdup(ptn_buf_cstr(&path));
    rc = open_folder(v->path, &v->dir, err);
    ptn_buf_adds(&path, "/segments");
    if (rc == 0)
        rc = open_folder(ptn_buf_cstr(&path), &v->segment_dir, err);
    ptn_buf_free(&path);
    if (rc != 0)
        return rc;
    v->lock =
        openat(v->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (v->lock < 0)
        return ptn_error_errno(err, "%s/lock: cannot be opened", v->path);
    return 0;
}

/* --- the index --- */

static int
read_state(struct vault *v, struct vault_state *out)
{
    struct vault_reader *r;
    int rc = vault_read_begin(v, &r);

    if (rc != 0)
        return rc;
    rc = vault_get_counter(v, r->txn, VAULT_COUNTER_STATE, 0,
                           (struct iovec){out, sizeof(*out)});
    vault_read_end(v, r);
    return rc;
}

/* The first segment, and an index that says so. */
static int
put_first(struct vault *v, struct vault_state *s)
{
    struct vault_segment first = {.end = s->offset};
    struct vault_txn t;
    int rc;

    vault_txn_init(&t, v);
    if ((rc = vault_index_begin(v, &t.txn)) != 0)
        return rc;
    rc = vault_txn_put_counter(&t, VAULT_COUNTER_STATE, 0,
                               (struct iovec){s, sizeof(*s)});
    if (rc == 0)
        rc = vault_txn_put_counter(&t, VAULT_COUNTER_SEGMENT, s->segment,
                                   (struct iovec){&first, sizeof(first)});
    if (rc == 0)
        return vault_index_commit(v, t.txn);
    vault_index_abort(v, t.txn);
    return rc;
}

static int
create(struct vault *v, struct ptn_error *err)
{
    struct vault_state s;
    int rc;

    if (vault_log_create(v, &s, err) != 0)
        return -1;
    vault_identify(v, s.store, s.created);
    rc = put_first(v, &s);
    return rc == 0 ? 0 : vault_index_fail(v, rc, err);
}

/* Whether the index is there and belongs to the log's end. */
static bool
index_good(struct vault *v)
{
    struct vault_state s;
    uint64_t seq;

    if (read_state(v, &s) != 0 || s.version != VAULT_INDEX_VERSION)
        return false;
    return !vault_state_clean(v, &seq) || seq == s.seq;
}

static int
drop_index(struct vault *v, struct ptn_error *err)
{
    vault_index_close(v);
    if ((unlinkat(v->dir, "index/data.mdb", 0) != 0 && errno != ENOENT) ||
        (unlinkat(v->dir, "index/lock.mdb", 0) != 0 && errno != ENOENT))
        return ptn_error_errno(err, "%s/index: cannot be removed", v->path);
    return vault_index_open(v, err);
}

/* Makes it: a new store, or an index for the log that is there. */
static int
make_index(struct vault *v, struct ptn_error *err)
{
    uint32_t *segments;
    size_t count;
    int rc;

    vault_state_forget(v);
    if (drop_index(v, err) != 0)
        return -1;
    if (vault_segment_numbers(v, &segments, &count) != 0)
        return ptn_error_errno(err, "%s/segments: cannot be read", v->path);
    ptn_free(segments);
    rc = count > 0 ? vault_recover(v, err) : create(v, err);
    if (rc != 0)
        return rc;
    vault_compaction_sweep(v);
    vault_state_sync(v);
    return 0;
}

static int
open_alone(struct vault *v, struct ptn_error *err)
{
    uint64_t seq;

    if (!vault_state_trusted(v))
        return make_index(v, err);
    if (vault_index_open(v, err) != 0)
        return -1;
    if (!index_good(v))
        return make_index(v, err);
    vault_compaction_sweep(v);
    atomic_store(&v->ring->clean, vault_state_clean(v, &seq));
    return 0;
}

static int
open_index(struct vault *v, bool alone, struct ptn_error *err)
{
    struct vault_state s;
    int rc;

    if ((alone ? open_alone(v, err) : vault_index_open(v, err)) != 0)
        return -1;
    if ((rc = read_state(v, &s)) != 0)
        return vault_index_fail(v, rc, err);
    vault_identify(v, s.store, s.created);
    return 0;
}

/* --- */

static int
open_all(struct vault *v, bool alone, struct ptn_error *err)
{
    if (vault_ring_open(v, alone, err) != 0 || open_index(v, alone, err) != 0 ||
        vault_watch_start(v, err) != 0)
        return -1;
    return vault_committer_start(v, err);
}

int
vault_open(struct vault *v, const char *state_dir, struct ptn_error *err)
{
    bool alone;
    int rc;

    v->dir = v->segment_dir = v->lock = -1;
    pthread_rwlock_init(&v->map, NULL);
    pthread_mutex_init(&v->readers.lock, NULL);
    vault_segments_init(v);
    rc = open_folders(v, state_dir, err);
    if (rc == 0 && (rc = vault_state_enter(v, &alone, err)) == 0) {
        rc = open_all(v, alone, err);
        vault_state_entered(v);
    }
    if (rc != 0)
        vault_close(v);
    return rc;
}

static void
close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void
vault_close(struct vault *v)
{
    vault_committer_stop(v);
    vault_watch_stop(v);
    if (v->env && v->ring)
        vault_state_sync(v);
    vault_index_close(v);
    vault_ring_close(v);
    vault_segments_deinit(v);
    close_fd(&v->lock); /* and with it the slot */
    close_fd(&v->segment_dir);
    close_fd(&v->dir);
    pthread_mutex_destroy(&v->readers.lock);
    pthread_rwlock_destroy(&v->map);
    ptn_free(v->path);
    v->path = NULL;
}
