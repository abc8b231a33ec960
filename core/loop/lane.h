/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A lane: a bounded queue of jobs and the threads that run them.
 */
#ifndef PTN_LOOP_LANE_H
#define PTN_LOOP_LANE_H

#include <postern/job.h>

struct ptn_lane_pool;

/* `which` it is, is for its metrics. `threads` at most, started one by one when
 * jobs wait; `depth` jobs may wait beside those that run. */
struct ptn_lane_pool *ptn_lane_new(size_t threads, size_t depth,
                                   enum ptn_lane which);

/* 0, or -1 when the queue is full or no thread can be had. The thread calls
 * job->run and then ptn_job_complete. */
int ptn_lane_submit(struct ptn_lane_pool *lane, struct ptn_job *job);

/* Waits until nothing is queued and no thread has a job. */
void ptn_lane_wait(struct ptn_lane_pool *lane);

/* Lets the threads finish what is queued, and waits for them. */
void ptn_lane_free(struct ptn_lane_pool *lane);

#endif
