/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the supervisor's children do: the checker, which lives for a moment,
 * and the workers. Each function here runs in the child, after the fork.
 */
#ifndef PTN_PROC_CHILD_H
#define PTN_PROC_CHILD_H

#include "proc/report.h"
#include "proc/warden.h"
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
    int channel;                /* to the supervisor */
    int channels[PTN_CHANNELS]; /* to the warden; -1: not now */
    bool again;                 /* it replaces one that died */
};

/* Signals as a child needs them; it dies when its parent does. */
void ptn_child_begin(const struct ptn_child *child, const char *name);
/* Again, as changing the user has ended that. */
void ptn_child_die_with_parent(const struct ptn_child *child);

/* Checks everything but the certificates, and writes the plan to `fd`. Errors
 * go to stderr. Answers an exit status. */
int ptn_child_check(const struct ptn_child *child, int fd);

/* Serves. Answers an exit status. */
int ptn_child_work(const struct ptn_child *child);

#endif
