/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The life of a process's modules. Main thread.
 */
#include "module/modules.h"
#include "module/loader.h"
#include "module/registry.h"
#include <postern/buf.h>
#include <postern/errand.h>
#include <postern/ocsp.h>
#include <postern/protocol.h>
#include <postern/tls.h>

static bool
is_among(const char *list, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, name, len) == 0 && (!at[len] || at[len] == ','))
            return true;
    }
    return false;
}

static void
open_modules(struct ptn_modules *m, const char *only)
{
    struct ptn_conf *conf = m->conf;

    for (size_t i = 0; i < m->count; i++) {
        struct ptn_error err = PTN_ERROR_INIT;
        struct ptn_host *host = &m->hosts[i];

        host->all = m;
        host->index = i;
        if (only && !is_among(only, conf->load.items[i])) {
            m->incomplete = true;
            continue;
        }
        host->module = ptn_loader_open(conf->server.module_path,
                                       conf->load.items[i], &err);
        if (host->module)
            continue;
        ptn_conf_error(conf, conf->load_place, "load: %s", err.text);
        m->incomplete = true;
    }
}

static bool
has_required(const struct ptn_option *row)
{
    for (; row && row->name; row++)
        if (row->flags & PTN_OPT_REQUIRED)
            return true;
    return false;
}

/* Every block is read before any init runs. Where a value is wrong the
 * default stands in, so that what hangs on the module (its listeners, other
 * modules) is looked at, too; `unfit` when there may be none. */
static void
read_blocks(struct ptn_modules *m, bool *unfit)
{
    for (size_t i = 0; i < m->count; i++) {
        struct ptn_host *host = &m->hosts[i];
        size_t errors = ptn_conf_errors(m->conf);

        if (!host->module)
            continue;
        host->place = ptn_conf_block_place(m->conf, host->module->name);
        host->options =
            ptn_conf_block(m->conf, host->module->name, host->module->options,
                           host->module->options_size);
        unfit[i] = ptn_conf_errors(m->conf) != errors &&
                   has_required(host->module->options);
    }
}

/* Whether all that the module needs is provided by one that is ready. */
static bool
is_served(const struct ptn_modules *m, const struct ptn_host *host)
{
    const struct ptn_contract *need = host->module->needs;
    const void *ops;
    void *instance;

    for (; need && need->name; need++)
        if (!ptn_modules_find(m, need->name, need->version, &ops, &instance))
            return false;
    return true;
}

static void
check_provided(struct ptn_modules *m, const struct ptn_host *host)
{
    const struct ptn_contract *c = host->module->provides;

    for (; c && c->name; c++) {
        bool found = false;

        for (size_t i = 0; i < m->provided_count; i++)
            found = found || (m->provided[i].provider == host &&
                              strcmp(m->provided[i].contract, c->name) == 0);
        if (!found)
            ptn_conf_error(m->conf, m->conf->load_place,
                           "load: module %s declares %s and does not provide "
                           "it; this is a fault of the module",
                           host->module->name, c->name);
    }
}

static void
init_module(struct ptn_modules *m, struct ptn_host *host)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_conf_place place = host->place;

    if (host->module->init &&
        host->module->init(host, host->options, &host->instance, &err) != 0) {
        if (err.file)
            place = (struct ptn_conf_place){err.file, err.line};
        ptn_conf_error(m->conf, place, "%s: %s", host->module->name, err.text);
        m->incomplete = true;
        return;
    }
    host->ready = true;
    check_provided(m, host);
}

struct ptn_modules *
ptn_modules_load(struct ptn_conf *conf, enum ptn_role role, const char *only)
{
    struct ptn_modules *m = ptn_alloc(sizeof *m);
    bool *unfit = ptn_alloc(conf->load.count + 1);

    m->conf = conf;
    m->role = role;
    m->count = conf->load.count;
    m->hosts = ptn_alloc((m->count + 1) * sizeof *m->hosts);
    m->order = ptn_alloc((m->count + 1) * sizeof *m->order);
    m->place.workers = 1;
    open_modules(m, only);
    read_blocks(m, unfit);
    ptn_modules_sort(m);
    for (size_t i = 0; i < m->ordered; i++) {
        if (!unfit[m->order[i]->index] && is_served(m, m->order[i]))
            init_module(m, m->order[i]);
        else
            m->incomplete = true;
    }
    ptn_free(unfit);
    return m;
}

/* The protocols among what was provided; two of one name are a note. */
static size_t
list_protocols(struct ptn_modules *m, struct ptn_conf_protocol *out)
{
    size_t count = 0;

    for (size_t i = 0; i < m->provided_count; i++) {
        const struct ptn_provided *p = &m->provided[i];
        const struct ptn_protocol *ops = p->ops;

        if (strcmp(p->contract, PTN_PROTOCOL_CONTRACT) != 0)
            continue;
        for (size_t j = 0; j < count; j++)
            if (strcmp(out[j].ops->name, ops->name) == 0)
                ptn_conf_error(m->conf, m->conf->load_place,
                               "load: modules %s and %s both provide the "
                               "protocol \"%s\"; load one of them",
                               out[j].host->module->name,
                               p->provider->module->name, ops->name);
        out[count++] = (struct ptn_conf_protocol){
            ops, p->instance, &m->hosts[p->provider->index]};
    }
    return count;
}

/* The errands among what was provided. */
struct errands {
    const struct ptn_errand **ops;
    void **instances;
    const char **names;
    size_t count;
};

static void
add_errand(void *arg, const void *ops, void *instance)
{
    struct errands *e = arg;
    const struct ptn_errand *errand = ops;

    e->ops[e->count] = errand;
    e->instances[e->count] = instance;
    e->names[e->count++] = errand->name;
}

static int
check_errand(void *arg, size_t index, const struct ptn_cert_conf *cert,
             struct ptn_error *err)
{
    const struct errands *e = arg;
    struct ptn_errand_certificate facts = {sizeof facts, cert->name,
                                           cert->names};

    return e->ops[index]->check
               ? e->ops[index]->check(e->instances[index], &facts, err)
               : 0;
}

static void
list_errands(const struct ptn_modules *m, struct errands *e,
             struct ptn_conf_services *services)
{
    size_t room = m->provided_count + 1;

    *e = (struct errands){ptn_alloc(room * sizeof *e->ops),
                          ptn_alloc(room * sizeof *e->instances),
                          ptn_alloc(room * sizeof *e->names), 0};
    ptn_modules_each_provider(m, PTN_ERRAND_CONTRACT, PTN_ERRAND_VERSION,
                              add_errand, e);
    services->errands = (struct ptn_strings){e->names, e->count};
    services->check_errand = check_errand;
    services->errand_arg = e;
}

void
ptn_modules_bind(struct ptn_modules *m, struct ptn_conf *conf)
{
    struct ptn_conf_protocol *protocols =
        ptn_alloc((m->provided_count + 1) * sizeof *protocols);
    struct ptn_conf_services services = {.protocols = protocols,
                                         .incomplete = m->incomplete};
    struct errands errands;
    const void *ops;
    void *instance;

    services.protocol_count = list_protocols(m, protocols);
    list_errands(m, &errands, &services);
    if (ptn_modules_find(m, PTN_TLS_CONTRACT, PTN_TLS_VERSION, &ops,
                         &instance)) {
        const struct ptn_tls_ops *tls = ops;

        services.has_tls = true;
        services.capability = tls->capability;
        services.tls_name = tls->name;
    }
    services.has_ocsp = ptn_modules_find(m, PTN_OCSP_CONTRACT, PTN_OCSP_VERSION,
                                         &ops, &instance);
    ptn_conf_bind(conf, &services);
    ptn_conf_finish(conf);
    ptn_free(errands.ops);
    ptn_free(errands.instances);
    ptn_free(errands.names);
    ptn_free(protocols);
}

int
ptn_modules_start(struct ptn_modules *m, const struct ptn_modules_place *place,
                  struct ptn_error *err)
{
    m->place = *place;
    for (size_t i = 0; i < m->ordered; i++) {
        struct ptn_host *host = m->order[i];

        if (host->module->start &&
            host->module->start(host->instance, err) != 0) {
            ptn_error_prefix(err, "module %s", host->module->name);
            if (!err->file) {
                err->file = host->place.file;
                err->line = host->place.line;
            }
            ptn_modules_stop(m);
            return -1;
        }
        host->started = true;
    }
    return 0;
}

void
ptn_modules_stop(struct ptn_modules *m)
{
    for (size_t i = m->ordered; i-- > 0;) {
        struct ptn_host *host = m->order[i];

        if (host->started && host->module->stop)
            host->module->stop(host->instance);
        host->stopped = host->stopped || host->started;
        host->started = false;
    }
}

/* What init has made is released by stop, and stop follows start alone. So
 * the instances of modules that were never started, as in a check, live
 * until the process ends, and somebody has to know them. */
static struct ptn_modules *kept;

static bool
is_kept(const struct ptn_modules *m)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->hosts[i].ready && !m->hosts[i].stopped)
            return true;
    return false;
}

void
ptn_modules_free(struct ptn_modules *m)
{
    if (is_kept(m)) {
        m->kept = kept;
        kept = m;
        return;
    }
    ptn_free(m->hosts);
    ptn_free(m->order);
    ptn_free(m->provided);
    for (size_t i = 0; i < m->path_count; i++)
        ptn_free(m->paths[i].path);
    ptn_free(m->paths);
    ptn_free(m);
}

bool
ptn_modules_find(const struct ptn_modules *m, const char *contract,
                 uint16_t version, const void **ops, void **instance)
{
    const struct ptn_provided *best = NULL;

    for (size_t i = 0; i < m->provided_count; i++) {
        const struct ptn_provided *p = &m->provided[i];

        if (strcmp(p->contract, contract) == 0 && p->version == version &&
            (!best || p->provider->index < best->provider->index))
            best = p;
    }
    if (!best)
        return false;
    *ops = best->ops;
    *instance = best->instance;
    return true;
}

void
ptn_modules_each_provider(
    const struct ptn_modules *m, const char *contract, uint16_t version,
    void (*fn)(void *arg, const void *ops, void *instance), void *arg)
{
    for (size_t i = 0; i < m->provided_count; i++) {
        const struct ptn_provided *p = &m->provided[i];

        if (strcmp(p->contract, contract) == 0 && p->version == version)
            fn(arg, p->ops, p->instance);
    }
}

void
ptn_modules_set_envoy(struct ptn_modules *m, struct ptn_envoy_host *envoy)
{
    m->envoy = envoy;
}

struct ptn_envoy_host *
ptn_host_envoy(const struct ptn_host *host)
{
    return host->all->envoy;
}

void
ptn_modules_each(const struct ptn_modules *m,
                 void (*fn)(void *arg, const struct ptn_module *module),
                 void *arg)
{
    for (size_t i = 0; i < m->ordered; i++)
        fn(arg, m->order[i]->module);
}

void
ptn_modules_each_path(const struct ptn_modules *m,
                      void (*fn)(void *arg, const char *path, unsigned access),
                      void *arg)
{
    for (size_t i = 0; i < m->path_count; i++)
        fn(arg, m->paths[i].path, m->paths[i].access);
}

/* Whatever a contract is, its struct begins with its size, and the rest is
 * pointers and numbers. */
static void
each_word(const struct ptn_provided *p,
          void (*fn)(void *arg, const char *module, uintptr_t address),
          void *arg)
{
    uint32_t size;

    memcpy(&size, p->ops, sizeof size);
    for (size_t at = sizeof(uintptr_t); at + sizeof(uintptr_t) <= size;
         at += sizeof(uintptr_t)) {
        uintptr_t word;

        memcpy(&word, (const char *)p->ops + at, sizeof word);
        fn(arg, p->provider->module->name, word);
    }
}

void
ptn_modules_each_function(const struct ptn_modules *m,
                          void (*fn)(void *arg, const char *module,
                                     uintptr_t address),
                          void *arg)
{
    for (size_t i = 0; i < m->ordered; i++) {
        const struct ptn_module *module = m->order[i]->module;

        fn(arg, module->name, (uintptr_t)module->init);
        fn(arg, module->name, (uintptr_t)module->start);
        fn(arg, module->name, (uintptr_t)module->stop);
    }
    for (size_t i = 0; i < m->provided_count; i++)
        each_word(&m->provided[i], fn, arg);
}
