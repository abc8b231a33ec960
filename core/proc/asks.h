/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Requests of the control socket that the supervisor passes on to its
 * workers, until all of them have answered, or died, or time is up. The
 * supervisor's one thread.
 */
#ifndef PTN_PROC_ASKS_H
#define PTN_PROC_ASKS_H

#include "base/list.h"
#include "proc/control.h"
#include "proc/crew.h"

#define PTN_ASKS_PATIENCE_MS 2000
#define PTN_ASKS_RELOAD_MS 30000 /* certificates may be many */

struct ptn_asks {
    struct ptn_list open;
    unsigned last_id;
};

void ptn_asks_init(struct ptn_asks *asks);
/* Forgets those that are open; their calls are the control socket's. */
void ptn_asks_deinit(struct ptn_asks *asks);

/* Passes the call's request on to all workers that serve or drain. The
 * answer of a control verb: PTN_CONTROL_LATER, or -1: nobody is there. */
int ptn_asks_begin(struct ptn_asks *asks, struct ptn_crew *crew,
                   struct ptn_control_call *call, struct ptn_error *err);

/* Tells the workers that serve and were hired for a generation before
 * `newest` to read their certificates again, and calls done(arg, records) once,
 * with a record "refused count=N" of each. `names` are records with name= of
 * those to read again; none: all. Answers how many were told; of none nothing
 * is heard. */
unsigned ptn_asks_reload(struct ptn_asks *asks, struct ptn_crew *crew,
                         unsigned newest, struct ptn_slice names,
                         void (*done)(void *arg, struct ptn_slice records),
                         void *arg);

/* A worker's PTN_MESSAGE_ANSWER; a worker that will not answer any more. */
void ptn_asks_take(struct ptn_asks *asks, unsigned worker,
                   struct ptn_slice text);
void ptn_asks_lose(struct ptn_asks *asks, unsigned worker);

/* When the next one expires (ptn_clock_ms; 0: none is open), and concluding
 * those that have: a record "missing\tworker=N" tells who did not answer. */
uint64_t ptn_asks_due(const struct ptn_asks *asks);
void ptn_asks_expire(struct ptn_asks *asks);

#endif
