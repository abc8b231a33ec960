/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The checker as the supervisor sees it: a process that reads a new
 * configuration, loads its modules, writes the plan (plan.h) and ends. The
 * supervisor's one thread.
 */
#ifndef PTN_PROC_CHECKER_H
#define PTN_PROC_CHECKER_H

#include "proc/child.h"
#include <postern/buf.h>

struct ptn_checker {
    pid_t pid;           /* 0: it has been buried, or there is none */
    int fd;              /* -1: all was read */
    int status;          /* as waitpid(2) has it, once it is buried */
    struct ptn_buf text; /* what it wrote */
};

/* Forks it. In the child, let_go(arg) closes what is the supervisor's alone.
 * -1 with `err`. */
int ptn_checker_start(struct ptn_checker *checker,
                      const struct ptn_child *child, void (*let_go)(void *arg),
                      void *arg, struct ptn_error *err);
/* The same for another short-lived child: `work` writes to the descriptor,
 * and answers its exit status. */
int ptn_checker_fork(struct ptn_checker *checker, const struct ptn_child *child,
                     const char *name,
                     int (*work)(const struct ptn_child *child, int fd,
                                 void *arg),
                     void *arg, struct ptn_error *err);
/* When checker->fd is readable. */
void ptn_checker_read(struct ptn_checker *checker);
/* False: it was another process that has died. */
bool ptn_checker_bury(struct ptn_checker *checker, pid_t pid, int status);
bool ptn_checker_is_done(const struct ptn_checker *checker);
/* Ends it, if it has not ended; frees the text. */
void ptn_checker_free(struct ptn_checker *checker);

/* Reads all of it and waits for its end: before anything is served. */
void ptn_checker_wait(struct ptn_checker *checker);

#endif
