/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a worker's messages to the engine and back. A worker is not trusted:
 * what it may not say now ends its channel.
 */
#include "auth/desk.h"
#include "auth/pipe.h"
#include "auth/wire.h"
#include "base/map.h"
#include <assert.h>
#include <postern/arena.h>
#include <postern/log.h>

struct desk {
    struct ptn_engine_watch offers; /* changes of them */
    struct ptn_engine *engine;
    struct ptn_pipe *pipe;
    struct ptn_map visits; /* id -> struct visit */
    bool bad;              /* it has said what it must not */
};

/* An exchange of the worker's. */
struct visit {
    struct ptn_auth_call call;
    struct desk *desk;
    uint32_t id;
    bool asked; /* the engine's turn */
};

static struct ptn_slice
key_of(const uint32_t *id)
{
    return (struct ptn_slice){(const char *)id, sizeof *id};
}

static void
say(struct desk *d, struct ptn_buf *message)
{
    if (d->pipe)
        ptn_pipe_send(d->pipe, ptn_buf_slice(message));
    ptn_wipe(message->data, message->cap);
    ptn_buf_free(message);
}

static void
free_visit(struct visit *v)
{
    ptn_map_remove(&v->desk->visits, key_of(&v->id));
    ptn_free(v);
}

static void
answered(struct ptn_auth_call *call, const struct ptn_auth_answer *answer)
{
    struct visit *v = PTN_CONTAINER(call, struct visit, call);
    struct ptn_buf message = PTN_BUF_INIT;

    ptn_wire_put_answer(&message, v->id, answer);
    say(v->desk, &message);
    v->asked = false;
    if (answer->outcome != PTN_AUTH_CHALLENGE)
        free_visit(v);
}

static void
on_start(struct desk *d, uint32_t id, struct ptn_slice rest)
{
    struct ptn_auth_service *service = ptn_engine_service(d->engine);
    struct ptn_auth_answer busy = {.outcome = PTN_AUTH_TEMPFAIL,
                                   .why = PTN_SLICE("too busy")};
    struct ptn_auth_start start;
    struct visit *v;

    if (!ptn_wire_get_start(rest, &start) ||
        ptn_map_get(&d->visits, key_of(&id))) {
        d->bad = true;
        return;
    }
    v = ptn_alloc(sizeof *v);
    v->call.answered = answered;
    v->desk = d;
    v->id = id;
    v->asked = true;
    ptn_map_put(&d->visits, key_of(&v->id), v);
    if (d->visits.count > PTN_AUTH_DESK_EXCHANGES)
        answered(&v->call, &busy);
    else
        service->start(service, &v->call, &start);
}

static void
on_step(struct desk *d, uint32_t id, struct ptn_slice rest)
{
    struct ptn_auth_service *service = ptn_engine_service(d->engine);
    struct visit *v = ptn_map_get(&d->visits, key_of(&id));
    struct ptn_slice response;

    if (!ptn_wire_get_step(rest, &response) || !v || v->asked) {
        d->bad = true;
        return;
    }
    if (!response.data)
        response.data = "";
    v->asked = true;
    service->step(service, &v->call, response);
}

/* The answer may be on its way: then there is nothing to drop. */
static void
on_drop(struct desk *d, uint32_t id)
{
    struct ptn_auth_service *service = ptn_engine_service(d->engine);
    struct visit *v = ptn_map_get(&d->visits, key_of(&id));

    if (!v)
        return;
    service->drop(service, &v->call);
    free_visit(v);
}

static void
close_desk(struct desk *d)
{
    struct ptn_auth_service *service = ptn_engine_service(d->engine);
    const struct ptn_map_slot *slot;
    size_t at = 0;

    ptn_pipe_close(d->pipe);
    while ((slot = ptn_map_next(&d->visits, &at))) {
        struct visit *v = slot->value;

        service->drop(service, &v->call);
        ptn_free(v);
    }
    ptn_map_free(&d->visits);
    ptn_engine_unwatch(&d->offers);
    ptn_free(d);
}

static void
on_message(void *arg, struct ptn_slice message)
{
    struct desk *d = arg;
    uint32_t id;
    int type = ptn_wire_take(&message, &id);

    if (type == PTN_WIRE_START)
        on_start(d, id, message);
    else if (type == PTN_WIRE_STEP)
        on_step(d, id, message);
    else if (type == PTN_WIRE_DROP && message.len == 0)
        on_drop(d, id);
    else
        d->bad = true;
    if (!d->bad)
        return;
    ptn_log(PTN_LOG_ERROR, "auth.worker-refused",
            PTN_FS("why", "it broke the rules of its channel"));
    close_desk(d);
}

static void
on_broken(void *arg)
{
    close_desk(arg);
}

static void
send_offers(struct ptn_engine_watch *watch)
{
    struct desk *d = PTN_CONTAINER(watch, struct desk, offers);
    struct ptn_buf message = PTN_BUF_INIT;

    ptn_wire_put_offers(&message, ptn_engine_service(d->engine));
    say(d, &message);
}

/* The warden ends: nobody is told, the channel's end says it. */
static void
on_end(struct ptn_engine_watch *watch)
{
    close_desk(PTN_CONTAINER(watch, struct desk, offers));
}

int
ptn_auth_desk_open(struct ptn_engine *engine, int fd)
{
    static const struct ptn_pipe_ops ops = {on_message, on_broken};
    struct desk *d = ptn_alloc(sizeof *d);

    d->engine = engine;
    d->pipe = ptn_pipe_open(ptn_engine_loop(engine), fd, &ops, d);
    if (!d->pipe) {
        ptn_free(d);
        return -1;
    }
    d->offers.changed = send_offers;
    d->offers.ending = on_end;
    ptn_engine_watch(engine, &d->offers);
    send_offers(&d->offers);
    return 0;
}
