/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sums of what several processes count, also of those that are no more, and
 * how they are printed: Prometheus text, exposition format 0.0.4. One
 * thread.
 */
#ifndef PTN_METRICS_TALLY_H
#define PTN_METRICS_TALLY_H

#include "metrics/area.h"
#include <postern/buf.h>

struct ptn_tally;

struct ptn_tally *ptn_tally_new(void);
void ptn_tally_free(struct ptn_tally *tally);

/* Adds all of the area; `gone`: its process is, and what it held with it,
 * so that gauges are left out. */
void ptn_tally_add(struct ptn_tally *tally, const struct ptn_area *area,
                   bool gone);
/* Adds another tally. */
void ptn_tally_merge(struct ptn_tally *tally, const struct ptn_tally *other);

/* Adds to one number of a counter or gauge that no process counts in an
 * area. `labels` as in ptn_metrics_cells. */
struct ptn_tally_family {
    const char *name, *help;
    enum ptn_metric_kind kind;
};
void ptn_tally_put(struct ptn_tally *tally,
                   const struct ptn_tally_family *family, const char *labels,
                   uint64_t value);

/* Each family as "# HELP", "# TYPE" and its numbers; "postern_" comes before
 * each name. In the order in which they were first seen. */
void ptn_tally_print(const struct ptn_tally *tally, struct ptn_buf *out);

/* One number; 0 when there is none. For tests, and whoever needs one. */
uint64_t ptn_tally_get(const struct ptn_tally *tally, const char *name,
                       const char *labels);

#endif
