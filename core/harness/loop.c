/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The loop of core/loop/loop.h without an operating system: descriptors are
 * the ends of wire.c (real ones are looked at without waiting), the clock
 * stands still until it is set, and jobs run one after the other. All in the
 * thread of the test, but ptn_job_complete, which is for any.
 *
 * A turn does one thing, in this order, so that every run is the same: calls
 * that were put off, completions, alarms that are due, one job, one
 * descriptor.
 */
#include "base/clock.h"
#include "harness/inner.h"
#include <assert.h>
#include <poll.h>
#include <postern/arena.h>
#include <pthread.h>
#include <time.h>

#define CLOCK_BEGINS UINT64_C(1000000)     /* ms of ptn_clock_ms */
#define WALL_BEGINS INT64_C(1700000000000) /* ms since 1970 */
#define LANE_DEPTH 1024                    /* jobs that wait */

struct ptn_loop {
    struct ptn_list soon, watches, alarms; /* alarms: the earliest first */
    void (*on_job)(struct ptn_job *job);
    struct ptn_job *first, *last; /* that wait for the lane */
    pthread_mutex_t lock;         /* of `done` */
    pthread_cond_t come;
    struct ptn_job *done_first, *done_last; /* have completed */
    unsigned waiting, ran;
    unsigned refuse_after, refuse_count;
    bool held, stopped;
};

struct handle {
    struct ptn_list link;
    int fd;
};

_Static_assert(sizeof(struct handle) <= sizeof(((struct ptn_watch *)0)->handle),
               "struct ptn_watch has no room for the harness's handle");

/* The one clock, which all servers of the process share. */
static uint64_t clock_ms = CLOCK_BEGINS;

uint64_t
ptn_clock_ms(void)
{
    return clock_ms;
}

uint64_t
ptn_clock_us(void)
{
    return clock_ms * 1000u;
}

int64_t
ptn_clock_wall_ms(void)
{
    return WALL_BEGINS + (int64_t)(clock_ms - CLOCK_BEGINS);
}

struct ptn_loop *
ptn_loop_new(const struct ptn_loop_params *params, struct ptn_error *err)
{
    struct ptn_loop *loop = ptn_alloc(sizeof *loop);

    (void)params, (void)err;
    ptn_list_init(&loop->soon);
    ptn_list_init(&loop->watches);
    ptn_list_init(&loop->alarms);
    pthread_mutex_init(&loop->lock, NULL);
    pthread_cond_init(&loop->come, NULL);
    return loop;
}

void
ptn_loop_run(struct ptn_loop *loop)
{
    loop->stopped = false;
    while (!loop->stopped && ptn_harness_turn(loop))
        continue;
}

void
ptn_loop_stop(struct ptn_loop *loop)
{
    loop->stopped = true;
}

void
ptn_loop_free(struct ptn_loop *loop)
{
    if (!loop)
        return;
    loop->held = false;
    while (ptn_harness_turn(loop))
        continue;
    assert(ptn_list_is_empty(&loop->watches)); /* somebody forgot one */
    assert(ptn_list_is_empty(&loop->alarms));
    pthread_mutex_destroy(&loop->lock);
    pthread_cond_destroy(&loop->come);
    ptn_free(loop);
}

uint64_t
ptn_loop_now(const struct ptn_loop *loop)
{
    (void)loop;
    return clock_ms;
}

/* --- descriptors --- */

static struct handle *
handle_of(struct ptn_watch *watch)
{
    return (struct handle *)(void *)watch->handle;
}

static struct ptn_watch *
watch_of(struct ptn_list *link)
{
    return PTN_CONTAINER(PTN_CONTAINER(link, struct handle, link),
                         struct ptn_watch, handle);
}

int
ptn_watch_open(struct ptn_loop *loop, struct ptn_watch *watch, int fd,
               void (*fn)(struct ptn_watch *watch, unsigned readiness))
{
    struct handle *h = handle_of(watch);

    watch->fn = fn;
    watch->closed = NULL;
    watch->events = 0;
    h->fd = fd;
    ptn_list_add(&loop->watches, &h->link);
    return 0;
}

void
ptn_watch_set(struct ptn_watch *watch, unsigned events)
{
    watch->events = events;
}

/* It stays in its list, where its turn releases it. */
void
ptn_watch_close(struct ptn_watch *watch,
                void (*closed)(struct ptn_watch *watch))
{
    watch->fn = NULL;
    watch->events = 0;
    watch->closed = closed;
}

static unsigned
real_readiness(int fd, unsigned events)
{
    struct pollfd p = {.fd = fd};

    p.events = (short)((events & PTN_READABLE ? POLLIN : 0) |
                       (events & PTN_WRITABLE ? POLLOUT : 0));
    if (poll(&p, 1, 0) != 1)
        return 0;
    return (p.revents & (POLLIN | POLLHUP | POLLERR) ? PTN_READABLE : 0u) |
           (p.revents & POLLOUT ? PTN_WRITABLE : 0u);
}

static unsigned
readiness_of(struct ptn_watch *watch)
{
    int fd = handle_of(watch)->fd;
    unsigned ready = fd >= PTN_WIRE_FIRST ? ptn_wire_readiness(fd)
                                          : real_readiness(fd, watch->events);

    return ready & (watch->events | (watch->events ? PTN_FAILED : 0u));
}

/* The one that was served goes to the end, so that each has its turn. */
static bool
turn_watch(struct ptn_loop *loop)
{
    struct ptn_list *link;

    for (link = loop->watches.next; link != &loop->watches; link = link->next) {
        struct ptn_watch *watch = watch_of(link);
        unsigned ready;

        if (!watch->fn) {
            ptn_list_remove(link);
            if (watch->closed)
                watch->closed(watch);
            return true;
        }
        ready = watch->events ? readiness_of(watch) : 0;
        if (!ready)
            continue;
        if (ready & PTN_FAILED)
            watch->events = 0; /* watching has ended */
        ptn_list_remove(link);
        ptn_list_add(&loop->watches, link);
        watch->fn(watch, ready);
        return true;
    }
    return false;
}

struct ptn_fd_watch {
    struct ptn_watch watch;
    void (*fn)(void *arg);
    void *arg;
};

static void
fd_ready(struct ptn_watch *watch, unsigned readiness)
{
    struct ptn_fd_watch *w = PTN_CONTAINER(watch, struct ptn_fd_watch, watch);

    (void)readiness;
    w->fn(w->arg);
}

struct ptn_fd_watch *
ptn_loop_watch_fd(struct ptn_loop *loop, int fd, void (*fn)(void *arg),
                  void *arg)
{
    struct ptn_fd_watch *w = ptn_alloc(sizeof *w);

    w->fn = fn;
    w->arg = arg;
    ptn_watch_open(loop, &w->watch, fd, fd_ready);
    ptn_watch_set(&w->watch, PTN_READABLE);
    return w;
}

static void
fd_closed(struct ptn_watch *watch)
{
    ptn_free(PTN_CONTAINER(watch, struct ptn_fd_watch, watch));
}

void
ptn_host_unwatch_fd(struct ptn_fd_watch *watch)
{
    if (watch)
        ptn_watch_close(&watch->watch, fd_closed);
}

/* --- time --- */

struct ptn_alarm {
    struct ptn_list link;
    struct ptn_loop *loop;
    uint64_t when;
    void (*fn)(void *arg);
    void *arg;
};

static struct ptn_alarm *
alarm_at(struct ptn_list *link)
{
    return PTN_CONTAINER(link, struct ptn_alarm, link);
}

struct ptn_alarm *
ptn_alarm_new(struct ptn_loop *loop, void (*fn)(void *arg), void *arg)
{
    struct ptn_alarm *alarm = ptn_alloc(sizeof *alarm);

    ptn_list_init(&alarm->link);
    alarm->loop = loop;
    alarm->fn = fn;
    alarm->arg = arg;
    return alarm;
}

void
ptn_alarm_set(struct ptn_alarm *alarm, uint64_t milliseconds)
{
    struct ptn_list *at;

    ptn_list_remove(&alarm->link);
    alarm->when = clock_ms + milliseconds;
    at = alarm->loop->alarms.next;
    while (at != &alarm->loop->alarms && alarm_at(at)->when <= alarm->when)
        at = at->next;
    ptn_list_add(at, &alarm->link); /* before it */
}

void
ptn_alarm_clear(struct ptn_alarm *alarm)
{
    ptn_list_remove(&alarm->link);
}

void
ptn_alarm_free(struct ptn_alarm *alarm)
{
    if (!alarm)
        return;
    ptn_alarm_clear(alarm);
    ptn_free(alarm);
}

static bool
turn_alarm(struct ptn_loop *loop)
{
    struct ptn_alarm *alarm;

    if (ptn_list_is_empty(&loop->alarms))
        return false;
    alarm = alarm_at(loop->alarms.next);
    if (alarm->when > clock_ms)
        return false;
    ptn_list_remove(&alarm->link);
    alarm->fn(alarm->arg);
    return true;
}

void
ptn_harness_advance(struct ptn_loop *loop, uint64_t limit)
{
    uint64_t when = ptn_list_is_empty(&loop->alarms)
                        ? limit
                        : alarm_at(loop->alarms.next)->when;

    if (when > limit)
        when = limit;
    if (when > clock_ms)
        clock_ms = when;
}

struct ptn_timer {
    struct ptn_alarm *alarm;
    void (*fn)(void *arg);
    void *arg;
};

static void
on_timer(void *arg)
{
    struct ptn_timer *timer = arg;
    void (*fn)(void *) = timer->fn;
    void *fn_arg = timer->arg;

    ptn_timer_cancel(timer);
    fn(fn_arg);
}

struct ptn_timer *
ptn_loop_timer(struct ptn_loop *loop, uint64_t milliseconds,
               void (*fn)(void *arg), void *arg)
{
    struct ptn_timer *timer = ptn_alloc(sizeof *timer);

    timer->alarm = ptn_alarm_new(loop, on_timer, timer);
    timer->fn = fn;
    timer->arg = arg;
    ptn_alarm_set(timer->alarm, milliseconds);
    return timer;
}

void
ptn_timer_cancel(struct ptn_timer *timer)
{
    if (!timer)
        return;
    ptn_alarm_free(timer->alarm);
    ptn_free(timer);
}

/* No signal reaches the harness. */
struct ptn_signal *
ptn_loop_signal(struct ptn_loop *loop, int number,
                void (*fn)(void *arg, int number), void *arg)
{
    (void)loop, (void)number, (void)fn, (void)arg;
    return NULL;
}

void
ptn_signal_free(struct ptn_signal *signal)
{
    (void)signal;
}

/* --- later --- */

void
ptn_soon_init(struct ptn_soon *soon, void (*fn)(struct ptn_soon *soon))
{
    ptn_list_init(&soon->link);
    soon->fn = fn;
}

void
ptn_soon_call(struct ptn_loop *loop, struct ptn_soon *soon)
{
    if (ptn_list_is_empty(&soon->link))
        ptn_list_add(&loop->soon, &soon->link);
}

void
ptn_soon_cancel(struct ptn_soon *soon)
{
    ptn_list_remove(&soon->link);
}

static bool
turn_soon(struct ptn_loop *loop)
{
    struct ptn_list *link = ptn_list_take(&loop->soon);

    if (!link)
        return false;
    struct ptn_soon *soon = PTN_CONTAINER(link, struct ptn_soon, link);
    soon->fn(soon);
    return true;
}

/* --- jobs --- */

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

static bool
is_refused(struct ptn_loop *loop)
{
    if (loop->waiting >= LANE_DEPTH)
        return true;
    if (loop->refuse_count == 0)
        return false;
    if (loop->refuse_after > 0) {
        loop->refuse_after--;
        return false;
    }
    loop->refuse_count--;
    return true;
}

int
ptn_loop_submit(struct ptn_loop *loop, enum ptn_lane lane, struct ptn_job *job)
{
    assert(job->run && (lane == PTN_LANE_DISK || lane == PTN_LANE_SLOW));
    if (is_refused(loop))
        return -1;
    ptn_loop_await(loop, job);
    if (loop->first)
        loop->last->private_.next = job;
    else
        loop->first = job;
    loop->last = job;
    loop->waiting++;
    return 0;
}

void
ptn_job_complete(struct ptn_job *job)
{
    struct ptn_loop *loop = job->private_.owner;

    assert(loop); /* else it completes twice, or was never announced */
    job->private_.owner = NULL;
    job->private_.next = NULL;
    pthread_mutex_lock(&loop->lock);
    if (loop->done_first)
        loop->done_last->private_.next = job;
    else
        loop->done_first = job;
    loop->done_last = job;
    pthread_cond_signal(&loop->come);
    pthread_mutex_unlock(&loop->lock);
}

static bool
turn_completed(struct ptn_loop *loop)
{
    struct ptn_job *job;

    pthread_mutex_lock(&loop->lock);
    job = loop->done_first;
    if (job)
        loop->done_first = job->private_.next;
    pthread_mutex_unlock(&loop->lock);
    if (!job)
        return false;
    if (job->private_.session && loop->on_job)
        loop->on_job(job);
    else
        job->done(NULL, job);
    return true;
}

static bool
turn_lane(struct ptn_loop *loop)
{
    struct ptn_job *job = loop->held ? NULL : loop->first;

    if (!job)
        return false;
    loop->first = job->private_.next;
    loop->waiting--;
    loop->ran++;
    job->run(job);
    ptn_job_complete(job);
    return true;
}

void
ptn_harness_refuse(struct ptn_loop *loop, unsigned after, unsigned count)
{
    loop->refuse_after = after;
    loop->refuse_count = count;
}

void
ptn_harness_hold(struct ptn_loop *loop, bool hold)
{
    loop->held = hold;
}

unsigned
ptn_harness_jobs(const struct ptn_loop *loop)
{
    return loop->ran;
}

bool
ptn_harness_wait(struct ptn_loop *loop, unsigned milliseconds)
{
    struct timespec until;
    bool come;
    int rc = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += (long)(milliseconds % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_mutex_lock(&loop->lock);
    while (!loop->done_first && rc == 0)
        rc = pthread_cond_timedwait(&loop->come, &loop->lock, &until);
    come = loop->done_first != NULL;
    pthread_mutex_unlock(&loop->lock);
    return come;
}

bool
ptn_harness_turn(struct ptn_loop *loop)
{
    return turn_soon(loop) || turn_completed(loop) || turn_alarm(loop) ||
           turn_lane(loop) || turn_watch(loop);
}
