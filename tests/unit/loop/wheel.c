/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The wheel against what it promises: never early, late by no more than it
 * says, and silent while nothing is due.
 */
#include "loop/wheel.h"
#include "tests/unit/base/test.h"
#include <stdlib.h>

#define COUNT 3000
#define DAY (24u * 3600u * 1000u)

struct item {
    struct ptn_deadline deadline;
    uint64_t set, due, fired; /* fired 0: not yet */
};

/* cmocka has no argument for callbacks of callbacks. */
static struct {
    struct ptn_wheel wheel;
    struct item items[COUNT];
    uint64_t now;
    size_t left;
} t;

static void
on_fire(struct ptn_deadline *d)
{
    struct item *i = PTN_CONTAINER(d, struct item, deadline);

    assert_int_equal(i->fired, 0);
    assert_false(ptn_deadline_is_set(d));
    i->fired = t.now;
    t.left--;
}

static void
add(struct item *i, uint64_t delay)
{
    i->set = t.now;
    i->due = t.now + delay;
    ptn_wheel_catch_up(&t.wheel, t.now);
    ptn_wheel_add(&t.wheel, &i->deadline, i->due);
}

static void
begin(uint64_t now)
{
    memset(&t, 0, sizeof t);
    t.now = now;
    ptn_wheel_init(&t.wheel, now, on_fire);
    assert_true(ptn_wheel_next(&t.wheel) == PTN_WHEEL_NEVER);
}

static void
check(const struct item *i)
{
    uint64_t delay = i->due - i->set;

    assert_true(i->fired >= i->due);
    assert_true(i->fired <= i->due + delay / 7 + 2 * PTN_WHEEL_TICK);
}

/* Delays of all magnitudes, from any beginning; waking only when told. */
static void
test_accuracy(void **state)
{
    (void)state;
    for (uint64_t start = 1000; start < 1000000000000; start *= 3001) {
        size_t wakes = 0;
        begin(start);
        t.left = COUNT;
        srand(7);
        for (size_t i = 0; i < COUNT; i++)
            add(&t.items[i], (uint64_t)rand() % (1u << (i % 26 + 1)));
        while (t.left > 0) {
            uint64_t next = ptn_wheel_next(&t.wheel);
            assert_true(next != PTN_WHEEL_NEVER && next > t.now);
            t.now = next;
            ptn_wheel_advance(&t.wheel, t.now);
            wakes++;
        }
        assert_in_range(wakes, 1, 1000); /* they share their wake-ups */
        assert_true(ptn_wheel_next(&t.wheel) == PTN_WHEEL_NEVER);
        for (size_t i = 0; i < COUNT; i++)
            check(&t.items[i]);
    }
}

/* Added in the middle of others, after long rests and late wake-ups. */
static void
test_mixed(void **state)
{
    size_t added = 0;

    (void)state;
    begin(123456789);
    srand(8);
    while (added < COUNT || t.left > 0) {
        uint64_t next = ptn_wheel_next(&t.wheel);
        uint64_t step = t.now + (uint64_t)rand() % 100000;
        bool due = next <= step || added == COUNT;
        t.now = due ? next : step;
        if (due)
            ptn_wheel_advance(&t.wheel, t.now);
        if (added < COUNT) {
            add(&t.items[added++], (uint64_t)rand() % 4000000);
            t.left++;
        }
    }
    for (size_t i = 0; i < COUNT; i++)
        check(&t.items[i]);
}

static void
test_remove_and_move(void **state)
{
    (void)state;
    begin(5000);
    t.left = 2;
    add(&t.items[0], 1000);
    add(&t.items[1], 1000);
    add(&t.items[2], 100000);
    ptn_wheel_remove(&t.wheel, &t.items[0].deadline);
    ptn_wheel_remove(&t.wheel, &t.items[0].deadline);
    ptn_wheel_remove(&t.wheel, &t.items[9].deadline); /* was never set */
    add(&t.items[2], 50);
    for (t.now = 5000; t.now < 8000; t.now += 10)
        ptn_wheel_advance(&t.wheel, t.now);
    assert_int_equal(t.items[0].fired, 0);
    check(&t.items[1]);
    check(&t.items[2]);
    /* What was removed is waited for no longer. */
    add(&t.items[3], 1000);
    add(&t.items[4], 1000);
    ptn_wheel_remove(&t.wheel, &t.items[3].deadline);
    assert_true(ptn_wheel_next(&t.wheel) != PTN_WHEEL_NEVER);
    ptn_wheel_remove(&t.wheel, &t.items[4].deadline);
    assert_true(ptn_wheel_next(&t.wheel) == PTN_WHEEL_NEVER);
}

/* Beyond the largest level: waits there again. */
static void
test_far_away(void **state)
{
    (void)state;
    begin(99);
    t.left = 1;
    add(&t.items[0], (uint64_t)30 * DAY);
    size_t wakes = 0;
    while (t.left) {
        t.now = ptn_wheel_next(&t.wheel);
        ptn_wheel_advance(&t.wheel, t.now);
        wakes++;
    }
    check(&t.items[0]);
    assert_in_range(wakes, 2, 200);
}

/* A machine that slept: everything is late, and fires at once. */
static void
test_sleep(void **state)
{
    (void)state;
    begin(1000);
    t.left = 100;
    for (size_t i = 0; i < 100; i++)
        add(&t.items[i], i * 977);
    t.now += DAY;
    ptn_wheel_advance(&t.wheel, t.now);
    assert_int_equal(t.left, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accuracy),        cmocka_unit_test(test_mixed),
        cmocka_unit_test(test_remove_and_move), cmocka_unit_test(test_far_away),
        cmocka_unit_test(test_sleep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
