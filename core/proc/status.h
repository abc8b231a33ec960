/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The answer to `status` on the control socket.
 */
#ifndef PTN_PROC_STATUS_H
#define PTN_PROC_STATUS_H

#include "proc/ledger.h"
#include "proc/plan.h"
#include "proc/shared.h"
#include <sys/types.h>

struct ptn_status_worker {
    unsigned number;  /* its slot */
    pid_t pid;        /* 0: it is being replaced */
    uint64_t started; /* ptn_clock_ms */
    uint64_t restarts;
    const char *group;
    unsigned generation;
    const char *state;
};

struct ptn_status_server {
    const char *config;
    const char *processes;
    uint64_t started; /* ptn_clock_ms */
    unsigned generation;
    const struct ptn_ledger *ledger;
};

/* A record "process": one that is no worker. */
void ptn_status_write_process(const char *role, pid_t pid, uint64_t restarts,
                              struct ptn_buf *out);
/* Resident octets of a process; 0: it is gone. */
uint64_t ptn_status_resident(pid_t pid);

void ptn_status_write(const struct ptn_status_server *server,
                      const struct ptn_plan *plan,
                      const struct ptn_status_worker *workers, unsigned count,
                      const struct ptn_shared *shared, struct ptn_buf *out);

#endif
