/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a set-up to serving sessions and back. Main thread, which is the
 * loop's thread.
 *
 *   modules start -> sockets listen -> ready -> serve -> loop -> modules stop
 *
 *   WAITING --serve--> SERVING --retire--> RETIRED --the last session-+
 *      |                  |                   |                       v
 *      +------------------+------drain--------+--> DRAINING -------> end
 *
 * Sockets begin to listen only after every module has started, and nobody is
 * accepted before `serve`: a client never gets to a server that turns out
 * not to work.
 */
#include "proc/worker.h"
#include "auth/engine.h"
#include "auth/remote.h"
#include "net/net.h"
#include "proc/plan.h"
#include "warden/wire.h"
#include <errno.h>
#include <postern/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define OFFERS_MS 5000 /* what the warden gets to say what it offers */

enum phase {
    WAITING,
    SERVING,
    RETIRED,
    DRAINING,
};

struct ptn_worker {
    const struct ptn_worker_params *p;
    struct ptn_loop *loop;
    struct ptn_net *net;
    struct ptn_engine *engine;       /* of a single process */
    struct ptn_auth_service *remote; /* of a worker */
    enum phase phase;
    bool *served; /* by listener: connections are accepted */
    struct ptn_soon refresh;
    void (*refreshed)(void *arg, unsigned refused);
    void *refreshed_arg;
};

enum {
    REFRESH_STEP_US = 2000, /* of certificates, before sessions have a turn */
};

struct ptn_loop *
ptn_worker_loop(struct ptn_worker *w)
{
    return w->loop;
}

struct ptn_net *
ptn_worker_net(struct ptn_worker *w)
{
    return w->net;
}

const struct ptn_worker_params *
ptn_worker_params(struct ptn_worker *w)
{
    return w->p;
}

unsigned
ptn_worker_number(const struct ptn_worker *w)
{
    return w->p->number;
}

const char *
ptn_worker_phase(const struct ptn_worker *w)
{
    static const char *const names[] = {"waiting", "serving", "retired",
                                        "draining"};

    return names[w->phase];
}

static void
drained(void *arg)
{
    struct ptn_worker *w = arg;

    ptn_loop_stop(w->loop);
}

void
ptn_worker_drain(struct ptn_worker *w)
{
    if (w->phase == DRAINING) {
        ptn_loop_stop(w->loop);
        return;
    }
    w->phase = DRAINING;
    ptn_net_drain(w->net, w->p->setup->conf->server.drain_timeout, drained, w);
}

void
ptn_worker_retire(struct ptn_worker *w)
{
    if (w->phase != SERVING)
        return;
    w->phase = RETIRED;
    ptn_net_retire(w->net, drained, w);
    for (size_t i = 0; i < w->p->socket_count; i++) {
        close(w->p->sockets[i].fd);
        w->p->sockets[i].fd = -1;
    }
}

void
ptn_worker_refresh_tickets(struct ptn_worker *w)
{
    uint8_t keys[PTN_TICKET_RING_SIZE];

    if (!w->p->setup->pki)
        return;
    ptn_shared_tickets(w->p->shared, w->p->number, keys);
    ptn_pki_set_tickets(w->p->setup->pki, keys, PTN_TICKET_KEYS);
    ptn_wipe(keys, sizeof keys);
}

static bool
has_address(const struct ptn_listener_conf *l, const struct ptn_address_conf *a)
{
    for (size_t i = 0; i < l->address_count; i++)
        if (l->addresses[i].port == a->port &&
            strcmp(l->addresses[i].host, a->host) == 0)
            return true;
    return false;
}

/* The worker's sockets of one listener, `*count` of them. */
static int *
sockets_of(const struct ptn_worker *w, const struct ptn_listener_conf *l,
           size_t *count)
{
    int *fds = ptn_alloc((w->p->socket_count + 1) * sizeof *fds);

    *count = 0;
    for (size_t i = 0; i < w->p->socket_count; i++)
        if (has_address(l, &w->p->sockets[i].address))
            fds[(*count)++] = w->p->sockets[i].fd;
    return fds;
}

static int
listen_for(struct ptn_worker *w, const struct ptn_listener_conf *l,
           struct ptn_error *err)
{
    size_t count;
    int *fds = sockets_of(w, l, &count);
    int result = 0;

    for (size_t i = 0; i < count && result == 0; i++)
        if (listen(fds[i], SOMAXCONN) != 0)
            result =
                ptn_error_errno(err, "listeners.%s cannot listen", l->name);
    ptn_free(fds);
    return result;
}

/* All that may serve. Whoever has listened on the sockets before us goes on
 * doing so, and is not disturbed. */
static int
listen_all(struct ptn_worker *w, struct ptn_error *err)
{
    const struct ptn_setup *setup = w->p->setup;

    for (size_t i = 0; i < setup->conf->listener_count; i++) {
        const struct ptn_listener_conf *l = &setup->conf->listeners[i];

        if (!ptn_setup_problem(setup, l) && listen_for(w, l, err) != 0)
            return -1;
    }
    return 0;
}

static void
serve_listener(struct ptn_worker *w, size_t listener)
{
    const struct ptn_listener_conf *l = &w->p->setup->conf->listeners[listener];
    struct ptn_error err = PTN_ERROR_INIT;
    size_t count;
    int *fds = sockets_of(w, l, &count);

    if (ptn_net_listen(w->net, l, fds, count, &err) == 0)
        w->served[listener] = true;
    else
        ptn_log_error(PTN_LOG_ERROR, "listener.not-opened", &err);
    ptn_free(fds);
}

static bool
is_listening(int fd)
{
    int value = 0;
    socklen_t size = sizeof value;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 &&
           value;
}

/* A worker that died may have listened on sockets that its successor must
 * not serve. Ended like this, they refuse connections until somebody listens
 * again. (One that does not listen would keep the mark of shutdown, and
 * pass it on to all that is accepted later.) */
static void
refuse_listener(struct ptn_worker *w, const struct ptn_listener_conf *l)
{
    size_t count;
    int *fds = sockets_of(w, l, &count);

    for (size_t i = 0; i < count; i++)
        if (is_listening(fds[i]) && shutdown(fds[i], SHUT_RDWR) != 0)
            ptn_log(PTN_LOG_ERROR, "listener.not-closed",
                    PTN_FS("error", strerror(errno)));
    ptn_free(fds);
}

/* Every listener that may serve does; the others stay closed. */
void
ptn_worker_serve(struct ptn_worker *w)
{
    const struct ptn_setup *setup = w->p->setup;

    w->phase = SERVING;
    for (size_t i = 0; i < setup->conf->listener_count; i++) {
        const struct ptn_listener_conf *l = &setup->conf->listeners[i];

        if (w->served[i])
            continue;
        if (ptn_setup_problem(setup, l))
            refuse_listener(w, l);
        else
            serve_listener(w, i);
    }
}

/* Those that were closed and have a certificate now open. */
static void
listen_again(struct ptn_worker *w)
{
    struct ptn_error err = PTN_ERROR_INIT;

    if (w->phase != SERVING)
        return;
    if (listen_all(w, &err) == 0)
        ptn_worker_serve(w);
    else
        ptn_log_error(PTN_LOG_ERROR, "listener.not-opened", &err);
}

unsigned
ptn_worker_reload(struct ptn_worker *w)
{
    unsigned refused = 0;

    if (w->p->setup->pki)
        refused = ptn_pki_reload(w->p->setup->pki);
    listen_again(w);
    return refused;
}

static void
refresh(struct ptn_soon *soon)
{
    struct ptn_worker *w = PTN_CONTAINER(soon, struct ptn_worker, refresh);
    struct ptn_pki *pki = w->p->setup->pki;

    if (pki && !ptn_pki_refresh_step(pki, REFRESH_STEP_US)) {
        ptn_soon_call(w->loop, &w->refresh);
        return;
    }
    listen_again(w);
    w->refreshed(w->refreshed_arg, pki ? ptn_pki_refused(pki) : 0);
}

static void
want(struct ptn_pki *pki, struct ptn_slice names)
{
    char name[PTN_WARDEN_NAME_MAX + 1], number[24] = "0";

    while (names.len > 0) {
        struct ptn_slice line = ptn_record_next(&names);

        if (ptn_record_is(line, "round"))
            (void)ptn_record_get(line, "number", number, sizeof number);
        else if (ptn_record_get(line, "name", name, sizeof name))
            ptn_pki_refresh_want(pki, name);
    }
    ptn_pki_refresh_begin_wanted(pki, strtoull(number, NULL, 10));
}

void
ptn_worker_refresh(struct ptn_worker *w, struct ptn_slice names,
                   void (*done)(void *arg, unsigned refused), void *arg)
{
    struct ptn_pki *pki = w->p->setup->pki;

    w->refreshed = done;
    w->refreshed_arg = arg;
    if (pki && names.len > 0)
        want(pki, names);
    else if (pki)
        ptn_pki_refresh_begin(pki);
    ptn_soon_call(w->loop, &w->refresh);
}

static bool
has_directory(const struct ptn_worker *w)
{
    const void *ops;
    void *instance;

    return ptn_modules_find(w->p->setup->modules, PTN_DIRECTORY_CONTRACT,
                            PTN_DIRECTORY_VERSION, &ops, &instance);
}

void
ptn_worker_meet_warden(struct ptn_worker *w, int auth)
{
    if (w->remote)
        ptn_auth_remote_connect(w->remote, auth);
    else if (auth >= 0)
        close(auth);
}

/* Who checks credentials: the warden of a worker, else an engine here. NULL:
 * there are no accounts. */
static struct ptn_auth_service *
make_auth(struct ptn_worker *w)
{
    const struct ptn_worker_params *p = w->p;

    if (p->setup->role != PTN_ROLE_WORKER) {
        w->engine = ptn_engine_of(p->setup->modules, p->setup->conf, w->loop);
        return w->engine ? ptn_engine_service(w->engine) : NULL;
    }
    if (has_directory(w))
        w->remote = ptn_auth_remote_new(w->loop);
    ptn_worker_meet_warden(w, p->auth);
    if (w->remote && ptn_auth_remote_wait(w->remote, OFFERS_MS) != 0)
        ptn_log(PTN_LOG_WARNING, "auth.no-warden",
                PTN_FS("until", "it is there, nobody can authenticate"));
    return w->remote;
}

static uint64_t
held_by_all(void *arg)
{
    return ptn_shared_sessions(arg);
}

static bool
is_visitor(void *arg, uint16_t port)
{
    return ptn_shared_is_visit(arg, port);
}

static void
make_net(struct ptn_worker *w)
{
    const struct ptn_worker_params *p = w->p;
    struct ptn_net_params params = {
        .loop = w->loop,
        .pki = p->setup->pki,
        .counters = &p->shared->slots[p->number].counters,
        .worker = p->number,
        .workers = p->count,
        .connections = (uint64_t)p->setup->conf->server.connections,
        .held = held_by_all,
        .held_arg = p->shared,
        .is_visitor = is_visitor,
        .visitor_arg = p->shared,
    };

    ptn_shared_use(p->shared, p->number);
    params.auth = make_auth(w);
    w->net = ptn_net_new(&params);
}

static int
run_started(struct ptn_worker *w, struct ptn_error *err)
{
    int result;

    ptn_worker_refresh_tickets(w);
    make_net(w);
    result = listen_all(w, err);
    if (result == 0) {
        w->p->ready(w, w->p->arg);
        if (!w->p->hold)
            ptn_worker_serve(w);
        ptn_loop_run(w->loop);
        w->p->finished(w, w->p->arg);
    }
    ptn_soon_cancel(&w->refresh);
    ptn_net_free(w->net);
    ptn_auth_remote_free(w->remote);
    ptn_engine_free(w->engine);
    ptn_modules_stop(w->p->setup->modules);
    return result;
}

int
ptn_worker_run(const struct ptn_worker_params *params, struct ptn_error *err)
{
    const struct ptn_server_conf *server = &params->setup->conf->server;
    struct ptn_loop_params lanes = {(size_t)server->disk_threads,
                                    (size_t)server->slow_threads,
                                    (size_t)server->lane_depth};
    struct ptn_worker w = {.p = params};
    struct ptn_modules_place place = {NULL, params->number, params->count};
    int result = -1;

    ptn_soon_init(&w.refresh, refresh);
    w.loop = ptn_loop_new(&lanes, err);
    if (!w.loop)
        return -1;
    w.served = ptn_alloc(params->setup->conf->listener_count + 1);
    place.loop = w.loop;
    if (ptn_modules_start(params->setup->modules, &place, err) == 0)
        result = run_started(&w, err);
    ptn_loop_free(w.loop);
    ptn_free(w.served);
    return result;
}
