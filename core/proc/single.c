/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The single process: checks, binds, serves, answers the control socket and
 * the signals, all on one loop. Main thread.
 */
#include "proc/single.h"
#include "base/clock.h"
#include "proc/answers.h"
#include "proc/begin.h"
#include "proc/crash.h"
#include "proc/effective.h"
#include "proc/heir.h"
#include "proc/inherit.h"
#include "proc/logs.h"
#include "proc/metrics.h"
#include "proc/notify.h"
#include "proc/privileges.h"
#include "proc/sandbox.h"
#include "proc/server.h"
#include "proc/single_inner.h"
#include "proc/spawner.h"
#include <fcntl.h>
#include <postern/log.h>
#include <signal.h>
#include <unistd.h>

void
ptn_single_refresh_plan(struct ptn_single *s)
{
    struct ptn_buf state = PTN_BUF_INIT;

    ptn_plan_write_state(&s->setup, &state);
    ptn_plan_update(&s->plan, ptn_buf_slice(&state));
    ptn_buf_free(&state);
}

void
ptn_single_stop(struct ptn_single *s)
{
    if (s->change.phase != PTN_SINGLE_SUCCEEDED)
        ptn_notify_stopping();
    ptn_heir_stop();
    ptn_log(PTN_LOG_INFO, "server.stopping");
    ptn_worker_drain(s->worker);
}

static void
on_signal(void *arg, int number)
{
    struct ptn_single *s = arg;
    struct ptn_error err = PTN_ERROR_INIT;
    enum ptn_single_want want =
        number == SIGHUP ? PTN_SINGLE_RELOAD : PTN_SINGLE_UPGRADE;

    if (number == SIGUSR1)
        ptn_begin_reopen_log(s->setup.conf);
    else if (number != SIGHUP && number != SIGUSR2)
        ptn_single_stop(s);
    else if (ptn_single_ask(s, want, NULL, &err) < 0)
        ptn_log_error(PTN_LOG_WARNING, "server.not-reloaded", &err);
}

static int
do_status(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    const struct ptn_single *s = arg;
    struct ptn_status_server server = {s->setup.conf->file, "single",
                                       s->self.started, 1, &s->ledger};

    (void)err;
    ptn_status_write(&server, &s->plan, &s->self, 1, s->shared, &call->out);
    ptn_legacy_write_all(s->setup.conf, &call->out);
    ptn_single_write_envoy(s, &call->out);
    return 0;
}

static int
do_renew(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    return ptn_single_ask_envoy(arg, call, err);
}

static int
do_stop(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    (void)call;
    (void)err;
    ptn_single_stop(arg);
    return 0;
}

static int
do_reload(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    return ptn_single_ask(arg, PTN_SINGLE_RELOAD, call, err);
}

static int
do_reload_plan(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    return ptn_single_ask(arg, PTN_SINGLE_PLAN, call, err);
}

static int
do_upgrade(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    return ptn_single_ask(arg, PTN_SINGLE_UPGRADE, call, err);
}

/* What workers answer, this process does, too. */
static int
answer_self(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    const struct ptn_single *s = arg;

    if (!ptn_answers_know(call->request))
        return ptn_control_unknown(call, err);
    return ptn_answers_run(s->worker, call->request, &call->out, err);
}

static int
do_sandbox(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    (void)arg;
    (void)err;
    ptn_sandbox_write_own(&call->out);
    return 0;
}

static int
do_log(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    const struct ptn_single *s = arg;

    if (ptn_logs_is_reopen(call->args)) {
        ptn_begin_reopen_log(s->setup.conf);
        return 0;
    }
    return ptn_logs_answer(call->args, &call->out, err);
}

static int
do_certificate(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    const struct ptn_single *s = arg;

    (void)err;
    ptn_ledger_answer(&s->ledger, call->args, &call->out);
    return 0;
}

static int
do_metrics(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    const struct ptn_single *s = arg;
    struct ptn_metrics_server server = {
        .shared = s->shared,
        .plan = &s->plan,
        .ledger = &s->ledger,
        .errands = ptn_buf_slice(&s->envoy.records),
        .started = s->self.started,
        .generation = 1,
        .workers = &s->self,
        .count = 1,
    };

    (void)err;
    ptn_metrics_write(&server, &call->out);
    return 0;
}

static int
do_unlock(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    return ptn_single_unlock(arg, call, err);
}

static const struct ptn_control_verb verbs[] = {
    {"status", do_status},
    {"stop", do_stop},
    {"reload", do_reload},
    {"reload-plan", do_reload_plan},
    {"upgrade", do_upgrade},
    {"sandbox", do_sandbox},
    {"log", do_log},
    {"metrics", do_metrics},
    {"certificate", do_certificate},
    {"renew", do_renew},
    {"unlock", do_unlock},
    {NULL, answer_self},
};

static void
on_control(void *arg)
{
    struct ptn_single *s = arg;

    ptn_control_serve(s->control);
}

/* One process, one ring: there is nothing between its listeners. */
static int
give_tickets(struct ptn_single *s, struct ptn_error *err)
{
    const uint8_t *ring = ptn_tickets_of(&s->tickets, PTN_GROUP_MAIN, err);

    if (!ring)
        return -1;
    ptn_shared_give_tickets(s->shared, 0, ring);
    return 0;
}

static void
on_rotation(void *arg)
{
    struct ptn_single *s = arg;
    struct ptn_error err = PTN_ERROR_INIT;

    if (ptn_tickets_rotate(&s->tickets, &err) != 0 ||
        give_tickets(s, &err) != 0)
        ptn_log_error(PTN_LOG_ERROR, "tickets.not-rotated", &err);
    ptn_worker_refresh_tickets(s->worker);
    s->rotation = ptn_loop_timer(ptn_worker_loop(s->worker),
                                 PTN_TICKET_ROTATION_MS, on_rotation, s);
}

/* That the timer fires is the proof. */
static void
on_watchdog(void *arg)
{
    struct ptn_single *s = arg;

    ptn_notify_alive();
    s->watchdog = ptn_loop_timer(ptn_worker_loop(s->worker),
                                 ptn_notify_watchdog_ms(), on_watchdog, s);
}

/* A configuration lives as long as the process. */
static void
on_legacy(void *arg)
{
    struct ptn_single *s = arg;
    uint64_t now = ptn_clock_ms();

    ptn_legacy_look(&s->legacy, s->setup.conf, 1);
    s->legacy_timer =
        s->legacy.due == 0
            ? NULL
            : ptn_loop_timer(ptn_worker_loop(s->worker),
                             s->legacy.due > now ? s->legacy.due - now : 0,
                             on_legacy, s);
}

static void
ready(struct ptn_worker *worker, void *arg)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
    struct ptn_single *s = arg;
    struct ptn_loop *loop = ptn_worker_loop(worker);
    struct ptn_error err = PTN_ERROR_INIT;

    s->worker = worker;
    for (size_t i = 0; i < PTN_COUNT(numbers); i++)
        s->signals[i] = ptn_loop_signal(loop, numbers[i], on_signal, s);
    s->control_watch =
        ptn_loop_watch_fd(loop, ptn_control_fd(s->control), on_control, s);
    s->rotation = ptn_loop_timer(loop, PTN_TICKET_ROTATION_MS, on_rotation, s);
    if (ptn_begin_take_over(s->setup.conf, &s->plan, s->control, &err) != 0) {
        s->status = ptn_begin_complain(&err);
        ptn_worker_drain(worker);
        return;
    }
    ptn_worker_serve(worker);
    ptn_begin_log_ready(&s->plan, 1);
    ptn_notify_store(&s->sockets);
    ptn_begin_summarize(&s->plan, 1, s->summary);
    ptn_notify_ready(s->summary);
    if (ptn_notify_watchdog_ms())
        on_watchdog(s);
    on_legacy(s);
    ptn_single_watch(s);
    ptn_single_begin_envoy(s);
}

static void
finished(struct ptn_worker *worker, void *arg)
{
    struct ptn_single *s = arg;

    (void)worker;
    ptn_single_end_envoy(s);
    ptn_single_end_change(s);
    ptn_single_unwatch(s);
    for (size_t i = 0; i < PTN_COUNT(s->signals); i++)
        ptn_signal_free(s->signals[i]);
    ptn_host_unwatch_fd(s->control_watch);
    ptn_timer_cancel(s->rotation);
    if (s->watchdog)
        ptn_timer_cancel(s->watchdog);
    ptn_timer_cancel(s->legacy_timer);
}

static void
make_plan(struct ptn_single *s)
{
    struct ptn_buf text = PTN_BUF_INIT;

    ptn_effective_write_files(s->setup.conf, &text);
    ptn_plan_write(&s->setup, &text);
    ptn_effective_write(&s->setup, &text);
    ptn_plan_read(&s->plan, ptn_buf_slice(&text));
    ptn_buf_free(&text);
    ptn_single_refresh_plan(s);
}

/* What is there already: from the server before this one, or from the
 * service manager. */
static void
take_what_is_there(struct ptn_single *s)
{
    ptn_heir_take_tickets(&s->tickets);
    ptn_heir_take_sockets(&s->sockets);
    ptn_inherit(&s->sockets, &s->plan);
}

/* Everything that can go wrong before a port opens. */
static int
prepare(struct ptn_single *s, struct ptn_error *err)
{
    const struct ptn_server_conf *server = &s->setup.conf->server;
    int result = ptn_begin_folders(s->setup.conf, err);

    ptn_setup_credentials(s->setup.conf, s->setup.escrow);
    if (result == 0)
        result = ptn_privileges_borrow(server->user, err);
    if (result != 0)
        return result;
    ptn_heir_refused(ptn_setup_keys(&s->setup, PTN_KEYS_MAKE));
    ptn_privileges_return();
    ptn_single_run_commands(s);
    result = ptn_privileges_borrow(server->user, err);
    if (result != 0)
        return result;
    ptn_single_read_again(s);
    ptn_setup_certificates(&s->setup, false);
    ptn_privileges_return();
    make_plan(s);
    return 0;
}

static int
serve(struct ptn_single *s, struct ptn_error *err)
{
    struct ptn_worker_params params = {
        .setup = &s->setup,
        .shared = s->shared,
        .count = 1,
        .auth = -1,
        .hold = true,
        .ready = ready,
        .finished = finished,
        .arg = s,
    };

    take_what_is_there(s);
    if (give_tickets(s, err) != 0)
        return -1;
    if (ptn_begin_bind(s->setup.conf, &s->plan, &s->sockets, err) != 0)
        return -1;
    ptn_sockets_commit(&s->sockets);
    ptn_begin_sockets(&s->plan, NULL, 0, 1, &s->sockets, &s->served);
    params.sockets = (struct ptn_socket *)s->served.data;
    params.socket_count = s->served.len / sizeof(struct ptn_socket);
    s->control = ptn_control_open(s->setup.conf->server.control, verbs, s, err);
    if (!s->control ||
        (!ptn_heir_is() && ptn_begin_write_pid(s->setup.conf, err) != 0))
        return -1;
    if (ptn_privileges_drop(s->setup.conf->server.user, err) != 0 ||
        ptn_sandbox_enter(s->setup.conf, PTN_SANDBOX_SINGLE, err) != 0 ||
        ptn_sandbox_confine(s->setup.conf, s->setup.modules, err) != 0)
        return -1;
    return ptn_worker_run(&params, err);
}

/* For the operator, and for the server that this one was to take over
 * from. */
static void
tell_notes(const struct ptn_conf *conf)
{
    struct ptn_buf notes = PTN_BUF_INIT;

    ptn_conf_print_notes(conf, stderr);
    ptn_effective_write_notes(conf, &notes);
    ptn_heir_say(ptn_buf_slice(&notes));
    ptn_buf_free(&notes);
}

/* Passphrases are there for the process after this one. */
static void
open_escrow(struct ptn_single *s)
{
    s->escrow = ptn_heir_take_escrow();
    if (s->escrow < 0)
        s->escrow = ptn_escrow_new();
    s->setup.escrow = ptn_escrow_open(fcntl(s->escrow, F_DUPFD_CLOEXEC, 0));
}

int
ptn_single_run(struct ptn_conf *conf)
{
    struct ptn_single s = {.self = {.pid = getpid(),
                                    .started = ptn_clock_ms(),
                                    .group = PTN_GROUP_MAIN,
                                    .generation = 1,
                                    .state = "serving"},
                           .ledger = PTN_LEDGER_INIT,
                           .change = {.upgrade = PTN_UPGRADE_INIT}};
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_escrow *escrow;

    s.envoy.spawner = ptn_conf_failed(conf) ? -1 : ptn_spawner_begin(conf);
    ptn_crash_watch(-1, "postern", conf->server.module_path, &conf->load);
    s.shared = ptn_shared_new(1, conf->listener_count, &err);
    if (!s.shared)
        return ptn_begin_complain(&err);
    ptn_metrics_use(ptn_shared_area(s.shared, 0));
    ptn_setup_load(&s.setup, conf, PTN_ROLE_SINGLE, NULL);
    open_escrow(&s);
    ptn_crash_map(s.setup.modules);
    tell_notes(conf);
    if (ptn_conf_failed(conf))
        s.status = PTN_EXIT_CONFIG;
    else if (prepare(&s, &err) != 0 || serve(&s, &err) != 0)
        s.status = ptn_begin_complain(&err);
    if (s.control) {
        ptn_control_close(s.control);
        ptn_begin_remove_pid(conf);
    }
    if (s.status == PTN_EXIT_OK)
        ptn_log(PTN_LOG_INFO, "server.stopped");
    ptn_single_end_envoy(&s); /* unless it has served */
    ptn_sockets_close(&s.sockets);
    ptn_buf_free(&s.served);
    ptn_plan_free(&s.plan);
    ptn_ledger_free(&s.ledger);
    escrow = s.setup.escrow;
    ptn_setup_free(&s.setup);
    ptn_escrow_close(escrow);
    if (s.escrow >= 0)
        close(s.escrow);
    ptn_metrics_use(NULL);
    ptn_tickets_free(&s.tickets);
    ptn_shared_free(s.shared);
    return s.status;
}
