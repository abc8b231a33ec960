/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The checker and the workers. Each is a process of its own, this its main
 * thread. Only here, behind the fork, are modules loaded: the supervisor
 * stays free of code that is not its own.
 */
#include "proc/child.h"
#include "base/memory.h"
#include "log/log.h"
#include "proc/activation.h"
#include "proc/answers.h"
#include "proc/begin.h"
#include "proc/crash.h"
#include "proc/effective.h"
#include "proc/heir.h"
#include "proc/logs.h"
#include "proc/plan.h"
#include "proc/privileges.h"
#include "proc/sandbox.h"
#include "proc/server.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

struct work {
    const struct ptn_child *child;
    struct ptn_setup setup;
    struct ptn_worker *worker;
    struct ptn_fd_watch *channel;
    struct ptn_signal *term;
    char *message;       /* PTN_MESSAGE_MAX octets */
    struct ptn_buf asks; /* lines: reloads that are not answered yet */
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
    if (child->again) /* the log may be another one by now */
        ptn_begin_reopen_log(child->conf);
    ptn_crash_watch(child->reports ? ptn_reports_leave(child->reports) : -1,
                    name, child->conf->server.module_path, &child->conf->load);
    ptn_crash_set_group(child->group ? child->group->name : "");
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
    if (child->again || ptn_heir_is())
        ptn_effective_write_notes(conf, out);
    if (!child->again)
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

/* One that cannot even be read is gone on with, to say all that is wrong. */
static struct ptn_conf *
read_again(struct ptn_conf *conf)
{
    return ptn_conf_failed(conf) ? conf : ptn_conf_again(conf, PTN_CONF_RECORD);
}

int
ptn_child_judge(const struct ptn_child *child, struct ptn_buf *out)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_setup setup;
    int status;

    ptn_effective_write_files(child->conf, out); /* others may not read */
    if (ptn_privileges_drop(child->conf->server.user, &err) != 0 ||
        ptn_sandbox_enter(child->conf, PTN_SANDBOX_CHECKER, &err) != 0)
        return tell_error(child, &err, out);
    ptn_setup_load(&setup, read_again(child->conf), PTN_ROLE_CHECKER, NULL);
    ptn_crash_map(setup.modules);
    status = check(child, &setup, out);
    ptn_setup_free(&setup);
    return status;
}

int
ptn_child_check(const struct ptn_child *child, int fd)
{
    struct ptn_buf plan = PTN_BUF_INIT;
    int status = ptn_child_judge(child, &plan);
    int written = write_all(fd, ptn_buf_slice(&plan));

    ptn_buf_free(&plan);
    return status != PTN_EXIT_OK ? status : written;
}

/* The supervisor never waits for us, so waiting for it is safe; the loop has
 * made the descriptor non-blocking. */
static int
send_all(int fd, struct ptn_slice message)
{
    struct pollfd writable = {fd, POLLOUT, 0};

    while (send(fd, message.data, message.len, MSG_NOSIGNAL) < 0) {
        if (errno == EAGAIN)
            (void)poll(&writable, 1, -1);
        else if (errno != EINTR)
            return -1;
    }
    return 0;
}

static void
tell(const struct work *w, enum ptn_message type, struct ptn_slice text)
{
    struct ptn_buf message = PTN_BUF_INIT;

    ptn_buf_addc(&message, (char)type);
    ptn_buf_addslice(&message, text);
    if (message.len > PTN_MESSAGE_MAX)
        message.len = PTN_MESSAGE_MAX;
    if (send_all(w->child->channel, ptn_buf_slice(&message)) < 0)
        ptn_log(PTN_LOG_WARNING, "worker.supervisor-not-told",
                PTN_FS("error", strerror(errno)));
    ptn_buf_free(&message);
}

static void
tell_answer(void *arg, struct ptn_slice text)
{
    tell(arg, PTN_MESSAGE_ANSWER, text);
}

/* What its listeners and certificates are like, in as many messages as it
 * takes. */
static void
tell_state(const struct work *w)
{
    struct ptn_buf state = PTN_BUF_INIT;
    struct ptn_slice rest;

    ptn_plan_write_state(&w->setup, &state);
    rest = ptn_buf_slice(&state);
    while (rest.len > 0)
        tell(w, PTN_MESSAGE_STATE, ptn_answers_part(&rest));
    ptn_buf_free(&state);
}

/* Whoever asked meanwhile is told, too. */
static void
reloaded(void *arg, unsigned refused)
{
    struct work *w = arg;
    struct ptn_buf records = PTN_BUF_INIT;
    struct ptn_slice asks = ptn_buf_slice(&w->asks);

    ptn_buf_adds(&records, "refused");
    ptn_record_addn(&records, "count", refused);
    ptn_buf_addc(&records, '\n');
    ptn_activation_write_served(&w->setup, asks, w->child->number, &records);
    tell_state(w);
    while (asks.len > 0) {
        struct ptn_slice line = ptn_record_next(&asks);

        if (ptn_record_is(line, "ask"))
            ptn_answers_send(line, ptn_buf_slice(&records), NULL, tell_answer,
                             w);
    }
    w->asks.len = 0;
    ptn_buf_free(&records);
}

static void
reload(struct work *w, struct ptn_slice ask)
{
    struct ptn_slice names = ask;

    (void)ptn_record_next(&names);
    ptn_buf_addslice(&w->asks, ask);
    if (ask.len > 0 && ask.data[ask.len - 1] != '\n')
        ptn_buf_addc(&w->asks, '\n');
    ptn_worker_refresh(w->worker, names, reloaded, w);
}

/* There is a new warden: what was asked of the old one is lost, and what it
 * serves may differ. */
static void
meet_warden(struct work *w, const int ends[PTN_CHANNELS])
{
    ptn_worker_meet_warden(w->worker, ends[PTN_CHANNEL_AUTH]);
    ptn_setup_connect(&w->setup, ends[PTN_CHANNEL_SIGN]);
    ptn_worker_refresh(w->worker, PTN_SLICE(""), reloaded, w);
}

static void
take(struct work *w, enum ptn_message type, struct ptn_slice text)
{
    switch (type) {
    case PTN_MESSAGE_SERVE:
        ptn_worker_serve(w->worker);
        break;
    case PTN_MESSAGE_RETIRE:
        ptn_worker_retire(w->worker);
        tell(w, PTN_MESSAGE_LEFT, PTN_SLICE(""));
        break;
    case PTN_MESSAGE_DRAIN:
        ptn_worker_drain(w->worker);
        break;
    case PTN_MESSAGE_RELOAD:
        reload(w, text);
        break;
    case PTN_MESSAGE_PING:
        tell(w, PTN_MESSAGE_PING, PTN_SLICE(""));
        break;
    case PTN_MESSAGE_TICKETS:
        ptn_worker_refresh_tickets(w->worker);
        break;
    case PTN_MESSAGE_ASK:
        ptn_answers_reply(w->worker, text, tell_answer, w);
        break;
    default:
        break; /* none that a worker gets */
    }
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
    if (w->message[0] == PTN_MESSAGE_WARDEN && ends[PTN_CHANNEL_SIGN] >= 0)
        meet_warden(w, ends);
    else if (w->message[0] == PTN_MESSAGE_LOG)
        ptn_logs_take(ends);
    else
        take(w, (enum ptn_message)w->message[0],
             (struct ptn_slice){w->message + 1, (size_t)n - 1});
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
    ptn_heir_forget(); /* from here on that is the supervisor's business */
    tell_state(w);
    tell(w, PTN_MESSAGE_READY, PTN_SLICE(""));
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
 * log is where such things are looked for, and a reload reports them. */
static int
complain(const struct work *w, const struct ptn_error *err)
{
    if (!w->child->again)
        return ptn_begin_complain(err);
    ptn_log_error(PTN_LOG_ERROR, "worker.not-started", err);
    tell(w, PTN_MESSAGE_FAILED, ptn_slice_of(err->text));
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
        .socket_count = child->socket_count,
        .shared = child->shared,
        .number = child->number,
        .count = child->count,
        .auth = child->channels[PTN_CHANNEL_AUTH],
        .hold = true,
        .ready = ready,
        .finished = finished,
        .arg = w,
    };

    if (ptn_sandbox_confine(w->setup.conf, w->setup.modules, &err) != 0)
        return complain(w, &err);
    ptn_setup_connect(&w->setup, child->channels[PTN_CHANNEL_SIGN]);
    /* The first of a group speaks for all. */
    ptn_setup_certificates(&w->setup, child->rank != 0);
    if (ptn_worker_run(&params, &err) != 0)
        return complain(w, &err);
    return PTN_EXIT_OK;
}

/* Without memory for anything. */
static void
say_exhausted(const void *arg)
{
    const struct ptn_group_conf *group = arg;

    ptn_log(PTN_LOG_ERROR, "memory.exhausted", PTN_FS("group", group->name),
            PTN_FN("limit", group->memory));
}

/* Its data is what may not grow: maps of files, such as a store's index,
 * are not counted. */
static int
confine(const struct ptn_group_conf *group, struct ptn_error *err)
{
    struct rlimit limit = {group->memory, group->memory};

    ptn_memory_on_exhausted(say_exhausted, group);
    if (group->memory && setrlimit(RLIMIT_DATA, &limit) != 0)
        return ptn_error_errno(err, "groups.%s.memory", group->name);
    if (group->niceness &&
        setpriority(PRIO_PROCESS, 0, (int)group->niceness) != 0)
        return ptn_error_errno(err, "groups.%s.nice", group->name);
    return 0;
}

int
ptn_child_work(const struct ptn_child *child)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct work w = {.child = child};
    struct ptn_conf *conf;
    int status = PTN_EXIT_CONFIG;

    if (ptn_privileges_drop(child->conf->server.user, &err) != 0 ||
        confine(child->group, &err) != 0)
        return complain(&w, &err);
    ptn_child_die_with_parent(child); /* changing the user has ended that */
    if (ptn_sandbox_enter(child->conf, PTN_SANDBOX_WORKER, &err) != 0)
        return complain(&w, &err);
    ptn_shared_keep(child->shared, child->number);
    ptn_metrics_use(ptn_shared_area(child->shared, child->number));
    w.message = ptn_alloc(PTN_MESSAGE_MAX);
    conf = ptn_conf_again(child->conf, 0);
    ptn_conf_keep_group(conf, child->group->name);
    ptn_setup_load(&w.setup, conf, PTN_ROLE_WORKER, child->modules);
    ptn_crash_map(w.setup.modules);
    if (!ptn_conf_failed(conf))
        status = serve(&w);
    else if (child->again) /* a module was replaced by an unfit one */
        ptn_conf_print_notes(conf, stderr);
    ptn_setup_free(&w.setup);
    ptn_free(w.message);
    ptn_buf_free(&w.asks);
    return status;
}
