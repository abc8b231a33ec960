/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One end of a pair of sockets that keep message boundaries
 * (SOCK_SEQPACKET), with what the other side does not take at once queued.
 * Messages hold passwords: they are wiped here when they are through. Loop
 * thread only.
 */
#ifndef PTN_AUTH_PIPE_H
#define PTN_AUTH_PIPE_H

#include "loop/loop.h"
#include <postern/types.h>

#define PTN_PIPE_MESSAGE_MAX 16384 /* octets */
#define PTN_PIPE_QUEUE_MAX 16384   /* messages; one more breaks the pipe */

struct ptn_pipe;

struct ptn_pipe_ops {
    /* A message has come; the data is valid during the call. */
    void (*message)(void *arg, struct ptn_slice message);
    /* The other side is gone, or does not read. The pipe is as good as
     * closed: close it. Never inside of ptn_pipe_send. */
    void (*broken)(void *arg);
};

/* Takes over `fd`, also on failure. NULL: it cannot be watched. */
struct ptn_pipe *ptn_pipe_open(struct ptn_loop *loop, int fd,
                               const struct ptn_pipe_ops *ops, void *arg);
/* In any call of ops, too. */
void ptn_pipe_close(struct ptn_pipe *pipe);

void ptn_pipe_send(struct ptn_pipe *pipe, struct ptn_slice message);

/* Waits for one message and hands it to ops->message; -1: none came within
 * `milliseconds`. For the time before the loop runs. */
int ptn_pipe_wait(struct ptn_pipe *pipe, int milliseconds);

#endif
