/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A generation: a configuration with all that was found out about it. The
 * supervisor serves one; those before it live as long as workers that were
 * started for them. The supervisor's one thread.
 */
#ifndef PTN_PROC_GENERATION_H
#define PTN_PROC_GENERATION_H

#include "proc/plan.h"

struct ptn_generation {
    unsigned refs;
    unsigned number; /* the first is 1 */
    struct ptn_conf *conf;
    struct ptn_plan plan; /* empty until its checker has written it */
};

/* With one reference. Owns `conf`. */
struct ptn_generation *ptn_generation_new(struct ptn_conf *conf,
                                          unsigned number);
struct ptn_generation *ptn_generation_ref(struct ptn_generation *generation);
/* NULL is nothing to do. */
void ptn_generation_unref(struct ptn_generation *generation);

/* How many workers the group has: none without a listener. */
unsigned ptn_generation_workers(const struct ptn_generation *generation,
                                const struct ptn_group_conf *group);

#endif
