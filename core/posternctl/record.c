/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Records of a server, as tables for people and JSON for programs.
 */
#include "posternctl/ctl.h"
#include "proc/plan.h"
#include <stdlib.h>
#include <time.h>

/* What a field is, by its name in all records; others are texts. */
/* clang-format off */
static const char *const numbers[] = {
    "abi",
    "after",
    "age_ms",
    "auth_failed",
    "auth_ok",
    "count",
    "days_left",
    "failures",
    "filters",
    "handshake_failures",
    "handshakes",
    "idle_ms",
    "kicked",
    "last",
    "line",
    "memory",
    "next",
    "not_after",
    "number",
    "pid",
    "refused",
    "restarts",
    "resumed",
    "rules",
    "sessions",
    "since",
    "timeouts",
    "total",
    "uid",
    "uptime_ms",
    "worker",
    NULL};
/* clang-format on */
static const struct {
    const char *key;
    char separator;
} lists[] = {{"addresses", ','}, {"modules", ','},      {"needs", ','},
             {"provides", ','},  {"certificates", ','}, {"names", ' '}};
static const char *const truths[] = {"self_signed", "same", "no_new_privs",
                                     "dumpable", NULL};

static bool
is_in(const char *const *names, const char *key)
{
    for (; *names; names++)
        if (strcmp(*names, key) == 0)
            return true;
    return false;
}

static void
json_list(struct ptn_json *j, const char *key, const char *text, char separator)
{
    ptn_json_array(j, key);
    while (*text) {
        const char *end = strchr(text, separator);
        size_t len = end ? (size_t)(end - text) : strlen(text);

        if (len > 0)
            ptn_json_text(j, NULL, (struct ptn_slice){text, len});
        text += len + (end ? 1 : 0);
    }
    ptn_json_end_array(j);
}

static void
json_value(struct ptn_json *j, const char *key, const char *value)
{
    bool below = *value == '-';
    uint64_t number;

    for (size_t i = 0; i < PTN_COUNT(lists); i++)
        if (strcmp(lists[i].key, key) == 0) {
            json_list(j, key, value, lists[i].separator);
            return;
        }
    if (is_in(numbers, key) &&
        ptn_slice_to_u64(ptn_slice_of(value + below), INT64_MAX, &number))
        ptn_json_number(j, key, below ? -(int64_t)number : (int64_t)number);
    else if (is_in(truths, key))
        ptn_json_bool(j, key, strcmp(value, "yes") == 0);
    else
        ptn_json_text(j, key, ptn_slice_of(value));
}

void
ctl_json_record(struct ptn_json *j, const char *key, struct ptn_slice line)
{
    char name[64], *value = ptn_alloc(CTL_CELL_MAX);

    ptn_json_object(j, key);
    while (line.len > 0) {
        const char *tab = memchr(line.data, '\t', line.len);
        size_t n = tab ? (size_t)(tab - line.data) : line.len;
        const char *equals = memchr(line.data, '=', n);
        size_t len = equals ? (size_t)(equals - line.data) : sizeof name;

        if (len < sizeof name) {
            memcpy(name, line.data, len);
            name[len] = '\0';
            ptn_record_get(line, name, value, CTL_CELL_MAX);
            json_value(j, name, value);
        }
        n += tab ? 1 : 0;
        line = ptn_slice_sub(line, n, line.len - n);
    }
    ptn_json_end_object(j);
    ptn_free(value);
}

void
ctl_json_records(struct ptn_json *j, const char *key, const char *kind,
                 struct ptn_slice records)
{
    ptn_json_array(j, key);
    while (records.len > 0) {
        struct ptn_slice line = ptn_record_next(&records);

        if (ptn_record_is(line, kind))
            ctl_json_record(j, NULL, line);
    }
    ptn_json_end_array(j);
}

void
ctl_json_print(struct ptn_buf *out)
{
    puts(ptn_buf_cstr(out));
    ptn_buf_free(out);
}

/* --- for people --- */

static void
format_duration(uint64_t ms, char *into)
{
    unsigned long s = (unsigned long)(ms / 1000);

    if (s < 60)
        snprintf(into, CTL_CELL_MAX, "%lus", s);
    else if (s < 3600)
        snprintf(into, CTL_CELL_MAX, "%lum%02lus", s / 60, s % 60);
    else if (s < 86400)
        snprintf(into, CTL_CELL_MAX, "%luh%02lum", s / 3600, s / 60 % 60);
    else
        snprintf(into, CTL_CELL_MAX, "%lud%02luh", s / 86400, s / 3600 % 24);
}

static bool
ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), n = strlen(end);

    return len >= n && strcmp(text + len - n, end) == 0;
}

const char *
ctl_field(struct ptn_slice line, const char *key, char *into)
{
    uint64_t number;

    if (!ptn_record_get(line, key, into, CTL_CELL_MAX) || !*into) {
        snprintf(into, CTL_CELL_MAX, "-");
        return into;
    }
    if (!is_in(numbers, key) ||
        !ptn_slice_to_u64(ptn_slice_of(into), INT64_MAX, &number))
        return into;
    if (ends_with(key, "_ms")) {
        format_duration(number, into);
    } else if (strcmp(key, "memory") == 0) {
        snprintf(into, CTL_CELL_MAX, number < 1 << 20 ? "%.1fk" : "%.1fM",
                 (double)number / (number < 1 << 20 ? 1024 : 1 << 20));
    } else if (strcmp(key, "not_after") == 0) {
        time_t when = (time_t)number;
        struct tm utc;

        strftime(into, CTL_CELL_MAX, "%Y-%m-%d", gmtime_r(&when, &utc));
    } else if (strcmp(key, "last") == 0 || strcmp(key, "next") == 0 ||
               strcmp(key, "since") == 0) {
        time_t when = (time_t)number;
        struct tm utc;

        strftime(into, CTL_CELL_MAX, "%Y-%m-%d %H:%M UTC",
                 gmtime_r(&when, &utc));
    }
    return into;
}

void
ctl_view_print(const struct ctl_view *view, struct ptn_slice records)
{
    char(*cells)[CTL_CELL_MAX] = ptn_alloc(view->columns * CTL_CELL_MAX);
    struct ctl_table table = {.columns = view->columns};
    struct ptn_slice rest = records;
    const char *row[CTL_COLUMNS_MAX];

    ctl_table_row(&table, view->titles);
    while (rest.len > 0) {
        struct ptn_slice line = ptn_record_next(&rest);

        if (!ptn_record_is(line, view->kind))
            continue;
        for (size_t i = 0; i < view->columns; i++)
            row[i] = ctl_field(line, view->keys[i], cells[i]);
        ctl_table_row(&table, row);
    }
    ctl_table_print(&table);
    ctl_table_free(&table);
    ptn_free(cells);
    if (view->more)
        view->more(records);
}

int
ctl_show(const struct ctl *ctl, const char *request,
         const struct ctl_view *view)
{
    struct ptn_buf answer = PTN_BUF_INIT, out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);
    int status = ctl_ask(ctl, request, &answer);

    if (status == CTL_OK && ctl->json) {
        ctl_json_records(&json, NULL, view->kind, ptn_buf_slice(&answer));
        ctl_json_print(&out);
    } else if (status == CTL_OK) {
        ctl_view_print(view, ptn_buf_slice(&answer));
    }
    ptn_buf_free(&answer);
    return status;
}
