/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Metrics in memory (metrics/area.h), and their public calls
 * (postern/metric.h). That a process counts somewhere is the process's
 * state, like its log. A mutex guards the making of cells, nothing else.
 */
#include "metrics/area.h"
#include "base/map.h"
#include <assert.h>
#include <postern/arena.h>
#include <postern/buf.h>
#include <pthread.h>
#include <stdio.h>

enum {
    TABLE = 1,
    CELLS,
    ALIGN = 16,
};

/* A table's text is name, help, label and values, each terminated. */
struct entry {
    uint32_t size; /* with this, a multiple of ALIGN */
    uint16_t kind;
    uint16_t count;   /* numbers, or a table's values */
    uint32_t table;   /* of cells: where it begins; of one: octets of text */
    uint32_t numbers; /* of cells: where they begin, from here */
    double unit;
    uint16_t metric; /* enum ptn_metric_kind */
    char text[];     /* of cells: the labels */
};

/* What a process knows of its own cells. */
struct ptn_cells {
    _Atomic uint64_t *numbers;
    const uint64_t *bounds; /* of a histogram */
    unsigned count;         /* cells, without a histogram's sum */
    bool own;               /* the numbers are not in the area */
    char key[];             /* "name{labels" */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t room = PTN_AREA_BASE - offsetof(struct ptn_area, data);
static struct ptn_area *area; /* NULL: cells are on the heap */
static struct ptn_map all = {NULL, 0, 0, {0, 0}}; /* key -> ptn_cells */

void
ptn_area_make_room(size_t listeners)
{
    size_t more = (PTN_AREA_MAX - PTN_AREA_BASE) / PTN_AREA_LISTENER;

    assert(!area);
    more = listeners < more ? listeners : more;
    room = PTN_AREA_BASE + more * PTN_AREA_LISTENER -
           offsetof(struct ptn_area, data);
}

size_t
ptn_area_size(void)
{
    return offsetof(struct ptn_area, data) + room;
}

void
ptn_metrics_use(struct ptn_area *place)
{
    const struct ptn_map_slot *slot;
    size_t at = 0;

    while ((slot = ptn_map_next(&all, &at))) {
        struct ptn_cells *c = slot->value;

        if (c->own)
            ptn_free(c->numbers);
        ptn_free(c);
    }
    ptn_map_free(&all);
    if (place)
        ptn_area_clear(place);
    area = place;
}

/* --- making --- */

static struct entry *
at_offset(const struct ptn_area *a, uint32_t offset)
{
    return (struct entry *)(void *)((char *)(uintptr_t)a->data + offset);
}

/* An entry that is not complete yet; NULL: there is no room. */
static struct entry *
reserve(size_t text, size_t numbers)
{
    uint32_t used = atomic_load_explicit(&area->used, memory_order_relaxed);
    size_t head = (offsetof(struct entry, text) + text + 7) & ~(size_t)7;
    size_t size = (head + numbers * 8 + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct entry *e = at_offset(area, used);

    if (size > room - used)
        return NULL;
    memset(e, 0, size);
    e->size = (uint32_t)size;
    e->numbers = (uint32_t)head;
    return e;
}

static void
complete(const struct entry *e)
{
    uint32_t used = atomic_load_explicit(&area->used, memory_order_relaxed);

    atomic_store_explicit(&area->used, used + e->size, memory_order_release);
}

static void
add_text(struct ptn_buf *text, const char *word)
{
    ptn_buf_add(text, word, strlen(word) + 1);
}

/* The values of a label and "other", the buckets of a histogram, or one that
 * has no name. */
static size_t
add_values(const struct ptn_metric *m, struct ptn_buf *text)
{
    size_t count = 0;
    char bound[32];

    if (m->kind == PTN_METRIC_HISTOGRAM) {
        for (; count < m->bound_count; count++) {
            double unit = m->unit > 0 ? m->unit : 1;

            snprintf(bound, sizeof bound, "%.12g",
                     (double)m->bounds[count] * unit);
            add_text(text, bound);
        }
        add_text(text, "+Inf");
        return count + 1;
    }
    for (; m->values && m->values[count]; count++)
        add_text(text, m->values[count]);
    add_text(text, m->values ? "other" : "");
    return count + 1;
}

/* Where the table with this text begins; -1: there is none. */
static int64_t
find_table(const struct ptn_buf *text)
{
    uint32_t used = atomic_load_explicit(&area->used, memory_order_relaxed);
    const struct entry *e;

    for (uint32_t at = 0; at < used; at += e->size) {
        e = at_offset(area, at);
        if (e->kind == TABLE && e->table == text->len &&
            memcmp(e->text, text->data, text->len) == 0)
            return at;
    }
    return -1;
}

static int64_t
add_table(const struct ptn_metric *m, const struct ptn_buf *text, size_t count)
{
    uint32_t used = atomic_load_explicit(&area->used, memory_order_relaxed);
    struct entry *e = reserve(text->len, 0);

    if (!e)
        return -1;
    e->kind = TABLE;
    e->metric = (uint16_t)m->kind;
    e->count = (uint16_t)count;
    e->table = (uint32_t)text->len;
    e->unit = m->unit > 0 ? m->unit : 1;
    memcpy(e->text, text->data, text->len);
    complete(e);
    return used;
}

/* Where the metric's table begins; -1: there is no room for it. */
static int64_t
table_of(const struct ptn_metric *m)
{
    struct ptn_buf text = PTN_BUF_INIT;
    size_t count;
    int64_t at;

    add_text(&text, m->name);
    add_text(&text, m->help);
    add_text(&text, m->kind == PTN_METRIC_HISTOGRAM ? "le"
                    : m->label                      ? m->label
                                                    : "");
    count = add_values(m, &text);
    at = find_table(&text);
    if (at < 0)
        at = add_table(m, &text, count);
    ptn_buf_free(&text);
    return at;
}

/* Numbers in the area; NULL: there is no room. */
static _Atomic uint64_t *
make_numbers(const struct ptn_metric *metric, const char *labels, size_t count)
{
    int64_t table = table_of(metric);
    struct entry *e = NULL;

    if (table >= 0)
        e = reserve(strlen(labels) + 1, count);
    if (!e) {
        atomic_fetch_add(&area->lost, 1);
        return NULL;
    }
    e->kind = CELLS;
    e->table = (uint32_t)table;
    e->count = (uint16_t)count;
    strcpy(e->text, labels);
    complete(e);
    return (_Atomic uint64_t *)(void *)((char *)e + e->numbers);
}

static unsigned
count_cells(const struct ptn_metric *m)
{
    unsigned count = 0;

    if (m->kind == PTN_METRIC_HISTOGRAM)
        return (unsigned)m->bound_count + 1;
    while (m->values && m->values[count])
        count++;
    return count + 1;
}

static struct ptn_cells *
make(const struct ptn_metric *metric, struct ptn_slice key)
{
    struct ptn_cells *c = ptn_alloc(sizeof *c + key.len + 1);
    size_t count;

    c->bounds = metric->bounds;
    c->count = count_cells(metric);
    memcpy(c->key, key.data, key.len);
    count = c->count + (metric->kind == PTN_METRIC_HISTOGRAM ? 1u : 0u);
    if (area)
        c->numbers = make_numbers(metric, strchr(c->key, '{') + 1, count);
    if (!c->numbers) { /* then nobody sees them */
        c->numbers = ptn_alloc(count * sizeof *c->numbers);
        c->own = true;
    }
    ptn_map_put(&all, (struct ptn_slice){c->key, key.len}, c);
    return c;
}

struct ptn_cells *
ptn_metrics_cells(const struct ptn_metric *metric, const char *labels)
{
    struct ptn_buf key = PTN_BUF_INIT;
    struct ptn_cells *c;

    ptn_buf_printf(&key, "%s{%s", metric->name, labels);
    pthread_mutex_lock(&lock);
    c = ptn_map_get(&all, ptn_buf_slice(&key));
    if (!c)
        c = make(metric, ptn_buf_slice(&key));
    pthread_mutex_unlock(&lock);
    ptn_buf_free(&key);
    return c;
}

struct ptn_cells *
ptn_host_metric(struct ptn_host *host, const struct ptn_metric *metric)
{
    (void)host;
    assert(PTN_HAS(metric, struct ptn_metric, unit));
    assert(!metric->label == !metric->values);
    return ptn_metrics_cells(metric, "");
}

void
ptn_metrics_label(char labels[PTN_METRIC_LABELS_MAX], const char *name,
                  const char *value)
{
    size_t len = strlen(labels), begin = len;
    int n = snprintf(labels + len, PTN_METRIC_LABELS_MAX - len, "%s%s=\"",
                     len > 0 ? "," : "", name);

    if (n < 0 || (size_t)n + 2 > PTN_METRIC_LABELS_MAX - len) {
        labels[begin] = '\0';
        return;
    }
    len += (size_t)n;
    for (; *value && len + 4 < PTN_METRIC_LABELS_MAX; value++) {
        if (*value == '"' || *value == '\\' || *value == '\n')
            labels[len++] = '\\';
        labels[len++] = *value == '\n' ? 'n' : *value;
    }
    labels[len++] = '"';
    labels[len] = '\0';
}

/* --- counting --- */

static void
add(_Atomic uint64_t *number, uint64_t by)
{
    atomic_store_explicit(
        number, atomic_load_explicit(number, memory_order_relaxed) + by,
        memory_order_relaxed);
}

void
ptn_metric_add(struct ptn_cells *c, unsigned index, uint64_t by)
{
    add(&c->numbers[index < c->count ? index : c->count - 1], by);
}

void
ptn_metric_set(struct ptn_cells *c, unsigned index, uint64_t value)
{
    atomic_store_explicit(&c->numbers[index < c->count ? index : c->count - 1],
                          value, memory_order_relaxed);
}

void
ptn_metric_observe(struct ptn_cells *c, uint64_t value)
{
    unsigned bucket = 0;

    assert(c->bounds);
    while (bucket + 1 < c->count && value > c->bounds[bucket])
        bucket++;
    add(&c->numbers[bucket], 1);
    add(&c->numbers[c->count], value);
}

/* --- reading --- */

/* The octet behind so many terminated words; NULL: they do not end before
 * `end`. */
static const char *
skip(const char *text, size_t words, const char *end)
{
    while (text && words-- > 0) {
        const char *nul =
            text < end ? memchr(text, 0, (size_t)(end - text)) : NULL;

        text = nul ? nul + 1 : NULL;
    }
    return text;
}

/* An entry that lies within what is used, with all that it says of itself;
 * NULL: there is none. */
static const struct entry *
entry_at(const struct ptn_area *a, uint32_t used, uint32_t at)
{
    const struct entry *e = at_offset(a, at);

    if (at % ALIGN || at >= used || used - at < sizeof *e ||
        e->size < sizeof *e || e->size % ALIGN || e->size > used - at)
        return NULL;
    return e;
}

static bool
has_table(const struct ptn_area *a, uint32_t used, const struct entry *e,
          struct ptn_metric_run *out)
{
    const struct entry *table = entry_at(a, used, e->table);
    const char *end = (const char *)table + (table ? table->size : 0);

    if (!table || table->kind != TABLE ||
        table->metric > PTN_METRIC_HISTOGRAM ||
        !skip(table->text, 3u + table->count, end))
        return false;
    *out = (struct ptn_metric_run){
        .name = table->text,
        .help = skip(table->text, 1, end),
        .label = skip(table->text, 2, end),
        .values = skip(table->text, 3, end),
        .kind = (enum ptn_metric_kind)table->metric,
        .unit = table->unit,
        .count = table->count,
    };
    return true;
}

/* A histogram has one more number, the sum. */
static bool
has_numbers(const struct entry *e, const struct ptn_metric_run *run)
{
    size_t size = (run->count + (run->kind == PTN_METRIC_HISTOGRAM)) *
                  sizeof *run->numbers;

    return e->numbers <= e->size && e->numbers % sizeof *run->numbers == 0 &&
           size <= e->size - e->numbers &&
           skip(e->text, 1, (const char *)e + e->size);
}

bool
ptn_area_next(const struct ptn_area *a, uint32_t *at,
              struct ptn_metric_run *out)
{
    uint32_t used = atomic_load_explicit(&a->used, memory_order_acquire);
    const struct entry *e;

    used = used < room ? used : (uint32_t)room;
    do {
        e = entry_at(a, used, *at);
        *at += e ? e->size : 0;
    } while (e && e->kind != CELLS);
    if (!e || !has_table(a, used, e, out) || !has_numbers(e, out))
        return false;
    out->labels = e->text;
    out->numbers =
        (const _Atomic uint64_t *)(const void *)((const char *)e + e->numbers);
    return true;
}

struct ptn_area *
ptn_area_copy(const struct ptn_area *a)
{
    uint32_t used = atomic_load_explicit(&a->used, memory_order_acquire);
    struct ptn_area *copy;

    used = used < room ? used : (uint32_t)room;
    copy = ptn_alloc(offsetof(struct ptn_area, data) + used);
    memcpy(copy->data, a->data, used);
    atomic_store(&copy->used, used);
    return copy;
}

void
ptn_area_clear(struct ptn_area *a)
{
    atomic_store(&a->used, 0);
    atomic_store(&a->lost, 0);
}
