/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The supervisor. One thread, one poll(2); it reads no network input and
 * loads no module: a checker and the workers, its children, do.
 *
 *   check -> bind -> fork workers -> STARTING --all ready--> SERVING
 *                                       |                      |  ^ a worker
 *                       one fails: end <+        SIGTERM       |  | died: fork
 *                                                   v----------+--+
 *                                                DRAINING --all gone--> end
 */
#include "proc/supervisor.h"
#include "base/clock.h"
#include "log/log.h"
#include "proc/answers.h"
#include "proc/asks.h"
#include "proc/begin.h"
#include "proc/control.h"
#include "proc/crash.h"
#include "proc/crew.h"
#include "proc/notify.h"
#include "proc/plan.h"
#include "proc/sandbox.h"
#include "proc/server.h"
#include "proc/status.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    KILL_GRACE_MS = 5000,  /* after drain_timeout */
    STATE_WAIT_MS = 10000, /* for the answers to a reload */
};

enum phase {
    STARTING,
    SERVING,
    DRAINING,
};

struct supervisor {
    struct ptn_conf *conf;
    struct ptn_plan plan;
    struct ptn_crew crew;
    struct ptn_warden warden;
    struct ptn_control *control;
    struct ptn_asks asks;
    struct ptn_reports *reports;
    int signals;
    enum phase phase;
    int status;
    uint64_t started, rotate_due, kill_due;
    unsigned refused; /* certificates, in the last reload, by any worker */
};

/* --- what the crew reports --- */

static void
let_go(void *arg)
{
    struct supervisor *s = arg;

    ptn_control_forget(s->control);
    close(s->signals);
    ptn_warden_free(&s->warden);
}

/* What the warden has of the supervisor is its channel alone. */
static void
let_go_of_all(void *arg)
{
    struct supervisor *s = arg;

    ptn_crew_let_go(&s->crew);
    let_go(s);
}

static void
open_channels(void *arg, int ends[PTN_CHANNELS])
{
    struct supervisor *s = arg;
    struct ptn_error err = PTN_ERROR_INIT;

    if (ptn_warden_open(&s->warden, ends, &err) != 0)
        ptn_log_error(PTN_LOG_WARNING, "worker.without-warden", &err);
}

/* Everybody who lives gets channels to the new one. */
static void
introduce_warden(struct supervisor *s)
{
    for (unsigned i = 0; i < s->crew.count; i++) {
        int ends[PTN_CHANNELS];

        if (!s->crew.workers[i].pid)
            continue;
        open_channels(s, ends);
        if (ends[PTN_CHANNEL_SIGN] >= 0)
            (void)ptn_crew_send_channels(&s->crew, i, ends);
        ptn_channels_close(ends);
    }
}

static void
hear_warden(struct supervisor *s)
{
    bool replaces = s->warden.again;

    if (ptn_warden_receive(&s->warden) == PTN_WARDEN_READY && replaces)
        introduce_warden(s);
}

static void
log_crash(struct ptn_reports *reports, const struct ptn_crew_worker *w,
          unsigned number, int signal)
{
    struct ptn_log_field fields[] = {
        PTN_FN("worker", number),
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
                "worker.ended", PTN_FN("worker", number), PTN_FN("pid", w->pid),
                PTN_FN("status", WEXITSTATUS(status)),
                PTN_FN("uptime_ms", life));
}

static void
stop_serving(struct supervisor *s)
{
    if (s->phase != DRAINING) {
        s->phase = DRAINING;
        s->kill_due =
            ptn_clock_ms() + s->conf->server.drain_timeout + KILL_GRACE_MS;
        for (unsigned i = 0; i < s->crew.count; i++)
            s->crew.workers[i].due = 0;
    }
    /* Told twice, they end at once. */
    ptn_crew_tell(&s->crew, PTN_MESSAGE_DRAIN);
}

/* The start has failed: the worker has said why. */
static void
give_up(struct supervisor *s, int status)
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
other_died(void *arg, pid_t pid, int status)
{
    struct supervisor *s = arg;

    if (ptn_warden_reap(&s->warden, pid, status) && s->phase == STARTING)
        give_up(s, status);
}

static void
died(void *arg, unsigned number, int status)
{
    struct supervisor *s = arg;

    ptn_asks_lose(&s->asks, number);
    if (s->phase != STARTING || WIFSIGNALED(status))
        log_death(s->reports, &s->crew.workers[number], number, status);
    if (s->phase == STARTING)
        give_up(s, status);
    else if (s->phase == SERVING)
        ptn_crew_replace(&s->crew, number);
}

static void
take_state(struct supervisor *s, struct ptn_slice text)
{
    char count[16] = "0";
    struct ptn_slice first = text;
    unsigned refused;

    first = ptn_record_next(&first);
    (void)ptn_record_get(first, "count", count, sizeof count);
    refused = (unsigned)strtoul(count, NULL, 10);
    s->refused = refused > s->refused ? refused : s->refused;
    ptn_plan_update(&s->plan, text);
}

static void
take_ready(struct supervisor *s, unsigned number, struct ptn_slice text)
{
    const struct ptn_crew_worker *w = &s->crew.workers[number];

    if (number == 0 || s->phase == STARTING)
        take_state(s, text);
    if (s->phase == STARTING && ptn_crew_is_ready(&s->crew)) {
        s->phase = SERVING;
        s->crew.again = true;
        ptn_begin_log_ready(&s->plan, s->crew.count);
        ptn_notify_ready();
    } else if (s->phase == SERVING) {
        ptn_log(PTN_LOG_INFO, "worker.replaced", PTN_FN("worker", number),
                PTN_FN("pid", w->pid),
                PTN_FN("after_ms", ptn_clock_ms() - w->started));
    }
}

static void
said(void *arg, unsigned number, enum ptn_message type, struct ptn_slice text)
{
    if (type == PTN_MESSAGE_STATE)
        take_state(arg, text);
    else if (type == PTN_MESSAGE_READY)
        take_ready(arg, number, text);
    else if (type == PTN_MESSAGE_ANSWER)
        ptn_asks_take(&((struct supervisor *)arg)->asks, number, text);
}

/* --- waiting --- */

static void
sooner(uint64_t *deadline, uint64_t candidate)
{
    if (candidate && (!*deadline || candidate < *deadline))
        *deadline = candidate;
}

static int
time_left(const struct supervisor *s, uint64_t deadline)
{
    uint64_t now = ptn_clock_ms();

    sooner(&deadline, s->rotate_due);
    sooner(&deadline, s->kill_due);
    sooner(&deadline, s->crew.watch_due);
    sooner(&deadline, ptn_crew_due(&s->crew));
    sooner(&deadline, s->warden.due);
    sooner(&deadline, ptn_asks_due(&s->asks));
    if (!deadline)
        return -1;
    if (deadline <= now)
        return 0;
    return deadline - now > INT32_MAX ? INT32_MAX : (int)(deadline - now);
}

static void
rotate_tickets(struct supervisor *s)
{
    struct ptn_error err = PTN_ERROR_INIT;

    s->rotate_due = ptn_clock_ms() + PTN_TICKET_ROTATION_MS;
    if (ptn_shared_rotate(s->crew.shared, &err) != 0)
        ptn_log_error(PTN_LOG_ERROR, "tickets.not-rotated", &err);
    else
        ptn_crew_tell(&s->crew, PTN_MESSAGE_TICKETS);
}

static void
do_what_is_due(struct supervisor *s)
{
    uint64_t now = ptn_clock_ms();

    if (s->rotate_due <= now)
        rotate_tickets(s);
    if (s->kill_due && s->kill_due <= now) {
        s->kill_due = 0;
        ptn_crew_kill(&s->crew);
    }
    if (s->crew.watch_due && s->crew.watch_due <= now) {
        ptn_warden_watch(&s->warden, s->conf->server.watchdog);
        ptn_crew_watch(&s->crew);
    }
    ptn_warden_fork_due(&s->warden); /* before those who need it */
    ptn_crew_fork_due(&s->crew);
    ptn_asks_expire(&s->asks);
}

/* Waits for the workers' messages, and for the two other descriptors unless
 * they are -1; bits of the answer say which of these are readable. */
static unsigned
wait_once(struct supervisor *s, const int fds[2], uint64_t deadline)
{
    struct pollfd *polls = ptn_alloc((s->crew.count + 4) * sizeof *polls);
    unsigned result = 0;

    for (unsigned i = 0; i < 2; i++)
        polls[i] = (struct pollfd){fds[i], POLLIN, 0};
    polls[2] = (struct pollfd){ptn_reports_fd(s->reports), POLLIN, 0};
    polls[3] = (struct pollfd){s->warden.channel, POLLIN, 0};
    ptn_crew_poll(&s->crew, polls + 4);
    if (poll(polls, s->crew.count + 4, time_left(s, deadline)) > 0) {
        for (unsigned i = 0; i < 2; i++)
            if (polls[i].revents)
                result |= 1u << i;
        if (polls[2].revents)
            ptn_reports_take(s->reports);
        if (polls[3].revents & POLLIN)
            hear_warden(s);
        ptn_crew_receive(&s->crew, polls + 4);
    }
    ptn_free(polls);
    return result;
}

/* --- what the operator asks for --- */

static void
wait_for(struct supervisor *s, uint64_t deadline)
{
    static const int nothing[2] = {-1, -1};

    wait_once(s, nothing, deadline);
    ptn_crew_reap(&s->crew);
}

/* The warden reads its files again, then the workers get what it found;
 * waits for both. */
static void
reload(struct supervisor *s)
{
    uint64_t deadline = ptn_clock_ms() + STATE_WAIT_MS;

    ptn_notify_reloading();
    ptn_begin_reopen_log(s->conf);
    if (ptn_conf_has_changed(s->conf))
        ptn_log(PTN_LOG_WARNING, "server.config-changed",
                PTN_FS("hint", "a reload reads certificates alone; restart "
                               "the server for the rest"));
    s->refused = 0;
    ptn_warden_tell(&s->warden, PTN_WARDEN_RELOAD);
    while (s->warden.answers && ptn_clock_ms() < deadline)
        wait_for(s, deadline);
    ptn_crew_tell(&s->crew, PTN_MESSAGE_RELOAD);
    while (ptn_crew_is_asked(&s->crew) && ptn_clock_ms() < deadline)
        wait_for(s, deadline);
    s->refused += s->warden.refused;
    ptn_log(PTN_LOG_INFO, "server.reloaded", PTN_FN("refused", s->refused));
    ptn_notify_ready();
}

static void
stop(struct supervisor *s)
{
    ptn_notify_stopping();
    ptn_log(PTN_LOG_INFO, "server.stopping");
    stop_serving(s);
}

static void
on_signals(struct supervisor *s)
{
    struct signalfd_siginfo info;

    while (read(s->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            ptn_crew_reap(&s->crew);
        else if (info.ssi_signo == SIGHUP && s->phase == SERVING)
            reload(s);
        else if (info.ssi_signo != SIGHUP)
            stop(s);
    }
}

static int
do_status(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    const struct supervisor *s = arg;
    struct ptn_status_server server = {s->conf->file, "workers", s->started};
    const struct ptn_crew *crew = &s->crew;
    struct ptn_status_worker *workers =
        ptn_alloc(crew->count * sizeof *workers);

    (void)err;
    for (unsigned i = 0; i < crew->count; i++)
        workers[i] = (struct ptn_status_worker){crew->workers[i].pid,
                                                crew->workers[i].started,
                                                crew->workers[i].restarts};
    ptn_status_write(&server, &s->plan, workers, crew->shared, &call->out);
    ptn_free(workers);
    return 0;
}

static int
do_stop(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    (void)call;
    (void)err;
    stop(arg);
    return 0;
}

static int
do_reload(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    struct supervisor *s = arg;

    (void)call;
    if (s->phase != SERVING)
        return ptn_error_set(err, PTN_ERR_INVALID,
                             "the server is starting or stopping");
    reload(s);
    if (s->refused == 0)
        return 0;
    return ptn_error_set(err, PTN_ERR_TLS,
                         "%u certificate(s) were refused; what was served "
                         "before still is; the log says why",
                         s->refused);
}

/* What the workers alone can answer. */
static int
pass_on(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    struct supervisor *s = arg;

    if (!ptn_answers_know(call->request))
        return ptn_control_unknown(call, err);
    return ptn_asks_begin(&s->asks, &s->crew, call, err);
}

static int
do_sandbox(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    struct supervisor *s = arg;

    (void)err;
    ptn_sandbox_write_own(&call->out);
    ptn_reports_write(s->reports, &call->out);
    return 0;
}

static const struct ptn_control_verb verbs[] = {
    {"status", do_status},   {"stop", do_stop}, {"reload", do_reload},
    {"sandbox", do_sandbox}, {NULL, pass_on},
};

/* --- from start to end --- */

static int
read_plan(struct supervisor *s, int fd)
{
    struct ptn_buf text = PTN_BUF_INIT;
    ssize_t n;

    do {
        n = read(fd, ptn_buf_reserve(&text, 16384), 16384);
        if (n > 0)
            text.len += (size_t)n;
    } while (n > 0 || (n < 0 && errno == EINTR));
    ptn_plan_read(&s->plan, ptn_buf_slice(&text));
    ptn_buf_free(&text);
    return n < 0 ? -1 : 0;
}

/* Runs the checker. 0, or the exit status that the start deserves. */
static int
check(struct supervisor *s)
{
    struct ptn_child child = {
        .conf = s->conf, .supervisor = getpid(), .reports = s->reports};
    int ends[2], status = 0;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
        fprintf(stderr, "posternd: cannot fork: %s\n", strerror(errno));
        return PTN_EXIT_FAILED;
    }
    if (pid == 0) {
        close(ends[0]);
        ptn_child_begin(&child, "checker");
        exit(ptn_child_check(&child, ends[1]));
    }
    close(ends[1]);
    if (read_plan(s, ends[0]) != 0)
        status = PTN_EXIT_FAILED;
    close(ends[0]);
    waitpid(pid, &status, 0);
    if (WIFSIGNALED(status)) {
        struct ptn_log_field fields[] = {
            PTN_FN("pid", pid), PTN_FN("signal", WTERMSIG(status)),
            PTN_FS("name", strsignal(WTERMSIG(status)))};

        ptn_reports_death(s->reports, pid, "checker.died", fields,
                          PTN_COUNT(fields));
        fprintf(stderr, "posternd: the check of the configuration died: %s\n",
                strsignal(WTERMSIG(status)));
        return PTN_EXIT_FAILED;
    }
    return WEXITSTATUS(status);
}

static int
watch_signals(struct supervisor *s, struct ptn_error *err)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->signals < 0 ? ptn_error_errno(err, "signalfd") : 0;
}

static int
open_all(struct supervisor *s, struct ptn_error *err)
{
    s->crew.shared = ptn_shared_new(s->crew.count, err);
    if (!s->crew.shared ||
        ptn_begin_bind(s->conf, &s->plan, &s->crew.sockets, err) != 0 ||
        watch_signals(s, err) != 0)
        return -1;
    s->control = ptn_control_open(s->conf->server.control, verbs, s, err);
    if (!s->control || ptn_begin_write_pid(s->conf, err) != 0)
        return -1;
    ptn_crash_watch(-1, "supervisor", s->conf->server.module_path,
                    &s->conf->load);
    ptn_crash_map();
    if (ptn_sandbox_enter(s->conf, PTN_SANDBOX_SUPERVISOR, err) != 0)
        return -1;
    return ptn_sandbox_confine(s->conf, NULL, err);
}

static void
run(struct supervisor *s)
{
    const int fds[2] = {s->signals, ptn_control_fd(s->control)};

    s->rotate_due = ptn_clock_ms() + PTN_TICKET_ROTATION_MS;
    s->crew.watch_due = s->started;
    ptn_warden_init(&s->warden, s->conf, s->plan.warden, s->reports);
    s->warden.let_go = let_go_of_all;
    s->warden.arg = s;
    for (unsigned i = 0; i < s->crew.count; i++)
        s->crew.workers[i].due = s->started;
    while (s->phase != DRAINING || ptn_crew_is_alive(&s->crew)) {
        unsigned readable;

        do_what_is_due(s);
        readable = wait_once(s, fds, 0);
        if (readable & 1)
            on_signals(s);
        if (readable & 2)
            ptn_control_serve(s->control);
    }
}

static void
end(struct supervisor *s)
{
    ptn_asks_deinit(&s->asks);
    if (s->control) {
        ptn_control_close(s->control);
        ptn_begin_remove_pid(s->conf);
    }
    if (s->signals >= 0)
        close(s->signals);
    ptn_warden_free(&s->warden);
    ptn_crew_free(&s->crew);
    ptn_reports_free(s->reports);
    ptn_plan_free(&s->plan);
    ptn_conf_free(s->conf);
}

static unsigned
count_workers(const struct ptn_conf *conf)
{
    cpu_set_t cores;

    if (conf->server.workers > 0)
        return (unsigned)conf->server.workers;
    if (sched_getaffinity(0, sizeof cores, &cores) != 0)
        return 1;
    return (unsigned)CPU_COUNT(&cores);
}

int
ptn_supervisor_run(struct ptn_conf *conf)
{
    struct supervisor s = {.conf = conf, .signals = -1};
    struct ptn_error err = PTN_ERROR_INIT;

    s.started = ptn_clock_ms();
    ptn_asks_init(&s.asks);
    ptn_crew_init(&s.crew, conf, count_workers(conf));
    s.crew.let_go = let_go;
    s.crew.open_channels = open_channels;
    s.crew.other_died = other_died;
    s.warden = (struct ptn_warden){.channel = -1};
    s.crew.died = died;
    s.crew.said = said;
    s.crew.arg = &s;
    ptn_log_set_process("supervisor");
    s.reports = s.crew.reports = ptn_reports_new(&err);
    if (!s.reports || ptn_begin_folders(conf, &err) != 0)
        s.status = ptn_begin_complain(&err);
    else
        s.status = check(&s);
    if (s.status == PTN_EXIT_OK) {
        if (open_all(&s, &err) == 0)
            run(&s);
        else
            s.status = ptn_begin_complain(&err);
    }
    if (s.status == PTN_EXIT_OK)
        ptn_log(PTN_LOG_INFO, "server.stopped");
    end(&s);
    return s.status;
}
