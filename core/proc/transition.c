/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From one generation to the next. The supervisor's one thread.
 *
 *   NONE --asked--> CHECKING --wrong, or nothing but the plan is wanted--> NONE
 *                      |
 *                      | bind what is new, fork workers for what is touched
 *                      v
 *                   STARTING --one fails, or time is up: kill them--> NONE
 *                      |
 *                      | all are ready: they serve, those before them retire
 *                      v
 *                   SWAPPING  certificates, in the workers that stay
 *                      |
 *                      v
 *                   LEAVING --the retired have left their sockets--> NONE
 *
 * Until the last arrow down, whatever fails leaves everything as it was.
 * Sockets stay bound all the time: who connects meanwhile waits in a queue
 * that both the old and the new worker have.
 */
#include "base/clock.h"
#include "log/log.h"
#include "proc/begin.h"
#include "proc/inner.h"
#include "proc/logs.h"
#include "proc/notify.h"
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

enum {
    CHECK_MS = 60000,  /* a checker may take so long */
    START_MS = 120000, /* and new workers */
    LEAVE_MS = 2000,   /* and old workers to leave their sockets */
    KEYS_MS = 60000,   /* and a warden that reads its files again */
};

static void begin(struct ptn_supervisor *s);

/* --- the end --- */

static void
log_end(const struct ptn_transition *t, unsigned generation)
{
    ptn_log(PTN_LOG_INFO, "server.reloaded", PTN_FN("refused", t->refused),
            PTN_FN("generation", generation),
            PTN_FN("took_ms", ptn_clock_ms() - t->began));
}

/* Answers those who have asked, and is ready for the next. */
static void
finish(struct ptn_supervisor *s)
{
    struct ptn_transition *t = &s->transition;

    for (unsigned i = 0; i < t->served; i++) {
        struct ptn_control_call *call = t->requests[i].call;

        if (!call)
            continue;
        ptn_buf_addslice(&call->out, ptn_buf_slice(&t->records));
        ptn_control_done(call, NULL);
    }
    t->request_count -= t->served;
    memmove(t->requests, t->requests + t->served,
            t->request_count * sizeof *t->requests);
    t->served = 0;
    ptn_buf_free(&t->records);
    ptn_checker_free(&t->checker);
    ptn_diff_free(t->diff);
    t->diff = NULL;
    ptn_generation_unref(t->next);
    t->next = NULL;
    t->due = 0;
    t->phase = PTN_TRANSITION_NONE;
    ptn_supervisor_notify_ready(s);
    if (t->request_count > 0 && s->phase == PTN_SUPERVISOR_SERVING)
        begin(s);
}

static void
conclude(struct ptn_supervisor *s, enum ptn_reload_outcome outcome,
         const char *text)
{
    if (outcome != PTN_RELOAD_DONE)
        ptn_log(PTN_LOG_ERROR, "server.not-reloaded", PTN_FS("why", text));
    ptn_reload_write_result(outcome, text, &s->transition.records);
    finish(s);
}

static void
conclude_error(struct ptn_supervisor *s, const struct ptn_error *err)
{
    struct ptn_buf text = PTN_BUF_INIT;

    if (err->file && err->line > 0)
        ptn_buf_printf(&text, "%s:%d: ", err->file, err->line);
    ptn_buf_printf(&text, "%s; everything is as it was", err->text);
    conclude(s, PTN_RELOAD_FAILED, ptn_buf_cstr(&text));
    ptn_buf_free(&text);
}

/* Takes back what was done for the new generation. */
static void
abandon(struct ptn_supervisor *s)
{
    struct ptn_crew *c = &s->crew;

    for (unsigned i = 0; i < c->count; i++)
        if (c->workers[i].generation == s->transition.next &&
            c->workers[i].phase != PTN_WORKER_FREE)
            ptn_crew_retire(c, i);
    ptn_sockets_rollback(&c->sockets);
    if (s->transition.keeper)
        ptn_keeper_dismiss(&s->keepers, s->transition.keeper);
    s->transition.keeper = NULL;
}

static void
fail(struct ptn_supervisor *s, const struct ptn_error *err)
{
    abandon(s);
    conclude_error(s, err);
}

void
ptn_transition_end(struct ptn_supervisor *s)
{
    struct ptn_transition *t = &s->transition;

    if (t->phase == PTN_TRANSITION_STARTING)
        abandon(s);
    t->served = t->request_count; /* none begins any more */
    if (t->phase != PTN_TRANSITION_NONE || t->served > 0)
        conclude(s, PTN_RELOAD_FAILED, "the server is stopping");
}

/* --- certificates --- */

static void
succeed(struct ptn_supervisor *s)
{
    struct ptn_transition *t = &s->transition;
    char text[160];

    log_end(t, s->current->number);
    snprintf(text, sizeof text,
             "%u certificate(s) were refused; what was served before still "
             "is; the log says why",
             t->refused);
    ptn_reload_write_result(t->refused ? PTN_RELOAD_FAILED : PTN_RELOAD_DONE,
                            t->refused ? text : "", &t->records);
    finish(s);
}

void
ptn_transition_left(struct ptn_supervisor *s)
{
    if (s->transition.phase == PTN_TRANSITION_LEAVING &&
        !ptn_crew_is_leaving(&s->crew))
        succeed(s);
}

static void
swapped(void *arg, struct ptn_slice records)
{
    struct ptn_supervisor *s = arg;
    struct ptn_transition *t = &s->transition;

    while (records.len > 0) {
        struct ptn_slice line = ptn_record_next(&records);
        char count[16] = "0";
        unsigned refused;

        if (!ptn_record_is(line, "refused"))
            continue;
        (void)ptn_record_get(line, "count", count, sizeof count);
        refused = (unsigned)strtoul(count, NULL, 10);
        t->refused = refused > t->refused ? refused : t->refused;
    }
    if (t->phase != PTN_TRANSITION_SWAPPING)
        return; /* the server is stopping */
    t->phase = PTN_TRANSITION_LEAVING;
    t->due = ptn_clock_ms() + LEAVE_MS;
    ptn_transition_left(s);
}

static void
swap_in_workers(struct ptn_supervisor *s, unsigned newest)
{
    s->transition.due = 0;
    if (ptn_asks_reload(&s->asks, &s->crew, newest, PTN_SLICE(""), swapped,
                        s) == 0)
        swapped(s, PTN_SLICE(""));
}

void
ptn_transition_keys_read(struct ptn_supervisor *s)
{
    struct ptn_transition *t = &s->transition;

    if (t->phase != PTN_TRANSITION_SWAPPING || !t->due)
        return;
    t->refused = s->keepers.current->warden.refused;
    swap_in_workers(s, UINT_MAX); /* new ones began with what there was */
}

/* The warden comes first: workers ask it what there is now. One that has
 * just begun has read its files. */
static void
swap(struct ptn_supervisor *s, bool warden_is_new)
{
    struct ptn_transition *t = &s->transition;
    struct ptn_keeper *k = s->keepers.current;

    t->phase = PTN_TRANSITION_SWAPPING;
    if (warden_is_new)
        t->refused = k->warden.refused;
    if (warden_is_new || !k || !k->warden.ready) {
        swap_in_workers(s, s->current->number);
        return;
    }
    t->due = ptn_clock_ms() + KEYS_MS;
    ptn_warden_tell(&k->warden, PTN_WARDEN_RELOAD);
}

/* --- the change --- */

static bool
is_touched(const struct ptn_diff *diff, const char *group)
{
    const struct ptn_diff_group *g = ptn_diff_group(diff, group);

    return g && g->action != PTN_GROUP_UNTOUCHED &&
           g->action != PTN_GROUP_CERTIFICATES;
}

/* A worker of the old generation: it has a successor, or goes on. */
static void
hand_over(struct ptn_supervisor *s, unsigned number)
{
    const struct ptn_crew_worker *w = &s->crew.workers[number];
    const struct ptn_group_conf *group =
        ptn_conf_find_group(s->current->conf, w->group->name);

    if (!group || is_touched(s->transition.diff, w->group->name))
        ptn_crew_retire(&s->crew, number);
    else
        ptn_crew_adopt(&s->crew, number, s->current, group);
}

static void
take_over_settings(struct ptn_supervisor *s)
{
    const struct ptn_server_conf *server = &s->current->conf->server;

    ptn_logs_reopen(s);
    s->crew.watchdog = server->watchdog;
    ptn_crew_set_patience(&s->crew, server->reload_timeout);
    if (server->watchdog && !s->crew.watch_due)
        s->crew.watch_due = ptn_clock_ms();
}

static void
commit(struct ptn_supervisor *s)
{
    struct ptn_transition *t = &s->transition;
    struct ptn_generation *before = s->current;
    struct ptn_crew *c = &s->crew;
    bool warden_is_new = t->keeper;

    ptn_logs_take_level(before->conf, t->next->conf);
    s->current = ptn_generation_ref(t->next);
    take_over_settings(s);
    ptn_supervisor_employ_envoy(s);
    for (unsigned i = 0; i < c->count; i++) {
        const struct ptn_crew_worker *w = &c->workers[i];

        if (w->generation == s->current && w->phase == PTN_WORKER_READY)
            ptn_crew_serve(c, i);
        else if (w->generation == before && w->phase != PTN_WORKER_RETIRED)
            hand_over(s, i);
    }
    ptn_sockets_commit(&c->sockets);
    ptn_notify_store(&c->sockets);
    if (t->keeper)
        ptn_keeper_take_over(&s->keepers, t->keeper);
    t->keeper = NULL;
    ptn_reload_log(t->diff);
    ptn_generation_unref(before);
    swap(s, warden_is_new);
}

static bool
all_ready(const struct ptn_supervisor *s)
{
    const struct ptn_crew *c = &s->crew;

    for (unsigned i = 0; i < c->count; i++)
        if (c->workers[i].generation == s->transition.next &&
            c->workers[i].phase != PTN_WORKER_READY)
            return false;
    return true;
}

/* A certificate that cannot be used keeps its listener closed at the start. A
 * listener that serves is not closed for it. */
static int
check_open(const struct ptn_supervisor *s, struct ptn_error *err)
{
    const struct ptn_plan *plan = &s->transition.next->plan;

    for (size_t i = 0; i < plan->count; i++) {
        const struct ptn_plan_listener *l = &plan->listeners[i];
        const struct ptn_plan_listener *before =
            ptn_plan_find(&s->current->plan, l->name);

        if (l->problem && before && !before->problem)
            return ptn_error_set(err, PTN_ERR_CONFIG,
                                 "%s; listener %s would be closed by that",
                                 l->problem, l->name);
    }
    return 0;
}

static void
commit_when_ready(struct ptn_supervisor *s)
{
    const struct ptn_keeper *k = s->transition.keeper;
    struct ptn_error err = PTN_ERROR_INIT;

    if (!all_ready(s) || (k && !k->warden.ready))
        return;
    if (check_open(s, &err) != 0)
        fail(s, &err);
    else
        commit(s);
}

static int
hire(struct ptn_supervisor *s, struct ptn_error *err)
{
    struct ptn_generation *next = s->transition.next;

    for (size_t i = 0; i < next->conf->group_count; i++) {
        const struct ptn_group_conf *group = &next->conf->groups[i];

        if (is_touched(s->transition.diff, group->name) &&
            ptn_supervisor_hire(s, next, group, err) != 0)
            return -1;
    }
    return 0;
}

/* Certificates are listeners', and listeners a group's. */
static bool
concerns_keys(const char *path)
{
    const char *last = strrchr(path, '.');

    return strstr(path, ".tls.") || (last && strcmp(last, ".group") == 0);
}

/* Whether a setting has changed that a warden reads: those of certificates,
 * of who shows them, and of its own modules. */
static bool
concerns_warden(const struct ptn_transition *t, const char *modules)
{
    char name[80];

    if (strcmp(modules, t->next->plan.warden) != 0 ||
        ptn_diff_has(t->diff, "auth.") ||
        ptn_diff_has(t->diff, "certificates.") ||
        ptn_diff_has(t->diff, "groups.") || ptn_diff_has(t->diff, "server."))
        return true;
    for (size_t i = 0; i < t->diff->changes.count; i++)
        if (concerns_keys(t->diff->changes.items[i]->path))
            return true;
    while (*modules) {
        size_t len = strcspn(modules, ",");

        snprintf(name, sizeof name, "%.*s.", (int)len, modules);
        if (ptn_diff_has(t->diff, name))
            return true;
        modules += len + (modules[len] == ',');
    }
    return false;
}

static void
apply(struct ptn_supervisor *s)
{
    struct ptn_transition *t = &s->transition;
    struct ptn_error err = PTN_ERROR_INIT;

    t->phase = PTN_TRANSITION_STARTING;
    t->due = ptn_clock_ms() + START_MS;
    if (concerns_warden(t, s->current->plan.warden))
        t->keeper = ptn_keeper_new(&s->keepers, t->next);
    if (ptn_begin_bind(t->next->conf, &t->next->plan, &s->crew.sockets, &err) !=
            0 ||
        hire(s, &err) != 0)
        fail(s, &err);
    else
        commit_when_ready(s);
}

bool
ptn_transition_ready(struct ptn_supervisor *s, unsigned worker)
{
    struct ptn_transition *t = &s->transition;

    if (t->phase != PTN_TRANSITION_STARTING ||
        s->crew.workers[worker].generation != t->next)
        return false;
    commit_when_ready(s);
    return true;
}

struct ptn_keeper *
ptn_transition_keeper(const struct ptn_supervisor *s, unsigned worker)
{
    const struct ptn_transition *t = &s->transition;

    if (t->phase == PTN_TRANSITION_STARTING && t->keeper &&
        s->crew.workers[worker].generation == t->next)
        return t->keeper;
    return s->keepers.current;
}

void
ptn_transition_keeper_ready(struct ptn_supervisor *s)
{
    if (s->transition.phase == PTN_TRANSITION_STARTING)
        commit_when_ready(s);
}

void
ptn_transition_keeper_failed(struct ptn_supervisor *s)
{
    struct ptn_error err = PTN_ERROR_INIT;

    if (s->transition.phase != PTN_TRANSITION_STARTING)
        return;
    s->transition.keeper = NULL; /* it is gone */
    ptn_error_set(&err, PTN_ERR_SYSTEM,
                  "the new warden has ended; the log says why");
    fail(s, &err);
}

void
ptn_transition_failed(struct ptn_supervisor *s, unsigned worker,
                      struct ptn_slice why)
{
    struct ptn_transition *t = &s->transition;

    if (s->crew.workers[worker].generation == t->next)
        ptn_error_set(&t->failed, PTN_ERR_SYSTEM, "%.*s", (int)why.len,
                      why.data);
}

bool
ptn_transition_died(struct ptn_supervisor *s, unsigned worker, int status)
{
    struct ptn_transition *t = &s->transition;
    struct ptn_error err = t->failed;

    if (t->phase != PTN_TRANSITION_STARTING ||
        s->crew.workers[worker].generation != t->next)
        return false;
    if (err.code == PTN_ERR_NONE && WIFSIGNALED(status))
        ptn_error_set(&err, PTN_ERR_SYSTEM, "a new worker died: %s",
                      strsignal(WTERMSIG(status)));
    else if (err.code == PTN_ERR_NONE)
        ptn_error_set(&err, PTN_ERR_SYSTEM,
                      "a new worker ended with status %d; the log says why",
                      WEXITSTATUS(status));
    ptn_crew_release(&s->crew, worker);
    fail(s, &err);
    return true;
}

/* --- the check --- */

static void
judge(struct ptn_supervisor *s)
{
    struct ptn_transition *t = &s->transition;
    struct ptn_slice text = ptn_buf_slice(&t->checker.text);
    int status = t->checker.status;
    bool plan_only = t->requests[0].plan_only;

    (void)ptn_reload_take_notes(text, &t->records);
    if (WIFSIGNALED(status)) {
        conclude(s, PTN_RELOAD_FAILED,
                 "the check of the configuration died; nothing was changed");
        return;
    }
    if (WEXITSTATUS(status) != PTN_EXIT_OK) {
        conclude(s, PTN_RELOAD_REFUSED,
                 "the configuration is wrong; nothing was changed");
        return;
    }
    ptn_plan_read(&t->next->plan, text);
    t->diff = ptn_reload_compare(ptn_buf_slice(&s->current->plan.text), text);
    ptn_reload_write(t->diff, &t->records);
    if (t->diff->refused > 0 && !plan_only)
        ptn_reload_log(t->diff);
    if (t->diff->refused > 0) {
        ptn_reload_write_refusal(t->diff, &t->records);
        finish(s);
    } else if (plan_only) {
        conclude(s, PTN_RELOAD_DONE, "");
    } else {
        apply(s);
    }
}

int
ptn_transition_fd(const struct ptn_supervisor *s)
{
    return s->transition.phase == PTN_TRANSITION_CHECKING
               ? s->transition.checker.fd
               : -1;
}

void
ptn_transition_read(struct ptn_supervisor *s)
{
    ptn_checker_read(&s->transition.checker);
    if (ptn_checker_is_done(&s->transition.checker))
        judge(s);
}

bool
ptn_transition_bury(struct ptn_supervisor *s, pid_t pid, int status)
{
    struct ptn_transition *t = &s->transition;

    if (t->phase != PTN_TRANSITION_CHECKING ||
        !ptn_checker_bury(&t->checker, pid, status))
        return false;
    if (WIFSIGNALED(status)) {
        const struct ptn_log_field fields[] = {
            PTN_FN("pid", pid), PTN_FN("signal", WTERMSIG(status)),
            PTN_FS("name", strsignal(WTERMSIG(status)))};

        ptn_reports_death(s->reports, pid, "checker.died", fields,
                          PTN_COUNT(fields));
    }
    if (ptn_checker_is_done(&t->checker))
        judge(s);
    return true;
}

/* --- the beginning --- */

/* Takes those that have asked for the same. */
static void
serve_requests(struct ptn_transition *t)
{
    while (t->served < t->request_count &&
           t->requests[t->served].plan_only == t->requests[0].plan_only)
        t->served++;
}

static void
begin(struct ptn_supervisor *s)
{
    struct ptn_transition *t = &s->transition;
    struct ptn_conf *conf = ptn_conf_read(s->current->conf->file, 0);
    struct ptn_child child = ptn_supervisor_checker(s, conf);
    struct ptn_error err = PTN_ERROR_INIT;

    ptn_server_override(s->options, conf);
    t->phase = PTN_TRANSITION_CHECKING;
    t->began = ptn_clock_ms();
    t->due = t->began + CHECK_MS;
    t->refused = 0;
    t->failed = PTN_ERROR_INIT;
    t->next = ptn_generation_new(conf, s->current->number + 1);
    serve_requests(t);
    if (!t->requests[0].plan_only) {
        ptn_notify_reloading();
        ptn_logs_reopen(s);
    }
    if (ptn_checker_start(&t->checker, &child, ptn_supervisor_let_go_of_all, s,
                          &err) != 0)
        conclude_error(s, &err);
}

void
ptn_transition_ask(struct ptn_supervisor *s, struct ptn_control_call *call,
                   bool plan_only)
{
    struct ptn_transition *t = &s->transition;

    /* One signal is as good as many; of calls there are no more than clients
     * of the control socket. */
    for (unsigned i = t->served; i < t->request_count && !call; i++)
        if (!t->requests[i].call)
            return;
    t->requests[t->request_count++] = (struct ptn_request){call, plan_only};
    if (t->phase == PTN_TRANSITION_NONE)
        begin(s);
}

uint64_t
ptn_transition_due(const struct ptn_supervisor *s)
{
    return s->transition.due;
}

void
ptn_transition_do_due(struct ptn_supervisor *s)
{
    struct ptn_transition *t = &s->transition;
    struct ptn_error err = PTN_ERROR_INIT;

    if (!t->due || t->due > ptn_clock_ms())
        return;
    if (t->phase == PTN_TRANSITION_LEAVING) {
        succeed(s); /* a loop stands still: the watchdog's business */
        return;
    }
    if (t->phase == PTN_TRANSITION_SWAPPING) { /* a warden that died, say */
        swap_in_workers(s, UINT_MAX);
        return;
    }
    ptn_error_set(&err, PTN_ERR_SYSTEM, "%s took too long",
                  t->phase == PTN_TRANSITION_CHECKING
                      ? "the check of the configuration"
                      : "the start of new workers");
    fail(s, &err);
}
