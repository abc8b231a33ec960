/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The session half of the fake; fake_store.c is the other. One thread.
 */
#include "fake.h"

#include "fake_store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_LINE 8192

struct ptn_session {
    struct fake knobs;
    struct imap_state *state;
    struct imap_options options;
    struct imap_module_options module_options;
    struct imap_module *module; /* shared by joined sessions */
    unsigned *users;            /* of the module */
    struct ptn_buf out, sent, in;
    char *user;
    uint64_t block_left;
    struct ptn_slice tail; /* of a refused line */
    bool in_block, pending, closed, posted, tls_wanted, in_auth;
    enum ptn_result (*on_drain)(struct ptn_session *s);
    struct ptn_job *drain_job;
    ptn_auth_fn auth;
    struct ptn_job *first_job, **last_job;
    struct ptn_session *next; /* all sessions of the module, a ring */
};

struct fake *
fake_of(struct ptn_session *s)
{
    return &s->knobs;
}

void
fake_cold(struct ptn_session *s, bool cold)
{
    fake_store_cold(s->module->vault, cold);
}

bool
fake_closed(const struct ptn_session *s)
{
    return s->closed;
}

static struct ptn_session *
session_new(struct imap_module *module, unsigned *users)
{
    struct ptn_session *s = ptn_alloc(sizeof(*s));

    s->state = ptn_alloc(sizeof(*s->state));
    s->options = (struct imap_options){1 << 20, 1800000};
    s->module_options.uploads = 4 << 20;
    s->module = module;
    s->users = users;
    s->last_job = &s->first_job;
    s->next = s;
    ++*users;
    return s;
}

struct ptn_session *
fake_open(void)
{
    struct imap_module *module = ptn_alloc(sizeof(*module));
    struct ptn_session *s = session_new(module, ptn_alloc(sizeof(unsigned)));

    module->store = &fake_store_ops;
    module->vault = fake_store_new();
    module->options = &s->module_options;
    imap_protocol.open(s);
    fake_say(s, "");
    return s;
}

struct ptn_session *
fake_join(struct ptn_session *other)
{
    struct ptn_session *s = session_new(other->module, other->users);

    s->next = other->next;
    other->next = s;
    imap_protocol.open(s);
    fake_say(s, "");
    return s;
}

/* --- jobs and the order of things --- */

static void
enqueue(struct ptn_session *s, struct ptn_job *job)
{
    job->private_.next = NULL;
    *s->last_job = job;
    s->last_job = &job->private_.next;
}

static struct ptn_job *
dequeue(struct ptn_session *s)
{
    struct ptn_job *job = s->first_job;

    if (job == NULL)
        return NULL;
    s->first_job = job->private_.next;
    if (s->first_job == NULL)
        s->last_job = &s->first_job;
    return job;
}

static void
flush(struct ptn_session *s)
{
    ptn_buf_addslice(&s->sent, ptn_buf_slice(&s->out));
    s->out.len = 0;
}

static void
take(struct ptn_session *s, enum ptn_result result)
{
    s->pending = result == PTN_PENDING;
    s->closed |= result == PTN_CLOSE;
}

/* One thing that is due; false when nothing is. */
static bool
turn(struct ptn_session *s)
{
    enum ptn_result (*drain)(struct ptn_session *) = s->on_drain;
    struct ptn_job *job = dequeue(s);

    if (job) {
        if (job->run)
            job->run(job);
        job->cancelled = s->closed;
        take(s, job->done(s, job));
        return true;
    }
    if (s->drain_job) {
        flush(s);
        job = s->drain_job;
        s->drain_job = NULL;
        enqueue(s, job);
        return true;
    }
    if (s->closed)
        return false;
    if (drain) {
        flush(s);
        s->on_drain = NULL;
        take(s, drain(s));
        return true;
    }
    if (s->posted && !s->pending) {
        s->posted = false;
        take(s, imap_protocol.event(s, PTN_EVENT_POSTED));
        return true;
    }
    return false;
}

/* Cuts one piece of input off and gives it to the module. */
static bool
dispatch(struct ptn_session *s)
{
    const char *end;
    size_t len;

    if (s->in_block) {
        len = s->block_left < s->in.len ? (size_t)s->block_left : s->in.len;
        if (len == 0 && s->block_left)
            return false;
        s->block_left -= len;
        s->in_block = s->block_left > 0;
        struct ptn_block block = {{s->in.data, len}, !s->in_block, 0};
        take(s, imap_protocol.block(s, &block));
        ptn_buf_consume(&s->in, len);
        return true;
    }
    end = s->in.len ? memmem(s->in.data, s->in.len, "\r\n", 2) : NULL;
    if (end == NULL)
        return false;
    len = (size_t)(end - s->in.data);
    struct ptn_slice line = {s->in.data, len};
    if (len > MAX_LINE || memchr(line.data, 0, len)) {
        size_t tail = len < 16 ? len : 16;

        ptn_session_error(s);
        s->tail = (struct ptn_slice){end - tail, tail};
        take(s, imap_protocol.fault(
                    s, len > MAX_LINE ? PTN_FAULT_LONG_LINE : PTN_FAULT_NUL,
                    (struct ptn_slice){line.data, len < 64 ? len : 64}));
    } else {
        take(s, imap_protocol.line(s, line));
    }
    ptn_buf_consume(&s->in, len + 2);
    if (s->tls_wanted) { /* what came behind the command is gone */
        s->tls_wanted = false;
        s->in.len = 0;
        s->knobs.tls = true;
        take(s, imap_protocol.event(s, PTN_EVENT_TLS));
    }
    return true;
}

static const char *
settle(struct ptn_session *s)
{
    do {
        while (turn(s))
            ;
    } while (!s->closed && !s->pending && dispatch(s));
    assert(s->closed || !s->pending); /* else something was forgotten */
    flush(s);
    return ptn_buf_cstr(&s->sent);
}

const char *
fake_feed(struct ptn_session *s, const char *input, size_t len)
{
    s->sent.len = 0;
    ptn_buf_add(&s->in, input, len);
    return settle(s);
}

const char *
fake_say(struct ptn_session *s, const char *input)
{
    return fake_feed(s, input, strlen(input));
}

const char *
fake_event(struct ptn_session *s, enum ptn_event event)
{
    s->sent.len = 0;
    take(s, imap_protocol.event(s, event));
    return settle(s);
}

void
fake_close(struct ptn_session *s)
{
    struct ptn_session *before = s;
    struct ptn_job *job;

    s->closed = true;
    if (s->drain_job)
        enqueue(s, s->drain_job);
    while ((job = dequeue(s)) != NULL) {
        if (job->run)
            job->run(job);
        job->cancelled = true;
        job->done(s, job);
    }
    imap_protocol.close(s);
    while (before->next != s)
        before = before->next;
    before->next = s->next;
    if (--*s->users == 0) {
        assert(s->module->uploaded == 0);
        fake_store_free(s->module->vault);
        ptn_free(s->module);
        ptn_free(s->users);
    }
    ptn_buf_free(&s->out);
    ptn_buf_free(&s->sent);
    ptn_buf_free(&s->in);
    ptn_free(s->state);
    ptn_free(s->user);
    ptn_free(s);
}

/* --- what core would do --- */

void *
ptn_session_state(struct ptn_session *s)
{
    return s->state;
}

const void *
ptn_session_options(struct ptn_session *s)
{
    return &s->options;
}

void *
ptn_session_instance(struct ptn_session *s)
{
    return s->module;
}

struct ptn_host *
ptn_session_host(struct ptn_session *s)
{
    (void)s;
    return NULL;
}

const char *
ptn_host_hostname(struct ptn_host *host)
{
    (void)host;
    return "mail.example.test";
}

/* Only named by the module's init, which no test of this fake runs. */
bool
ptn_host_find(struct ptn_host *host, const char *contract, uint16_t version,
              const void **ops, void **instance)
{
    (void)host;
    (void)contract;
    (void)version;
    (void)ops;
    (void)instance;
    return false;
}

void
ptn_host_provide(struct ptn_host *host, const char *contract, uint16_t version,
                 const void *ops, void *instance)
{
    (void)host;
    (void)contract;
    (void)version;
    (void)ops;
    (void)instance;
}

struct ptn_buf *
ptn_session_out(struct ptn_session *s)
{
    return &s->out;
}

void
ptn_session_write(struct ptn_session *s, struct ptn_slice data)
{
    ptn_buf_addslice(&s->out, data);
}

bool
ptn_session_is_full(struct ptn_session *s)
{
    return s->knobs.high && s->out.len > s->knobs.high;
}

void
ptn_session_on_drain(struct ptn_session *s,
                     enum ptn_result (*fn)(struct ptn_session *s))
{
    s->on_drain = fn;
}

void
ptn_session_await_drain(struct ptn_session *s, struct ptn_job *job)
{
    s->drain_job = job;
}

void
ptn_session_expect_block(struct ptn_session *s, uint64_t count)
{
    s->in_block = true;
    s->block_left = count;
}

bool
ptn_session_tls_offered(struct ptn_session *s)
{
    return s->knobs.tls_offered && !s->knobs.tls;
}

void
ptn_session_start_tls(struct ptn_session *s)
{
    s->tls_wanted = true;
}

bool
ptn_session_is_tls(struct ptn_session *s)
{
    return s->knobs.tls;
}

bool
ptn_session_may_proceed(struct ptn_session *s)
{
    return s->knobs.tls || !s->knobs.must_tls;
}

bool
ptn_session_may_authenticate(struct ptn_session *s)
{
    return ptn_session_may_proceed(s) && s->user == NULL;
}

void
ptn_session_mechanisms(struct ptn_session *s, const char *prefix,
                       struct ptn_buf *out)
{
    (void)s;
    ptn_buf_adds(out, prefix);
    ptn_buf_adds(out, "PLAIN");
}

/* "secret" opens every account. */
static enum ptn_result
log_in(struct ptn_session *s, struct ptn_slice name, struct ptn_slice password,
       ptn_auth_fn fn)
{
    struct ptn_slice none = {NULL, 0};

    if (!ptn_session_may_proceed(s))
        return fn(s, PTN_AUTH_NEEDS_TLS, none);
    if (!ptn_slice_eq(password, PTN_SLICE("secret")))
        return fn(s, PTN_AUTH_FAILED, none);
    s->user = ptn_alloc(name.len + 1);
    memcpy(s->user, name.data, name.len);
    return fn(s, PTN_AUTH_OK, none);
}

enum ptn_result
ptn_auth_login(struct ptn_session *s, struct ptn_slice name,
               struct ptn_slice password, ptn_auth_fn fn)
{
    return log_in(s, name, password, fn);
}

enum ptn_result
ptn_auth_step(struct ptn_session *s, struct ptn_slice response)
{
    struct ptn_buf plain = PTN_BUF_INIT;
    enum ptn_result result;
    struct ptn_slice rest;
    const char *nul;

    s->in_auth = false;
    if (ptn_slice_eq(response, PTN_SLICE("*")))
        return s->auth(s, PTN_AUTH_CANCELLED, response);
    if (!ptn_base64_decode(&plain, response) || plain.len < 2 ||
        plain.data[0] != 0 ||
        (nul = memchr(plain.data + 1, 0, plain.len - 1)) == NULL) {
        ptn_buf_free(&plain);
        return s->auth(s, PTN_AUTH_MALFORMED, (struct ptn_slice){NULL, 0});
    }
    rest =
        (struct ptn_slice){nul + 1, (size_t)(plain.data + plain.len - nul - 1)};
    result = log_in(
        s, (struct ptn_slice){plain.data + 1, (size_t)(nul - plain.data - 1)},
        rest, s->auth);
    ptn_buf_free(&plain);
    return result;
}

enum ptn_result
ptn_auth_start(struct ptn_session *s, struct ptn_slice mechanism,
               struct ptn_slice initial, ptn_auth_fn fn)
{
    struct ptn_slice none = {NULL, 0};

    assert(!s->in_auth); /* as core does */
    s->auth = fn;
    if (!ptn_slice_caseeq(mechanism, PTN_SLICE("PLAIN")))
        return fn(s, PTN_AUTH_NO_MECHANISM, none);
    if (!ptn_session_may_proceed(s))
        return fn(s, PTN_AUTH_NEEDS_TLS, none);
    s->in_auth = true;
    if (initial.data == NULL)
        return fn(s, PTN_AUTH_CHALLENGE, none);
    return ptn_auth_step(s, initial);
}

const char *
ptn_session_user(struct ptn_session *s)
{
    return s->user;
}

uint64_t
ptn_session_quota(struct ptn_session *s)
{
    (void)s;
    return 0;
}

struct ptn_slice
ptn_session_fault_tail(struct ptn_session *s)
{
    return s->tail;
}

void
ptn_session_error(struct ptn_session *s)
{
    s->knobs.errors++;
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
    (void)s;
    (void)milliseconds;
}

void
ptn_session_post(struct ptn_session *s)
{
    s->posted = true;
}

int
ptn_session_run(struct ptn_session *s, enum ptn_lane lane, struct ptn_job *job)
{
    (void)lane;
    if (s->knobs.lane_full)
        return -1;
    job->private_.session = s;
    enqueue(s, job);
    return 0;
}

void
ptn_session_await(struct ptn_session *s, struct ptn_job *job)
{
    job->private_.session = s;
    ((struct ptn_store_op *)(void *)job)->status = s->knobs.refuse;
}

void
ptn_job_complete(struct ptn_job *job)
{
    enqueue(job->private_.session, job);
}
