/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a running server tells about itself.
 */
#include "posternctl/ctl.h"
#include "proc/plan.h"

static const struct ctl_view errand_view = {
    .kind = "errand",
    .titles = {"OBTAINED", "LAST", "NEXT", "FAILURES", "PROBLEM"},
    .keys = {"name", "last", "next", "failures", "problem"},
    .columns = 5};

/* Where a module obtains certificates. */
static void
print_errands(struct ptn_slice records)
{
    struct ptn_slice rest = records;

    while (rest.len > 0)
        if (ptn_record_is(ptn_record_next(&rest), "errand")) {
            putchar('\n');
            ctl_view_print(&errand_view, records);
            return;
        }
}

static const struct ctl_view process_view = {
    .kind = "process",
    .titles = {"PROCESS", "PID", "RESTARTS", "MEMORY"},
    .keys = {"role", "pid", "restarts", "memory"},
    .columns = 4,
    .more = print_errands};

static void
print_processes(struct ptn_slice records)
{
    putchar('\n');
    ctl_view_print(&process_view, records);
}

static const struct ctl_view worker_view = {
    .kind = "worker",
    .titles = {"WORKER", "GROUP", "STATE", "PID", "UPTIME", "RESTARTS",
               "MEMORY", "SESSIONS", "TOTAL"},
    .keys = {"number", "group", "state", "pid", "uptime_ms", "restarts",
             "memory", "sessions", "total"},
    .columns = 9,
    .more = print_processes};

/* What is wrong with things of a kind; `is` says what they are by that. */
static void
print_problems(struct ptn_slice records, const char *kind, const char *is)
{
    char *name = ptn_alloc(CTL_CELL_MAX), *problem = ptn_alloc(CTL_CELL_MAX);

    while (records.len > 0) {
        struct ptn_slice line = ptn_record_next(&records);

        if (ptn_record_is(line, kind) &&
            ptn_record_get(line, "problem", problem, CTL_CELL_MAX))
            printf("%s %s is %s: %s\n", kind, ctl_field(line, "name", name), is,
                   problem);
    }
    ptn_free(name);
    ptn_free(problem);
}

/* What is wrong with certificates that are in use. */
static void
print_trouble(struct ptn_slice records, const char *key, const char *text)
{
    char *name = ptn_alloc(CTL_CELL_MAX), *why = ptn_alloc(CTL_CELL_MAX);

    while (records.len > 0) {
        struct ptn_slice line = ptn_record_next(&records);

        if (ptn_record_is(line, "certificate") &&
            ptn_record_get(line, key, why, CTL_CELL_MAX))
            printf("%s: certificate %s %s: %s\n",
                   strcmp(key, "alarm") == 0 ? "ALARM" : "warning",
                   ctl_field(line, "name", name), text, why);
    }
    ptn_free(name);
    ptn_free(why);
}

static void
print_unused(struct ptn_slice records)
{
    print_problems(records, "certificate", "not used");
    print_trouble(records, "refusal", "has new files that are refused");
    print_trouble(records, "unseen", "was not seen to be served");
    print_trouble(records, "alarm", "is not served as it should be");
}

/* Whom listeners serve with older TLS, and how long. */
static void
print_legacy(struct ptn_slice records)
{
    char *cell = ptn_alloc(CTL_CELL_MAX);

    while (records.len > 0) {
        struct ptn_slice line = ptn_record_next(&records);

        if (!ptn_record_is(line, "legacy"))
            continue;
        printf("listener %s speaks ", ctl_field(line, "listener", cell));
        printf("%s ", ctl_field(line, "versions", cell));
        printf("with %s, too, ", ctl_field(line, "networks", cell));
        printf("until %s", ctl_field(line, "until", cell));
        puts(strcmp(ctl_field(line, "in_force", cell), "no") == 0
                 ? ": that is over"
                 : "");
    }
    ptn_free(cell);
}

static void
print_closed(struct ptn_slice records)
{
    print_problems(records, "listener", "closed");
    print_legacy(records);
}

static const struct ctl_view certificate_view = {
    .kind = "certificate",
    .titles = {"CERTIFICATE", "EXPIRES", "DAYS LEFT", "SINCE", "SERVED",
               "SELF-SIGNED", "NAMES"},
    .keys = {"name", "not_after", "days_left", "since", "serving",
             "self_signed", "names"},
    .columns = 7,
    .more = print_unused};

static const struct ctl_view listener_view = {
    .kind = "listener",
    .titles = {"LISTENER", "PROTOCOL", "ADDRESS", "TLS", "CERTIFICATES",
               "STATE"},
    .keys = {"name", "protocol", "addresses", "tls", "certificates", "state"},
    .columns = 6,
    .more = print_closed};

static void
print_server(struct ptn_slice records)
{
    struct ptn_slice line = ptn_record_next(&records);
    char *cell = ptn_alloc(CTL_CELL_MAX);

    printf("Postern %s", ctl_field(line, "version", cell));
    printf(", pid %s", ctl_field(line, "pid", cell));
    printf(", up %s", ctl_field(line, "uptime_ms", cell));
    printf(", %s\n\n", ctl_field(line, "config", cell));
    ptn_free(cell);
}

static void
print_all(struct ptn_slice records)
{
    print_server(records);
    ctl_view_print(&listener_view, records);
    putchar('\n');
    ctl_view_print(&certificate_view, records);
    putchar('\n');
    ctl_view_print(&worker_view, records);
}

static void
json_all(struct ptn_slice records)
{
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);
    struct ptn_slice rest = records;

    ptn_json_object(&json, NULL);
    ctl_json_record(&json, "server", ptn_record_next(&rest));
    ctl_json_records(&json, "listeners", "listener", records);
    ctl_json_records(&json, "legacy", "legacy", records);
    ctl_json_records(&json, "certificates", "certificate", records);
    ctl_json_records(&json, "workers", "worker", records);
    ctl_json_records(&json, "processes", "process", records);
    ctl_json_records(&json, "errands", "errand", records);
    ptn_json_end_object(&json);
    ctl_json_print(&out);
}

static int
show_status(const struct ctl *ctl)
{
    struct ptn_buf answer = PTN_BUF_INIT;
    int status = ctl_ask(ctl, "status", &answer);

    if (status == CTL_OK)
        (ctl->json ? json_all : print_all)(ptn_buf_slice(&answer));
    ptn_buf_free(&answer);
    return status;
}

static int
show_listeners(const struct ctl *ctl)
{
    return ctl_show(ctl, "status", &listener_view);
}

static int
show_workers(const struct ctl *ctl)
{
    return ctl_show(ctl, "status", &worker_view);
}

static int
show_certificates(const struct ctl *ctl)
{
    return ctl_show(ctl, "status", &certificate_view);
}

const struct ctl_command ctl_state_commands[] = {
    {.words = "status",
     .fn = show_status,
     .flags = CTL_ASKS,
     .doc = "the server, its listeners, certificates and workers",
     .example = "posternctl status"},
    {.words = "listeners",
     .fn = show_listeners,
     .flags = CTL_ASKS,
     .doc = "what is served where, with which TLS, and if not, why",
     .example = "posternctl --json listeners |\n"
                "  jq -r '.[] | select(.state == \"closed\").problem'"},
    {.words = "certificates",
     .fn = show_certificates,
     .flags = CTL_ASKS,
     .doc = "certificates in use and when they expire",
     .example = "posternctl certificates"},
    {.words = "workers",
     .fn = show_workers,
     .flags = CTL_ASKS,
     .doc = "processes and their sessions",
     .about = "With --json also handshakes, authentications, refused "
              "connections and\n"
              "timeouts of each.",
     .example = "posternctl workers"},
    {.words = NULL},
};
