/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The parts of the sandbox among themselves.
 */
#ifndef PTN_PROC_SANDBOX_INNER_H
#define PTN_PROC_SANDBOX_INNER_H

#include "proc/sandbox.h"

/* Whether one of the two guards stands, and if not, why. */
struct ptn_guard_state {
    bool on;
    unsigned level;     /* rules of seccomp; ABI of Landlock */
    const char *reason; /* why not, or what is left out; may be NULL */
};

/* --- sandbox_seccomp.c --- */

int ptn_sandbox_seccomp(enum ptn_sandbox_role role,
                        struct ptn_guard_state *state, struct ptn_error *err);

/* The name of a system call that some role may not use; NULL: not known. */
const char *ptn_sandbox_call_name(int number);

/* Calls that are let through when this is their sixth argument, which none
 * of them has: the handler of a trapped call uses it to try the call, and to
 * hear what the kernel says. It keeps nobody out who knows it; that is
 * Landlock's part. */
#define PTN_SANDBOX_PASS 0x706f7374u

/* How a trapped call is treated. */
struct ptn_sandbox_trap {
    int number;
    int path;   /* the argument that is a path; -1: none is */
    bool tried; /* let through, to see what Landlock says */
};
/* What the handler has to know, where the filter is that of another process;
 * ptn_sandbox_seccomp does this as well. */
void ptn_sandbox_know(enum ptn_sandbox_role role);
/* NULL: it is just refused. */
const struct ptn_sandbox_trap *ptn_sandbox_find_trap(int number);

/* --- sandbox_trap.c --- */

/* Installs the handler of trapped system calls. */
void ptn_sandbox_watch(void);
/* While a process begins in the sandbox of another one, it does what that one
 * did before it had entered: this is not told of. */
void ptn_sandbox_set_quiet(bool value);
/* From here on, a file that cannot be opened is told of. Before threads
 * exist. */
void ptn_sandbox_set_confined(bool value);

/* --- sandbox_landlock.c --- */

/* Beside PTN_ACCESS_READ and PTN_ACCESS_WRITE, which modules ask for. */
enum {
    PTN_SANDBOX_APPEND = 1 << 8,   /* write files, make new ones */
    PTN_SANDBOX_EXECUTE = 1 << 9,  /* and read */
    PTN_SANDBOX_REPLACE = 1 << 10, /* make and remove files and sockets */
    PTN_SANDBOX_REFER = 1 << 11,   /* files may be moved between folders */
};

struct ptn_sandbox_path {
    const char *path;
    unsigned access;
};

/* Each path once. */
struct ptn_sandbox_paths {
    struct ptn_sandbox_path *items;
    size_t count;
};

struct ptn_landlock {
    enum ptn_sandbox_role role;
    const struct ptn_sandbox_paths *paths;
    const struct ptn_conf *conf;
};
int ptn_sandbox_landlock(const struct ptn_landlock *want,
                         struct ptn_guard_state *state, struct ptn_error *err);

/* --- sandbox_paths.c --- */

/* What the role needs; `modules` may be NULL. */
void ptn_sandbox_gather(struct ptn_sandbox_paths *paths,
                        enum ptn_sandbox_role role, const struct ptn_conf *conf,
                        const struct ptn_modules *modules);

#endif
