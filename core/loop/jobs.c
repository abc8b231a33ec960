/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a job's completion on any thread to its `done` on the loop's.
 * `completed` is a stack that any thread pushes to and the loop takes
 * whole, so there is no ABA. Who makes it non-empty wakes the loop.
 *
 * private_.owner is the loop from await to completion, and then NULL: a
 * second completion is a programmer's error and stops here.
 */
#include "loop/inner.h"
#include <assert.h>

static void
on_async(uv_async_t *async)
{
    ptn_loop_jobs_drain(PTN_CONTAINER(async, struct ptn_loop, async));
}

void
ptn_loop_jobs_open(struct ptn_loop *loop, const struct ptn_loop_params *params)
{
    uv_async_init(&loop->uv, &loop->async, on_async);
    loop->lanes[PTN_LANE_DISK] =
        ptn_lane_new(params->disk_threads, params->lane_depth, PTN_LANE_DISK);
    loop->lanes[PTN_LANE_SLOW] =
        ptn_lane_new(params->slow_threads, params->lane_depth, PTN_LANE_SLOW);
}

void
ptn_loop_jobs_close(struct ptn_loop *loop)
{
    for (size_t i = 0; i < PTN_LANES; i++)
        ptn_lane_free(loop->lanes[i]);
    ptn_loop_jobs_drain(loop);
    uv_close((uv_handle_t *)&loop->async, NULL);
}

/* The stack turned round: the earliest completion first. */
static struct ptn_job *
take_completed(struct ptn_loop *loop)
{
    struct ptn_job *stack =
        atomic_exchange_explicit(&loop->completed, NULL, memory_order_acquire);
    struct ptn_job *first = NULL;

    while (stack) {
        struct ptn_job *next = stack->private_.next;
        stack->private_.next = first;
        first = stack;
        stack = next;
    }
    return first;
}

void
ptn_loop_jobs_drain(struct ptn_loop *loop)
{
    struct ptn_job *job = take_completed(loop);

    while (job) {
        struct ptn_job *next = job->private_.next; /* done may free it */
        if (job->private_.session && loop->on_job)
            loop->on_job(job);
        else
            job->done(NULL, job);
        job = next;
    }
}

void
ptn_loop_finish(struct ptn_loop *loop)
{
    for (size_t i = 0; i < PTN_LANES; i++)
        ptn_lane_wait(loop->lanes[i]);
    ptn_loop_jobs_drain(loop);
}

void
ptn_loop_on_job(struct ptn_loop *loop, void (*fn)(struct ptn_job *job))
{
    loop->on_job = fn;
}

void
ptn_loop_await(struct ptn_loop *loop, struct ptn_job *job)
{
    assert(job->done);
    job->cancelled = false;
    job->private_.next = NULL;
    job->private_.owner = loop;
}

int
ptn_loop_submit(struct ptn_loop *loop, enum ptn_lane lane, struct ptn_job *job)
{
    assert((unsigned)lane < PTN_LANES);
    ptn_loop_await(loop, job);
    return ptn_lane_submit(loop->lanes[lane], job);
}

void
ptn_job_complete(struct ptn_job *job)
{
    struct ptn_loop *loop = job->private_.owner;
    struct ptn_job *head;

    assert(loop);
    job->private_.owner = NULL;
    head = atomic_load_explicit(&loop->completed, memory_order_relaxed);
    do
        job->private_.next = head;
    while (!atomic_compare_exchange_weak_explicit(&loop->completed, &head, job,
                                                  memory_order_release,
                                                  memory_order_relaxed));
    if (!head)
        uv_async_send(&loop->async);
}
