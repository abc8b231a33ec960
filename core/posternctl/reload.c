/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `posternctl reload`: what the server would change, or has changed, listener
 * by listener; and every mistake of a configuration that it did not take.
 * The records are those of proc/reload.h.
 */
#include "posternctl/ctl.h"
#include "proc/plan.h"

enum {
    COLUMNS = 4
};

/* Answers `into`, "" when the field is not there. */
static const char *
text_of(struct ptn_slice line, const char *key, char *into)
{
    if (!ptn_record_get(line, key, into, CTL_CELL_MAX))
        into[0] = '\0';
    return into;
}

static bool
has_text(struct ptn_slice line, const char *key, const char *text)
{
    char *value = ptn_alloc(CTL_CELL_MAX);
    bool same = strcmp(text_of(line, key, value), text) == 0;

    ptn_free(value);
    return same;
}

/* --- for people --- */

/* "listeners.mx.listen: *:25 -> *:2525" */
static void
describe(struct ptn_slice line, struct ptn_buf *out)
{
    char *value = ptn_alloc(CTL_CELL_MAX);

    ptn_buf_printf(out, "%s: ", text_of(line, "path", value));
    if (*text_of(line, "file_changed", value)) {
        ptn_buf_printf(out, "%s has new content", value);
    } else {
        text_of(line, "old", value);
        ptn_buf_printf(out, "%s -> ", *value ? value : "(none)");
        text_of(line, "new", value);
        ptn_buf_adds(out, *value ? value : "(none)");
    }
    ptn_free(value);
}

/* "postern.conf:12", or nothing. */
static void
add_place(struct ptn_slice line, const char *before, const char *after,
          struct ptn_buf *out)
{
    char *file = ptn_alloc(CTL_CELL_MAX), *number = ptn_alloc(CTL_CELL_MAX);

    text_of(line, "line", number);
    if (*text_of(line, "file", file) && *number && strcmp(number, "0") != 0)
        ptn_buf_printf(out, "%s%s:%s%s", before, file, number, after);
    else if (*file)
        ptn_buf_printf(out, "%s%s%s", before, file, after);
    ptn_free(file);
    ptn_free(number);
}

/* A listener's first reason stands beside it, others below. */
static void
add_reason(struct ctl_table *table, const char *cells[COLUMNS],
           struct ptn_slice line)
{
    struct ptn_buf why = PTN_BUF_INIT;

    describe(line, &why);
    add_place(line, " (", ")", &why);
    cells[3] = ptn_buf_cstr(&why);
    ctl_table_row(table, cells);
    cells[0] = cells[1] = cells[2] = cells[3] = "";
    ptn_buf_free(&why);
}

static void
add_listener(struct ctl_table *table, struct ptn_slice line,
             struct ptn_slice rest)
{
    char *texts = ptn_alloc(3 * CTL_CELL_MAX);
    const char *cells[COLUMNS] = {
        text_of(line, "listener", texts),
        text_of(line, "group", texts + CTL_CELL_MAX),
        text_of(line, "action", texts + (size_t)2 * CTL_CELL_MAX), ""};
    size_t reasons = 0;

    while (rest.len > 0) {
        struct ptn_slice next = ptn_record_next(&rest);

        if (!ptn_record_is(next, "reason") || has_text(next, "listener", ""))
            break;
        add_reason(table, cells, next);
        reasons++;
    }
    if (reasons == 0)
        ctl_table_row(table, cells);
    ptn_free(texts);
}

static void
print_listeners(struct ptn_slice rest)
{
    static const char *const titles[] = {"LISTENER", "GROUP", "ACTION", "WHY"};
    struct ctl_table table = {.columns = COLUMNS};

    ctl_table_row(&table, titles);
    while (rest.len > 0) {
        struct ptn_slice line = ptn_record_next(&rest);

        if (ptn_record_is(line, "plan"))
            add_listener(&table, line, rest);
    }
    if (table.count > COLUMNS)
        ctl_table_print(&table);
    ctl_table_free(&table);
}

/* A line for each record of the kind, with what is to be said about it. */
static void
print_each(struct ptn_slice rest, const char *kind, const char *about, FILE *to)
{
    while (rest.len > 0) {
        struct ptn_slice line = ptn_record_next(&rest);
        struct ptn_buf text = PTN_BUF_INIT;

        if (!ptn_record_is(line, kind))
            continue;
        add_place(line, "", ": ", &text);
        describe(line, &text);
        fprintf(to, "%s%s\n", ptn_buf_cstr(&text), about);
        ptn_buf_free(&text);
    }
}

static void
print_groups(struct ptn_slice rest)
{
    const char *separator = "\nNew workers for: ";
    char *name = ptn_alloc(CTL_CELL_MAX);

    while (rest.len > 0) {
        struct ptn_slice line = ptn_record_next(&rest);

        if (!ptn_record_is(line, "group") ||
            !(has_text(line, "action", "touched") ||
              has_text(line, "action", "new")))
            continue;
        printf("%s%s", separator, text_of(line, "name", name));
        separator = ", ";
    }
    if (*separator == ',')
        puts("");
    ptn_free(name);
}

/* As the server prints them when it starts. */
static void
print_notes(struct ptn_slice rest)
{
    char *value = ptn_alloc(CTL_CELL_MAX);

    while (rest.len > 0) {
        struct ptn_slice line = ptn_record_next(&rest);
        struct ptn_buf text = PTN_BUF_INIT;

        if (!ptn_record_is(line, "note"))
            continue;
        add_place(line, "", ": ", &text);
        if (has_text(line, "severity", "warning"))
            ptn_buf_adds(&text, "warning: ");
        ptn_buf_adds(&text, text_of(line, "text", value));
        fprintf(stderr, "%s\n", ptn_buf_cstr(&text));
        ptn_buf_free(&text);
    }
    ptn_free(value);
}

static struct ptn_slice
find_record(struct ptn_slice rest, const char *kind)
{
    while (rest.len > 0) {
        struct ptn_slice line = ptn_record_next(&rest);

        if (ptn_record_is(line, kind))
            return line;
    }
    return PTN_SLICE("");
}

static void
print_result(struct ptn_slice records, int status)
{
    char *text = ptn_alloc(CTL_CELL_MAX);

    text_of(find_record(records, "result"), "text", text);
    if (*text && status == CTL_OK)
        puts(text);
    else if (*text)
        fprintf(stderr, "posternctl: %s\n", text);
    ptn_free(text);
}

static void
print_people(struct ptn_slice records, int status)
{
    print_notes(records);
    print_listeners(records);
    print_groups(records);
    print_each(records, "live", "; no worker is replaced for it", stdout);
    print_each(records, "refused", ": needs a restart", stderr);
    fflush(stdout);
    print_result(records, status);
}

/* --- for programs --- */

static void
json_listener(struct ptn_json *j, struct ptn_slice line, struct ptn_slice rest)
{
    static const char *const keys[] = {"listener", "group", "action"};
    static const char *const names[] = {"name", "group", "action"};
    char *value = ptn_alloc(CTL_CELL_MAX);

    ptn_json_object(j, NULL);
    for (size_t i = 0; i < PTN_COUNT(keys); i++)
        ptn_json_text(j, names[i], ptn_slice_of(text_of(line, keys[i], value)));
    ptn_json_array(j, "reasons");
    while (rest.len > 0) {
        struct ptn_slice next = ptn_record_next(&rest);

        if (!ptn_record_is(next, "reason") || has_text(next, "listener", ""))
            break;
        ctl_json_record(j, NULL, next);
    }
    ptn_json_end_array(j);
    ptn_json_end_object(j);
    ptn_free(value);
}

static void
print_json(struct ptn_slice records)
{
    struct ptn_slice rest = records, result = find_record(records, "result");
    char *value = ptn_alloc(CTL_CELL_MAX);
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);

    ptn_json_object(&json, NULL);
    ptn_json_text(&json, "outcome",
                  ptn_slice_of(text_of(result, "outcome", value)));
    ptn_json_text(&json, "text", ptn_slice_of(text_of(result, "text", value)));
    ptn_json_array(&json, "listeners");
    while (rest.len > 0) {
        struct ptn_slice line = ptn_record_next(&rest);

        if (ptn_record_is(line, "plan"))
            json_listener(&json, line, rest);
    }
    ptn_json_end_array(&json);
    ctl_json_records(&json, "groups", "group", records);
    ctl_json_records(&json, "live", "live", records);
    ctl_json_records(&json, "refused", "refused", records);
    ctl_json_records(&json, "notes", "note", records);
    ptn_json_end_object(&json);
    ctl_json_print(&out);
    ptn_free(value);
}

/* --- the command --- */

static int
status_of(struct ptn_slice records)
{
    struct ptn_slice result = find_record(records, "result");

    if (result.len == 0 || has_text(result, "outcome", "done"))
        return CTL_OK;
    return has_text(result, "outcome", "refused") ? CTL_CONFIG : CTL_FAILED;
}

static int
ask(const struct ctl *ctl, const char *request)
{
    struct ptn_buf answer = PTN_BUF_INIT;
    int status = ctl_ask(ctl, request, &answer);

    if (status == CTL_OK) {
        status = status_of(ptn_buf_slice(&answer));
        if (ctl->json)
            print_json(ptn_buf_slice(&answer));
        else
            print_people(ptn_buf_slice(&answer), status);
    }
    ptn_buf_free(&answer);
    return status;
}

static int
reload(const struct ctl *ctl)
{
    return ask(ctl, ctl_option(ctl, "plan") ? "reload-plan" : "reload");
}

static int
upgrade(const struct ctl *ctl)
{
    return ask(ctl, "upgrade");
}

const struct ctl_command ctl_reload_commands[] = {
    {.words = "reload",
     .fn = reload,
     .flags = CTL_ASKS,
     .doc = "take over the configuration as it is now, or say what that would "
            "do",
     .about =
         "Each listener is one of\n"
         "  unchanged    nothing of it is touched\n"
         "  certificate  new files of its certificates, for new handshakes\n"
         "  policy       other settings, on the same sockets\n"
         "  rebind       other addresses\n"
         "  drain        gone: closed, its sessions run to their end\n"
         "  new          opened\n"
         "No session is ended by a reload. A configuration with mistakes, or\n"
         "with a change that needs a restart, changes nothing; all of its\n"
         "mistakes are printed.",
     .options =
         (const struct ctl_option[]){
             {"plan", NULL, "only say what would be done"}, {NULL, NULL, NULL}},
     .exits =
         (const struct ctl_exit[]){
             {CTL_FAILED,
              "it failed, or a certificate was refused; what was served "
              "before still is"},
             {CTL_CONFIG,
              "the new configuration is wrong or needs a restart; nothing was "
              "changed"},
             {0, NULL}},
     .example = "posternctl reload --plan"},
    {.words = "upgrade",
     .fn = upgrade,
     .flags = CTL_ASKS,
     .doc = "let the program that is installed by now take over",
     .about = "Executes posternd anew. When the new one is ready it gets the\n"
              "listening sockets, and the running one ends with its last\n"
              "session. If it does not start, nothing changes.",
     .exits =
         (const struct ctl_exit[]){
             {CTL_FAILED, "the new one did not start; the running one goes on"},
             {CTL_CONFIG, "its configuration is wrong; likewise"},
             {0, NULL}},
     .example = "posternctl upgrade"},
    {.words = NULL},
};
