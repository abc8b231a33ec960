/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading the files of certificates into the store of keys. One thread at a
 * time; users go on meanwhile, as nothing is read or checked under the lock.
 *
 * Invariant: what is held is good, or never was. What does not pass every
 * check changes nothing.
 */
#include "base/clock.h"
#include "pki/manage.h"
#include "warden/keys_inner.h"
#include <limits.h>
#include <postern/log.h>
#include <stdio.h>
#include <unistd.h>

/* As late as it is needed: a check opens it only where it is. */
static void
open_repository(struct ptn_keys *keys)
{
    const char *state = keys->conf->server.state;
    char folder[PATH_MAX];

    if (keys->source.repository)
        return;
    snprintf(folder, sizeof folder, "%s/certs", state);
    keys->source.closed = PTN_ERROR_INIT;
    if (!keys->expect || access(folder, X_OK) == 0)
        keys->source.repository = ptn_repository_open(
            state, (uid_t)-1, (gid_t)-1, &keys->source.closed);
}

static void
make_missing(struct ptn_keys *keys, const struct ptn_cert_conf *conf)
{
    const struct ptn_manage m = {keys->source.repository, keys->conf,
                                 keys->source.ops, keys->source.instance};
    struct ptn_error err = PTN_ERROR_INIT;
    bool made = false;

    if (ptn_manage_ensure(&m, conf->name, &made, &err) != PTN_CERT_GOOD) {
        ptn_error_prefix(&err, "certificates.%s", conf->name);
        err.file = conf->place.file;
        err.line = conf->place.line;
        ptn_log_error(PTN_LOG_ERROR, "certificate.not-made", &err);
    } else if (made) {
        ptn_log(PTN_LOG_INFO, "certificate.made",
                PTN_FS("certificate", conf->name));
    }
}

void
ptn_keys_make_missing(struct ptn_keys *keys)
{
    open_repository(keys);
    if (!keys->source.repository)
        return; /* reading will say it, with the certificate's place */
    for (size_t i = 0; i < keys->count; i++)
        if (!keys->held[i].conf->cert_file)
            make_missing(keys, keys->held[i].conf);
}

static struct ptn_key *
add_key(struct ptn_keys *keys, const uint8_t *fingerprint, struct ptn_slice pem)
{
    struct ptn_key *k = ptn_alloc(sizeof *k);

    memcpy(k->fingerprint, fingerprint, sizeof k->fingerprint);
    k->pem = ptn_safe_keep(&keys->safe, pem);
    k->pem_len = pem.len;
    ptn_map_put(
        &keys->by_leaf,
        (struct ptn_slice){(char *)k->fingerprint, sizeof k->fingerprint}, k);
    return k;
}

static void
retire(struct ptn_keys *keys, struct ptn_key *k)
{
    if (--k->holders > 0)
        return;
    k->retired_round = keys->round + 1; /* the load that is going on */
    k->retired_at = ptn_clock_ms();
}

/* Takes the chain over. */
static void
hold(struct ptn_keys *keys, struct ptn_held *h, struct ptn_identity *id,
     const uint8_t *fingerprint)
{
    struct ptn_buf old;

    pthread_mutex_lock(&keys->lock);
    struct ptn_key *k = ptn_keys_find(keys, fingerprint);
    if (!k)
        k = add_key(keys, fingerprint, ptn_buf_slice(&id->key));
    k->holders++;
    k->groups |= h->groups;
    if (h->key)
        retire(keys, h->key);
    h->key = k;
    h->good = true;
    old = h->chain;
    h->chain = id->chain;
    pthread_mutex_unlock(&keys->lock);
    id->chain = old;
}

static bool
is_unchanged(const struct ptn_held *h, const struct ptn_identity *id)
{
    return h->good &&
           ptn_slice_eq(ptn_buf_slice(&h->chain), ptn_buf_slice(&id->chain));
}

static int
refuse(struct ptn_keys *keys, struct ptn_held *h, const struct ptn_error *err)
{
    if (!keys->expect)
        ptn_log_error(PTN_LOG_ERROR, "certificate.refused", err);
    pthread_mutex_lock(&keys->lock);
    if (!h->good)
        h->problem = *err;
    pthread_mutex_unlock(&keys->lock);
    return -1;
}

static void
log_held(const struct ptn_keys *keys, const struct ptn_identity *id)
{
    if (keys->expect)
        return;
    ptn_log(PTN_LOG_INFO, "certificate.loaded",
            PTN_FS("certificate", id->conf->name),
            PTN_FS("fingerprint", id->facts.fingerprint));
    ptn_identity_warn(id);
}

/* -1: what was found is of no use; the old one, if any, stays. */
static int
load_one(struct ptn_keys *keys, struct ptn_held *h)
{
    uint8_t fingerprint[PTN_FINGERPRINT_SIZE];
    struct ptn_identity id;
    int result = 0;

    if (keys->expect && ptn_identity_will_be_made(&keys->source, h->conf))
        return 0;
    if (ptn_identity_read(&keys->source, h->conf, &id) != 0) {
        result = refuse(keys, h, &id.problem);
    } else if (!ptn_fingerprint_parse(id.facts.fingerprint, fingerprint)) {
        ptn_error_set(&id.problem, PTN_ERR_TLS,
                      "certificates.%s: %s gives no fingerprint", h->conf->name,
                      keys->source.ops->name);
        result = refuse(keys, h, &id.problem);
    } else if (!is_unchanged(h, &id)) {
        hold(keys, h, &id, fingerprint);
        log_held(keys, &id);
    }
    ptn_identity_free(&id);
    return result;
}

unsigned
ptn_keys_load(struct ptn_keys *keys)
{
    unsigned refused = 0;

    open_repository(keys);
    for (size_t i = 0; i < keys->count; i++)
        if (load_one(keys, &keys->held[i]) != 0)
            refused++;
    pthread_mutex_lock(&keys->lock);
    keys->round++;
    pthread_mutex_unlock(&keys->lock);
    return refused;
}
