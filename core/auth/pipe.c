/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sending, queueing and receiving (auth/pipe.h). The record lives until
 * libuv has let go of it; `closed` tells those who are still inside.
 */
#include "auth/pipe.h"
#include <errno.h>
#include <poll.h>
#include <postern/arena.h>
#include <postern/buf.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 32 /* messages read in one turn, so others get theirs */

struct message {
    struct ptn_list link;
    size_t len;
    char data[];
};

struct ptn_pipe {
    struct ptn_watch watch;
    const struct ptn_pipe_ops *ops;
    void *arg;
    int fd;
    struct ptn_list queue; /* struct message, to be sent */
    size_t queued;
    bool closed;
    bool inside; /* ops->message is being called: `in` is in use */
    bool broken; /* to be told when somebody may be */
    char in[PTN_PIPE_MESSAGE_MAX + 1];
};

static void on_ready(struct ptn_watch *watch, unsigned readiness);

struct ptn_pipe *
ptn_pipe_open(struct ptn_loop *loop, int fd, const struct ptn_pipe_ops *ops,
              void *arg)
{
    struct ptn_pipe *p = ptn_alloc(sizeof *p);

    p->ops = ops;
    p->arg = arg;
    p->fd = fd;
    ptn_list_init(&p->queue);
    if (ptn_watch_open(loop, &p->watch, fd, on_ready) != 0) {
        close(fd);
        ptn_free(p);
        return NULL;
    }
    ptn_watch_set(&p->watch, PTN_READABLE);
    return p;
}

static void
free_message(struct message *m)
{
    ptn_wipe(m->data, m->len);
    ptn_free(m);
}

static void
release(struct ptn_watch *watch)
{
    ptn_free(PTN_CONTAINER(watch, struct ptn_pipe, watch));
}

void
ptn_pipe_close(struct ptn_pipe *p)
{
    struct ptn_list *link;

    if (!p || p->closed)
        return;
    p->closed = true;
    while ((link = ptn_list_take(&p->queue)))
        free_message(PTN_CONTAINER(link, struct message, link));
    if (!p->inside)
        ptn_wipe(p->in, sizeof p->in);
    ptn_watch_close(&p->watch, release);
    close(p->fd);
}

/* --- sending --- */

/* 1: gone; 0: not now; -1: never. */
static int
send_now(struct ptn_pipe *p, const char *data, size_t len)
{
    ssize_t n;

    do
        n = send(p->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return 1;
    return errno == EAGAIN || errno == ENOBUFS ? 0 : -1;
}

/* What cannot be told now is found when the loop comes back. */
static void
note_broken(struct ptn_pipe *p)
{
    p->broken = true;
    ptn_watch_set(&p->watch, PTN_READABLE | PTN_WRITABLE);
}

void
ptn_pipe_send(struct ptn_pipe *p, struct ptn_slice text)
{
    struct message *m;
    int sent = 0;

    if (p->broken || p->closed)
        return;
    if (p->queued == 0)
        sent = send_now(p, text.data, text.len);
    if (sent < 0 || p->queued >= PTN_PIPE_QUEUE_MAX)
        note_broken(p);
    if (sent != 0 || p->broken)
        return;
    m = ptn_alloc(sizeof *m + text.len);
    m->len = text.len;
    memcpy(m->data, text.data, text.len);
    ptn_list_add(&p->queue, &m->link);
    p->queued++;
    ptn_watch_set(&p->watch, PTN_READABLE | PTN_WRITABLE);
}

static void
send_queued(struct ptn_pipe *p)
{
    while (!ptn_list_is_empty(&p->queue)) {
        struct message *m = PTN_CONTAINER(p->queue.next, struct message, link);
        int sent = send_now(p, m->data, m->len);

        if (sent < 0)
            p->broken = true;
        if (sent <= 0)
            return;
        ptn_list_remove(&m->link);
        free_message(m);
        p->queued--;
    }
    ptn_watch_set(&p->watch, PTN_READABLE);
}

/* --- receiving --- */

/* False when there is nothing more to be had now. */
static bool
receive(struct ptn_pipe *p)
{
    ssize_t n = recv(p->fd, p->in, sizeof p->in, MSG_DONTWAIT);

    if (n < 0 && errno == EINTR)
        return true;
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n <= 0 || n > PTN_PIPE_MESSAGE_MAX) {
        p->broken = true;
        return false;
    }
    p->inside = true;
    p->ops->message(p->arg, (struct ptn_slice){p->in, (size_t)n});
    p->inside = false;
    ptn_wipe(p->in, (size_t)n);
    return !p->closed;
}

static void
on_ready(struct ptn_watch *watch, unsigned readiness)
{
    struct ptn_pipe *p = PTN_CONTAINER(watch, struct ptn_pipe, watch);

    if (readiness & PTN_FAILED)
        p->broken = true;
    if (readiness & PTN_WRITABLE && !p->broken)
        send_queued(p);
    for (int i = 0; i < BATCH && !p->broken && receive(p); i++)
        ;
    if (p->broken && !p->closed)
        p->ops->broken(p->arg);
}

int
ptn_pipe_wait(struct ptn_pipe *p, int milliseconds)
{
    struct pollfd poll_fd = {.fd = p->fd, .events = POLLIN};

    if (poll(&poll_fd, 1, milliseconds) != 1)
        return -1;
    receive(p);
    return p->broken ? -1 : 0;
}
