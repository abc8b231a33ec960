/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Numbers that a module counts for `posternctl metrics` (Prometheus text).
 * Since 1.1. What a protocol counts of its commands and replies needs less:
 * see `verbs` in postern/protocol.h.
 *
 *   static const char *const outcomes[] = {"found", "missing", NULL};
 *   static const struct ptn_metric lookups = {
 *       .size = sizeof lookups,
 *       .name = "ldap_lookups_total",
 *       .help = "Lookups, by outcome.",
 *       .label = "outcome",
 *       .values = outcomes,
 *   };
 *
 *   in start:        self->lookups = ptn_host_metric(host, &lookups);
 *   where it counts: ptn_metric_add(self->lookups, 0, 1);
 *
 * prints as
 *
 *   # HELP postern_ldap_lookups_total Lookups, by outcome.
 *   # TYPE postern_ldap_lookups_total counter
 *   postern_ldap_lookups_total{outcome="found"} 12
 *   postern_ldap_lookups_total{outcome="missing"} 0
 *
 * summed over all workers; counters go on over restarts and reloads. Labels
 * are closed lists: no peer can make one.
 */
#ifndef POSTERN_METRIC_H
#define POSTERN_METRIC_H

#include <postern/module.h>

enum ptn_metric_kind {
    PTN_METRIC_COUNTER, /* only grows; its name ends with "_total" */
    PTN_METRIC_GAUGE,   /* what is now; gone with its worker */
    /* How values are distributed over `bounds`. */
    PTN_METRIC_HISTOGRAM,
};

struct ptn_metric {
    uint32_t size; /* sizeof(struct ptn_metric) where it was compiled */
    /* a-z, 0-9 and "_"; begins with the module's name. */
    const char *name;
    const char *help; /* one sentence */
    enum ptn_metric_kind kind;
    /* A label and its values, up to a NULL; or both NULL. */
    const char *label;
    const char *const *values;
    /* Of a histogram, which has no label: upper bounds, rising, all in
     * their buckets; one more bucket is above the last. */
    const uint64_t *bounds;
    size_t bound_count;
    /* What is counted, in units of what is printed: 1e-6 for microseconds
     * that are printed as seconds. 0 is 1. */
    double unit;
};

struct ptn_cells;

/* The cells of a metric: one a value, or one. `metric` is constant. Never
 * NULL; valid as long as the process. In init or start. Asking for a metric
 * again answers the same cells. */
PTN_API struct ptn_cells *ptn_host_metric(struct ptn_host *host,
                                          const struct ptn_metric *metric);

/* From any thread, but for one metric from one at a time: there is no lock
 * in them. `index` is that of the label's value, 0 without a label; one that
 * is too large counts as a value "other". */
PTN_API void ptn_metric_add(struct ptn_cells *cells, unsigned index,
                            uint64_t by);
PTN_API void ptn_metric_set(struct ptn_cells *cells, unsigned index,
                            uint64_t value);
PTN_API void ptn_metric_observe(struct ptn_cells *cells, uint64_t value);

#endif
