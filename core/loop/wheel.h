/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Coarse deadlines for very many records: adding and removing is a list
 * operation, an idle record costs its node and no wake-up. A deadline fires
 * never early, and late by at most a seventh of the delay it was set with
 * and two ticks.
 */
#ifndef PTN_LOOP_WHEEL_H
#define PTN_LOOP_WHEEL_H

#include "base/list.h"

#define PTN_WHEEL_TICK 32u /* milliseconds */
#define PTN_WHEEL_LEVELS 6u
#define PTN_WHEEL_SLOTS 64u /* of each level: the bits of one word */

/* Embedded; zeroed memory is one that is not set. */
struct ptn_deadline {
    struct ptn_list link;
    uint64_t at; /* milliseconds of ptn_loop_now */
};

/* Level n has slots of 8^n ticks; see wheel.c. */
struct ptn_wheel {
    void (*fn)(struct ptn_deadline *deadline);
    uint64_t tick; /* all slots up to this one have fired */
    uint64_t busy[PTN_WHEEL_LEVELS];
    struct ptn_list slots[PTN_WHEEL_LEVELS][PTN_WHEEL_SLOTS];
};

#define PTN_WHEEL_NEVER UINT64_MAX

/* The wheel itself is pure: it is told the time. */
void ptn_wheel_init(struct ptn_wheel *w, uint64_t now,
                    void (*fn)(struct ptn_deadline *deadline));
void ptn_wheel_add(struct ptn_wheel *w, struct ptn_deadline *d, uint64_t at);
void ptn_wheel_remove(struct ptn_wheel *w, struct ptn_deadline *d);
bool ptn_deadline_is_set(const struct ptn_deadline *d);

/* Moves the wheel's idea of the time on, as far as nothing is due: a wheel
 * that has rested would take a short delay for a long one. */
void ptn_wheel_catch_up(struct ptn_wheel *w, uint64_t now);

/* Fires what is due; fn may add and remove any deadline. */
void ptn_wheel_advance(struct ptn_wheel *w, uint64_t now);

/* When to advance next, or PTN_WHEEL_NEVER. */
uint64_t ptn_wheel_next(const struct ptn_wheel *w);

/* A wheel that a loop turns. */
struct ptn_loop;
struct ptn_loop_wheel;
struct ptn_loop_wheel *
ptn_loop_wheel_new(struct ptn_loop *loop,
                   void (*fn)(struct ptn_deadline *deadline));
void ptn_loop_wheel_free(struct ptn_loop_wheel *w);
/* Sets, or moves, the deadline to `milliseconds` from now. */
void ptn_deadline_clear(struct ptn_loop_wheel *w, struct ptn_deadline *d);
void ptn_deadline_set(struct ptn_loop_wheel *w, struct ptn_deadline *d,
                      uint64_t milliseconds);

#endif
