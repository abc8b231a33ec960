/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Messages between a server and its heir. Main threads.
 */
#include "proc/handover.h"
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

union control {
    struct cmsghdr head; /* for its alignment */
    char room[CMSG_SPACE(PTN_HANDOVER_FDS * sizeof(int))];
};

int
ptn_handover_send(int channel, struct ptn_slice record, const int *fds,
                  size_t count, struct ptn_error *err)
{
    struct iovec data = {(void *)record.data, record.len};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    union control control;
    ssize_t n;

    assert(count <= PTN_HANDOVER_FDS && record.len <= PTN_HANDOVER_MAX);
    if (count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(&control.head), fds, count * sizeof(int));
    }
    do
        n = sendmsg(channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n < 0 ? ptn_error_errno(err, "the other server does not listen") : 0;
}

static void
take_fds(const struct msghdr *message, int *fds, size_t *count)
{
    struct cmsghdr *head = CMSG_FIRSTHDR(message);

    if (!head || head->cmsg_level != SOL_SOCKET ||
        head->cmsg_type != SCM_RIGHTS)
        return;
    *count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(fds, CMSG_DATA(head), *count * sizeof(int));
}

int
ptn_handover_take(int channel, struct ptn_buf *record, int *fds, size_t *count)
{
    struct iovec data;
    union control control;
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t n;

    record->len = 0;
    *count = 0;
    data.iov_base = ptn_buf_reserve(record, PTN_HANDOVER_MAX);
    data.iov_len = PTN_HANDOVER_MAX;
    do
        n = recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n == 0 ? 0 : -1;
    record->len = (size_t)n;
    take_fds(&message, fds, count);
    return 1;
}

bool
ptn_handover_wait(int channel, int milliseconds)
{
    struct pollfd p = {.fd = channel, .events = POLLIN};
    int n;

    do
        n = poll(&p, 1, milliseconds);
    while (n < 0 && errno == EINTR);
    return n > 0;
}
