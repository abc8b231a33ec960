/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Descriptors over sockets. Any thread; each end has one owner.
 */
#include "proc/channels.h"
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
    struct cmsghdr head;
    char room[CMSG_SPACE(PTN_CHANNELS * sizeof(int))];
};

void
ptn_channels_close(int ends[PTN_CHANNELS])
{
    for (int i = 0; i < PTN_CHANNELS; i++) {
        if (ends[i] >= 0)
            close(ends[i]);
        ends[i] = -1;
    }
}

int
ptn_channels_new(int ends[PTN_CHANNELS], int others[PTN_CHANNELS],
                 struct ptn_error *err)
{
    for (int i = 0; i < PTN_CHANNELS; i++)
        ends[i] = others[i] = -1;
    for (int i = 0; i < PTN_CHANNELS; i++) {
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
            ptn_error_errno(err, "no channel between worker and warden");
            ptn_channels_close(ends);
            ptn_channels_close(others);
            return -1;
        }
        ends[i] = pair[0];
        others[i] = pair[1];
    }
    return 0;
}

int
ptn_channels_send(int fd, char type, const char *text,
                  const int ends[PTN_CHANNELS])
{
    struct iovec parts[] = {{&type, 1}, {(char *)text, strlen(text)}};
    union control control = {.room = {0}};
    struct msghdr message = {
        .msg_iov = parts,
        .msg_iovlen = 2,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(PTN_CHANNELS * sizeof(int));
    memcpy(CMSG_DATA(c), ends, PTN_CHANNELS * sizeof(int));
    return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -1 : 0;
}

ssize_t
ptn_channels_receive(int fd, void *into, size_t size, int ends[PTN_CHANNELS])
{
    struct iovec part = {into, size};
    union control control = {.room = {0}};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;

    for (int i = 0; i < PTN_CHANNELS; i++)
        ends[i] = -1;
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN(PTN_CHANNELS * sizeof(int)))
        memcpy(ends, CMSG_DATA(c), PTN_CHANNELS * sizeof(int));
    return n;
}
