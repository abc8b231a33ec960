/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Group commit. While one group is being made durable, the operations of
 * all sessions gather in a queue; the next group takes them all:
 *
 *   begin (the index's writer lock: one group at a time, all processes)
 *     decide each operation in order; facts into records and the index
 *     append the records, fdatasync          -> durable
 *   commit the index, with the log's new end -> visible
 *   wake watchers, complete jobs             -> acknowledged
 *
 * The index is committed without a sync of its own (MDB_NOSYNC). With one
 * (MDB_NOMETASYNC), measured side by side with a single client that changes
 * flags, an operation took two and a half to three times the processor time
 * and three to six times as long, and the disk was to write 38 kB for each
 * in place of 4: a dozen pages of the index. The price is that after an
 * unclean end of the operating system (not of a process) the index may be
 * damaged. It is then made again from the log, which holds all that it
 * takes, so that no message is parsed again (recover.c). state.c knows
 * whether that is needed; an idle store is synced and marked clean after
 * `idle_sync`.
 *
 * A group that fails, fails as a whole with nothing changed; it is then
 * tried again one operation at a time, so that one that cannot succeed
 * refuses none but itself.
 */
#include "commit.h"

#include "compact.h"
#include "state.h"
#include "watch.h"

#include <errno.h>
#include <postern/arena.h>
#include <postern/log.h>
#include <postern/metric.h>
#include <signal.h>
#include <time.h>

#define STACK_SIZE (256u * 1024)
/* Scratch above this is given back after a group. */
#define SCRATCH_KEEP (1u << 20)

struct vault_committer {
    struct vault *v;
    pthread_t thread;
    pthread_mutex_t lock; /* of all down to the blank line */
    pthread_cond_t wake;
    struct ptn_store_op *first, **last;
    bool waiting, stop;

    struct vault_txn txn;
    struct vault_log log;
    struct vault_compaction *compaction;
    uint64_t sync_at;    /* monotonic milliseconds; 0: nothing to sync */
    uint64_t compact_at; /* not before */

    struct ptn_cells *times, *sizes, *octets; /* of commits */
};

static const uint64_t time_bounds[] = {250,   1000,  2500,   5000,   10000,
                                       25000, 50000, 100000, 1000000};
static const uint64_t size_bounds[] = {1, 2, 4, 8, 16, 32, 64, 128, 256};
static const uint64_t octet_bounds[] = {1024,  4096,    16384,
                                        65536, 1048576, 16777216};
static const struct ptn_metric time_metric = {
    .size = sizeof(time_metric),
    .name = "vault_commit_seconds",
    .help = "How long commits of the store take.",
    .kind = PTN_METRIC_HISTOGRAM,
    .bounds = time_bounds,
    .bound_count = PTN_COUNT(time_bounds),
    .unit = 1e-6,
};
static const struct ptn_metric size_metric = {
    .size = sizeof(size_metric),
    .name = "vault_commit_operations",
    .help = "Operations that one commit makes durable.",
    .kind = PTN_METRIC_HISTOGRAM,
    .bounds = size_bounds,
    .bound_count = PTN_COUNT(size_bounds),
};
static const struct ptn_metric octet_metric = {
    .size = sizeof(octet_metric),
    .name = "vault_commit_bytes",
    .help = "Content and facts that one commit makes durable.",
    .kind = PTN_METRIC_HISTOGRAM,
    .bounds = octet_bounds,
    .bound_count = PTN_COUNT(octet_bounds),
};

typedef int (*vault_op_fn)(struct vault_txn *t, struct ptn_store_op *op);

static const vault_op_fn op_table[VAULT_OPS] = {
    [VAULT_OP_DELIVER] = vault_op_deliver,
    [VAULT_OP_APPEND] = vault_op_append,
    [VAULT_OP_CHANGE] = vault_op_change,
    [VAULT_OP_FLAGS] = vault_op_flags,
    [VAULT_OP_EXPUNGE] = vault_op_expunge,
    [VAULT_OP_COPY] = vault_op_copy,
    [VAULT_OP_CLAIM] = vault_op_claim,
    [VAULT_OP_COMPACT] = vault_op_compact,
};

static uint64_t
now_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static uint64_t
now_ms(void)
{
    return now_us() / 1000;
}

static uint64_t
op_octets(const struct ptn_store_op *op)
{
    const struct ptn_content *c = NULL;

    if (op->kind == VAULT_OP_DELIVER)
        c = ((const struct ptn_store_deliver *)(const void *)op)->content;
    else if (op->kind == VAULT_OP_APPEND)
        c = ((const struct ptn_store_append *)(const void *)op)->content;
    return c ? c->prefix.len + c->body.len : 0;
}

/* --- one group --- */

static int
decide_all(struct vault_txn *t, struct ptn_store_op *ops)
{
    int rc = 0;

    for (struct ptn_store_op *op = ops; op && rc == 0; op = op->next)
        rc = op_table[op->kind](t, op);
    return rc;
}

/* Log first, then index. On failure nothing of either is left. */
static int
make_durable(struct vault_committer *c)
{
    struct vault_txn *t = &c->txn;
    int rc = vault_txn_flush(t);

    if (rc == 0)
        rc = vault_state_dirty(c->v);
    if (rc == 0 && t->draft_count > 0)
        rc = vault_log_write(&c->log, t);
    if (rc != 0) {
        vault_txn_abort(t);
        return rc;
    }
    rc = vault_index_commit(c->v, t->txn);
    t->txn = NULL;
    if (rc != 0 && t->draft_count > 0)
        vault_log_cancel(&c->log, t);
    return rc;
}

static int
try_group(struct vault_committer *c, struct ptn_store_op *ops)
{
    struct vault_txn *t = &c->txn;
    int rc = vault_txn_begin(t);

    if (rc != 0)
        return rc;
    vault_log_turn(&c->log, t);
    rc = decide_all(t, ops);
    if (rc != 0 || (t->draft_count == 0 && !t->changed)) {
        vault_txn_abort(t);
        return rc;
    }
    return make_durable(c);
}

static void
measure(struct vault_committer *c, const struct ptn_store_op *ops,
        uint64_t began)
{
    uint64_t count = 0, octets = c->txn.facts.len;

    for (; ops; ops = ops->next) {
        count++;
        octets += op_octets(ops);
    }
    ptn_metric_observe(c->times, now_us() - began);
    ptn_metric_observe(c->sizes, count);
    ptn_metric_observe(c->octets, octets);
}

static int
run_group(struct vault_committer *c, struct ptn_store_op *ops)
{
    uint64_t began = now_us();
    int rc;

    while ((rc = try_group(c, ops)) == MDB_MAP_FULL) {
        if ((rc = vault_index_resize(c->v, true)) != 0)
            return rc;
    }
    if (rc == 0 && c->txn.touched_count > 0)
        vault_publish(c->v, c->txn.touched, c->txn.touched_count);
    if (rc == 0 && c->txn.freed)
        vault_compaction_want(c->compaction);
    if (rc == 0)
        measure(c, ops, began);
    return rc;
}

static void
run_alone(struct vault_committer *c, struct ptn_store_op *op)
{
    struct ptn_store_op *next = op->next;
    int rc;

    op->next = NULL;
    rc = run_group(c, op);
    op->next = next;
    if (rc == 0)
        return;
    op->status = vault_index_status(c->v, rc);
    if (op->status == PTN_NOTFOUND)
        op->status = PTN_PERMFAIL; /* the index contradicts itself */
}

static void
finish(struct ptn_store_op *ops)
{
    struct ptn_store_op *next;

    for (; ops; ops = next) {
        next = ops->next;
        if (ops->kind == VAULT_OP_CLAIM)
            ptn_free(ops);
        else
            ptn_job_complete(&ops->job);
    }
}

/* The index will want a sync when the store is idle. */
static void
note_commit(struct vault_committer *c)
{
    if (c->v->options->idle_sync > 0)
        c->sync_at = now_ms() + c->v->options->idle_sync;
}

static void
commit_group(struct vault_committer *c, struct ptn_store_op *ops)
{
    if (!ops->next || run_group(c, ops) != 0) {
        for (struct ptn_store_op *op = ops; op; op = op->next)
            run_alone(c, op);
    }
    note_commit(c);
    finish(ops);
    if (c->txn.facts.cap > SCRATCH_KEEP)
        ptn_buf_free(&c->txn.facts);
}

/* --- the queue --- */

/* With the lock held: takes a group off the queue. */
static struct ptn_store_op *
take_group(struct vault_committer *c)
{
    struct ptn_store_op *first = c->first, *op = first;
    uint64_t octets = op_octets(op);

    for (unsigned n = 1; op->next && n < VAULT_GROUP_OPS_MAX; n++) {
        octets += op_octets(op->next);
        if (octets > VAULT_GROUP_OCTETS_MAX)
            break;
        op = op->next;
    }
    c->first = op->next;
    if (!c->first)
        c->last = &c->first;
    op->next = NULL;
    return first;
}

enum task {
    TASK_COMMIT,
    TASK_COMPACT,
    TASK_SYNC,
    TASK_STOP,
};

/* When the thread has something to do of its own accord; 0: never. */
static uint64_t
next_chore(const struct vault_committer *c)
{
    uint64_t at = c->sync_at;

    if (vault_compaction_due(c->compaction) && (at == 0 || c->compact_at < at))
        at = c->compact_at;
    return at;
}

static void
wait_until(struct vault_committer *c, uint64_t at)
{
    struct timespec ts = {(time_t)(at / 1000), (long)(at % 1000) * 1000000};

    c->waiting = true;
    if (at > 0)
        pthread_cond_timedwait(&c->wake, &c->lock, &ts);
    else
        pthread_cond_wait(&c->wake, &c->lock);
    c->waiting = false;
}

/* With the lock held: waits until there is something to do. A piece of
 * compaction whose time has come goes before a group, or a store that is
 * always busy would never be compacted. */
static enum task
wait_for_task(struct vault_committer *c)
{
    for (;;) {
        uint64_t at = next_chore(c), now = at ? now_ms() : 0;

        if (c->stop)
            return c->first ? TASK_COMMIT : TASK_STOP;
        if (vault_compaction_due(c->compaction) && now >= c->compact_at)
            return TASK_COMPACT;
        if (c->first)
            return TASK_COMMIT;
        if (c->sync_at != 0 && now >= c->sync_at)
            return TASK_SYNC;
        wait_until(c, at);
    }
}

static void
gather(struct vault_committer *c)
{
    uint64_t ms = c->v->options->commit_delay;
    struct timespec ts = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

    if (ms == 0)
        return;
    pthread_mutex_unlock(&c->lock);
    nanosleep(&ts, NULL);
    pthread_mutex_lock(&c->lock);
}

static void
do_commit(struct vault_committer *c)
{
    struct ptn_store_op *ops;

    gather(c);
    ops = take_group(c);
    pthread_mutex_unlock(&c->lock);
    commit_group(c, ops);
    pthread_mutex_lock(&c->lock);
}

static void
do_compact(struct vault_committer *c)
{
    struct ptn_store_op *step;

    pthread_mutex_unlock(&c->lock);
    step = vault_compaction_step(c->compaction);
    if (step)
        vault_compaction_stepped(c->compaction, run_group(c, step) == 0);
    note_commit(c);
    c->compact_at = now_ms() + c->v->options->compact_pause;
    pthread_mutex_lock(&c->lock);
}

static void
do_sync(struct vault_committer *c)
{
    c->sync_at = 0;
    pthread_mutex_unlock(&c->lock);
    vault_state_sync(c->v);
    vault_segments_sweep(c->v);
    pthread_mutex_lock(&c->lock);
}

static void *
committer_main(void *arg)
{
    struct vault_committer *c = arg;
    enum task task;

    pthread_mutex_lock(&c->lock);
    while ((task = wait_for_task(c)) != TASK_STOP) {
        if (task == TASK_COMMIT)
            do_commit(c);
        else if (task == TASK_COMPACT)
            do_compact(c);
        else
            do_sync(c);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

void
vault_submit(struct vault *v, struct ptn_store_op *op, enum vault_op kind)
{
    struct vault_committer *c = v->committer;
    bool wake;

    op->kind = kind;
    op->next = NULL;
    pthread_mutex_lock(&c->lock);
    assert(!c->stop);
    *c->last = op;
    c->last = &op->next;
    wake = c->waiting;
    c->waiting = false;
    pthread_mutex_unlock(&c->lock);
    if (wake)
        pthread_cond_signal(&c->wake);
}

/* --- start and stop --- */

/* All signals but those that tell of a fault on this very thread. */
static void
block_most(sigset_t *set)
{
    static const int faults[] = {SIGSEGV, SIGBUS,  SIGILL,
                                 SIGFPE,  SIGABRT, SIGSYS};

    sigfillset(set);
    for (size_t i = 0; i < PTN_COUNT(faults); i++)
        sigdelset(set, faults[i]);
}

static int
start_thread(struct vault_committer *c)
{
    pthread_attr_t attr;
    sigset_t most, old;
    int rc;

    block_most(&most);
    pthread_sigmask(SIG_SETMASK, &most, &old);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    rc = pthread_create(&c->thread, &attr, committer_main, c);
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc;
}

static void
committer_free(struct vault_committer *c)
{
    vault_compaction_free(c->compaction);
    vault_txn_deinit(&c->txn);
    vault_log_deinit(&c->log);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->lock);
    ptn_free(c);
}

int
vault_committer_start(struct vault *v, struct ptn_error *err)
{
    struct vault_committer *c = ptn_alloc(sizeof(*c));
    pthread_condattr_t attr;
    int rc;

    c->v = v;
    c->last = &c->first;
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->wake, &attr);
    pthread_condattr_destroy(&attr);
    vault_txn_init(&c->txn, v);
    vault_log_init(&c->log, v);
    c->compaction = vault_compaction_new(v);
    c->times = ptn_host_metric(v->host, &time_metric);
    c->sizes = ptn_host_metric(v->host, &size_metric);
    c->octets = ptn_host_metric(v->host, &octet_metric);
    rc = start_thread(c);
    if (rc != 0) {
        committer_free(c);
        errno = rc;
        return ptn_error_errno(err, "the vault's thread cannot be started");
    }
    v->committer = c;
    return 0;
}

void
vault_committer_stop(struct vault *v)
{
    struct vault_committer *c = v->committer;

    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_mutex_unlock(&c->lock);
    pthread_cond_signal(&c->wake);
    pthread_join(c->thread, NULL);
    committer_free(c);
    v->committer = NULL;
}
