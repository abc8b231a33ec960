/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The order in which modules are initialised and started: providers first,
 * else as `load` has them. Main thread.
 */
#include "module/registry.h"
#include <postern/buf.h>

bool
ptn_contract_listed(const struct ptn_contract *table, const char *name)
{
    for (; table && table->name; table++)
        if (strcmp(table->name, name) == 0)
            return true;
    return false;
}

static bool
provides(const struct ptn_host *host, const struct ptn_contract *need)
{
    const struct ptn_contract *c = host->module ? host->module->provides : NULL;

    for (; c && c->name; c++)
        if (strcmp(c->name, need->name) == 0 && c->version == need->version)
            return true;
    return false;
}

static void
note_unmet(struct ptn_modules *m, const struct ptn_host *host,
           const struct ptn_contract *need)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct ptn_host *other = &m->hosts[i];
        const struct ptn_contract *c =
            other->module ? other->module->provides : NULL;

        for (; c && c->name; c++) {
            if (strcmp(c->name, need->name) != 0)
                continue;
            ptn_conf_error(m->conf, m->conf->load_place,
                           "load: module %s needs %s version %u, and %s "
                           "provides version %u; install builds that match",
                           host->module->name, need->name, need->version,
                           other->module->name, c->version);
            return;
        }
    }
    ptn_conf_error(m->conf, m->conf->load_place,
                   "load: module %s needs %s, which nothing in \"load\" "
                   "provides; add a module that does",
                   host->module->name, need->name);
}

static void
check_needs(struct ptn_modules *m, const struct ptn_host *host)
{
    const struct ptn_contract *need = host->module->needs;

    for (; need && need->name; need++) {
        bool met = false;

        for (size_t i = 0; i < m->count; i++)
            met = met || (&m->hosts[i] != host && provides(&m->hosts[i], need));
        if (!met && !m->incomplete)
            note_unmet(m, host, need);
    }
}

/* Whether all providers of what the module needs are in the order. */
static bool
is_due(const struct ptn_modules *m, const struct ptn_host *host)
{
    const struct ptn_contract *need = host->module->needs;

    for (; need && need->name; need++)
        for (size_t i = 0; i < m->count; i++)
            if (&m->hosts[i] != host && !m->hosts[i].ordered &&
                provides(&m->hosts[i], need))
                return false;
    return true;
}

static struct ptn_host *
next_due(struct ptn_modules *m)
{
    for (size_t i = 0; i < m->count; i++) {
        struct ptn_host *host = &m->hosts[i];

        if (host->module && !host->ordered && is_due(m, host))
            return host;
    }
    return NULL;
}

/* What is left when nothing is due needs itself in a circle. */
static void
note_circle(struct ptn_modules *m)
{
    struct ptn_buf names = PTN_BUF_INIT;

    for (size_t i = 0; i < m->count; i++)
        if (m->hosts[i].module && !m->hosts[i].ordered)
            ptn_buf_printf(&names, "%s%s", names.len ? ", " : "",
                           m->hosts[i].module->name);
    if (names.len > 0)
        ptn_conf_error(m->conf, m->conf->load_place,
                       "load: these modules need each other in a circle: %s",
                       ptn_buf_cstr(&names));
    ptn_buf_free(&names);
}

void
ptn_modules_sort(struct ptn_modules *m)
{
    struct ptn_host *host;

    for (size_t i = 0; i < m->count; i++)
        if (m->hosts[i].module)
            check_needs(m, &m->hosts[i]);
    while ((host = next_due(m))) {
        host->ordered = true;
        m->order[m->ordered++] = host;
    }
    note_circle(m);
}
