/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The single process and another configuration or program. It has loaded its
 * modules once and for all, so each of both is another process of the same
 * program: one that only checks the configuration, and then, unless nothing
 * but certificates has changed, one that takes over (upgrade.h). Main thread.
 *
 *   SERVING --reload--> CHECKING --wrong, plan, certificates--> SERVING
 *      |                   | other changes
 *      +----upgrade--------+----> STARTING --failed--> SERVING
 *                                    | ready
 *                                    v
 *                                SUCCEEDED --last session--> end
 */
#include "base/clock.h"
#include "proc/begin.h"
#include "proc/effective.h"
#include "proc/notify.h"
#include "proc/reload.h"
#include "proc/server.h"
#include "proc/single_inner.h"
#include <postern/log.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

enum {
    CHECK_MS = 60000,  /* what another process gets to check */
    START_MS = 180000, /* and to be ready */
};

static int begin(struct ptn_single *s, struct ptn_error *err);

/* --- the end --- */

static void
forget_heir(struct ptn_single *s)
{
    struct ptn_single_change *c = &s->change;

    if (c->watch)
        ptn_host_unwatch_fd(c->watch);
    if (c->deadline)
        ptn_timer_cancel(c->deadline);
    c->watch = NULL;
    c->deadline = NULL;
}

static void
answer(struct ptn_single *s, enum ptn_reload_outcome outcome, const char *text)
{
    struct ptn_single_change *c = &s->change;
    struct ptn_control_call *call = c->call;

    if (outcome != PTN_RELOAD_DONE)
        ptn_log(PTN_LOG_ERROR,
                c->want == PTN_SINGLE_UPGRADE ? "upgrade.failed"
                                              : "server.not-reloaded",
                PTN_FS("why", text));
    ptn_reload_write_result(outcome, text, &c->records);
    if (call) {
        ptn_buf_addslice(&call->out, ptn_buf_slice(&c->records));
        ptn_control_done(call, NULL);
    }
    ptn_buf_free(&c->records);
    c->call = NULL;
}

/* The same process goes on. */
static void
conclude(struct ptn_single *s, enum ptn_reload_outcome outcome,
         const char *text)
{
    struct ptn_single_change *c = &s->change;
    struct ptn_error err = PTN_ERROR_INIT;

    forget_heir(s);
    ptn_upgrade_end(&c->upgrade);
    answer(s, outcome, text);
    c->phase = PTN_SINGLE_SERVING;
    ptn_notify_ready(s->summary);
    if (!c->again)
        return;
    c->again = false;
    c->want = PTN_SINGLE_RELOAD;
    if (begin(s, &err) != 0)
        ptn_log_error(PTN_LOG_ERROR, "server.not-reloaded", &err);
}

static void
fail(struct ptn_single *s)
{
    struct ptn_single_change *c = &s->change;
    bool refused = ptn_upgrade_is_refused(&c->upgrade);
    struct ptn_buf why = PTN_BUF_INIT;

    (void)ptn_reload_take_notes(ptn_buf_slice(&c->upgrade.said), &c->records);
    ptn_upgrade_reason(&c->upgrade, &why);
    ptn_buf_adds(&why, "; everything is as it was");
    conclude(s, refused ? PTN_RELOAD_REFUSED : PTN_RELOAD_FAILED,
             ptn_buf_cstr(&why));
    ptn_buf_free(&why);
}

/* --- taking over --- */

static void
on_old_age(void *arg)
{
    struct ptn_single *s = arg;

    s->change.deadline = NULL;
    ptn_worker_drain(s->worker);
}

static void
tell_taken_over(struct ptn_single *s, unsigned refused)
{
    char text[160];
    int n = snprintf(text, sizeof text, "process %ld has taken over",
                     (long)s->change.upgrade.pid);

    if (refused)
        snprintf(text + n, sizeof text - (size_t)n,
                 "; %u certificate(s) were refused; the log says why", refused);
    answer(s, refused ? PTN_RELOAD_FAILED : PTN_RELOAD_DONE, text);
}

/* The heir is ready. It accepts from the same sockets as soon as we say go;
 * who connects in between waits in their queues. */
static void
step_aside(struct ptn_single *s)
{
    struct ptn_single_change *c = &s->change;
    uint64_t timeout = s->setup.conf->server.reload_timeout;
    unsigned refused =
        c->want == PTN_SINGLE_RELOAD ? ptn_upgrade_refused(&c->upgrade) : 0;

    ptn_log(PTN_LOG_INFO,
            c->want == PTN_SINGLE_UPGRADE ? "upgrade.done" : "server.reloaded",
            PTN_FN("pid", c->upgrade.pid), PTN_FN("refused", refused),
            PTN_FN("took_ms", ptn_clock_ms() - c->began));
    c->phase = PTN_SINGLE_SUCCEEDED;
    ptn_timer_cancel(c->deadline);
    c->deadline = timeout ? ptn_loop_timer(ptn_worker_loop(s->worker), timeout,
                                           on_old_age, s)
                          : NULL;
    ptn_notify_main_pid(c->upgrade.pid);
    ptn_control_pass_on(s->control, c->upgrade.took_control);
    ptn_single_end_envoy(s);
    ptn_worker_retire(s->worker);
    ptn_single_unwatch(s);
    ptn_upgrade_go(&c->upgrade);
    tell_taken_over(s, refused); /* from here on nobody gets to us any more */
}

static void
on_heir(void *arg)
{
    struct ptn_single *s = arg;
    struct ptn_single_change *c = &s->change;

    switch (ptn_upgrade_take(&c->upgrade)) {
    case PTN_UPGRADE_READY:
        if (c->phase == PTN_SINGLE_STARTING)
            step_aside(s);
        break;
    case PTN_UPGRADE_CHECKED:
        c->checked = true; /* judged when it has ended */
        break;
    case PTN_UPGRADE_STOP:
        ptn_single_stop(s);
        break;
    case PTN_UPGRADE_FAILED:
    case PTN_UPGRADE_GONE:
        ptn_host_unwatch_fd(c->watch);
        c->watch = NULL;
        c->is_over = true; /* how it ended comes as a signal */
        if (!c->upgrade.pid && c->phase == PTN_SINGLE_STARTING)
            fail(s);
        break;
    default:
        break;
    }
}

static void
on_late(void *arg)
{
    struct ptn_single *s = arg;

    s->change.deadline = NULL;
    fail(s); /* its channel is closed, and so it will end */
}

static int
execute(struct ptn_single *s, bool check, struct ptn_error *err)
{
    struct ptn_single_change *c = &s->change;
    struct ptn_loop *loop = ptn_worker_loop(s->worker);
    struct ptn_upgrade_params params = {
        .sockets = &s->sockets,
        .plan = &s->plan,
        .tickets = &s->tickets,
        .control_path = s->setup.conf->server.control,
        .control = ptn_control_listener(s->control),
        .escrow = s->escrow,
        .check = check,
        .spawner = check ? 0 : s->envoy.spawner,
    };
    int result;

    result = ptn_upgrade_begin(&c->upgrade, &params, err);
    if (result != 0)
        return -1;
    c->checked = c->is_over = false;
    c->watch = ptn_loop_watch_fd(loop, c->upgrade.channel, on_heir, s);
    c->deadline = ptn_loop_timer(loop, check ? CHECK_MS : START_MS, on_late, s);
    c->phase = check ? PTN_SINGLE_CHECKING : PTN_SINGLE_STARTING;
    return 0;
}

/* --- judging --- */

/* Whether more has changed than certificates. */
static bool
needs_heir(const struct ptn_diff *diff)
{
    for (size_t i = 0; i < diff->group_count; i++)
        if (diff->groups[i].action > PTN_GROUP_CERTIFICATES)
            return true;
    for (size_t i = 0; i < diff->changes.count; i++)
        if (diff->changes.items[i]->flags & PTN_OPT_LIVE)
            return true;
    return false;
}

void
ptn_single_reloaded(struct ptn_single *s, unsigned refused)
{
    char text[160];

    ptn_log(PTN_LOG_INFO, "server.reloaded", PTN_FN("refused", refused));
    snprintf(text, sizeof text,
             "%u certificate(s) were refused; what was served before still "
             "is; the log says why",
             refused);
    conclude(s, refused ? PTN_RELOAD_FAILED : PTN_RELOAD_DONE,
             refused ? text : "");
}

/* Nothing but certificates: this process goes on. */
static void
swap_certificates(struct ptn_single *s)
{
    forget_heir(s);
    s->change.phase = PTN_SINGLE_SWAPPING;
    ptn_begin_reopen_log(s->setup.conf);
    ptn_single_read(s);
}

static void
apply(struct ptn_single *s, const struct ptn_diff *diff)
{
    struct ptn_error err = PTN_ERROR_INIT;

    ptn_reload_log(diff);
    if (!needs_heir(diff)) {
        swap_certificates(s);
        return;
    }
    forget_heir(s);
    ptn_upgrade_end(&s->change.upgrade);
    if (execute(s, false, &err) != 0)
        conclude(s, PTN_RELOAD_FAILED, err.text);
}

/* `text` is what a checker would say of the configuration as it is now. */
static void
compare(struct ptn_single *s, struct ptn_slice text)
{
    struct ptn_single_change *c = &s->change;
    struct ptn_diff *diff =
        ptn_reload_compare(ptn_buf_slice(&s->plan.text), text);

    ptn_reload_write(diff, &c->records);
    if (diff->refused > 0) {
        struct ptn_buf why = PTN_BUF_INIT;

        ptn_reload_add_refusal(diff, &why);
        conclude(s, PTN_RELOAD_REFUSED, ptn_buf_cstr(&why));
        ptn_buf_free(&why);
    } else if (c->want == PTN_SINGLE_PLAN) {
        conclude(s, PTN_RELOAD_DONE, "");
    } else {
        apply(s, diff);
    }
    ptn_diff_free(diff);
}

static void
judge(struct ptn_single *s)
{
    struct ptn_single_change *c = &s->change;
    struct ptn_slice text = ptn_buf_slice(&c->upgrade.said);

    (void)ptn_reload_take_notes(text, &c->records);
    if (ptn_upgrade_is_refused(&c->upgrade))
        conclude(s, PTN_RELOAD_REFUSED,
                 "the configuration is wrong; nothing was changed");
    else
        compare(s, text);
}

/* Nothing but files can have changed: no other process is needed to see
 * that. */
static void
look_at_files(void *arg)
{
    struct ptn_single *s = arg;
    struct ptn_slice rest = ptn_buf_slice(&s->plan.text);
    struct ptn_buf text = PTN_BUF_INIT;

    s->change.deadline = NULL;
    while (rest.len > 0) {
        struct ptn_slice line = ptn_record_next(&rest);

        if (ptn_record_is(line, "file"))
            continue;
        ptn_buf_addslice(&text, line);
        ptn_buf_addc(&text, '\n');
    }
    ptn_effective_write_files(s->setup.conf, &text);
    compare(s, ptn_buf_slice(&text));
    ptn_buf_free(&text);
}

static void
on_child(void *arg, int number)
{
    struct ptn_single *s = arg;
    struct ptn_single_change *c = &s->change;
    pid_t pid = c->upgrade.pid;
    int status;

    (void)number;
    if (!pid || waitpid(pid, &status, WNOHANG) != pid)
        return;
    ptn_upgrade_reaped(&c->upgrade, pid, status);
    /* What it said last may not have been read yet. */
    while (c->watch && !c->is_over && c->phase != PTN_SINGLE_SUCCEEDED)
        on_heir(s);
    if (c->phase == PTN_SINGLE_CHECKING && c->checked)
        judge(s);
    else if (c->phase == PTN_SINGLE_CHECKING ||
             (c->phase == PTN_SINGLE_STARTING && c->is_over))
        fail(s);
}

/* --- the beginning --- */

static int
begin(struct ptn_single *s, struct ptn_error *err)
{
    struct ptn_single_change *c = &s->change;

    c->began = ptn_clock_ms();
    if (c->want != PTN_SINGLE_PLAN)
        ptn_notify_reloading();
    if (c->want != PTN_SINGLE_UPGRADE && !ptn_conf_has_changed(s->setup.conf)) {
        c->phase = PTN_SINGLE_CHECKING;
        c->deadline =
            ptn_loop_timer(ptn_worker_loop(s->worker), 0, look_at_files, s);
        return 0;
    }
    if (!c->child)
        c->child =
            ptn_loop_signal(ptn_worker_loop(s->worker), SIGCHLD, on_child, s);
    if (execute(s, c->want != PTN_SINGLE_UPGRADE, err) == 0)
        return 0;
    ptn_notify_ready(s->summary);
    return -1;
}

int
ptn_single_ask(struct ptn_single *s, enum ptn_single_want want,
               struct ptn_control_call *call, struct ptn_error *err)
{
    struct ptn_single_change *c = &s->change;

    if (c->phase != PTN_SINGLE_SERVING) {
        c->again = c->again || (!call && want == PTN_SINGLE_RELOAD);
        return ptn_error_set(err, PTN_ERR_INVALID,
                             c->phase == PTN_SINGLE_SUCCEEDED
                                 ? "another process has taken over"
                                 : "a reload is under way; ask again");
    }
    c->want = want;
    c->call = call;
    if (begin(s, err) == 0)
        return PTN_CONTROL_LATER;
    c->call = NULL;
    return -1;
}

void
ptn_single_end_change(struct ptn_single *s)
{
    struct ptn_single_change *c = &s->change;

    if (c->phase == PTN_SINGLE_CHECKING || c->phase == PTN_SINGLE_STARTING ||
        c->phase == PTN_SINGLE_SWAPPING)
        answer(s, PTN_RELOAD_FAILED, "the server is stopping");
    forget_heir(s);
    if (c->child)
        ptn_signal_free(c->child);
    ptn_upgrade_end(&c->upgrade);
    ptn_buf_free(&c->records);
}
