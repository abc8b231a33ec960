/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The envoy's births, what it says, and its deaths. It may be anybody's by
 * now: what it says is measured, and is at most shown or planned by; what
 * the operator's program is told, hook.c checks. One thread.
 */
#include "proc/envoy.h"
#include "base/clock.h"
#include "proc/crew.h"
#include "proc/envoy_child.h"
#include "proc/plan.h"
#include "proc/report.h"
#include "proc/status.h"
#include <errno.h>
#include <postern/log.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    QUICK_DEATH_MS = 10000, /* a life shorter than this is no success */
    RETRY_MS = 1000,        /* while the warden is away */
    LOOK_MS = 600000,       /* how often the clock on the wall is looked at,
                               which may be set */
    SOON_MS = 1000,         /* the least between two lives */
    RECORDS_MAX = 1 << 20,  /* octets of reports */
};

void
ptn_envoy_init(struct ptn_envoy *e, struct ptn_reports *reports)
{
    *e = (struct ptn_envoy){
        .reports = reports, .channel = -1, .hook = PTN_HOOK_INIT};
}

static void
close_channel(struct ptn_envoy *e)
{
    if (e->channel >= 0)
        close(e->channel);
    e->channel = -1;
}

/* Whoever waits for a certificate is told. */
static void
conclude(struct ptn_envoy *e, const char *problem)
{
    bool wanted = e->wish.wanted;

    e->wish = (struct ptn_envoy_wish){0};
    if (wanted && e->concluded)
        e->concluded(e->arg, problem);
}

static void
end(struct ptn_envoy *e, const char *why)
{
    e->dismissed = true;
    if (e->pid)
        kill(e->pid, SIGKILL);
    ptn_hook_end(&e->hook);
    conclude(e, why);
}

void
ptn_envoy_dismiss(struct ptn_envoy *e)
{
    e->modules = NULL;
    e->due = 0;
    end(e, "the server is stopping");
}

void
ptn_envoy_free(struct ptn_envoy *e)
{
    e->wish.wanted = false; /* nobody is left to be told */
    ptn_envoy_dismiss(e);
    close_channel(e);
    ptn_buf_free(&e->records);
}

void
ptn_envoy_employ(struct ptn_envoy *e, struct ptn_conf *conf,
                 const char *modules)
{
    bool needed = modules && *modules;

    if (e->conf)
        end(e, "the configuration has changed meanwhile; ask again");
    e->conf = conf;
    e->modules = needed ? modules : NULL;
    e->records.len = 0;
    e->quick_deaths = 0;
    e->due = needed ? ptn_clock_ms() : 0;
    e->next = 0;
}

/* --- its birth --- */

static int
be_envoy(const struct ptn_envoy *e, int channel, int warden, pid_t parent)
{
    struct ptn_envoy_work work = {
        .conf = e->conf,
        .modules = e->modules,
        .reports = e->reports,
        .supervisor = parent,
        .channel = channel,
        .warden = warden,
        .wish = e->wish.wanted ? e->wish.name : NULL,
        .force = e->wish.force,
    };

    if (e->let_go)
        e->let_go(e->arg);
    return ptn_envoy_run(&work);
}

static pid_t
fork_it(struct ptn_envoy *e, int channel, int warden)
{
    pid_t parent = getpid(), pid = fork();

    if (pid == 0)
        exit(be_envoy(e, channel, warden, parent));
    return pid;
}

static int
begin(struct ptn_envoy *e, struct ptn_error *err)
{
    int ours[2] = {-1, -1}, wardens[2] = {-1, -1};
    int result = -1;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ours) != 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, wardens) != 0) {
        ptn_error_errno(err, "no channel to the envoy");
    } else if (e->meet(e->arg, wardens[0], err) == 0) {
        e->pid = fork_it(e, ours[1], wardens[1]);
        result = e->pid > 0 ? 0 : ptn_error_errno(err, "cannot fork");
    }
    for (size_t i = 0; i < 2; i++) {
        if (wardens[i] >= 0)
            close(wardens[i]);
        if (ours[i] >= 0 && (result != 0 || i == 1))
            close(ours[i]);
    }
    if (result != 0) {
        e->pid = 0;
        return -1;
    }
    e->channel = ours[0];
    e->told = e->dismissed = false;
    e->started = ptn_clock_ms();
    return 0;
}

static bool
is_time(const struct ptn_envoy *e)
{
    return e->wish.wanted || !e->next || e->quick_deaths > 0 ||
           ptn_clock_wall_ms() / 1000 >= e->next;
}

/* By the clock on the wall, which may be set meanwhile. */
static void
plan_next(struct ptn_envoy *e)
{
    int64_t left = e->next * 1000 - (int64_t)ptn_clock_wall_ms();

    if (!e->next) {
        e->due = 0;
        return;
    }
    if (left < SOON_MS)
        left = SOON_MS;
    e->due = ptn_clock_ms() + (uint64_t)(left > LOOK_MS ? LOOK_MS : left);
}

static void
begin_if_due(struct ptn_envoy *e)
{
    struct ptn_error err = PTN_ERROR_INIT;

    if (!e->modules || e->pid || !e->due || e->due > ptn_clock_ms())
        return;
    e->due = 0;
    if (!is_time(e)) {
        plan_next(e);
    } else if (begin(e, &err) != 0) {
        ptn_log_error(PTN_LOG_WARNING, "envoy.not-started", &err);
        e->due = ptn_clock_ms() + RETRY_MS;
    }
}

void
ptn_envoy_do_due(struct ptn_envoy *e)
{
    ptn_hook_do_due(&e->hook);
    begin_if_due(e);
}

uint64_t
ptn_envoy_due(const struct ptn_envoy *e)
{
    uint64_t due = e->pid ? 0 : e->due;

    if (e->hook.pid && e->hook.due && (!due || e->hook.due < due))
        due = e->hook.due;
    return due;
}

/* --- wishes --- */

static const struct ptn_cert_conf *
find(const struct ptn_conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->cert_count; i++)
        if (strcmp(conf->certs[i].name, name) == 0)
            return &conf->certs[i];
    return NULL;
}

int
ptn_envoy_wish(struct ptn_envoy *e, struct ptn_slice fields,
               struct ptn_error *err)
{
    char name[80], force[8] = "";
    const struct ptn_cert_conf *cert;

    if (!ptn_record_get(fields, "name", name, sizeof name))
        return ptn_error_set(err, PTN_ERR_INVALID, "a name is needed");
    cert = e->conf ? find(e->conf, name) : NULL;
    if (!cert)
        return ptn_error_set(err, PTN_ERR_INVALID,
                             "the running server has no certificate \"%s\"",
                             name);
    if (!ptn_cert_is_fetched(cert) || !e->modules)
        return ptn_error_set(err, PTN_ERR_INVALID,
                             "certificates.%s: no module obtains it (source)",
                             name);
    if (e->pid || e->wish.wanted)
        return ptn_error_set(err, PTN_ERR_INVALID,
                             "the envoy is at work; ask again in a minute");
    (void)ptn_record_get(fields, "force", force, sizeof force);
    e->wish.wanted = true;
    e->wish.force = strcmp(force, "yes") == 0;
    snprintf(e->wish.name, sizeof e->wish.name, "%s", name);
    e->due = ptn_clock_ms();
    return 0;
}

/* --- what it says --- */

void
ptn_envoy_poll(const struct ptn_envoy *e, struct pollfd *polls)
{
    polls[0] = (struct pollfd){e->channel, POLLIN, 0};
    polls[1] = (struct pollfd){e->hook.output, POLLIN, 0};
}

void
ptn_envoy_keep_report(struct ptn_buf *records, const struct ptn_conf *conf,
                      struct ptn_slice record)
{
    struct ptn_slice rest = ptn_buf_slice(records);
    struct ptn_buf kept = PTN_BUF_INIT;
    char name[80], other[80];

    if (!ptn_record_is(record, "errand") ||
        memchr(record.data, '\n', record.len) ||
        !ptn_record_get(record, "name", name, sizeof name) || !find(conf, name))
        return;
    while (rest.len > 0) {
        struct ptn_slice line = ptn_record_next(&rest);

        if (ptn_record_get(line, "name", other, sizeof other) &&
            strcmp(name, other) == 0)
            continue;
        ptn_buf_addslice(&kept, line);
        ptn_buf_addc(&kept, '\n');
    }
    if (kept.len + record.len < RECORDS_MAX) {
        ptn_buf_addslice(&kept, record);
        ptn_buf_addc(&kept, '\n');
    }
    ptn_buf_free(records);
    *records = kept;
}

static void
take_report(struct ptn_envoy *e, struct ptn_slice record)
{
    ptn_envoy_keep_report(&e->records, e->conf, record);
    if (e->reported)
        e->reported(e->arg, record);
}

static void
answer_hook(const struct ptn_envoy *e, const char *problem)
{
    if (e->channel >= 0)
        (void)ptn_envoy_tell(e->channel, PTN_ENVOY_HOOKED,
                             ptn_slice_of(problem));
}

/* A moment that can be reckoned with, also in milliseconds. */
static int64_t
measured(long long moment)
{
    const int64_t most = INT64_MAX / 4000;

    return moment < 0 ? 0 : moment > most ? most : moment;
}

static void
take(struct ptn_envoy *e, enum ptn_envoy_message type, const char *text)
{
    struct ptn_error err = PTN_ERROR_INIT;

    switch (type) {
    case PTN_ENVOY_NEXT:
        e->told = true;
        e->next = measured(strtoll(text, NULL, 10));
        break;
    case PTN_ENVOY_REPORT:
        take_report(e, ptn_slice_of(text));
        break;
    case PTN_ENVOY_HOOK:
        if (ptn_hook_begin(&e->hook, e->conf, ptn_slice_of(text), &err) != 0)
            answer_hook(e, err.text);
        break;
    case PTN_ENVOY_WISH:
        conclude(e, text);
        break;
    case PTN_ENVOY_HOOKED: /* none that it sends */
        break;
    }
}

static void
receive(struct ptn_envoy *e)
{
    char message[PTN_ENVOY_MESSAGE_MAX + 1];
    ssize_t n =
        recv(e->channel, message, sizeof message - 1, MSG_DONTWAIT | MSG_TRUNC);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) { /* its death comes as a signal */
        close_channel(e);
        return;
    }
    if ((size_t)n >= sizeof message)
        return;
    message[n] = '\0';
    take(e, (enum ptn_envoy_message)message[0], message + 1);
}

void
ptn_envoy_receive(struct ptn_envoy *e, const struct pollfd *polls)
{
    if (polls[1].revents && e->hook.output == polls[1].fd)
        ptn_hook_read(&e->hook);
    if (polls[0].revents && e->channel == polls[0].fd && e->channel >= 0)
        receive(e);
}

/* --- its death --- */

static void
log_death(const struct ptn_envoy *e, int status)
{
    uint64_t life = ptn_clock_ms() - e->started;

    if (WIFSIGNALED(status)) {
        struct ptn_log_field fields[] = {
            PTN_FN("pid", e->pid), PTN_FN("signal", WTERMSIG(status)),
            PTN_FS("name", strsignal(WTERMSIG(status))),
            PTN_FN("uptime_ms", life)};

        if (e->reports)
            ptn_reports_death(e->reports, e->pid, "envoy.died", fields,
                              PTN_COUNT(fields));
        else /* it has told the log itself where it was */
            ptn_log_fields(PTN_LOG_ERROR, "envoy.died", fields,
                           PTN_COUNT(fields));
    } else if (WEXITSTATUS(status) != 0) {
        ptn_log(PTN_LOG_ERROR, "envoy.ended", PTN_FN("pid", e->pid),
                PTN_FN("status", WEXITSTATUS(status)),
                PTN_FN("uptime_ms", life));
    }
}

/* What it has said last may not have been read yet. */
static void
hear_last_words(struct ptn_envoy *e)
{
    struct pollfd more = {e->channel, POLLIN, 0};

    while (e->channel >= 0 && poll(&more, 1, 0) > 0)
        receive(e);
}

static void
take_death(struct ptn_envoy *e, int status)
{
    uint64_t now = ptn_clock_ms();
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0 && e->told;

    if (!good) {
        log_death(e, status);
        e->restarts++;
    }
    e->quick_deaths = good                                ? 0
                      : now - e->started < QUICK_DEATH_MS ? e->quick_deaths + 1
                                                          : 1;
    conclude(e, "the envoy has ended before it was done; the log says why");
    if (good)
        plan_next(e);
    else
        e->due = now + RETRY_MS + ptn_crew_backoff(e->quick_deaths);
}

static bool
bury_hook(struct ptn_envoy *e, pid_t pid, int status)
{
    struct ptn_error err = PTN_ERROR_INIT;

    if (!ptn_hook_bury(&e->hook, pid, status, &err))
        return false;
    answer_hook(e, err.code == PTN_ERR_NONE ? "" : err.text);
    return true;
}

bool
ptn_envoy_bury(struct ptn_envoy *e, pid_t pid, int status)
{
    if (!e->pid || e->pid != pid)
        return bury_hook(e, pid, status);
    if (!e->dismissed)
        hear_last_words(e);
    close_channel(e);
    ptn_hook_end(&e->hook);
    if (e->dismissed) /* what is due now has been planned before */
        e->dismissed = false;
    else
        take_death(e, status);
    e->pid = 0;
    return true;
}

void
ptn_envoy_write(const struct ptn_envoy *e, struct ptn_buf *out)
{
    if (e->pid)
        ptn_status_write_process("envoy", e->pid, e->restarts, out);
    ptn_buf_addslice(out, ptn_buf_slice(&e->records));
}
