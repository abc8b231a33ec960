/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The server as a module sees it: the functions of postern/module.h. Facts
 * are constant and for any thread; the rest is for the main thread.
 */
#include "loop/loop.h"
#include "module/registry.h"
#include <assert.h>
#include <postern/arena.h>

void
ptn_host_provide(struct ptn_host *host, const char *contract, uint16_t version,
                 const void *ops, void *instance)
{
    struct ptn_modules *m = host->all;

    assert(contract && ops);
    if (!ptn_contract_listed(host->module->provides, contract))
        ptn_conf_error(m->conf, m->conf->load_place,
                       "load: module %s provides %s without declaring it; "
                       "this is a fault of the module",
                       host->module->name, contract);
    m->provided =
        ptn_realloc(m->provided, (m->provided_count + 1) * sizeof *m->provided);
    m->provided[m->provided_count++] =
        (struct ptn_provided){contract, version, ops, instance, host};
}

void
ptn_host_allow_path(struct ptn_host *host, const char *path, unsigned access)
{
    struct ptn_modules *m = host->all;

    assert(path && *path);
    m->paths = ptn_realloc(m->paths, (m->path_count + 1) * sizeof *m->paths);
    m->paths[m->path_count++] =
        (struct ptn_allowed_path){ptn_strdup(path), access};
}

bool
ptn_host_find(struct ptn_host *host, const char *contract, uint16_t version,
              const void **ops, void **instance)
{
    return ptn_modules_find(host->all, contract, version, ops, instance);
}

const char *
ptn_host_hostname(struct ptn_host *host)
{
    return host->all->conf->server.hostname;
}

const char *
ptn_host_state_dir(struct ptn_host *host)
{
    return host->all->conf->server.state;
}

const struct ptn_strings *
ptn_host_domains(struct ptn_host *host)
{
    return &host->all->conf->server.domains;
}

bool
ptn_host_is_local_domain(struct ptn_host *host, struct ptn_slice domain)
{
    const struct ptn_strings *domains = &host->all->conf->server.domains;

    for (size_t i = 0; i < domains->count; i++)
        if (ptn_slice_caseeq(ptn_slice_of(domains->items[i]), domain))
            return true;
    return false;
}

unsigned
ptn_host_worker(struct ptn_host *host)
{
    return host->all->place.worker;
}

unsigned
ptn_host_workers(struct ptn_host *host)
{
    return host->all->place.workers;
}

enum ptn_role
ptn_host_role(struct ptn_host *host)
{
    return host->all->role;
}

struct ptn_fd_watch *
ptn_host_watch_fd(struct ptn_host *host, int fd, void (*fn)(void *arg),
                  void *arg)
{
    assert(host->all->place.loop);
    return ptn_loop_watch_fd(host->all->place.loop, fd, fn, arg);
}

struct ptn_timer *
ptn_host_timer(struct ptn_host *host, uint64_t milliseconds,
               void (*fn)(void *arg), void *arg)
{
    assert(host->all->place.loop);
    return ptn_loop_timer(host->all->place.loop, milliseconds, fn, arg);
}
