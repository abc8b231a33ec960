/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the loop share: the only header that includes <uv.h>.
 */
#ifndef PTN_LOOP_INNER_H
#define PTN_LOOP_INNER_H

#include "loop/lane.h"
#include "loop/loop.h"
#include <stdatomic.h>
#include <uv.h>

#define PTN_LANES 2

struct ptn_loop {
    uv_loop_t uv;
    uv_idle_t idle;   /* active while `soon` holds anything */
    uv_async_t async; /* wakes the loop for `completed` */
    struct ptn_list soon;
    _Atomic(struct ptn_job *) completed; /* a stack: the latest first */
    void (*on_job)(struct ptn_job *job);
    struct ptn_lane_pool *lanes[PTN_LANES];
};

void ptn_loop_jobs_open(struct ptn_loop *loop,
                        const struct ptn_loop_params *params);
void ptn_loop_jobs_close(struct ptn_loop *loop);
void ptn_loop_jobs_drain(struct ptn_loop *loop);

#endif
