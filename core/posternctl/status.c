/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a running server tells, as tables for people or JSON for programs.
 */
#include "posternctl/ctl.h"
#include "proc/admin.h"
#include "proc/control.h"
#include "proc/plan.h"
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    CELL_MAX = 4096,
    STOP_WAIT_MS = 120000,
    STOP_POLL_MS = 50,
};

int
ctl_ask(const struct ctl *ctl, const char *request, struct ptn_buf *answer)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_buf path = PTN_BUF_INIT;
    int status = PTN_EXIT_OK;

    if (ptn_admin_control(ctl->config, &path, stderr) != 0) {
        status = PTN_EXIT_CONFIG;
    } else if (ptn_control_ask(ptn_buf_cstr(&path), request, answer, &err) !=
               0) {
        fprintf(stderr, "posternctl: %s\n", err.text);
        status = PTN_EXIT_FAILED;
    }
    ptn_buf_free(&path);
    return status;
}

/* --- JSON --- */

static const char *const numbers[] = {
    "pid",      "uptime_ms",          "number",
    "restarts", "sessions",           "total",
    "refused",  "handshakes",         "resumed",
    "auth_ok",  "handshake_failures", "auth_failed",
    "timeouts", "not_after",          NULL};
static const struct {
    const char *key;
    char separator;
} lists[] = {{"addresses", ','}, {"certificates", ','}, {"names", ' '}};

static void
json_string(const char *text, size_t len)
{
    putchar('"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 0x20)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void
json_list(const char *text, char separator)
{
    const char *comma = "";

    putchar('[');
    while (*text) {
        const char *end = strchr(text, separator);
        size_t len = end ? (size_t)(end - text) : strlen(text);

        if (len > 0) {
            fputs(comma, stdout);
            json_string(text, len);
            comma = ", ";
        }
        text += len + (end ? 1 : 0);
    }
    putchar(']');
}

static void
json_value(const char *key, const char *value)
{
    for (size_t i = 0; numbers[i]; i++)
        if (strcmp(numbers[i], key) == 0) {
            fputs(value, stdout);
            return;
        }
    for (size_t i = 0; i < PTN_COUNT(lists); i++)
        if (strcmp(lists[i].key, key) == 0) {
            json_list(value, lists[i].separator);
            return;
        }
    json_string(value, strlen(value));
}

/* {"key": value, ...} of a record, without its first word. */
static void
json_record(struct ptn_slice line)
{
    const char *comma = "";

    putchar('{');
    while (line.len > 0) {
        const char *tab = memchr(line.data, '\t', line.len);
        size_t n = tab ? (size_t)(tab - line.data) : line.len;
        const char *equals = memchr(line.data, '=', n);
        char key[64], value[CELL_MAX];

        if (equals && (size_t)(equals - line.data) < sizeof key) {
            memcpy(key, line.data, (size_t)(equals - line.data));
            key[equals - line.data] = '\0';
            ptn_record_get(line, key, value, sizeof value);
            fputs(comma, stdout);
            json_string(key, strlen(key));
            fputs(": ", stdout);
            json_value(key, value);
            comma = ", ";
        }
        n += tab ? 1 : 0;
        line = ptn_slice_sub(line, n, line.len - n);
    }
    putchar('}');
}

static void
json_records(struct ptn_slice answer, const char *kind)
{
    const char *comma = "";

    putchar('[');
    while (answer.len > 0) {
        struct ptn_slice line = ptn_record_next(&answer);

        if (!ptn_record_is(line, kind))
            continue;
        printf("%s\n    ", comma);
        json_record(line);
        comma = ",";
    }
    fputs("\n  ]", stdout);
}

static void
json_all(struct ptn_slice answer)
{
    struct ptn_slice rest = answer;

    fputs("{\n  \"server\": ", stdout);
    json_record(ptn_record_next(&rest));
    fputs(",\n  \"listeners\": ", stdout);
    json_records(answer, "listener");
    fputs(",\n  \"certificates\": ", stdout);
    json_records(answer, "certificate");
    fputs(",\n  \"workers\": ", stdout);
    json_records(answer, "worker");
    fputs("\n}\n", stdout);
}

/* --- tables --- */

static const char *
field(struct ptn_slice line, const char *key, char *into)
{
    if (!ptn_record_get(line, key, into, CELL_MAX))
        snprintf(into, CELL_MAX, "-");
    return into;
}

static void
format_uptime(const char *ms, char *into)
{
    unsigned long s = strtoul(ms, NULL, 10) / 1000;

    if (s < 60)
        snprintf(into, CELL_MAX, "%lus", s);
    else if (s < 3600)
        snprintf(into, CELL_MAX, "%lum%02lus", s / 60, s % 60);
    else if (s < 86400)
        snprintf(into, CELL_MAX, "%luh%02lum", s / 3600, s / 60 % 60);
    else
        snprintf(into, CELL_MAX, "%lud%02luh", s / 86400, s / 3600 % 24);
}

/* One table: which records, which fields, and their titles. */
struct view {
    const char *kind;
    const char *titles[8];
    const char *keys[8];
    size_t columns;
};

static const struct view listener_view = {
    "listener",
    {"LISTENER", "PROTOCOL", "ADDRESS", "TLS", "CERTIFICATES", "STATE"},
    {"name", "protocol", "addresses", "tls", "certificates", "state"},
    6};
static const struct view worker_view = {
    "worker",
    {"WORKER", "PID", "UPTIME", "RESTARTS", "SESSIONS", "TOTAL"},
    {"number", "pid", "uptime_ms", "restarts", "sessions", "total"},
    6};
static const struct view certificate_view = {
    "certificate",
    {"CERTIFICATE", "EXPIRES", "SELF-SIGNED", "NAMES"},
    {"name", "not_after", "self_signed", "names"},
    4};

static void
format_cell(const char *key, char *cell)
{
    char raw[CELL_MAX];

    if (strcmp(cell, "-") == 0)
        return;
    memcpy(raw, cell, CELL_MAX);
    if (strcmp(key, "uptime_ms") == 0) {
        format_uptime(raw, cell);
    } else if (strcmp(key, "not_after") == 0) {
        time_t when = (time_t)strtoll(raw, NULL, 10);
        struct tm utc;

        strftime(cell, CELL_MAX, "%Y-%m-%d", gmtime_r(&when, &utc));
    }
}

static void
print_view(struct ptn_slice answer, const struct view *view)
{
    char(*cells)[CELL_MAX] = ptn_alloc(view->columns * CELL_MAX);
    struct ctl_table table = {.columns = view->columns};
    const char *row[8];

    ctl_table_row(&table, view->titles);
    while (answer.len > 0) {
        struct ptn_slice line = ptn_record_next(&answer);

        if (!ptn_record_is(line, view->kind))
            continue;
        for (size_t i = 0; i < view->columns; i++) {
            row[i] = field(line, view->keys[i], cells[i]);
            format_cell(view->keys[i], cells[i]);
        }
        ctl_table_row(&table, row);
    }
    ctl_table_print(&table);
    ctl_table_free(&table);
    ptn_free(cells);
}

/* Why listeners are closed, and certificates unusable. */
static void
print_problems(struct ptn_slice answer)
{
    char *name = ptn_alloc(CELL_MAX), *problem = ptn_alloc(CELL_MAX);

    while (answer.len > 0) {
        struct ptn_slice line = ptn_record_next(&answer);

        if (ptn_record_is(line, "listener") &&
            ptn_record_get(line, "problem", problem, CELL_MAX))
            printf("listener %s is closed: %s\n", field(line, "name", name),
                   problem);
    }
    ptn_free(name);
    ptn_free(problem);
}

static void
print_server(struct ptn_slice answer)
{
    struct ptn_slice line = ptn_record_next(&answer);
    char *cell = ptn_alloc(CELL_MAX);

    printf("Postern %s", field(line, "version", cell));
    printf(", pid %s", field(line, "pid", cell));
    field(line, "uptime_ms", cell);
    format_cell("uptime_ms", cell);
    printf(", up %s", cell);
    printf(", %s\n\n", field(line, "config", cell));
    ptn_free(cell);
}

static int
show(const struct ctl *ctl, const struct view *view)
{
    struct ptn_buf answer = PTN_BUF_INIT;
    int status = ctl_ask(ctl, "status", &answer);

    if (status == PTN_EXIT_OK && ctl->json) {
        json_records(ptn_buf_slice(&answer), view->kind);
        putchar('\n');
    } else if (status == PTN_EXIT_OK) {
        print_view(ptn_buf_slice(&answer), view);
        print_problems(ptn_buf_slice(&answer));
    }
    ptn_buf_free(&answer);
    return status;
}

int
ctl_listeners(const struct ctl *ctl)
{
    return show(ctl, &listener_view);
}

int
ctl_workers(const struct ctl *ctl)
{
    return show(ctl, &worker_view);
}

int
ctl_certificates(const struct ctl *ctl)
{
    return show(ctl, &certificate_view);
}

int
ctl_status(const struct ctl *ctl)
{
    struct ptn_buf answer = PTN_BUF_INIT;
    int status = ctl_ask(ctl, "status", &answer);
    struct ptn_slice all;

    if (status != PTN_EXIT_OK) {
        ptn_buf_free(&answer);
        return status;
    }
    all = ptn_buf_slice(&answer);
    if (ctl->json) {
        json_all(all);
    } else {
        print_server(all);
        print_view(all, &listener_view);
        print_problems(all);
        putchar('\n');
        print_view(all, &certificate_view);
        putchar('\n');
        print_view(all, &worker_view);
    }
    ptn_buf_free(&answer);
    return PTN_EXIT_OK;
}

/* --- orders --- */

static bool
is_answering(const char *path)
{
    struct ptn_error ignored = PTN_ERROR_INIT;
    struct ptn_buf answer = PTN_BUF_INIT;
    int result = ptn_control_ask(path, "status", &answer, &ignored);

    ptn_buf_free(&answer);
    return result == 0;
}

int
ctl_stop(const struct ctl *ctl)
{
    struct ptn_buf answer = PTN_BUF_INIT, path = PTN_BUF_INIT;
    int status = ctl_ask(ctl, "stop", &answer);

    if (status == PTN_EXIT_OK &&
        ptn_admin_control(ctl->config, &path, stderr) != 0)
        status = PTN_EXIT_CONFIG;
    for (int waited = 0; status == PTN_EXIT_OK; waited += STOP_POLL_MS) {
        if (!is_answering(ptn_buf_cstr(&path)))
            break;
        if (waited > STOP_WAIT_MS) {
            fputs("posternctl: the server still lets sessions end\n", stderr);
            status = PTN_EXIT_FAILED;
        }
        usleep(STOP_POLL_MS * 1000);
    }
    ptn_buf_free(&answer);
    ptn_buf_free(&path);
    return status;
}

int
ctl_reload(const struct ctl *ctl)
{
    struct ptn_buf answer = PTN_BUF_INIT;
    int status = ctl_ask(ctl, "reload", &answer);

    ptn_buf_free(&answer);
    return status;
}
