/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An exchange's way (the diagram is in auth/exchange.h). Loop thread, but for
 * the three run_* functions and find_verifier. What held a password or a SASL
 * message is wiped.
 */
#include "auth/engine_inner.h"
#include <assert.h>
#include <postern/log.h>

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

void
ptn_exchange_conclude(struct ptn_exchange *x, enum ptn_auth outcome,
                      const char *why)
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
    ptn_exchange_conclude(x, PTN_AUTH_FAILED, x->response.data);
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
    ptn_exchange_conclude(x, outcome, why);
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
        ptn_exchange_conclude(x, PTN_AUTH_OK, "");
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
        ptn_exchange_conclude(x, PTN_AUTH_THROTTLED, "too many attempts");
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
            ptn_exchange_conclude(x, PTN_AUTH_MALFORMED, "malformed");
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

void
ptn_exchange_respond(struct ptn_exchange *x, struct ptn_slice response)
{
    if (x->state == PTN_EXCHANGE_FINAL) {
        x->state = PTN_EXCHANGE_TALKING;
        if (response.len == 0)
            ptn_exchange_conclude(x, PTN_AUTH_OK, "");
        else
            ptn_exchange_conclude(x, PTN_AUTH_MALFORMED, "malformed");
    } else if (x->mechanism->kind == PTN_MECHANISM_PROVIDED) {
        on_provided(x, response);
    } else {
        on_plain(x, response);
    }
}

/* --- its life --- */

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

struct ptn_exchange *
ptn_exchange_new(struct ptn_engine *e, const struct ptn_mechanism *m,
                 const struct ptn_auth_start *start)
{
    struct ptn_exchange *x = ptn_alloc(sizeof *x);

    x->engine = e;
    x->mechanism = m;
    x->attempts = start->attempts;
    x->command = start->command;
    x->client = dup_slice(start->client);
    x->network = dup_slice(start->network);
    if (ptn_engine_offers_plus(e, m))
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

void
ptn_exchange_drop(struct ptn_exchange *x)
{
    x->call = NULL;
    if (x->state != PTN_EXCHANGE_RUNNING)
        free_exchange(x); /* else its job will come back */
}
