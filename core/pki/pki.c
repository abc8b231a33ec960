/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The certificates in use, and the contexts that listeners show them with.
 * Loop thread.
 *
 * Invariants: a binding's contexts are of its certificates in the order of
 * the config; one that never could be loaded is NULL. Contexts are replaced
 * together, certificate by certificate, after all of them were made. The
 * base context of a binding (`contexts[0]`) decides whether it may serve.
 */
#include "pki/pki.h"
#include "base/map.h"
#include "conf/conf.h"
#include "pki/identity.h"
#include "pki/index.h"
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <postern/log.h>
#include <stdio.h>
#include <sys/stat.h>

/* Listeners with equal TLS settings share one. */
struct ptn_pki_binding {
    struct ptn_pki_binding *next;
    struct ptn_pki *pki;
    const struct ptn_listener_conf *listener; /* the first of them */
    const struct ptn_tls_conf *tls;
    const char *alpn;
    struct used **used;                /* tls->certificates.count of them */
    struct ptn_tls_context **contexts; /* as many, of these */
    struct ptn_index index;            /* of those that are not NULL */
    struct ptn_error problem;
    struct ptn_error misfit; /* its settings fit no context; or no error */
};

/* Where a binding has the context of a certificate. */
struct place {
    struct place *next;
    struct ptn_pki_binding *binding;
    size_t index;
};

/* A certificate that some listener names. */
struct used {
    struct ptn_identity now;  /* what is served; good, or never was */
    struct ptn_identity read; /* what is about to replace it */
    struct place *places;
    size_t place_count;
};

struct ptn_pki {
    struct ptn_identity_source source;
    const struct ptn_conf *conf;
    struct used *used;
    size_t count;
    struct ptn_map by_name; /* of the certificate -> struct used */
    struct ptn_pki_binding *bindings;
    uint8_t tickets[3 * PTN_TLS_TICKET_KEY_SIZE];
    size_t ticket_count;
    bool quiet;          /* another process logs the same */
    bool expect_missing; /* see ptn_pki_expect_missing */
};

static bool
same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool
same_settings(const struct ptn_pki_binding *b, const struct ptn_tls_conf *tls,
              const char *alpn)
{
    const struct ptn_tls_conf *own = b->tls;

    if (own->certificates.count != tls->certificates.count ||
        own->min_version != tls->min_version ||
        own->max_version != tls->max_version ||
        own->alpn_strict != tls->alpn_strict || own->tickets != tls->tickets ||
        !same_text(own->ciphers, tls->ciphers) ||
        !same_text(own->suites, tls->suites) ||
        !same_text(own->groups, tls->groups) || !same_text(b->alpn, alpn))
        return false;
    return memcmp(own->certs, tls->certs,
                  tls->certificates.count * sizeof(struct ptn_cert_conf *)) ==
           0;
}

static const char *
alpn_of(const struct ptn_listener_conf *l)
{
    return l->protocol ? l->protocol->alpn : NULL;
}

struct ptn_pki_binding *
ptn_pki_binding(struct ptn_pki *pki, const struct ptn_listener_conf *l)
{
    struct ptn_pki_binding *b = pki ? pki->bindings : NULL;

    if (l->tls.mode == PTN_TLS_NONE)
        return NULL;
    while (b && !same_settings(b, &l->tls, alpn_of(l)))
        b = b->next;
    return b;
}

static struct used *
use(struct ptn_pki *pki, const struct ptn_cert_conf *conf)
{
    struct used *u = ptn_map_get(&pki->by_name, ptn_slice_of(conf->name));

    if (u)
        return u;
    u = &pki->used[pki->count++];
    u->now.conf = conf;
    ptn_map_put(&pki->by_name, ptn_slice_of(conf->name), u);
    return u;
}

static void
add_place(struct used *u, struct ptn_pki_binding *b, size_t index)
{
    struct place *place = ptn_alloc(sizeof *place);

    *place = (struct place){u->places, b, index};
    u->places = place;
    u->place_count++;
    b->used[index] = u;
}

/* Not so where the configuration is wrong and only looked through. */
static bool
names_known(const struct ptn_tls_conf *tls)
{
    for (size_t i = 0; i < tls->certificates.count; i++)
        if (!tls->certs || !tls->certs[i])
            return false;
    return true;
}

static void
add_binding(struct ptn_pki *pki, const struct ptn_listener_conf *l)
{
    size_t count = l->tls.certificates.count;
    struct ptn_pki_binding *b;

    if (l->tls.mode == PTN_TLS_NONE || !names_known(&l->tls) ||
        ptn_pki_binding(pki, l))
        return;
    b = ptn_alloc(sizeof *b);
    b->pki = pki;
    b->listener = l;
    b->tls = &l->tls;
    b->alpn = alpn_of(l);
    b->index = PTN_INDEX_INIT;
    b->contexts = ptn_alloc((count + 1) * sizeof *b->contexts);
    b->used = ptn_alloc((count + 1) * sizeof *b->used);
    for (size_t i = 0; i < count; i++)
        add_place(use(pki, l->tls.certs[i]), b, i);
    b->next = pki->bindings;
    pki->bindings = b;
}

struct ptn_pki *
ptn_pki_new(const struct ptn_conf *conf, const struct ptn_tls_ops *ops,
            void *instance)
{
    struct ptn_pki *pki = ptn_alloc(sizeof *pki);

    pki->conf = conf;
    pki->source =
        (struct ptn_identity_source){ops, instance, conf->server.state};
    pki->used = ptn_alloc((conf->cert_count + 1) * sizeof *pki->used);
    pki->by_name = PTN_MAP_INIT;
    for (size_t i = 0; i < conf->listener_count; i++)
        add_binding(pki, &conf->listeners[i]);
    return pki;
}

static void
free_binding(struct ptn_pki_binding *b)
{
    const struct ptn_identity_source *source = &b->pki->source;

    for (size_t i = 0; i < b->tls->certificates.count; i++)
        if (b->contexts[i])
            source->ops->context_free(source->instance, b->contexts[i]);
    ptn_index_free(&b->index);
    ptn_free(b->contexts);
    ptn_free(b->used);
    ptn_free(b);
}

static void
free_used(struct used *u)
{
    struct place *next;

    for (struct place *p = u->places; p; p = next) {
        next = p->next;
        ptn_free(p);
    }
    ptn_identity_free(&u->now);
}

void
ptn_pki_free(struct ptn_pki *pki)
{
    struct ptn_pki_binding *next;

    if (!pki)
        return;
    for (struct ptn_pki_binding *b = pki->bindings; b; b = next) {
        next = b->next;
        free_binding(b);
    }
    for (size_t i = 0; i < pki->count; i++)
        free_used(&pki->used[i]);
    ptn_map_free(&pki->by_name);
    ptn_free(pki->used);
    ptn_wipe(pki->tickets, sizeof pki->tickets);
    ptn_free(pki);
}

void
ptn_pki_make_missing(struct ptn_pki *pki)
{
    char folder[PATH_MAX];

    snprintf(folder, sizeof folder, "%s/certs", pki->source.state);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return; /* reading will say it, with the certificate's place */
    for (size_t i = 0; i < pki->count; i++) {
        struct ptn_error err = PTN_ERROR_INIT;
        const struct ptn_cert_conf *conf = pki->used[i].now.conf;

        if (ptn_identity_make(&pki->source, conf, &err) == 0)
            continue;
        err.file = conf->place.file;
        err.line = conf->place.line;
        ptn_log_error(PTN_LOG_ERROR, "certificate.not-made", &err);
    }
}

static struct ptn_tls_context *
choose(void *arg, const struct ptn_tls_hello *hello)
{
    const struct ptn_pki_binding *b = arg;

    return ptn_index_choose(&b->index, hello);
}

static int
make_context(struct ptn_pki_binding *b, const struct ptn_identity *id,
             struct ptn_tls_context **out, struct ptn_error *err)
{
    const struct ptn_identity_source *source = &b->pki->source;
    struct ptn_tls_params params = {
        .size = sizeof params,
        .chain = ptn_buf_slice(&id->chain),
        .key = ptn_buf_slice(&id->key),
        .min_version = (enum ptn_tls_version)b->tls->min_version,
        .max_version = (enum ptn_tls_version)b->tls->max_version,
        .ciphers = b->tls->ciphers,
        .suites = b->tls->suites,
        .groups = b->tls->groups,
        .alpn = b->alpn,
        .alpn_strict = b->tls->alpn_strict,
        .tickets = b->tls->tickets,
        .choose = b->tls->certificates.count > 1 ? choose : NULL,
        .choose_arg = b,
    };

    if (source->ops->context_new(source->instance, &params, out, err) != 0)
        return -1;
    if (b->tls->tickets && b->pki->ticket_count > 0)
        source->ops->context_tickets(source->instance, *out, b->pki->tickets,
                                     b->pki->ticket_count);
    return 0;
}

static void
rebuild_index(struct ptn_pki_binding *b)
{
    ptn_index_free(&b->index);
    b->index = PTN_INDEX_INIT;
    for (size_t i = 0; i < b->tls->certificates.count; i++)
        if (b->contexts[i])
            ptn_index_add(&b->index, b->contexts[i], &b->used[i]->now.facts);
}

static void
put_context(const struct place *p, struct ptn_tls_context *context)
{
    struct ptn_pki_binding *b = p->binding;
    struct ptn_tls_context **slot = &b->contexts[p->index];

    if (*slot)
        b->pki->source.ops->context_free(b->pki->source.instance, *slot);
    *slot = context;
}

/* Whether it is the settings of the place that fit no context, and not what
 * was read: without them there is one. A place that serves already counts as
 * fit, so that what is unfit for it does not replace what it serves. */
static bool
is_misfit(const struct ptn_pki *pki, const struct place *p,
          const struct ptn_identity *id)
{
    const struct ptn_identity_source *source = &pki->source;
    struct ptn_tls_params plain = {
        .size = sizeof plain,
        .chain = ptn_buf_slice(&id->chain),
        .key = ptn_buf_slice(&id->key),
        .min_version = (enum ptn_tls_version)p->binding->tls->min_version,
        .max_version = (enum ptn_tls_version)p->binding->tls->max_version,
    };
    struct ptn_tls_context *context;
    struct ptn_error ignored = PTN_ERROR_INIT;

    if (p->binding->contexts[p->index] ||
        source->ops->context_new(source->instance, &plain, &context,
                                 &ignored) != 0)
        return false;
    source->ops->context_free(source->instance, context);
    return true;
}

static void
note_misfit(struct ptn_pki_binding *b, const struct ptn_error *err)
{
    b->misfit = *err;
    ptn_error_prefix(&b->misfit, "listeners.%s.tls", b->listener->name);
    b->misfit.file = b->listener->place.file;
    b->misfit.line = b->listener->place.line;
}

/* Makes what was read into what is served, in all places or, with -1, as it
 * is unfit for one of them, in none. A place whose settings are wrong keeps
 * nobody else from it. */
static int
activate(struct ptn_pki *pki, struct used *u, struct ptn_error *err)
{
    const struct ptn_identity_source *source = &pki->source;
    struct ptn_tls_context **made =
        ptn_alloc((u->place_count + 1) * sizeof *made);
    size_t count = 0;

    for (struct place *p = u->places; p; p = p->next, count++) {
        if (make_context(p->binding, &u->read, &made[count], err) == 0)
            continue;
        if (!is_misfit(pki, p, &u->read))
            break;
        note_misfit(p->binding, err);
        made[count] = NULL;
    }
    if (count == u->place_count) {
        count = 0;
        for (struct place *p = u->places; p; p = p->next, count++)
            if (made[count])
                put_context(p, made[count]);
        ptn_free(made);
        return 0;
    }
    while (count-- > 0)
        if (made[count])
            source->ops->context_free(source->instance, made[count]);
    ptn_free(made);
    return -1;
}

static void
log_refused(const struct ptn_pki *pki, const struct ptn_identity *id)
{
    if (!pki->quiet)
        ptn_log_error(PTN_LOG_ERROR, "certificate.refused", &id->problem);
}

static void
log_served(const struct ptn_pki *pki, const struct ptn_identity *id)
{
    if (pki->quiet)
        return;
    ptn_log(PTN_LOG_INFO, "certificate.loaded",
            PTN_FS("certificate", id->conf->name),
            PTN_FS("fingerprint", id->facts.fingerprint));
    ptn_identity_warn(id);
}

static void
note_problem(struct used *u, struct ptn_error *err)
{
    ptn_error_prefix(err, "certificates.%s", u->read.conf->name);
    err->file = u->read.conf->place.file;
    err->line = u->read.conf->place.line;
    u->read.problem = *err;
}

static bool
is_unchanged(const struct used *u)
{
    return u->now.good && ptn_slice_eq(ptn_buf_slice(&u->now.chain),
                                       ptn_buf_slice(&u->read.chain));
}

/* Reads one certificate and serves it if it is good and new. -1: what was
 * found is of no use; the old one, if any, is still served. */
static int
refresh(struct ptn_pki *pki, struct used *u)
{
    const struct ptn_cert_conf *conf = u->now.conf;
    struct ptn_error err = PTN_ERROR_INIT;
    int result;

    if (pki->expect_missing && ptn_identity_will_be_made(&pki->source, conf))
        return 0;
    result = ptn_identity_read(&pki->source, conf, &u->read);
    if (result == 0 && !is_unchanged(u)) {
        result = activate(pki, u, &err);
        if (result != 0)
            note_problem(u, &err);
    }
    if (result != 0) {
        log_refused(pki, &u->read);
        if (!u->now.good)
            u->now.problem = u->read.problem;
    } else if (!is_unchanged(u)) {
        ptn_identity_free(&u->now);
        ptn_identity_wipe(&u->read);
        u->now = u->read;
        log_served(pki, &u->now);
        return 0;
    }
    ptn_identity_free(&u->read);
    return result;
}

static void
conclude(struct ptn_pki_binding *b)
{
    rebuild_index(b);
    b->problem = PTN_ERROR_INIT;
    if (!b->contexts[0])
        b->problem = b->used[0]->now.good ? b->misfit : b->used[0]->now.problem;
}

unsigned
ptn_pki_reload(struct ptn_pki *pki)
{
    unsigned refused = 0;

    for (size_t i = 0; i < pki->count; i++)
        if (refresh(pki, &pki->used[i]) != 0)
            refused++;
    for (struct ptn_pki_binding *b = pki->bindings; b; b = b->next)
        conclude(b);
    return refused;
}

void
ptn_pki_load(struct ptn_pki *pki)
{
    (void)ptn_pki_reload(pki); /* the bindings know what was refused */
}

void
ptn_pki_expect_missing(struct ptn_pki *pki)
{
    pki->expect_missing = pki->quiet = true;
}

void
ptn_pki_set_quiet(struct ptn_pki *pki, bool quiet)
{
    pki->quiet = quiet;
}

const struct ptn_error *
ptn_pki_problem(const struct ptn_pki_binding *b)
{
    return b->problem.code == PTN_ERR_NONE ? NULL : &b->problem;
}

struct ptn_tls_context *
ptn_pki_context(const struct ptn_pki_binding *b, const struct ptn_tls_ops **ops,
                void **instance)
{
    *ops = b->pki->source.ops;
    *instance = b->pki->source.instance;
    return b->contexts[0];
}

void
ptn_pki_set_tickets(struct ptn_pki *pki, const uint8_t *keys, size_t count)
{
    const struct ptn_identity_source *source = &pki->source;

    assert(count <= 3);
    memcpy(pki->tickets, keys, count * PTN_TLS_TICKET_KEY_SIZE);
    pki->ticket_count = count;
    for (struct ptn_pki_binding *b = pki->bindings; b; b = b->next)
        for (size_t i = 0; i < b->tls->certificates.count; i++)
            if (b->tls->tickets && b->contexts[i])
                source->ops->context_tickets(source->instance, b->contexts[i],
                                             pki->tickets, count);
}

void
ptn_pki_each(const struct ptn_pki *pki,
             void (*fn)(void *arg, const char *name,
                        const struct ptn_tls_cert *cert,
                        const struct ptn_error *problem),
             void *arg)
{
    for (size_t i = 0; i < pki->count; i++) {
        const struct ptn_identity *id = &pki->used[i].now;

        fn(arg, id->conf->name, id->good ? &id->facts : NULL,
           id->good ? NULL : &id->problem);
    }
}

void
ptn_pki_each_misfit(const struct ptn_pki *pki,
                    void (*fn)(void *arg, const struct ptn_error *problem),
                    void *arg)
{
    for (const struct ptn_pki_binding *b = pki->bindings; b; b = b->next)
        if (b->misfit.code != PTN_ERR_NONE)
            fn(arg, &b->misfit);
}
