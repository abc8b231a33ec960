/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The answer to `metrics` on the control socket: Prometheus text.
 */
#ifndef PTN_PROC_METRICS_H
#define PTN_PROC_METRICS_H

#include "proc/status.h"

struct ptn_metrics_server {
    const struct ptn_shared *shared;
    const struct ptn_plan *plan;
    const struct ptn_ledger *ledger;
    struct ptn_slice errands; /* records, as the envoy has told */
    uint64_t started;         /* ptn_clock_ms */
    unsigned generation;
    const struct ptn_status_worker *workers;
    unsigned count;
};

/* A worker of the group is being replaced. */
void ptn_metrics_restarted(struct ptn_shared *shared, const char *group);

/* What processes have counted, and what the main process knows of them. */
void ptn_metrics_write(const struct ptn_metrics_server *server,
                       struct ptn_buf *out);

#endif
