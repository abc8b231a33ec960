/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The system calls of each role, as a filter made by libseccomp. All roles
 * but the supervisor's have a list of what is allowed; the supervisor, whose
 * filter all others inherit, has a list of what is not. A call that the list
 * lacks is trapped (sandbox_trap.c), fails with EPERM and is reported.
 *
 * Calls are named as text, and a name that the kernel's headers or this
 * processor do not have is passed over. Tables are constant; the numbers of
 * calls that can be trapped are worked out once, before threads exist.
 */
#include "config.h"
#include "proc/machine.h"
#include "proc/sandbox_inner.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined HAVE_LIBSECCOMP && !defined PTN_SANITIZED
#include <seccomp.h>

/* Sets of roles. */
#define CHECKER (1u << PTN_SANDBOX_CHECKER)
#define WARDEN (1u << PTN_SANDBOX_WARDEN)
#define WORKER (1u << PTN_SANDBOX_WORKER)
#define SINGLE (1u << PTN_SANDBOX_SINGLE)
#define ENVOY (1u << PTN_SANDBOX_ENVOY)
#define CHILDREN (CHECKER | WARDEN | WORKER | ENVOY)
#define ALL (CHILDREN | SINGLE)
#define SERVING (WORKER | SINGLE)

#define MASK(position, mask, value)                                            \
    SCMP_CMP64(position, SCMP_CMP_MASKED_EQ, mask, value)
#define IS(position, value) SCMP_CMP64(position, SCMP_CMP_EQ, value)

/* Allowed whatever the arguments are. */
struct names {
    unsigned roles;
    const char *const *names;
};

static const char *const memory[] = {
    "brk",     "madvise", "mlock",   "mlock2",   "mremap",     "msync",
    "munlock", "munmap",  "mincore", "mlockall", "membarrier", NULL};
static const char *const threads[] = {"arch_prctl",
                                      "exit",
                                      "exit_group",
                                      "futex",
                                      "futex_time64",
                                      "futex_wait",
                                      "futex_waitv",
                                      "futex_wake",
                                      "get_robust_list",
                                      "getcpu",
                                      "gettid",
                                      "rseq",
                                      "sched_getaffinity",
                                      "sched_getparam",
                                      "sched_getscheduler",
                                      "sched_yield",
                                      "set_robust_list",
                                      "set_thread_area",
                                      "set_tid_address",
                                      "set_tls",
                                      "cacheflush",
                                      "riscv_flush_icache",
                                      "restart_syscall",
                                      NULL};
static const char *const signals[] = {
    "pause",           "rt_sigaction",
    "rt_sigpending",   "rt_sigprocmask",
    "rt_sigreturn",    "rt_sigsuspend",
    "rt_sigtimedwait", "rt_sigtimedwait_time64",
    "sigaction",       "sigaltstack",
    "signalfd",        "signalfd4",
    "sigprocmask",     "sigreturn",
    "alarm",           NULL};
static const char *const times[] = {"clock_getres",
                                    "clock_getres_time64",
                                    "clock_gettime",
                                    "clock_gettime64",
                                    "clock_nanosleep",
                                    "clock_nanosleep_time64",
                                    "getitimer",
                                    "gettimeofday",
                                    "nanosleep",
                                    "setitimer",
                                    "time",
                                    "timerfd_create",
                                    "timerfd_gettime",
                                    "timerfd_gettime64",
                                    "timerfd_settime",
                                    "timerfd_settime64",
                                    "times",
                                    NULL};
static const char *const waiting[] = {"_newselect",    "epoll_create",
                                      "epoll_create1", "epoll_ctl",
                                      "epoll_pwait",   "epoll_pwait2",
                                      "epoll_wait",    "eventfd",
                                      "eventfd2",      "pipe",
                                      "pipe2",         "poll",
                                      "ppoll",         "ppoll_time64",
                                      "pselect6",      "pselect6_time64",
                                      "select",        NULL};
static const char *const descriptors[] = {"_llseek",
                                          "close",
                                          "close_range",
                                          "copy_file_range",
                                          "dup",
                                          "dup2",
                                          "dup3",
                                          "fadvise64",
                                          "arm_fadvise64_64",
                                          "fadvise64_64",
                                          "fallocate",
                                          "fdatasync",
                                          "flock",
                                          "fstat",
                                          "fstat64",
                                          "fstatfs",
                                          "fstatfs64",
                                          "fsync",
                                          "ftruncate",
                                          "ftruncate64",
                                          "getdents",
                                          "getdents64",
                                          "lseek",
                                          "pread64",
                                          "preadv",
                                          "preadv2",
                                          "pwrite64",
                                          "pwritev",
                                          "pwritev2",
                                          "read",
                                          "readv",
                                          "sendfile",
                                          "sendfile64",
                                          "sync_file_range",
                                          "sync_file_range2",
                                          "write",
                                          "writev",
                                          NULL};
/* What these tell of a file, Landlock does not hide. */
static const char *const questions[] = {
    "access",  "faccessat",  "faccessat2", "fstatat64",  "getcwd", "lstat",
    "lstat64", "newfstatat", "readlink",   "readlinkat", "stat",   "stat64",
    "statfs",  "statfs64",   "statx",      "umask",      NULL};
static const char *const identity[] = {
    "getegid",   "getegid32",  "geteuid",     "geteuid32", "getgid",
    "getgid32",  "getgroups",  "getgroups32", "getpgrp",   "getpid",
    "getppid",   "getresgid",  "getresgid32", "getresuid", "getresuid32",
    "getrlimit", "ugetrlimit", "getrusage",   "getsid",    "getuid",
    "getuid32",  "sysinfo",    "uname",       "getrandom", "getpriority",
    "capget",    "wait4",      "waitid",      "waitpid",   NULL};
/* The last steps into the sandbox itself. */
static const char *const sandbox[] = {"landlock_create_ruleset",
                                      "landlock_add_rule",
                                      "landlock_restrict_self", NULL};
static const char *const messages[] = {
    "recv",       "recvfrom",    "recvmsg",     "recvmmsg", "send",
    "getsockopt", "getsockname", "getpeername", "shutdown", NULL};
static const char *const sessions[] = {"accept", "accept4", "listen",
                                       "setsockopt", NULL};
/* Outward; no listening, and nothing to bind for it. A library's own threads
 * wake each other by a pair of sockets. */
static const char *const outward[] = {"connect", "setsockopt", "socketpair",
                                      "sendmmsg", NULL};
/* A single process begins its own successor. */
static const char *const succession[] = {
    "bind",   "fork",  "vfork",  "clone",      "kill",
    "tgkill", "tkill", "setsid", "socketpair", NULL};
/* Opening and naming files: in a single process Landlock alone says no, as
 * the successor's loader opens files before it could handle a trap. */
static const char *const naming[] = {
    "creat",     "link",     "linkat",  "mkdir",     "mkdirat",  "mknod",
    "mknodat",   "open",     "openat",  "openat2",   "rename",   "renameat",
    "renameat2", "rmdir",    "symlink", "symlinkat", "truncate", "truncate64",
    "unlink",    "unlinkat", NULL};
/* What fcntl(2) may do: not to have signals sent for a descriptor, which
 * F_SETOWN addresses to any process of the same user. */
static const int on_descriptors[] = {
    F_DUPFD,      F_DUPFD_CLOEXEC, F_GETFD,     F_SETFD,
    F_GETFL,      F_SETFL,         F_GETLK,     F_SETLK,
    F_SETLKW,     F_OFD_GETLK,     F_OFD_SETLK, F_OFD_SETLKW,
    F_GETPIPE_SZ, F_SETPIPE_SZ,    F_GET_SEALS, F_ADD_SEALS,
};
/* Files of certificates that others replace. */
static const char *const watching[] = {"inotify_init1", "inotify_add_watch",
                                       "inotify_rm_watch", NULL};
/* Of files that are open, and so allowed. */
static const char *const modes[] = {"fchmod", "fchown", "fchown32", NULL};

static const struct names allowed[] = {
    {ALL, memory},    {ALL, threads},           {ALL, signals},
    {ALL, times},     {ALL, waiting},           {ALL, descriptors},
    {ALL, questions}, {ALL, identity},          {ALL, sandbox},
    {ALL, messages},  {SERVING, sessions},      {SINGLE, succession},
    {SINGLE, naming}, {WARDEN | SINGLE, modes}, {WARDEN | SINGLE, watching},
    {ENVOY, outward},
};

/* Allowed with arguments that meet all conditions. */
struct rule {
    unsigned roles;
    const char *name;
    unsigned count;
    struct scmp_arg_cmp when[2];
};

#ifdef __s390__
#define CLONE_FLAGS 1
#else
#define CLONE_FLAGS 0
#endif
#define CLONE_FOREIGN                                                          \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |             \
     CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
#define A_THREAD (CLONE_VM | CLONE_THREAD)

static const struct rule rules[] = {
    /* No memory is both written and executed, nor one after the other. */
    {ALL, "mmap", 1, {MASK(2, PROT_EXEC, 0)}},
    {ALL, "mmap2", 1, {MASK(2, PROT_EXEC, 0)}},
    {ALL,
     "mmap",
     2,
     {MASK(2, PROT_EXEC | PROT_WRITE, PROT_EXEC), MASK(3, MAP_ANONYMOUS, 0)}},
    {ALL,
     "mmap2",
     2,
     {MASK(2, PROT_EXEC | PROT_WRITE, PROT_EXEC), MASK(3, MAP_ANONYMOUS, 0)}},
    {ALL, "mprotect", 1, {MASK(2, PROT_EXEC, 0)}},
    /* Threads, and no processes. */
    {ALL, "clone", 1, {MASK(CLONE_FLAGS, A_THREAD | CLONE_FOREIGN, A_THREAD)}},
    {ALL, "prlimit64", 1, {IS(2, 0)}},
    {ALL, "prctl", 1, {IS(0, PR_SET_NAME)}},
    {ALL, "prctl", 1, {IS(0, PR_GET_NAME)}},
    {ALL, "prctl", 1, {IS(0, PR_SET_NO_NEW_PRIVS)}},
    {ALL, "prctl", 1, {IS(0, PR_GET_NO_NEW_PRIVS)}},
    {ALL, "prctl", 1, {IS(0, PR_GET_DUMPABLE)}},
    {ALL, "prctl", 1, {IS(0, PR_SET_PDEATHSIG)}},
    {ALL, "prctl", 1, {IS(0, 0x53564d41)}}, /* PR_SET_VMA, of malloc */
    {ALL, "ioctl", 1, {IS(1, FIONBIO)}},
    {ALL, "ioctl", 1, {IS(1, FIONREAD)}},
    {ALL, "ioctl", 1, {IS(1, FIOCLEX)}},
    {ALL, "ioctl", 1, {IS(1, TCGETS)}},
    /* To send is not to connect. */
    {ALL, "sendto", 1, {MASK(3, MSG_FASTOPEN, 0)}},
    {ALL, "sendmsg", 1, {MASK(2, MSG_FASTOPEN, 0)}},
    {ALL, "sendmmsg", 1, {MASK(3, MSG_FASTOPEN, 0)}},
    {SINGLE, "socket", 1, {IS(0, AF_UNIX)}},
    {SINGLE, "socket", 2, {IS(0, AF_INET), MASK(1, 15, SOCK_STREAM)}},
    {SINGLE, "socket", 2, {IS(0, AF_INET6), MASK(1, 15, SOCK_STREAM)}},
    {ENVOY, "socket", 2, {IS(0, AF_INET), MASK(1, 15, SOCK_STREAM)}},
    {ENVOY, "socket", 2, {IS(0, AF_INET6), MASK(1, 15, SOCK_STREAM)}},
    {ENVOY, "socket", 2, {IS(0, AF_INET), MASK(1, 15, SOCK_DGRAM)}},
    {ENVOY, "socket", 2, {IS(0, AF_INET6), MASK(1, 15, SOCK_DGRAM)}},
};

/* Calls that have a successor, or an older form, that the C library and
 * libuv fall back upon: for them these do not exist. */
static const char *const missing[] = {
    "clone3",    "io_uring_setup",   "io_uring_enter", "io_uring_register",
    "fchmodat2", "map_shadow_stack", "mseal",          "rt_sigqueueinfo",
    NULL};

/* Families that resolvers try and do without: for the envoy they do not
 * exist, and that it has tried is no news. */
static const struct rule absent[] = {
    {ENVOY, "socket", 1, {IS(0, AF_UNIX)}},
    {ENVOY, "socket", 1, {IS(0, AF_NETLINK)}},
};

/* What no process of ours has any business with. The supervisor's list, and
 * names for the log. */
static const char *const forbidden[] = {"_sysctl",
                                        "acct",
                                        "add_key",
                                        "adjtimex",
                                        "bpf",
                                        "chroot",
                                        "clock_adjtime",
                                        "clock_settime",
                                        "create_module",
                                        "delete_module",
                                        "fanotify_init",
                                        "finit_module",
                                        "fsconfig",
                                        "fsmount",
                                        "fsopen",
                                        "fspick",
                                        "init_module",
                                        "ioperm",
                                        "iopl",
                                        "kcmp",
                                        "kexec_file_load",
                                        "kexec_load",
                                        "keyctl",
                                        "lookup_dcookie",
                                        "mbind",
                                        "memfd_secret",
                                        "migrate_pages",
                                        "mount",
                                        "mount_setattr",
                                        "move_mount",
                                        "move_pages",
                                        "name_to_handle_at",
                                        "nfsservctl",
                                        "open_by_handle_at",
                                        "open_tree",
                                        "perf_event_open",
                                        "personality",
                                        "pidfd_getfd",
                                        "pivot_root",
                                        "process_madvise",
                                        "process_vm_readv",
                                        "process_vm_writev",
                                        "ptrace",
                                        "quotactl",
                                        "quotactl_fd",
                                        "reboot",
                                        "request_key",
                                        "setdomainname",
                                        "sethostname",
                                        "setns",
                                        "settimeofday",
                                        "stime",
                                        "swapoff",
                                        "swapon",
                                        "syslog",
                                        "umount",
                                        "umount2",
                                        "unshare",
                                        "uselib",
                                        "userfaultfd",
                                        "vhangup",
                                        "vm86",
                                        "vm86old",
                                        NULL};

/* Others that the log can name. */
static const char *const named[] = {"accept4",
                                    "bind",
                                    "chmod",
                                    "chown",
                                    "fcntl",
                                    "clone",
                                    "fchmod",
                                    "fchmodat",
                                    "fchown",
                                    "fchownat",
                                    "fork",
                                    "ioctl",
                                    "kill",
                                    "lchown",
                                    "listen",
                                    "memfd_create",
                                    "mmap",
                                    "mmap2",
                                    "mprotect",
                                    "pidfd_open",
                                    "pidfd_send_signal",
                                    "pkey_mprotect",
                                    "prctl",
                                    "prlimit64",
                                    "rt_tgsigqueueinfo",
                                    "sendmsg",
                                    "sendto",
                                    "setgid",
                                    "setgroups",
                                    "setpriority",
                                    "setresgid",
                                    "setresuid",
                                    "setrlimit",
                                    "setsid",
                                    "setsockopt",
                                    "setuid",
                                    "setxattr",
                                    "shmget",
                                    "socket",
                                    "socketpair",
                                    "tgkill",
                                    "tkill",
                                    "utimensat",
                                    "vfork",
                                    NULL};

/* Those that take a path, and those that are tried. */
static const struct path_call {
    const char *name;
    int path;
    unsigned tried; /* by the roles that may do such a thing at all */
} path_calls[] = {
    {"creat", 0, CHILDREN},
    {"link", 1, CHILDREN},
    {"linkat", 3, CHILDREN},
    {"mkdir", 0, CHILDREN},
    {"mkdirat", 1, CHILDREN},
    {"mknod", 0, CHILDREN},
    {"mknodat", 1, CHILDREN},
    {"open", 0, CHILDREN},
    {"openat", 1, CHILDREN},
    {"openat2", 1, CHILDREN},
    {"rename", 1, CHILDREN},
    {"renameat", 3, CHILDREN},
    {"renameat2", 3, CHILDREN},
    {"rmdir", 0, CHILDREN},
    {"symlink", 1, CHILDREN},
    {"symlinkat", 2, CHILDREN},
    {"truncate", 0, CHILDREN},
    {"truncate64", 0, CHILDREN},
    {"unlink", 0, CHILDREN},
    {"unlinkat", 1, CHILDREN},
    {"connect", -1, SINGLE},
    {"execve", 0, SINGLE},
    {"execveat", 1, SINGLE},
    {"chmod", 0, 0},
    {"chown", 0, 0},
    {"lchown", 0, 0},
    {"fchmodat", 1, 0},
    {"fchownat", 1, 0},
};

enum {
    NAMED_MAX = 256,
};

static struct {
    size_t trap_count;
    struct ptn_sandbox_trap traps[PTN_COUNT(path_calls)];
    size_t name_count;
    struct {
        int number;
        const char *name;
    } names[NAMED_MAX];
} known;

/* Its number here; negative when there is none. */
static int
number_of(const char *name)
{
    int number = seccomp_syscall_resolve_name(name);

    return number == __NR_SCMP_ERROR ? -1 : number;
}

static void
know_name(const char *name)
{
    int number = number_of(name);

    if (number < 0 || known.name_count == NAMED_MAX)
        return;
    known.names[known.name_count].number = number;
    known.names[known.name_count++].name = name;
}

static void
know(unsigned role)
{
    known.trap_count = known.name_count = 0;
    for (size_t i = 0; i < PTN_COUNT(path_calls); i++) {
        const struct path_call *c = &path_calls[i];

        know_name(c->name);
        if (number_of(c->name) >= 0)
            known.traps[known.trap_count++] = (struct ptn_sandbox_trap){
                number_of(c->name), c->path, (c->tried & role) != 0};
    }
    for (size_t i = 0; forbidden[i]; i++)
        know_name(forbidden[i]);
    for (size_t i = 0; named[i]; i++)
        know_name(named[i]);
}

void
ptn_sandbox_know(enum ptn_sandbox_role role)
{
    know(1u << role);
}

const char *
ptn_sandbox_call_name(int number)
{
    for (size_t i = 0; i < known.name_count; i++)
        if (known.names[i].number == number)
            return known.names[i].name;
    return NULL;
}

const struct ptn_sandbox_trap *
ptn_sandbox_find_trap(int number)
{
    for (size_t i = 0; i < known.trap_count; i++)
        if (known.traps[i].number == number)
            return &known.traps[i];
    return NULL;
}

/* --- the filter --- */

struct filter {
    scmp_filter_ctx context;
    unsigned role; /* as a set */
    unsigned rules;
    int failed; /* an errno */
};

/* What happens to a call that is refused: where the processor's registers
 * are known to us it is trapped, and told of. */
static uint32_t
refusal(void)
{
    return PTN_MACHINE ? SCMP_ACT_TRAP : SCMP_ACT_ERRNO(EPERM);
}

static void
add(struct filter *f, uint32_t action, const struct rule *rule)
{
    int number = number_of(rule->name), result;

    if (number == -1 || !(rule->roles & f->role))
        return;
    result = seccomp_rule_add_array(f->context, action, number, rule->count,
                                    rule->when);
    /* What this processor does not have is no loss. */
    if (result == 0)
        f->rules++;
    else if (result != -EDOM && result != -EINVAL && !f->failed)
        f->failed = -result;
}

static void
add_names(struct filter *f, uint32_t action, const char *const *names)
{
    for (size_t i = 0; names[i]; i++)
        add(f, action, &(struct rule){f->role, names[i], 0, {{0}}});
}

static void
add_tried(struct filter *f)
{
    for (size_t i = 0; i < PTN_COUNT(path_calls); i++) {
        const struct path_call *c = &path_calls[i];

        if (PTN_MACHINE)
            add(f, SCMP_ACT_ALLOW,
                &(struct rule){
                    c->tried, c->name, 1, {IS(5, PTN_SANDBOX_PASS)}});
        else
            add(f, SCMP_ACT_ALLOW, &(struct rule){c->tried, c->name, 0, {{0}}});
    }
}

static void
add_fcntl(struct filter *f)
{
    static const char *const names[] = {"fcntl", "fcntl64"};

    for (size_t i = 0; i < PTN_COUNT(on_descriptors); i++)
        for (size_t j = 0; j < PTN_COUNT(names); j++)
            add(f, SCMP_ACT_ALLOW,
                &(struct rule){ALL,
                               names[j],
                               1,
                               {IS(1, (scmp_datum_t)on_descriptors[i])}});
}

static void
add_own(struct filter *f)
{
    struct scmp_arg_cmp mine = IS(0, (scmp_datum_t)getpid());

    add(f, SCMP_ACT_ALLOW, &(struct rule){CHILDREN, "kill", 1, {mine}});
    add(f, SCMP_ACT_ALLOW, &(struct rule){CHILDREN, "tgkill", 1, {mine}});
}

static void
fill(struct filter *f)
{
    for (size_t i = 0; i < PTN_COUNT(allowed); i++)
        if (allowed[i].roles & f->role)
            add_names(f, SCMP_ACT_ALLOW, allowed[i].names);
    for (size_t i = 0; i < PTN_COUNT(rules); i++)
        add(f, SCMP_ACT_ALLOW, &rules[i]);
    add_fcntl(f);
    add_own(f);
    add_tried(f);
    add_names(f, SCMP_ACT_ERRNO(ENOSYS), missing);
    for (size_t i = 0; i < PTN_COUNT(absent); i++)
        add(f, SCMP_ACT_ERRNO(EAFNOSUPPORT), &absent[i]);
}

static int
load(struct filter *f, enum ptn_sandbox_role role)
{
    int result = 0;

    if (role == PTN_SANDBOX_SUPERVISOR) {
        f->role = ~0u;
        add_names(f, refusal(), forbidden);
    } else {
        fill(f);
    }
    (void)seccomp_attr_set(f->context, SCMP_FLTATR_ACT_BADARCH,
                           SCMP_ACT_KILL_PROCESS);
    (void)seccomp_attr_set(f->context, SCMP_FLTATR_CTL_NNP, 0);
    (void)seccomp_attr_set(f->context, SCMP_FLTATR_API_SYSRAWRC, 1);
    (void)seccomp_attr_set(f->context, SCMP_FLTATR_CTL_SSB, 1);
    (void)seccomp_attr_set(f->context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    result = f->failed ? -f->failed : seccomp_load(f->context);
    return -result;
}

int
ptn_sandbox_seccomp(enum ptn_sandbox_role role, struct ptn_guard_state *state,
                    struct ptn_error *err)
{
    struct filter f = {.role = 1u << role};
    int problem;

    know(f.role);
    f.context = seccomp_init(role == PTN_SANDBOX_SUPERVISOR ? SCMP_ACT_ALLOW
                                                            : refusal());
    problem = f.context ? load(&f, role) : ENOMEM;
    seccomp_release(f.context);
    if (problem == EINVAL || problem == ENOSYS || problem == ECANCELED) {
        state->reason = "the kernel has no seccomp filters";
        return 0;
    }
    if (problem) {
        errno = problem;
        return ptn_error_errno(err, "the sandbox: seccomp");
    }
    state->on = true;
    state->level = f.rules;
    if (!PTN_MACHINE)
        state->reason = "refused calls are not logged on this processor";
    return 0;
}

#else

int
ptn_sandbox_seccomp(enum ptn_sandbox_role role, struct ptn_guard_state *state,
                    struct ptn_error *err)
{
    (void)role;
    (void)err;
#ifdef PTN_SANITIZED
    state->reason = "built with run-time checkers, which need more";
#else
    state->reason = "built without libseccomp";
#endif
    return 0;
}

void
ptn_sandbox_know(enum ptn_sandbox_role role)
{
    (void)role;
}

const char *
ptn_sandbox_call_name(int number)
{
    (void)number;
    return NULL;
}

const struct ptn_sandbox_trap *
ptn_sandbox_find_trap(int number)
{
    (void)number;
    return NULL;
}

#endif
