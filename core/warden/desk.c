/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Answering one worker. The worker may be anybody's by now: what it sends is
 * measured before it is used, and what it may ask for is a signature of a
 * scheme that we know by a key that it was given to use, or a public chain.
 * Each desk is used by its own thread alone.
 */
#include "warden/desk.h"
#include "warden/wire.h"
#include <errno.h>
#include <postern/arena.h>
#include <postern/log.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    STACK = 512 << 10, /* octets; RSA is the hungriest */
};

struct desk {
    struct ptn_desks *desks;
    struct ptn_keys_user *user;
    int fd;
    struct ptn_warden_head head; /* of the request in hand */
    size_t len;                  /* what follows it */
    char request[PTN_WARDEN_REQUEST_MAX];
    struct ptn_buf answer; /* reused: a signature costs no allocation */
};

static struct ptn_slice
content(const struct desk *d)
{
    return (struct ptn_slice){d->request + sizeof d->head, d->len};
}

static void
post(const struct desk *d, enum ptn_keyring_result result, uint64_t round,
     struct ptn_slice piece, bool more)
{
    struct ptn_warden_head head = {d->head.id, (uint16_t)result, (uint16_t)more,
                                   round};
    struct iovec parts[] = {
        {&head, sizeof head},
        {(void *)(uintptr_t)piece.data, piece.len},
    };
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = PTN_COUNT(parts)};

    while (sendmsg(d->fd, &message, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ; /* any other failure is the worker's end, seen at the next read */
}

static void
post_error(const struct desk *d, uint64_t round, const struct ptn_error *err)
{
    enum ptn_keyring_result result =
        err->code == PTN_ERR_LOCKED ? PTN_KEYRING_LOCKED : PTN_KEYRING_REFUSED;

    post(d, result, round, ptn_slice_of(err->text), false);
}

static void
sign(struct desk *d)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_tls_to_sign what = {.scheme =
                                       (enum ptn_tls_scheme)d->head.extra};

    if (d->len < PTN_FINGERPRINT_SIZE) {
        ptn_error_set(&err, PTN_ERR_INVALID, "a malformed request");
    } else {
        what.input = ptn_slice_sub(content(d), PTN_FINGERPRINT_SIZE,
                                   d->len - PTN_FINGERPRINT_SIZE);
        if (ptn_keys_sign(d->user, (const uint8_t *)content(d).data, &what,
                          &d->answer, &err) == 0) {
            post(d, PTN_KEYRING_GOOD, 0, ptn_buf_slice(&d->answer), false);
            return;
        }
    }
    ptn_log_error(PTN_LOG_ERROR, "certificate.cannot-sign", &err);
    post_error(d, 0, &err);
}

static void
post_chain(const struct desk *d, uint64_t round)
{
    struct ptn_slice rest = ptn_buf_slice(&d->answer);
    bool more;

    do {
        size_t n =
            rest.len < PTN_WARDEN_PIECE_MAX ? rest.len : PTN_WARDEN_PIECE_MAX;

        more = n < rest.len;
        post(d, PTN_KEYRING_GOOD, round, ptn_slice_sub(rest, 0, n), more);
        rest = ptn_slice_sub(rest, n, rest.len - n);
    } while (more);
}

static void
load(struct desk *d)
{
    char name[PTN_WARDEN_NAME_MAX + 1];
    struct ptn_error err = PTN_ERROR_INIT;
    enum ptn_keyring_result result;
    uint64_t round;

    if (d->len > PTN_WARDEN_NAME_MAX) {
        ptn_error_set(&err, PTN_ERR_INVALID, "a malformed request");
        post_error(d, 0, &err);
        return;
    }
    memcpy(name, content(d).data, d->len);
    name[d->len] = '\0';
    result = ptn_keys_chain(d->user, name, &round, &d->answer, &err);
    if (result == PTN_KEYRING_GOOD)
        post_chain(d, round);
    else if (result == PTN_KEYRING_COMING)
        post(d, result, round, PTN_SLICE(""), false);
    else
        post_error(d, round, &err);
}

/* No text for people: a worker that has none goes on without it. */
static void
answer_or_none(struct desk *d, bool found)
{
    if (found)
        post_chain(d, 0);
    else
        post(d, PTN_KEYRING_REFUSED, 0, PTN_SLICE(""), false);
}

static void
staple(struct desk *d)
{
    struct ptn_slice name = {NULL, 0};

    if (d->len >= PTN_FINGERPRINT_SIZE)
        name = ptn_slice_sub(content(d), PTN_FINGERPRINT_SIZE,
                             d->len - PTN_FINGERPRINT_SIZE);
    answer_or_none(d, name.len > 0 &&
                          ptn_keys_staple(d->user, name,
                                          (const uint8_t *)content(d).data,
                                          &d->answer));
}

static void
serve(struct desk *d)
{
    d->answer.len = 0;
    switch (d->head.op) {
    case PTN_WARDEN_SIGN:
        sign(d);
        break;
    case PTN_WARDEN_LOAD:
        load(d);
        break;
    case PTN_WARDEN_CHALLENGE:
        answer_or_none(d, ptn_keys_challenge(d->user, content(d), &d->answer));
        break;
    case PTN_WARDEN_STAPLE:
        staple(d);
        break;
    case PTN_WARDEN_SETTLE:
        ptn_keys_settle(d->user, d->head.round);
        break;
    default: /* no worker of ours asks this */
        ptn_log(PTN_LOG_WARNING, "warden.strange-request",
                PTN_FN("op", d->head.op));
    }
}

static void
desk_free(struct desk *d)
{
    ptn_keys_user_free(d->user);
    close(d->fd);
    ptn_buf_free(&d->answer);
    atomic_fetch_sub(&d->desks->open, 1);
    ptn_free(d);
}

static void *
run(void *arg)
{
    struct desk *d = arg;

    for (;;) {
        ssize_t n = recv(d->fd, d->request, sizeof d->request, MSG_TRUNC);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        if (n < (ssize_t)sizeof d->head || n > (ssize_t)sizeof d->request)
            continue; /* without a number, there is no way to answer */
        memcpy(&d->head, d->request, sizeof d->head);
        d->len = (size_t)n - sizeof d->head;
        serve(d);
    }
    desk_free(d);
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
ptn_desk_open(struct ptn_desks *desks, int fd, const char *group,
              struct ptn_error *err)
{
    struct desk *d = ptn_alloc(sizeof *d);

    d->desks = desks;
    d->fd = fd;
    d->user = ptn_keys_user_in(desks->keys, group);
    atomic_fetch_add(&desks->open, 1);
    errno = start(d);
    if (errno == 0)
        return 0;
    ptn_error_errno(err, "no thread that signs");
    desk_free(d);
    return -1;
}
