/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Processes and channels. The supervisor's one thread.
 */
#include "proc/crew.h"
#include "base/clock.h"
#include <errno.h>
#include <postern/log.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    QUICK_DEATH_MS = 10000, /* a life shorter than this is no success */
    BACKOFF_MIN_MS = 100,
    BACKOFF_MAX_MS = 10000,
    ABORT_GRACE_MS = 500, /* from SIGABRT to SIGKILL */
};

void
ptn_crew_init(struct ptn_crew *c, const struct ptn_conf *conf, unsigned count)
{
    *c = (struct ptn_crew){.conf = conf, .count = count};
    c->workers = ptn_alloc(count * sizeof *c->workers);
    c->message = ptn_alloc(PTN_MESSAGE_MAX);
    ptn_sockets_init(&c->sockets, count);
    for (unsigned i = 0; i < count; i++)
        c->workers[i].channel = -1;
}

void
ptn_crew_free(struct ptn_crew *c)
{
    ptn_sockets_close(&c->sockets);
    if (c->shared)
        ptn_shared_free(c->shared);
    ptn_free(c->workers);
    ptn_free(c->message);
}

void
ptn_crew_let_go(struct ptn_crew *c)
{
    for (unsigned i = 0; i < c->count; i++)
        if (c->workers[i].channel >= 0)
            close(c->workers[i].channel);
    ptn_sockets_close(&c->sockets);
}

uint64_t
ptn_crew_backoff(unsigned quick_deaths)
{
    uint64_t wait = BACKOFF_MIN_MS;

    if (quick_deaths < 2)
        return 0;
    for (unsigned i = 2; i < quick_deaths && wait < BACKOFF_MAX_MS; i++)
        wait *= 2;
    return wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS;
}

/* --- births --- */

static int
be_worker(struct ptn_crew *c, unsigned number, int channel,
          const int ends[PTN_CHANNELS], pid_t parent)
{
    struct ptn_child child = {
        .conf = c->conf,
        .supervisor = parent,
        .reports = c->reports,
        .sockets = &c->sockets,
        .shared = c->shared,
        .number = number,
        .count = c->count,
        .channel = channel,
        .channels = {ends[0], ends[1]},
        .again = c->again,
    };
    char name[24];

    snprintf(name, sizeof name, "worker-%u", number);
    for (unsigned i = 0; i < c->count; i++)
        if (c->workers[i].channel >= 0)
            close(c->workers[i].channel);
    ptn_sockets_keep(&c->sockets, number);
    c->let_go(c->arg);
    ptn_child_begin(&child, name);
    return ptn_child_work(&child);
}

static int
fork_worker(struct ptn_crew *c, unsigned number, struct ptn_error *err)
{
    struct ptn_crew_worker *w = &c->workers[number];
    pid_t parent = getpid();
    int pair[2], ends[PTN_CHANNELS];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return ptn_error_errno(err, "no channel to a worker");
    c->open_channels(c->arg, ends);
    w->pid = fork();
    if (w->pid < 0) {
        w->pid = 0;
        ptn_error_errno(err, "cannot fork a worker");
        close(pair[0]);
        close(pair[1]);
        ptn_channels_close(ends);
        return -1;
    }
    if (w->pid == 0) {
        close(pair[0]);
        exit(be_worker(c, number, pair[1], ends, parent));
    }
    close(pair[1]);
    ptn_channels_close(ends);
    w->channel = pair[0];
    w->ready = w->answers = w->aborted = false;
    w->pinged = 0;
    w->started = ptn_clock_ms();
    return 0;
}

void
ptn_crew_fork_due(struct ptn_crew *c)
{
    uint64_t now = ptn_clock_ms();

    for (unsigned i = 0; i < c->count; i++) {
        struct ptn_crew_worker *w = &c->workers[i];
        struct ptn_error err = PTN_ERROR_INIT;

        if (!w->due || w->due > now)
            continue;
        w->due = 0;
        w->restarts += c->again ? 1 : 0;
        if (fork_worker(c, i, &err) == 0)
            continue;
        ptn_log_error(PTN_LOG_ERROR, "worker.not-forked", &err);
        w->quick_deaths++;
        w->due = now + BACKOFF_MIN_MS + ptn_crew_backoff(w->quick_deaths);
    }
}

void
ptn_crew_replace(struct ptn_crew *c, unsigned number)
{
    struct ptn_crew_worker *w = &c->workers[number];
    uint64_t now = ptn_clock_ms();
    bool quick = now - w->started < QUICK_DEATH_MS;

    w->quick_deaths = quick ? w->quick_deaths + 1 : 0;
    w->due = now + ptn_crew_backoff(w->quick_deaths);
}

/* --- deaths --- */

static void
bury(struct ptn_crew *c, unsigned number, int status)
{
    struct ptn_crew_worker *w = &c->workers[number];

    close(w->channel);
    w->channel = -1;
    c->died(c->arg, number, status);
    w->pid = 0;
    w->ready = w->answers = false;
    atomic_store(&c->shared->slots[number].counters.sessions_open, 0);
}

void
ptn_crew_reap(struct ptn_crew *c)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        unsigned i = 0;

        while (i < c->count && c->workers[i].pid != pid)
            i++;
        if (i < c->count)
            bury(c, i, status);
        else
            c->other_died(c->arg, pid, status);
    }
}

void
ptn_crew_kill(struct ptn_crew *c)
{
    for (unsigned i = 0; i < c->count; i++) {
        if (!c->workers[i].pid)
            continue;
        ptn_log(PTN_LOG_WARNING, "worker.killed", PTN_FN("worker", i),
                PTN_FN("pid", c->workers[i].pid));
        kill(c->workers[i].pid, SIGKILL);
    }
}

/* --- messages --- */

bool
ptn_crew_send(struct ptn_crew *c, unsigned number, enum ptn_message type,
              struct ptn_slice text)
{
    struct ptn_crew_worker *w = &c->workers[number];
    char first = (char)type;
    struct iovec parts[2] = {{&first, 1}, {(void *)text.data, text.len}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    return w->channel >= 0 &&
           sendmsg(w->channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT) ==
               (ssize_t)(text.len + 1);
}

bool
ptn_crew_send_channels(struct ptn_crew *c, unsigned number,
                       const int ends[PTN_CHANNELS])
{
    struct ptn_crew_worker *w = &c->workers[number];

    return w->channel >= 0 &&
           ptn_channels_send(w->channel, PTN_MESSAGE_WARDEN, ends) == 0;
}

void
ptn_crew_tell(struct ptn_crew *c, enum ptn_message type)
{
    for (unsigned i = 0; i < c->count; i++) {
        struct ptn_crew_worker *w = &c->workers[i];
        bool sent = ptn_crew_send(c, i, type, PTN_SLICE(""));

        if (sent && type == PTN_MESSAGE_RELOAD && w->ready)
            w->answers = true;
    }
}

/* --- standstill --- */

/* A worker that hangs is told to abort, so that it reports where it stands,
 * and is killed if it does not even do that. */
static void
end_hanging(struct ptn_crew_worker *w, unsigned number, uint64_t silent)
{
    if (w->aborted) {
        kill(w->pid, SIGKILL);
        return;
    }
    ptn_log(PTN_LOG_ERROR, "worker.hangs", PTN_FN("worker", number),
            PTN_FN("pid", w->pid), PTN_FN("silent_ms", silent));
    /* To the thread of the loop, which is the one that hangs. */
    (void)syscall(SYS_tgkill, w->pid, w->pid, SIGABRT);
    kill(w->pid, SIGCONT); /* one that is stopped takes no signal */
    w->aborted = true;
}

static void
watch(struct ptn_crew *c, unsigned number, uint64_t limit)
{
    struct ptn_crew_worker *w = &c->workers[number];
    uint64_t now = ptn_clock_ms();

    if (!w->pinged) {
        w->pinged = now;
        (void)ptn_crew_send(c, number, PTN_MESSAGE_PING, PTN_SLICE(""));
    } else if (now - w->pinged >= limit) {
        end_hanging(w, number, now - w->pinged);
    }
}

static uint64_t
watch_pause(const struct ptn_crew *c, uint64_t limit)
{
    uint64_t pause = limit / 2 + 1;

    for (unsigned i = 0; i < c->count; i++)
        if (c->workers[i].aborted && pause > ABORT_GRACE_MS)
            pause = ABORT_GRACE_MS;
    return pause;
}

void
ptn_crew_watch(struct ptn_crew *c)
{
    uint64_t limit = c->conf->server.watchdog;

    for (unsigned i = 0; limit && i < c->count; i++)
        if (c->workers[i].ready)
            watch(c, i, limit);
    c->watch_due = limit ? ptn_clock_ms() + watch_pause(c, limit) : 0;
}

/* --- questions --- */

bool
ptn_crew_is_ready(const struct ptn_crew *c)
{
    for (unsigned i = 0; i < c->count; i++)
        if (!c->workers[i].ready)
            return false;
    return true;
}

bool
ptn_crew_is_alive(const struct ptn_crew *c)
{
    for (unsigned i = 0; i < c->count; i++)
        if (c->workers[i].pid)
            return true;
    return false;
}

bool
ptn_crew_is_asked(const struct ptn_crew *c)
{
    for (unsigned i = 0; i < c->count; i++)
        if (c->workers[i].answers)
            return true;
    return false;
}

uint64_t
ptn_crew_due(const struct ptn_crew *c)
{
    uint64_t earliest = 0;

    for (unsigned i = 0; i < c->count; i++) {
        uint64_t due = c->workers[i].due;

        if (due && (!earliest || due < earliest))
            earliest = due;
    }
    return earliest;
}

/* --- what they say --- */

void
ptn_crew_poll(const struct ptn_crew *c, struct pollfd *polls)
{
    for (unsigned i = 0; i < c->count; i++)
        polls[i] = (struct pollfd){c->workers[i].channel, POLLIN, 0};
}

static void
receive(struct ptn_crew *c, unsigned number)
{
    struct ptn_crew_worker *w = &c->workers[number];
    ssize_t n = recv(w->channel, c->message, PTN_MESSAGE_MAX, MSG_DONTWAIT);

    if (n <= 0) /* its death comes as a signal */
        return;
    w->pinged = 0; /* whatever it says, it lives */
    if (c->message[0] == PTN_MESSAGE_READY)
        w->ready = true;
    else if (c->message[0] == PTN_MESSAGE_STATE)
        w->answers = false;
    c->said(c->arg, number, (enum ptn_message)c->message[0],
            (struct ptn_slice){c->message + 1, (size_t)n - 1});
}

void
ptn_crew_receive(struct ptn_crew *c, const struct pollfd *polls)
{
    for (unsigned i = 0; i < c->count; i++)
        if (polls[i].revents & POLLIN)
            receive(c, i);
}
