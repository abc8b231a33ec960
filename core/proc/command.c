/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One run of a passphrase_command. Starting it: the main thread of the
 * supervisor, or of the single process before it serves. Reading: any
 * thread of who has the keys.
 */
#include "proc/command.h"
#include "base/clock.h"
#include "proc/privileges.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <postern/buf.h>
#include <postern/log.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    LINE_MOST = 500, /* octets of a line that are logged */
};

/* --- starting --- */

static _Noreturn void
fail(const char *what)
{
    dprintf(STDERR_FILENO, "%s: %s\n", what, strerror(errno));
    _exit(127);
}

/* In the child. */
static _Noreturn void
become(const struct ptn_conf *conf, const struct ptn_cert_conf *cert,
       const int output, const int errors)
{
    static char path[] =
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    const struct ptn_strings *words = &cert->passphrase_command;
    char **arguments = ptn_alloc((words->count + 1) * sizeof *arguments);
    struct ptn_buf name = PTN_BUF_INIT;
    char *environment[] = {path, NULL, NULL};
    struct ptn_error err = PTN_ERROR_INIT;
    sigset_t none;

    ptn_buf_printf(&name, "POSTERN_CERTIFICATE=%s", cert->name);
    environment[1] = (char *)(uintptr_t)ptn_buf_cstr(&name);
    for (size_t i = 0; i < words->count; i++)
        arguments[i] = (char *)(uintptr_t)words->items[i];
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0);
    setsid(); /* so that its children can be ended with it */
    sigemptyset(&none);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (chdir("/") != 0)
        fail("/");
    if (ptn_privileges_drop(conf->server.warden_user, &err) != 0) {
        dprintf(STDERR_FILENO, "%s\n", err.text);
        _exit(126);
    }
    execve(arguments[0], arguments, environment);
    fail(arguments[0]);
}

static void
close_both(const int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

int
ptn_command_start(const struct ptn_conf *conf, const struct ptn_cert_conf *cert,
                  struct ptn_command *c, struct ptn_error *err)
{
    int output[2], errors[2];

    if (pipe2(output, O_CLOEXEC) != 0)
        return ptn_error_errno(err, "no pipe for passphrase_command");
    if (pipe2(errors, O_CLOEXEC) != 0) {
        close_both(output);
        return ptn_error_errno(err, "no pipe for passphrase_command");
    }
    c->pid = fork();
    if (c->pid == 0)
        become(conf, cert, output[1], errors[1]);
    close(output[1]);
    close(errors[1]);
    c->ends[0] = output[0];
    c->ends[1] = errors[0];
    if (c->pid > 0)
        return 0;
    close_both(c->ends);
    return ptn_error_errno(err, "passphrase_command cannot be run");
}

void
ptn_command_kill(pid_t pid)
{
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL); /* it may not have a group of its own yet */
}

/* --- reading --- */

struct talk {
    const char *name;
    int ends[2]; /* -1: it has come to its end */
    char *out;
    size_t len;
    bool whole; /* the first line, with its end */
    bool too_long;
    struct ptn_buf line; /* of what it complains */
    unsigned lines;
};

static void
log_line(struct talk *t)
{
    if (t->line.len > 0 && t->lines++ < PTN_COMMAND_LINES)
        ptn_log(PTN_LOG_WARNING, "certificate.command-says",
                PTN_FS("certificate", t->name),
                PTN_F("text", ptn_buf_slice(&t->line)));
    t->line.len = 0;
}

static void
take_output(struct talk *t, const char *some, size_t n)
{
    for (size_t i = 0; i < n && !t->whole; i++) {
        if (some[i] == '\n' || some[i] == '\r' || some[i] == '\0')
            t->whole = true;
        else if (t->len == PTN_TLS_PASSPHRASE_MAX)
            t->too_long = t->whole = true;
        else
            t->out[t->len++] = some[i];
    }
}

static void
take_errors(struct talk *t, const char *some, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (some[i] == '\n')
            log_line(t);
        else if (t->line.len < LINE_MOST)
            ptn_buf_addc(&t->line, some[i]);
    }
}

static void
take(struct talk *t, int which)
{
    char some[512];
    ssize_t n = read(t->ends[which], some, sizeof some);

    if (n < 0 && errno == EINTR)
        return;
    if (n <= 0) {
        close(t->ends[which]);
        t->ends[which] = -1;
    } else if (which == 0) {
        take_output(t, some, (size_t)n);
    } else {
        take_errors(t, some, (size_t)n);
    }
    ptn_wipe(some, sizeof some);
}

/* False: time is up. */
static bool
listen_to(struct talk *t)
{
    uint64_t end = ptn_clock_ms() + PTN_COMMAND_MS, now;

    while (t->ends[0] >= 0 || t->ends[1] >= 0) {
        struct pollfd polls[2] = {{t->ends[0], POLLIN, 0},
                                  {t->ends[1], POLLIN, 0}};

        now = ptn_clock_ms();
        if (now >= end)
            return false;
        if (poll(polls, 2, (int)(end - now)) <= 0)
            continue;
        for (int i = 0; i < 2; i++)
            if (polls[i].revents)
                take(t, i);
    }
    return true;
}

size_t
ptn_command_read(const char *name, const int ends[2], char *out)
{
    struct talk t = {.name = name, .ends = {ends[0], ends[1]}, .out = out};
    bool in_time = listen_to(&t);
    const char *why = NULL;

    log_line(&t);
    ptn_buf_free(&t.line);
    for (int i = 0; i < 2; i++)
        if (t.ends[i] >= 0)
            close(t.ends[i]);
    if (t.too_long)
        why = "the first line is longer than a passphrase may be";
    else if (!in_time)
        why = "it did not end in time";
    else if (t.len == 0)
        why = "it printed nothing";
    if (why)
        ptn_log(PTN_LOG_ERROR, "certificate.command-failed",
                PTN_FS("certificate", name), PTN_FS("why", why));
    return t.too_long || (!in_time && !t.whole) ? 0 : t.len;
}
