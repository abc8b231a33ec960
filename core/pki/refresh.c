/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Making contexts of what the keyring has, and serving them: one certificate
 * after another, in as many steps as the caller likes, and then all at once.
 * Loop thread.
 */
#include "base/clock.h"
#include "pki/pki_inner.h"
#include <postern/log.h>

enum {
    SEAL_GRACE_MS = 60000, /* after the last handshake that may use it */
};

void
ptn_pki_drop_made(struct ptn_pki *pki, struct ptn_pki_used *u)
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
    ptn_buf_free(&u->read_staple);
}

void
ptn_pki_free_seals(struct ptn_pki *pki, uint64_t moment)
{
    struct ptn_pki_seal **link = &pki->retired;

    while (*link) {
        struct ptn_pki_seal *seal = *link;

        if (seal->retired >= moment) {
            link = &seal->next;
            continue;
        }
        *link = seal->next;
        ptn_free(seal);
    }
}

void
ptn_pki_free_old_seals(struct ptn_pki *pki)
{
    uint64_t grace = 2 * pki->patience + SEAL_GRACE_MS;
    uint64_t now = ptn_clock_ms();

    ptn_pki_free_seals(pki, now > grace ? now - grace : 0);
}

void
ptn_pki_retire_seal(struct ptn_pki *pki, struct ptn_pki_seal *seal)
{
    seal->retired = ptn_clock_ms();
    seal->next = pki->retired;
    pki->retired = seal;
}

static struct ptn_tls_context *
choose(void *arg, const struct ptn_tls_hello *hello)
{
    struct ptn_pki_binding *b = arg;
    enum ptn_index_rule rule;
    const struct ptn_index_entry *entry;

    if (ptn_pki_wants_challenge(b->pki, hello))
        return ptn_pki_choose_challenge(b, hello);
    if (b->tls->certificates.count < 2)
        return NULL;
    entry = ptn_index_choose(&b->index, hello, &rule);
    b->choice =
        (struct ptn_pki_choice){entry ? entry->number : 0, (uint8_t)rule};
    return entry ? entry->context : NULL;
}

int
ptn_pki_sign(void *arg, const struct ptn_tls_to_sign *what,
             struct ptn_buf *signature)
{
    const struct ptn_pki_seal *seal = arg;
    const struct ptn_keyring *keyring = &seal->pki->keyring;

    return keyring->sign(keyring->arg, seal->fingerprint, what, signature);
}

/* A context needs at least these. */
static struct ptn_tls_params
plain_params(const struct ptn_pki_binding *b, const struct ptn_pki_used *u)
{
    return (struct ptn_tls_params){
        .size = sizeof(struct ptn_tls_params),
        .chain = ptn_buf_slice(&u->read.chain),
        .min_version = (enum ptn_tls_version)b->tls->min_version,
        .max_version = (enum ptn_tls_version)b->tls->max_version,
        .sign = ptn_pki_sign,
        .sign_arg = u->read_seal,
    };
}

static int
make_context(struct ptn_pki_binding *b, const struct ptn_pki_used *u,
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
    if (pki->ops->capability & PTN_TLS_CAP_STAPLE)
        params.ocsp = ptn_buf_slice(&u->read_staple);
    if (b->tls->certificates.count > 1 || pki->challenges)
        params.choose = choose;
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
put_context(const struct ptn_pki_place *p, struct ptn_tls_context *context)
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
is_misfit(const struct ptn_pki *pki, const struct ptn_pki_place *p,
          const struct ptn_pki_used *u)
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
make_contexts(struct ptn_pki *pki, struct ptn_pki_used *u,
              struct ptn_error *err)
{
    size_t count = 0;

    u->made = ptn_alloc((u->place_count + 1) * sizeof *u->made);
    for (struct ptn_pki_place *p = u->places; p; p = p->next, count++) {
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
note_problem(struct ptn_pki_used *u, struct ptn_error *err)
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
is_unchanged(const struct ptn_pki_used *u)
{
    for (const struct ptn_pki_place *p = u->places; p; p = p->next)
        if (p->binding->clients_new)
            return false;
    return u->now.good &&
           ptn_slice_eq(ptn_buf_slice(&u->now.chain),
                        ptn_buf_slice(&u->read.chain)) &&
           ptn_slice_eq(ptn_buf_slice(&u->staple),
                        ptn_buf_slice(&u->read_staple));
}

/* Reads the chain's facts and makes what serves it. */
static int
prepare(struct ptn_pki *pki, struct ptn_pki_used *u)
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

static void
load_staple(const struct ptn_pki *pki, struct ptn_pki_used *u)
{
    uint8_t fingerprint[PTN_FINGERPRINT_SIZE];
    struct ptn_tls_cert facts = {.not_before = 0};
    struct ptn_error ignored = PTN_ERROR_INIT;

    if (u->now.conf->ocsp == PTN_OCSP_OFF ||
        pki->ops->cert_parse(pki->instance, ptn_buf_slice(&u->read.chain),
                             &facts, &ignored) != 0 ||
        !ptn_fingerprint_parse(facts.fingerprint, fingerprint) ||
        !pki->keyring.staple(pki->keyring.arg, u->now.conf->name, fingerprint,
                             &u->read_staple))
        ptn_buf_free(&u->read_staple);
}

/* Gets one certificate and prepares it, if it is new. What is of no use
 * leaves the old one, if any, in service. */
static void
refresh(struct ptn_pki *pki, struct ptn_pki_used *u)
{
    struct ptn_error err = PTN_ERROR_INIT;
    enum ptn_keyring_result result;

    ptn_pki_drop_made(pki, u);
    u->wanted = u->unsettled = false;
    u->read = (struct ptn_identity){.conf = u->now.conf};
    result = pki->keyring.load(pki->keyring.arg, u->now.conf->name,
                               &u->read.chain, &err);
    if (result == PTN_KEYRING_GOOD)
        load_staple(pki, u);
    if (result == PTN_KEYRING_GOOD && !is_unchanged(u)) {
        if (prepare(pki, u) == 0) {
            u->read.good = true;
            return;
        }
        u->unsettled = true;
        pki->refused++;
        log_refused(pki, &u->read);
    } else if (result == PTN_KEYRING_REFUSED || result == PTN_KEYRING_AWAY ||
               result == PTN_KEYRING_LOCKED) {
        if (result != PTN_KEYRING_LOCKED) /* it never was in use */
            u->unsettled = true;
        note_problem(u, &err); /* who refused it has logged it */
    }
    ptn_pki_drop_made(pki, u);
}

/* What was prepared is served from now on. */
static void
activate(struct ptn_pki *pki, struct ptn_pki_used *u)
{
    size_t i = 0;

    if (!u->read.good)
        return;
    for (struct ptn_pki_place *p = u->places; p; p = p->next, i++) {
        p->binding->changed = true;
        if (u->made[i])
            put_context(p, u->made[i]);
    }
    ptn_free(u->made);
    u->made = NULL;
    if (u->seal) {
        ptn_pki_retire_seal(pki, u->seal);
    }
    u->seal = u->read_seal;
    u->read_seal = NULL;
    ptn_identity_free(&u->now);
    u->now = u->read;
    u->read = (struct ptn_identity){0};
    ptn_buf_free(&u->staple);
    u->staple = u->read_staple;
    u->read_staple = PTN_BUF_INIT;
}

static void
take_clients(struct ptn_pki_binding *b)
{
    ptn_clients_free(&b->clients);
    b->clients = b->read_clients;
    b->read_clients = PTN_CLIENTS_INIT;
    b->clients_new = false;
}

/* A listener opens without what is locked, if it has anything else. */
static size_t
find_base(const struct ptn_pki_binding *b)
{
    size_t count = b->tls->certificates.count, i = 0;

    while (i < count && !b->contexts[i] &&
           b->used[i]->now.problem.code == PTN_ERR_LOCKED)
        i++;
    return i < count && b->contexts[i] ? i : 0;
}

static void
conclude(struct ptn_pki_binding *b)
{
    if (b->clients_new)
        take_clients(b);
    if (b->changed)
        rebuild_index(b);
    b->changed = false;
    b->problem = PTN_ERROR_INIT;
    b->base = find_base(b);
    if (!b->contexts[b->base])
        b->problem = b->used[0]->now.good ? b->misfit : b->used[0]->now.problem;
}

static void
conclude_all(struct ptn_pki *pki)
{
    bool settled = true;

    for (size_t i = 0; i < pki->count; i++) {
        activate(pki, &pki->used[i]);
        settled = settled && !pki->used[i].unsettled;
    }
    for (struct ptn_pki_binding *b = pki->bindings; b; b = b->next)
        conclude(b);
    ptn_pki_free_old_seals(pki);
    pki->keyring.settle(pki->keyring.arg, settled, pki->most);
    pki->most = 0;
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

static void
begin(struct ptn_pki *pki, uint64_t round)
{
    pki->most = round > pki->most ? round : pki->most;
    pki->next = 0;
    pki->refused = 0;
}

void
ptn_pki_refresh_begin(struct ptn_pki *pki)
{
    for (struct ptn_pki_binding *b = pki->bindings; b; b = b->next)
        read_clients(b);
    for (size_t i = 0; i < pki->count; i++)
        pki->used[i].wanted = true;
    begin(pki, UINT64_MAX);
}

void
ptn_pki_refresh_want(struct ptn_pki *pki, const char *name)
{
    struct ptn_pki_used *u = ptn_map_get(&pki->by_name, ptn_slice_of(name));

    if (u)
        u->wanted = true;
}

void
ptn_pki_refresh_begin_wanted(struct ptn_pki *pki, uint64_t round)
{
    begin(pki, round);
}

bool
ptn_pki_refresh_step(struct ptn_pki *pki, uint64_t microseconds)
{
    uint64_t end = ptn_clock_us() + microseconds;

    while (pki->next < pki->count) {
        struct ptn_pki_used *u = &pki->used[pki->next++];

        if (!u->wanted)
            continue;
        refresh(pki, u);
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
