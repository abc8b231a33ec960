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
#include "proc/begin.h"
#include "proc/child.h"
#include "proc/control.h"
#include "proc/notify.h"
#include "proc/plan.h"
#include "proc/server.h"
#include "proc/status.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    QUICK_DEATH_MS = 10000, /* a life shorter than this is no success */
    BACKOFF_MAX_MS = 10000,
    KILL_GRACE_MS = 5000,  /* after drain_timeout */
    STATE_WAIT_MS = 10000, /* for the answers to a reload */
};

enum phase {
    STARTING,
    SERVING,
    DRAINING,
};

struct worker {
    pid_t pid;   /* 0: there is none */
    int channel; /* -1: there is none */
    bool ready;
    bool answers;          /* it owes us a state */
    unsigned quick_deaths; /* in a row */
    uint64_t due;          /* ptn_clock_ms to fork it; 0: not to be forked */
    uint64_t started, restarts;
};

struct supervisor {
    struct ptn_conf *conf;
    struct ptn_plan plan;
    struct ptn_sockets sockets;
    struct ptn_shared *shared;
    struct ptn_control *control;
    int signals;
    struct worker *workers;
    unsigned count;
    enum phase phase;
    int status;
    uint64_t started, rotate_due, kill_due;
    unsigned refused; /* certificates, in the last reload */
    char *message;
};

uint64_t
ptn_supervisor_backoff(unsigned quick_deaths)
{
    uint64_t wait = 100;

    if (quick_deaths < 2)
        return 0;
    for (unsigned i = 2; i < quick_deaths && wait < BACKOFF_MAX_MS; i++)
        wait *= 2;
    return wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS;
}

/* --- workers --- */

static void
tell(struct worker *w, enum ptn_message type)
{
    char message = (char)type;

    if (w->channel >= 0)
        (void)!send(w->channel, &message, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
tell_all(struct supervisor *s, enum ptn_message type)
{
    for (unsigned i = 0; i < s->count; i++)
        tell(&s->workers[i], type);
}

/* In the child: nothing of the supervisor's stays open. */
static void
let_go(struct supervisor *s, unsigned number)
{
    for (unsigned i = 0; i < s->count; i++)
        if (s->workers[i].channel >= 0)
            close(s->workers[i].channel);
    ptn_control_forget(s->control);
    close(s->signals);
    ptn_sockets_keep(&s->sockets, number);
}

static int
be_worker(struct supervisor *s, unsigned number, int channel, pid_t parent)
{
    struct ptn_child child = {
        .conf = s->conf,
        .supervisor = parent,
        .sockets = &s->sockets,
        .shared = s->shared,
        .number = number,
        .count = s->count,
        .channel = channel,
        .again = s->phase != STARTING,
    };
    char name[24];

    snprintf(name, sizeof name, "worker-%u", number);
    let_go(s, number);
    ptn_child_begin(&child, name);
    return ptn_child_work(&child);
}

static int
fork_worker(struct supervisor *s, unsigned number, struct ptn_error *err)
{
    struct worker *w = &s->workers[number];
    pid_t parent = getpid();
    int pair[2];

    w->due = 0;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return ptn_error_errno(err, "no channel to a worker");
    w->pid = fork();
    if (w->pid < 0) {
        w->pid = 0;
        ptn_error_errno(err, "cannot fork a worker");
        close(pair[0]);
        close(pair[1]);
        return -1;
    }
    if (w->pid == 0) {
        close(pair[0]);
        exit(be_worker(s, number, pair[1], parent));
    }
    close(pair[1]);
    w->channel = pair[0];
    w->ready = w->answers = false;
    w->started = ptn_clock_ms();
    return 0;
}

static void
replace(struct supervisor *s, unsigned number)
{
    struct worker *w = &s->workers[number];
    struct ptn_error err = PTN_ERROR_INIT;

    w->restarts += s->phase == STARTING ? 0 : 1;
    if (fork_worker(s, number, &err) == 0)
        return;
    ptn_log_error(PTN_LOG_ERROR, "worker.not-forked", &err);
    w->quick_deaths++;
    w->due = ptn_clock_ms() + ptn_supervisor_backoff(w->quick_deaths);
}

static void
log_death(const struct worker *w, unsigned number, int status)
{
    uint64_t life = ptn_clock_ms() - w->started;

    if (WIFSIGNALED(status))
        ptn_log(PTN_LOG_ERROR, "worker.died", PTN_FN("worker", number),
                PTN_FN("pid", w->pid), PTN_FN("signal", WTERMSIG(status)),
                PTN_FS("name", strsignal(WTERMSIG(status))),
                PTN_FN("uptime_ms", life));
    else
        ptn_log(WEXITSTATUS(status) ? PTN_LOG_ERROR : PTN_LOG_INFO,
                "worker.ended", PTN_FN("worker", number), PTN_FN("pid", w->pid),
                PTN_FN("status", WEXITSTATUS(status)),
                PTN_FN("uptime_ms", life));
}

static void
stop_serving(struct supervisor *s)
{
    if (s->phase == DRAINING) {
        tell_all(s, PTN_MESSAGE_DRAIN); /* told twice, they end at once */
        return;
    }
    s->phase = DRAINING;
    s->kill_due =
        ptn_clock_ms() + s->conf->server.drain_timeout + KILL_GRACE_MS;
    for (unsigned i = 0; i < s->count; i++)
        s->workers[i].due = 0;
    tell_all(s, PTN_MESSAGE_DRAIN);
}

/* The start has failed: the worker has said why. */
static void
give_up(struct supervisor *s, int status)
{
    s->status = WIFEXITED(status) && WEXITSTATUS(status) != 0
                    ? WEXITSTATUS(status)
                    : PTN_EXIT_FAILED;
    if (WIFSIGNALED(status))
        fprintf(stderr, "posternd: a worker died while it started: %s\n",
                strsignal(WTERMSIG(status)));
    stop_serving(s);
}

static void
bury(struct supervisor *s, unsigned number, int status)
{
    struct worker *w = &s->workers[number];
    bool quick = ptn_clock_ms() - w->started < QUICK_DEATH_MS;

    if (s->phase != STARTING || WIFSIGNALED(status))
        log_death(w, number, status);
    close(w->channel);
    w->channel = -1;
    w->pid = 0;
    w->ready = w->answers = false;
    atomic_store(&s->shared->slots[number].counters.sessions_open, 0);
    if (s->phase == STARTING)
        give_up(s, status);
    if (s->phase != SERVING)
        return;
    w->quick_deaths = quick ? w->quick_deaths + 1 : 0;
    w->due = ptn_clock_ms() + ptn_supervisor_backoff(w->quick_deaths);
}

static void
reap(struct supervisor *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (unsigned i = 0; i < s->count; i++)
            if (s->workers[i].pid == pid)
                bury(s, i, status);
}

static bool
all_ready(const struct supervisor *s)
{
    for (unsigned i = 0; i < s->count; i++)
        if (!s->workers[i].ready)
            return false;
    return true;
}

static void
take_state(struct supervisor *s, struct worker *w, struct ptn_slice text)
{
    char count[16] = "0";
    struct ptn_slice first = text;

    w->answers = false;
    first = ptn_record_next(&first);
    (void)ptn_record_get(first, "count", count, sizeof count);
    s->refused = (unsigned)strtoul(count, NULL, 10);
    ptn_plan_update(&s->plan, text);
}

static void
on_message(struct supervisor *s, unsigned number)
{
    struct worker *w = &s->workers[number];
    ssize_t n = recv(w->channel, s->message, PTN_MESSAGE_MAX, MSG_DONTWAIT);

    if (n <= 0) /* its death comes as a signal */
        return;
    if (s->message[0] == PTN_MESSAGE_STATE)
        take_state(s, w, (struct ptn_slice){s->message + 1, (size_t)n - 1});
    if (s->message[0] != PTN_MESSAGE_READY)
        return;
    w->ready = true;
    if (s->phase == STARTING && all_ready(s)) {
        s->phase = SERVING;
        ptn_begin_log_ready(&s->plan, s->count);
        ptn_notify_ready();
    } else if (s->phase == SERVING) {
        ptn_log(PTN_LOG_INFO, "worker.replaced", PTN_FN("worker", number),
                PTN_FN("pid", w->pid),
                PTN_FN("after_ms", ptn_clock_ms() - w->started));
    }
}

/* --- waiting --- */

static bool
any_alive(const struct supervisor *s)
{
    for (unsigned i = 0; i < s->count; i++)
        if (s->workers[i].pid)
            return true;
    return false;
}

static bool
any_answer_due(const struct supervisor *s)
{
    for (unsigned i = 0; i < s->count; i++)
        if (s->workers[i].answers)
            return true;
    return false;
}

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
    for (unsigned i = 0; i < s->count; i++)
        sooner(&deadline, s->workers[i].due);
    if (!deadline)
        return -1;
    return deadline <= now              ? 0
           : deadline - now > INT32_MAX ? INT32_MAX
                                        : (int)(deadline - now);
}

static void
rotate_tickets(struct supervisor *s)
{
    struct ptn_error err = PTN_ERROR_INIT;

    s->rotate_due = ptn_clock_ms() + PTN_TICKET_ROTATION_MS;
    if (ptn_shared_rotate(s->shared, &err) != 0)
        ptn_log_error(PTN_LOG_ERROR, "tickets.not-rotated", &err);
    else
        tell_all(s, PTN_MESSAGE_TICKETS);
}

static void
kill_all(struct supervisor *s)
{
    s->kill_due = 0;
    for (unsigned i = 0; i < s->count; i++) {
        if (!s->workers[i].pid)
            continue;
        ptn_log(PTN_LOG_WARNING, "worker.killed", PTN_FN("worker", i),
                PTN_FN("pid", s->workers[i].pid));
        kill(s->workers[i].pid, SIGKILL);
    }
}

static void
do_what_is_due(struct supervisor *s)
{
    uint64_t now = ptn_clock_ms();

    if (s->rotate_due <= now)
        rotate_tickets(s);
    if (s->kill_due && s->kill_due <= now)
        kill_all(s);
    for (unsigned i = 0; i < s->count; i++)
        if (s->workers[i].due && s->workers[i].due <= now)
            replace(s, i);
}

/* Waits for the workers' messages, and for the two other descriptors if
 * they are given; bits of the answer say which of these are readable. */
static unsigned
wait_once(struct supervisor *s, const int fds[2], uint64_t deadline)
{
    struct pollfd *polls = ptn_alloc((s->count + 2) * sizeof *polls);
    unsigned result = 0;

    for (unsigned i = 0; i < 2; i++)
        polls[i] = (struct pollfd){fds[i], POLLIN, 0};
    for (unsigned i = 0; i < s->count; i++)
        polls[i + 2] = (struct pollfd){s->workers[i].channel, POLLIN, 0};
    if (poll(polls, s->count + 2, time_left(s, deadline)) > 0) {
        for (unsigned i = 0; i < 2; i++)
            if (polls[i].revents)
                result |= 1u << i;
        for (unsigned i = 0; i < s->count; i++)
            if (polls[i + 2].revents & POLLIN)
                on_message(s, i);
    }
    ptn_free(polls);
    return result;
}

/* --- what the operator asks for --- */

/* All workers read their certificates again; waits for what they found. */
static void
reload(struct supervisor *s)
{
    static const int nothing[2] = {-1, -1};
    uint64_t deadline = ptn_clock_ms() + STATE_WAIT_MS;

    ptn_notify_reloading();
    ptn_begin_reopen_log(s->conf);
    if (ptn_conf_has_changed(s->conf))
        ptn_log(PTN_LOG_WARNING, "server.config-changed",
                PTN_FS("hint", "a reload reads certificates alone; restart "
                               "the server for the rest"));
    s->refused = 0;
    for (unsigned i = 0; i < s->count; i++)
        s->workers[i].answers = s->workers[i].ready;
    tell_all(s, PTN_MESSAGE_RELOAD);
    while (any_answer_due(s) && ptn_clock_ms() < deadline) {
        wait_once(s, nothing, deadline);
        reap(s);
    }
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
            reap(s);
        else if (info.ssi_signo == SIGHUP && s->phase == SERVING)
            reload(s);
        else if (info.ssi_signo != SIGHUP)
            stop(s);
    }
}

static int
do_status(void *arg, struct ptn_buf *out, struct ptn_error *err)
{
    const struct supervisor *s = arg;
    struct ptn_status_server server = {s->conf->file, "workers", s->started};
    struct ptn_status_worker *workers = ptn_alloc(s->count * sizeof *workers);

    (void)err;
    for (unsigned i = 0; i < s->count; i++)
        workers[i] = (struct ptn_status_worker){
            s->workers[i].pid, s->workers[i].started, s->workers[i].restarts};
    ptn_status_write(&server, &s->plan, workers, s->shared, out);
    ptn_free(workers);
    return 0;
}

static int
do_stop(void *arg, struct ptn_buf *out, struct ptn_error *err)
{
    (void)out;
    (void)err;
    stop(arg);
    return 0;
}

static int
do_reload(void *arg, struct ptn_buf *out, struct ptn_error *err)
{
    struct supervisor *s = arg;

    (void)out;
    if (s->phase != SERVING)
        return ptn_error_set(err, PTN_ERR_INVALID,
                             "the server is starting or stopping");
    reload(s);
    if (s->refused == 0)
        return 0;
    return ptn_error_set(err, PTN_ERR_TLS,
                         "%u certificate(s) were refused and are served as "
                         "before; see the log",
                         s->refused);
}

static const struct ptn_control_verb verbs[] = {
    {"status", do_status},
    {"stop", do_stop},
    {"reload", do_reload},
    {NULL, NULL},
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
    struct ptn_child child = {.conf = s->conf, .supervisor = getpid()};
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
    s->shared = ptn_shared_new(s->count, err);
    if (!s->shared || ptn_begin_bind(&s->plan, &s->sockets, err) != 0 ||
        watch_signals(s, err) != 0)
        return -1;
    s->control = ptn_control_open(s->conf->server.control, verbs, s, err);
    if (!s->control)
        return -1;
    return ptn_begin_write_pid(s->conf, err);
}

static void
run(struct supervisor *s)
{
    const int fds[2] = {s->signals, ptn_control_fd(s->control)};

    s->rotate_due = ptn_clock_ms() + PTN_TICKET_ROTATION_MS;
    for (unsigned i = 0; i < s->count; i++)
        s->workers[i].due = s->started;
    while (s->phase != DRAINING || any_alive(s)) {
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
    if (s->control) {
        ptn_control_close(s->control);
        ptn_begin_remove_pid(s->conf);
    }
    if (s->signals >= 0)
        close(s->signals);
    ptn_sockets_close(&s->sockets);
    ptn_plan_free(&s->plan);
    if (s->shared)
        ptn_shared_free(s->shared);
    ptn_conf_free(s->conf);
    ptn_free(s->workers);
    ptn_free(s->message);
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
    s.count = count_workers(conf);
    s.workers = ptn_alloc(s.count * sizeof *s.workers);
    s.message = ptn_alloc(PTN_MESSAGE_MAX);
    ptn_sockets_init(&s.sockets, s.count);
    for (unsigned i = 0; i < s.count; i++)
        s.workers[i].channel = -1;
    ptn_log_set_process("supervisor");
    if (ptn_begin_folders(conf, &err) != 0)
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
