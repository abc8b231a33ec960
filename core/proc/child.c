/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The checker and the workers. Each is a process of its own, this its main
 * thread. Only here, behind the fork, are modules loaded: the supervisor
 * stays free of code that is not its own.
 */
#include "proc/child.h"
#include "log/log.h"
#include "proc/answers.h"
#include "proc/begin.h"
#include "proc/crash.h"
#include "proc/effective.h"
#include "proc/plan.h"
#include "proc/privileges.h"
#include "proc/sandbox.h"
#include "proc/server.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct work {
    const struct ptn_child *child;
    struct ptn_setup setup;
    struct ptn_worker *worker;
    struct ptn_fd_watch *channel;
    struct ptn_signal *term;
    char *message; /* PTN_MESSAGE_MAX octets */
};

void
ptn_child_die_with_parent(const struct ptn_child *child)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != child->supervisor) /* it was faster */
        _exit(PTN_EXIT_FAILED);
}

void
ptn_child_begin(const struct ptn_child *child, const char *name)
{
    sigset_t none;

    sigemptyset(&none);
    signal(SIGINT, SIG_IGN); /* Ctrl-C means the supervisor */
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    ptn_log_set_process(name);
    ptn_crash_watch(ptn_reports_leave(child->reports), name,
                    child->conf->server.module_path, &child->conf->load);
    ptn_child_die_with_parent(child);
}

static int
write_all(int fd, struct ptn_slice data)
{
    while (data.len > 0) {
        ssize_t n = write(fd, data.data, data.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return PTN_EXIT_FAILED;
        data = ptn_slice_sub(data, (size_t)n, data.len - (size_t)n);
    }
    return PTN_EXIT_OK;
}

/* What is wrong: for the operator at the terminal; at a reload, in the text
 * for the supervisor, which passes it on. */
static void
tell_notes(const struct ptn_child *child, const struct ptn_conf *conf,
           struct ptn_buf *out)
{
    if (child->again)
        ptn_effective_write_notes(conf, out);
    else
        ptn_conf_print_notes(conf, stderr);
}

static int
tell_error(const struct ptn_child *child, const struct ptn_error *err,
           struct ptn_buf *out)
{
    if (!child->again)
        return ptn_begin_complain(err);
    ptn_effective_write_error(err, out);
    return err->code == PTN_ERR_CONFIG ? PTN_EXIT_CONFIG : PTN_EXIT_FAILED;
}

static int
check(const struct ptn_child *child, struct ptn_setup *setup,
      struct ptn_buf *out)
{
    struct ptn_error err = PTN_ERROR_INIT;

    tell_notes(child, setup->conf, out);
    if (ptn_conf_failed(setup->conf))
        return PTN_EXIT_CONFIG;
    if (ptn_sandbox_confine(setup->conf, setup->modules, &err) != 0)
        return tell_error(child, &err, out);
    if (ptn_setup_folders(setup->conf, &err) != 0)
        return tell_error(child, &err, out);
    ptn_plan_write(setup, out);
    ptn_effective_write(setup, out);
    return PTN_EXIT_OK;
}

int
ptn_child_check(const struct ptn_child *child, int fd)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_buf plan = PTN_BUF_INIT;
    struct ptn_setup setup;
    int status, written;

    ptn_effective_write_files(child->conf, &plan); /* others may not read */
    if (ptn_privileges_drop(child->conf->server.user, &err) != 0 ||
        ptn_sandbox_enter(child->conf, PTN_SANDBOX_CHECKER, &err) != 0) {
        status = tell_error(child, &err, &plan);
        written = write_all(fd, ptn_buf_slice(&plan));
    } else {
        ptn_setup_load(&setup, ptn_conf_again(child->conf, PTN_CONF_RECORD),
                       PTN_ROLE_CHECKER, NULL);
        ptn_crash_map();
        status = check(child, &setup, &plan);
        written = write_all(fd, ptn_buf_slice(&plan));
        ptn_setup_free(&setup);
    }
    ptn_buf_free(&plan);
    return status != PTN_EXIT_OK ? status : written;
}

static void
tell(const struct work *w, enum ptn_message type, struct ptn_slice text)
{
    struct ptn_buf message = PTN_BUF_INIT;

    ptn_buf_addc(&message, (char)type);
    ptn_buf_addslice(&message, text);
    if (message.len > PTN_MESSAGE_MAX)
        message.len = PTN_MESSAGE_MAX;
    if (send(w->child->channel, message.data, message.len, MSG_NOSIGNAL) < 0)
        ptn_log(PTN_LOG_WARNING, "worker.supervisor-not-told",
                PTN_FS("error", strerror(errno)));
    ptn_buf_free(&message);
}

static void
tell_answer(void *arg, struct ptn_slice text)
{
    tell(arg, PTN_MESSAGE_ANSWER, text);
}

static void
tell_state(const struct work *w, enum ptn_message type, unsigned refused)
{
    struct ptn_buf state = PTN_BUF_INIT;

    ptn_buf_adds(&state, "refused");
    ptn_record_addn(&state, "count", refused);
    ptn_buf_addc(&state, '\n');
    ptn_plan_write_state(&w->setup, &state);
    tell(w, type, ptn_buf_slice(&state));
    ptn_buf_free(&state);
}

static void
reload(struct work *w)
{
    ptn_begin_reopen_log(w->setup.conf);
    tell_state(w, PTN_MESSAGE_STATE, ptn_worker_reload(w->worker));
}

/* There is a new warden: what was asked of the old one is lost, and what it
 * serves may differ. */
static void
meet_warden(struct work *w, const int ends[PTN_CHANNELS])
{
    ptn_worker_meet_warden(w->worker, ends[PTN_CHANNEL_AUTH]);
    ptn_setup_connect(&w->setup, ends[PTN_CHANNEL_SIGN]);
    tell_state(w, PTN_MESSAGE_STATE, ptn_worker_reload(w->worker));
}

static void
on_message(void *arg)
{
    struct work *w = arg;
    int ends[PTN_CHANNELS];
    ssize_t n = ptn_channels_receive(w->child->channel, w->message,
                                     PTN_MESSAGE_MAX, ends);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) /* the supervisor is gone */
        _exit(PTN_EXIT_FAILED);
    if (w->message[0] == PTN_MESSAGE_DRAIN)
        ptn_worker_drain(w->worker);
    else if (w->message[0] == PTN_MESSAGE_RELOAD)
        reload(w);
    else if (w->message[0] == PTN_MESSAGE_PING)
        tell(w, PTN_MESSAGE_PING, PTN_SLICE(""));
    else if (w->message[0] == PTN_MESSAGE_TICKETS)
        ptn_worker_refresh_tickets(w->worker);
    else if (w->message[0] == PTN_MESSAGE_WARDEN && ends[PTN_CHANNEL_SIGN] >= 0)
        meet_warden(w, ends);
    else if (w->message[0] == PTN_MESSAGE_ASK)
        ptn_answers_reply(w->worker,
                          (struct ptn_slice){w->message + 1, (size_t)n - 1},
                          tell_answer, w);
}

static void
on_term(void *arg, int number)
{
    struct work *w = arg;

    (void)number;
    ptn_worker_drain(w->worker);
}

static void
ready(struct ptn_worker *worker, void *arg)
{
    struct work *w = arg;
    struct ptn_loop *loop = ptn_worker_loop(worker);

    w->worker = worker;
    w->term = ptn_loop_signal(loop, SIGTERM, on_term, w);
    w->channel = ptn_loop_watch_fd(loop, w->child->channel, on_message, w);
    tell_state(w, PTN_MESSAGE_READY, 0);
}

static void
finished(struct ptn_worker *worker, void *arg)
{
    struct work *w = arg;

    (void)worker;
    ptn_signal_free(w->term);
    ptn_host_unwatch_fd(w->channel);
}

/* On the first start the operator is looking at the terminal; later, the
 * log is where such things are looked for. */
static int
complain(const struct ptn_child *child, const struct ptn_error *err)
{
    if (!child->again)
        return ptn_begin_complain(err);
    ptn_log_error(PTN_LOG_ERROR, "worker.not-started", err);
    return PTN_EXIT_FAILED;
}

static int
serve(struct work *w)
{
    const struct ptn_child *child = w->child;
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_worker_params params = {
        .setup = &w->setup,
        .sockets = child->sockets,
        .shared = child->shared,
        .number = child->number,
        .count = child->count,
        .auth = child->channels[PTN_CHANNEL_AUTH],
        .ready = ready,
        .finished = finished,
        .arg = w,
    };

    if (ptn_sandbox_confine(w->setup.conf, w->setup.modules, &err) != 0)
        return complain(child, &err);
    ptn_setup_connect(&w->setup, child->channels[PTN_CHANNEL_SIGN]);
    /* The first speaks for all. */
    ptn_setup_certificates(&w->setup, child->number != 0);
    if (ptn_worker_run(&params, &err) != 0)
        return complain(child, &err);
    return PTN_EXIT_OK;
}

int
ptn_child_work(const struct ptn_child *child)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct work w = {.child = child};
    int status = PTN_EXIT_CONFIG;

    if (ptn_privileges_drop(child->conf->server.user, &err) != 0)
        return complain(child, &err);
    ptn_child_die_with_parent(child); /* changing the user has ended that */
    if (ptn_sandbox_enter(child->conf, PTN_SANDBOX_WORKER, &err) != 0)
        return complain(child, &err);
    w.message = ptn_alloc(PTN_MESSAGE_MAX);
    ptn_setup_load(&w.setup, ptn_conf_again(child->conf, 0), PTN_ROLE_WORKER,
                   NULL);
    ptn_crash_map();
    if (!ptn_conf_failed(w.setup.conf))
        status = serve(&w);
    else if (child->again) /* a module was replaced by an unfit one */
        ptn_conf_print_notes(w.setup.conf, stderr);
    ptn_setup_free(&w.setup);
    ptn_free(w.message);
    return status;
}
