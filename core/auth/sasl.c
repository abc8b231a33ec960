/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Authentication (postern/session.h): exchanges, the check of credentials on
 * a lane, and the delay of bad news.
 *
 *   start/step --> [talking] --credentials--> [verifying] on a lane
 *      ^               |                          |         |
 *      '-- challenge --'                        good       bad
 *                                                 |         v
 *                                                 |     [delayed]
 *                                                 v         v
 *                                              fn(OK)    fn(FAILED)
 *
 * An exchange belongs to its session (s->sasl). While it is verifying, the
 * lane's thread reads and wipes name and password, and nobody else touches
 * the record; the job's completion brings it back, also when the session has
 * died, and frees it.
 */
#include "auth/sasl.h"
#include "net/inner.h"
#include <assert.h>
#include <postern/arena.h>
#include <postern/log.h>

static enum ptn_result on_verified(struct ptn_session *s, struct ptn_job *job);

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
    wipe_free(&x->name);
    wipe_free(&x->password);
    wipe_free(&x->authzid);
    ptn_free(x);
}

static struct ptn_sasl *
new_exchange(struct ptn_session *s, ptn_auth_fn fn)
{
    struct ptn_sasl *x = ptn_alloc(sizeof *x);

    assert(!s->sasl && !s->user);
    x->session = s;
    x->fn = fn;
    x->directory = s->net->params.directory;
    x->directory_instance = s->net->params.directory_instance;
    s->sasl = x;
    s->net->secrets = true;
    return x;
}

/* Answers the protocol for the last time. */
static enum ptn_result
conclude(struct ptn_sasl *x, enum ptn_auth outcome)
{
    struct ptn_session *s = x->session;
    ptn_auth_fn fn = x->fn;

    free_exchange(x);
    return fn(s, outcome, (struct ptn_slice){NULL, 0});
}

void
ptn_sasl_drop(struct ptn_session *s)
{
    struct ptn_sasl *x = s->sasl;

    if (!x || x->state == PTN_SASL_VERIFYING)
        return; /* its job will come back */
    if (x->state == PTN_SASL_DELAYED) {
        ptn_timer_cancel(x->delay);
        x->delay = NULL;
        x->state = PTN_SASL_VERIFYING;
        ptn_job_complete(&x->job);
        return;
    }
    free_exchange(x);
}

/* --- bad news --- */

static enum ptn_result
on_delayed(struct ptn_session *s, struct ptn_job *job)
{
    struct ptn_sasl *x = PTN_CONTAINER(job, struct ptn_sasl, job);

    if (job->cancelled) {
        free_exchange(x);
        return PTN_DONE;
    }
    if (s->attempts >= s->listener->conf->limits.auth_attempts)
        return conclude(x, PTN_AUTH_THROTTLED);
    return conclude(x, PTN_AUTH_FAILED);
}

static void
on_delay_over(void *arg)
{
    struct ptn_sasl *x = arg;

    x->delay = NULL;
    x->state = PTN_SASL_VERIFYING;
    ptn_job_complete(&x->job);
}

static const char *
mechanism_name(const struct ptn_sasl *x)
{
    return x->mechanism ? x->mechanism->name : "password";
}

/* Says no, after a while: guessing must not be fast. */
static enum ptn_result
reject(struct ptn_sasl *x, const char *why)
{
    struct ptn_session *s = x->session;
    struct ptn_loop *loop = s->net->params.loop;

    s->attempts++;
    ptn_count(&s->net->params.counters->auth_failed, 1);
    ptn_log(PTN_LOG_INFO, "auth.failed", PTN_FS("session", s->id),
            PTN_FS("listener", s->listener->conf->name),
            PTN_FS("peer", s->peer), PTN_F("name", ptn_buf_slice(&x->name)),
            PTN_FS("mechanism", mechanism_name(x)), PTN_FS("why", why),
            PTN_FN("attempt", s->attempts));
    uint64_t delay = ptn_throttle_failed(&s->net->throttle, s->network->text,
                                         s->attempts, ptn_loop_now(loop));
    x->job.done = on_delayed;
    ptn_session_await(s, &x->job);
    x->state = PTN_SASL_DELAYED;
    x->delay = ptn_loop_timer(loop, delay, on_delay_over, x);
    return PTN_PENDING;
}

/* --- the check --- */

/* On the lane's thread. */
static void
verify(struct ptn_job *job)
{
    struct ptn_sasl *x = PTN_CONTAINER(job, struct ptn_sasl, job);

    x->status =
        x->directory->verify(x->directory_instance, ptn_buf_slice(&x->name),
                             ptn_buf_slice(&x->password), &x->user);
    wipe_free(&x->password);
}

static bool
has_control(struct ptn_slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.data[i] < ' ' || s.data[i] == 0x7f)
            return true;
    return false;
}

/* The credentials are complete. */
static enum ptn_result
check(struct ptn_sasl *x)
{
    struct ptn_session *s = x->session;
    struct ptn_slice name = ptn_buf_slice(&x->name);

    if (name.len == 0 || name.len > PTN_USER_NAME_MAX || has_control(name))
        return reject(x, "not a name");
    if (x->password.len > PTN_SASL_PASSWORD_MAX)
        return reject(x, "overlong password");
    x->job.run = verify;
    x->job.done = on_verified;
    x->state = PTN_SASL_VERIFYING;
    if (ptn_session_run(s, PTN_LANE_SLOW, &x->job) == 0)
        return PTN_PENDING;
    x->state = PTN_SASL_TALKING;
    ptn_log(PTN_LOG_WARNING, "auth.busy", PTN_FS("session", s->id));
    return conclude(x, PTN_AUTH_TEMPFAIL);
}

/* RFC 4616 section 2: who wants to act as somebody else needs a right to;
 * here everybody has it for himself alone. */
static bool
may_act(const struct ptn_sasl *x)
{
    struct ptn_slice as = ptn_buf_slice(&x->authzid);

    return as.len == 0 || ptn_slice_caseeq(as, ptn_slice_of(x->user.name)) ||
           ptn_slice_caseeq(as, ptn_buf_slice(&x->name));
}

static enum ptn_result
accept_user(struct ptn_sasl *x)
{
    struct ptn_session *s = x->session;

    s->user = ptn_strdup(x->user.name);
    s->quota = x->user.quota;
    ptn_count(&s->net->params.counters->auth_ok, 1);
    ptn_throttle_succeeded(&s->net->throttle, s->network->text);
    ptn_log(PTN_LOG_INFO, "auth.ok", PTN_FS("session", s->id),
            PTN_FS("listener", s->listener->conf->name),
            PTN_FS("peer", s->peer), PTN_FS("user", s->user),
            PTN_FS("mechanism", mechanism_name(x)));
    return conclude(x, PTN_AUTH_OK);
}

static enum ptn_result
on_verified(struct ptn_session *s, struct ptn_job *job)
{
    struct ptn_sasl *x = PTN_CONTAINER(job, struct ptn_sasl, job);

    if (job->cancelled) {
        free_exchange(x);
        return PTN_DONE;
    }
    x->state = PTN_SASL_TALKING;
    switch (x->status) {
    case PTN_OK:
        return may_act(x) ? accept_user(x) : reject(x, "foreign authzid");
    case PTN_NOTFOUND:
    case PTN_DENIED:
        return reject(x, "wrong name or password");
    case PTN_PERMFAIL:
        return reject(x, "malformed entry");
    default:
        ptn_log(PTN_LOG_ERROR, "auth.unavailable", PTN_FS("session", s->id),
                PTN_FN("status", x->status));
        return conclude(x, PTN_AUTH_TEMPFAIL);
    }
}

/* --- exchanges --- */

static enum ptn_result
send_challenge(struct ptn_sasl *x, const struct ptn_buf *challenge)
{
    struct ptn_buf text = PTN_BUF_INIT;
    enum ptn_result result;

    ptn_base64_encode(&text, ptn_buf_slice(challenge));
    result = x->fn(x->session, PTN_AUTH_CHALLENGE, ptn_buf_slice(&text));
    ptn_buf_free(&text);
    return result;
}

/* `response` is decoded, or NULL. */
static enum ptn_result
advance(struct ptn_sasl *x, struct ptn_slice response)
{
    struct ptn_buf challenge = PTN_BUF_INIT;
    enum ptn_sasl_step step = x->mechanism->step(x, response, &challenge);
    enum ptn_result result;

    if (step == PTN_SASL_CHALLENGE)
        result = send_challenge(x, &challenge);
    else if (step == PTN_SASL_VERIFY)
        result = check(x);
    else
        result = conclude(x, PTN_AUTH_MALFORMED);
    ptn_buf_free(&challenge);
    return result;
}

static enum ptn_result
decode_and_advance(struct ptn_sasl *x, struct ptn_slice text)
{
    struct ptn_buf response = PTN_BUF_INIT;
    enum ptn_result result;

    /* A buffer, so that an empty response is told from none. */
    ptn_buf_reserve(&response, 1);
    if (text.len > PTN_SASL_RESPONSE_MAX || !ptn_base64_decode(&response, text))
        result = conclude(x, PTN_AUTH_MALFORMED);
    else
        result = advance(x, ptn_buf_slice(&response));
    wipe_free(&response);
    return result;
}

static const struct ptn_sasl_mechanism *
find_mechanism(struct ptn_slice name)
{
    const struct ptn_sasl_mechanism *m = ptn_sasl_mechanisms;

    while (m->name && !ptn_slice_caseeq(name, ptn_slice_of(m->name)))
        m++;
    return m->name ? m : NULL;
}

/* Why nobody can authenticate now; PTN_AUTH_OK when somebody can. */
static enum ptn_auth
obstacle(struct ptn_session *s)
{
    if (s->user || !s->net->params.directory)
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
    const struct ptn_sasl_mechanism *m = find_mechanism(mechanism);

    if (no == PTN_AUTH_OK && !m)
        no = PTN_AUTH_NO_MECHANISM;
    if (no != PTN_AUTH_OK)
        return fn(s, no, (struct ptn_slice){NULL, 0});
    struct ptn_sasl *x = new_exchange(s, fn);
    x->mechanism = m;
    if (!initial.data)
        return advance(x, initial);
    /* RFC 4954 section 4, RFC 4959 section 3: "=" is an empty one. */
    if (ptn_slice_eq(initial, PTN_SLICE("=")))
        initial.len = 0;
    return decode_and_advance(x, initial);
}

enum ptn_result
ptn_auth_step(struct ptn_session *s, struct ptn_slice response)
{
    struct ptn_sasl *x = s->sasl;

    assert(x && x->state == PTN_SASL_TALKING && x->mechanism);
    s->net->secrets = true;
    if (ptn_slice_eq(response, PTN_SLICE("*")))
        return conclude(x, PTN_AUTH_CANCELLED);
    return decode_and_advance(x, response);
}

enum ptn_result
ptn_auth_login(struct ptn_session *s, struct ptn_slice name,
               struct ptn_slice password, ptn_auth_fn fn)
{
    enum ptn_auth no = obstacle(s);

    if (no != PTN_AUTH_OK)
        return fn(s, no, (struct ptn_slice){NULL, 0});
    struct ptn_sasl *x = new_exchange(s, fn);
    ptn_buf_addslice(&x->name, name);
    ptn_buf_addslice(&x->password, password);
    return check(x);
}

void
ptn_session_mechanisms(struct ptn_session *s, const char *prefix,
                       struct ptn_buf *out)
{
    if (!ptn_session_may_authenticate(s))
        return;
    for (const struct ptn_sasl_mechanism *m = ptn_sasl_mechanisms; m->name;
         m++) {
        ptn_buf_adds(out, prefix);
        ptn_buf_adds(out, m->name);
    }
}
