/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files, ports and signals, by Landlock's three system calls. Constants and
 * structs are our own, as the kernel that runs us may be newer than the
 * headers that we were built with; what the running one does not know is left
 * out, ABI by ABI:
 *
 *   2 (Linux 5.19)  files may be moved between folders     the least we use
 *   3 (6.2)         truncating
 *   4 (6.7)         TCP: to bind, to connect
 *   5 (6.10)        ioctl on devices
 *   6 (6.12)        signals and abstract sockets stay inside
 */
#include "config.h"
#include "proc/sandbox_inner.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

/* Rights on files. */
enum {
    EXECUTE = 1 << 0,
    WRITE_FILE = 1 << 1,
    READ_FILE = 1 << 2,
    READ_DIR = 1 << 3,
    REMOVE_DIR = 1 << 4,
    REMOVE_FILE = 1 << 5,
    MAKE_CHAR = 1 << 6,
    MAKE_DIR = 1 << 7,
    MAKE_REG = 1 << 8,
    MAKE_SOCK = 1 << 9,
    MAKE_FIFO = 1 << 10,
    MAKE_BLOCK = 1 << 11,
    MAKE_SYM = 1 << 12,
    REFER = 1 << 13,
    TRUNCATE = 1 << 14,  /* ABI 3 */
    IOCTL_DEV = 1 << 15, /* ABI 5 */

    OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV,
    FS_ALL = (1 << 16) - 1,
    DEVICES = MAKE_CHAR | MAKE_BLOCK,
    READING = READ_FILE | READ_DIR,
    WRITING = WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG |
              MAKE_SOCK | MAKE_FIFO | MAKE_SYM | REFER | TRUNCATE,
    APPENDING = WRITE_FILE | MAKE_REG,
};

enum {
    BIND_TCP = 1 << 0,
    CONNECT_TCP = 1 << 1,
    ABSTRACT_SOCKETS = 1 << 0,
    SIGNALS = 1 << 1,
    RULE_PATH_BENEATH = 1,
    RULE_NET_PORT = 2,
    CREATE_VERSION = 1,
    ABI_LEAST = 2,
    ABI_TRUNCATE = 3,
    ABI_NET = 4,
    ABI_IOCTL = 5,
    ABI_SCOPE = 6,
};

struct ruleset {
    uint64_t fs, net, scoped;
};

struct path_beneath {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

/* What the role does not get unless a rule says so. */
static struct ruleset
handled_by(enum ptn_sandbox_role role)
{
    struct ruleset all = {FS_ALL, BIND_TCP | CONNECT_TCP,
                          ABSTRACT_SOCKETS | SIGNALS};

    if (role == PTN_SANDBOX_SUPERVISOR) /* its children inherit it */
        return (struct ruleset){DEVICES | REFER, 0, 0};
    if (role == PTN_SANDBOX_SINGLE) { /* a successor binds its own ports, and
                                         may have to tell a manager */
        all.net = CONNECT_TCP;
        all.scoped = SIGNALS;
    }
    if (role == PTN_SANDBOX_ENVOY)
        all.net = BIND_TCP;
    return all;
}

static void
leave_out_unknown(struct ruleset *r, unsigned abi)
{
    if (abi < ABI_TRUNCATE)
        r->fs &= ~(uint64_t)TRUNCATE;
    if (abi < ABI_IOCTL)
        r->fs &= ~(uint64_t)IOCTL_DEV;
    if (abi < ABI_NET)
        r->net = 0;
    if (abi < ABI_SCOPE)
        r->scoped = 0;
}

static uint64_t
rights_of(unsigned access)
{
    uint64_t rights = 0;

    if (access & PTN_ACCESS_READ)
        rights |= READING;
    if (access & PTN_ACCESS_WRITE)
        rights |= WRITING;
    if (access & PTN_SANDBOX_APPEND)
        rights |= APPENDING;
    if (access & PTN_SANDBOX_EXECUTE)
        rights |= EXECUTE | READING;
    if (access & PTN_SANDBOX_REFER)
        rights |= REFER;
    if (access & PTN_SANDBOX_REPLACE)
        rights |= APPENDING | MAKE_SOCK | REMOVE_FILE | TRUNCATE;
    return rights;
}

static int
add_path(int ruleset, uint64_t handled, const struct ptn_sandbox_path *p,
         struct ptn_error *err)
{
    struct path_beneath rule = {rights_of(p->access) & handled, -1};
    struct stat st;
    int result;

    rule.parent = open(p->path, O_PATH | O_CLOEXEC);
    if (rule.parent < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES
                   ? 0 /* nothing there that could be allowed */
                   : ptn_error_errno(err, "the sandbox: %s", p->path);
    if (fstat(rule.parent, &st) == 0 && !S_ISDIR(st.st_mode))
        rule.allowed &= OF_FILES;
    result = rule.allowed ? (int)syscall(SYS_landlock_add_rule, ruleset,
                                         RULE_PATH_BENEATH, &rule, 0)
                          : 0;
    if (result != 0)
        ptn_error_errno(err, "the sandbox: Landlock: %s", p->path);
    close(rule.parent);
    return result;
}

struct net_port {
    uint64_t allowed, port;
};

/* The one process visits its own TLS listeners (activation.h). Landlock knows
 * ports and no addresses. */
static int
add_ports(int ruleset, const struct ptn_conf *conf, struct ptn_error *err)
{
    for (size_t i = 0; i < conf->listener_count; i++) {
        const struct ptn_listener_conf *l = &conf->listeners[i];

        for (size_t j = 0; j < l->address_count; j++) {
            struct net_port rule = {CONNECT_TCP, l->addresses[j].port};

            if (l->tls.mode != PTN_TLS_NONE &&
                syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule,
                        0) != 0)
                return ptn_error_errno(err, "the sandbox: Landlock: port %u",
                                       l->addresses[j].port);
        }
    }
    return 0;
}

static int
restrict_self(int ruleset, const struct ptn_landlock *want, uint64_t handled,
              struct ptn_error *err)
{
    /* Whoever does not allow REFER forbids it, also to those who inherit. */
    static const struct ptn_sandbox_path everywhere = {"/", PTN_SANDBOX_REFER};

    if (want->role == PTN_SANDBOX_SUPERVISOR &&
        add_path(ruleset, handled, &everywhere, err) != 0)
        return -1;
    for (size_t i = 0; i < want->paths->count; i++)
        if (add_path(ruleset, handled, &want->paths->items[i], err) != 0)
            return -1;
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        return ptn_error_errno(err, "the sandbox: Landlock");
    return 0;
}

/* NULL: it can be used. */
static const char *
why_not(long abi)
{
#ifdef PTN_SANITIZED
    (void)abi;
    return "built with run-time checkers, which need more";
#else
    if (abi >= ABI_LEAST)
        return NULL;
    return abi < 0 ? "the kernel has no Landlock"
                   : "the kernel's Landlock is too old";
#endif
}

int
ptn_sandbox_landlock(const struct ptn_landlock *want,
                     struct ptn_guard_state *state, struct ptn_error *err)
{
    struct ruleset handled = handled_by(want->role);
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
    int ruleset, result;

    state->reason = why_not(abi);
    if (state->reason)
        return 0;
    leave_out_unknown(&handled, (unsigned)abi);
    ruleset =
        (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
    if (ruleset < 0)
        return ptn_error_errno(err, "the sandbox: Landlock");
    result = want->role == PTN_SANDBOX_SINGLE && handled.net
                 ? add_ports(ruleset, want->conf, err)
                 : 0;
    if (result == 0)
        result = restrict_self(ruleset, want, handled.fs, err);
    close(ruleset);
    if (result != 0)
        return -1;
    state->on = true;
    state->level = (unsigned)abi;
    if (abi < ABI_NET)
        state->reason = "this kernel's Landlock knows files alone";
    else if (abi < ABI_SCOPE)
        state->reason = "this kernel's Landlock does not keep signals inside";
    return 0;
}
