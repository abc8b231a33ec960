/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Questions to the warden. One at a time, so an answer belongs to the last
 * request, or is late for one that was given up and is passed over. The
 * thread of the loop.
 *
 *   connected --end of file, error--> away --ptn_warden_client_connect-->
 */
#include "warden/client.h"
#include "base/clock.h"
#include "warden/wire.h"
#include <errno.h>
#include <postern/arena.h>
#include <postern/log.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct ptn_warden_client {
    int fd; /* -1: away */
    uint32_t id;
    bool told;      /* that it is away, or does not answer */
    uint64_t asked; /* the round in which this round of loads began; 0: none */
    struct ptn_warden_head head; /* of the last answer */
    size_t len;                  /* what follows it */
    char packet[PTN_WARDEN_ANSWER_MAX];
};

struct ptn_warden_client *
ptn_warden_client_new(void)
{
    struct ptn_warden_client *c = ptn_alloc(sizeof *c);

    c->fd = -1;
    return c;
}

void
ptn_warden_client_free(struct ptn_warden_client *c)
{
    if (!c)
        return;
    if (c->fd >= 0)
        close(c->fd);
    ptn_free(c);
}

/* The kernel counts the time: no system call more for each question. */
static void
set_patience(int fd)
{
    struct timeval limit = {.tv_sec = PTN_WARDEN_SIGN_MS / 1000,
                            .tv_usec = PTN_WARDEN_SIGN_MS % 1000 * 1000};

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

void
ptn_warden_client_connect(struct ptn_warden_client *c, int fd)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = fd;
    c->told = false;
    if (fd >= 0)
        set_patience(fd);
}

/* Once for each channel; then silence until the next. */
static void
log_trouble(struct ptn_warden_client *c, const char *what)
{
    if (c->told)
        return;
    c->told = true;
    ptn_log(PTN_LOG_ERROR, "warden.unreachable", PTN_FS("error", what),
            PTN_FS("hint", "handshakes that need a signature fail until it "
                           "answers again; open sessions go on"));
}

static int
lose(struct ptn_warden_client *c, const char *what)
{
    log_trouble(c, what);
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    return -1;
}

static int
post(struct ptn_warden_client *c, struct ptn_warden_head *head,
     struct ptn_slice first, struct ptn_slice second)
{
    struct iovec parts[] = {
        {head, sizeof *head},
        {(void *)(uintptr_t)first.data, first.len},
        {(void *)(uintptr_t)second.data, second.len},
    };
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = PTN_COUNT(parts)};

    if (c->fd < 0)
        return lose(c, "it is gone");
    head->id = ++c->id;
    for (;;) {
        if (sendmsg(c->fd, &message, MSG_NOSIGNAL) >= 0)
            return 0;
        if (errno != EINTR)
            return lose(c, strerror(errno));
    }
}

/* The next packet that answers the last request. 0; -1: there is none; 1:
 * not within the kernel's time limit. */
static int
receive(struct ptn_warden_client *c)
{
    for (;;) {
        ssize_t n = recv(c->fd, c->packet, sizeof c->packet, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return 1;
        if (n < (ssize_t)sizeof c->head)
            return lose(c, n < 0 ? strerror(errno) : "it is gone");
        memcpy(&c->head, c->packet, sizeof c->head);
        c->len = (size_t)n - sizeof c->head;
        if (c->head.id == c->id)
            return 0;
    }
}

static struct ptn_slice
content(const struct ptn_warden_client *c)
{
    return (struct ptn_slice){c->packet + sizeof c->head, c->len};
}

static int
sign(void *arg, const uint8_t *fingerprint, const struct ptn_tls_to_sign *what,
     struct ptn_buf *signature)
{
    struct ptn_warden_client *c = arg;
    struct ptn_warden_head head = {.op = PTN_WARDEN_SIGN,
                                   .extra = (uint16_t)what->scheme};
    struct ptn_slice leaf = {(const char *)fingerprint, PTN_FINGERPRINT_SIZE};
    int result;

    if (what->input.len > PTN_WARDEN_INPUT_MAX ||
        post(c, &head, leaf, what->input) != 0)
        return -1;
    result = receive(c);
    if (result > 0)
        log_trouble(c, "it does not answer");
    if (result != 0 || c->head.op != PTN_KEYRING_GOOD)
        return -1; /* if it refused, it has logged why */
    c->told = false;
    ptn_buf_addslice(signature, content(c));
    return 0;
}

/* All pieces of an answer. */
static int
receive_chain(struct ptn_warden_client *c, struct ptn_buf *chain)
{
    uint64_t deadline = ptn_clock_ms() + PTN_WARDEN_LOAD_MS;
    int result;

    do {
        result = receive(c);
        if (result < 0 || (result > 0 && ptn_clock_ms() >= deadline))
            return -1;
        if (result == 0 && c->head.op == PTN_KEYRING_GOOD)
            ptn_buf_addslice(chain, content(c));
    } while (result > 0 || c->head.extra);
    return 0;
}

static enum ptn_keyring_result
load(void *arg, const char *name, struct ptn_buf *chain, struct ptn_error *err)
{
    struct ptn_warden_client *c = arg;
    struct ptn_warden_head head = {.op = PTN_WARDEN_LOAD};
    struct ptn_slice text;

    if (strlen(name) > PTN_WARDEN_NAME_MAX) {
        ptn_error_set(err, PTN_ERR_TLS,
                      "a certificate's name of more than "
                      "%d octets",
                      PTN_WARDEN_NAME_MAX);
        return PTN_KEYRING_REFUSED;
    }
    if (post(c, &head, ptn_slice_of(name), (struct ptn_slice){NULL, 0}) != 0 ||
        receive_chain(c, chain) != 0) {
        ptn_error_set(err, PTN_ERR_SYSTEM,
                      "certificates.%s: the warden does not answer; its log "
                      "lines say why",
                      name);
        return PTN_KEYRING_AWAY;
    }
    c->asked = c->asked ? c->asked : c->head.round;
    if (c->head.op == PTN_KEYRING_GOOD || c->head.op == PTN_KEYRING_COMING)
        return (enum ptn_keyring_result)c->head.op;
    text = content(c);
    if (c->head.op == PTN_KEYRING_LOCKED) {
        ptn_error_set(err, PTN_ERR_LOCKED, "%.*s", (int)text.len, text.data);
        return PTN_KEYRING_LOCKED;
    }
    ptn_error_set(err, PTN_ERR_TLS, "%.*s", (int)text.len, text.data);
    return PTN_KEYRING_REFUSED;
}

/* What may be there, and is done without if not: a handshake may wait. */
static bool
fetch(struct ptn_warden_client *c, enum ptn_warden_op op,
      struct ptn_slice first, struct ptn_slice second, struct ptn_buf *out)
{
    struct ptn_warden_head head = {.op = (uint16_t)op};

    if (second.len > PTN_WARDEN_NAME_MAX || post(c, &head, first, second) != 0)
        return false;
    do {
        if (receive(c) != 0 || c->head.op != PTN_KEYRING_GOOD)
            return false;
        ptn_buf_addslice(out, content(c));
    } while (c->head.extra);
    return true;
}

static bool
challenge(void *arg, struct ptn_slice name, struct ptn_buf *chain)
{
    return fetch(arg, PTN_WARDEN_CHALLENGE, (struct ptn_slice){NULL, 0}, name,
                 chain);
}

static bool
staple(void *arg, const char *name, const uint8_t *fingerprint,
       struct ptn_buf *response)
{
    struct ptn_slice leaf = {(const char *)fingerprint, PTN_FINGERPRINT_SIZE};

    return fetch(arg, PTN_WARDEN_STAPLE, leaf, ptn_slice_of(name), response);
}

static void
settle(void *arg, bool all, uint64_t most)
{
    struct ptn_warden_client *c = arg;
    struct ptn_warden_head head = {.op = PTN_WARDEN_SETTLE,
                                   .round = c->asked < most ? c->asked : most};
    struct ptn_slice nothing = {NULL, 0};

    if (all && c->fd >= 0)
        (void)post(c, &head, nothing, nothing); /* it will hear the next */
    c->asked = 0;
}

struct ptn_keyring
ptn_warden_client_keyring(struct ptn_warden_client *c)
{
    return (struct ptn_keyring){load, sign, settle, challenge, staple, c};
}
