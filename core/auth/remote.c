/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Calls as messages, and answers to their calls. An exchange has a number
 * that is not used again while the channel lasts, so an answer that comes
 * after its exchange was dropped finds nobody. call->exchange is the call
 * itself while the other end knows of it.
 */
#include "auth/remote.h"
#include "auth/pipe.h"
#include "auth/wire.h"
#include "base/map.h"
#include <assert.h>
#include <postern/arena.h>
#include <postern/log.h>

struct remote {
    struct ptn_auth_service service;
    struct ptn_loop *loop;
    struct ptn_pipe *pipe; /* NULL: nobody is there */
    struct ptn_map calls;  /* id -> struct ptn_auth_call */
    uint32_t next;
};

static struct ptn_slice
key_of(const struct ptn_auth_call *call)
{
    return (struct ptn_slice){(const char *)&call->id, sizeof call->id};
}

static struct remote *
remote_of(struct ptn_auth_service *service)
{
    return PTN_CONTAINER(service, struct remote, service);
}

static void
say(struct remote *r, struct ptn_buf *message)
{
    ptn_pipe_send(r->pipe, ptn_buf_slice(message));
    ptn_wipe(message->data, message->cap);
    ptn_buf_free(message);
}

static void
forget(struct remote *r, struct ptn_auth_call *call)
{
    ptn_map_remove(&r->calls, key_of(call));
    call->exchange = NULL;
    call->asked = false;
}

static void
tell_gone(struct ptn_auth_call *call)
{
    struct ptn_auth_answer answer = {.outcome = PTN_AUTH_TEMPFAIL,
                                     .why = PTN_SLICE("the warden is gone")};

    call->answered(call, &answer);
}

/* --- what the warden says --- */

static bool
on_answer(struct remote *r, uint32_t id, struct ptn_slice message)
{
    struct ptn_slice key = {(const char *)&id, sizeof id};
    struct ptn_auth_call *call = ptn_map_get(&r->calls, key);
    struct ptn_auth_answer answer;
    struct ptn_user user;

    if (!ptn_wire_get_answer(message, &answer, &user))
        return false;
    if (!call) /* it was dropped meanwhile */
        return true;
    call->asked = false;
    if (answer.outcome != PTN_AUTH_CHALLENGE)
        forget(r, call);
    call->answered(call, &answer);
    return true;
}

/* The map as it is told: an answer may begin nothing and end nothing in it,
 * since sessions get theirs by a job. */
static void
disconnect(struct remote *r)
{
    const struct ptn_map_slot *slot;
    size_t at = 0;

    ptn_pipe_close(r->pipe);
    r->pipe = NULL;
    while ((slot = ptn_map_next(&r->calls, &at))) {
        struct ptn_auth_call *call = slot->value;
        bool asked = call->asked;

        call->exchange = NULL;
        call->asked = false;
        if (asked)
            tell_gone(call);
    }
    ptn_map_free(&r->calls);
}

static void
on_broken(void *arg)
{
    struct remote *r = arg;

    ptn_log(PTN_LOG_WARNING, "auth.warden-gone",
            PTN_FS("until", "a new one is there, nobody can authenticate"));
    disconnect(r);
}

static void
on_message(void *arg, struct ptn_slice message)
{
    struct remote *r = arg;
    uint32_t id;
    int type = ptn_wire_take(&message, &id);
    bool good = false;

    if (type == PTN_WIRE_ANSWER)
        good = on_answer(r, id, message);
    else if (type == PTN_WIRE_OFFERS)
        good = ptn_wire_get_offers(message, &r->service);
    if (good)
        return;
    ptn_log(PTN_LOG_ERROR, "auth.warden-refused",
            PTN_FS("why", "it broke the rules of its channel"));
    disconnect(r);
}

/* --- the service --- */

static void
start(struct ptn_auth_service *service, struct ptn_auth_call *call,
      const struct ptn_auth_start *what)
{
    struct remote *r = remote_of(service);
    struct ptn_buf message = PTN_BUF_INIT;

    if (!r->pipe) {
        tell_gone(call);
        return;
    }
    call->id = r->next++;
    call->exchange = call;
    call->asked = true;
    ptn_map_put(&r->calls, key_of(call), call);
    ptn_wire_put_start(&message, call->id, what);
    say(r, &message);
}

static void
step(struct ptn_auth_service *service, struct ptn_auth_call *call,
     struct ptn_slice response)
{
    struct ptn_buf message = PTN_BUF_INIT;

    assert(call->exchange && !call->asked);
    call->asked = true;
    ptn_wire_put_step(&message, call->id, response);
    say(remote_of(service), &message);
}

static void
drop(struct ptn_auth_service *service, struct ptn_auth_call *call)
{
    struct remote *r = remote_of(service);
    struct ptn_buf message = PTN_BUF_INIT;

    forget(r, call);
    ptn_wire_put_drop(&message, call->id);
    say(r, &message);
}

/* --- life --- */

struct ptn_auth_service *
ptn_auth_remote_new(struct ptn_loop *loop)
{
    struct remote *r = ptn_alloc(sizeof *r);

    r->service.start = start;
    r->service.step = step;
    r->service.drop = drop;
    r->loop = loop;
    return &r->service;
}

void
ptn_auth_remote_free(struct ptn_auth_service *service)
{
    if (!service)
        return;
    struct remote *r = remote_of(service);

    assert(r->calls.count == 0);
    disconnect(r);
    ptn_free(r);
}

void
ptn_auth_remote_connect(struct ptn_auth_service *service, int fd)
{
    static const struct ptn_pipe_ops ops = {on_message, on_broken};
    struct remote *r = remote_of(service);

    disconnect(r);
    if (fd < 0)
        return;
    r->pipe = ptn_pipe_open(r->loop, fd, &ops, r);
    if (!r->pipe)
        ptn_log(PTN_LOG_ERROR, "auth.warden-not-reached");
}

int
ptn_auth_remote_wait(struct ptn_auth_service *service, int milliseconds)
{
    struct remote *r = remote_of(service);

    return r->pipe ? ptn_pipe_wait(r->pipe, milliseconds) : -1;
}
