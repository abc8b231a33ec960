/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Counting in an area, reading it, sums over processes that come and go, and
 * the text that Prometheus gets.
 */
#include "metrics/tally.h"
#include "tests/unit/base/test.h"
#include <postern/arena.h>
#include <stdio.h>

static const char *const words[] = {"alpha", "beta", NULL};
static const struct ptn_metric commands = {
    .size = sizeof commands,
    .name = "commands_total",
    .help = "Commands, by verb.",
    .label = "verb",
    .values = words,
};
static const struct ptn_metric open_now = {
    .size = sizeof open_now,
    .name = "sessions",
    .help = "Sessions that are open.",
    .kind = PTN_METRIC_GAUGE,
};
static const uint64_t bounds[] = {1000, 5000, 20000};
static const struct ptn_metric sizes = {
    .size = sizeof sizes,
    .name = "commit_seconds",
    .help = "How long \\ commits take.",
    .kind = PTN_METRIC_HISTOGRAM,
    .bounds = bounds,
    .bound_count = 3,
    .unit = 1e-6,
};

static struct ptn_area *
make_area(void)
{
    return ptn_alloc(ptn_area_size());
}

static void
free_area(struct ptn_area *area)
{
    ptn_metrics_use(NULL);
    ptn_free(area);
}

static char *
print(const struct ptn_tally *t)
{
    struct ptn_buf out = PTN_BUF_INIT;

    ptn_tally_print(t, &out);
    (void)ptn_buf_cstr(&out);
    return out.data;
}

static void
test_print(void **state)
{
    struct ptn_area *area = make_area();
    struct ptn_tally *t = ptn_tally_new();
    struct ptn_cells *c;
    char *text;

    (void)state;
    ptn_metrics_use(area);
    c = ptn_metrics_cells(&commands, "listener=\"mx\"");
    ptn_metric_add(c, 0, 2);
    ptn_metric_add(c, 1, 1);
    ptn_metric_add(c, 7, 5); /* there is no seventh: "other" */
    ptn_metric_set(ptn_metrics_cells(&open_now, ""), 0, 3);
    c = ptn_host_metric(NULL, &sizes);
    ptn_metric_observe(c, 1000);
    ptn_metric_observe(c, 1001);
    ptn_metric_observe(c, 3000000);
    ptn_tally_add(t, area, false);
    text = print(t);
    assert_string_equal(
        text, "# HELP postern_commands_total Commands, by verb.\n"
              "# TYPE postern_commands_total counter\n"
              "postern_commands_total{listener=\"mx\",verb=\"alpha\"} 2\n"
              "postern_commands_total{listener=\"mx\",verb=\"beta\"} 1\n"
              "postern_commands_total{listener=\"mx\",verb=\"other\"} 5\n"
              "# HELP postern_sessions Sessions that are open.\n"
              "# TYPE postern_sessions gauge\n"
              "postern_sessions 3\n"
              "# HELP postern_commit_seconds How long \\\\ commits take.\n"
              "# TYPE postern_commit_seconds histogram\n"
              "postern_commit_seconds_bucket{le=\"0.001\"} 1\n"
              "postern_commit_seconds_bucket{le=\"0.005\"} 2\n"
              "postern_commit_seconds_bucket{le=\"0.02\"} 2\n"
              "postern_commit_seconds_bucket{le=\"+Inf\"} 3\n"
              "postern_commit_seconds_sum 3.002001\n"
              "postern_commit_seconds_count 3\n");
    ptn_free(text);
    ptn_tally_free(t);
    free_area(area);
}

/* The same metric again is the same cells; other labels are others. */
static void
test_same(void **state)
{
    struct ptn_area *area = make_area();
    struct ptn_cells *c;

    (void)state;
    ptn_metrics_use(area);
    c = ptn_metrics_cells(&commands, "a=\"1\"");
    assert_ptr_equal(c, ptn_metrics_cells(&commands, "a=\"1\""));
    assert_ptr_not_equal(c, ptn_metrics_cells(&commands, "a=\"2\""));
    free_area(area);
}

/* A process ends: its counters go on in the next one, its gauges do not. */
static void
test_restart(void **state)
{
    struct ptn_area *area = make_area();
    struct ptn_tally *gone = ptn_tally_new(), *now;

    (void)state;
    for (unsigned life = 1; life <= 3; life++) {
        ptn_metrics_use(area);
        ptn_metric_add(ptn_metrics_cells(&commands, ""), 0, 10);
        ptn_metric_set(ptn_metrics_cells(&open_now, ""), 0, 4);
        ptn_metric_observe(ptn_metrics_cells(&sizes, ""), 7);
        now = ptn_tally_new();
        ptn_tally_merge(now, gone);
        ptn_tally_add(now, area, false);
        assert_int_equal(ptn_tally_get(now, "commands_total", "verb=\"alpha\""),
                         10 * life);
        assert_int_equal(ptn_tally_get(now, "sessions", ""), 4);
        assert_int_equal(ptn_tally_get(now, "commit_seconds", "le=\"0.001\""),
                         life);
        assert_int_equal(ptn_tally_get(now, "commit_seconds", "sum"), 7 * life);
        ptn_tally_free(now);
        ptn_tally_add(gone, area, true);
        ptn_area_clear(area);
    }
    ptn_tally_free(gone);
    free_area(area);
}

/* Without room, counting goes on and nobody sees it; nothing is overrun. */
static void
test_full(void **state)
{
    struct ptn_area *area = make_area();
    struct ptn_metric_run run;
    uint32_t at = 0, runs = 0;
    char labels[64];

    (void)state;
    ptn_metrics_use(area);
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(labels, sizeof labels, "listener=\"l%u\"", i);
        ptn_metric_add(ptn_metrics_cells(&commands, labels), 2, 1);
    }
    assert_true(area->used < ptn_area_size());
    while (ptn_area_next(area, &at, &run)) {
        assert_int_equal(run.numbers[2], 1);
        assert_string_equal(run.name, "commands_total");
        runs++;
    }
    assert_true(runs > 1000);
    assert_int_equal(runs + area->lost, 20000);
    free_area(area);
}

/* As many listeners as the configuration has all find room, with a rich
 * protocol and some combinations of rare words each; and an area's limit is
 * one. */
static void
test_room(void **state)
{
    static const char *const names[] = {
        "verb-one",  "verb-two", "verb-three",  "verb-four",
        "verb-five", "verb-six", "verb-seven",  "verb-eight",
        "verb-nine", "verb-ten", "verb-eleven", NULL};
    struct ptn_metric metric = commands;
    struct ptn_area *area;
    struct ptn_tally *t = ptn_tally_new();
    char labels[PTN_METRIC_LABELS_MAX], name[32];

    (void)state;
    ptn_area_make_room(1000);
    area = make_area();
    ptn_metrics_use(area);
    metric.values = names;
    metric.name = name;
    for (unsigned i = 0; i < 1000; i++)
        for (unsigned j = 0; j < 20; j++) {
            snprintf(name, sizeof name, "things_%u_total", j);
            snprintf(labels, sizeof labels,
                     "listener=\"submission-%u\",protocol=\"smtp\"", i);
            ptn_metric_add(ptn_metrics_cells(&metric, labels), 10, i);
        }
    assert_int_equal(area->lost, 0);
    ptn_tally_add(t, area, false);
    assert_int_equal(
        ptn_tally_get(t, "things_19_total",
                      "listener=\"submission-999\",protocol=\"smtp\","
                      "verb=\"verb-eleven\""),
        999);
    ptn_tally_free(t);
    free_area(area);
    ptn_area_make_room(SIZE_MAX);
    assert_true(ptn_area_size() <= PTN_AREA_MAX);
    ptn_area_make_room(0);
    assert_int_equal(ptn_area_size(), PTN_AREA_BASE);
}

static void
test_labels(void **state)
{
    char labels[PTN_METRIC_LABELS_MAX] = "", big[400];

    (void)state;
    ptn_metrics_label(labels, "listener", "a\"b\\c\nd");
    ptn_metrics_label(labels, "reason", "x");
    assert_string_equal(labels, "listener=\"a\\\"b\\\\c\\nd\",reason=\"x\"");
    memset(big, '"', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    ptn_metrics_label(labels, "long", big);
    assert_true(strlen(labels) < sizeof labels);
    assert_int_equal(labels[strlen(labels) - 1], '"');
    ptn_metrics_label(labels, "no-room", "x");
    assert_null(strstr(labels, "no-room"));
}

/* Each 16-bit word of an area in turn is what an attacker would like: the
 * reader takes what is left, and stays inside. */
static void
test_foreign(void **state)
{
    static const uint16_t bad[] = {0, 1, 2, 15, 16, 0x7fff, 0xffff};
    struct ptn_area *area = make_area();
    struct ptn_cells *c;

    (void)state;
    ptn_metrics_use(area);
    c = ptn_metrics_cells(&commands, "listener=\"mx\"");
    ptn_metric_add(c, 0, 2);
    ptn_metric_observe(ptn_host_metric(NULL, &sizes), 1000);
    for (size_t at = 0; at < area->used; at += sizeof *bad)
        for (size_t i = 0; i < PTN_COUNT(bad); i++) {
            struct ptn_tally *t = ptn_tally_new();
            char *text;
            uint16_t was;

            memcpy(&was, area->data + at, sizeof was);
            memcpy(area->data + at, &bad[i], sizeof was);
            ptn_tally_add(t, area, false);
            text = print(t);
            ptn_free(text);
            ptn_tally_free(t);
            memcpy(area->data + at, &was, sizeof was);
        }
    free_area(area);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print),   cmocka_unit_test(test_same),
        cmocka_unit_test(test_restart), cmocka_unit_test(test_full),
        cmocka_unit_test(test_room),    cmocka_unit_test(test_labels),
        cmocka_unit_test(test_foreign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
