/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A checker and the pipe that it writes to. The supervisor's one thread.
 */
#include "proc/checker.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int
ptn_checker_fork(struct ptn_checker *k, const struct ptn_child *child,
                 const char *name,
                 int (*work)(const struct ptn_child *child, int fd, void *arg),
                 void *arg, struct ptn_error *err)
{
    int ends[2];

    *k = (struct ptn_checker){.fd = -1};
    if (pipe2(ends, O_CLOEXEC) != 0)
        return ptn_error_errno(err, "no pipe to a %s", name);
    k->pid = fork();
    if (k->pid < 0) {
        k->pid = 0;
        ptn_error_errno(err, "cannot fork a %s", name);
        close(ends[0]);
        close(ends[1]);
        return -1;
    }
    if (k->pid == 0) {
        close(ends[0]);
        ptn_child_begin(child, name);
        exit(work(child, ends[1], arg));
    }
    close(ends[1]);
    k->fd = ends[0];
    return 0;
}

struct start {
    void (*let_go)(void *arg);
    void *arg;
};

static int
check(const struct ptn_child *child, int fd, void *arg)
{
    const struct start *start = arg;

    start->let_go(start->arg);
    return ptn_child_check(child, fd);
}

int
ptn_checker_start(struct ptn_checker *k, const struct ptn_child *child,
                  void (*let_go)(void *arg), void *arg, struct ptn_error *err)
{
    struct start start = {let_go, arg};

    return ptn_checker_fork(k, child, "checker", check, &start, err);
}

void
ptn_checker_read(struct ptn_checker *k)
{
    ssize_t n = read(k->fd, ptn_buf_reserve(&k->text, 65536), 65536);

    if (n < 0 && errno == EINTR)
        return;
    if (n > 0) {
        k->text.len += (size_t)n;
        return;
    }
    close(k->fd);
    k->fd = -1;
}

bool
ptn_checker_bury(struct ptn_checker *k, pid_t pid, int status)
{
    if (k->pid != pid)
        return false;
    k->pid = 0;
    k->status = status;
    return true;
}

bool
ptn_checker_is_done(const struct ptn_checker *k)
{
    return k->pid == 0 && k->fd < 0;
}

void
ptn_checker_free(struct ptn_checker *k)
{
    int status;

    if (k->pid > 0) {
        kill(k->pid, SIGKILL);
        waitpid(k->pid, &status, 0);
    }
    if (k->fd >= 0)
        close(k->fd);
    ptn_buf_free(&k->text);
    *k = (struct ptn_checker){.fd = -1};
}

void
ptn_checker_wait(struct ptn_checker *k)
{
    while (k->fd >= 0)
        ptn_checker_read(k);
    while (waitpid(k->pid, &k->status, 0) < 0 && errno == EINTR)
        ;
    k->pid = 0;
}
