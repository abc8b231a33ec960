/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The sockets of net/wire.h. Loop thread.
 */
#include "net/wire.h"
#include <errno.h>
#include <unistd.h>

int
ptn_wire_accept(int fd, struct sockaddr_storage *peer)
{
    socklen_t len = sizeof *peer;

    peer->ss_family = AF_UNSPEC;
    return accept4(fd, (struct sockaddr *)peer, &len,
                   SOCK_NONBLOCK | SOCK_CLOEXEC);
}

ssize_t
ptn_wire_receive(int fd, void *into, size_t len)
{
    return recv(fd, into, len, 0);
}

ssize_t
ptn_wire_send(int fd, const void *data, size_t len)
{
    ssize_t n;

    do
        n = send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n;
}

int
ptn_wire_end(int fd)
{
    return shutdown(fd, SHUT_WR);
}

void
ptn_wire_close(int fd)
{
    close(fd);
}

void
ptn_wire_local(int fd, struct sockaddr_storage *out)
{
    socklen_t len = sizeof *out;

    if (getsockname(fd, (struct sockaddr *)out, &len) != 0)
        out->ss_family = AF_UNSPEC;
}
