/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The spawner's process: one thread, one poll(2), as the supervisor of an
 * envoy that it is. It ends when nobody has the other end of its channel.
 */
#include "proc/spawner.h"
#include "base/clock.h"
#include "log/log.h"
#include "proc/begin.h"
#include "proc/channels.h"
#include "proc/crash.h"
#include "proc/envoy.h"
#include "proc/heir.h"
#include "proc/sandbox.h"
#include "proc/server.h"
#include <errno.h>
#include <fcntl.h>
#include <postern/log.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CHANNEL,
    SIGNALS,
    ENVOY, /* and its hook */
    SOURCES = ENVOY + PTN_ENVOY_FDS,
};

struct spawner {
    struct ptn_conf *conf; /* as it was read last */
    char *modules;
    struct ptn_envoy envoy;
    int channel, signals;
    pid_t told; /* of the envoy */
};

static void
tell(const struct spawner *s, enum ptn_spawner_message type,
     struct ptn_slice text)
{
    char message[PTN_ENVOY_MESSAGE_MAX + 1];

    if (text.len > PTN_ENVOY_MESSAGE_MAX)
        text.len = PTN_ENVOY_MESSAGE_MAX;
    message[0] = (char)type;
    if (text.len > 0)
        memcpy(message + 1, text.data, text.len);
    (void)send(s->channel, message, text.len + 1, MSG_NOSIGNAL);
}

/* --- what the envoy needs --- */

static int
meet(void *arg, int fd, struct ptn_error *err)
{
    const struct spawner *s = arg;
    const int ends[PTN_CHANNELS] = {fd, fd};

    if (ptn_channels_send(s->channel, PTN_SPAWNER_MEET, "", ends) == 0)
        return 0;
    return ptn_error_errno(err, "the server was not told of the envoy");
}

static void
reported(void *arg, struct ptn_slice record)
{
    tell(arg, PTN_SPAWNER_REPORT, record);
}

static void
concluded(void *arg, const char *problem)
{
    tell(arg, PTN_SPAWNER_DONE, ptn_slice_of(problem));
}

/* In the envoy, and in its hook: what is not theirs. */
static void
let_go(void *arg)
{
    const struct spawner *s = arg;

    close(s->channel);
    close(s->signals);
    if (s->envoy.channel >= 0)
        close(s->envoy.channel);
}

/* --- what it is told --- */

/* By a server that has taken this configuration over, and so found it good;
 * should it be another one by now, that is for its next reload. */
static void
employ(struct spawner *s, const char *modules)
{
    struct ptn_conf *before = s->conf;
    char *old = s->modules;

    s->conf = ptn_conf_read(before->file, 0);
    if (ptn_conf_failed(s->conf)) {
        ptn_log(PTN_LOG_ERROR, "envoy.configuration-not-read",
                PTN_FS("file", before->file));
        ptn_conf_free(s->conf);
        s->conf = before;
        before = NULL;
    }
    s->modules = ptn_strdup(modules);
    ptn_begin_reopen_log(s->conf);
    ptn_envoy_employ(&s->envoy, s->conf, s->modules);
    ptn_free(old);
    if (before)
        ptn_conf_free(before);
}

/* False: there is nobody any more. */
static bool
receive(struct spawner *s)
{
    char message[PTN_ENVOY_MESSAGE_MAX + 1];
    struct ptn_error err = PTN_ERROR_INIT;
    ssize_t n = recv(s->channel, message, sizeof message - 1, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0)
        return false;
    message[n] = '\0';
    if (message[0] == PTN_SPAWNER_EMPLOY)
        employ(s, message + 1);
    else if (message[0] == PTN_SPAWNER_WISH &&
             ptn_envoy_wish(&s->envoy, ptn_slice_of(message + 1), &err) != 0)
        concluded(s, err.text);
    return true;
}

static void
reap(struct spawner *s)
{
    struct signalfd_siginfo info;
    int status;
    pid_t pid;

    while (read(s->signals, &info, sizeof info) > 0)
        continue;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        (void)ptn_envoy_bury(&s->envoy, pid, status);
}

static void
tell_pid(struct spawner *s)
{
    char text[24];

    if (s->envoy.pid == s->told)
        return;
    s->told = s->envoy.pid;
    snprintf(text, sizeof text, "%ld", (long)s->told);
    tell(s, PTN_SPAWNER_PID, ptn_slice_of(text));
}

static int
time_left(const struct spawner *s)
{
    uint64_t due = ptn_envoy_due(&s->envoy), now = ptn_clock_ms();

    if (!due)
        return -1;
    if (due <= now)
        return 0;
    return due - now > INT32_MAX ? INT32_MAX : (int)(due - now);
}

static void
serve(struct spawner *s)
{
    struct pollfd polls[SOURCES];

    for (;;) {
        ptn_envoy_do_due(&s->envoy);
        tell_pid(s);
        polls[CHANNEL] = (struct pollfd){s->channel, POLLIN, 0};
        polls[SIGNALS] = (struct pollfd){s->signals, POLLIN, 0};
        ptn_envoy_poll(&s->envoy, polls + ENVOY);
        if (poll(polls, SOURCES, time_left(s)) <= 0)
            continue;
        ptn_envoy_receive(&s->envoy, polls + ENVOY);
        if (polls[SIGNALS].revents)
            reap(s);
        if (polls[CHANNEL].revents && !receive(s))
            break;
    }
    ptn_envoy_free(&s->envoy);
}

/* --- its beginning --- */

/* It ends with the server, whose sessions may still need it, and not by a
 * signal to all of a group. */
static int
watch_signals(void)
{
    sigset_t set;

    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* What the server has open is not this one's: ports of a service manager,
 * say. The log is opened again. */
static void
keep_only(int fd)
{
    if (fd > STDERR_FILENO + 1)
        syscall(SYS_close_range, STDERR_FILENO + 1, (unsigned)fd - 1, 0);
    syscall(SYS_close_range, (unsigned)fd + 1, ~0u, 0);
}

static int
run(struct ptn_conf *conf, int channel)
{
    struct spawner s = {.conf = conf, .channel = channel};
    struct ptn_error err = PTN_ERROR_INIT;

    keep_only(channel);
    ptn_log_set_process("spawner");
    ptn_begin_reopen_log(conf);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    s.signals = watch_signals();
    ptn_crash_watch(-1, "spawner", conf->server.module_path, &conf->load);
    ptn_crash_map(NULL);
    if (s.signals < 0 ||
        ptn_sandbox_enter(conf, PTN_SANDBOX_SUPERVISOR, &err) != 0 ||
        ptn_sandbox_confine(conf, NULL, &err) != 0) {
        ptn_log_error(PTN_LOG_ERROR, "spawner.not-started", &err);
        return PTN_EXIT_FAILED;
    }
    ptn_envoy_init(&s.envoy, NULL);
    s.envoy.meet = meet;
    s.envoy.reported = reported;
    s.envoy.concluded = concluded;
    s.envoy.let_go = let_go;
    s.envoy.arg = &s;
    serve(&s);
    return PTN_EXIT_OK;
}

static int
inherited(void)
{
    const char *text = getenv(PTN_SPAWNER_VARIABLE);
    uint64_t fd;

    if (!text || !ptn_slice_to_u64(ptn_slice_of(text), INT16_MAX, &fd) ||
        fcntl((int)fd, F_SETFD, FD_CLOEXEC) != 0)
        return -1;
    return (int)fd;
}

int
ptn_spawner_begin(struct ptn_conf *conf)
{
    int fd = inherited(), pair[2];
    pid_t pid;

    if (fd >= 0 || ptn_heir_is() || !ptn_conf_has_errands(conf))
        return fd;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return -1;
    fflush(NULL);
    pid = fork();
    if (pid == 0)
        exit(run(conf, pair[1]));
    close(pair[1]);
    if (pid > 0)
        return pair[0];
    close(pair[0]);
    return -1;
}
