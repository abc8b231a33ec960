/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One run of the operator's program. The supervisor's one thread.
 *
 *   begin --fork--> runs --exit, or killed--> bury
 *                    | output: lines in the log
 */
#include "proc/hook.h"
#include "base/clock.h"
#include "proc/plan.h"
#include "proc/privileges.h"
#include <errno.h>
#include <fcntl.h>
#include <postern/log.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    NAME_MAX_ = 253,
    VALUE_SIZE = 43, /* SHA-256 in base64url, RFC 8555 section 8.4 */
    LINE_MAX_ = 1024,
};

struct request {
    char action[16], name[NAME_MAX_ + 1], value[VALUE_SIZE + 1];
};

/* --- what it may be asked --- */

static bool
is_configured(const struct ptn_conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->cert_count; i++)
        for (size_t j = 0; j < conf->certs[i].names.count; j++) {
            const char *one = conf->certs[i].names.items[j];

            one += strncmp(one, "*.", 2) == 0 ? 2 : 0;
            if (ptn_cert_is_fetched(&conf->certs[i]) &&
                strcasecmp(one, name) == 0)
                return true;
        }
    return false;
}

static int
parse(const struct ptn_conf *conf, struct ptn_slice text, struct request *out,
      struct ptn_error *err)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
                                   "nopqrstuvwxyz0123456789-_";

    if (!conf->envoy.hook)
        return ptn_error_set(err, PTN_ERR_CONFIG,
                             "envoy.hook: is not set, and dns-01 needs it");
    if (!ptn_record_get(text, "action", out->action, sizeof out->action) ||
        !ptn_record_get(text, "name", out->name, sizeof out->name) ||
        !ptn_record_get(text, "value", out->value, sizeof out->value) ||
        (strcmp(out->action, "present") != 0 &&
         strcmp(out->action, "cleanup") != 0) ||
        strspn(out->value, alphabet) != VALUE_SIZE ||
        !is_configured(conf, out->name))
        return ptn_error_set(err, PTN_ERR_INVALID,
                             "a malformed request for envoy.hook");
    return 0;
}

/* --- running it --- */

static _Noreturn void
fail_child(const char *what)
{
    dprintf(STDERR_FILENO, "%s: %s\n", what, strerror(errno));
    _exit(127);
}

/* In the child. Nothing of the server goes along: no descriptor, no signal
 * mask, no variable of its environment but PATH. */
static _Noreturn void
become(const struct ptn_conf *conf, const struct request *r, int output)
{
    const char *user =
        conf->envoy.hook_user ? conf->envoy.hook_user : conf->server.user;
    static char path[] =
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    char action[32], name[300], record[320], value[64];
    char *arguments[] = {(char *)(uintptr_t)conf->envoy.hook, NULL};
    char *environment[] = {path, action, name, record, value, NULL};
    struct ptn_error err = PTN_ERROR_INIT;
    sigset_t none;
    int null = open("/dev/null", O_RDONLY);

    snprintf(action, sizeof action, "ACTION=%s", r->action);
    snprintf(name, sizeof name, "NAME=%s", r->name);
    snprintf(record, sizeof record, "RECORD=_acme-challenge.%s", r->name);
    snprintf(value, sizeof value, "VALUE=%s", r->value);
    dup2(null, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0);
    setsid(); /* so that its children can be ended with it */
    sigemptyset(&none);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (chdir("/") != 0)
        fail_child("/");
    if (ptn_privileges_drop(user, &err) != 0) {
        dprintf(STDERR_FILENO, "%s\n", err.text);
        _exit(126);
    }
    execve(conf->envoy.hook, arguments, environment);
    fail_child(conf->envoy.hook);
}

int
ptn_hook_begin(struct ptn_hook *h, const struct ptn_conf *conf,
               struct ptn_slice text, struct ptn_error *err)
{
    struct request request;
    int ends[2];

    if (parse(conf, text, &request, err) != 0)
        return -1;
    if (h->pid)
        return ptn_error_set(err, PTN_ERR_LIMIT, "envoy.hook runs already");
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return ptn_error_errno(err, "envoy.hook: no pipe");
    h->pid = fork();
    if (h->pid == 0) {
        fcntl(ends[1], F_SETFL, 0); /* it may print as others do */
        become(conf, &request, ends[1]);
    }
    close(ends[1]);
    if (h->pid < 0) {
        h->pid = 0;
        close(ends[0]);
        return ptn_error_errno(err, "envoy.hook cannot be run");
    }
    h->output = ends[0];
    h->late = false;
    h->lines = 0;
    h->due = ptn_clock_ms() + conf->envoy.hook_timeout;
    ptn_log(PTN_LOG_INFO, "hook.started", PTN_FS("action", request.action),
            PTN_FS("name", request.name), PTN_FN("pid", h->pid));
    return 0;
}

/* --- what it prints --- */

static void
log_line(struct ptn_hook *h)
{
    if (h->line.len > 0 && h->lines++ < PTN_HOOK_LINES)
        ptn_log(PTN_LOG_INFO, "hook.says", PTN_FN("pid", h->pid),
                PTN_F("text", ptn_buf_slice(&h->line)));
    h->line.len = 0;
}

static void
close_output(struct ptn_hook *h)
{
    log_line(h);
    if (h->output >= 0)
        close(h->output);
    h->output = -1;
    ptn_buf_free(&h->line);
}

void
ptn_hook_read(struct ptn_hook *h)
{
    char some[4096];
    ssize_t n = h->output >= 0 ? read(h->output, some, sizeof some) : -1;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        close_output(h);
        return;
    }
    for (ssize_t i = 0; i < n; i++) {
        if (some[i] == '\n')
            log_line(h);
        else if (h->line.len < LINE_MAX_)
            ptn_buf_addc(&h->line, some[i]);
    }
}

/* --- its end --- */

void
ptn_hook_do_due(struct ptn_hook *h)
{
    if (!h->pid || !h->due || h->due > ptn_clock_ms())
        return;
    h->late = true;
    h->due = 0;
    kill(-h->pid, SIGKILL);
    kill(h->pid, SIGKILL); /* it may not have a session of its own yet */
}

static int
judge(const struct ptn_hook *h, int status, struct ptn_error *err)
{
    if (h->late)
        return ptn_error_set(err, PTN_ERR_SYSTEM,
                             "envoy.hook did not end within "
                             "envoy.hook_timeout, and was killed");
    if (WIFSIGNALED(status))
        return ptn_error_set(err, PTN_ERR_SYSTEM, "envoy.hook died: %s",
                             strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) != 0)
        return ptn_error_set(err, PTN_ERR_SYSTEM,
                             "envoy.hook failed with exit status %d; the log "
                             "has what it printed",
                             WEXITSTATUS(status));
    return 0;
}

bool
ptn_hook_bury(struct ptn_hook *h, pid_t pid, int status, struct ptn_error *err)
{
    if (!h->pid || h->pid != pid)
        return false;
    for (int i = 0; i < PTN_HOOK_LINES && h->output >= 0; i++) {
        struct pollfd more = {h->output, POLLIN, 0};

        if (poll(&more, 1, 0) <= 0)
            break;
        ptn_hook_read(h);
    }
    close_output(h);
    (void)judge(h, status, err);
    ptn_log(
        err->code == PTN_ERR_NONE ? PTN_LOG_INFO : PTN_LOG_ERROR, "hook.ended",
        PTN_FN("pid", pid),
        PTN_FS("result", err->code == PTN_ERR_NONE ? "success" : err->text));
    h->pid = 0;
    h->due = 0;
    return true;
}

void
ptn_hook_end(struct ptn_hook *h)
{
    if (h->pid) {
        kill(-h->pid, SIGKILL);
        kill(h->pid, SIGKILL);
    }
    h->due = 0;
    h->late = true;
    close_output(h);
}
