/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The engine's life, and the service that it is for those who begin
 * exchanges. Loop thread.
 */
#include "auth/engine.h"
#include "auth/engine_inner.h"
#include "module/modules.h"
#include <assert.h>

static void
refuse(struct ptn_auth_call *call, enum ptn_auth outcome, const char *why)
{
    struct ptn_auth_answer answer = {.outcome = outcome,
                                     .why = ptn_slice_of(why)};

    call->answered(call, &answer);
}

static void
start_exchange(struct ptn_auth_service *service, struct ptn_auth_call *call,
               const struct ptn_auth_start *start)
{
    struct ptn_engine *e = PTN_CONTAINER(service, struct ptn_engine, service);
    const struct ptn_mechanism *m = ptn_engine_find(e, start);
    struct ptn_exchange *x;

    assert(!call->exchange);
    ptn_engine_refresh(e);
    if (!m || e->count >= PTN_ENGINE_EXCHANGES) {
        refuse(call, m ? PTN_AUTH_TEMPFAIL : PTN_AUTH_NO_MECHANISM,
               m ? "too busy" : "no such mechanism");
        return;
    }
    x = ptn_exchange_new(e, m, start);
    x->call = call;
    call->exchange = x;
    if (m->kind == PTN_MECHANISM_PROVIDED && !x->provided)
        ptn_exchange_conclude(x, PTN_AUTH_TEMPFAIL,
                              "the mechanism is out of order");
    else
        ptn_exchange_respond(x, start->response);
}

static void
step_exchange(struct ptn_auth_service *service, struct ptn_auth_call *call,
              struct ptn_slice response)
{
    struct ptn_exchange *x = call->exchange;

    (void)service;
    assert(x && response.data);
    assert(x->state == PTN_EXCHANGE_TALKING || x->state == PTN_EXCHANGE_FINAL);
    ptn_exchange_respond(x, response);
}

static void
drop_exchange(struct ptn_auth_service *service, struct ptn_auth_call *call)
{
    struct ptn_exchange *x = call->exchange;

    (void)service;
    call->exchange = NULL;
    if (x)
        ptn_exchange_drop(x);
}

/* --- life --- */

struct ptn_engine *
ptn_engine_new(const struct ptn_engine_params *params)
{
    struct ptn_engine *e = ptn_alloc(sizeof *e);

    e->p = *params;
    e->service.start = start_exchange;
    e->service.step = step_exchange;
    e->service.drop = drop_exchange;
    ptn_list_init(&e->exchanges);
    ptn_list_init(&e->watches);
    ptn_throttle_init(&e->throttle, params->loop, &params->conf->auth);
    ptn_engine_list(e);
    return e;
}

struct ptn_engine *
ptn_engine_of(const struct ptn_modules *modules, const struct ptn_conf *conf,
              struct ptn_loop *loop)
{
    struct ptn_engine_params params = {.loop = loop, .conf = conf};
    const void *ops;

    if (!ptn_modules_find(modules, PTN_DIRECTORY_CONTRACT,
                          PTN_DIRECTORY_VERSION, &ops,
                          &params.directory_instance))
        return NULL;
    params.directory = ops;
    if (ptn_modules_find(modules, PTN_SASL_CONTRACT, PTN_SASL_VERSION, &ops,
                         &params.sasl_instance))
        params.sasl = ops;
    return ptn_engine_new(&params);
}

void
ptn_engine_free(struct ptn_engine *e)
{
    if (!e)
        return;
    while (!ptn_list_is_empty(&e->watches)) {
        struct ptn_engine_watch *w =
            PTN_CONTAINER(e->watches.next, struct ptn_engine_watch, link);
        w->ending(w);
    }
    ptn_loop_finish(e->p.loop); /* those that were dropped on a lane */
    assert(e->count == 0 && !e->refreshing);
    ptn_throttle_deinit(&e->throttle);
    ptn_free(e);
}

struct ptn_auth_service *
ptn_engine_service(struct ptn_engine *e)
{
    return &e->service;
}

struct ptn_loop *
ptn_engine_loop(const struct ptn_engine *e)
{
    return e->p.loop;
}

void
ptn_engine_watch(struct ptn_engine *e, struct ptn_engine_watch *watch)
{
    ptn_list_add(&e->watches, &watch->link);
}

void
ptn_engine_unwatch(struct ptn_engine_watch *watch)
{
    ptn_list_remove(&watch->link);
}
