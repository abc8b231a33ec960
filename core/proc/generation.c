/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Configurations that are served, or were. The supervisor's one thread.
 */
#include "proc/generation.h"
#include <assert.h>

struct ptn_generation *
ptn_generation_new(struct ptn_conf *conf, unsigned number)
{
    struct ptn_generation *g = ptn_alloc(sizeof *g);

    g->refs = 1;
    g->number = number;
    g->conf = conf;
    return g;
}

struct ptn_generation *
ptn_generation_ref(struct ptn_generation *g)
{
    g->refs++;
    return g;
}

void
ptn_generation_unref(struct ptn_generation *g)
{
    if (!g)
        return;
    assert(g->refs > 0);
    if (--g->refs > 0)
        return;
    ptn_plan_free(&g->plan);
    ptn_conf_free(g->conf);
    ptn_free(g);
}

unsigned
ptn_generation_workers(const struct ptn_generation *g,
                       const struct ptn_group_conf *group)
{
    for (size_t i = 0; i < g->plan.count; i++)
        if (strcmp(g->plan.listeners[i].group, group->name) == 0)
            return ptn_conf_group_workers(g->conf, group);
    return 0;
}
