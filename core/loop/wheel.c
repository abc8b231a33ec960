/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The wheel (loop/wheel.h), in the manner of the one in Linux: a deadline
 * goes to the level whose range covers its delay, into the slot that ends
 * at or after it, and stays there until it fires. Nothing cascades.
 *
 *   level   slot of      range
 *     0     32 ms        2 s
 *     1     256 ms       16 s
 *     2     2 s          131 s
 *     3     16 s         17 min
 *     4     131 s        2.3 h
 *     5     17 min       18 h; what is later waits there again
 *
 * Slot number N of a level fires at tick N << 3*level. `busy` has one bit a
 * slot that holds something, so that the next one is found without looking.
 */
#include "loop/wheel.h"
#include "loop/inner.h"
#include <assert.h>
#include <postern/arena.h>

#define LEVEL_SHIFT 3u
#define SLOT_MASK (PTN_WHEEL_SLOTS - 1)

void
ptn_wheel_init(struct ptn_wheel *w, uint64_t now,
               void (*fn)(struct ptn_deadline *deadline))
{
    w->fn = fn;
    w->tick = now / PTN_WHEEL_TICK;
    for (size_t level = 0; level < PTN_WHEEL_LEVELS; level++) {
        w->busy[level] = 0;
        for (size_t slot = 0; slot < PTN_WHEEL_SLOTS; slot++)
            ptn_list_init(&w->slots[level][slot]);
    }
}

bool
ptn_deadline_is_set(const struct ptn_deadline *d)
{
    return d->link.next && d->link.next != &d->link;
}

/* The slot's head has no neighbours left: it need not be looked at. A head
 * that is none of the wheel's is that of a slot being fired. */
static void
forget_slot(struct ptn_wheel *w, const struct ptn_list *head)
{
    const struct ptn_list *first = &w->slots[0][0];
    size_t count = (size_t)PTN_WHEEL_LEVELS * PTN_WHEEL_SLOTS;

    if (head < first || head >= first + count)
        return;
    size_t slot = (size_t)(head - first);
    w->busy[slot / PTN_WHEEL_SLOTS] &=
        ~(UINT64_C(1) << (slot % PTN_WHEEL_SLOTS));
}

void
ptn_wheel_remove(struct ptn_wheel *w, struct ptn_deadline *d)
{
    struct ptn_list *next = d->link.next;

    if (!ptn_deadline_is_set(d))
        return;
    ptn_list_remove(&d->link);
    if (ptn_list_is_empty(next))
        forget_slot(w, next);
}

void
ptn_wheel_add(struct ptn_wheel *w, struct ptn_deadline *d, uint64_t at)
{
    /* Rounded up, and at least the next tick: this one has fired. */
    uint64_t tick = (at + PTN_WHEEL_TICK - 1) / PTN_WHEEL_TICK;
    unsigned level = 0;

    ptn_wheel_remove(w, d);
    ptn_list_init(&d->link);
    d->at = at;
    if (tick <= w->tick)
        tick = w->tick + 1;
    /* The last slot of a level is left out: rounding up may reach one
     * beyond the range. */
    while (level < PTN_WHEEL_LEVELS - 1 &&
           tick - w->tick >= (PTN_WHEEL_SLOTS - 1) << (LEVEL_SHIFT * level))
        level++;
    unsigned shift = LEVEL_SHIFT * level;
    uint64_t longest = (uint64_t)(PTN_WHEEL_SLOTS - 2) << shift;
    if (tick - w->tick > longest)
        tick = w->tick + longest;
    uint64_t slot = (tick + (1u << shift) - 1) >> shift;
    ptn_list_add(&w->slots[level][slot & SLOT_MASK], &d->link);
    w->busy[level] |= UINT64_C(1) << (slot & SLOT_MASK);
}

/* The tick at which the next busy slot of a level fires. */
static uint64_t
next_of_level(const struct ptn_wheel *w, unsigned level)
{
    unsigned shift = LEVEL_SHIFT * level;
    uint64_t first = (w->tick >> shift) + 1;
    unsigned turn = (unsigned)(first & SLOT_MASK);
    uint64_t busy = w->busy[level];

    if (!busy)
        return PTN_WHEEL_NEVER;
    if (turn)
        busy = busy >> turn | busy << (PTN_WHEEL_SLOTS - turn);
    return (first + (uint64_t)__builtin_ctzll(busy)) << shift;
}

static uint64_t
next_tick(const struct ptn_wheel *w)
{
    uint64_t next = PTN_WHEEL_NEVER;

    for (unsigned level = 0; level < PTN_WHEEL_LEVELS; level++) {
        uint64_t tick = next_of_level(w, level);
        if (tick < next)
            next = tick;
    }
    return next;
}

void
ptn_wheel_catch_up(struct ptn_wheel *w, uint64_t now)
{
    uint64_t until = now / PTN_WHEEL_TICK, next = next_tick(w);

    if (until >= next)
        until = next - 1;
    if (until > w->tick)
        w->tick = until;
}

uint64_t
ptn_wheel_next(const struct ptn_wheel *w)
{
    uint64_t tick = next_tick(w);

    return tick == PTN_WHEEL_NEVER ? tick : tick * PTN_WHEEL_TICK;
}

/* Fires one slot; what is there for a later round goes back. */
static void
fire_slot(struct ptn_wheel *w, unsigned level, uint64_t now)
{
    uint64_t slot = (w->tick >> (LEVEL_SHIFT * level)) & SLOT_MASK;
    struct ptn_list due, *link;

    ptn_list_init(&due);
    ptn_list_move_all(&w->slots[level][slot], &due);
    w->busy[level] &= ~(UINT64_C(1) << slot);
    while ((link = ptn_list_take(&due))) {
        struct ptn_deadline *d = PTN_CONTAINER(link, struct ptn_deadline, link);
        if (d->at > now)
            ptn_wheel_add(w, d, d->at);
        else
            w->fn(d);
    }
}

void
ptn_wheel_advance(struct ptn_wheel *w, uint64_t now)
{
    uint64_t until = now / PTN_WHEEL_TICK, tick;

    while ((tick = next_tick(w)) <= until) {
        w->tick = tick;
        for (unsigned level = 0; level < PTN_WHEEL_LEVELS; level++)
            if ((tick & ((UINT64_C(1) << (LEVEL_SHIFT * level)) - 1)) == 0)
                fire_slot(w, level, now);
    }
    ptn_wheel_catch_up(w, now);
}

struct ptn_loop_wheel {
    struct ptn_loop *loop;
    struct ptn_alarm *alarm;
    uint64_t armed; /* when the alarm goes off, or NEVER */
    struct ptn_wheel wheel;
};

static void
arm(struct ptn_loop_wheel *w)
{
    uint64_t next = ptn_wheel_next(&w->wheel);
    uint64_t now = ptn_loop_now(w->loop);

    if (next == w->armed)
        return;
    w->armed = next;
    if (next == PTN_WHEEL_NEVER)
        ptn_alarm_clear(w->alarm);
    else
        ptn_alarm_set(w->alarm, next > now ? next - now : 0);
}

static void
turn_wheel(void *arg)
{
    struct ptn_loop_wheel *w = arg;

    w->armed = PTN_WHEEL_NEVER;
    ptn_wheel_advance(&w->wheel, ptn_loop_now(w->loop));
    arm(w);
}

struct ptn_loop_wheel *
ptn_loop_wheel_new(struct ptn_loop *loop,
                   void (*fn)(struct ptn_deadline *deadline))
{
    struct ptn_loop_wheel *w = ptn_alloc(sizeof *w);

    w->loop = loop;
    w->alarm = ptn_alarm_new(loop, turn_wheel, w);
    w->armed = PTN_WHEEL_NEVER;
    ptn_wheel_init(&w->wheel, ptn_loop_now(loop), fn);
    return w;
}

void
ptn_loop_wheel_free(struct ptn_loop_wheel *w)
{
    if (!w)
        return;
    ptn_alarm_free(w->alarm);
    ptn_free(w);
}

/* The alarm is left as it is: at worst it finds nothing to do once. */
void
ptn_deadline_clear(struct ptn_loop_wheel *w, struct ptn_deadline *d)
{
    ptn_wheel_remove(&w->wheel, d);
}

void
ptn_deadline_set(struct ptn_loop_wheel *w, struct ptn_deadline *d,
                 uint64_t milliseconds)
{
    uint64_t now = ptn_loop_now(w->loop);

    ptn_wheel_catch_up(&w->wheel, now);
    ptn_wheel_add(&w->wheel, d, now + milliseconds);
    arm(w);
}
