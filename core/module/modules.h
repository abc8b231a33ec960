/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The modules of a process and what they provide to each other.
 *
 *   ptn_modules_load: open and check -> option blocks -> order -> init
 *   ptn_modules_start (worker)  ->  sessions  ->  ptn_modules_stop
 *
 * Main thread only, except ptn_host_* where module.h says otherwise.
 */
#ifndef PTN_MODULE_MODULES_H
#define PTN_MODULE_MODULES_H

#include "conf/conf.h"
#include <postern/buf.h>
#include <postern/module.h>

struct ptn_envoy_host;
struct ptn_loop;
struct ptn_modules;

/* Loads what conf->load names, fills the modules' option blocks, and calls
 * their init in an order in which providers come first. What goes wrong is
 * noted in `conf`, all of it. Never NULL. `conf` must outlive it.
 *
 * `only` is NULL, or names with commas between them: then no others of
 * conf->load are opened, and that they are missing is no news. */
struct ptn_modules *ptn_modules_load(struct ptn_conf *conf, enum ptn_role role,
                                     const char *only);

/* Appends, as `only` has them, the modules that provide one of `contracts`
 * (up to a NULL), the module `root` unless it is NULL, and whatever these
 * need of others, in the order of conf->load. All modules are loaded. */
void ptn_modules_closure(const struct ptn_modules *modules,
                         const char *const *contracts,
                         const struct ptn_host *root, struct ptn_buf *out);

/* Binds the listeners of `conf` to the protocols that were provided, and
 * finishes it. */
void ptn_modules_bind(struct ptn_modules *modules, struct ptn_conf *conf);

/* In a worker: numbers it, and calls each start. -1: one has failed (`err`
 * names it and its place in the file); those before it were stopped. */
struct ptn_modules_place {
    struct ptn_loop *loop;
    unsigned worker, workers;
};
int ptn_modules_start(struct ptn_modules *modules,
                      const struct ptn_modules_place *place,
                      struct ptn_error *err);
/* In the reverse order. */
void ptn_modules_stop(struct ptn_modules *modules);
void ptn_modules_free(struct ptn_modules *modules);

/* What ptn_host_find does, for core itself. */
bool ptn_modules_find(const struct ptn_modules *modules, const char *contract,
                      uint16_t version, const void **ops, void **instance);

/* Calls fn for each that provides the contract, in the order of `load`. */
void ptn_modules_each_provider(
    const struct ptn_modules *modules, const char *contract, uint16_t version,
    void (*fn)(void *arg, const void *ops, void *instance), void *arg);

/* In the envoy: what its modules' calls of postern/errand.h are about. */
void ptn_modules_set_envoy(struct ptn_modules *modules,
                           struct ptn_envoy_host *envoy);
/* NULL: this is no envoy. */
struct ptn_envoy_host *ptn_host_envoy(const struct ptn_host *host);

/* Calls fn for each module in the order of starting. */
void ptn_modules_each(const struct ptn_modules *modules,
                      void (*fn)(void *arg, const struct ptn_module *module),
                      void *arg);

/* Calls fn with functions of each module: those that its descriptor and what
 * it provides point to. Among them are addresses that are no functions. */
void ptn_modules_each_function(const struct ptn_modules *modules,
                               void (*fn)(void *arg, const char *module,
                                          uintptr_t address),
                               void *arg);

/* Calls fn for each path that a module has asked for. */
void ptn_modules_each_path(const struct ptn_modules *modules,
                           void (*fn)(void *arg, const char *path,
                                      unsigned access),
                           void *arg);

#endif
