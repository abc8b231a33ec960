/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Questions of the envoy. An answer that comes late, to a question that was
 * given up, is passed over by its number. One thread.
 */
#include "warden/errand_client.h"
#include <errno.h>
#include <postern/arena.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct ptn_errand_client {
    int fd;
    uint32_t id;
    char packet[PTN_ERRAND_ANSWER_MAX];
};

struct ptn_errand_client *
ptn_errand_client_new(int fd)
{
    struct ptn_errand_client *c = ptn_alloc(sizeof *c);
    struct timeval limit = {.tv_sec = PTN_ERRAND_WAIT_MS / 1000};

    c->fd = fd;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return c;
}

void
ptn_errand_client_free(struct ptn_errand_client *c)
{
    if (!c)
        return;
    close(c->fd);
    ptn_free(c);
}

static int
gone(struct ptn_error *err)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return ptn_error_set(err, PTN_ERR_SYSTEM, "the warden does not answer");
    return ptn_error_set(err, PTN_ERR_SYSTEM, "the warden is gone");
}

static int
post(struct ptn_errand_client *c, enum ptn_errand_op op, const char *first,
     struct ptn_slice second)
{
    struct ptn_slice name = ptn_slice_of(first);
    struct ptn_errand_head head = {++c->id, (uint16_t)op, (uint16_t)name.len};
    struct iovec parts[] = {
        {&head, sizeof head},
        {(void *)(uintptr_t)name.data, name.len},
        {(void *)(uintptr_t)second.data, second.len},
    };
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = PTN_COUNT(parts)};
    ssize_t n;

    do {
        n = sendmsg(c->fd, &message, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -1 : 0;
}

/* The packet that answers the last question; its length or -1. */
static ssize_t
receive(struct ptn_errand_client *c, struct ptn_errand_head *head)
{
    for (;;) {
        ssize_t n = recv(c->fd, c->packet, sizeof c->packet, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n >= 0 && n < (ssize_t)sizeof *head) {
            errno = EPIPE;
            return -1;
        }
        if (n < 0)
            return -1;
        memcpy(head, c->packet, sizeof *head);
        if (head->id == c->id)
            return n - (ssize_t)sizeof *head;
    }
}

int
ptn_errand_client_ask(struct ptn_errand_client *c, enum ptn_errand_op op,
                      const char *first, struct ptn_slice second,
                      struct ptn_buf *out, struct ptn_error *err)
{
    struct ptn_errand_head head;
    ssize_t n;

    if (strlen(first) > PTN_ERRAND_NAME_MAX ||
        second.len > PTN_ERRAND_CHAIN_MAX)
        return ptn_error_set(err, PTN_ERR_LIMIT,
                             "more than the warden takes at once");
    if (post(c, op, first, second) != 0)
        return gone(err);
    n = receive(c, &head);
    if (n < 0)
        return gone(err);
    if (head.first)
        return ptn_error_set(err, PTN_ERR_TLS, "%.*s", (int)n,
                             c->packet + sizeof head);
    if (out)
        ptn_buf_add(out, c->packet + sizeof head, (size_t)n);
    return 0;
}
