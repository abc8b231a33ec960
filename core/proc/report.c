/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reports as log lines, and the supervisor's end of the socket that they
 * come through. The supervisor's one thread, but for the functions that a
 * signal handler may call: those allocate nothing and take no lock.
 *
 * A child can say anything here, so a report is taken for what it is: texts
 * are cut at their fields' ends and escaped by the log, and the process is
 * known from the kernel, not from the report.
 */
#include "proc/report.h"
#include "base/clock.h"
#include "proc/plan.h"
#include "proc/sandbox.h"
#include "proc/symbol.h"
#include <assert.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    KEPT = 64,      /* processes that crashed and are not yet dead */
    AT_ONCE = 1024, /* reports taken in a turn: more than a socket holds */
    LINES = 256,    /* of those that were denied something, in PERIOD_MS */
    PERIOD_MS = 60000,
};

/* What a child has told of itself. */
struct told {
    pid_t pid;
    char *text;
};

struct kept {
    pid_t pid;
    struct ptn_report report;
};

union message {
    uint32_t kind;
    struct ptn_report report;
    char text[sizeof(uint32_t) + PTN_REPORT_STATE_MAX];
};

struct ptn_reports {
    int receive, send;
    union message *room; /* for the one that is received */
    struct kept *kept[KEPT];
    struct told *told;
    size_t told_count;
    uint64_t period; /* when it began */
    unsigned lines;  /* in it */
};

/* --- as text --- */

static const char *const frame_keys[PTN_REPORT_FRAMES] = {
    "f0", "f1", "f2",  "f3",  "f4",  "f5",  "f6",  "f7",
    "f8", "f9", "f10", "f11", "f12", "f13", "f14", "f15",
};

/* A small writer of text that stops at the end of its room. */
struct out {
    char *at, *end;
};

static void
put(struct out *out, const char *text)
{
    while (*text && out->at + 1 < out->end)
        *out->at++ = *text++;
    *out->at = '\0';
}

static void
put_hex(struct out *out, uint64_t number)
{
    char digits[17];
    size_t at = sizeof digits - 1;

    digits[at] = '\0';
    do
        digits[--at] = "0123456789abcdef"[number & 15];
    while (number >>= 4);
    put(out, "0x");
    put(out, digits + at);
}

/* A return address may lie behind the end of a function whose last act was
 * the call: all but the innermost frame are looked up one octet before. */
static void
describe(const struct ptn_report *r, size_t i, char *text, size_t size)
{
    const struct ptn_report_frame *frame = &r->frames[i];
    const char *slash = strrchr(frame->path, '/');
    struct out out = {text, text + size};
    char name[64];

    put(&out, slash ? slash + 1 : *frame->path ? frame->path : "?");
    put(&out, "+");
    put_hex(&out, frame->offset);
    if (*frame->path == '/' &&
        ptn_symbol_find(frame->path, frame->offset - (i > 0), name,
                        sizeof name)) {
        put(&out, " ");
        put(&out, name);
    }
}

size_t
ptn_report_fields(const struct ptn_report *r, struct ptn_report_text *text,
                  struct ptn_log_field *fields)
{
    struct out address = {text->address, text->address + sizeof text->address};
    size_t n = 0;

    if (*r->plugin)
        fields[n++] = PTN_FS("plugin", r->plugin);
    if (*r->what)
        fields[n++] = PTN_FS("tried", r->what);
    else if (r->kind == PTN_REPORT_DENIED)
        fields[n++] = PTN_FN("call", r->number);
    if (*r->path)
        fields[n++] = PTN_FS("path", r->path);
    if (r->kind == PTN_REPORT_CRASH) {
        put_hex(&address, r->detail);
        fields[n++] = PTN_FS("address", text->address);
    }
    for (size_t i = 0; i < r->count && i < PTN_REPORT_FRAMES; i++) {
        describe(r, i, text->frames[i], sizeof text->frames[i]);
        fields[n++] = PTN_FS(frame_keys[i], text->frames[i]);
    }
    return n;
}

const char *
ptn_report_signal_name(int number)
{
    switch (number) {
    case SIGSEGV:
        return "Segmentation fault";
    case SIGBUS:
        return "Bus error";
    case SIGILL:
        return "Illegal instruction";
    case SIGFPE:
        return "Arithmetic exception";
    case SIGABRT:
        return "Aborted";
    case SIGSYS:
        return "Bad system call";
    default:
        return "?";
    }
}

static void
log_report(const struct ptn_report *r, const char *event, pid_t pid)
{
    struct ptn_log_field fields[PTN_REPORT_FIRST + PTN_REPORT_FIELDS];
    struct ptn_report_text text;
    size_t n = 0;

    if (pid)
        fields[n++] = PTN_FN("pid", pid);
    if (*r->process && pid)
        fields[n++] = PTN_FS("process", r->process);
    if (*r->group && pid)
        fields[n++] = PTN_FS("group", r->group);
    if (r->kind == PTN_REPORT_CRASH) {
        fields[n++] = PTN_FN("signal", r->number);
        fields[n++] = PTN_FS("name", ptn_report_signal_name(r->number));
    }
    n += ptn_report_fields(r, &text, fields + n);
    if (r->suppressed)
        fields[n++] = PTN_FN("suppressed", r->suppressed);
    ptn_log_fields(PTN_LOG_ERROR, event, fields, n);
}

void
ptn_report_log(const struct ptn_report *r)
{
    const char *event =
        r->kind == PTN_REPORT_CRASH ? "process.died" : "sandbox.denied";

    log_report(r, event, 0);
}

/* --- the supervisor's end --- */

struct ptn_reports *
ptn_reports_new(struct ptn_error *err)
{
    struct ptn_reports *rs = ptn_alloc(sizeof *rs);
    int pair[2], on = 1;

    rs->room = ptn_alloc(sizeof *rs->room);
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                   pair) != 0) {
        ptn_error_errno(err, "no channel for the reports of children");
        rs->receive = rs->send = -1;
        ptn_reports_free(rs);
        return NULL;
    }
    rs->receive = pair[0];
    rs->send = pair[1];
    if (setsockopt(rs->receive, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0)
        return rs;
    ptn_error_errno(err, "SO_PASSCRED");
    ptn_reports_free(rs);
    return NULL;
}

void
ptn_reports_free(struct ptn_reports *rs)
{
    if (!rs)
        return;
    if (rs->receive >= 0)
        close(rs->receive);
    if (rs->send >= 0)
        close(rs->send);
    for (size_t i = 0; i < KEPT; i++)
        ptn_free(rs->kept[i]);
    for (size_t i = 0; i < rs->told_count; i++)
        ptn_free(rs->told[i].text);
    ptn_free(rs->told);
    ptn_free(rs->room);
    ptn_free(rs);
}

int
ptn_reports_fd(const struct ptn_reports *rs)
{
    return rs->receive;
}

int
ptn_reports_leave(struct ptn_reports *rs)
{
    int fd = rs->send;

    rs->send = -1;
    ptn_reports_free(rs);
    return fd;
}

/* The process that the kernel says has sent it. */
static pid_t
sender(struct msghdr *message)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(message);
    struct ucred who;

    if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS ||
        c->cmsg_len < CMSG_LEN(sizeof who))
        return 0;
    memcpy(&who, CMSG_DATA(c), sizeof who);
    return who.pid;
}

/* False: there is none. A message that is none of ours has pid 0. */
static bool
receive(struct ptn_reports *rs, size_t *size, pid_t *pid)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec part = {rs->room, sizeof *rs->room};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t n = recvmsg(rs->receive, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (n < 0)
        return false;
    *size = (size_t)n;
    *pid = *size >= sizeof rs->room->kind ? sender(&message) : 0;
    return true;
}

static void
terminate(char *text, size_t size)
{
    text[size - 1] = '\0';
}

static void
tame(struct ptn_report *r)
{
    terminate(r->process, sizeof r->process);
    terminate(r->group, sizeof r->group);
    terminate(r->plugin, sizeof r->plugin);
    terminate(r->what, sizeof r->what);
    terminate(r->path, sizeof r->path);
    for (size_t i = 0; i < PTN_REPORT_FRAMES; i++)
        terminate(r->frames[i].path, sizeof r->frames[i].path);
}

/* One is kept for each process: the first is the cause. */
static void
keep(struct ptn_reports *rs, pid_t pid, const struct ptn_report *report)
{
    struct kept **room = NULL;

    for (size_t i = 0; i < KEPT; i++) {
        if (rs->kept[i] && rs->kept[i]->pid == pid)
            return;
        if (!rs->kept[i] && !room)
            room = &rs->kept[i];
    }
    if (!room)
        return;
    *room = ptn_alloc(sizeof **room);
    (*room)->pid = pid;
    (*room)->report = *report;
}

static bool
is_child(pid_t pid)
{
    return waitid(P_PID, (id_t)pid, &(siginfo_t){0},
                  WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* Forgets those that have ended. */
static void
clear_told(struct ptn_reports *rs)
{
    size_t left = 0;

    for (size_t i = 0; i < rs->told_count; i++) {
        if (is_child(rs->told[i].pid))
            rs->told[left++] = rs->told[i];
        else
            ptn_free(rs->told[i].text);
    }
    rs->told_count = left;
}

static void
keep_state(struct ptn_reports *rs, pid_t pid, struct ptn_slice text)
{
    char *copy = ptn_alloc(text.len + 1);

    memcpy(copy, text.data, text.len);
    for (size_t i = 0; i < rs->told_count; i++)
        if (rs->told[i].pid == pid) {
            ptn_free(rs->told[i].text);
            rs->told[i].text = copy;
            return;
        }
    clear_told(rs);
    rs->told = ptn_realloc(rs->told, (rs->told_count + 1) * sizeof *rs->told);
    rs->told[rs->told_count++] = (struct told){pid, copy};
}

/* Each child counts what it tells; one that was taken over does not. */
static void
log_denied(struct ptn_reports *rs, const struct ptn_report *report, pid_t pid)
{
    uint64_t now = ptn_clock_ms();

    if (!rs->period || now - rs->period >= PERIOD_MS) {
        rs->period = now;
        rs->lines = 0;
    }
    if (rs->lines++ < LINES)
        log_report(report, "sandbox.denied", pid);
    else if (rs->lines == LINES + 1)
        ptn_log(PTN_LOG_ERROR, "sandbox.flood", PTN_FN("pid", pid),
                PTN_FN("silent_ms", PERIOD_MS - (now - rs->period)));
}

void
ptn_reports_take(struct ptn_reports *rs)
{
    struct ptn_report *report = &rs->room->report;
    size_t size;
    pid_t pid;

    for (int i = 0; i < AT_ONCE && receive(rs, &size, &pid); i++) {
        if (!pid)
            continue;
        if (rs->room->kind == PTN_REPORT_STATE) {
            keep_state(rs, pid,
                       (struct ptn_slice){rs->room->text + sizeof(uint32_t),
                                          size - sizeof(uint32_t)});
            continue;
        }
        if (size != sizeof *report)
            continue;
        tame(report);
        if (report->kind == PTN_REPORT_CRASH)
            keep(rs, pid, report);
        else if (report->kind == PTN_REPORT_DENIED)
            log_denied(rs, report, pid);
    }
}

void
ptn_reports_write(struct ptn_reports *rs, struct ptn_buf *out)
{
    ptn_reports_take(rs);
    clear_told(rs);
    for (size_t i = 0; i < rs->told_count; i++) {
        struct ptn_slice text = ptn_slice_of(rs->told[i].text);

        ptn_sandbox_write_process(rs->told[i].pid, text, out);
    }
}

void
ptn_reports_death(struct ptn_reports *rs, pid_t pid, const char *event,
                  const struct ptn_log_field *first, size_t count)
{
    struct ptn_log_field fields[PTN_REPORT_FIRST + PTN_REPORT_FIELDS];
    struct ptn_report_text text;
    struct kept *kept = NULL;

    assert(count <= PTN_REPORT_FIRST);
    ptn_reports_take(rs); /* it was sent before the process ended */
    for (size_t i = 0; i < KEPT && !kept; i++) {
        if (!rs->kept[i] || rs->kept[i]->pid != pid)
            continue;
        kept = rs->kept[i];
        rs->kept[i] = NULL;
    }
    memcpy(fields, first, count * sizeof *first);
    if (kept)
        count += ptn_report_fields(&kept->report, &text, fields + count);
    ptn_log_fields(PTN_LOG_ERROR, event, fields, count);
    ptn_free(kept);
}
