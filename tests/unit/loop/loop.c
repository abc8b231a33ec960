/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Timers, watches, signals and calls on the next turn, on a real loop.
 */
#include "loop/loop.h"
#include "base/clock.h"
#include "loop/wheel.h"
#include "tests/unit/base/test.h"
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static struct ptn_loop *
new_loop(void)
{
    struct ptn_loop_params params = {1, 1, 4};
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_loop *loop = ptn_loop_new(&params, &err);

    assert_non_null(loop);
    return loop;
}

static void
stop(void *arg)
{
    ptn_loop_stop(arg);
}

static void
count(void *arg)
{
    ++*(int *)arg;
}

static void
test_timers(void **state)
{
    struct ptn_loop *loop = new_loop();
    uint64_t began = ptn_clock_ms();
    int called = 0, cancelled = 0;

    (void)state;
    ptn_loop_timer(loop, 30, stop, loop);
    ptn_loop_timer(loop, 10, count, &called);
    ptn_loop_timer(loop, 0, count, &called);
    ptn_timer_cancel(ptn_loop_timer(loop, 10, count, &cancelled));
    ptn_timer_cancel(NULL);
    struct ptn_alarm *alarm = ptn_alarm_new(loop, count, &called);
    ptn_alarm_set(alarm, 1);
    ptn_alarm_set(alarm, 5);
    ptn_loop_run(loop);
    assert_in_range(ptn_clock_ms() - began, 30, 2000);
    assert_int_equal(called, 3);
    assert_int_equal(cancelled, 0);
    ptn_alarm_set(alarm, 1);
    ptn_alarm_clear(alarm);
    ptn_loop_timer(loop, 10, stop, loop);
    ptn_loop_run(loop);
    assert_int_equal(called, 3);
    ptn_alarm_free(alarm);
    ptn_loop_free(loop);
}

struct watcher {
    struct ptn_watch watch;
    struct ptn_loop *loop;
    unsigned seen, closed;
};

static void
on_ready(struct ptn_watch *watch, unsigned readiness)
{
    struct watcher *w = PTN_CONTAINER(watch, struct watcher, watch);

    w->seen |= readiness;
    ptn_loop_stop(w->loop);
}

static void
on_closed(struct ptn_watch *watch)
{
    PTN_CONTAINER(watch, struct watcher, watch)->closed++;
}

static void
test_watch(void **state)
{
    struct watcher w = {.loop = new_loop()};
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(ptn_watch_open(w.loop, &w.watch, pair[0], on_ready), 0);
    ptn_watch_set(&w.watch, PTN_WRITABLE);
    ptn_loop_run(w.loop);
    assert_int_equal(w.seen, PTN_WRITABLE);
    ptn_watch_set(&w.watch, PTN_READABLE);
    w.seen = 0;
    assert_int_equal(write(pair[1], "x", 1), 1);
    ptn_loop_run(w.loop);
    assert_int_equal(w.seen, PTN_READABLE);
    /* Resting: what can be read stays unread. */
    ptn_watch_set(&w.watch, 0);
    w.seen = 0;
    ptn_loop_timer(w.loop, 10, stop, w.loop);
    ptn_loop_run(w.loop);
    assert_int_equal(w.seen, 0);
    ptn_watch_close(&w.watch, on_closed);
    close(pair[0]);
    assert_int_equal(w.closed, 0);
    ptn_loop_free(w.loop);
    assert_int_equal(w.closed, 1);
    close(pair[1]);
}

static void
test_watch_fd(void **state)
{
    struct ptn_loop *loop = new_loop();
    int fds[2], called = 0;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    struct ptn_fd_watch *w = ptn_loop_watch_fd(loop, fds[0], count, &called);
    assert_non_null(w);
    assert_int_equal(write(fds[1], "x", 1), 1);
    ptn_loop_timer(loop, 10, stop, loop);
    ptn_loop_run(loop);
    assert_in_range(called, 1, 1000000);
    ptn_host_unwatch_fd(w);
    ptn_host_unwatch_fd(NULL);
    assert_null(ptn_loop_watch_fd(loop, -1, count, &called));
    ptn_loop_free(loop);
    close(fds[0]);
    close(fds[1]);
}

struct turn {
    struct ptn_soon soon;
    struct ptn_loop *loop;
    struct turn *other;
    int called, again;
};

static void
on_turn(struct ptn_soon *soon)
{
    struct turn *x = PTN_CONTAINER(soon, struct turn, soon);

    x->called++;
    if (x->other)
        ptn_soon_cancel(&x->other->soon);
    if (x->again-- > 0)
        ptn_soon_call(x->loop, soon);
}

static void
test_soon(void **state)
{
    struct ptn_loop *loop = new_loop();
    struct turn a = {.loop = loop, .again = 2}, b = {.loop = loop},
                c = {.loop = loop, .other = &b};

    (void)state;
    ptn_soon_init(&a.soon, on_turn);
    ptn_soon_init(&b.soon, on_turn);
    ptn_soon_init(&c.soon, on_turn);
    ptn_soon_call(loop, &a.soon);
    ptn_soon_call(loop, &a.soon);
    ptn_soon_call(loop, &c.soon);
    ptn_soon_call(loop, &b.soon); /* c cancels it in the same turn */
    assert_int_equal(a.called, 0);
    ptn_loop_timer(loop, 10, stop, loop);
    ptn_loop_run(loop);
    assert_int_equal(a.called, 3);
    assert_int_equal(c.called, 1);
    assert_int_equal(b.called, 0);
    ptn_loop_free(loop);
}

static void
on_signal(void *arg, int number)
{
    assert_int_equal(number, SIGUSR1);
    ptn_loop_stop(arg);
}

static void
test_signal(void **state)
{
    struct ptn_loop *loop = new_loop();
    struct ptn_signal *s = ptn_loop_signal(loop, SIGUSR1, on_signal, loop);

    (void)state;
    raise(SIGUSR1);
    ptn_loop_run(loop);
    ptn_signal_free(s);
    ptn_loop_free(loop);
}

/* The wheel on a loop: fires in time, and then the loop sleeps. */
static struct ptn_loop *wheel_loop;

static void
on_deadline(struct ptn_deadline *d)
{
    (void)d;
    ptn_loop_stop(wheel_loop);
}

static void
test_wheel(void **state)
{
    struct ptn_deadline soon = {.at = 0}, never = {.at = 0};
    uint64_t began = ptn_clock_ms();

    (void)state;
    wheel_loop = new_loop();
    struct ptn_loop_wheel *w = ptn_loop_wheel_new(wheel_loop, on_deadline);
    ptn_deadline_set(w, &never, 3600000);
    ptn_deadline_set(w, &soon, 50);
    ptn_loop_run(wheel_loop);
    assert_in_range(ptn_clock_ms() - began, 50, 1000);
    assert_false(ptn_deadline_is_set(&soon));
    assert_true(ptn_deadline_is_set(&never));
    ptn_deadline_clear(w, &never);
    ptn_loop_wheel_free(w);
    ptn_loop_free(wheel_loop);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers),   cmocka_unit_test(test_watch),
        cmocka_unit_test(test_watch_fd), cmocka_unit_test(test_soon),
        cmocka_unit_test(test_signal),   cmocka_unit_test(test_wheel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
