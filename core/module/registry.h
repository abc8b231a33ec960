/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The inner structs of this folder.
 */
#ifndef PTN_MODULE_REGISTRY_H
#define PTN_MODULE_REGISTRY_H

#include "module/modules.h"

/* One module, as itself sees the server. */
struct ptn_host {
    struct ptn_modules *all;
    const struct ptn_module *module; /* NULL: it could not be loaded */
    size_t index;                    /* in `load`: the rank of a provider */
    const void *options;
    void *instance;
    struct ptn_conf_place place; /* of its block, for errors of start */
    bool ordered;                /* it has its place in `order` */
    bool ready;                  /* init has succeeded */
    bool started;
    bool stopped;
};

struct ptn_provided {
    const char *contract;
    uint16_t version;
    const void *ops;
    void *instance;
    const struct ptn_host *provider;
};

/* A path that a module has asked for. */
struct ptn_allowed_path {
    char *path;
    unsigned access; /* PTN_ACCESS_... */
};

struct ptn_modules {
    struct ptn_conf *conf;
    enum ptn_role role;
    struct ptn_host *hosts; /* in the order of `load` */
    struct ptn_host **order;
    size_t count, ordered;
    struct ptn_provided *provided;
    size_t provided_count;
    struct ptn_allowed_path *paths;
    size_t path_count;
    bool incomplete; /* some module failed: others miss it without fault */
    struct ptn_modules_place place;
    struct ptn_envoy_host *envoy; /* NULL: this is no envoy */
    struct ptn_modules *kept;     /* see ptn_modules_free */
};

/* Fills `order` so that every provider stands before those that need it;
 * notes needs that nobody meets, and circles. */
void ptn_modules_sort(struct ptn_modules *modules);

/* Whether the table has the contract. */
bool ptn_contract_listed(const struct ptn_contract *table, const char *name);

#endif
