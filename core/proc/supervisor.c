/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The supervisor. One thread, one poll(2); it reads no network input and
 * loads no module: checkers and workers, its children, do.
 *
 *   check -> bind -> fork workers -> STARTING --all ready--> SERVING <-+
 *                                       |                     |  |    |
 *                       one fails: end <+        SIGTERM      |  +----+
 *                                                   v---------+  a worker
 *                                                DRAINING        died: fork;
 *                                                   |            a reload:
 *                                             all gone: end      transition.c
 */
#include "proc/supervisor.h"
#include "base/clock.h"
#include "log/log.h"
#include "proc/begin.h"
#include "proc/crash.h"
#include "proc/heir.h"
#include "proc/inherit.h"
#include "proc/inner.h"
#include "proc/logs.h"
#include "proc/notify.h"
#include "proc/sandbox.h"
#include "warden/escrow.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    KILL_GRACE_MS = 5000, /* after drain_timeout */
};

/* --- children --- */

void
ptn_supervisor_let_go(void *supervisor)
{
    struct ptn_supervisor *s = supervisor;

    if (s->control)
        ptn_control_forget(s->control);
    if (s->signals >= 0)
        close(s->signals);
    if (ptn_transition_fd(s) >= 0)
        close(ptn_transition_fd(s));
    if (ptn_round_fd(s) >= 0)
        close(ptn_round_fd(s));
    ptn_upgrade_forget(&s->succession.upgrade);
    ptn_keepers_let_go(&s->keepers);
    if (s->envoy.channel >= 0)
        close(s->envoy.channel);
}

void
ptn_supervisor_let_go_of_all(void *supervisor)
{
    struct ptn_supervisor *s = supervisor;

    ptn_crew_let_go(&s->crew);
    ptn_supervisor_let_go(s);
}

static void
open_channels(void *arg, unsigned number, int ends[PTN_CHANNELS])
{
    struct ptn_supervisor *s = arg;
    struct ptn_keeper *k = ptn_transition_keeper(s, number);

    ends[PTN_CHANNEL_SIGN] = ends[PTN_CHANNEL_AUTH] = -1;
    if (k)
        ptn_keeper_open(k, &s->crew.workers[number], ends);
}

static int
meet_warden(void *arg, int fd, struct ptn_error *err)
{
    const struct ptn_supervisor *s = arg;
    struct ptn_keeper *k = s->keepers.current;

    if (k)
        return ptn_warden_meet_envoy(&k->warden, fd, err);
    return ptn_error_set(err, PTN_ERR_SYSTEM, "there is no warden now");
}

static void
tell_renewed(void *arg, const char *problem)
{
    struct ptn_supervisor *s = arg;
    struct ptn_control_call *call = s->renewal;
    struct ptn_error err = PTN_ERROR_INIT;

    s->renewal = NULL;
    if (*problem)
        ptn_error_set(&err, PTN_ERR_TLS, "%s", problem);
    if (call)
        ptn_control_done(call, *problem ? &err : NULL);
}

void
ptn_supervisor_employ_envoy(struct ptn_supervisor *s)
{
    ptn_envoy_employ(&s->envoy, s->current->conf, s->current->plan.envoy);
}

struct ptn_child
ptn_supervisor_checker(const struct ptn_supervisor *s, struct ptn_conf *conf)
{
    return (struct ptn_child){
        .conf = conf,
        .supervisor = getpid(),
        .reports = s->reports,
        .again = s->crew.again,
    };
}

int
ptn_supervisor_hire(struct ptn_supervisor *s, struct ptn_generation *g,
                    const struct ptn_group_conf *group, struct ptn_error *err)
{
    unsigned count = ptn_generation_workers(g, group);

    for (unsigned i = 0; i < count; i++)
        if (ptn_crew_hire(&s->crew, g, group, i) < 0)
            return ptn_error_set(err, PTN_ERR_LIMIT,
                                 "more than %d workers, with those of earlier "
                                 "configurations that still have sessions",
                                 PTN_SLOTS_MAX);
    return 0;
}

/* --- what the crew reports --- */

static void
log_crash(struct ptn_reports *reports, const struct ptn_crew_worker *w,
          unsigned number, int signal)
{
    struct ptn_log_field fields[] = {
        PTN_FN("worker", number),
        PTN_FS("group", w->group->name),
        PTN_FN("pid", w->pid),
        PTN_FN("signal", signal),
        PTN_FS("name", strsignal(signal)),
        PTN_FN("uptime_ms", ptn_clock_ms() - w->started),
    };

    ptn_reports_death(reports, w->pid, "worker.died", fields,
                      PTN_COUNT(fields));
}

static void
log_death(struct ptn_reports *reports, const struct ptn_crew_worker *w,
          unsigned number, int status)
{
    uint64_t life = ptn_clock_ms() - w->started;

    if (WIFSIGNALED(status))
        log_crash(reports, w, number, WTERMSIG(status));
    else
        ptn_log(WEXITSTATUS(status) ? PTN_LOG_ERROR : PTN_LOG_INFO,
                "worker.ended", PTN_FN("worker", number),
                PTN_FS("group", w->group->name), PTN_FN("pid", w->pid),
                PTN_FN("status", WEXITSTATUS(status)),
                PTN_FN("uptime_ms", life));
}

static void
stop_serving(struct ptn_supervisor *s)
{
    struct ptn_crew *c = &s->crew;

    if (s->phase != PTN_SUPERVISOR_DRAINING) {
        s->phase = PTN_SUPERVISOR_DRAINING;
        s->kill_due = ptn_clock_ms() + s->current->conf->server.drain_timeout +
                      KILL_GRACE_MS;
        ptn_transition_end(s);
        ptn_envoy_dismiss(&s->envoy);
        ptn_round_end(s);
        for (unsigned i = 0; i < c->count; i++)
            if (c->workers[i].phase == PTN_WORKER_DUE)
                ptn_crew_release(c, i);
    }
    /* Told twice, they end at once. */
    ptn_crew_tell(c, PTN_MESSAGE_DRAIN);
}

/* The start has failed: the worker has said why. */
static void
give_up(struct ptn_supervisor *s, int status)
{
    s->status = WIFEXITED(status) && WEXITSTATUS(status) != 0
                    ? WEXITSTATUS(status)
                    : PTN_EXIT_FAILED;
    if (WIFSIGNALED(status))
        fprintf(stderr, "posternd: a process died while it started: %s\n",
                strsignal(WTERMSIG(status)));
    stop_serving(s);
}

static void
died(void *arg, unsigned number, int status)
{
    struct ptn_supervisor *s = arg;
    const struct ptn_crew_worker *w = &s->crew.workers[number];

    ptn_asks_lose(&s->asks, number);
    if (s->phase != PTN_SUPERVISOR_STARTING || WIFSIGNALED(status))
        log_death(s->reports, w, number, status);
    if (ptn_transition_died(s, number, status))
        return;
    if (s->phase == PTN_SUPERVISOR_SERVING && w->phase != PTN_WORKER_RETIRED) {
        ptn_crew_replace(&s->crew, number);
        return;
    }
    ptn_crew_release(&s->crew, number);
    ptn_transition_left(s);
    if (s->phase == PTN_SUPERVISOR_STARTING)
        give_up(s, status);
}

static bool
all_ready(const struct ptn_crew *c)
{
    for (unsigned i = 0; i < c->count; i++)
        if (c->workers[i].phase != PTN_WORKER_READY)
            return false;
    return true;
}

void
ptn_supervisor_notify_ready(struct ptn_supervisor *s)
{
    ptn_begin_summarize(&s->current->plan, s->crew.count, s->summary);
    ptn_notify_ready(s->summary);
}

static void
begin_to_serve(struct ptn_supervisor *s)
{
    struct ptn_error err = PTN_ERROR_INIT;

    if (ptn_begin_take_over(s->current->conf, &s->current->plan, s->control,
                            &err) != 0) {
        s->status = ptn_begin_complain(&err);
        stop_serving(s);
        return;
    }
    s->phase = PTN_SUPERVISOR_SERVING;
    s->crew.again = true;
    for (unsigned i = 0; i < s->crew.count; i++)
        ptn_crew_serve(&s->crew, i);
    ptn_sockets_commit(&s->crew.sockets);
    ptn_begin_log_ready(&s->current->plan, s->crew.count);
    ptn_notify_store(&s->crew.sockets);
    ptn_supervisor_notify_ready(s);
    ptn_supervisor_employ_envoy(s);
}

static void
take_ready(struct ptn_supervisor *s, unsigned number)
{
    const struct ptn_crew_worker *w = &s->crew.workers[number];

    if (ptn_transition_ready(s, number) || w->phase != PTN_WORKER_READY)
        return;
    if (s->phase == PTN_SUPERVISOR_STARTING) {
        if (all_ready(&s->crew))
            begin_to_serve(s);
    } else if (s->phase == PTN_SUPERVISOR_SERVING) {
        ptn_crew_serve(&s->crew, number);
        ptn_log(PTN_LOG_INFO, "worker.replaced", PTN_FN("worker", number),
                PTN_FS("group", w->group->name), PTN_FN("pid", w->pid),
                PTN_FN("after_ms", ptn_clock_ms() - w->died));
    }
}

static void
said(void *arg, unsigned number, enum ptn_message type, struct ptn_slice text)
{
    struct ptn_supervisor *s = arg;
    struct ptn_generation *g = s->crew.workers[number].generation;

    if (type == PTN_MESSAGE_STATE && g)
        ptn_plan_update(&g->plan, text);
    else if (type == PTN_MESSAGE_READY)
        take_ready(s, number);
    else if (type == PTN_MESSAGE_LEFT)
        ptn_transition_left(s);
    else if (type == PTN_MESSAGE_FAILED)
        ptn_transition_failed(s, number, text);
    else if (type == PTN_MESSAGE_ANSWER)
        ptn_asks_take(&s->asks, number, text);
}

/* --- waiting --- */

static void
sooner(uint64_t *deadline, uint64_t candidate)
{
    if (candidate && (!*deadline || candidate < *deadline))
        *deadline = candidate;
}

/* Milliseconds; -1: nothing is due. */
static int
time_left(const struct ptn_supervisor *s)
{
    uint64_t now = ptn_clock_ms(), deadline = s->rotate_due;

    sooner(&deadline, s->kill_due);
    sooner(&deadline, s->crew.watch_due);
    sooner(&deadline, ptn_crew_due(&s->crew));
    sooner(&deadline, ptn_keepers_due(&s->keepers));
    sooner(&deadline, ptn_asks_due(&s->asks));
    sooner(&deadline, ptn_transition_due(s));
    sooner(&deadline, s->round.due);
    sooner(&deadline, s->succession.due);
    sooner(&deadline, ptn_envoy_due(&s->envoy));
    sooner(&deadline, s->alive_due);
    sooner(&deadline, ptn_unlocks_due(&s->unlocks));
    sooner(&deadline, s->legacy.due);
    if (!deadline)
        return -1;
    if (deadline <= now)
        return 0;
    return deadline - now > INT32_MAX ? INT32_MAX : (int)(deadline - now);
}

static void
rotate_tickets(struct ptn_supervisor *s)
{
    struct ptn_error err = PTN_ERROR_INIT;

    s->rotate_due = ptn_clock_ms() + PTN_TICKET_ROTATION_MS;
    if (ptn_crew_rotate(&s->crew, &err) != 0)
        ptn_log_error(PTN_LOG_ERROR, "tickets.not-rotated", &err);
}

/* The service manager is told only as long as all workers answer. */
static void
feed_watchdog(struct ptn_supervisor *s)
{
    uint64_t interval = ptn_notify_watchdog_ms();

    s->alive_due = interval ? ptn_clock_ms() + interval : 0;
    if (interval && ptn_crew_answers(&s->crew, interval))
        ptn_notify_alive();
}

static void
do_what_is_due(struct ptn_supervisor *s)
{
    uint64_t now = ptn_clock_ms();

    if (s->rotate_due <= now)
        rotate_tickets(s);
    if (s->kill_due && s->kill_due <= now) {
        s->kill_due = 0;
        ptn_crew_kill(&s->crew);
    }
    if (s->crew.watch_due && s->crew.watch_due <= now) {
        ptn_keepers_watch(&s->keepers, s->crew.watchdog);
        ptn_crew_watch(&s->crew);
    }
    ptn_keepers_do_due(&s->keepers); /* before those who need them */
    ptn_crew_do_due(&s->crew);
    ptn_asks_expire(&s->asks);
    ptn_transition_do_due(s);
    ptn_round_do_due(s);
    ptn_succession_do_due(s);
    ptn_unlocks_do_due(&s->unlocks);
    ptn_envoy_do_due(&s->envoy);
    if (s->alive_due && s->alive_due <= now)
        feed_watchdog(s);
    if (s->phase == PTN_SUPERVISOR_SERVING &&
        (s->legacy.generation != s->current->number ||
         (s->legacy.due && s->legacy.due <= now)))
        ptn_legacy_look(&s->legacy, s->current->conf, s->current->number);
}

static void
bury_warden(struct ptn_supervisor *s, pid_t pid, int status)
{
    if (ptn_keepers_bury(&s->keepers, pid, status) != PTN_KEEPER_FAILED)
        return;
    if (s->phase == PTN_SUPERVISOR_STARTING)
        give_up(s, status);
    else
        ptn_transition_keeper_failed(s);
}

static void
warden_asked(void *arg, struct ptn_keeper *keeper, int message,
             struct ptn_slice text)
{
    struct ptn_supervisor *s = arg;

    if (message == PTN_WARDEN_COMMAND)
        ptn_unlocks_run(&s->unlocks, keeper, text);
    else
        ptn_unlocks_take(&s->unlocks, text);
}

static void
hear_wardens(struct ptn_supervisor *s, const struct pollfd *polls)
{
    int said = ptn_keepers_receive(&s->keepers, polls);

    if (said == PTN_WARDEN_READY)
        ptn_transition_keeper_ready(s);
    else if (said == PTN_WARDEN_RELOADED)
        ptn_transition_keys_read(s);
    ptn_round_take_news(s);
}

static void
reap(struct ptn_supervisor *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (!ptn_crew_bury(&s->crew, pid, status) &&
            !ptn_transition_bury(s, pid, status) &&
            !ptn_round_bury(s, pid, status) &&
            !ptn_succession_bury(s, pid, status) &&
            !ptn_unlocks_bury(&s->unlocks, pid, status) &&
            !ptn_envoy_bury(&s->envoy, pid, status))
            bury_warden(s, pid, status);
}

static void
reload(struct ptn_supervisor *s)
{
    if (s->phase == PTN_SUPERVISOR_SERVING && !ptn_succession_is_under_way(s))
        ptn_transition_ask(s, NULL, false);
    else
        ptn_log(PTN_LOG_WARNING, "server.not-reloaded",
                PTN_FS("why", "it is starting, stopping or being replaced"));
}

static void
upgrade(struct ptn_supervisor *s)
{
    struct ptn_error err = PTN_ERROR_INIT;

    if (ptn_succession_ask(s, NULL, &err) < 0)
        ptn_log_error(PTN_LOG_ERROR, "upgrade.failed", &err);
}

static void
on_signals(struct ptn_supervisor *s)
{
    struct signalfd_siginfo info;

    while (read(s->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            reap(s);
        else if (info.ssi_signo == SIGHUP)
            reload(s);
        else if (info.ssi_signo == SIGUSR1)
            ptn_logs_reopen(s);
        else if (info.ssi_signo == SIGUSR2)
            upgrade(s);
        else
            ptn_supervisor_stop(s);
    }
}

/* Everything that the supervisor waits for, beside its workers. */
enum source {
    SIGNALS,
    CONTROL,
    REPORTS,
    TRANSITION,
    ROUND,
    SUCCESSION,
    ENVOY, /* and its hook */
    SOURCES = ENVOY + PTN_ENVOY_FDS,
};

static void
wait_once(struct ptn_supervisor *s)
{
    unsigned wardens = ptn_keepers_count(&s->keepers);
    unsigned workers = s->crew.count; /* there may be more afterwards */
    struct pollfd *polls =
        ptn_alloc((SOURCES + wardens + workers) * sizeof *polls);
    struct pollfd *of_workers = polls + SOURCES + wardens;

    polls[SIGNALS].fd = s->signals;
    polls[CONTROL].fd = ptn_control_fd(s->control);
    polls[REPORTS].fd = ptn_reports_fd(s->reports);
    polls[TRANSITION].fd = ptn_transition_fd(s);
    polls[ROUND].fd = ptn_round_fd(s);
    polls[SUCCESSION].fd = s->succession.upgrade.channel;
    for (unsigned i = 0; i < ENVOY; i++)
        polls[i].events = POLLIN;
    ptn_envoy_poll(&s->envoy, polls + ENVOY);
    ptn_keepers_poll(&s->keepers, polls + SOURCES);
    ptn_crew_poll(&s->crew, of_workers);
    if (poll(polls, SOURCES + wardens + workers, time_left(s)) > 0) {
        if (polls[REPORTS].revents)
            ptn_reports_take(s->reports);
        hear_wardens(s, polls + SOURCES);
        ptn_crew_receive(&s->crew, of_workers, workers);
        if (polls[TRANSITION].revents && ptn_transition_fd(s) >= 0)
            ptn_transition_read(s);
        if (polls[ROUND].revents && ptn_round_fd(s) >= 0)
            ptn_round_read(s);
        if (polls[SUCCESSION].revents)
            ptn_succession_read(s);
        ptn_envoy_receive(&s->envoy, polls + ENVOY);
        if (polls[SIGNALS].revents)
            on_signals(s);
        if (polls[CONTROL].revents)
            ptn_control_serve(s->control);
    }
    ptn_free(polls);
}

void
ptn_supervisor_stop(struct ptn_supervisor *s)
{
    if (s->phase != PTN_SUPERVISOR_SUCCEEDED)
        ptn_notify_stopping();
    ptn_heir_stop();
    ptn_log(PTN_LOG_INFO, "server.stopping");
    ptn_succession_end(s);
    stop_serving(s);
}

/* --- from start to end --- */

/* Runs the first checker. The exit status that the start deserves. */
static int
check(struct ptn_supervisor *s)
{
    struct ptn_child child = ptn_supervisor_checker(s, s->current->conf);
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_checker checker;
    int status;

    if (ptn_checker_start(&checker, &child, ptn_supervisor_let_go_of_all, s,
                          &err) != 0)
        return ptn_begin_complain(&err);
    ptn_checker_wait(&checker);
    status = checker.status;
    if (status != 0)
        ptn_heir_say(ptn_buf_slice(&checker.text));
    if (WIFSIGNALED(status)) {
        fprintf(stderr, "posternd: the check of the configuration died: %s\n",
                strsignal(WTERMSIG(status)));
    } else if (WEXITSTATUS(status) == PTN_EXIT_OK) {
        ptn_plan_read(&s->current->plan, ptn_buf_slice(&checker.text));
    }
    ptn_checker_free(&checker);
    return WIFSIGNALED(status) ? PTN_EXIT_FAILED : WEXITSTATUS(status);
}

static int
watch_signals(struct ptn_supervisor *s, struct ptn_error *err)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->signals < 0 ? ptn_error_errno(err, "signalfd") : 0;
}

/* What is there already: from the server before this one, or from the
 * service manager. */
static int
take_what_is_there(struct ptn_supervisor *s, struct ptn_error *err)
{
    s->crew.shared =
        ptn_shared_new(PTN_SLOTS_MAX, s->current->conf->listener_count, err);
    if (!s->crew.shared)
        return -1;
    ptn_heir_take_tickets(&s->crew.tickets);
    s->keepers.escrow = ptn_heir_take_escrow();
    if (s->keepers.escrow < 0)
        s->keepers.escrow = ptn_escrow_new();
    ptn_heir_take_sockets(&s->crew.sockets);
    ptn_inherit(&s->crew.sockets, &s->current->plan);
    return 0;
}

static int
open_all(struct ptn_supervisor *s, struct ptn_error *err)
{
    const struct ptn_conf *conf = s->current->conf;

    if (take_what_is_there(s, err) != 0 ||
        ptn_begin_bind(conf, &s->current->plan, &s->crew.sockets, err) != 0 ||
        watch_signals(s, err) != 0)
        return -1;
    s->control =
        ptn_control_open(conf->server.control, ptn_supervisor_verbs, s, err);
    if (!s->control || (!ptn_heir_is() && ptn_begin_write_pid(conf, err) != 0))
        return -1;
    ptn_crash_watch(-1, "supervisor", conf->server.module_path, &conf->load);
    ptn_crash_map(NULL);
    if (ptn_sandbox_enter(conf, PTN_SANDBOX_SUPERVISOR, err) != 0)
        return -1;
    return ptn_sandbox_confine(conf, NULL, err);
}

static int
hire_all(struct ptn_supervisor *s, struct ptn_error *err)
{
    const struct ptn_conf *conf = s->current->conf;

    for (size_t i = 0; i < conf->group_count; i++)
        if (ptn_supervisor_hire(s, s->current, &conf->groups[i], err) != 0)
            return -1;
    return 0;
}

static void
run(struct ptn_supervisor *s)
{
    s->rotate_due = ptn_clock_ms() + PTN_TICKET_ROTATION_MS;
    s->crew.watch_due = s->started;
    s->keepers.current = ptn_keeper_new(&s->keepers, s->current);
    s->alive_due = ptn_notify_watchdog_ms() ? s->started : 0;
    while (s->phase < PTN_SUPERVISOR_SUCCEEDED || ptn_crew_is_alive(&s->crew)) {
        do_what_is_due(s);
        wait_once(s);
    }
}

static void
end(struct ptn_supervisor *s)
{
    ptn_asks_deinit(&s->asks);
    ptn_unlocks_end(&s->unlocks);
    ptn_succession_end(s);
    ptn_envoy_free(&s->envoy);
    if (s->control) {
        ptn_control_close(s->control);
        ptn_begin_remove_pid(s->current->conf);
    }
    if (s->signals >= 0)
        close(s->signals);
    ptn_round_free(&s->round);
    ptn_ledger_free(&s->ledger);
    ptn_keepers_free(&s->keepers);
    ptn_crew_free(&s->crew);
    ptn_reports_free(s->reports);
    ptn_generation_unref(s->current);
}

static void
init(struct ptn_supervisor *s, struct ptn_conf *conf,
     const struct ptn_server_options *options)
{
    *s = (struct ptn_supervisor){
        .options = options,
        .current = ptn_generation_new(conf, 1),
        .signals = -1,
        .started = ptn_clock_ms(),
        .transition = {.checker = {.fd = -1}},
        .ledger = PTN_LEDGER_INIT,
        .succession = {.upgrade = PTN_UPGRADE_INIT},
    };
    ptn_asks_init(&s->asks);
    ptn_round_init(&s->round);
    ptn_crew_init(&s->crew);
    s->crew.watchdog = conf->server.watchdog;
    s->crew.patience = conf->server.reload_timeout;
    s->crew.let_go = ptn_supervisor_let_go;
    s->crew.open_channels = open_channels;
    s->crew.died = died;
    s->crew.said = said;
    s->crew.arg = s;
    ptn_keepers_init(&s->keepers);
    s->keepers.crew = &s->crew;
    s->keepers.let_go = ptn_supervisor_let_go_of_all;
    s->keepers.asked = warden_asked;
    s->keepers.arg = s;
    ptn_envoy_init(&s->envoy, NULL);
    s->envoy.meet = meet_warden;
    s->envoy.concluded = tell_renewed;
    s->envoy.let_go = ptn_supervisor_let_go_of_all;
    s->envoy.arg = s;
}

int
ptn_supervisor_run(struct ptn_conf *conf,
                   const struct ptn_server_options *options)
{
    struct ptn_supervisor s;
    struct ptn_error err = PTN_ERROR_INIT;

    init(&s, conf, options);
    ptn_log_set_process("supervisor");
    s.reports = s.crew.reports = s.keepers.reports = s.envoy.reports =
        ptn_reports_new(&err);
    if (!s.reports || ptn_begin_folders(conf, &err) != 0)
        s.status = ptn_begin_complain(&err);
    else
        s.status = check(&s);
    if (s.status == PTN_EXIT_OK) {
        if (open_all(&s, &err) == 0 && hire_all(&s, &err) == 0)
            run(&s);
        else
            s.status = ptn_begin_complain(&err);
    }
    if (s.status == PTN_EXIT_OK)
        ptn_log(PTN_LOG_INFO, "server.stopped");
    end(&s);
    return s.status;
}
