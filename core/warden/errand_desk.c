/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Answering the envoy: packets in and out. What is done about them is
 * errand_work.c. The desk is used by its own thread alone.
 */
#include "warden/errand_desk.h"
#include "warden/errand_inner.h"
#include <errno.h>
#include <postern/arena.h>
#include <postern/log.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    STACK = 512 << 10, /* octets; making an RSA key is the hungriest */
};

struct desk {
    const struct ptn_errand_office *office;
    int fd;
    char packet[PTN_ERRAND_REQUEST_MAX];
};

static void
post(const struct desk *d, struct ptn_errand_head head, struct ptn_slice text)
{
    struct iovec parts[] = {
        {&head, sizeof head},
        {(void *)(uintptr_t)text.data, text.len},
    };
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = PTN_COUNT(parts)};

    while (sendmsg(d->fd, &message, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ; /* any other failure is the envoy's end, seen at the next read */
}

static void
refuse(const struct desk *d, struct ptn_errand_head head,
       const struct ptn_error *err)
{
    ptn_log(PTN_LOG_WARNING, "errand.refused", PTN_FN("op", head.op),
            PTN_FS("error", err->text));
    head.first = 1;
    post(d, head, ptn_slice_of(err->text));
}

static void
serve(const struct desk *d, size_t len)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_buf answer = PTN_BUF_INIT;
    struct ptn_slice rest = {d->packet, len};
    struct ptn_errand_head head;
    char first[PTN_ERRAND_NAME_MAX + 1];

    memcpy(&head, d->packet, sizeof head);
    rest = ptn_slice_sub(rest, sizeof head, len - sizeof head);
    if (head.first > PTN_ERRAND_NAME_MAX || head.first > rest.len) {
        ptn_error_set(&err, PTN_ERR_INVALID, "a malformed request");
        refuse(d, head, &err);
        return;
    }
    memcpy(first, rest.data, head.first);
    first[head.first] = '\0';
    rest = ptn_slice_sub(rest, head.first, rest.len - head.first);
    if (ptn_errand_work(d->office, (enum ptn_errand_op)head.op, first, rest,
                        &answer, &err) != 0) {
        refuse(d, head, &err);
    } else if (answer.len > PTN_ERRAND_CHAIN_MAX) {
        ptn_error_set(&err, PTN_ERR_LIMIT, "the answer is too long");
        refuse(d, head, &err);
    } else {
        head.first = 0;
        post(d, head, ptn_buf_slice(&answer));
    }
    ptn_buf_free(&answer);
}

static void *
run(void *arg)
{
    struct desk *d = arg;

    for (;;) {
        ssize_t n = recv(d->fd, d->packet, sizeof d->packet, MSG_TRUNC);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        if (n < (ssize_t)sizeof(struct ptn_errand_head) ||
            n > (ssize_t)sizeof d->packet)
            continue; /* without a number, there is no way to answer */
        serve(d, (size_t)n);
    }
    close(d->fd);
    ptn_free(d);
    return NULL;
}

/* Signals are the main thread's, but for those that tell of a crash here. */
static int
start(struct desk *d)
{
    static const int faults[] = {SIGSEGV, SIGBUS,  SIGILL,
                                 SIGFPE,  SIGABRT, SIGSYS};
    pthread_attr_t attributes;
    sigset_t blocked, before;
    pthread_t thread;
    int error;

    sigfillset(&blocked);
    for (size_t i = 0; i < PTN_COUNT(faults); i++)
        sigdelset(&blocked, faults[i]);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    error = pthread_create(&thread, &attributes, run, d);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

int
ptn_errand_desk_open(const struct ptn_errand_office *office, int fd,
                     struct ptn_error *err)
{
    struct desk *d;

    if (!office->ops) {
        close(fd);
        return ptn_error_set(err, PTN_ERR_TLS, "no TLS provider is loaded");
    }
    d = ptn_alloc(sizeof *d);
    d->office = office;
    d->fd = fd;
    errno = start(d);
    if (errno == 0)
        return 0;
    ptn_error_errno(err, "no thread for the envoy");
    close(fd);
    ptn_free(d);
    return -1;
}
