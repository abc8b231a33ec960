/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lanes (loop/lane.h). One mutex guards the queue and the counts. Threads
 * have small stacks, take no signals but their own faults, and stay until
 * the lane ends.
 *
 * Invariant: a job that was accepted is run once and completed once.
 */
#include "loop/lane.h"
#include "base/altstack.h"
#include "base/clock.h"
#include "metrics/area.h"
#include <assert.h>
#include <postern/arena.h>
#include <pthread.h>
#include <signal.h>

#define LANE_STACK (256u * 1024u)

struct ptn_lane_pool {
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    struct ptn_job *first, *last; /* through private_.next */
    size_t waiting, depth;
    size_t idle, started, threads;
    bool ending;
    uint64_t changed; /* when `waiting` did, ptn_clock_us */
    struct ptn_cells *depth_now, *jobs, *refused, *wait;
    unsigned number; /* of the lane, in these */
    pthread_t ids[]; /* `started` of them are valid */
};

static const char *const names[] = {"disk", "slow", NULL};
#define METRIC(of, id, text, worth)                                            \
    {                                                                          \
        .size = sizeof(struct ptn_metric), .name = (id), .help = (text),       \
        .kind = (of), .label = "lane", .values = names, .unit = (worth)        \
    }
static const struct ptn_metric depth_metric =
    METRIC(PTN_METRIC_GAUGE, "lane_depth", "Jobs that wait in a lane.", 1);
static const struct ptn_metric job_metric = METRIC(
    PTN_METRIC_COUNTER, "lane_jobs_total", "Jobs that a lane has taken.", 1);
static const struct ptn_metric refused_metric =
    METRIC(PTN_METRIC_COUNTER, "lane_refused_total",
           "Jobs that a full lane did not take.", 1);
static const struct ptn_metric wait_metric =
    METRIC(PTN_METRIC_COUNTER, "lane_wait_seconds_total",
           "What jobs have waited in a lane, all together.", 1e-6);
#undef METRIC

/* With the lock held, before `waiting` changes by `by`. The sum of all
 * waiting times is that of how many wait, over time. */
static void
change_waiting(struct ptn_lane_pool *lane, int by)
{
    uint64_t now = ptn_clock_us();

    ptn_metric_add(lane->wait, lane->number,
                   (now - lane->changed) * lane->waiting);
    lane->changed = now;
    lane->waiting += (size_t)by;
    ptn_metric_set(lane->depth_now, lane->number, lane->waiting);
}

struct ptn_lane_pool *
ptn_lane_new(size_t threads, size_t depth, enum ptn_lane which)
{
    assert(threads > 0 && depth > 0);
    struct ptn_lane_pool *lane =
        ptn_alloc(sizeof *lane + threads * sizeof lane->ids[0]);

    pthread_mutex_init(&lane->lock, NULL);
    pthread_cond_init(&lane->work, NULL);
    pthread_cond_init(&lane->done, NULL);
    lane->depth = depth;
    lane->threads = threads;
    lane->number = which;
    lane->changed = ptn_clock_us();
    lane->depth_now = ptn_metrics_cells(&depth_metric, "");
    lane->jobs = ptn_metrics_cells(&job_metric, "");
    lane->refused = ptn_metrics_cells(&refused_metric, "");
    lane->wait = ptn_metrics_cells(&wait_metric, "");
    return lane;
}

/* The next job, or NULL when the lane ends. */
static struct ptn_job *
take(struct ptn_lane_pool *lane)
{
    pthread_mutex_lock(&lane->lock);
    lane->idle++;
    pthread_cond_broadcast(&lane->done);
    while (!lane->first && !lane->ending)
        pthread_cond_wait(&lane->work, &lane->lock);
    lane->idle--;
    struct ptn_job *job = lane->first;
    if (job) {
        lane->first = job->private_.next;
        change_waiting(lane, -1);
    }
    pthread_mutex_unlock(&lane->lock);
    return job;
}

static void *
lane_thread(void *arg)
{
    struct ptn_lane_pool *lane = arg;
    void *stack = ptn_altstack_open();
    struct ptn_job *job;

    while ((job = take(lane))) {
        job->run(job);
        ptn_job_complete(job);
    }
    ptn_altstack_close(stack);
    return NULL;
}

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

/* With the lock held. */
static void
start_thread(struct ptn_lane_pool *lane)
{
    pthread_attr_t attr;
    sigset_t most, old;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, LANE_STACK);
    block_most(&most);
    pthread_sigmask(SIG_SETMASK, &most, &old);
    if (pthread_create(&lane->ids[lane->started], &attr, lane_thread, lane) ==
        0)
        lane->started++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
}

static void
append(struct ptn_lane_pool *lane, struct ptn_job *job)
{
    job->private_.next = NULL;
    if (lane->first)
        lane->last->private_.next = job;
    else
        lane->first = job;
    lane->last = job;
    change_waiting(lane, 1);
    ptn_metric_add(lane->jobs, lane->number, 1);
}

int
ptn_lane_submit(struct ptn_lane_pool *lane, struct ptn_job *job)
{
    int rc = -1;

    assert(job->run && job->done);
    pthread_mutex_lock(&lane->lock);
    if (lane->waiting >= lane->idle && lane->started < lane->threads)
        start_thread(lane);
    if (lane->started > 0 && lane->waiting < lane->depth) {
        append(lane, job);
        pthread_cond_signal(&lane->work);
        rc = 0;
    } else {
        ptn_metric_add(lane->refused, lane->number, 1);
    }
    pthread_mutex_unlock(&lane->lock);
    return rc;
}

void
ptn_lane_wait(struct ptn_lane_pool *lane)
{
    pthread_mutex_lock(&lane->lock);
    while (lane->first || lane->idle < lane->started)
        pthread_cond_wait(&lane->done, &lane->lock);
    pthread_mutex_unlock(&lane->lock);
}

void
ptn_lane_free(struct ptn_lane_pool *lane)
{
    pthread_mutex_lock(&lane->lock);
    lane->ending = true;
    pthread_cond_broadcast(&lane->work);
    pthread_mutex_unlock(&lane->lock);
    for (size_t i = 0; i < lane->started; i++)
        pthread_join(lane->ids[i], NULL);
    pthread_mutex_destroy(&lane->lock);
    pthread_cond_destroy(&lane->work);
    pthread_cond_destroy(&lane->done);
    ptn_free(lane);
}
