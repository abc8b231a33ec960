/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of mail/stream.c, with a session and a store that are made here: a
 * queue of any size, octets that are in memory or not, a lane that is full.
 */
#include "tests/unit/mail/test.h"

#include <postern/mail/stream.h>

struct ptn_session {
    struct ptn_buf out;
    struct ptn_buf sent; /* what the peer has read of it */
    size_t high;
    struct ptn_job *drain, *lane;
    bool lane_full;
    unsigned waits, lanes;
};

/* A body whose octets are in memory up to `warm`, and readable up to
 * `broken`; one read brings `piece` octets at most. */
struct ptn_body {
    struct ptn_slice text;
    uint64_t warm, broken;
    size_t piece;
};

struct fixture {
    struct ptn_session session;
    struct ptn_body body;
    unsigned done;
    bool ok;
};

/* --- the session --- */

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
    return s->out.len > s->high;
}

void
ptn_session_await_drain(struct ptn_session *s, struct ptn_job *job)
{
    assert_null(s->drain);
    s->drain = job;
    s->waits++;
}

int
ptn_session_run(struct ptn_session *s, enum ptn_lane lane, struct ptn_job *job)
{
    assert_int_equal(lane, PTN_LANE_DISK);
    assert_null(s->lane);
    if (s->lane_full)
        return -1;
    s->lane = job;
    s->lanes++;
    return 0;
}

/* --- the store --- */

static ptrdiff_t
body_read(void *store, struct ptn_body *body, uint64_t offset, void *into,
          size_t len, bool nowait)
{
    (void)store;
    if (offset >= body->broken)
        return offset >= body->text.len ? 0 : -1;
    if (nowait && offset >= body->warm)
        return -2;
    if (len > body->text.len - offset)
        len = body->text.len - (size_t)offset;
    if (len > body->piece)
        len = body->piece;
    memcpy(into, body->text.data + offset, len);
    return (ptrdiff_t)len;
}

static const struct ptn_store_ops store = {
    .size = sizeof(store),
    .body_read = body_read,
};

/* --- the peer --- */

static enum ptn_result
on_done(struct ptn_session *s, void *arg, bool ok)
{
    struct fixture *f = arg;

    assert_ptr_equal(s, &f->session);
    f->done++;
    f->ok = ok;
    return PTN_DONE;
}

static void
init(struct fixture *f, struct ptn_slice text)
{
    *f = (struct fixture){
        .session = {.high = 1 << 20},
        .body = {text, UINT64_MAX, UINT64_MAX, SIZE_MAX},
    };
}

/* The peer reads, and lanes work, until nothing is to be waited for. */
static void
go_on(struct fixture *f, enum ptn_result result)
{
    struct ptn_session *s = &f->session;

    while (result == PTN_PENDING) {
        struct ptn_job *job = s->lane ? s->lane : s->drain;

        assert_non_null(job);
        assert_false(s->lane && s->drain);
        ptn_buf_addslice(&s->sent, ptn_buf_slice(&s->out));
        s->out.len = 0;
        if (s->lane)
            job->run(job);
        s->lane = s->drain = NULL;
        result = job->done(s, job);
    }
    ptn_buf_addslice(&s->sent, ptn_buf_slice(&s->out));
    ptn_buf_free(&s->out);
    assert_int_equal(f->done, 1);
}

static enum ptn_result
start(struct fixture *f, uint64_t from, uint64_t len, enum ptn_stream_form form)
{
    return ptn_stream_body(&f->session, &store, NULL, &f->body, from, len, form,
                           on_done, f);
}

static void
assert_streamed(const char *text, enum ptn_stream_form form,
                const char *expected)
{
    for (size_t piece = 1; piece < 9; piece++) {
        struct fixture f;

        init(&f, ptn_slice_of(text));
        f.body.piece = piece;
        f.body.warm = piece % 2 ? UINT64_MAX : 5;
        go_on(&f, start(&f, 0, strlen(text), form));
        assert_true(f.ok);
        assert_buf(&f.session.sent, expected);
    }
}

static void
bodies_go_as_they_stand(void **state)
{
    (void)state;
    assert_streamed("", PTN_STREAM_RAW, "");
    assert_streamed("a\r\n.b", PTN_STREAM_RAW, "a\r\n.b");
    assert_streamed("0123456789abcdef", PTN_STREAM_RAW, "0123456789abcdef");
}

/* RFC 1939 section 3. */
static void
dots_are_stuffed(void **state)
{
    (void)state;
    assert_streamed("", PTN_STREAM_DOTS, "");
    assert_streamed(".\r\n", PTN_STREAM_DOTS, "..\r\n");
    assert_streamed("a.b\r\n..\r\n.", PTN_STREAM_DOTS, "a.b\r\n...\r\n..\r\n");
    assert_streamed("a\r\n\r\n.b.\r\n", PTN_STREAM_DOTS, "a\r\n\r\n..b.\r\n");
    assert_streamed("no end", PTN_STREAM_DOTS, "no end\r\n");
}

static void
a_part_of_a_body(void **state)
{
    struct fixture f;

    (void)state;
    init(&f, S("0123456789"));
    go_on(&f, start(&f, 3, 4, PTN_STREAM_RAW));
    assert_buf(&f.session.sent, "3456");
    assert_int_equal(f.session.waits + f.session.lanes, 0);
}

static void
a_slow_peer_costs_the_bound(void **state)
{
    struct ptn_buf text = PTN_BUF_INIT;
    struct fixture f;

    (void)state;
    while (text.len < 400000)
        ptn_buf_adds(&text, ".line of text\r\n");
    init(&f, ptn_buf_slice(&text));
    f.session.high = 1000;
    go_on(&f, start(&f, 0, text.len, PTN_STREAM_RAW));
    assert_true(f.ok);
    assert_true(f.session.waits >= text.len / (64 * 1024));
    assert_int_equal(f.session.sent.len, text.len);
    assert_memory_equal(f.session.sent.data, text.data, text.len);
    ptn_buf_free(&f.session.sent);
    ptn_buf_free(&text);
}

static void
cold_octets_come_from_a_lane(void **state)
{
    struct fixture f;

    (void)state;
    init(&f, S("warm and cold"));
    f.body.warm = 5;
    f.body.piece = 5;
    go_on(&f, start(&f, 0, 13, PTN_STREAM_RAW));
    assert_buf(&f.session.sent, "warm and cold");
    assert_int_equal(f.session.lanes, 2);
    /* and without one, when all are busy */
    init(&f, S("warm and cold"));
    f.body.warm = 5;
    f.body.piece = 5;
    f.session.lane_full = true;
    go_on(&f, start(&f, 0, 13, PTN_STREAM_RAW));
    assert_buf(&f.session.sent, "warm and cold");
    assert_true(f.ok);
}

static void
errors_reach_the_caller(void **state)
{
    struct fixture f;

    (void)state;
    init(&f, S("0123456789"));
    f.body.broken = 5;
    f.body.piece = 5;
    go_on(&f, start(&f, 0, 10, PTN_STREAM_RAW));
    assert_false(f.ok);
    ptn_buf_free(&f.session.sent);
    init(&f, S("0123456789"));
    f.body.warm = 0;
    f.body.broken = 0;
    go_on(&f, start(&f, 0, 10, PTN_STREAM_RAW));
    assert_false(f.ok);
    ptn_buf_free(&f.session.sent);
    init(&f, S("shorter than it was said to be"));
    go_on(&f, start(&f, 0, 100, PTN_STREAM_RAW));
    assert_false(f.ok);
    ptn_buf_free(&f.session.sent);
}

/* The session ends while its stream waits: nothing is left of it. */
static void
ended_sessions_free_their_stream(void **state)
{
    struct fixture f;
    struct ptn_job *job;

    (void)state;
    init(&f, S("0123456789"));
    f.body.piece = 2;
    f.session.high = 3;
    assert_int_equal(start(&f, 0, 10, PTN_STREAM_RAW), PTN_PENDING);
    job = f.session.drain;
    job->cancelled = true;
    job->done(&f.session, job);
    ptn_buf_free(&f.session.out);
    init(&f, S("0123456789"));
    f.body.warm = 0;
    assert_int_equal(start(&f, 0, 10, PTN_STREAM_DOTS), PTN_PENDING);
    job = f.session.lane;
    job->run(job);
    job->cancelled = true;
    job->done(&f.session, job);
    assert_int_equal(f.session.out.len, 0);
    assert_int_equal(f.done, 0);
}

static void
assert_top(const char *text, uint64_t lines, const char *expected)
{
    for (size_t piece = 1; piece < 12; piece++) {
        struct fixture f;

        init(&f, ptn_slice_of(text));
        f.body.piece = piece;
        f.body.warm = piece % 2 ? UINT64_MAX : 7;
        go_on(&f, ptn_stream_top(&f.session, &store, NULL, &f.body,
                                 strlen(text), lines, on_done, &f));
        assert_true(f.ok);
        assert_buf(&f.session.sent, expected);
    }
}

/* RFC 1939 section 7. */
static void
tops_end_where_they_should(void **state)
{
    const char *text = "A: b\r\n.C: d\r\n\r\n.one\r\n\r\nthree\r\nfour";

    (void)state;
    assert_top(text, 0, "A: b\r\n..C: d\r\n\r\n");
    assert_top(text, 1, "A: b\r\n..C: d\r\n\r\n..one\r\n");
    assert_top(text, 2, "A: b\r\n..C: d\r\n\r\n..one\r\n\r\n");
    assert_top(text, 4, "A: b\r\n..C: d\r\n\r\n..one\r\n\r\nthree\r\nfour\r\n");
    assert_top(text, UINT64_MAX,
               "A: b\r\n..C: d\r\n\r\n..one\r\n\r\nthree\r\nfour\r\n");
    assert_top("\r\nbody\r\n", 0, "\r\n");
    assert_top("\nbody\nx\n", 1, "\nbody\n");
    assert_top("A: b\r\n \r\n\r\nx\r\n", 0, "A: b\r\n \r\n\r\n");
    assert_top("A: no body", 5, "A: no body\r\n");
    assert_top("", 5, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_go_as_they_stand),
        cmocka_unit_test(dots_are_stuffed),
        cmocka_unit_test(a_part_of_a_body),
        cmocka_unit_test(a_slow_peer_costs_the_bound),
        cmocka_unit_test(cold_octets_come_from_a_lane),
        cmocka_unit_test(errors_reach_the_caller),
        cmocka_unit_test(ended_sessions_free_their_stream),
        cmocka_unit_test(tops_end_where_they_should),
    };

    return cmocka_run_group_tests_name("mail/stream", tests, NULL, NULL);
}
