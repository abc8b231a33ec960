/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The running server's side of an upgrade. Main thread. Between fork and
 * exec only calls are made that are safe there when other threads were
 * running: all that needs memory is made before.
 */
#include "proc/upgrade.h"
#include "conf/diff.h"
#include "proc/heir.h"
#include "proc/sandbox.h"
#include "proc/spawner.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <postern/log.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CHANNEL = 3, /* the heir's end, in the heir */
    SPAWNER,     /* and the channel to the spawner, if there is one */
};

/* Facts of this process since its start. */
static char program[PATH_MAX];
static char **arguments;

void
ptn_upgrade_remember(char **argv)
{
    char folder[PATH_MAX];
    ssize_t n;

    arguments = argv;
    /* Not where a symbolic link leads to: it may lead elsewhere by then. */
    if (argv[0][0] == '/')
        snprintf(program, sizeof program, "%s", argv[0]);
    else if (strchr(argv[0], '/') && getcwd(folder, sizeof folder) &&
             strlen(folder) + strlen(argv[0]) + 2 <= sizeof program)
        strcat(strcat(strcpy(program, folder), "/"), argv[0]);
    if (program[0])
        return;
    n = readlink("/proc/self/exe", program, sizeof program - 1);
    program[n > 0 ? n : 0] = '\0';
}

/* --- the heir's start --- */

static bool
is_mine(const char *variable)
{
    static const char *const names[] = {
        "LISTEN_", "WATCHDOG_PID=", PTN_HANDOVER_VARIABLE "=",
        "POSTERN_SANDBOX=", PTN_SPAWNER_VARIABLE "="};

    for (size_t i = 0; i < PTN_COUNT(names); i++)
        if (strncmp(variable, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* Ours, without what was meant for us alone. The words are borrowed. */
static char **
make_environment(bool has_spawner)
{
    static char handover[] = PTN_HANDOVER_VARIABLE "=3";
    static char spawner[] = PTN_SPAWNER_VARIABLE "=4";
    static char sandbox[] = PTN_SANDBOX_VARIABLE "=" PTN_SANDBOX_INHERITED;
    size_t count = 0, left = 0;
    char **result;

    while (environ[count])
        count++;
    result = ptn_alloc((count + 4) * sizeof *result);
    for (size_t i = 0; i < count; i++)
        if (!is_mine(environ[i]))
            result[left++] = environ[i];
    result[left++] = handover;
    if (has_spawner)
        result[left++] = spawner;
    if (ptn_sandbox_is_in_force())
        result[left++] = sandbox;
    return result;
}

/* Moves a descriptor to where the program expects it. */
static void
place(int fd, int number)
{
    if (fd == number)
        fcntl(fd, F_SETFD, 0);
    else
        dup2(fd, number);
}

/* In the child, where nothing may be allocated. */
static _Noreturn void
become_heir(int channel, int spawner, char **environment)
{
    sigset_t none;

    sigemptyset(&none);
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (spawner == CHANNEL)
        spawner = dup(spawner);
    place(channel, CHANNEL);
    if (spawner > 0)
        place(spawner, SPAWNER);
    syscall(SYS_close_range, spawner > 0 ? SPAWNER + 1 : SPAWNER, ~0u, 0);
    execve(program, arguments, environment);
    _exit(127);
}

static int
start(struct ptn_upgrade *u, int spawner, struct ptn_error *err)
{
    char **environment = make_environment(spawner > 0);
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        ptn_free(environment);
        return ptn_error_errno(err, "no channel to another server");
    }
    u->pid = fork();
    if (u->pid == 0)
        become_heir(pair[1], spawner, environment);
    ptn_free(environment);
    close(pair[1]);
    u->channel = pair[0];
    if (u->pid > 0)
        return 0;
    u->pid = 0;
    ptn_error_errno(err, "cannot fork");
    ptn_upgrade_forget(u);
    return -1;
}

/* --- what it is told --- */

static int
send_bound(const struct ptn_upgrade *u, const struct ptn_bound *b,
           struct ptn_error *err)
{
    struct ptn_buf text = PTN_BUF_INIT;
    int result = 0;

    ptn_buf_adds(&text, "socket");
    ptn_record_add(&text, "host", b->address.host);
    ptn_record_addn(&text, "port", b->address.port);
    ptn_record_add(&text, "given", b->given ? "yes" : "no");
    for (unsigned at = 0; at < b->count && result == 0;
         at += PTN_HANDOVER_FDS) {
        size_t count = b->count - at;

        if (count > PTN_HANDOVER_FDS)
            count = PTN_HANDOVER_FDS;
        result = ptn_handover_send(u->channel, ptn_buf_slice(&text),
                                   b->fds + at, count, err);
    }
    ptn_buf_free(&text);
    return result;
}

/* A record with a secret, `of` whom (NULL: of nobody in particular). */
static int
send_key(const struct ptn_upgrade *u, const char *record, const char *of,
         struct ptn_slice key, struct ptn_error *err)
{
    struct ptn_buf text = PTN_BUF_INIT, coded = PTN_BUF_INIT;
    int result;

    ptn_buf_adds(&text, record);
    if (of)
        ptn_record_add(&text, "group", of);
    ptn_base64_encode(&coded, key);
    ptn_record_add(&text, "key", ptn_buf_cstr(&coded));
    result = ptn_handover_send(u->channel, ptn_buf_slice(&text), NULL, 0, err);
    ptn_wipe(coded.data, coded.cap);
    ptn_wipe(text.data, text.cap);
    ptn_buf_free(&coded);
    ptn_buf_free(&text);
    return result;
}

static int
send_keys(const struct ptn_upgrade *u, const struct ptn_tickets *tickets,
          struct ptn_error *err)
{
    uint8_t mark[PTN_MARK_KEY_SIZE];
    int result;

    ptn_effective_mark_key(mark);
    result = send_key(u, "mark", NULL,
                      (struct ptn_slice){(const char *)mark, sizeof mark}, err);
    for (size_t i = 0; i < tickets->count && result == 0; i++)
        result =
            send_key(u, "tickets", tickets->rings[i].group,
                     (struct ptn_slice){(const char *)tickets->rings[i].keys,
                                        PTN_TICKET_RING_SIZE},
                     err);
    return result;
}

/* A listener that the heir may not close. */
static int
send_serving(const struct ptn_upgrade *u, const struct ptn_plan *plan,
             struct ptn_error *err)
{
    struct ptn_buf text = PTN_BUF_INIT;
    int result = 0;

    for (size_t i = 0; i < plan->count && result == 0; i++) {
        if (!plan->listeners[i].problem) {
            ptn_buf_adds(&text, "serving");
            ptn_record_add(&text, "name", plan->listeners[i].name);
            ptn_buf_addc(&text, '\n');
        }
        if (text.len == 0 || /* none is the end of file */
            (text.len < PTN_HANDOVER_MAX / 2 && i + 1 < plan->count))
            continue;
        result =
            ptn_handover_send(u->channel, ptn_buf_slice(&text), NULL, 0, err);
        text.len = 0;
    }
    ptn_buf_free(&text);
    return result;
}

static int
send_control(const struct ptn_upgrade *u,
             const struct ptn_upgrade_params *params, struct ptn_error *err)
{
    struct ptn_buf text = PTN_BUF_INIT;
    int result;

    ptn_buf_adds(&text, "control");
    ptn_record_add(&text, "path", params->control_path);
    result = ptn_handover_send(u->channel, ptn_buf_slice(&text),
                               &params->control, 1, err);
    ptn_buf_free(&text);
    return result;
}

static int
send_elders(const struct ptn_upgrade *u, struct ptn_error *err)
{
    int fds[PTN_HANDOVER_FDS];
    size_t count = ptn_heir_elders(fds);

    if (count == 0)
        return 0;
    return ptn_handover_send(u->channel, PTN_SLICE("elders"), fds, count, err);
}

static int
send_all(const struct ptn_upgrade *u, const struct ptn_upgrade_params *params,
         struct ptn_error *err)
{
    struct ptn_slice begin = params->check ? PTN_SLICE("begin\tpurpose=check")
                                           : PTN_SLICE("begin\tpurpose=serve");
    int result = send_keys(u, params->tickets, err);

    for (size_t i = 0;
         result == 0 && !params->check && i < params->sockets->count; i++)
        result = send_bound(u, &params->sockets->items[i], err);
    if (result == 0 && !params->check)
        result = send_serving(u, params->plan, err);
    if (result == 0 && params->control_path && !params->check)
        result = send_control(u, params, err);
    if (result == 0 && !params->check)
        result = send_elders(u, err);
    if (result == 0 && !params->check && params->escrow >= 0)
        result = ptn_handover_send(u->channel, PTN_SLICE("escrow"),
                                   &params->escrow, 1, err);
    if (result == 0)
        result = ptn_handover_send(u->channel, begin, NULL, 0, err);
    return result;
}

int
ptn_upgrade_begin(struct ptn_upgrade *u,
                  const struct ptn_upgrade_params *params,
                  struct ptn_error *err)
{
    struct ptn_error ignored = PTN_ERROR_INIT;

    if (u->pid)
        return ptn_error_set(err, PTN_ERR_INVALID,
                             u->serves ? "another server has taken over"
                                       : "another server is starting already");
    if (!program[0])
        return ptn_error_set(err, PTN_ERR_SYSTEM,
                             "the server's own program cannot be found");
    u->said.len = 0;
    u->check = params->check;
    u->serves = false;
    if (start(u, params->spawner, err) != 0)
        return -1;
    /* One that has died already says why by its status; one that does not
     * get all of it ends. */
    (void)send_all(u, params, &ignored);
    return 0;
}

/* --- what it says --- */

static enum ptn_upgrade_event
take_record(struct ptn_upgrade *u, struct ptn_slice record)
{
    char control[8] = "";

    if (ptn_record_is(record, "ready")) {
        (void)ptn_record_get(record, "control", control, sizeof control);
        u->took_control = strcmp(control, "taken") == 0;
        return PTN_UPGRADE_READY;
    }
    if (ptn_record_is(record, "stop"))
        return PTN_UPGRADE_STOP;
    ptn_buf_addslice(&u->said, record);
    ptn_buf_addc(&u->said, '\n');
    if (ptn_record_is(record, "checked"))
        return PTN_UPGRADE_CHECKED;
    return PTN_UPGRADE_NOTHING;
}

enum ptn_upgrade_event
ptn_upgrade_take(struct ptn_upgrade *u)
{
    struct ptn_buf record = PTN_BUF_INIT;
    enum ptn_upgrade_event event = PTN_UPGRADE_NOTHING;
    int fds[PTN_HANDOVER_FDS];
    size_t count;
    int n = ptn_handover_take(u->channel, &record, fds, &count);

    for (size_t i = 0; i < count; i++) /* it has nothing for us */
        close(fds[i]);
    if (n > 0)
        event = take_record(u, ptn_buf_slice(&record));
    ptn_buf_free(&record);
    if (n == 0 || (n < 0 && errno != EAGAIN)) {
        event = u->serves ? PTN_UPGRADE_GONE : PTN_UPGRADE_FAILED;
        close(u->channel);
        u->channel = -1;
    }
    return event;
}

void
ptn_upgrade_go(struct ptn_upgrade *u)
{
    struct ptn_error ignored = PTN_ERROR_INIT;

    ptn_heir_forget(); /* those before us hear from the heir from now on */
    u->serves = true;  /* if it died this moment, then as a server */
    (void)ptn_handover_send(u->channel, PTN_SLICE("go"), NULL, 0, &ignored);
}

void
ptn_upgrade_forget(struct ptn_upgrade *u)
{
    if (u->channel >= 0)
        close(u->channel);
    u->channel = -1;
}

void
ptn_upgrade_end(struct ptn_upgrade *u)
{
    ptn_upgrade_forget(u);
    u->pid = 0;
    ptn_buf_free(&u->said);
}

bool
ptn_upgrade_reaped(struct ptn_upgrade *u, pid_t pid, int status)
{
    char text[128];

    if (!pid || pid != u->pid)
        return false;
    u->pid = 0;
    if (u->serves || (u->check && status == 0))
        return true;
    if (WIFSIGNALED(status))
        snprintf(text, sizeof text, "it died of signal %d (%s)",
                 WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) == 127)
        snprintf(text, sizeof text, "it cannot be executed");
    else
        snprintf(text, sizeof text, "%s ended with status %d",
                 u->check ? "the check of the configuration" : "it",
                 WEXITSTATUS(status));
    ptn_buf_adds(&u->said, "failed");
    ptn_record_add(&u->said, "text", text);
    ptn_record_add(&u->said, "program", program);
    ptn_buf_addc(&u->said, '\n');
    return true;
}

bool
ptn_upgrade_is_refused(const struct ptn_upgrade *u)
{
    struct ptn_slice rest = ptn_buf_slice(&u->said);
    char severity[16];

    while (rest.len > 0) {
        struct ptn_slice line = ptn_record_next(&rest);

        if (ptn_record_is(line, "note") &&
            ptn_record_get(line, "severity", severity, sizeof severity) &&
            strcmp(severity, "error") == 0)
            return true;
    }
    return false;
}

unsigned
ptn_upgrade_refused(const struct ptn_upgrade *u)
{
    struct ptn_slice rest = ptn_buf_slice(&u->said);
    char count[16];

    while (rest.len > 0) {
        struct ptn_slice line = ptn_record_next(&rest);

        if (ptn_record_is(line, "refused") &&
            ptn_record_get(line, "count", count, sizeof count))
            return (unsigned)strtoul(count, NULL, 10);
    }
    return 0;
}

void
ptn_upgrade_reason(const struct ptn_upgrade *u, struct ptn_buf *out)
{
    struct ptn_slice rest = ptn_buf_slice(&u->said);
    char text[PTN_ERROR_TEXT_MAX];

    while (rest.len > 0) {
        struct ptn_slice line = ptn_record_next(&rest);

        if (!ptn_record_is(line, "failed") ||
            !ptn_record_get(line, "text", text, sizeof text))
            continue;
        ptn_buf_printf(out, "%s%s", out->len ? "; " : "", text);
    }
    if (out->len == 0)
        ptn_buf_adds(out, "it ended without a word");
}
