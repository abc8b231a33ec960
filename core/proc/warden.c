/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A warden's process and its channel. The supervisor's one thread.
 */
#include "proc/warden.h"
#include "base/clock.h"
#include "proc/crew.h"
#include "proc/report.h"
#include "proc/ward.h"
#include <errno.h>
#include <fcntl.h>
#include <postern/log.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    QUICK_DEATH_MS = 10000, /* a life shorter than this is no success */
    RETRY_MS = 100,
};

void
ptn_warden_init(struct ptn_warden *w, struct ptn_conf *conf,
                const char *modules, struct ptn_reports *reports)
{
    *w = (struct ptn_warden){.conf = conf,
                             .modules = modules,
                             .reports = reports,
                             .channel = -1,
                             .escrow = -1,
                             .due = 1};
}

static void
close_channel(struct ptn_warden *w)
{
    if (w->channel >= 0)
        close(w->channel);
    w->channel = -1;
}

void
ptn_warden_free(struct ptn_warden *w)
{
    close_channel(w);
    ptn_buf_free(&w->news);
    ptn_buf_free(&w->said);
}

static int
be_warden(const struct ptn_warden *w, int channel, pid_t parent)
{
    struct ptn_ward ward = {
        .conf = w->conf,
        .modules = w->modules,
        .reports = w->reports,
        .supervisor = parent,
        .channel = channel,
        .again = w->again || w->logs,
        .escrow = fcntl(w->escrow, F_DUPFD_CLOEXEC, 0),
    };

    if (w->let_go)
        w->let_go(w->arg);
    if (w->shared) {
        ptn_shared_keep(w->shared, w->slot);
        ptn_metrics_use(ptn_shared_area(w->shared, w->slot));
    }
    return ptn_ward_run(&ward);
}

static int
fork_it(struct ptn_warden *w, struct ptn_error *err)
{
    pid_t parent = getpid();
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return ptn_error_errno(err, "no channel to the warden");
    w->pid = fork();
    if (w->pid < 0) {
        w->pid = 0;
        ptn_error_errno(err, "cannot fork the warden");
        close(pair[0]);
        close(pair[1]);
        return -1;
    }
    if (w->pid == 0) {
        close(pair[0]);
        exit(be_warden(w, pair[1], parent));
    }
    close(pair[1]);
    w->channel = pair[0];
    w->ready = w->answers = false;
    w->pinged = 0;
    w->started = ptn_clock_ms();
    return 0;
}

void
ptn_warden_fork_due(struct ptn_warden *w)
{
    struct ptn_error err = PTN_ERROR_INIT;
    uint64_t now = ptn_clock_ms();

    if (!w->due || w->due > now)
        return;
    w->due = 0;
    w->restarts += w->again ? 1 : 0;
    if (fork_it(w, &err) == 0)
        return;
    ptn_log_error(PTN_LOG_ERROR, "warden.not-forked", &err);
    w->quick_deaths++;
    w->due = now + RETRY_MS + ptn_crew_backoff(w->quick_deaths);
}

/* --- channels --- */

int
ptn_warden_open(struct ptn_warden *w, const char *group, int ends[PTN_CHANNELS],
                struct ptn_error *err)
{
    int others[PTN_CHANNELS], result;

    ends[PTN_CHANNEL_SIGN] = ends[PTN_CHANNEL_AUTH] = -1;
    if (w->channel < 0)
        return ptn_error_set(err, PTN_ERR_SYSTEM, "there is no warden now");
    if (ptn_channels_new(ends, others, err) != 0)
        return -1;
    result = ptn_channels_send(w->channel, PTN_WARDEN_CHANNELS, group, others);
    if (result != 0) {
        ptn_error_errno(err, "the warden was not told of a worker");
        ptn_channels_close(ends);
    }
    ptn_channels_close(others);
    return result;
}

int
ptn_warden_meet_envoy(struct ptn_warden *w, int fd, struct ptn_error *err)
{
    const int ends[PTN_CHANNELS] = {fd, fd};

    if (w->channel < 0 || !w->ready)
        return ptn_error_set(err, PTN_ERR_SYSTEM, "there is no warden now");
    if (ptn_channels_send(w->channel, PTN_WARDEN_ENVOY, "", ends) == 0)
        return 0;
    return ptn_error_errno(err, "the warden was not told of the envoy");
}

/* --- messages --- */

bool
ptn_warden_say(struct ptn_warden *w, enum ptn_warden_message type,
               struct ptn_slice text)
{
    char first = (char)type;
    struct iovec parts[2] = {{&first, 1}, {(void *)text.data, text.len}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    return w->channel >= 0 &&
           sendmsg(w->channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT) ==
               (ssize_t)(text.len + 1);
}

void
ptn_warden_tell(struct ptn_warden *w, enum ptn_warden_message type)
{
    if (ptn_warden_say(w, type, PTN_SLICE("")))
        w->answers = w->answers || type == PTN_WARDEN_RELOAD;
}

static void
take_ready(struct ptn_warden *w)
{
    w->ready = w->news_of_all = true;
    if (w->again)
        ptn_log(PTN_LOG_INFO, "warden.replaced", PTN_FN("pid", w->pid),
                PTN_FN("after_ms", ptn_clock_ms() - w->started));
    w->again = true;
}

static void
take_counts(struct ptn_warden *w, const char *text)
{
    char *end;

    w->refused = (unsigned)strtoul(text, &end, 10);
    w->round = strtoull(end, NULL, 10);
}

static void
take_text(struct ptn_warden *w, const char *text, size_t len)
{
    w->said.len = 0;
    ptn_buf_add(&w->said, text, len);
}

int
ptn_warden_receive(struct ptn_warden *w)
{
    char message[PTN_WARDEN_MESSAGE_MAX + 1];
    ssize_t n = recv(w->channel, message, sizeof message - 1, MSG_DONTWAIT);

    if (n <= 0) /* its death comes as a signal */
        return 0;
    message[n] = '\0';
    w->pinged = 0; /* whatever it says, it lives */
    if (message[0] == PTN_WARDEN_READY)
        take_ready(w);
    else if (message[0] == PTN_WARDEN_RELOADED)
        w->answers = false;
    if (message[0] == PTN_WARDEN_NEWS)
        ptn_buf_add(&w->news, message + 1, (size_t)n - 1);
    else if (message[0] == PTN_WARDEN_VERDICT ||
             message[0] == PTN_WARDEN_COMMAND)
        take_text(w, message + 1, (size_t)n - 1);
    else if (message[0] != PTN_WARDEN_PING)
        take_counts(w, message + 1);
    return message[0];
}

void
ptn_warden_watch(struct ptn_warden *w, uint64_t limit)
{
    uint64_t now = ptn_clock_ms();

    if (!limit || !w->ready)
        return;
    if (!w->pinged) {
        w->pinged = now;
        ptn_warden_tell(w, PTN_WARDEN_PING);
    } else if (now - w->pinged >= limit) {
        ptn_log(PTN_LOG_ERROR, "warden.hangs", PTN_FN("pid", w->pid),
                PTN_FN("silent_ms", now - w->pinged));
        kill(w->pid, SIGKILL);
        w->ready = false;
    }
}

/* --- the end --- */

static void
log_death(const struct ptn_warden *w, int status)
{
    uint64_t life = ptn_clock_ms() - w->started;

    if (WIFSIGNALED(status)) {
        struct ptn_log_field fields[] = {
            PTN_FN("pid", w->pid), PTN_FN("signal", WTERMSIG(status)),
            PTN_FS("name", strsignal(WTERMSIG(status))),
            PTN_FN("uptime_ms", life)};

        ptn_reports_death(w->reports, w->pid, "warden.died", fields,
                          PTN_COUNT(fields));
    } else {
        ptn_log(WEXITSTATUS(status) ? PTN_LOG_ERROR : PTN_LOG_INFO,
                "warden.ended", PTN_FN("pid", w->pid),
                PTN_FN("status", WEXITSTATUS(status)),
                PTN_FN("uptime_ms", life));
    }
}

bool
ptn_warden_reap(struct ptn_warden *w, pid_t pid, int status)
{
    uint64_t now = ptn_clock_ms();

    if (!w->pid || w->pid != pid)
        return false;
    if (w->again && !w->retired)
        log_death(w, status);
    close_channel(w);
    w->pid = 0;
    w->ready = w->answers = false;
    w->quick_deaths =
        now - w->started < QUICK_DEATH_MS ? w->quick_deaths + 1 : 0;
    if (w->again && !w->retired)
        w->due = now + ptn_crew_backoff(w->quick_deaths);
    return true;
}

void
ptn_warden_retire(struct ptn_warden *w)
{
    w->retired = true;
    w->due = 0;
    ptn_warden_tell(w, PTN_WARDEN_RETIRE);
}
