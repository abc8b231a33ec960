/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Authentication as protocols see it (postern/session.h): an exchange
 * belongs to its session (s->sasl), goes to the service that checks it, and
 * comes back as a job, so that a session that has died meanwhile is dealt
 * with as for any other.
 *
 *   ptn_auth_start/step/login --> service --> answered --> job --> fn
 *
 * What held a password or a response is wiped here at once, and the net's
 * buffers at the end of the turn (net->secrets).
 */
#include "auth/sasl.h"
#include "net/inner.h"
#include <assert.h>
#include <postern/arena.h>
#include <postern/log.h>

struct ptn_sasl {
    struct ptn_auth_call call;
    struct ptn_job job; /* announced while `waiting` */
    struct ptn_session *session;
    ptn_auth_fn fn;
    bool waiting;
    bool command;
    char mechanism[PTN_SASL_MECHANISM_MAX + 1];
    /* The answer: */
    enum ptn_auth outcome;
    struct ptn_buf data, name, why;
    struct ptn_user *user;
};

static void
wipe_free(struct ptn_buf *b)
{
    if (b->cap)
        ptn_wipe(b->data, b->cap);
    ptn_buf_free(b);
}

static void
free_exchange(struct ptn_sasl *x)
{
    x->session->sasl = NULL;
    wipe_free(&x->data);
    wipe_free(&x->name);
    ptn_buf_free(&x->why);
    ptn_free(x->user);
    ptn_free(x);
}

void
ptn_sasl_drop(struct ptn_session *s)
{
    struct ptn_sasl *x = s->sasl;
    struct ptn_auth_service *service = s->net->params.auth;

    if (!x)
        return;
    if (x->call.exchange)
        service->drop(service, &x->call);
    if (!x->waiting) {
        free_exchange(x);
    } else if (x->job.private_.owner) { /* not on its way back already */
        ptn_job_complete(&x->job);
    }
}

/* --- the outcome --- */

static void
log_outcome(const struct ptn_sasl *x)
{
    const struct ptn_session *s = x->session;

    ptn_log(PTN_LOG_INFO, "auth.failed", PTN_FS("session", s->id),
            PTN_FS("listener", s->listener->conf->name),
            PTN_FS("peer", s->peer), PTN_F("name", ptn_buf_slice(&x->name)),
            PTN_FS("mechanism", x->command ? "password" : x->mechanism),
            PTN_F("why", ptn_buf_slice(&x->why)),
            PTN_FN("attempt", s->attempts));
}

static void
count_outcome(const struct ptn_sasl *x, enum ptn_auth outcome)
{
    static const char *const names[] = {
        [PTN_AUTH_OK] = "ok",
        [PTN_AUTH_FAILED] = "failed",
        [PTN_AUTH_TEMPFAIL] = "temporary failure",
        [PTN_AUTH_NO_MECHANISM] = "no such mechanism",
        [PTN_AUTH_NEEDS_TLS] = "needs tls",
        [PTN_AUTH_MALFORMED] = "malformed",
        [PTN_AUTH_CANCELLED] = "cancelled",
        [PTN_AUTH_THROTTLED] = "throttled",
    };
    bool known = outcome != PTN_AUTH_NO_MECHANISM; /* else it is the peer's */

    ptn_meter_auth(x->session->listener->meter,
                   x->command ? "password"
                   : known    ? x->mechanism
                              : "unknown",
                   names[outcome]);
}

/* Answers the protocol for the last time. */
static enum ptn_result
conclude(struct ptn_sasl *x, enum ptn_auth outcome)
{
    struct ptn_session *s = x->session;
    ptn_auth_fn fn = x->fn;

    count_outcome(x, outcome);
    free_exchange(x);
    return fn(s, outcome, (struct ptn_slice){NULL, 0});
}

static enum ptn_result
accept_user(struct ptn_sasl *x)
{
    struct ptn_session *s = x->session;

    s->user = ptn_strdup(x->user->name);
    s->quota = x->user->quota;
    ptn_count(&s->net->params.counters->auth_ok, 1);
    ptn_log(PTN_LOG_INFO, "auth.ok", PTN_FS("session", s->id),
            PTN_FS("listener", s->listener->conf->name),
            PTN_FS("peer", s->peer), PTN_FS("user", s->user),
            PTN_FS("mechanism", x->command ? "password" : x->mechanism));
    return conclude(x, PTN_AUTH_OK);
}

static enum ptn_result
reject(struct ptn_sasl *x)
{
    struct ptn_session *s = x->session;
    enum ptn_auth outcome = x->outcome;

    s->attempts++;
    ptn_count(&s->net->params.counters->auth_failed, 1);
    log_outcome(x);
    if (s->attempts >= s->listener->conf->limits.auth_attempts)
        outcome = PTN_AUTH_THROTTLED;
    return conclude(x, outcome);
}

static enum ptn_result
send_challenge(struct ptn_sasl *x)
{
    struct ptn_buf text = PTN_BUF_INIT;
    enum ptn_result result;

    ptn_base64_encode(&text, ptn_buf_slice(&x->data));
    result = x->fn(x->session, PTN_AUTH_CHALLENGE, ptn_buf_slice(&text));
    wipe_free(&text);
    return result;
}

static enum ptn_result
on_answer(struct ptn_session *s, struct ptn_job *job)
{
    struct ptn_sasl *x = PTN_CONTAINER(job, struct ptn_sasl, job);

    (void)s;
    x->waiting = false;
    if (job->cancelled) {
        free_exchange(x);
        return PTN_DONE;
    }
    switch (x->outcome) {
    case PTN_AUTH_OK:
        return accept_user(x);
    case PTN_AUTH_CHALLENGE:
        return send_challenge(x);
    case PTN_AUTH_FAILED:
    case PTN_AUTH_THROTTLED:
        return reject(x);
    case PTN_AUTH_TEMPFAIL:
        log_outcome(x);
        return conclude(x, x->outcome);
    default:
        return conclude(x, x->outcome);
    }
}

/* From the service, possibly inside start or step. */
static void
answered(struct ptn_auth_call *call, const struct ptn_auth_answer *answer)
{
    struct ptn_sasl *x = PTN_CONTAINER(call, struct ptn_sasl, call);

    assert(x->waiting);
    x->outcome = answer->outcome;
    x->data.len = x->name.len = x->why.len = 0;
    ptn_buf_addslice(&x->data, answer->data);
    ptn_buf_addslice(&x->name, answer->name);
    ptn_buf_addslice(&x->why, answer->why);
    if (answer->user) {
        x->user = ptn_alloc(sizeof *x->user);
        *x->user = *answer->user;
    }
    ptn_job_complete(&x->job);
}

/* The answer comes by a job from now on. */
static void
await(struct ptn_sasl *x)
{
    x->job.done = on_answer;
    x->waiting = true;
    ptn_session_await(x->session, &x->job);
}

/* --- exchanges --- */

static struct ptn_sasl *
new_exchange(struct ptn_session *s, struct ptn_slice mechanism, ptn_auth_fn fn)
{
    struct ptn_sasl *x = ptn_alloc(sizeof *x);

    assert(!s->sasl && !s->user);
    x->session = s;
    x->fn = fn;
    x->call.answered = answered;
    memcpy(x->mechanism, mechanism.data, mechanism.len);
    for (char *p = x->mechanism; *p; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p & ~0x20);
    s->sasl = x;
    s->net->secrets = true;
    return x;
}

/* `response` is decoded, or NULL. */
static enum ptn_result
begin(struct ptn_sasl *x, struct ptn_slice response)
{
    struct ptn_session *s = x->session;
    struct ptn_auth_service *service = s->net->params.auth;
    struct ptn_sasl_facts facts;
    struct ptn_auth_start start = {
        .mechanism = ptn_slice_of(x->mechanism),
        .response = response,
        .network = ptn_slice_of(s->network->text),
        .attempts = s->attempts,
        .command = x->command,
    };

    ptn_sasl_facts(s, &facts);
    start.client = facts.client;
    memcpy(start.bindings, facts.bindings, sizeof start.bindings);
    await(x);
    service->start(service, &x->call, &start);
    return PTN_PENDING;
}

/* A buffer, so that an empty response is told from none. */
static bool
decode(struct ptn_slice text, struct ptn_buf *out)
{
    ptn_buf_reserve(out, PTN_SASL_RESPONSE_MAX / 4 * 3);
    return text.len <= PTN_SASL_RESPONSE_MAX && ptn_base64_decode(out, text);
}

/* Why nobody can authenticate now; PTN_AUTH_OK when somebody can. */
static enum ptn_auth
obstacle(struct ptn_session *s)
{
    if (s->user || !s->net->params.auth)
        return PTN_AUTH_NO_MECHANISM;
    if (!ptn_session_may_authenticate(s))
        return PTN_AUTH_NEEDS_TLS;
    if (s->attempts >= s->listener->conf->limits.auth_attempts)
        return PTN_AUTH_THROTTLED;
    return PTN_AUTH_OK;
}

enum ptn_result
ptn_auth_start(struct ptn_session *s, struct ptn_slice mechanism,
               struct ptn_slice initial, ptn_auth_fn fn)
{
    enum ptn_auth no = obstacle(s);
    struct ptn_buf response = PTN_BUF_INIT;
    enum ptn_result result;

    /* RFC 4422 section 3.1: a mechanism's name has 20 characters at most. */
    if (no == PTN_AUTH_OK &&
        (mechanism.len == 0 || mechanism.len > PTN_SASL_MECHANISM_MAX ||
         memchr(mechanism.data, '\0', mechanism.len)))
        no = PTN_AUTH_NO_MECHANISM;
    if (no != PTN_AUTH_OK)
        return fn(s, no, (struct ptn_slice){NULL, 0});
    struct ptn_sasl *x = new_exchange(s, mechanism, fn);
    if (!initial.data)
        return begin(x, initial);
    /* RFC 4954 section 4, RFC 4959 section 3: "=" is an empty one. */
    if (ptn_slice_eq(initial, PTN_SLICE("=")))
        initial.len = 0;
    if (decode(initial, &response))
        result = begin(x, ptn_buf_slice(&response));
    else
        result = conclude(x, PTN_AUTH_MALFORMED);
    wipe_free(&response);
    return result;
}

enum ptn_result
ptn_auth_step(struct ptn_session *s, struct ptn_slice text)
{
    struct ptn_sasl *x = s->sasl;
    struct ptn_auth_service *service = s->net->params.auth;
    struct ptn_buf response = PTN_BUF_INIT;
    enum ptn_auth no = PTN_AUTH_OK;

    assert(x && !x->waiting);
    s->net->secrets = true;
    if (ptn_slice_eq(text, PTN_SLICE("*")))
        no = PTN_AUTH_CANCELLED;
    else if (!decode(text, &response))
        no = PTN_AUTH_MALFORMED;
    else if (!x->call.exchange) /* the warden has died meanwhile */
        no = PTN_AUTH_TEMPFAIL;
    if (no == PTN_AUTH_OK) {
        await(x);
        service->step(service, &x->call, ptn_buf_slice(&response));
    } else if (x->call.exchange) {
        service->drop(service, &x->call);
    }
    wipe_free(&response);
    return no == PTN_AUTH_OK ? PTN_PENDING : conclude(x, no);
}

/* Goes as PLAIN (RFC 4616), which has no room for a NUL. */
enum ptn_result
ptn_auth_login(struct ptn_session *s, struct ptn_slice name,
               struct ptn_slice password, ptn_auth_fn fn)
{
    enum ptn_auth no = obstacle(s);
    struct ptn_buf plain = PTN_BUF_INIT;
    enum ptn_result result;

    if (no != PTN_AUTH_OK)
        return fn(s, no, (struct ptn_slice){NULL, 0});
    struct ptn_sasl *x = new_exchange(s, PTN_SLICE("PLAIN"), fn);
    x->command = true;
    ptn_buf_reserve(&plain, name.len + password.len + 2);
    ptn_buf_addc(&plain, '\0');
    ptn_buf_addslice(&plain, name);
    ptn_buf_addc(&plain, '\0');
    ptn_buf_addslice(&plain, password);
    result = begin(x, ptn_buf_slice(&plain));
    wipe_free(&plain);
    return result;
}
