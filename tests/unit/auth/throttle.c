/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The gates before a password is checked: who passes at once, who waits, who
 * is turned away, and what is remembered of them.
 */
#include "auth/throttle.h"
#include <postern/arena.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct rig {
    struct ptn_loop *loop;
    struct ptn_auth_conf conf;
    struct ptn_throttle throttle;
    unsigned passed;
};

struct visit {
    struct ptn_throttle_try try;
    struct rig *rig;
    bool passed;
};

static int
setup(void **state)
{
    struct ptn_loop_params lanes = {1, 1, 1};
    struct ptn_error err = PTN_ERROR_INIT;
    struct rig *r = ptn_alloc(sizeof *r);

    r->loop = ptn_loop_new(&lanes, &err);
    assert_non_null(r->loop);
    r->conf = (struct ptn_auth_conf){.free_failures = 2,
                                     .delay = 20,
                                     .max_delay = 80,
                                     .forget = 100000,
                                     .remember = 50};
    ptn_throttle_init(&r->throttle, r->loop, &r->conf);
    *state = r;
    return 0;
}

static int
teardown(void **state)
{
    struct rig *r = *state;

    ptn_throttle_deinit(&r->throttle);
    ptn_loop_free(r->loop);
    ptn_free(r);
    return 0;
}

static void
on_pass(struct ptn_throttle_try *try)
{
    struct visit *v = PTN_CONTAINER(try, struct visit, try);

    assert_false(v->passed);
    v->passed = true;
    v->rig->passed++;
}

static bool
enter(struct rig *r, struct visit *v, const char *network, const char *user)
{
    *v = (struct visit){.rig = r, .try.pass = on_pass};
    return ptn_throttle_enter(&r->throttle, &v->try, ptn_slice_of(network),
                              ptn_slice_of(user));
}

static void
stop_loop(void *arg)
{
    ptn_loop_stop(arg);
}

/* Lets the loop turn until so many have passed, within ten seconds. */
static void
wait_passed(struct rig *r, unsigned count)
{
    for (int i = 0; i < 1000 && r->passed < count; i++) {
        ptn_loop_timer(r->loop, 10, stop_loop, r->loop);
        ptn_loop_run(r->loop);
    }
    assert_int_equal(r->passed, count);
}

static uint64_t
try_wrong(struct rig *r, const char *network, const char *user)
{
    struct visit v;
    unsigned before = r->passed;

    assert_true(enter(r, &v, network, user));
    wait_passed(r, before + 1);
    return ptn_throttle_leave(&v.try, PTN_THROTTLE_BAD, 0);
}

/* All that nothing is known against pass together; the rest comes in as
 * they leave. */
static void
many_good_ones(void **state)
{
    struct rig *r = *state;
    struct visit v[20];

    for (int i = 0; i < 20; i++)
        assert_true(enter(r, &v[i], "192.0.2.1", "ann@example.test"));
    assert_int_equal(r->passed, 3);
    for (int i = 0; i < 20; i++) {
        assert_true(v[i].passed);
        assert_int_equal(ptn_throttle_leave(&v[i].try, PTN_THROTTLE_GOOD, 0),
                         0);
    }
    assert_int_equal(r->passed, 20);
}

/* Parallel guessing is checked one by one, each later; the queue ends. */
static void
parallel_guesses(void **state)
{
    struct rig *r = *state;
    struct visit v[40];
    unsigned waiting = 0;

    for (int i = 0; i < 3; i++)
        try_wrong(r, "192.0.2.1", "ann");
    assert_int_equal(r->passed, 3);
    for (int i = 0; i < 40; i++)
        waiting += enter(r, &v[i], "192.0.2.1", i % 2 ? "ann" : "bob");
    assert_int_equal(waiting, PTN_THROTTLE_WAITERS);
    assert_int_equal(r->throttle.refused, 40 - PTN_THROTTLE_WAITERS);
    assert_int_equal(r->passed, 3); /* not before the delay is over */
    for (unsigned i = 0; i < waiting; i++) {
        wait_passed(r, 4 + i);
        ptn_throttle_leave(&v[i].try, PTN_THROTTLE_BAD, 0);
    }
    assert_int_equal(try_wrong(r, "192.0.2.1", "zoe"), 80);
}

/* The same name from many networks, while its owner is where he was. */
static void
spread_guesses(void **state)
{
    struct rig *r = *state;
    char network[32];
    struct visit v, waiting;

    assert_true(enter(r, &v, "198.51.100.7", "ann"));
    ptn_throttle_leave(&v.try, PTN_THROTTLE_GOOD, 0);
    for (int i = 0; i < 6; i++) {
        snprintf(network, sizeof network, "192.0.2.%d", i);
        try_wrong(r, network, "ann");
    }
    r->passed = 0;
    assert_true(enter(r, &waiting, "203.0.113.1", "ann"));
    assert_false(waiting.passed);
    assert_true(enter(r, &v, "198.51.100.7", "ann")); /* known there */
    assert_true(v.passed);
    ptn_throttle_leave(&v.try, PTN_THROTTLE_GOOD, 0);
    wait_passed(r, 2);
    ptn_throttle_leave(&waiting.try, PTN_THROTTLE_NEITHER, 0);
}

/* One that waits may go away; nobody behind it is forgotten. */
static void
leaves_the_queue(void **state)
{
    struct rig *r = *state;
    struct visit v[3];

    for (int i = 0; i < 3; i++)
        try_wrong(r, "192.0.2.1", "ann");
    r->passed = 0;
    for (int i = 0; i < 3; i++)
        assert_true(enter(r, &v[i], "192.0.2.1", "ann"));
    ptn_throttle_leave(&v[0].try, PTN_THROTTLE_NEITHER, 0);
    wait_passed(r, 1);
    assert_true(v[1].passed);
    ptn_throttle_leave(&v[1].try, PTN_THROTTLE_GOOD, 0);
    wait_passed(r, 2);
    ptn_throttle_leave(&v[2].try, PTN_THROTTLE_GOOD, 0);
}

static void
delays(void **state)
{
    struct rig *r = *state;

    assert_int_equal(ptn_throttle_delay(&r->throttle, 0), 20);
    assert_int_equal(ptn_throttle_delay(&r->throttle, 1), 40);
    assert_int_equal(ptn_throttle_delay(&r->throttle, 60000), 80);
    assert_int_equal(try_wrong(r, "a", "x"), 20);
    assert_int_equal(try_wrong(r, "a", "y"), 20);
    assert_int_equal(try_wrong(r, "a", "z"), 20); /* the first too many */
    assert_int_equal(try_wrong(r, "a", "x"), 40);
    assert_int_equal(try_wrong(r, "a", "y"), 80);
}

/* What is remembered has a bound, and the worst stay. */
static void
bounded(void **state)
{
    struct rig *r = *state;
    char key[32];

    for (int i = 0; i < 5; i++)
        try_wrong(r, "the-worst", "ann");
    for (int i = 0; i < 500; i++) {
        snprintf(key, sizeof key, "n%d", i);
        try_wrong(r, key, key);
    }
    assert_int_equal(r->throttle.networks.count, 50);
    assert_int_equal(r->throttle.users.count, 50);
    assert_int_equal(try_wrong(r, "the-worst", "eve"), 80);
}

/* When all that is remembered is busy, more are turned away. */
static void
all_busy(void **state)
{
    struct rig *r = *state;
    struct visit *v = ptn_alloc(60 * sizeof *v);
    char key[32];
    int i;

    for (i = 0; i < 50; i++) {
        snprintf(key, sizeof key, "n%d", i);
        assert_true(enter(r, &v[i], key, key));
    }
    assert_false(enter(r, &v[50], "one-more", "ann"));
    assert_false(enter(r, &v[50], "n1", "another"));
    while (i-- > 0)
        ptn_throttle_leave(&v[i].try, PTN_THROTTLE_NEITHER, 0);
    assert_true(enter(r, &v[50], "one-more", "ann"));
    ptn_throttle_leave(&v[50].try, PTN_THROTTLE_NEITHER, 0);
    ptn_free(v);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(many_good_ones),   CASE(parallel_guesses), CASE(spread_guesses),
        CASE(leaves_the_queue), CASE(delays),           CASE(bounded),
        CASE(all_busy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
