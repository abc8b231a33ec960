/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Listeners: they accept in batches, count connections in all, for each
 * address and the network around it, refuse politely what is over a limit or
 * comes while the server goes away, and rest for a moment when the process
 * has no descriptor left. A listener whose TLS cannot be used
 * never accepts: nothing here can turn TLS off.
 */
#include "net/inner.h"
#include "net/wire.h"
#include "pki/pki.h"
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <postern/arena.h>
#include <postern/log.h>
#include <sys/socket.h>

#define REFUSED_LOG_MS 1000u /* refusals are logged at most this often */
#define PAUSE_MS 250u        /* without descriptors */
#define PAUSED_LOG_MS 10000u /* which is logged at most this often */

struct ptn_accept {
    struct ptn_watch watch;
    struct ptn_listener *listener; /* NULL: to be released with the last */
    int fd;
    /* How many more to try for after the first. Grows while there are, so
     * that a calm listener does not ask in vain each time. */
    unsigned burst;
};

static struct ptn_network *
hold(struct ptn_listener *l, const char *text)
{
    struct ptn_network *n = ptn_map_get(&l->networks, ptn_slice_of(text));

    if (!n) {
        n = ptn_alloc(sizeof *n);
        strcpy(n->text, text);
        ptn_map_put(&l->networks, ptn_slice_of(n->text), n);
    }
    n->count++;
    return n;
}

static void
let_go(struct ptn_listener *l, struct ptn_network *n)
{
    if (--n->count > 0)
        return;
    ptn_map_remove(&l->networks, ptn_slice_of(n->text));
    ptn_free(n);
}

struct ptn_network *
ptn_listener_enter(struct ptn_listener *l, const struct sockaddr_storage *peer)
{
    char text[PTN_ADDRESS_TEXT];
    struct ptn_network *around =
        ptn_network_around(peer, text) ? hold(l, text) : NULL;
    struct ptn_network *n;

    ptn_network_text(peer, text);
    n = hold(l, text);
    n->around = around;
    l->count++;
    return n;
}

/* One of the server's own visitors: of no network, and not counted. */
static struct ptn_network *
receive_visitor(struct ptn_listener *l)
{
    l->visitors.count++;
    return &l->visitors;
}

void
ptn_listener_leave(struct ptn_listener *l, struct ptn_network *network)
{
    if (network == &l->visitors) {
        network->count--;
        return;
    }
    l->count--;
    ptn_listener_measure(l);
    if (network->around)
        let_go(l, network->around);
    let_go(l, network);
}

bool
ptn_listener_is_over(const struct ptn_listener *l,
                     const struct ptn_network *network)
{
    const struct ptn_limits_conf *limits = &l->conf->limits;
    int64_t around = limits->connections_per_network
                         ? limits->connections_per_network
                         : limits->connections_per_address * 10;

    return network->count > limits->connections_per_address ||
           (network->around && network->around->count > around);
}

/* One line tells of all refusals since the last. */
void
ptn_listener_log_refused(struct ptn_listener *l, const char *peer,
                         const char *why)
{
    uint64_t now = ptn_loop_now(l->net->params.loop);

    l->refused++;
    ptn_count(&l->net->params.counters->refused, 1);
    ptn_meter_refused(l->meter, why);
    if (l->refused_logged && now - l->refused_logged < REFUSED_LOG_MS)
        return;
    ptn_log(PTN_LOG_WARNING, "listener.refused",
            PTN_FS("listener", l->conf->name), PTN_FS("peer", peer),
            PTN_FS("why", why), PTN_FN("count", l->refused),
            PTN_FN("held", l->count));
    l->refused = 0;
    l->refused_logged = now;
}

/* The words are sent in clear, so an implicit TLS port has none. */
static void
refuse(struct ptn_listener *l, int fd, enum ptn_refusal reason)
{
    const char *text = NULL;

    if (l->protocol->refuse && l->conf->tls.mode != PTN_TLS_IMPLICIT)
        text = l->protocol->refuse(reason);
    if (text) {
        ssize_t n = ptn_wire_send(fd, text, strlen(text));
        (void)n; /* a new socket takes a line; if not, so be it */
    }
    ptn_wire_close(fd);
}

static bool
is_server_full(const struct ptn_net_params *p)
{
    return p->connections && p->held(p->held_arg) >= p->connections;
}

static uint16_t
port_of(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET)
        return ntohs(
            ((const struct sockaddr_in *)(const void *)address)->sin_port);
    if (address->ss_family == AF_INET6)
        return ntohs(
            ((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
    return 0;
}

/* Nobody else can have the address that he connects to. */
static bool
is_visitor(const struct ptn_listener *l, int fd,
           const struct sockaddr_storage *peer)
{
    const struct ptn_net_params *p = &l->net->params;
    struct sockaddr_storage local = {.ss_family = AF_UNSPEC};
    char here[PTN_ADDRESS_TEXT], there[PTN_ADDRESS_TEXT];

    if (!p->is_visitor || !p->is_visitor(p->visitor_arg, port_of(peer)))
        return false;
    ptn_wire_local(fd, &local);
    ptn_address_text(&local, here);
    ptn_address_text(peer, there);
    return strcmp(here, there) == 0;
}

/* Why the connection is refused; NULL: it is not. */
static const char *
reason_to_refuse(const struct ptn_listener *l, const struct ptn_network *n,
                 bool proxied, enum ptn_refusal *reason)
{
    *reason = PTN_REFUSE_SHUTDOWN;
    if (l->net->draining)
        return "shutdown";
    *reason = PTN_REFUSE_MEMORY;
    if (ptn_listener_is_full(l))
        return "memory";
    *reason = PTN_REFUSE_CONNECTIONS;
    if (n != &l->visitors && (l->count > l->conf->limits.connections ||
                              (!proxied && ptn_listener_is_over(l, n)) ||
                              is_server_full(&l->net->params)))
        return "connections";
    return NULL;
}

static void
serve(struct ptn_listener *l, int fd, const struct sockaddr_storage *peer)
{
    struct ptn_network *n = is_visitor(l, fd, peer)
                                ? receive_visitor(l)
                                : ptn_listener_enter(l, peer);
    bool proxied =
        ptn_cidr_has(l->conf->proxies, l->conf->proxy_from.count, peer);
    char text[PTN_ADDRESS_TEXT];
    enum ptn_refusal reason;
    const char *why = reason_to_refuse(l, n, proxied, &reason);

    ptn_address_text(peer, text);
    if (!why) {
        ptn_session_new(l, fd, n, text, proxied);
        return;
    }
    ptn_listener_log_refused(l, text, why);
    refuse(l, fd, reason);
    ptn_listener_leave(l, n);
}

static void
watch_all(struct ptn_listener *l, unsigned events)
{
    for (size_t i = 0; i < l->sockets_open; i++)
        ptn_watch_set(&l->sockets[i].watch, events);
}

static void
on_pause_over(void *arg)
{
    struct ptn_listener *l = arg;

    l->pause = NULL;
    watch_all(l, PTN_READABLE);
}

/* No descriptor or memory for another socket: the connection stays in the
 * kernel's queue, and we do not spin on it. */
static void
pause_accepting(struct ptn_listener *l, int error)
{
    struct ptn_loop *loop = l->net->params.loop;
    uint64_t now = ptn_loop_now(loop);

    if (l->pause)
        return;
    watch_all(l, 0);
    l->pause = ptn_loop_timer(loop, PAUSE_MS, on_pause_over, l);
    if (l->pause_logged && now - l->pause_logged < PAUSED_LOG_MS)
        return;
    l->pause_logged = now;
    ptn_log(PTN_LOG_ERROR, "listener.paused", PTN_FS("listener", l->conf->name),
            PTN_FS("error", strerrordesc_np(error)), PTN_FN("held", l->count));
}

/* Accepts at most so many: whether that may not have been all. */
static bool
accept_some(struct ptn_accept *a, unsigned most)
{
    struct ptn_listener *l = a->listener;

    for (unsigned i = 0; i < most; i++) {
        struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
        int fd = ptn_wire_accept(a->fd, &peer);
        if (fd >= 0) {
            serve(l, fd, &peer);
            continue;
        }
        if (errno == EAGAIN)
            return false;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
            errno == ENOMEM) {
            pause_accepting(l, errno);
            return true;
        }
        /* The rest is one connection's trouble (accept(2)). */
    }
    return true;
}

static void
on_connection(struct ptn_watch *watch, unsigned readiness)
{
    struct ptn_accept *a = PTN_CONTAINER(watch, struct ptn_accept, watch);

    (void)readiness; /* a failure is found by accept */
    if (!accept_some(a, a->burst + 1))
        a->burst = 0;
    else if (a->burst < PTN_NET_ACCEPT_BATCH && !a->listener->pause)
        a->burst = a->burst * 2 + 1;
}

static void
on_accept_closed(struct ptn_watch *watch)
{
    struct ptn_accept *a = PTN_CONTAINER(watch, struct ptn_accept, watch);
    struct ptn_listener *l = a->listener;

    assert(l->sockets_open > 0);
    l->sockets_open--;
    if (l->sockets_open == 0 && !l->net) {
        ptn_free(l->sockets);
        ptn_free(l);
    }
}

static void
leave_sockets(struct ptn_listener *l)
{
    if (l->left)
        return;
    l->left = true;
    ptn_timer_cancel(l->pause);
    l->pause = NULL;
    for (size_t i = 0; i < l->sockets_open; i++)
        ptn_watch_close(&l->sockets[i].watch, on_accept_closed);
}

void
ptn_listener_retire(struct ptn_listener *l)
{
    for (size_t i = 0; i < l->sockets_open; i++)
        (void)accept_some(&l->sockets[i], SOMAXCONN);
    leave_sockets(l);
}

void
ptn_listener_free(struct ptn_listener *l)
{
    assert(l->count == 0);
    leave_sockets(l);
    ptn_map_free(&l->networks);
    ptn_meter_free(l->meter);
    l->net = NULL; /* the record goes with its last watch */
    if (l->sockets_open > 0)
        return;
    ptn_free(l->sockets);
    ptn_free(l);
}

static int
open_sockets(struct ptn_listener *l, const int *fds, size_t count,
             struct ptn_error *err)
{
    l->sockets = ptn_alloc(count * sizeof *l->sockets);
    for (size_t i = 0; i < count; i++) {
        struct ptn_accept *a = &l->sockets[i];
        a->listener = l;
        a->fd = fds[i];
        if (ptn_watch_open(l->net->params.loop, &a->watch, fds[i],
                           on_connection) != 0)
            return ptn_error_errno(err, "listener %s: cannot watch its socket",
                                   l->conf->name);
        l->sockets_open++;
    }
    watch_all(l, PTN_READABLE);
    return 0;
}

/* Fails closed: TLS that cannot be used is an error, never left out. */
static int
bind_tls(struct ptn_listener *l, struct ptn_error *err)
{
    const struct ptn_tls_ops *ops;
    void *instance;

    if (l->conf->tls.mode == PTN_TLS_NONE)
        return 0;
    if (l->net->params.pki)
        l->binding = ptn_pki_binding(l->net->params.pki, l->conf);
    if (!l->binding || !ptn_pki_context(l->binding, &ops, &instance))
        return ptn_error_set(err, PTN_ERR_TLS,
                             "listener %s wants TLS and has no certificate "
                             "that can be used",
                             l->conf->name);
    return 0;
}

int
ptn_net_listen(struct ptn_net *net, const struct ptn_listener_conf *conf,
               const int *fds, size_t count, struct ptn_error *err)
{
    struct ptn_listener *l = ptn_alloc(sizeof *l);

    assert(conf->protocol && conf->protocol->open && conf->protocol->line);
    l->net = net;
    l->conf = conf;
    l->protocol = conf->protocol;
    l->meter = ptn_meter_new(conf);
    strcpy(l->visitors.text, PTN_VISITORS);
    l->budget = conf->memory / (net->params.workers ? net->params.workers : 1);
    if (bind_tls(l, err) != 0 || open_sockets(l, fds, count, err) != 0) {
        ptn_listener_free(l);
        return -1;
    }
    ptn_list_add(&net->listeners, &l->link);
    return 0;
}
