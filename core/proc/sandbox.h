/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a process may ask of the kernel, once it has what it needs: a list of
 * system calls (seccomp), and of files, ports and signals (Landlock). Each
 * role has the least that it can work with. What is not allowed fails with
 * EPERM or EACCES, and is reported (report.h) with the plugin that tried.
 *
 *   privileges dropped -> enter -> modules loaded, init -> confine -> start
 *
 * Both steps are for good, and for all threads that begin later. Where the
 * kernel or the build cannot do one of them the process goes on without,
 * and its state says so. Main thread, before others exist.
 */
#ifndef PTN_PROC_SANDBOX_H
#define PTN_PROC_SANDBOX_H

#include "conf/conf.h"
#include "module/modules.h"
#include <postern/buf.h>

enum ptn_sandbox_role {
    PTN_SANDBOX_SUPERVISOR,
    PTN_SANDBOX_CHECKER,
    PTN_SANDBOX_WARDEN,
    PTN_SANDBOX_WORKER,
    PTN_SANDBOX_SINGLE,
    PTN_SANDBOX_ENVOY,
};

/* In the environment of a process that an upgrade has begun: it is in the
 * sandbox of the one before, which no process can leave, and adds none. */
#define PTN_SANDBOX_VARIABLE "POSTERN_SANDBOX"
#define PTN_SANDBOX_INHERITED "inherited"

/* Before anything else: if another process has begun this one in its own
 * sandbox, what that forbids fails from here on, instead of killing. */
void ptn_sandbox_begin(void);

/* System calls, from here on. -1 with `err`: it should have worked. */
int ptn_sandbox_enter(const struct ptn_conf *conf, enum ptn_sandbox_role role,
                      struct ptn_error *err);

/* Files, ports and signals, from here on; `modules` may be NULL. Then
 * reports the state of this process (ptn_crash_send_text). */
int ptn_sandbox_confine(const struct ptn_conf *conf,
                        const struct ptn_modules *modules,
                        struct ptn_error *err);

/* Whether this process has entered one, so that a program that it executes
 * begins in it. */
bool ptn_sandbox_is_in_force(void);
/* Whether this process is in the sandbox of one before it, so that a file
 * that it cannot open may be one that only a restart will allow. */
bool ptn_sandbox_is_inherited(void);

/* Appends this process's state as records: "process" and one "path" for each
 * path. */
void ptn_sandbox_write(struct ptn_buf *out);
/* Appends what a process has told of itself, as that function writes it,
 * with what the kernel says of it. */
void ptn_sandbox_write_process(pid_t pid, struct ptn_slice state,
                               struct ptn_buf *out);
/* The same for this process. */
void ptn_sandbox_write_own(struct ptn_buf *out);

#endif
