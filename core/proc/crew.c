/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Processes and channels. The supervisor's one thread.
 */
#include "proc/crew.h"
#include "base/clock.h"
#include "proc/begin.h"
#include "proc/metrics.h"
#include <assert.h>
#include <errno.h>
#include <postern/log.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    QUICK_DEATH_MS = 10000, /* a life shorter than this is no success */
    BACKOFF_MIN_MS = 50,
    BACKOFF_MAX_MS = 10000,
    ABORT_GRACE_MS = 500, /* from SIGABRT to SIGKILL */
};

void
ptn_crew_init(struct ptn_crew *c)
{
    *c = (struct ptn_crew){.message = ptn_alloc(PTN_MESSAGE_MAX)};
}

void
ptn_crew_free(struct ptn_crew *c)
{
    for (unsigned i = 0; i < c->count; i++)
        ptn_generation_unref(c->workers[i].generation);
    ptn_sockets_close(&c->sockets);
    if (c->shared)
        ptn_shared_free(c->shared);
    ptn_tickets_free(&c->tickets);
    ptn_free(c->workers);
    ptn_free(c->message);
}

/* --- slots --- */

/* A free one, or a new one; -1: there are too many. */
static int
find_slot(struct ptn_crew *c)
{
    for (unsigned i = 0; i < c->count; i++)
        if (c->workers[i].phase == PTN_WORKER_FREE)
            return (int)i;
    if (c->count == c->shared->workers)
        return -1;
    c->workers = ptn_realloc(c->workers, (c->count + 1) * sizeof *c->workers);
    return (int)c->count++;
}

int
ptn_crew_hire(struct ptn_crew *c, struct ptn_generation *generation,
              const struct ptn_group_conf *group, unsigned rank)
{
    int slot = find_slot(c);

    if (slot < 0)
        return -1;
    c->workers[slot] = (struct ptn_crew_worker){
        .phase = PTN_WORKER_DUE,
        .generation = ptn_generation_ref(generation),
        .group = group,
        .rank = rank,
        .born = generation->number,
        .channel = -1,
        .due = ptn_clock_ms(),
    };
    return slot;
}

void
ptn_crew_adopt(struct ptn_crew *c, unsigned number,
               struct ptn_generation *generation,
               const struct ptn_group_conf *group)
{
    struct ptn_crew_worker *w = &c->workers[number];
    struct ptn_generation *before = w->generation;

    w->generation = ptn_generation_ref(generation);
    w->group = group;
    ptn_generation_unref(before);
}

void
ptn_crew_release(struct ptn_crew *c, unsigned number)
{
    struct ptn_crew_worker *w = &c->workers[number];

    ptn_generation_unref(w->generation);
    *w = (struct ptn_crew_worker){.channel = -1};
}

uint64_t
ptn_crew_backoff(unsigned quick_deaths)
{
    uint64_t wait = BACKOFF_MIN_MS;

    if (quick_deaths < 3)
        return 0;
    for (unsigned i = 3; i < quick_deaths && wait < BACKOFF_MAX_MS; i++)
        wait *= 2;
    return wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS;
}

void
ptn_crew_replace(struct ptn_crew *c, unsigned number)
{
    struct ptn_crew_worker *w = &c->workers[number];
    uint64_t now = ptn_clock_ms();
    bool quick = now - w->started < QUICK_DEATH_MS;

    w->quick_deaths = quick ? w->quick_deaths + 1 : 0;
    w->phase = PTN_WORKER_DUE;
    w->due = now + ptn_crew_backoff(w->quick_deaths);
    w->died = now;
    w->restarts++;
    ptn_metrics_restarted(c->shared, w->group->name);
}

void
ptn_crew_serve(struct ptn_crew *c, unsigned number)
{
    struct ptn_crew_worker *w = &c->workers[number];

    assert(w->phase == PTN_WORKER_READY);
    w->phase = PTN_WORKER_SERVING;
    (void)ptn_crew_send(c, number, PTN_MESSAGE_SERVE, PTN_SLICE(""));
}

static void
set_patience(const struct ptn_crew *c, struct ptn_crew_worker *w)
{
    w->due = c->patience ? w->retired + c->patience : 0;
}

void
ptn_crew_retire(struct ptn_crew *c, unsigned number)
{
    struct ptn_crew_worker *w = &c->workers[number];
    bool serves = w->phase == PTN_WORKER_SERVING;

    if (!w->pid) {
        ptn_crew_release(c, number);
        return;
    }
    w->phase = PTN_WORKER_RETIRED;
    w->retired = ptn_clock_ms();
    set_patience(c, w);
    if (serves)
        w->leaving =
            ptn_crew_send(c, number, PTN_MESSAGE_RETIRE, PTN_SLICE(""));
    else
        kill(w->pid, SIGKILL);
}

void
ptn_crew_set_patience(struct ptn_crew *c, uint64_t patience)
{
    c->patience = patience;
    for (unsigned i = 0; i < c->count; i++)
        if (c->workers[i].phase == PTN_WORKER_RETIRED && c->workers[i].retired)
            set_patience(c, &c->workers[i]);
}

/* --- births --- */

static void
let_go(struct ptn_crew *c, const struct ptn_socket *mine, size_t count)
{
    for (unsigned i = 0; i < c->count; i++)
        if (c->workers[i].channel >= 0)
            close(c->workers[i].channel);
    ptn_sockets_keep(&c->sockets, mine, count);
    ptn_tickets_free(&c->tickets);
}

void
ptn_crew_let_go(struct ptn_crew *c)
{
    let_go(c, NULL, 0);
}

/* "worker-3", or "lab-3" in a group of its own. */
static void
name_worker(const struct ptn_crew_worker *w, unsigned number, char name[24])
{
    bool is_main = strcmp(w->group->name, PTN_GROUP_MAIN) == 0;

    snprintf(name, 24, "%.16s-%u", is_main ? "worker" : w->group->name, number);
}

static int
be_worker(struct ptn_crew *c, unsigned number, int channel,
          const int ends[PTN_CHANNELS], pid_t parent)
{
    const struct ptn_crew_worker *w = &c->workers[number];
    const struct ptn_generation *g = w->generation;
    struct ptn_buf sockets = PTN_BUF_INIT, modules = PTN_BUF_INIT;
    struct ptn_child child = {
        .conf = g->conf,
        .supervisor = parent,
        .reports = c->reports,
        .group = w->group,
        .shared = c->shared,
        .number = number,
        .count = ptn_conf_group_workers(g->conf, w->group),
        .rank = w->rank,
        .channel = channel,
        .channels = {ends[0], ends[1]},
        .again = c->again,
    };
    char name[24];

    name_worker(w, number, name);
    ptn_plan_modules(&g->plan, w->group->name, &modules);
    ptn_begin_sockets(&g->plan, w->group->name, w->rank, child.count,
                      &c->sockets, &sockets);
    child.modules = modules.len ? ptn_buf_cstr(&modules) : NULL;
    child.sockets = (struct ptn_socket *)sockets.data;
    child.socket_count = sockets.len / sizeof(struct ptn_socket);
    let_go(c, child.sockets, child.socket_count);
    c->let_go(c->arg);
    ptn_child_begin(&child, name);
    return ptn_child_work(&child);
}

static int
give_tickets(struct ptn_crew *c, unsigned number, struct ptn_error *err)
{
    const uint8_t *ring =
        ptn_tickets_of(&c->tickets, c->workers[number].group->name, err);

    if (!ring)
        return -1;
    ptn_shared_give_tickets(c->shared, number, ring);
    return 0;
}

static int
fork_worker(struct ptn_crew *c, unsigned number, struct ptn_error *err)
{
    struct ptn_crew_worker *w = &c->workers[number];
    pid_t parent = getpid();
    int pair[2], ends[PTN_CHANNELS];

    if (give_tickets(c, number, err) != 0)
        return -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return ptn_error_errno(err, "no channel to a worker");
    c->open_channels(c->arg, number, ends);
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
    w->phase = PTN_WORKER_STARTING;
    w->aborted = w->leaving = false;
    w->pinged = w->due = 0;
    w->started = ptn_clock_ms();
    return 0;
}

static void
fork_due(struct ptn_crew *c, unsigned number)
{
    struct ptn_crew_worker *w = &c->workers[number];
    struct ptn_error err = PTN_ERROR_INIT;

    if (fork_worker(c, number, &err) == 0)
        return;
    ptn_log_error(PTN_LOG_ERROR, "worker.not-forked", &err);
    w->quick_deaths++;
    w->due =
        ptn_clock_ms() + BACKOFF_MIN_MS + ptn_crew_backoff(w->quick_deaths);
}

void
ptn_crew_do_due(struct ptn_crew *c)
{
    uint64_t now = ptn_clock_ms();

    for (unsigned i = 0; i < c->count; i++) {
        struct ptn_crew_worker *w = &c->workers[i];

        if (!w->due || w->due > now)
            continue;
        if (w->phase == PTN_WORKER_DUE) {
            fork_due(c, i);
        } else if (w->phase == PTN_WORKER_RETIRED) {
            w->due = w->retired = 0;
            (void)ptn_crew_send(c, i, PTN_MESSAGE_DRAIN, PTN_SLICE(""));
        }
    }
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

/* --- deaths --- */

bool
ptn_crew_bury(struct ptn_crew *c, pid_t pid, int status)
{
    for (unsigned i = 0; i < c->count; i++) {
        struct ptn_crew_worker *w = &c->workers[i];

        if (w->pid != pid)
            continue;
        close(w->channel);
        w->channel = -1;
        ptn_shared_fold(c->shared, i);
        c->died(c->arg, i, status);
        c->workers[i].pid = 0;
        return true;
    }
    return false;
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
                       enum ptn_message type, const int ends[PTN_CHANNELS])
{
    const struct ptn_crew_worker *w = &c->workers[number];

    return w->channel >= 0 &&
           ptn_channels_send(w->channel, (char)type, "", ends) == 0;
}

void
ptn_crew_tell(struct ptn_crew *c, enum ptn_message type)
{
    for (unsigned i = 0; i < c->count; i++)
        (void)ptn_crew_send(c, i, type, PTN_SLICE(""));
}

int
ptn_crew_rotate(struct ptn_crew *c, struct ptn_error *err)
{
    int result = ptn_tickets_rotate(&c->tickets, err);

    for (unsigned i = 0; i < c->count && result == 0; i++)
        if (c->workers[i].pid)
            result = give_tickets(c, i, err);
    ptn_crew_tell(c, PTN_MESSAGE_TICKETS);
    return result;
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
watch(struct ptn_crew *c, unsigned number)
{
    struct ptn_crew_worker *w = &c->workers[number];
    uint64_t now = ptn_clock_ms();

    if (!w->pinged) {
        w->pinged = now;
        (void)ptn_crew_send(c, number, PTN_MESSAGE_PING, PTN_SLICE(""));
    } else if (now - w->pinged >= c->watchdog) {
        end_hanging(w, number, now - w->pinged);
    }
}

static uint64_t
watch_pause(const struct ptn_crew *c)
{
    uint64_t pause = c->watchdog / 2 + 1;

    for (unsigned i = 0; i < c->count; i++)
        if (c->workers[i].aborted && pause > ABORT_GRACE_MS)
            pause = ABORT_GRACE_MS;
    return pause;
}

void
ptn_crew_watch(struct ptn_crew *c)
{
    for (unsigned i = 0; c->watchdog && i < c->count; i++)
        if (ptn_crew_is_up(c, i))
            watch(c, i);
    c->watch_due = c->watchdog ? ptn_clock_ms() + watch_pause(c) : 0;
}

bool
ptn_crew_answers(struct ptn_crew *c, uint64_t patience)
{
    uint64_t now = ptn_clock_ms();
    bool all = true;

    for (unsigned i = 0; i < c->count; i++) {
        struct ptn_crew_worker *w = &c->workers[i];

        if (!ptn_crew_is_up(c, i))
            continue;
        all = all && (!w->pinged || now - w->pinged < patience);
        if (w->pinged)
            continue;
        w->pinged = now;
        (void)ptn_crew_send(c, i, PTN_MESSAGE_PING, PTN_SLICE(""));
    }
    return all;
}

/* --- questions --- */

const char *
ptn_crew_phase_name(enum ptn_worker_phase phase)
{
    static const char *const names[] = {"free",  "due",     "starting",
                                        "ready", "serving", "retired"};

    return names[phase];
}

bool
ptn_crew_is_up(const struct ptn_crew *c, unsigned number)
{
    const struct ptn_crew_worker *w = &c->workers[number];

    return w->pid && w->phase >= PTN_WORKER_READY;
}

bool
ptn_crew_is_leaving(const struct ptn_crew *c)
{
    for (unsigned i = 0; i < c->count; i++)
        if (c->workers[i].pid && c->workers[i].leaving)
            return true;
    return false;
}

bool
ptn_crew_is_alive(const struct ptn_crew *c)
{
    for (unsigned i = 0; i < c->count; i++)
        if (c->workers[i].pid)
            return true;
    return false;
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
    if (c->message[0] == PTN_MESSAGE_READY && w->phase == PTN_WORKER_STARTING)
        w->phase = PTN_WORKER_READY;
    else if (c->message[0] == PTN_MESSAGE_LEFT)
        w->leaving = false;
    c->said(c->arg, number, (enum ptn_message)c->message[0],
            (struct ptn_slice){c->message + 1, (size_t)n - 1});
}

void
ptn_crew_receive(struct ptn_crew *c, const struct pollfd *polls, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if ((polls[i].revents & POLLIN) && c->workers[i].channel >= 0)
            receive(c, i);
}
