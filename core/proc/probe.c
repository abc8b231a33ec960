/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The client of a probe. The certificate is taken whatever it is, as it is
 * looked at afterwards. One thread.
 */
#include "proc/probe.h"
#include "base/cidr.h"
#include "base/clock.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <postern/arena.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    STEP_MS = 10000,
    CHUNK = 4096,
    TALK_MAX = 16384, /* octets before TLS */
};

struct line {
    int fd;
    struct ptn_buf in, out; /* received and not used; to be sent */
    uint64_t step, deadline;
};

/* Version 2, LOCAL: no client stands behind it (section 2.2). */
static const char proxy_header[] = "\r\n\r\n\0\r\nQUIT\n\x20\0\0";
#define PROXY_HEADER ((struct ptn_slice){proxy_header, 16})

/* --- the socket --- */

/* "*" is reached where everybody has an address. */
static socklen_t
address_of(const struct ptn_address_conf *a, struct sockaddr_storage *out)
{
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)out;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)out;
    const char *host = a->host;

    if (strcmp(host, "*") == 0 || strcmp(host, "0.0.0.0") == 0)
        host = "127.0.0.1";
    else if (strcmp(host, "::") == 0)
        host = "::1";
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(a->port);
        return sizeof *four;
    }
    if (inet_pton(AF_INET6, host, &six->sin6_addr) != 1)
        return 0;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(a->port);
    return sizeof *six;
}

static int
await(struct line *l, short events, struct ptn_error *err)
{
    uint64_t now = ptn_clock_ms();
    struct pollfd p = {l->fd, events, 0};

    if (now < l->deadline && poll(&p, 1, (int)(l->deadline - now)) > 0)
        return 0;
    return ptn_error_set(err, PTN_ERR_SYSTEM, "it does not answer");
}

static void
begin_step(struct line *l)
{
    l->deadline = ptn_clock_ms() + l->step;
}

/* A connection from an address to itself has it as both ends. */
static int
bind_to_itself(int fd, const struct sockaddr_storage *to, socklen_t len,
               uint16_t *port)
{
    struct sockaddr_storage own = *to;
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)&own;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)&own;
    uint16_t *at = own.ss_family == AF_INET ? &four->sin_port : &six->sin6_port;

    *at = 0;
    if (bind(fd, (struct sockaddr *)&own, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&own, &len) != 0)
        return -1;
    *port = ntohs(*at);
    return 0;
}

int
ptn_probe_socket(const struct ptn_address_conf *a, uint16_t *port,
                 struct ptn_error *err)
{
    struct sockaddr_storage to;
    socklen_t len = address_of(a, &to);
    int fd;

    if (len == 0)
        return ptn_error_set(err, PTN_ERR_INVALID, "%s is no address", a->host);
    fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return ptn_error_errno(err, "no socket");
    if (bind_to_itself(fd, &to, len, port) != 0)
        *port = 0; /* then it is counted like any other */
    return fd;
}

int
ptn_probe_connect(int fd, const struct ptn_address_conf *a, unsigned step_ms,
                  struct ptn_error *err)
{
    struct line l = {.fd = fd, .step = step_ms ? step_ms : STEP_MS};
    struct sockaddr_storage to;
    socklen_t len = address_of(a, &to), size = sizeof(int);
    int status = 0;

    begin_step(&l);
    if (connect(fd, (struct sockaddr *)&to, len) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return ptn_error_errno(err, "port %u", a->port);
    if (await(&l, POLLOUT, err) != 0)
        return -1;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &status, &size) == 0 &&
        status == 0)
        return 0;
    errno = status;
    return ptn_error_errno(err, "port %u", a->port);
}

static int
flush(struct line *l, struct ptn_error *err)
{
    while (l->out.len > 0) {
        ssize_t n = send(l->fd, l->out.data, l->out.len, MSG_NOSIGNAL);

        if (n > 0)
            ptn_buf_consume(&l->out, (size_t)n);
        else if (errno != EAGAIN && errno != EINTR)
            return ptn_error_errno(err, "it hung up");
        else if (await(l, POLLOUT, err) != 0)
            return -1;
    }
    return 0;
}

static int
receive(struct line *l, struct ptn_error *err)
{
    ssize_t n;

    do {
        if (await(l, POLLIN, err) != 0)
            return -1;
        n = recv(l->fd, ptn_buf_reserve(&l->in, CHUNK), CHUNK, 0);
    } while (n < 0 && (errno == EAGAIN || errno == EINTR));
    if (n <= 0)
        return ptn_error_set(err, PTN_ERR_SYSTEM, "it hung up");
    l->in.len += (size_t)n;
    return 0;
}

/* --- until TLS --- */

static bool
begins_with(struct ptn_slice text, const char *begin)
{
    return begin && text.len >= strlen(begin) &&
           memcmp(text.data, begin, strlen(begin)) == 0;
}

/* One line; what it is made of stays in l->in until `*used` is consumed. */
static int
take_line(struct line *l, struct ptn_slice *out, size_t *used,
          struct ptn_error *err)
{
    const char *end = NULL;

    while (!(end = l->in.len ? memchr(l->in.data, '\n', l->in.len) : NULL)) {
        if (l->in.len > TALK_MAX)
            return ptn_error_set(err, PTN_ERR_LIMIT, "it talks too much");
        if (receive(l, err) != 0)
            return -1;
    }
    *used = (size_t)(end - l->in.data) + 1;
    *out = (struct ptn_slice){l->in.data, *used - 1};
    if (out->len > 0 && out->data[out->len - 1] == '\r')
        out->len--;
    return 0;
}

static int
await_line(struct line *l, const struct ptn_client_step *step,
           struct ptn_error *err)
{
    struct ptn_slice line = {NULL, 0};
    size_t used = 0;
    bool done;

    do {
        if (take_line(l, &line, &used, err) != 0)
            return -1;
        done = begins_with(line, step->expect);
        if (!done && !begins_with(line, step->skip))
            return ptn_error_set(err, PTN_ERR_INVALID, "it says \"%.*s\"",
                                 (int)(line.len < 80 ? line.len : 80),
                                 line.data);
        ptn_buf_consume(&l->in, used);
    } while (!done);
    return 0;
}

static int
talk(struct line *l, const struct ptn_protocol *p, struct ptn_error *err)
{
    const struct ptn_client_step *step =
        PTN_HAS(p, struct ptn_protocol, starttls) ? p->starttls : NULL;

    if (!step)
        return ptn_error_set(err, PTN_ERR_MODULE,
                             "the protocol does not tell how clients begin "
                             "TLS");
    for (; step->expect; step++) {
        begin_step(l);
        if (await_line(l, step, err) != 0)
            return -1;
        if (!step->say)
            continue;
        ptn_buf_printf(&l->out, "%s\r\n", step->say);
        if (flush(l, err) != 0)
            return -1;
    }
    return 0;
}

/* --- TLS --- */

static size_t
transport_receive(void *arg, uint8_t *into, size_t len)
{
    struct line *l = arg;
    size_t n = len < l->in.len ? len : l->in.len;

    if (n > 0) {
        memcpy(into, l->in.data, n);
        ptn_buf_consume(&l->in, n);
    }
    return n;
}

static size_t
transport_send(void *arg, const uint8_t *from, size_t len)
{
    struct line *l = arg;

    ptn_buf_add(&l->out, from, len);
    return len;
}

static const struct ptn_tls_transport transport = {
    transport_receive,
    transport_send,
};

static int
shake_hands(const struct ptn_probe *probe, struct line *l,
            struct ptn_tls_session *session, struct ptn_error *err)
{
    struct ptn_tls_info info = {.version = 0};

    for (;;) {
        enum ptn_tls_io io = probe->ops->handshake(session);

        if (flush(l, err) != 0)
            return -1;
        if (io == PTN_TLS_IO_OK)
            return 0;
        if (io == PTN_TLS_IO_CLOSED || io == PTN_TLS_IO_ERROR)
            break;
        if (io == PTN_TLS_IO_WANT_READ && receive(l, err) != 0)
            return -1;
    }
    probe->ops->info(session, &info);
    return ptn_error_set(err, PTN_ERR_TLS, "the handshake fails: %s",
                         info.failure ? info.failure : "no reason is known");
}

/* With TLS 1.3 a client is done before the server has looked at what it
 * showed (RFC 8446 section 4.4.2.4): only an answer tells whether it is let
 * in. An empty line brings one in every protocol. */
static bool
is_let_in(const struct ptn_probe *probe, struct line *l,
          struct ptn_tls_session *session)
{
    enum ptn_tls_io io;
    uint8_t octets[64];
    size_t n = 0;

    (void)probe->ops->write(session, (const uint8_t *)"\r\n", 2, &n);
    for (;;) {
        if (flush(l, NULL) != 0)
            return false;
        io = probe->ops->read(session, octets, sizeof octets, &n);
        if (io != PTN_TLS_IO_WANT_READ)
            return io == PTN_TLS_IO_OK;
        if (receive(l, NULL) != 0)
            return false;
    }
}

/* Before TLS 1.3 it is the handshake that fails. */
static bool
was_refused(const struct ptn_probe *probe, struct ptn_tls_session *session)
{
    struct ptn_tls_info info = {.version = 0};

    probe->ops->info(session, &info);
    return probe->listener->tls.client == PTN_TLS_PEER_REQUIRED &&
           info.alert_received != 0;
}

static void
note(const struct ptn_probe *probe, struct ptn_tls_session *session,
     struct ptn_probe_result *out)
{
    struct ptn_tls_info info = {.version = 0};

    probe->ops->info(session, &info);
    snprintf(out->version, sizeof out->version, "%s",
             info.version_name ? info.version_name : "");
    snprintf(out->cipher, sizeof out->cipher, "%s",
             info.cipher ? info.cipher : "");
    snprintf(out->group, sizeof out->group, "%s", info.group ? info.group : "");
}

/* From the handshake on. */
static int
look(const struct ptn_probe *probe, struct line *l,
     struct ptn_tls_session *session, struct ptn_probe_result *out,
     struct ptn_error *err)
{
    int result = shake_hands(probe, l, session, err);

    if (result != 0 && !was_refused(probe, session))
        return -1;
    note(probe, session, out);
    out->stage = PTN_PROBE_SEEN;
    if (probe->ops->peer_chain(session, &out->chain) != 0 && result == 0)
        return ptn_error_set(err, PTN_ERR_TLS, "it shows no certificate");
    if (result != 0)
        out->client = PTN_PROBE_REFUSED;
    else if (probe->listener->tls.client != PTN_TLS_PEER_IGNORED)
        out->client =
            is_let_in(probe, l, session) ? PTN_PROBE_LET_IN : PTN_PROBE_REFUSED;
    (void)probe->ops->shutdown(session);
    (void)flush(l, NULL);
    return 0;
}

static int
run_tls(const struct ptn_probe *probe, struct line *l,
        struct ptn_probe_result *out, struct ptn_error *err)
{
    const struct ptn_tls_conf *tls = &probe->listener->tls;
    struct ptn_tls_params params = {
        .size = sizeof params,
        .min_version = (enum ptn_tls_version)tls->min_version,
        .max_version = (enum ptn_tls_version)tls->max_version,
        .is_client = true,
    };
    struct ptn_tls_context *context;
    struct ptn_tls_session *session;
    int result = -1;

    if (probe->ops->context_new(probe->instance, &params, &context, err) != 0)
        return -1;
    begin_step(l);
    session = probe->ops->connect(probe->instance, context, &transport, l,
                                  probe->server_name);
    if (!session)
        ptn_error_set(err, PTN_ERR_TLS, "no client's session can be made");
    else
        result = look(probe, l, session, out, err);
    if (session)
        probe->ops->session_free(session);
    probe->ops->context_free(probe->instance, context);
    return result;
}

/* Whether the listener takes us for a proxy. */
static bool
is_proxy(const struct ptn_listener_conf *conf, int fd)
{
    struct sockaddr_storage own = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof own;

    return conf->proxy_from.count > 0 &&
           getsockname(fd, (struct sockaddr *)&own, &len) == 0 &&
           ptn_cidr_has(conf->proxies, conf->proxy_from.count, &own);
}

static int
come_to_tls(const struct ptn_probe *probe, struct line *l,
            struct ptn_error *err)
{
    const struct ptn_listener_conf *conf = probe->listener;

    begin_step(l);
    if (is_proxy(conf, l->fd)) {
        ptn_buf_addslice(&l->out, PROXY_HEADER);
        if (flush(l, err) != 0)
            return -1;
    }
    return conf->tls.mode == PTN_TLS_EXPLICIT ? talk(l, conf->protocol, err)
                                              : 0;
}

int
ptn_probe_look(const struct ptn_probe *probe, int fd,
               struct ptn_probe_result *out, struct ptn_error *err)
{
    struct line l = {.fd = fd,
                     .step = probe->step_ms ? probe->step_ms : STEP_MS};
    int result;

    out->stage = PTN_PROBE_DIALLED;
    result = come_to_tls(probe, &l, err);
    if (result == 0) {
        out->stage = PTN_PROBE_TALKED;
        result = run_tls(probe, &l, out, err);
    }
    close(fd);
    ptn_buf_free(&l.in);
    ptn_buf_free(&l.out);
    return result;
}

int
ptn_probe_run(const struct ptn_probe *probe, struct ptn_probe_result *out,
              struct ptn_error *err)
{
    const struct ptn_listener_conf *conf = probe->listener;
    const struct ptn_address_conf *to =
        probe->address || conf->address_count == 0 ? probe->address
                                                   : &conf->addresses[0];
    uint16_t port;
    int fd;

    if (!(probe->ops->capability & PTN_TLS_CAP_CLIENT))
        return ptn_error_set(err, PTN_ERR_TLS, "%s cannot connect",
                             probe->ops->name);
    if (!to)
        return ptn_error_set(err, PTN_ERR_CONFIG, "it has no address");
    fd = ptn_probe_socket(to, &port, err);
    if (fd < 0)
        return -1;
    if (ptn_probe_connect(fd, to, probe->step_ms, err) == 0)
        return ptn_probe_look(probe, fd, out, err);
    close(fd);
    return -1;
}
