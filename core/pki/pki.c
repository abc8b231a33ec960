/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The certificates in use, and the contexts that listeners show them with.
 * Loop thread.
 *
 * Invariants: a binding's contexts are of its certificates in the order of
 * the config; one that never could be loaded is NULL. Contexts are made one
 * certificate after another, in as many steps as the caller likes, and then
 * replaced all at once. The base context of a binding (`contexts[0]`) decides
 * whether it may serve. No private key comes here: a handshake has its
 * signature made by the keyring.
 */
#include "pki/pki.h"
#include "base/clock.h"
#include "base/map.h"
#include "conf/conf.h"
#include "pki/clients.h"
#include "pki/identity.h"
#include "pki/index.h"
#include <assert.h>
#include <postern/log.h>

enum {
    SEAL_GRACE_MS = 60000, /* after the last handshake that may use it */
};

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
    struct ptn_clients clients, read_clients;
    struct ptn_error clients_problem; /* with the files of the above */
    bool clients_new;                 /* read_clients is to replace clients */
    struct ptn_pki_choice choice;     /* of the last handshake */
    struct ptn_error problem;
    struct ptn_error misfit; /* its settings fit no context; or no error */
};

/* Where a binding has the context of a certificate. */
struct place {
    struct place *next;
    struct ptn_pki_binding *binding;
    size_t index;
};

/* What a context signs with: it names the key, and lives as long as a
 * handshake may go on that has begun with the context. */
struct seal {
    struct seal *next; /* of those that are retired */
    struct ptn_pki *pki;
    uint64_t retired; /* ptn_clock_ms */
    uint8_t fingerprint[PTN_FINGERPRINT_SIZE];
};

/* A certificate that some listener names. */
struct used {
    struct ptn_identity now;  /* what is served; good, or never was */
    struct ptn_identity read; /* what is about to replace it */
    struct seal *seal, *read_seal;
    struct ptn_tls_context **made; /* of `read`, as many as places, or NULL */
    struct place *places;
    size_t place_count;
};

struct ptn_pki {
    const struct ptn_tls_ops *ops;
    void *instance;
    struct ptn_keyring keyring;
    const struct ptn_conf *conf;
    struct used *used;
    size_t count;
    struct ptn_map by_name; /* of the certificate -> struct used */
    struct ptn_pki_binding *bindings;
    uint8_t tickets[3 * PTN_TLS_TICKET_KEY_SIZE];
    size_t ticket_count;
    bool quiet;     /* another process logs the same */
    size_t next;    /* the certificate that the refresh in hand comes to */
    bool unsettled; /* not everything was as the keyring has it */
    unsigned refused;
    struct seal *retired;
    uint64_t patience; /* ms that a handshake may take */
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
        own->client != tls->client ||
        !same_text(own->client_ca, tls->client_ca) ||
        !same_text(own->client_crl, tls->client_crl) ||
        !same_text(own->client_map, tls->client_map) ||
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
    b->clients = b->read_clients = PTN_CLIENTS_INIT;
    b->contexts = ptn_alloc((count + 1) * sizeof *b->contexts);
    b->used = ptn_alloc((count + 1) * sizeof *b->used);
    for (size_t i = 0; i < count; i++)
        add_place(use(pki, l->tls.certs[i]), b, i);
    b->next = pki->bindings;
    pki->bindings = b;
}

static uint64_t
longest_handshake(const struct ptn_conf *conf)
{
    uint64_t longest = 0;

    for (size_t i = 0; i < conf->listener_count; i++)
        if (conf->listeners[i].limits.handshake_timeout > longest)
            longest = conf->listeners[i].limits.handshake_timeout;
    return longest;
}

struct ptn_pki *
ptn_pki_new(const struct ptn_conf *conf, const struct ptn_tls_ops *ops,
            void *instance, const struct ptn_keyring *keyring)
{
    struct ptn_pki *pki = ptn_alloc(sizeof *pki);

    pki->conf = conf;
    pki->ops = ops;
    pki->instance = instance;
    pki->keyring = *keyring;
    pki->patience = longest_handshake(conf);
    pki->used = ptn_alloc((conf->cert_count + 1) * sizeof *pki->used);
    pki->by_name = PTN_MAP_INIT;
    for (size_t i = 0; i < conf->listener_count; i++)
        add_binding(pki, &conf->listeners[i]);
    pki->next = pki->count;
    return pki;
}

static void
free_binding(struct ptn_pki_binding *b)
{
    for (size_t i = 0; i < b->tls->certificates.count; i++)
        if (b->contexts[i])
            b->pki->ops->context_free(b->pki->instance, b->contexts[i]);
    ptn_index_free(&b->index);
    ptn_clients_free(&b->clients);
    ptn_clients_free(&b->read_clients);
    ptn_free(b->contexts);
    ptn_free(b->used);
    ptn_free(b);
}

/* Contexts that will not be used after all. */
static void
drop_made(struct ptn_pki *pki, struct used *u)
{
    for (size_t i = 0; u->made && i < u->place_count; i++)
        if (u->made[i])
            pki->ops->context_free(pki->instance, u->made[i]);
    ptn_free(u->made);
    u->made = NULL;
    ptn_free(u->read_seal);
    u->read_seal = NULL;
    ptn_identity_free(&u->read);
    u->read = (struct ptn_identity){0};
}

static void
free_used(struct ptn_pki *pki, struct used *u)
{
    struct place *next;

    drop_made(pki, u);
    for (struct place *p = u->places; p; p = next) {
        next = p->next;
        ptn_free(p);
    }
    ptn_identity_free(&u->now);
    ptn_free(u->seal);
}

/* Frees what was retired before `moment`. */
static void
free_seals(struct ptn_pki *pki, uint64_t moment)
{
    struct seal **link = &pki->retired;

    while (*link) {
        struct seal *seal = *link;

        if (seal->retired >= moment) {
            link = &seal->next;
            continue;
        }
        *link = seal->next;
        ptn_free(seal);
    }
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
        free_used(pki, &pki->used[i]);
    free_seals(pki, UINT64_MAX);
    ptn_map_free(&pki->by_name);
    ptn_free(pki->used);
    ptn_wipe(pki->tickets, sizeof pki->tickets);
    ptn_free(pki);
}

static struct ptn_tls_context *
choose(void *arg, const struct ptn_tls_hello *hello)
{
    struct ptn_pki_binding *b = arg;
    enum ptn_index_rule rule;
    const struct ptn_index_entry *entry =
        ptn_index_choose(&b->index, hello, &rule);

    b->choice =
        (struct ptn_pki_choice){entry ? entry->number : 0, (uint8_t)rule};
    return entry ? entry->context : NULL;
}

static int
sign(void *arg, const struct ptn_tls_to_sign *what, struct ptn_buf *signature)
{
    const struct seal *seal = arg;
    const struct ptn_keyring *keyring = &seal->pki->keyring;

    return keyring->sign(keyring->arg, seal->fingerprint, what, signature);
}

/* A context needs at least these. */
static struct ptn_tls_params
plain_params(const struct ptn_pki_binding *b, const struct used *u)
{
    return (struct ptn_tls_params){
        .size = sizeof(struct ptn_tls_params),
        .chain = ptn_buf_slice(&u->read.chain),
        .min_version = (enum ptn_tls_version)b->tls->min_version,
        .max_version = (enum ptn_tls_version)b->tls->max_version,
        .sign = sign,
        .sign_arg = u->read_seal,
    };
}

static int
make_context(struct ptn_pki_binding *b, const struct used *u,
             struct ptn_tls_context **out, struct ptn_error *err)
{
    const struct ptn_pki *pki = b->pki;
    struct ptn_tls_params params = plain_params(b, u);
    const struct ptn_clients *clients =
        b->clients_new ? &b->read_clients : &b->clients;

    if (b->clients_problem.code != PTN_ERR_NONE) {
        *err = b->clients_problem;
        return -1;
    }
    params.peer = (enum ptn_tls_peer)b->tls->client;
    params.ca = ptn_buf_slice(&clients->ca);
    params.crl = ptn_buf_slice(&clients->crl);
    params.ciphers = b->tls->ciphers;
    params.suites = b->tls->suites;
    params.groups = b->tls->groups;
    params.alpn = b->alpn;
    params.alpn_strict = b->tls->alpn_strict;
    params.tickets = b->tls->tickets;
    params.choose = b->tls->certificates.count > 1 ? choose : NULL;
    params.choose_arg = b;
    if (pki->ops->context_new(pki->instance, &params, out, err) != 0)
        return -1;
    if (b->tls->tickets && pki->ticket_count > 0)
        pki->ops->context_tickets(pki->instance, *out, pki->tickets,
                                  pki->ticket_count);
    return 0;
}

static void
rebuild_index(struct ptn_pki_binding *b)
{
    ptn_index_free(&b->index);
    b->index = PTN_INDEX_INIT;
    for (size_t i = 0; i < b->tls->certificates.count; i++)
        if (b->contexts[i])
            ptn_index_add(&b->index, (uint32_t)i, b->contexts[i],
                          &b->used[i]->now.facts);
}

static void
put_context(const struct place *p, struct ptn_tls_context *context)
{
    const struct ptn_pki *pki = p->binding->pki;
    struct ptn_tls_context **slot = &p->binding->contexts[p->index];

    if (*slot)
        pki->ops->context_free(pki->instance, *slot);
    *slot = context;
}

/* Whether it is the settings of the place that fit no context, and not what
 * was read: without them there is one. A place that serves already counts as
 * fit, so that what is unfit for it does not replace what it serves. */
static bool
is_misfit(const struct ptn_pki *pki, const struct place *p,
          const struct used *u)
{
    struct ptn_tls_params plain = plain_params(p->binding, u);
    struct ptn_tls_context *context;
    struct ptn_error ignored = PTN_ERROR_INIT;

    if (p->binding->contexts[p->index] ||
        pki->ops->context_new(pki->instance, &plain, &context, &ignored) != 0)
        return false;
    pki->ops->context_free(pki->instance, context);
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

/* Makes the contexts of what was read, for all places, or says with -1 that
 * it is unfit for one of them. A place whose settings are wrong keeps nobody
 * else from it. */
static int
make_contexts(struct ptn_pki *pki, struct used *u, struct ptn_error *err)
{
    size_t count = 0;

    u->made = ptn_alloc((u->place_count + 1) * sizeof *u->made);
    for (struct place *p = u->places; p; p = p->next, count++) {
        if (make_context(p->binding, u, &u->made[count], err) == 0)
            continue;
        u->made[count] = NULL;
        if (!is_misfit(pki, p, u))
            return -1;
        note_misfit(p->binding, err);
    }
    return 0;
}

static void
log_refused(const struct ptn_pki *pki, const struct ptn_identity *id)
{
    if (!pki->quiet)
        ptn_log_error(PTN_LOG_ERROR, "certificate.refused", &id->problem);
}

static int
note_problem(struct used *u, struct ptn_error *err)
{
    err->file = u->now.conf->place.file;
    err->line = u->now.conf->place.line;
    u->read.problem = *err;
    if (!u->now.good)
        u->now.problem = *err;
    return -1;
}

/* Nothing new: neither the chain, nor what its places know of clients. */
static bool
is_unchanged(const struct used *u)
{
    for (const struct place *p = u->places; p; p = p->next)
        if (p->binding->clients_new)
            return false;
    return u->now.good && ptn_slice_eq(ptn_buf_slice(&u->now.chain),
                                       ptn_buf_slice(&u->read.chain));
}

/* Reads the chain's facts and makes what serves it. */
static int
prepare(struct ptn_pki *pki, struct used *u)
{
    struct ptn_error err = PTN_ERROR_INIT;

    u->read_seal = ptn_alloc(sizeof *u->read_seal);
    u->read_seal->pki = pki;
    if (!(pki->ops->capability & PTN_TLS_CAP_REMOTE_SIGN))
        ptn_error_set(&err, PTN_ERR_TLS,
                      "%s cannot let others sign; load another module for TLS",
                      pki->ops->name);
    else if (pki->ops->cert_parse(pki->instance, ptn_buf_slice(&u->read.chain),
                                  &u->read.facts, &err) == 0 &&
             ptn_fingerprint_parse(u->read.facts.fingerprint,
                                   u->read_seal->fingerprint) &&
             make_contexts(pki, u, &err) == 0)
        return 0;
    ptn_error_prefix(&err, "certificates.%s", u->now.conf->name);
    return note_problem(u, &err);
}

/* Gets one certificate and prepares it, if it is new. What is of no use
 * leaves the old one, if any, in service. */
static void
refresh(struct ptn_pki *pki, struct used *u)
{
    struct ptn_error err = PTN_ERROR_INIT;
    enum ptn_keyring_result result;

    drop_made(pki, u);
    u->read = (struct ptn_identity){.conf = u->now.conf};
    result = pki->keyring.load(pki->keyring.arg, u->now.conf->name,
                               &u->read.chain, &err);
    if (result == PTN_KEYRING_GOOD && !is_unchanged(u)) {
        if (prepare(pki, u) == 0) {
            u->read.good = true;
            return;
        }
        pki->unsettled = true;
        pki->refused++;
        log_refused(pki, &u->read);
    } else if (result == PTN_KEYRING_REFUSED || result == PTN_KEYRING_AWAY) {
        pki->unsettled = true;
        note_problem(u, &err); /* who refused it has logged it */
    }
    drop_made(pki, u);
}

/* What was prepared is served from now on. */
static void
activate(struct ptn_pki *pki, struct used *u)
{
    size_t i = 0;

    if (!u->read.good)
        return;
    for (struct place *p = u->places; p; p = p->next, i++)
        if (u->made[i])
            put_context(p, u->made[i]);
    ptn_free(u->made);
    u->made = NULL;
    if (u->seal) {
        u->seal->retired = ptn_clock_ms();
        u->seal->next = pki->retired;
        pki->retired = u->seal;
    }
    u->seal = u->read_seal;
    u->read_seal = NULL;
    ptn_identity_free(&u->now);
    u->now = u->read;
    u->read = (struct ptn_identity){0};
}

static void
take_clients(struct ptn_pki_binding *b)
{
    ptn_clients_free(&b->clients);
    b->clients = b->read_clients;
    b->read_clients = PTN_CLIENTS_INIT;
    b->clients_new = false;
}

static void
conclude(struct ptn_pki_binding *b)
{
    if (b->clients_new)
        take_clients(b);
    rebuild_index(b);
    b->problem = PTN_ERROR_INIT;
    if (!b->contexts[0])
        b->problem = b->used[0]->now.good ? b->misfit : b->used[0]->now.problem;
}

static void
conclude_all(struct ptn_pki *pki)
{
    uint64_t grace = 2 * pki->patience + SEAL_GRACE_MS;
    uint64_t now = ptn_clock_ms();

    for (size_t i = 0; i < pki->count; i++)
        activate(pki, &pki->used[i]);
    for (struct ptn_pki_binding *b = pki->bindings; b; b = b->next)
        conclude(b);
    free_seals(pki, now > grace ? now - grace : 0);
    pki->keyring.settle(pki->keyring.arg, !pki->unsettled);
}

/* Files that cannot be read change nothing for a binding that serves. */
static void
read_clients(struct ptn_pki_binding *b)
{
    struct ptn_error err = PTN_ERROR_INIT;
    int result;

    ptn_clients_free(&b->read_clients);
    result = ptn_clients_read(b->tls, &b->read_clients, &err);
    b->clients_new = result == 0;
    if (result != 0)
        note_misfit(b, &err);
    if (result == 0 || !b->contexts[0])
        b->clients_problem = err;
    if (result != 0 && b->contexts[0] && !b->pki->quiet)
        ptn_log_error(PTN_LOG_ERROR, "tls.client-files-refused", &b->misfit);
    /* A new map needs no new contexts. */
    if (result == 0 && b->contexts[0] &&
        ptn_clients_same(&b->clients, &b->read_clients))
        take_clients(b);
}

void
ptn_pki_refresh_begin(struct ptn_pki *pki)
{
    for (struct ptn_pki_binding *b = pki->bindings; b; b = b->next)
        read_clients(b);
    pki->next = 0;
    pki->refused = 0;
    pki->unsettled = false;
}

bool
ptn_pki_refresh_step(struct ptn_pki *pki, uint64_t microseconds)
{
    uint64_t end = ptn_clock_us() + microseconds;

    while (pki->next < pki->count) {
        refresh(pki, &pki->used[pki->next++]);
        if (pki->next < pki->count && ptn_clock_us() >= end)
            return false;
    }
    conclude_all(pki);
    return true;
}

unsigned
ptn_pki_refused(const struct ptn_pki *pki)
{
    return pki->refused;
}

unsigned
ptn_pki_reload(struct ptn_pki *pki)
{
    ptn_pki_refresh_begin(pki);
    (void)ptn_pki_refresh_step(pki, UINT64_MAX / 2);
    return pki->refused;
}

void
ptn_pki_load(struct ptn_pki *pki)
{
    (void)ptn_pki_reload(pki); /* the bindings know what was refused */
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

struct ptn_pki_choice
ptn_pki_choice(struct ptn_pki_binding *b)
{
    struct ptn_pki_choice choice = b->choice;

    b->choice = (struct ptn_pki_choice){0, PTN_INDEX_ONLY};
    return choice;
}

const char *
ptn_pki_choice_name(const struct ptn_pki_binding *b,
                    struct ptn_pki_choice choice)
{
    return b->tls->certificates.items[choice.number];
}

const char *
ptn_pki_user(const struct ptn_pki_binding *b, const struct ptn_tls_info *info)
{
    return ptn_clients_user(&b->clients, b->tls, info);
}

struct ptn_tls_context *
ptn_pki_context(const struct ptn_pki_binding *b, const struct ptn_tls_ops **ops,
                void **instance)
{
    *ops = b->pki->ops;
    *instance = b->pki->instance;
    return b->contexts[0];
}

void
ptn_pki_set_tickets(struct ptn_pki *pki, const uint8_t *keys, size_t count)
{
    assert(count <= 3);
    memcpy(pki->tickets, keys, count * PTN_TLS_TICKET_KEY_SIZE);
    pki->ticket_count = count;
    for (struct ptn_pki_binding *b = pki->bindings; b; b = b->next)
        for (size_t i = 0; i < b->tls->certificates.count; i++)
            if (b->tls->tickets && b->contexts[i])
                pki->ops->context_tickets(pki->instance, b->contexts[i],
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
