/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What becomes of a system call that the filter has trapped. The kernel
 * sends SIGSYS to the thread in place of the call; this handler decides what
 * the caller sees as its result.
 *
 *   open, rename, ...  -> tried with the pass; Landlock says yes or no
 *   all others         -> EPERM
 *
 * What was refused is reported, with the back-trace of the caller; a plugin
 * that insists is not reported for ever. The handler allocates nothing and
 * takes no lock.
 */
#include "proc/crash.h"
#include "proc/machine.h"
#include "proc/sandbox_inner.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if PTN_MACHINE

enum {
    REPORTS_PER_PERIOD = 32,
    PERIOD_S = 60,
};

/* Landlock stands: what it refuses is the sandbox's doing. */
static bool is_confined;
static bool is_quiet;

/* The reports of this process in the running period, and those that were
 * not sent. */
static atomic_long period_began;
static atomic_uint period_count, suppressed;

static bool
may_report(void)
{
    struct timespec now;
    long began = atomic_load(&period_began);

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec - began >= PERIOD_S &&
        atomic_compare_exchange_strong(&period_began, &began, now.tv_sec))
        atomic_store(&period_count, 0);
    if (atomic_fetch_add(&period_count, 1) < REPORTS_PER_PERIOD)
        return true;
    atomic_fetch_add(&suppressed, 1);
    return false;
}

static void
put_text(char *to, size_t size, const char *text)
{
    size_t at = 0;

    for (; at + 1 < size && text[at]; at++)
        to[at] = text[at];
    to[at] = '\0';
}

/* Copies a path that the caller has named, if it is one: the kernel looks at
 * it first, so a wild pointer does no harm. */
static void
put_path(struct ptn_report *r, long argument)
{
    const char *path = (const char *)(uintptr_t)argument;

    if (access(path, F_OK) == 0 || (errno != EFAULT && errno != ENAMETOOLONG))
        put_text(r->path, sizeof r->path, path);
}

static const char *
family_name(long family)
{
    switch (family) {
    case AF_UNIX:
        return "socket unix";
    case AF_INET:
        return "socket inet";
    case AF_INET6:
        return "socket inet6";
    case AF_NETLINK:
        return "socket netlink";
    case AF_PACKET:
        return "socket packet";
    default:
        return "socket";
    }
}

static void
put_what(struct ptn_report *r, int number, const long *arguments)
{
    const char *name = ptn_sandbox_call_name(number);

    put_text(r->what, sizeof r->what, name ? name : "");
#ifdef SYS_socket
    if (number == SYS_socket)
        put_text(r->what, sizeof r->what, family_name(arguments[0]));
#else
    (void)arguments;
#endif
}

static void
report(const siginfo_t *info, const ucontext_t *context, const long *arguments,
       int error)
{
    const struct ptn_sandbox_trap *trap =
        ptn_sandbox_find_trap(info->si_syscall);
    struct ptn_report r = {.kind = PTN_REPORT_DENIED,
                           .number = info->si_syscall,
                           .error = (uint32_t)error};

    if (is_quiet || !may_report())
        return;
    r.suppressed = atomic_exchange(&suppressed, 0);
    put_what(&r, info->si_syscall, arguments);
    if (trap && trap->path >= 0)
        put_path(&r, arguments[trap->path]);
    ptn_crash_trace(&r, context);
    ptn_crash_send(&r);
}

/* Tries the call again, so that it gets through the filter. */
static long
try(int number, const long *a)
{
    long result =
        syscall(number, a[0], a[1], a[2], a[3], a[4], (long)PTN_SANDBOX_PASS);

    return result < 0 ? -errno : result;
}

/* Landlock's answers. A file's own mode gives the same, and is told of as
 * well: it says the same of who asked. */
static bool
is_refusal(long result)
{
    return result == -EACCES || result == -EPERM || result == -EXDEV;
}

static void
on_trap(int number, siginfo_t *info, void *opaque)
{
    ucontext_t *context = opaque;
    const long arguments[6] = PTN_MACHINE_ARGUMENTS(context);
    const struct ptn_sandbox_trap *trap =
        ptn_sandbox_find_trap(info->si_syscall);
    long result = -EPERM;
    int saved = errno;

    (void)number;
    if (trap && trap->tried)
        result = try(info->si_syscall, arguments);
    if (is_refusal(result) && (!trap || !trap->tried || is_confined))
        report(info, context, arguments, (int)-result);
    PTN_MACHINE_SET_RESULT(context, result);
    errno = saved;
}

void
ptn_sandbox_set_confined(bool value)
{
    is_confined = value;
}

void
ptn_sandbox_set_quiet(bool value)
{
    is_quiet = value;
}

void
ptn_sandbox_watch(void)
{
    struct sigaction action = {.sa_sigaction = on_trap,
                               .sa_flags =
                                   SA_SIGINFO | SA_NODEFER | SA_RESTART};

    sigaction(SIGSYS, &action, NULL);
}

#else

void
ptn_sandbox_watch(void)
{
}

void
ptn_sandbox_set_confined(bool value)
{
    (void)value;
}

void
ptn_sandbox_set_quiet(bool value)
{
    (void)value;
}

#endif
