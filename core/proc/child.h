/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the supervisor's children do: the checker, which lives for a moment,
 * and the workers. Each function here runs in the child, after the fork.
 */
#ifndef PTN_PROC_CHILD_H
#define PTN_PROC_CHILD_H

#include "proc/report.h"
#include "proc/worker.h"
#include <sys/types.h>

struct ptn_child {
    const struct ptn_conf *conf; /* as the supervisor has read it */
    pid_t supervisor;
    struct ptn_reports *reports; /* the way of its crash reports */
    /* Of a worker: */
    struct ptn_sockets *sockets;
    struct ptn_shared *shared;
    unsigned number, count;
    int channel; /* to the supervisor */
    bool again;  /* it replaces one that died */
};

/* Signals as a child needs them; it dies when its parent does. */
void ptn_child_begin(const struct ptn_child *child, const char *name);

/* Checks everything, makes missing certificates, and writes the plan to
 * `fd`. Errors go to stderr. Answers an exit status. */
int ptn_child_check(const struct ptn_child *child, int fd);

/* Serves. Answers an exit status. */
int ptn_child_work(const struct ptn_child *child);

#endif
