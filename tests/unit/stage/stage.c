/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The stage's machinery: sessions, jobs and authentication as core does
 * them, in a straight line.
 */
#include "tests/unit/stage/stage.h"
#include "tests/unit/stage/props.h"

struct ptn_session {
    struct stage *stage;
    void *state;
    const void *options;
};

static const char *const domains[] = {"example.test", "other.test"};

static void
take_job(struct stage *st, struct ptn_job *job)
{
    assert_true(st->job_count < STAGE_JOBS);
    st->jobs[st->job_count++] = job;
}

/* --- postern/session.h --- */

void *
ptn_session_state(struct ptn_session *s)
{
    return s->state;
}

const void *
ptn_session_options(struct ptn_session *s)
{
    return s->options;
}

void *
ptn_session_instance(struct ptn_session *s)
{
    return s->stage->instance;
}

struct ptn_host *
ptn_session_host(struct ptn_session *s)
{
    return &s->stage->host;
}

const char *
ptn_session_id(struct ptn_session *s)
{
    (void)s;
    return "stage1";
}

const char *
ptn_session_peer(struct ptn_session *s)
{
    (void)s;
    return "192.0.2.7";
}

struct ptn_buf *
ptn_session_out(struct ptn_session *s)
{
    return &s->stage->out;
}

void
ptn_session_write(struct ptn_session *s, struct ptn_slice data)
{
    ptn_buf_addslice(&s->stage->out, data);
}

void
ptn_session_printf(struct ptn_session *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    ptn_buf_vprintf(&s->stage->out, fmt, ap);
    va_end(ap);
}

bool
ptn_session_is_full(struct ptn_session *s)
{
    bool full = s->stage->full;
    s->stage->full = false;
    return full;
}

void
ptn_session_on_drain(struct ptn_session *s,
                     enum ptn_result (*fn)(struct ptn_session *s))
{
    assert_null(s->stage->drain);
    s->stage->drain = fn;
}

/* The stage has always drained when the next turn comes. */
void
ptn_session_await_drain(struct ptn_session *s, struct ptn_job *job)
{
    take_job(s->stage, job);
}

void
ptn_session_expect_block(struct ptn_session *s, uint64_t count)
{
    s->stage->wants_block = true;
    s->stage->block_size = count;
}

void
ptn_session_expect_text(struct ptn_session *s, size_t max_line)
{
    s->stage->wants_text = true;
    s->stage->block_size = max_line;
}

bool
ptn_session_tls_offered(struct ptn_session *s)
{
    return s->stage->tls_offered && !s->stage->tls;
}

void
ptn_session_start_tls(struct ptn_session *s)
{
    s->stage->tls_started = true;
}

bool
ptn_session_is_tls(struct ptn_session *s)
{
    return s->stage->tls;
}

bool
ptn_session_may_proceed(struct ptn_session *s)
{
    return !s->stage->must_tls || s->stage->tls;
}

const char *
ptn_session_tls_version(struct ptn_session *s)
{
    return s->stage->tls ? "TLSv1.3" : NULL;
}

const char *
ptn_session_tls_cipher(struct ptn_session *s)
{
    return s->stage->tls ? "TLS_AES_128_GCM_SHA256" : NULL;
}

bool
ptn_session_may_authenticate(struct ptn_session *s)
{
    return s->stage->may_auth && !s->stage->user;
}

void
ptn_session_mechanisms(struct ptn_session *s, const char *prefix,
                       struct ptn_buf *out)
{
    (void)s;
    ptn_buf_printf(out, "%sPLAIN%sLOGIN", prefix, prefix);
}

static enum ptn_result
authenticate(struct ptn_session *s)
{
    struct stage *st = s->stage;
    enum ptn_auth outcome = st->outcomes[st->outcome++ % 8];
    if (outcome == PTN_AUTH_OK)
        st->user = "user1@example.test";
    return st->auth_fn(s, outcome,
                       S("UGFzc3dvcmQ6")); /* base64, as core does */
}

enum ptn_result
ptn_auth_start(struct ptn_session *s, struct ptn_slice mechanism,
               struct ptn_slice initial, ptn_auth_fn fn)
{
    assert_true(initial.data || initial.len == 0);
    s->stage->auth_fn = fn;
    if (mechanism.len == 0)
        return fn(s, PTN_AUTH_NO_MECHANISM, S(""));
    return authenticate(s);
}

enum ptn_result
ptn_auth_step(struct ptn_session *s, struct ptn_slice response)
{
    if (ptn_slice_eq(response, S("*")))
        return s->stage->auth_fn(s, PTN_AUTH_CANCELLED, S(""));
    return authenticate(s);
}

enum ptn_result
ptn_auth_login(struct ptn_session *s, struct ptn_slice name,
               struct ptn_slice password, ptn_auth_fn fn)
{
    assert_true(name.len > 0 && (password.data || !password.len));
    s->stage->auth_fn = fn;
    return authenticate(s);
}

const char *
ptn_session_user(struct ptn_session *s)
{
    return s->stage->user;
}

void
ptn_session_error(struct ptn_session *s)
{
    s->stage->errors++;
}

void
ptn_session_count_verb(struct ptn_session *s, unsigned index)
{
    (void)s;
    (void)index;
}

void
ptn_session_count_reply(struct ptn_session *s, unsigned index)
{
    (void)s;
    (void)index;
}

bool
ptn_session_hold(struct ptn_session *s, size_t octets)
{
    (void)s;
    (void)octets;
    return true;
}

void
ptn_session_release(struct ptn_session *s, size_t octets)
{
    (void)s;
    (void)octets;
}

void
ptn_session_timeout(struct ptn_session *s, uint64_t milliseconds)
{
    s->stage->timeout = milliseconds;
}

/* --- jobs --- */

int
ptn_session_run(struct ptn_session *s, enum ptn_lane lane, struct ptn_job *job)
{
    (void)lane;
    assert_non_null(job->run);
    if (s->stage->lane_full)
        return -1;
    take_job(s->stage, job);
    return 0;
}

/* The stage's store has always completed when the next line is said. */
void
ptn_session_await(struct ptn_session *s, struct ptn_job *job)
{
    assert_null(job->run);
    take_job(s->stage, job);
}

/* Runs what is under way until the handler is done. */
static const char *
settle(struct stage *st, enum ptn_result result)
{
    while (result == PTN_PENDING) {
        if (st->drain) {
            enum ptn_result (*fn)(struct ptn_session *) = st->drain;
            st->drain = NULL;
            result = fn(st->session);
            continue;
        }
        assert_int_equal(st->job_count, 1);
        struct ptn_job *job = st->jobs[--st->job_count];
        if (job->run)
            job->run(job);
        job->cancelled = st->cancel;
        result = job->done(st->session, job);
        if (st->cancel)
            result = PTN_CLOSE;
    }
    assert_int_equal(st->job_count, 0);
    assert_null(st->drain);
    st->result = result;
    return ptn_buf_cstr(&st->out);
}

static void
begin_turn(struct stage *st)
{
    st->out.len = 0;
    st->wants_text = st->wants_block = false;
}

const char *
stage_slice(struct stage *st, struct ptn_slice line)
{
    begin_turn(st);
    return settle(st, st->protocol->line(st->session, line));
}

const char *
stage_line(struct stage *st, const char *line)
{
    return stage_slice(st, ptn_slice_of(line));
}

const char *
stage_block(struct stage *st, const char *data, size_t len, bool last,
            unsigned faults)
{
    struct ptn_block block = {{data, len}, last, faults};
    begin_turn(st);
    return settle(st, st->protocol->block(st->session, &block));
}

const char *
stage_fault(struct stage *st, enum ptn_fault fault)
{
    begin_turn(st);
    ptn_session_error(st->session);
    return settle(st, st->protocol->fault(st->session, fault, S("head")));
}

const char *
stage_event(struct stage *st, enum ptn_event event)
{
    begin_turn(st);
    return settle(st, st->protocol->event(st->session, event));
}

void
stage_open(struct stage *st, const struct ptn_module *module,
           const void *options, const void *module_options)
{
    struct ptn_error err = PTN_ERROR_INIT;
    st->module = module;
    st->conf.server.hostname = "mail.example.test";
    st->conf.server.domains = (struct ptn_strings){domains, 2};
    st->modules.conf = &st->conf;
    st->host.all = &st->modules;
    st->host.module = module;
    stage_props_offer(st);
    assert_int_equal(
        module->init(&st->host, module_options, &st->instance, &err), 0);
    const struct ptn_provided *p =
        &st->modules.provided[st->modules.provided_count - 1];
    assert_string_equal(p->contract, PTN_PROTOCOL_CONTRACT);
    st->protocol = p->ops;
    st->session = ptn_alloc(sizeof(*st->session));
    st->session->stage = st;
    st->session->options = options;
    st->session->state = ptn_alloc(st->protocol->state_size);
    begin_turn(st);
    settle(st, st->protocol->open(st->session));
}

void
stage_close(struct stage *st)
{
    st->protocol->close(st->session);
    ptn_free(st->session->state);
    ptn_free(st->session);
    st->module->stop(st->instance);
    stage_props_free(st);
    ptn_free(st->modules.provided);
    ptn_buf_free(&st->out);
}
