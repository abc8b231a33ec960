/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sums of metrics. A family holds its numbers in the order of their first
 * appearance, which keeps the buckets of a histogram in theirs.
 */
#include "metrics/tally.h"
#include "base/map.h"
#include <inttypes.h>
#include <postern/arena.h>
#include <stdio.h>
#include <stdlib.h>

struct number {
    uint64_t value;
    bool is_sum;   /* of a histogram's values */
    char labels[]; /* all of them, as printed; the key */
};

struct family {
    char *name, *help;
    enum ptn_metric_kind kind;
    double unit;
    struct ptn_map by_labels; /* -> struct number; a sum is "sum" and them */
    struct number **numbers;
    size_t count, cap;
};

struct ptn_tally {
    struct ptn_map by_name; /* -> struct family */
    struct family **families;
    size_t count, cap;
};

struct ptn_tally *
ptn_tally_new(void)
{
    return ptn_alloc(sizeof(struct ptn_tally));
}

static void
free_family(struct family *f)
{
    for (size_t i = 0; i < f->count; i++)
        ptn_free(f->numbers[i]);
    ptn_free(f->numbers);
    ptn_map_free(&f->by_labels);
    ptn_free(f->name);
    ptn_free(f->help);
    ptn_free(f);
}

void
ptn_tally_free(struct ptn_tally *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->count; i++)
        free_family(t->families[i]);
    ptn_free(t->families);
    ptn_map_free(&t->by_name);
    ptn_free(t);
}

/* --- summing --- */

static struct family *
family_of(struct ptn_tally *t, const struct ptn_tally_family *as, double unit)
{
    struct family *f = ptn_map_get(&t->by_name, ptn_slice_of(as->name));

    if (f)
        return f;
    f = ptn_alloc(sizeof *f);
    f->name = ptn_strdup(as->name);
    f->help = ptn_strdup(as->help);
    f->kind = as->kind;
    f->unit = unit;
    if (t->count == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 32;
        t->families = ptn_realloc(t->families, t->cap * sizeof f);
    }
    t->families[t->count++] = f;
    ptn_map_put(&t->by_name, ptn_slice_of(f->name), f);
    return f;
}

static struct number *
make_number(struct family *f, struct ptn_slice key)
{
    struct number *n = ptn_alloc(sizeof *n + key.len + 1);

    memcpy(n->labels, key.data, key.len);
    if (f->count == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 16;
        f->numbers = ptn_realloc(f->numbers, f->cap * sizeof n);
    }
    f->numbers[f->count++] = n;
    ptn_map_put(&f->by_labels, (struct ptn_slice){n->labels, key.len}, n);
    return n;
}

/* "sum" is no label text: these have "=". */
static void
add_number(struct family *f, const char *labels, uint64_t value)
{
    struct number *n = ptn_map_get(&f->by_labels, ptn_slice_of(labels));

    if (!n)
        n = make_number(f, ptn_slice_of(labels));
    n->is_sum = strncmp(labels, "sum", 3) == 0 && !strchr(labels, '=');
    n->value += value;
}

static void
add_run(struct ptn_tally *t, const struct ptn_metric_run *run)
{
    struct ptn_tally_family as = {run->name, run->help, run->kind};
    struct family *f = family_of(t, &as, run->unit);
    const char *value = run->values;

    for (size_t i = 0; i < run->count; i++) {
        uint64_t number =
            atomic_load_explicit(&run->numbers[i], memory_order_relaxed);
        char labels[PTN_METRIC_LABELS_MAX];

        snprintf(labels, sizeof labels, "%s", run->labels);
        if (*run->label)
            ptn_metrics_label(labels, run->label, value);
        if (number > 0 || strcmp(value, "other") != 0)
            add_number(f, labels, number);
        value += strlen(value) + 1;
    }
    if (run->kind == PTN_METRIC_HISTOGRAM)
        add_number(f, "sum",
                   atomic_load_explicit(&run->numbers[run->count],
                                        memory_order_relaxed));
}

void
ptn_tally_add(struct ptn_tally *t, const struct ptn_area *area, bool gone)
{
    struct ptn_area *copy;
    struct ptn_metric_run run;
    uint32_t at = 0;

    if (atomic_load(&area->used) == 0)
        return;
    copy = ptn_area_copy(area);
    while (ptn_area_next(copy, &at, &run))
        if (!gone || run.kind != PTN_METRIC_GAUGE)
            add_run(t, &run);
    ptn_free(copy);
}

void
ptn_tally_merge(struct ptn_tally *t, const struct ptn_tally *other)
{
    for (size_t i = 0; i < other->count; i++) {
        const struct family *from = other->families[i];
        struct ptn_tally_family as = {from->name, from->help, from->kind};
        struct family *to = family_of(t, &as, from->unit);

        for (size_t j = 0; j < from->count; j++)
            add_number(to, from->numbers[j]->labels, from->numbers[j]->value);
    }
}

void
ptn_tally_put(struct ptn_tally *t, const struct ptn_tally_family *family,
              const char *labels, uint64_t value)
{
    add_number(family_of(t, family, 1), labels, value);
}

uint64_t
ptn_tally_get(const struct ptn_tally *t, const char *name, const char *labels)
{
    const struct family *f = ptn_map_get(&t->by_name, ptn_slice_of(name));
    const struct number *n =
        f ? ptn_map_get(&f->by_labels, ptn_slice_of(labels)) : NULL;

    return n ? n->value : 0;
}

/* --- printing --- */

/* Exact where it is a whole number. */
static void
print_value(const struct family *f, uint64_t value, struct ptn_buf *out)
{
    if (f->unit == 1)
        ptn_buf_printf(out, " %" PRIu64 "\n", value);
    else
        ptn_buf_printf(out, " %.12g\n", (double)value * f->unit);
}

static void
print_line(const struct family *f, const char *suffix, const char *labels,
           uint64_t value, struct ptn_buf *out)
{
    bool bare = !*labels;

    ptn_buf_printf(out, "postern_%s%s%s%s%s", f->name, suffix, bare ? "" : "{",
                   labels, bare ? "" : "}");
    print_value(f, value, out);
}

/* Buckets are kept apart and printed as sums of all below (the exposition
 * format's section on histograms). Counts have no unit. */
static void
print_histogram(const struct family *f, struct ptn_buf *out)
{
    uint64_t count = 0, sum = 0;

    for (size_t i = 0; i < f->count; i++) {
        const struct number *n = f->numbers[i];

        if (n->is_sum) {
            sum = n->value;
            continue;
        }
        count += n->value;
        ptn_buf_printf(out, "postern_%s_bucket{%s} %" PRIu64 "\n", f->name,
                       n->labels, count);
    }
    print_line(f, "_sum", "", sum, out);
    ptn_buf_printf(out, "postern_%s_count %" PRIu64 "\n", f->name, count);
}

static void
print_help(const char *help, struct ptn_buf *out)
{
    for (; *help; help++)
        if (*help == '\\' || *help == '\n')
            ptn_buf_adds(out, *help == '\n' ? "\\n" : "\\\\");
        else
            ptn_buf_addc(out, *help);
}

void
ptn_tally_print(const struct ptn_tally *t, struct ptn_buf *out)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};

    for (size_t i = 0; i < t->count; i++) {
        const struct family *f = t->families[i];

        ptn_buf_printf(out, "# HELP postern_%s ", f->name);
        print_help(f->help, out);
        ptn_buf_printf(out, "\n# TYPE postern_%s %s\n", f->name,
                       kinds[f->kind]);
        if (f->kind == PTN_METRIC_HISTOGRAM)
            print_histogram(f, out);
        for (size_t j = 0; f->kind != PTN_METRIC_HISTOGRAM && j < f->count; j++)
            print_line(f, "", f->numbers[j]->labels, f->numbers[j]->value, out);
    }
}
