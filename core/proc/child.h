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
    struct ptn_conf *conf; /* as the supervisor has read it */
    pid_t supervisor;
    struct ptn_reports *reports; /* the way of its crash reports; NULL: its
                                    own log */
    bool again; /* the server has begun to serve before: errors are for the
                   log, and for whoever has asked for a reload */
    /* Of a worker: */
    const struct ptn_group_conf *group;
    const char *modules; /* those it loads, with commas; NULL: all */
    struct ptn_socket *sockets;
    size_t socket_count;
    struct ptn_shared *shared;
    unsigned number;            /* its slot; no other that lives has it */
    unsigned count;             /* workers of the group, of which it is */
    unsigned rank;              /* this one, from 0 */
    int channel;                /* to the supervisor */
    int channels[PTN_CHANNELS]; /* to the warden; -1: not now */
};

/* Signals as a child needs them; it dies when its parent does. */
void ptn_child_begin(const struct ptn_child *child, const char *name);

/* Again, as changing the user has ended that. */
void ptn_child_die_with_parent(const struct ptn_child *child);

/* Checks everything but the certificates, and writes the plan to `fd`. Errors
 * go to stderr; at a reload, into the plan. Answers an exit status. */
int ptn_child_check(const struct ptn_child *child, int fd);
/* The same, the plan appended to `out`. */
int ptn_child_judge(const struct ptn_child *child, struct ptn_buf *out);

/* Serves. Answers an exit status. */
int ptn_child_work(const struct ptn_child *child);

#endif
