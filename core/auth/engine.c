/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The engine's life, its offers, and an exchange's way through it (the
 * diagram is in auth/exchange.h). Loop thread, but for the three run_*
 * functions. What held a password or a SASL message is wiped.
 */
#include "auth/engine.h"
#include "auth/exchange.h"
#include "module/modules.h"
#include <assert.h>
#include <postern/arena.h>
#include <postern/log.h>

#define REFRESH_MS 2000 /* between two looks at the directory */

struct ptn_engine {
    struct ptn_auth_service service;
    struct ptn_engine_params p;
    struct ptn_throttle throttle;
    struct ptn_list exchanges;
    size_t count;
    struct ptn_mechanism mechanisms[PTN_SASL_OFFERS];
    size_t mechanism_count;

    bool refreshing;
    uint64_t refreshed;
    unsigned hashes; /* what refresh has found */
    struct ptn_list watches;
};

/* --- what is offered --- */

/* Those that bind to TLS have to be asked for: clients that choose them and
 * know no binding of TLS 1.3 (mutt with GNU SASL 2.2) fail, and try nothing
 * else. */
static bool
is_wanted(const struct ptn_engine *e, const struct ptn_mechanism *m)
{
    const struct ptn_strings *wanted = &e->p.conf->auth.mechanisms;

    for (size_t i = 0; i < wanted->count; i++)
        if (ptn_slice_caseeq(ptn_slice_of(wanted->items[i]),
                             ptn_slice_of(m->name)))
            return true;
    return wanted->count == 0 && !m->bindings;
}

static void
add_mechanism(struct ptn_engine *e, const struct ptn_mechanism *m)
{
    if (e->mechanism_count < PTN_COUNT(e->mechanisms) &&
        strlen(m->name) <= PTN_SASL_MECHANISM_MAX && is_wanted(e, m))
        e->mechanisms[e->mechanism_count++] = *m;
}

static void
list_mechanisms(struct ptn_engine *e)
{
    static const struct ptn_mechanism external = {
        "EXTERNAL", PTN_MECHANISM_EXTERNAL, 0, 0, true};
    static const struct ptn_mechanism clear[] = {
        {"PLAIN", PTN_MECHANISM_PLAIN, 0, 0, false},
        {"LOGIN", PTN_MECHANISM_LOGIN, 0, 0, false},
    };
    const struct ptn_sasl_mechanism *m =
        e->p.sasl ? e->p.sasl->mechanisms : NULL;

    add_mechanism(e, &external);
    for (; m && m->name; m++)
        add_mechanism(e,
                      &(struct ptn_mechanism){m->name, PTN_MECHANISM_PROVIDED,
                                              m->bindings, m->verifier, false});
    for (size_t i = 0; i < PTN_COUNT(clear); i++)
        add_mechanism(e, &clear[i]);
}

static bool
is_ready(const struct ptn_engine *e, const struct ptn_mechanism *m)
{
    return (m->verifier & ~e->hashes) == 0;
}

static void
offer(struct ptn_engine *e)
{
    struct ptn_auth_service *s = &e->service;

    s->offer_count = 0;
    for (size_t i = 0; i < e->mechanism_count; i++) {
        const struct ptn_mechanism *m = &e->mechanisms[i];
        struct ptn_auth_offer *o = &s->offers[s->offer_count];

        if (!is_ready(e, m))
            continue;
        *o = (struct ptn_auth_offer){.bindings = m->bindings,
                                     .client = m->client};
        strncpy(o->name, m->name, PTN_SASL_MECHANISM_MAX);
        s->offer_count++;
    }
}

/* May block. */
static unsigned
ask_hashes(const struct ptn_engine *e)
{
    const struct ptn_directory_ops *d = e->p.directory;

    if (!PTN_HAS(d, struct ptn_directory_ops, scram_hashes) || !d->scram ||
        !d->scram_hashes)
        return 0;
    return d->scram_hashes(e->p.directory_instance);
}

struct refresh {
    struct ptn_job job;
    struct ptn_engine *engine;
    unsigned hashes;
};

static void
run_refresh(struct ptn_job *job)
{
    struct refresh *r = PTN_CONTAINER(job, struct refresh, job);

    r->hashes = ask_hashes(r->engine);
}

static void
tell_change(struct ptn_engine *e)
{
    struct ptn_list *link = e->watches.next;

    for (; link != &e->watches; link = link->next) {
        struct ptn_engine_watch *w =
            PTN_CONTAINER(link, struct ptn_engine_watch, link);
        w->changed(w);
    }
}

static enum ptn_result
on_refreshed(struct ptn_session *s, struct ptn_job *job)
{
    struct refresh *r = PTN_CONTAINER(job, struct refresh, job);
    struct ptn_engine *e = r->engine;
    bool changed = r->hashes != e->hashes;

    (void)s;
    e->refreshing = false;
    e->hashes = r->hashes;
    ptn_free(r);
    if (changed) {
        offer(e);
        tell_change(e);
    }
    return PTN_DONE;
}

/* Accounts change while the server runs. */
static void
refresh_if_due(struct ptn_engine *e)
{
    uint64_t now = ptn_loop_now(e->p.loop);
    struct refresh *r;

    if (e->refreshing || now - e->refreshed < REFRESH_MS || !e->p.sasl)
        return;
    r = ptn_alloc(sizeof *r);
    r->engine = e;
    r->job.run = run_refresh;
    r->job.done = on_refreshed;
    e->refreshed = now;
    e->refreshing = ptn_loop_submit(e->p.loop, PTN_LANE_DISK, &r->job) == 0;
    if (!e->refreshing)
        ptn_free(r);
}

/* --- an exchange's end --- */

static void
wipe_free(struct ptn_buf *b)
{
    if (b->cap)
        ptn_wipe(b->data, b->cap);
    ptn_buf_free(b);
}

static void
free_exchange(struct ptn_exchange *x)
{
    struct ptn_engine *e = x->engine;

    assert(x->state != PTN_EXCHANGE_RUNNING);
    if (x->call)
        x->call->exchange = NULL;
    if (x->try.throttle)
        ptn_throttle_leave(&x->try, PTN_THROTTLE_NEITHER, 0);
    ptn_timer_cancel(x->held);
    if (x->provided)
        e->p.sasl->end(x->provided);
    wipe_free(&x->name);
    wipe_free(&x->authzid);
    wipe_free(&x->password);
    wipe_free(&x->response);
    wipe_free(&x->challenge);
    ptn_free(x->client);
    ptn_free(x->network);
    ptn_list_remove(&x->link);
    ptn_wipe(x, sizeof *x);
    ptn_free(x);
    e->count--;
}

/* Says the last word. */
static void
conclude(struct ptn_exchange *x, enum ptn_auth outcome, const char *why)
{
    struct ptn_auth_call *call = x->call;
    struct ptn_auth_answer answer = {
        .outcome = outcome,
        .user = outcome == PTN_AUTH_OK ? &x->user : NULL,
        .name = ptn_buf_slice(&x->name),
        .why = ptn_slice_of(why),
    };

    if (answer.name.len > PTN_USER_NAME_MAX)
        answer.name.len = PTN_USER_NAME_MAX;
    if (call) {
        x->call = NULL;
        call->exchange = NULL;
        call->answered(call, &answer);
    }
    free_exchange(x);
}

static void
challenge(struct ptn_exchange *x, struct ptn_slice text)
{
    struct ptn_auth_answer answer = {.outcome = PTN_AUTH_CHALLENGE,
                                     .data = text};

    if (x->call)
        x->call->answered(x->call, &answer);
    else
        free_exchange(x);
}

static void
on_held(void *arg)
{
    struct ptn_exchange *x = arg;

    x->held = NULL;
    x->state = PTN_EXCHANGE_TALKING;
    conclude(x, PTN_AUTH_FAILED, x->response.data);
}

/* Bad news, which is told after a while: guessing must not be fast. */
static void
reject(struct ptn_exchange *x, const char *why)
{
    struct ptn_engine *e = x->engine;
    uint64_t delay =
        x->try.throttle
            ? ptn_throttle_leave(&x->try, PTN_THROTTLE_BAD, x->attempts)
            : ptn_throttle_delay(&e->throttle, x->attempts);

    if (!x->call) {
        free_exchange(x);
        return;
    }
    wipe_free(&x->password);
    wipe_free(&x->response);
    ptn_buf_adds(&x->response, why);
    (void)ptn_buf_cstr(&x->response);
    x->state = PTN_EXCHANGE_HELD;
    x->held = ptn_loop_timer(e->p.loop, delay, on_held, x);
}

static void
leave(struct ptn_exchange *x, enum ptn_throttle_outcome outcome)
{
    if (x->try.throttle)
        ptn_throttle_leave(&x->try, outcome, x->attempts);
}

static void
fail(struct ptn_exchange *x, enum ptn_auth outcome, const char *why)
{
    leave(x, PTN_THROTTLE_NEITHER);
    conclude(x, outcome, why);
}

/* --- what the lanes have found out --- */

/* RFC 4616 section 2, RFC 5802 section 5.1: who wants to act as somebody
 * else needs a right to; here everybody has it for himself alone. */
static bool
may_act(const struct ptn_exchange *x)
{
    struct ptn_slice as = ptn_buf_slice(&x->authzid);

    return as.len == 0 || ptn_slice_caseeq(as, ptn_slice_of(x->user.name)) ||
           ptn_slice_caseeq(as, ptn_buf_slice(&x->name));
}

/* `last` is what the peer is to hear with the good news. RFC 4954 section 4,
 * RFC 5034 section 4, RFC 3501 section 6.2.2 have no place for it: it goes
 * as a challenge, which an empty response follows (RFC 4422 section 5). */
static void
accept_user(struct ptn_exchange *x, struct ptn_slice last)
{
    if (!may_act(x)) {
        reject(x, "foreign authzid");
        return;
    }
    leave(x, PTN_THROTTLE_GOOD);
    if (last.len == 0) {
        conclude(x, PTN_AUTH_OK, "");
        return;
    }
    x->state = PTN_EXCHANGE_FINAL;
    challenge(x, last);
}

static void
judge_status(struct ptn_exchange *x)
{
    switch (x->status) {
    case PTN_OK:
        accept_user(x, (struct ptn_slice){NULL, 0});
        break;
    case PTN_NOTFOUND:
    case PTN_DENIED:
        reject(x, "wrong name or password");
        break;
    case PTN_PERMFAIL:
        reject(x, "malformed entry");
        break;
    default:
        ptn_log(PTN_LOG_ERROR, "auth.unavailable", PTN_FN("status", x->status));
        fail(x, PTN_AUTH_TEMPFAIL, "the directory is out of order");
    }
}

static void
copy_names(struct ptn_exchange *x)
{
    struct ptn_slice name, authzid;

    x->engine->p.sasl->names(x->provided, &name, &authzid);
    x->name.len = x->authzid.len = 0;
    ptn_buf_addslice(&x->name, name);
    ptn_buf_addslice(&x->authzid, authzid);
}

static void
judge_step(struct ptn_exchange *x)
{
    struct ptn_slice out = ptn_buf_slice(&x->challenge);

    copy_names(x);
    switch (x->step) {
    case PTN_SASL_CHALLENGE:
        leave(x, PTN_THROTTLE_NEITHER);
        challenge(x, out);
        break;
    case PTN_SASL_SUCCESS:
        if (x->status == PTN_OK)
            accept_user(x, out);
        else /* the provider lets in whom the directory does not know */
            reject(x, "wrong name or password");
        break;
    case PTN_SASL_FAILURE:
        reject(x, "wrong name, password or channel binding");
        break;
    case PTN_SASL_MALFORMED:
        fail(x, PTN_AUTH_MALFORMED, "malformed");
        break;
    case PTN_SASL_TROUBLE:
        ptn_log(PTN_LOG_ERROR, "auth.unavailable",
                PTN_FS("mechanism", x->mechanism->name));
        fail(x, PTN_AUTH_TEMPFAIL, "the directory is out of order");
    }
}

static enum ptn_result
on_run(struct ptn_session *s, struct ptn_job *job)
{
    struct ptn_exchange *x = PTN_CONTAINER(job, struct ptn_exchange, job);

    (void)s;
    x->state = PTN_EXCHANGE_TALKING;
    if (x->mechanism->kind == PTN_MECHANISM_PROVIDED)
        judge_step(x);
    else
        judge_status(x);
    return PTN_DONE;
}

/* --- on the lanes' threads --- */

static void
run_verify(struct ptn_job *job)
{
    struct ptn_exchange *x = PTN_CONTAINER(job, struct ptn_exchange, job);
    const struct ptn_engine_params *p = &x->engine->p;

    x->status =
        p->directory->verify(p->directory_instance, ptn_buf_slice(&x->name),
                             ptn_buf_slice(&x->password), &x->user);
    wipe_free(&x->password);
}

static void
run_lookup(struct ptn_job *job)
{
    struct ptn_exchange *x = PTN_CONTAINER(job, struct ptn_exchange, job);
    const struct ptn_engine_params *p = &x->engine->p;

    x->status = p->directory->lookup(p->directory_instance,
                                     ptn_buf_slice(&x->name), &x->user);
}

static void
run_provided(struct ptn_job *job)
{
    struct ptn_exchange *x = PTN_CONTAINER(job, struct ptn_exchange, job);

    x->challenge.len = 0;
    x->step = x->engine->p.sasl->step(x->provided, ptn_buf_slice(&x->response),
                                      &x->challenge);
    wipe_free(&x->response);
}

/* For the provider, inside of run_provided. */
static enum ptn_status
find_verifier(void *arg, struct ptn_slice name, enum ptn_scram_hash hash,
              struct ptn_scram_verifier *out)
{
    struct ptn_exchange *x = arg;
    const struct ptn_engine_params *p = &x->engine->p;

    x->status =
        p->directory->scram(p->directory_instance, name, hash, out, &x->user);
    return x->status;
}

/* --- on the way to them --- */

static void
run(struct ptn_exchange *x)
{
    enum ptn_lane lane = PTN_LANE_DISK;

    x->job.done = on_run;
    if (x->mechanism->kind == PTN_MECHANISM_PROVIDED) {
        x->job.run = run_provided;
    } else if (x->mechanism->kind == PTN_MECHANISM_EXTERNAL) {
        x->job.run = run_lookup;
    } else {
        x->job.run = run_verify;
        lane = PTN_LANE_SLOW;
    }
    x->state = PTN_EXCHANGE_RUNNING;
    if (ptn_loop_submit(x->engine->p.loop, lane, &x->job) == 0)
        return;
    x->state = PTN_EXCHANGE_TALKING;
    ptn_log(PTN_LOG_WARNING, "auth.busy");
    fail(x, PTN_AUTH_TEMPFAIL, "too busy");
}

static void
gated(struct ptn_throttle_try *try)
{
    run(PTN_CONTAINER(try, struct ptn_exchange, try));
}

/* By whom attempts are counted: "Ann" and "ann@example.org" are the same. */
static void
gate_key(const struct ptn_exchange *x, struct ptn_buf *key)
{
    const struct ptn_strings *domains = &x->engine->p.conf->server.domains;

    ptn_buf_addslice(key, ptn_buf_slice(&x->name));
    for (size_t i = 0; i < key->len; i++)
        if (key->data[i] >= 'A' && key->data[i] <= 'Z')
            key->data[i] = (char)(key->data[i] | 0x20);
    if (domains->count > 0 && !memchr(key->data, '@', key->len))
        ptn_buf_printf(key, "@%s", domains->items[0]);
}

static bool
has_control(struct ptn_slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.data[i] < ' ' || s.data[i] == 0x7f)
            return true;
    return false;
}

/* Through the gates to the lane: the response decides. */
static void
attempt(struct ptn_exchange *x)
{
    struct ptn_slice name = ptn_buf_slice(&x->name);
    struct ptn_buf key = PTN_BUF_INIT;
    bool entered;

    if (name.len == 0 || name.len > PTN_USER_NAME_MAX || has_control(name)) {
        reject(x, "not a name");
        return;
    }
    if (x->password.len > PTN_SASL_PASSWORD_MAX) {
        reject(x, "overlong password");
        return;
    }
    gate_key(x, &key);
    x->try.pass = gated;
    x->state = PTN_EXCHANGE_WAITING;
    entered = ptn_throttle_enter(&x->engine->throttle, &x->try,
                                 ptn_slice_of(x->network), ptn_buf_slice(&key));
    ptn_buf_free(&key);
    if (!entered) /* x may be gone, otherwise */
        conclude(x, PTN_AUTH_THROTTLED, "too many attempts");
}

/* --- the peer's responses --- */

static void
on_plain(struct ptn_exchange *x, struct ptn_slice response)
{
    const char *text;

    switch (ptn_plain_response(x, response, &text)) {
    case PTN_PLAIN_CHALLENGE:
        x->steps += response.data != NULL;
        challenge(x, ptn_slice_of(text));
        break;
    case PTN_PLAIN_MALFORMED:
        if (x->command) /* a login command has no syntax of its own here */
            reject(x, "not a name and a password");
        else
            conclude(x, PTN_AUTH_MALFORMED, "malformed");
        break;
    case PTN_PLAIN_COMPLETE:
        if (x->mechanism->kind == PTN_MECHANISM_EXTERNAL)
            run(x); /* there is nothing to guess */
        else
            attempt(x);
    }
}

static void
on_provided(struct ptn_exchange *x, struct ptn_slice response)
{
    if (!response.data) { /* all that are provided begin with the client */
        challenge(x, PTN_SLICE(""));
        return;
    }
    x->response.len = 0;
    ptn_buf_reserve(&x->response, response.len + 1);
    ptn_buf_addslice(&x->response, response);
    /* The first response says the name, and decides nothing. */
    if (x->steps++ == 0)
        run(x);
    else
        attempt(x);
}

static void
respond(struct ptn_exchange *x, struct ptn_slice response)
{
    if (x->state == PTN_EXCHANGE_FINAL) {
        x->state = PTN_EXCHANGE_TALKING;
        if (response.len == 0)
            conclude(x, PTN_AUTH_OK, "");
        else
            conclude(x, PTN_AUTH_MALFORMED, "malformed");
    } else if (x->mechanism->kind == PTN_MECHANISM_PROVIDED) {
        on_provided(x, response);
    } else {
        on_plain(x, response);
    }
}

/* --- the service --- */

static const struct ptn_mechanism *
find_mechanism(const struct ptn_engine *e, const struct ptn_auth_start *start)
{
    unsigned bound = 0;

    for (unsigned i = 0; i < PTN_BINDINGS; i++)
        if (start->bindings[i].len > 0)
            bound |= 1u << i;
    for (size_t i = 0; i < e->mechanism_count; i++) {
        const struct ptn_mechanism *m = &e->mechanisms[i];

        if (ptn_slice_caseeq(start->mechanism, ptn_slice_of(m->name)))
            return is_ready(e, m) && (!m->bindings || (m->bindings & bound)) &&
                           (!m->client || start->client.len > 0)
                       ? m
                       : NULL;
    }
    return NULL;
}

static char *
dup_slice(struct ptn_slice s)
{
    char *copy = ptn_alloc(s.len + 1);

    if (s.len > 0)
        memcpy(copy, s.data, s.len);
    return copy;
}

static void
copy_bindings(struct ptn_exchange *x, const struct ptn_auth_start *start)
{
    for (unsigned i = 0; i < PTN_BINDINGS; i++) {
        struct ptn_slice b = start->bindings[i];

        if (b.len == 0 || b.len > PTN_SASL_BINDING_MAX)
            continue;
        memcpy(x->bindings[i], b.data, b.len);
        x->params.bindings[i] =
            (struct ptn_slice){(const char *)x->bindings[i], b.len};
    }
}

/* Whether a form of the mechanism with -PLUS is among the offers. Only then
 * is the provider told what could be bound: a client that could, and says
 * that the server cannot (RFC 5802 section 6), is right otherwise. */
static bool
is_plus_offered(const struct ptn_engine *e, const struct ptn_mechanism *m)
{
    size_t len = strlen(m->name);

    if (m->bindings)
        return true;
    for (size_t i = 0; i < e->mechanism_count; i++)
        if (e->mechanisms[i].bindings && is_ready(e, &e->mechanisms[i]) &&
            strncmp(e->mechanisms[i].name, m->name, len) == 0)
            return true;
    return false;
}

static struct ptn_exchange *
new_exchange(struct ptn_engine *e, const struct ptn_mechanism *m,
             const struct ptn_auth_start *start)
{
    struct ptn_exchange *x = ptn_alloc(sizeof *x);

    x->engine = e;
    x->mechanism = m;
    x->attempts = start->attempts;
    x->command = start->command;
    x->client = dup_slice(start->client);
    x->network = dup_slice(start->network);
    if (is_plus_offered(e, m))
        copy_bindings(x, start);
    x->params.size = sizeof x->params;
    x->params.mechanism = m->name;
    x->params.scram = find_verifier;
    x->params.arg = x;
    x->status = PTN_NOTFOUND;
    ptn_list_add(&e->exchanges, &x->link);
    e->count++;
    if (m->kind == PTN_MECHANISM_PROVIDED)
        x->provided = e->p.sasl->begin(e->p.sasl_instance, &x->params);
    return x;
}

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
    const struct ptn_mechanism *m = find_mechanism(e, start);
    struct ptn_exchange *x;

    assert(!call->exchange);
    refresh_if_due(e);
    if (!m || e->count >= PTN_ENGINE_EXCHANGES) {
        refuse(call, m ? PTN_AUTH_TEMPFAIL : PTN_AUTH_NO_MECHANISM,
               m ? "too busy" : "no such mechanism");
        return;
    }
    x = new_exchange(e, m, start);
    x->call = call;
    call->exchange = x;
    if (m->kind == PTN_MECHANISM_PROVIDED && !x->provided)
        conclude(x, PTN_AUTH_TEMPFAIL, "the mechanism is out of order");
    else
        respond(x, start->response);
}

static void
step_exchange(struct ptn_auth_service *service, struct ptn_auth_call *call,
              struct ptn_slice response)
{
    struct ptn_exchange *x = call->exchange;

    (void)service;
    assert(x && response.data);
    assert(x->state == PTN_EXCHANGE_TALKING || x->state == PTN_EXCHANGE_FINAL);
    respond(x, response);
}

static void
drop_exchange(struct ptn_auth_service *service, struct ptn_auth_call *call)
{
    struct ptn_exchange *x = call->exchange;

    (void)service;
    call->exchange = NULL;
    if (!x)
        return;
    x->call = NULL;
    if (x->state != PTN_EXCHANGE_RUNNING)
        free_exchange(x); /* else its job will come back */
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
    list_mechanisms(e);
    if (params->sasl)
        e->hashes = ask_hashes(e);
    e->refreshed = ptn_loop_now(params->loop);
    offer(e);
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
