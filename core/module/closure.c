/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which modules a process needs that does a part of the work. Main thread.
 */
#include "module/registry.h"
#include <postern/arena.h>

static bool
provides_any(const struct ptn_host *host, const char *const *contracts)
{
    for (; *contracts; contracts++)
        if (ptn_contract_listed(host->module->provides, *contracts))
            return true;
    return false;
}

static void
take_needed(const struct ptn_modules *m, const struct ptn_host *host,
            bool *taken)
{
    const struct ptn_contract *need = host->module->needs;

    for (; need && need->name; need++)
        for (size_t i = 0; i < m->count; i++)
            if (m->hosts[i].module &&
                ptn_contract_listed(m->hosts[i].module->provides, need->name))
                taken[i] = true;
}

/* A module that is taken may need others before it in `load`, so this goes on
 * until a round finds nobody new. */
static void
complete(const struct ptn_modules *m, bool *taken)
{
    bool *seen = ptn_alloc(m->count + 1);
    bool again = true;

    while (again) {
        again = false;
        for (size_t i = 0; i < m->count; i++) {
            if (!taken[i] || seen[i])
                continue;
            seen[i] = again = true;
            take_needed(m, &m->hosts[i], taken);
        }
    }
    ptn_free(seen);
}

void
ptn_modules_closure(const struct ptn_modules *m, const char *const *contracts,
                    const struct ptn_host *root, struct ptn_buf *out)
{
    bool *taken = ptn_alloc(m->count + 1);
    const char *separator = "";

    for (size_t i = 0; i < m->count; i++) {
        const struct ptn_host *host = &m->hosts[i];

        taken[i] =
            host->module && (host == root || provides_any(host, contracts));
    }
    complete(m, taken);
    for (size_t i = 0; i < m->count; i++) {
        if (!taken[i])
            continue;
        ptn_buf_printf(out, "%s%s", separator, m->hosts[i].module->name);
        separator = ",";
    }
    ptn_free(taken);
}
