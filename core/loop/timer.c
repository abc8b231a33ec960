/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Alarms, and the one-shot timers made of them. Precise, with a handle
 * each: for what a process has few of. Sessions use the wheel.
 */
#include "base/clock.h"
#include "loop/inner.h"
#include <postern/arena.h>

struct ptn_alarm {
    uv_timer_t uv;
    void (*fn)(void *arg);
    void *arg;
};

static void
on_alarm(uv_timer_t *uv)
{
    struct ptn_alarm *alarm = PTN_CONTAINER(uv, struct ptn_alarm, uv);

    alarm->fn(alarm->arg);
}

struct ptn_alarm *
ptn_alarm_new(struct ptn_loop *loop, void (*fn)(void *arg), void *arg)
{
    struct ptn_alarm *alarm = ptn_alloc(sizeof *alarm);

    uv_timer_init(&loop->uv, &alarm->uv);
    alarm->fn = fn;
    alarm->arg = arg;
    return alarm;
}

void
ptn_alarm_set(struct ptn_alarm *alarm, uint64_t milliseconds)
{
    /* libuv counts from when the turn began; what ran since is added, so
     * that no alarm comes early. */
    uint64_t now = ptn_clock_ms(), began = uv_now(alarm->uv.loop);
    uint64_t late = now > began ? now - began : 0;

    uv_timer_start(&alarm->uv, on_alarm, milliseconds + late, 0);
}

void
ptn_alarm_clear(struct ptn_alarm *alarm)
{
    uv_timer_stop(&alarm->uv);
}

static void
free_alarm(uv_handle_t *uv)
{
    ptn_free(PTN_CONTAINER((uv_timer_t *)uv, struct ptn_alarm, uv));
}

void
ptn_alarm_free(struct ptn_alarm *alarm)
{
    if (alarm)
        uv_close((uv_handle_t *)&alarm->uv, free_alarm);
}

struct ptn_timer {
    struct ptn_alarm *alarm;
    void (*fn)(void *arg);
    void *arg;
};

static void
on_timer(void *arg)
{
    struct ptn_timer *timer = arg;
    void (*fn)(void *) = timer->fn;
    void *fn_arg = timer->arg;

    ptn_timer_cancel(timer); /* the handle is gone when fn starts */
    fn(fn_arg);
}

struct ptn_timer *
ptn_loop_timer(struct ptn_loop *loop, uint64_t milliseconds,
               void (*fn)(void *arg), void *arg)
{
    struct ptn_timer *timer = ptn_alloc(sizeof *timer);

    timer->alarm = ptn_alarm_new(loop, on_timer, timer);
    timer->fn = fn;
    timer->arg = arg;
    ptn_alarm_set(timer->alarm, milliseconds);
    return timer;
}

void
ptn_timer_cancel(struct ptn_timer *timer)
{
    if (!timer)
        return;
    ptn_alarm_free(timer->alarm);
    ptn_free(timer);
}
