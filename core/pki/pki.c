/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The certificates in use, and the contexts that listeners show them with.
 * Loop thread.
 *
 * Invariants: a binding's contexts are of its certificates in the order of
 * the config; one that never could be loaded is NULL. Contexts are made one
 * certificate after another, in as many steps as the caller likes, and then
 * replaced all at once. The base context of a binding (`contexts[base]`)
 * decides whether it may serve. No private key comes here: a handshake has its
 * signature made by the keyring.
 */
#include "base/cidr.h"
#include "base/clock.h"
#include "pki/pki_inner.h"
#include <arpa/inet.h>
#include <assert.h>

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
        own->client != tls->client || own->legacy != tls->legacy ||
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

static struct ptn_pki_used *
use(struct ptn_pki *pki, const struct ptn_cert_conf *conf)
{
    struct ptn_pki_used *u =
        ptn_map_get(&pki->by_name, ptn_slice_of(conf->name));

    if (u)
        return u;
    u = &pki->used[pki->count++];
    u->now.conf = conf;
    ptn_map_put(&pki->by_name, ptn_slice_of(conf->name), u);
    return u;
}

static void
add_place(struct ptn_pki_used *u, struct ptn_pki_binding *b, size_t index)
{
    struct ptn_pki_place *place = ptn_alloc(sizeof *place);

    *place = (struct ptn_pki_place){u->places, b, index};
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

static struct ptn_pki_binding *
new_binding(struct ptn_pki *pki, const struct ptn_listener_conf *l)
{
    struct ptn_pki_binding *b = ptn_alloc(sizeof *b);
    size_t count = l->tls.certificates.count;

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
    return b;
}

static bool
is_over(const struct ptn_tls_legacy_conf *legacy)
{
    return ptn_clock_wall_ms() / 1000 >= legacy->ends;
}

/* The same once more, with the versions and ciphers of the exception. */
static void
add_exception(struct ptn_pki_binding *b)
{
    const struct ptn_tls_legacy_conf *legacy = b->tls->legacy;
    struct ptn_pki_binding *x;

    if (!legacy || is_over(legacy))
        return;
    x = new_binding(b->pki, b->listener);
    x->own_tls = *b->tls;
    x->own_tls.min_version = legacy->min_version;
    x->own_tls.ciphers = legacy->ciphers;
    x->own_tls.legacy = NULL;
    /* What was agreed on here is resumed neither elsewhere nor afterwards. */
    x->own_tls.tickets = false;
    x->tls = &x->own_tls;
    b->exception = x;
}

static void
add_binding(struct ptn_pki *pki, const struct ptn_listener_conf *l)
{
    if (l->tls.mode != PTN_TLS_NONE && names_known(&l->tls) &&
        !ptn_pki_binding(pki, l))
        add_exception(new_binding(pki, l));
}

static bool
address_of(const char *text, struct sockaddr_storage *out)
{
    struct sockaddr_in *four = (struct sockaddr_in *)out;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
    bool is_six = strchr(text, ':') != NULL;

    memset(out, 0, sizeof *out);
    out->ss_family = is_six ? AF_INET6 : AF_INET;
    return is_six ? inet_pton(AF_INET6, text, &six->sin6_addr) == 1
                  : inet_pton(AF_INET, text, &four->sin_addr) == 1;
}

bool
ptn_pki_is_excepted(const struct ptn_pki_binding *b, const char *peer)
{
    const struct ptn_tls_legacy_conf *legacy = b->tls->legacy;
    struct sockaddr_storage address;

    return b->exception && !is_over(legacy) &&
           b->exception->contexts[b->exception->base] &&
           address_of(peer, &address) &&
           ptn_cidr_has(legacy->cidrs, legacy->networks.count, &address);
}

struct ptn_pki_binding *
ptn_pki_exception_of(const struct ptn_pki_binding *b)
{
    return b->exception;
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
    pki->challenges = (ops->capability & PTN_TLS_CAP_ALPN_NAMES) &&
                      keyring->challenge && ptn_conf_has_errands(conf);
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
    ptn_pki_drop_challenge(b);
    ptn_index_free(&b->index);
    ptn_clients_free(&b->clients);
    ptn_clients_free(&b->read_clients);
    ptn_free(b->contexts);
    ptn_free(b->used);
    ptn_free(b);
}

static void
free_used(struct ptn_pki *pki, struct ptn_pki_used *u)
{
    struct ptn_pki_place *next;

    ptn_pki_drop_made(pki, u);
    for (struct ptn_pki_place *p = u->places; p; p = next) {
        next = p->next;
        ptn_free(p);
    }
    ptn_identity_free(&u->now);
    ptn_buf_free(&u->staple);
    ptn_free(u->seal);
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
    ptn_pki_free_seals(pki, UINT64_MAX);
    ptn_map_free(&pki->by_name);
    ptn_free(pki->used);
    ptn_wipe(pki->tickets, sizeof pki->tickets);
    ptn_free(pki);
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

    b->choice = (struct ptn_pki_choice){(uint32_t)b->base, PTN_INDEX_ONLY};
    return choice;
}

const char *
ptn_pki_choice_name(const struct ptn_pki_binding *b,
                    struct ptn_pki_choice choice)
{
    return choice.rule == PTN_INDEX_CHALLENGE
               ? "(challenge)"
               : b->tls->certificates.items[choice.number];
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
    return b->contexts[b->base];
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
