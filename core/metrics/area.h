/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The memory in which a process counts: a slot of a mapping that it shares
 * with the supervisor, which can read it at any time and needs nothing else
 * to know what the numbers are.
 *
 *   table   name, help, kind, label and its values: once a metric
 *   cells   the table they are of, further labels as text, one number a
 *           value of the table's label
 *   ...
 *
 * Entries are only added; `used` grows when one is complete. Cells have one
 * writer at a time, so that counting is a load and a store.
 */
#ifndef PTN_METRICS_AREA_H
#define PTN_METRICS_AREA_H

#include <postern/metric.h>
#include <stdatomic.h>

/* Octets of an area: for a hundred listeners, what each more needs, and the
 * most that there are. Only what is used becomes memory. */
#define PTN_AREA_BASE (sizeof(void *) > 4 ? 262144u : 131072u)
#define PTN_AREA_LISTENER 4096u
#define PTN_AREA_MAX (sizeof(void *) > 4 ? 16777216u : 524288u)
#define PTN_METRIC_LABELS_MAX 256 /* octets of further labels */

struct ptn_area {
    _Atomic uint32_t used; /* octets of `data` that are complete */
    _Atomic uint32_t lost; /* metrics for which there was no room */
    _Alignas(16) char data[];
};

/* From now on areas have room for so many listeners, in this process and in
 * those that it forks; none is in use. What is in an area could be anybody's
 * word, so that its size is not there. */
void ptn_area_make_room(size_t listeners);
/* Octets of an area. */
size_t ptn_area_size(void);

/* Where this process counts from now on, emptied; NULL: nobody looks. No cells
 * that were made before may be used any more. */
void ptn_metrics_use(struct ptn_area *area);

/* The cells of a metric; `labels` are further ones as Prometheus writes
 * them, `listener="mx",version="TLSv1.3"`, or "". From any thread. */
struct ptn_cells *ptn_metrics_cells(const struct ptn_metric *metric,
                                    const char *labels);

/* Appends `name="value"`, escaped, and a comma before it where needed; cut
 * to PTN_METRIC_LABELS_MAX in all. */
void ptn_metrics_label(char labels[PTN_METRIC_LABELS_MAX], const char *name,
                       const char *value);

/* --- reading, from any process --- */

/* One table with one run of cells. */
struct ptn_metric_run {
    const char *name, *help, *label; /* label "": none */
    const char *values; /* `count` terminated texts, one behind the other */
    const char *labels;
    enum ptn_metric_kind kind;
    double unit;
    size_t count;
    const _Atomic uint64_t *numbers; /* of a histogram: one more, the sum */
};

/* What is used of one that others write to, to be read and freed by the
 * caller: a process that was taken over may write anything, at any time. */
struct ptn_area *ptn_area_copy(const struct ptn_area *area);
/* Begin with *at = 0; false: there are no more, or what comes is no entry.
 * The area is a copy, or this process's own. */
bool ptn_area_next(const struct ptn_area *area, uint32_t *at,
                   struct ptn_metric_run *out);
/* Empties it, when nobody writes to it any more. */
void ptn_area_clear(struct ptn_area *area);

#endif
