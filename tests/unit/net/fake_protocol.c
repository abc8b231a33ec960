/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The protocol of the fixture: see fixture.h for what it answers.
 */
#include "tests/unit/net/fake_protocol.h"
#include "tests/unit/net/fixture.h"
#include <postern/arena.h>
#include <postern/session.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct state {
    uint64_t count, sum, flood;
    bool text, authenticating;
};

struct job {
    struct ptn_job job;
    unsigned milliseconds;
};

static enum ptn_result
on_open(struct ptn_session *s)
{
    ptn_session_write(s, PTN_SLICE("HI\r\n"));
    return PTN_DONE;
}

static void
run_job(struct ptn_job *job)
{
    usleep(PTN_CONTAINER(job, struct job, job)->milliseconds * 1000);
}

static enum ptn_result
job_done(struct ptn_session *s, struct ptn_job *job)
{
    struct fixture *f = ptn_session_instance(s);

    if (job->cancelled)
        atomic_fetch_add(&f->cancelled, 1);
    else
        ptn_session_write(s, PTN_SLICE("JOB ok\r\n"));
    ptn_free(PTN_CONTAINER(job, struct job, job));
    return PTN_DONE;
}

static enum ptn_result
do_job(struct ptn_session *s, const char *arg)
{
    struct job *j = ptn_alloc(sizeof *j);

    j->job.run = run_job;
    j->job.done = job_done;
    j->milliseconds = (unsigned)atoi(arg);
    if (ptn_session_run(s, PTN_LANE_DISK, &j->job) == 0)
        return PTN_PENDING;
    ptn_free(j);
    ptn_session_write(s, PTN_SLICE("JOB full\r\n"));
    return PTN_DONE;
}

static enum ptn_result
flood(struct ptn_session *s)
{
    static const char line[] =
        "0123456789012345678901234567890123456789012345678901234567890\r\n";
    struct state *st = ptn_session_state(s);

    while (st->flood > 0) {
        if (ptn_session_is_full(s)) {
            ptn_session_on_drain(s, flood);
            return PTN_PENDING;
        }
        size_t n = st->flood < 63 ? (size_t)st->flood : 63;
        ptn_session_write(s, (struct ptn_slice){line, n});
        st->flood -= n;
    }
    return PTN_DONE;
}

static enum ptn_result
on_auth(struct ptn_session *s, enum ptn_auth outcome, struct ptn_slice data)
{
    struct state *st = ptn_session_state(s);

    st->authenticating = outcome == PTN_AUTH_CHALLENGE;
    if (outcome == PTN_AUTH_CHALLENGE)
        ptn_session_printf(s, "+%.*s\r\n", (int)data.len, data.data);
    else
        ptn_session_printf(s, "AUTH %d\r\n", (int)outcome);
    return PTN_DONE;
}

static enum ptn_result
do_auth(struct ptn_session *s, struct ptn_slice args)
{
    const char *blank = memchr(args.data, ' ', args.len);
    struct ptn_slice mechanism = args, initial = {NULL, 0};

    if (blank) {
        mechanism.len = (size_t)(blank - args.data);
        initial = ptn_slice_sub(args, mechanism.len + 1,
                                args.len - mechanism.len - 1);
    }
    return ptn_auth_start(s, mechanism, initial, on_auth);
}

static enum ptn_result
do_login(struct ptn_session *s, struct ptn_slice args)
{
    const char *blank = memchr(args.data, ' ', args.len);
    size_t len = blank ? (size_t)(blank - args.data) : args.len;
    size_t rest = blank ? args.len - len - 1 : 0;

    return ptn_auth_login(s, ptn_slice_sub(args, 0, len),
                          ptn_slice_sub(args, args.len - rest, rest), on_auth);
}

static enum ptn_result
do_starttls(struct ptn_session *s)
{
    if (!ptn_session_tls_offered(s)) {
        ptn_session_write(s, PTN_SLICE("NO\r\n"));
        return PTN_DONE;
    }
    ptn_session_write(s, PTN_SLICE("GO\r\n"));
    ptn_session_start_tls(s);
    return PTN_DONE;
}

static enum ptn_result
do_rude(struct ptn_session *s, const char *arg)
{
    size_t n = (size_t)atol(arg);

    memset(ptn_buf_reserve(ptn_session_out(s), n), 'x', n);
    ptn_session_out(s)->len += n;
    return PTN_DONE;
}

/* Commands that only begin something else. */
static bool
begin(struct ptn_session *s, const char *text)
{
    struct state *st = ptn_session_state(s);

    if (strncmp(text, "BLOCK ", 6) != 0 && strncmp(text, "TEXT ", 5) != 0)
        return false;
    st->count = st->sum = 0;
    st->text = text[0] == 'T';
    if (st->text)
        ptn_session_expect_text(s, (size_t)atol(text + 5));
    else
        ptn_session_expect_block(s, (uint64_t)atoll(text + 6));
    return true;
}

static enum ptn_result
simple(struct ptn_session *s, const char *text)
{
    if (strcmp(text, "PING") == 0) {
        ptn_session_write(s, PTN_SLICE("PONG\r\n"));
    } else if (strncmp(text, "HOLD ", 5) == 0) {
        bool held = ptn_session_hold(s, strtoul(text + 5, NULL, 10));

        ptn_session_write(s,
                          held ? PTN_SLICE("HELD\r\n") : PTN_SLICE("FULL\r\n"));
    } else if (strncmp(text, "RELEASE ", 8) == 0) {
        ptn_session_release(s, strtoul(text + 8, NULL, 10));
        ptn_session_write(s, PTN_SLICE("RELEASED\r\n"));
    } else if (strcmp(text, "PEER") == 0) {
        ptn_session_printf(s, "PEER %s %s\r\n", ptn_session_peer(s),
                           ptn_session_local(s));
    } else if (strcmp(text, "POST") == 0) {
        ptn_session_post(s);
        ptn_session_post(s);
    } else if (strcmp(text, "STUCK") == 0) {
        return PTN_PENDING;
    } else if (strcmp(text, "QUIT") == 0) {
        ptn_session_write(s, PTN_SLICE("BYE\r\n"));
        return PTN_CLOSE;
    } else if (!begin(s, text)) {
        ptn_session_error(s);
        ptn_session_write(s, PTN_SLICE("ERR\r\n"));
    }
    return PTN_DONE;
}

static enum ptn_result
on_line(struct ptn_session *s, struct ptn_slice line)
{
    struct state *st = ptn_session_state(s);
    char text[256];

    if (st->authenticating)
        return ptn_auth_step(s, line);
    snprintf(text, sizeof text, "%.*s", (int)line.len, line.data);
    if (strncmp(text, "JOB ", 4) == 0)
        return do_job(s, text + 4);
    if (strncmp(text, "RUDE ", 5) == 0)
        return do_rude(s, text + 5);
    if (strncmp(text, "AUTH ", 5) == 0)
        return do_auth(s, ptn_slice_sub(line, 5, line.len - 5));
    if (strncmp(text, "LOGIN ", 6) == 0)
        return do_login(s, ptn_slice_sub(line, 6, line.len - 6));
    if (strcmp(text, "STARTTLS") == 0)
        return do_starttls(s);
    if (strncmp(text, "FLOOD ", 6) == 0) {
        st->flood = (uint64_t)atoll(text + 6);
        return flood(s);
    }
    return simple(s, text);
}

static enum ptn_result
on_block(struct ptn_session *s, const struct ptn_block *block)
{
    struct state *st = ptn_session_state(s);

    for (size_t i = 0; i < block->data.len; i++)
        st->sum = st->sum * 31 + (unsigned char)block->data.data[i];
    st->count += block->data.len;
    if (!block->last)
        return PTN_DONE;
    ptn_session_printf(s, st->text ? "TEXT %d %u %u\r\n" : "BLOCK %d %u\r\n",
                       (int)st->count, (unsigned)(st->sum % 1000),
                       block->faults);
    return PTN_DONE;
}

static enum ptn_result
on_fault(struct ptn_session *s, enum ptn_fault fault, struct ptn_slice head)
{
    struct ptn_slice tail = ptn_session_fault_tail(s);

    if (head.len > 8)
        head.len = 8;
    if (tail.len > 4)
        tail = ptn_slice_sub(tail, tail.len - 4, 4);
    ptn_session_printf(s, "FAULT %d %.*s %.*s\r\n", (int)fault, (int)head.len,
                       head.data, (int)tail.len, tail.data);
    return PTN_DONE;
}

static enum ptn_result
on_event(struct ptn_session *s, enum ptn_event event)
{
    static const char *const names[] = {"TLS", "TIMEOUT", "SHUTDOWN", "ERRORS",
                                        "POSTED"};

    ptn_session_printf(s, "%s\r\n", names[event]);
    if (event == PTN_EVENT_TLS || event == PTN_EVENT_POSTED)
        return PTN_DONE;
    return PTN_CLOSE;
}

static void
on_close(struct ptn_session *s)
{
    struct fixture *f = ptn_session_instance(s);

    atomic_fetch_add(&f->closed, 1);
}

static const char *
refuse(enum ptn_refusal reason)
{
    if (reason == PTN_REFUSE_MEMORY)
        return "MEMORY\r\n";
    return reason == PTN_REFUSE_CONNECTIONS ? "BUSY\r\n" : "GONE\r\n";
}

const struct ptn_protocol fake_protocol = {
    .size = sizeof(struct ptn_protocol),
    .name = "fake",
    .state_size = sizeof(struct state),
    .open = on_open,
    .line = on_line,
    .block = on_block,
    .fault = on_fault,
    .event = on_event,
    .close = on_close,
    .refuse = refuse,
};
