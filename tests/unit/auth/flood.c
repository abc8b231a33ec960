/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Ten thousand attempts at once, by calls of the service: each is answered
 * once, few of them cost a check, and what they hold is bounded. Then what
 * EXTERNAL lets in, and what a worker may send that is no message.
 */
#include "auth/desk.h"
#include "auth/wire.h"
#include <postern/arena.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define ATTEMPTS 10000

struct rig {
    struct ptn_loop *loop;
    struct ptn_conf conf;
    struct ptn_engine *engine;
    struct ptn_directory_ops directory;
    _Atomic unsigned checked;
    unsigned answers[PTN_AUTH_THROTTLED + 1];
    unsigned answered, wanted;
};

struct visit {
    struct ptn_auth_call call;
    struct rig *rig;
    bool answered;
};

static enum ptn_status
verify(void *instance, struct ptn_slice name, struct ptn_slice password,
       struct ptn_user *out)
{
    struct rig *r = instance;

    atomic_fetch_add(&r->checked, 1);
    usleep(1000);
    if (!ptn_slice_eq(password, PTN_SLICE("good")))
        return PTN_DENIED;
    memcpy(out->name, name.data, name.len);
    out->name[name.len] = '\0';
    return PTN_OK;
}

static enum ptn_status
lookup(void *instance, struct ptn_slice name, struct ptn_user *out)
{
    (void)instance;
    if (!ptn_slice_eq(name, PTN_SLICE("ann")))
        return PTN_NOTFOUND;
    strcpy(out->name, "ann@example.test");
    return PTN_OK;
}

static int
setup(void **state)
{
    struct ptn_loop_params lanes = {2, 2, 1024};
    struct ptn_error err = PTN_ERROR_INIT;
    struct rig *r = ptn_alloc(sizeof *r);

    r->loop = ptn_loop_new(&lanes, &err);
    assert_non_null(r->loop);
    r->conf.auth = (struct ptn_auth_conf){.free_failures = 10,
                                          .delay = 20,
                                          .max_delay = 100,
                                          .forget = 600000,
                                          .remember = 1000};
    r->directory.size = sizeof r->directory;
    r->directory.verify = verify;
    r->directory.lookup = lookup;
    r->engine = ptn_engine_new(&(struct ptn_engine_params){
        r->loop, &r->conf, &r->directory, r, NULL, NULL});
    *state = r;
    return 0;
}

static int
teardown(void **state)
{
    struct rig *r = *state;

    ptn_engine_free(r->engine);
    ptn_loop_free(r->loop);
    ptn_free(r);
    return 0;
}

static void
answered(struct ptn_auth_call *call, const struct ptn_auth_answer *answer)
{
    struct visit *v = PTN_CONTAINER(call, struct visit, call);
    struct rig *r = v->rig;

    assert_false(v->answered);
    v->answered = true;
    r->answers[answer->outcome]++;
    if (++r->answered == r->wanted)
        ptn_loop_stop(r->loop);
}

static void
too_long(void *arg)
{
    struct rig *r = arg;

    ptn_loop_stop(r->loop);
}

static void
begin(struct rig *r, struct visit *v, const char *network, const char *plain,
      size_t len)
{
    struct ptn_auth_service *service = ptn_engine_service(r->engine);
    struct ptn_auth_start start = {
        .mechanism = PTN_SLICE("PLAIN"),
        .response = {plain, len},
        .network = ptn_slice_of(network),
    };

    v->rig = r;
    v->call.answered = answered;
    service->start(service, &v->call, &start);
}

static void
wait_all(struct rig *r, unsigned count)
{
    struct ptn_timer *timer = ptn_loop_timer(r->loop, 60000, too_long, r);

    r->wanted = count;
    if (r->answered < count)
        ptn_loop_run(r->loop);
    assert_int_equal(r->answered, count);
    ptn_timer_cancel(timer);
}

#define PLAIN(text) text, sizeof(text) - 1

/* From one network at one name: those that nothing was known against are
 * checked, then one after the other, and the crowd is sent away. */
static void
from_one_place(void **state)
{
    struct rig *r = *state;
    struct visit *v = ptn_alloc(ATTEMPTS * sizeof *v);

    for (unsigned i = 0; i < ATTEMPTS; i++)
        begin(r, &v[i], "192.0.2.1", PLAIN("\0ann\0bad"));
    assert_true(r->answers[PTN_AUTH_THROTTLED] >= ATTEMPTS - 300);
    wait_all(r, ATTEMPTS);
    assert_in_range(r->checked, 11, 300);
    assert_int_equal(r->answers[PTN_AUTH_FAILED], r->checked);
    ptn_free(v);
}

/* Each from another network, all at one name. */
static void
from_everywhere(void **state)
{
    struct rig *r = *state;
    struct visit *v = ptn_alloc(ATTEMPTS * sizeof *v);
    struct visit owner = {.answered = false};
    char network[32];

    begin(r, &owner, "198.51.100.1", PLAIN("\0ann\0good"));
    wait_all(r, 1);
    assert_int_equal(r->answers[PTN_AUTH_OK], 1);
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        snprintf(network, sizeof network, "10.%u.%u.1", i >> 8, i & 255);
        begin(r, &v[i], network, PLAIN("\0ann\0bad"));
    }
    owner = (struct visit){.answered = false};
    begin(r, &owner, "198.51.100.1", PLAIN("\0ann\0good"));
    wait_all(r, ATTEMPTS + 2);
    assert_in_range(r->checked, 12, 400);
    assert_int_equal(r->answers[PTN_AUTH_OK], 2);
    ptn_free(v);
}

/* Exchanges that are begun and left alone have a bound of their own. */
static void
never_finished(void **state)
{
    struct rig *r = *state;
    struct ptn_auth_service *service = ptn_engine_service(r->engine);
    struct visit *v = ptn_alloc(ATTEMPTS * sizeof *v);

    for (unsigned i = 0; i < ATTEMPTS; i++)
        begin(r, &v[i], "192.0.2.1", NULL, 0);
    assert_int_equal(r->answers[PTN_AUTH_CHALLENGE], PTN_ENGINE_EXCHANGES);
    assert_int_equal(r->answers[PTN_AUTH_TEMPFAIL],
                     ATTEMPTS - PTN_ENGINE_EXCHANGES);
    for (unsigned i = 0; i < ATTEMPTS; i++)
        service->drop(service, &v[i].call);
    assert_int_equal(r->checked, 0);
    ptn_free(v);
}

/* Gone before the answer: the failure counts all the same. */
static void
dropped(void **state)
{
    struct rig *r = *state;
    struct ptn_auth_service *service = ptn_engine_service(r->engine);
    struct visit v[30];

    memset(v, 0, sizeof v);
    for (unsigned i = 0; i < PTN_COUNT(v); i++) {
        begin(r, &v[i], "192.0.2.1", PLAIN("\0ann\0bad"));
        service->drop(service, &v[i].call);
        ptn_loop_finish(r->loop);
    }
    assert_int_equal(r->answered, 0);
    assert_in_range(r->checked, 11, 12);
}

static enum ptn_auth
external(struct rig *r, const char *client, const char *authzid)
{
    struct ptn_auth_service *service = ptn_engine_service(r->engine);
    struct ptn_auth_start start = {
        .mechanism = PTN_SLICE("EXTERNAL"),
        .response = ptn_slice_of(authzid),
        .network = PTN_SLICE("192.0.2.1"),
        .client = ptn_slice_of(client),
    };
    struct visit v = {.rig = r, .call.answered = answered};

    memset(r->answers, 0, sizeof r->answers);
    service->start(service, &v.call, &start);
    wait_all(r, r->answered + !v.answered);
    for (unsigned i = 0; i < PTN_COUNT(r->answers); i++)
        if (r->answers[i])
            return (enum ptn_auth)i;
    return PTN_AUTH_CANCELLED;
}

/* RFC 4422 appendix A: who the client's certificate says, and nobody else. */
static void
by_certificate(void **state)
{
    struct rig *r = *state;

    assert_int_equal(external(r, "ann", ""), PTN_AUTH_OK);
    assert_int_equal(external(r, "ann", "ann"), PTN_AUTH_OK);
    assert_int_equal(external(r, "ann", "Ann@Example.Test"), PTN_AUTH_OK);
    assert_int_equal(external(r, "ann", "bob"), PTN_AUTH_FAILED);
    assert_int_equal(external(r, "bob", ""), PTN_AUTH_FAILED);
    assert_int_equal(external(r, "", "ann"), PTN_AUTH_NO_MECHANISM);
    assert_int_equal(r->checked, 0); /* no password was looked at */
}

/* --- a worker that breaks the rules --- */

static void
end_turn(void *arg)
{
    ptn_loop_stop(arg);
}

static void
turn(struct rig *r)
{
    ptn_loop_timer(r->loop, 20, end_turn, r->loop);
    ptn_loop_run(r->loop);
}

static int
open_desk(struct rig *r)
{
    char offers[1024];
    int ends[2];

    assert_int_equal(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(ptn_auth_desk_open(r->engine, ends[0]), 0);
    assert_in_range(recv(ends[1], offers, sizeof offers, 0), 6, 1024);
    assert_int_equal(offers[0], PTN_WIRE_OFFERS);
    return ends[1];
}

static bool
is_closed(int fd)
{
    char octet;

    return recv(fd, &octet, 1, MSG_DONTWAIT) == 0;
}

static void
foreign_messages(void **state)
{
    struct rig *r = *state;
    struct ptn_auth_start start = {.mechanism = PTN_SLICE("PLAIN"),
                                   .network = PTN_SLICE("192.0.2.1")};
    struct ptn_buf good = PTN_BUF_INIT;

    ptn_wire_put_start(&good, 7, &start);
    for (size_t len = 0; len < good.len; len++) { /* cut anywhere */
        int fd = open_desk(r);

        assert_int_equal(send(fd, good.data, len, 0), len);
        turn(r);
        assert_true(is_closed(fd));
        close(fd);
    }
    static const char words[][8] = {"X1234", "A1234", "T1234", "S1234"};
    for (size_t i = 0; i < PTN_COUNT(words); i++) {
        int fd = open_desk(r);

        assert_int_equal(send(fd, words[i], 7, 0), 7);
        turn(r);
        assert_true(is_closed(fd));
        close(fd);
    }
    int fd = open_desk(r); /* the same number twice */
    send(fd, good.data, good.len, 0);
    turn(r);
    assert_false(is_closed(fd));
    send(fd, good.data, good.len, 0);
    turn(r);
    close(fd);
    turn(r);
    ptn_buf_free(&good);
}

/* Octets at random, as answers and offers. */
static void
foreign_answers(void **state)
{
    uint32_t seed = 1;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        char octets[64];
        struct ptn_auth_answer answer;
        struct ptn_auth_service service;
        struct ptn_user user;

        for (size_t at = 0; at < sizeof octets; at++) {
            seed = seed * 1664525 + 1013904223;
            octets[at] = (char)((seed >> 24) & (i & 1 ? 3 : 255));
        }
        struct ptn_slice s = {octets, seed >> 8 & 63};
        if (ptn_wire_get_answer(s, &answer, &user))
            assert_true(answer.outcome <= PTN_AUTH_THROTTLED);
        if (ptn_wire_get_offers(s, &service))
            assert_true(service.offer_count <= PTN_SASL_OFFERS);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(from_one_place),  CASE(from_everywhere), CASE(never_finished),
        CASE(dropped),         CASE(by_certificate),  CASE(foreign_messages),
        CASE(foreign_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
