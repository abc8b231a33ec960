/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Telling of a reload. Main thread of the supervisor, or of the single
 * process.
 */
#include "proc/reload.h"
#include "proc/effective.h"
#include "proc/plan.h"
#include <postern/log.h>
#include <stdlib.h>

struct ptn_diff *
ptn_reload_compare(struct ptn_slice old, struct ptn_slice now)
{
    return ptn_diff_new(ptn_effective_read(old), ptn_effective_read(now));
}

static void
add_change(struct ptn_buf *out, const struct ptn_diff_change *c)
{
    ptn_record_add(out, "path", c->path);
    if (c->file && c->now)
        ptn_record_add(out, "file_changed", c->now);
    if (!c->file && c->old)
        ptn_record_add(out, "old", c->old);
    if (!c->file && c->now)
        ptn_record_add(out, "new", c->now);
    if (c->place.file) {
        ptn_record_add(out, "file", c->place.file);
        ptn_record_addn(out, "line", (uint64_t)c->place.line);
    }
    ptn_buf_addc(out, '\n');
}

static void
add_reasons(struct ptn_buf *out, const char *key, const char *name,
            const struct ptn_diff_changes *reasons)
{
    for (size_t i = 0; i < reasons->count; i++) {
        ptn_buf_adds(out, "reason");
        ptn_record_add(out, key, name);
        add_change(out, reasons->items[i]);
    }
}

static void
add_flagged(struct ptn_buf *out, const struct ptn_diff *diff, const char *kind,
            unsigned flag)
{
    for (size_t i = 0; i < diff->changes.count; i++) {
        const struct ptn_diff_change *c = diff->changes.items[i];

        if (!(c->flags & flag) || !c->old || !c->now)
            continue;
        ptn_buf_adds(out, kind);
        add_change(out, c);
    }
}

void
ptn_reload_write(const struct ptn_diff *diff, struct ptn_buf *out)
{
    for (size_t i = 0; i < diff->listener_count; i++) {
        const struct ptn_diff_listener *l = &diff->listeners[i];

        ptn_buf_adds(out, "plan");
        ptn_record_add(out, "listener", l->name);
        ptn_record_add(out, "group", l->group ? l->group : l->old_group);
        ptn_record_add(out, "action", ptn_diff_action_name(l->action));
        ptn_buf_addc(out, '\n');
        add_reasons(out, "listener", l->name, &l->reasons);
    }
    for (size_t i = 0; i < diff->group_count; i++) {
        const struct ptn_diff_group *g = &diff->groups[i];

        ptn_buf_adds(out, "group");
        ptn_record_add(out, "name", g->name);
        ptn_record_add(out, "action", ptn_diff_group_name(g->action));
        ptn_buf_addc(out, '\n');
        add_reasons(out, "group", g->name, &g->reasons);
    }
    add_flagged(out, diff, "live", PTN_OPT_LIVE);
    add_flagged(out, diff, "refused", PTN_OPT_EXACT);
}

/* "listeners.mx.listen: *:25 -> *:2525" */
static void
describe(const struct ptn_diff_change *c, struct ptn_buf *out)
{
    if (c->file)
        ptn_buf_printf(out, "%s: %s has new content", c->path,
                       c->now ? c->now : "its file");
    else
        ptn_buf_printf(out, "%s: %s -> %s", c->path,
                       c->old && *c->old ? c->old : "(none)",
                       c->now && *c->now ? c->now : "(none)");
}

static void
log_changes(enum ptn_log_level level, const char *event,
            const struct ptn_diff *diff, unsigned flag)
{
    for (size_t i = 0; i < diff->changes.count; i++) {
        const struct ptn_diff_change *c = diff->changes.items[i];
        struct ptn_buf text = PTN_BUF_INIT;

        if (!(c->flags & flag) || !c->old || !c->now)
            continue;
        describe(c, &text);
        ptn_log(level, event, PTN_FS("change", ptn_buf_cstr(&text)),
                PTN_FS("file", c->place.file ? c->place.file : ""),
                PTN_FN("line", c->place.line));
        ptn_buf_free(&text);
    }
}

enum {
    LOGGED_REASONS = 4
};

static void
log_listener(const struct ptn_diff_listener *l)
{
    struct ptn_buf why = PTN_BUF_INIT;

    for (size_t i = 0; i < l->reasons.count && i < LOGGED_REASONS; i++) {
        ptn_buf_adds(&why, i ? "; " : "");
        describe(l->reasons.items[i], &why);
    }
    if (l->reasons.count > LOGGED_REASONS)
        ptn_buf_printf(&why, "; and %zu more",
                       l->reasons.count - LOGGED_REASONS);
    ptn_log(PTN_LOG_INFO, "reload.listener", PTN_FS("listener", l->name),
            PTN_FS("action", ptn_diff_action_name(l->action)),
            PTN_FS("why", ptn_buf_cstr(&why)));
    ptn_buf_free(&why);
}

void
ptn_reload_log(const struct ptn_diff *diff)
{
    if (diff->refused == 0) {
        for (size_t i = 0; i < diff->listener_count; i++)
            if (diff->listeners[i].action != PTN_DIFF_UNCHANGED)
                log_listener(&diff->listeners[i]);
        log_changes(PTN_LOG_INFO, "reload.value", diff, PTN_OPT_LIVE);
    }
    log_changes(PTN_LOG_ERROR, "reload.needs-restart", diff, PTN_OPT_EXACT);
}

static bool
take_note(struct ptn_slice line)
{
    char severity[16] = "", file[1024] = "", number[16] = "0";
    char *text = ptn_alloc(line.len + 1);
    bool error;

    (void)ptn_record_get(line, "severity", severity, sizeof severity);
    (void)ptn_record_get(line, "file", file, sizeof file);
    (void)ptn_record_get(line, "line", number, sizeof number);
    (void)ptn_record_get(line, "text", text, line.len + 1);
    error = strcmp(severity, "error") == 0;
    ptn_log(error ? PTN_LOG_ERROR : PTN_LOG_WARNING, "config.note",
            PTN_FS("text", text), PTN_FS("file", file),
            PTN_FN("line", strtoll(number, NULL, 10)));
    ptn_free(text);
    return error;
}

size_t
ptn_reload_take_notes(struct ptn_slice text, struct ptn_buf *out)
{
    size_t errors = 0;

    while (text.len > 0) {
        struct ptn_slice line = ptn_record_next(&text);

        if (!ptn_record_is(line, "note"))
            continue;
        errors += take_note(line);
        if (!out)
            continue;
        ptn_buf_addslice(out, line);
        ptn_buf_addc(out, '\n');
    }
    return errors;
}

void
ptn_reload_write_result(enum ptn_reload_outcome outcome, const char *text,
                        struct ptn_buf *out)
{
    static const char *const words[] = {"done", "refused", "failed"};

    ptn_buf_adds(out, "result");
    ptn_record_add(out, "outcome", words[outcome]);
    ptn_record_add(out, "text", text);
    ptn_buf_addc(out, '\n');
}

void
ptn_reload_add_refusal(const struct ptn_diff *diff, struct ptn_buf *out)
{
    ptn_buf_printf(out,
                   "nothing was changed: %zu change(s) need a restart; "
                   "restart the server, or take them back",
                   diff->refused);
}

void
ptn_reload_write_refusal(const struct ptn_diff *diff, struct ptn_buf *out)
{
    struct ptn_buf text = PTN_BUF_INIT;

    ptn_reload_add_refusal(diff, &text);
    ptn_reload_write_result(PTN_RELOAD_REFUSED, ptn_buf_cstr(&text), out);
    ptn_buf_free(&text);
}
