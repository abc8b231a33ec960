/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The event loop of a process, over libuv, which nothing else includes. All
 * of it is for the loop's own thread, but ptn_job_complete (postern/job.h).
 *
 *   watch     readiness of a descriptor
 *   timer     one call at a moment, to the millisecond; few of them
 *   wheel     coarse deadlines for very many (loop/wheel.h)
 *   soon      a call on the next turn of the loop
 *   lane      bounded pools of threads for what may block
 */
#ifndef PTN_LOOP_LOOP_H
#define PTN_LOOP_LOOP_H

#include "base/list.h"
#include <postern/error.h>
#include <postern/job.h>
#include <postern/module.h>

struct ptn_loop;

struct ptn_loop_params {
    size_t disk_threads; /* at most; started when there is work */
    size_t slow_threads;
    size_t lane_depth; /* jobs that may wait in each lane */
};

struct ptn_loop *ptn_loop_new(const struct ptn_loop_params *params,
                              struct ptn_error *err);

/* Runs until ptn_loop_stop; can be called again. */
void ptn_loop_run(struct ptn_loop *loop);
void ptn_loop_stop(struct ptn_loop *loop);

/* Ends the lanes' threads once they have done what waits, runs the last
 * completions, and releases everything. Watches, signals and timers of
 * others are closed before by their owners. */
void ptn_loop_free(struct ptn_loop *loop);

/* Milliseconds of the clock of ptn_clock_ms as this turn began. Free. */
uint64_t ptn_loop_now(const struct ptn_loop *loop);

/* --- descriptors --- */

enum ptn_readiness {
    PTN_READABLE = 1 << 0,
    PTN_WRITABLE = 1 << 1,
    PTN_FAILED = 1 << 2, /* the socket is broken; watching has ended */
};

/* Embedded in its owner's record, so that a socket costs no allocation.
 * `handle` is libuv's. */
struct ptn_watch {
    void (*fn)(struct ptn_watch *watch, unsigned readiness);
    void (*closed)(struct ptn_watch *watch);
    unsigned events; /* what is watched for now */
    _Alignas(max_align_t) unsigned char handle[160];
};

/* The descriptor stays the owner's and is made non-blocking. */
int ptn_watch_open(struct ptn_loop *loop, struct ptn_watch *watch, int fd,
                   void (*fn)(struct ptn_watch *watch, unsigned readiness));

/* Watches for `events` (PTN_READABLE | PTN_WRITABLE) from now on; 0 rests.
 * Asking again for what is watched costs nothing. */
void ptn_watch_set(struct ptn_watch *watch, unsigned events);

/* After it the descriptor may be closed at once; `closed` is called later
 * in this turn, and the record may be released there. */
void ptn_watch_close(struct ptn_watch *watch,
                     void (*closed)(struct ptn_watch *watch));

/* The same for those who want no record of their own: what
 * ptn_host_watch_fd does. Ends with ptn_host_unwatch_fd. */
struct ptn_fd_watch *ptn_loop_watch_fd(struct ptn_loop *loop, int fd,
                                       void (*fn)(void *arg), void *arg);

/* --- time --- */

/* What ptn_host_timer does; ends with ptn_timer_cancel or its call. */
struct ptn_timer *ptn_loop_timer(struct ptn_loop *loop, uint64_t milliseconds,
                                 void (*fn)(void *arg), void *arg);

/* A timer that is made once and set again and again. */
struct ptn_alarm;
struct ptn_alarm *ptn_alarm_new(struct ptn_loop *loop, void (*fn)(void *arg),
                                void *arg);
void ptn_alarm_set(struct ptn_alarm *alarm, uint64_t milliseconds);
void ptn_alarm_clear(struct ptn_alarm *alarm);
void ptn_alarm_free(struct ptn_alarm *alarm);

/* --- signals --- */

struct ptn_signal;
struct ptn_signal *ptn_loop_signal(struct ptn_loop *loop, int number,
                                   void (*fn)(void *arg, int number),
                                   void *arg);
void ptn_signal_free(struct ptn_signal *signal);

/* --- later --- */

/* Embedded in its owner's record; ptn_soon_init once. */
struct ptn_soon {
    struct ptn_list link;
    void (*fn)(struct ptn_soon *soon);
};

void ptn_soon_init(struct ptn_soon *soon, void (*fn)(struct ptn_soon *soon));
/* Calls soon->fn once on the next turn; nothing new if that is due anyway. */
void ptn_soon_call(struct ptn_loop *loop, struct ptn_soon *soon);
void ptn_soon_cancel(struct ptn_soon *soon);

/* --- jobs --- */

/* Gets each job that has completed, on the loop's thread. Without one, or
 * for a job without session, its `done` is called with NULL. */
void ptn_loop_on_job(struct ptn_loop *loop, void (*fn)(struct ptn_job *job));

/* Binds the job to this loop: its ptn_job_complete comes back here. */
void ptn_loop_await(struct ptn_loop *loop, struct ptn_job *job);

/* ptn_loop_await, and queues job->run on a lane. -1: the lane is full, and
 * nothing has happened. */
int ptn_loop_submit(struct ptn_loop *loop, enum ptn_lane lane,
                    struct ptn_job *job) PTN_WARN_UNUSED;

/* Waits until the lanes have nothing to do, and runs the completions. */
void ptn_loop_finish(struct ptn_loop *loop);

#endif
