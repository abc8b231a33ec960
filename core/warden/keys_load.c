/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading the files of certificates into the store of keys. One thread at a
 * time; users go on meanwhile, as nothing is read or checked under the lock.
 *
 * Invariant: what is held is good, or never was. What does not pass every
 * check changes nothing.
 */
#include "base/clock.h"
#include "base/siphash.h"
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
    const struct ptn_manage m = {.repository = keys->source.repository,
                                 .conf = keys->conf,
                                 .ops = keys->source.ops,
                                 .instance = keys->source.instance};
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

struct ptn_key *
ptn_keys_add(struct ptn_keys *keys, const uint8_t *fingerprint,
             struct ptn_slice pem)
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

/* Keeps what is held as the one before; what has been there before and was
 * confirmed is kept rather than it. */
static void
put_away(struct ptn_keys *keys, struct ptn_held *h)
{
    uint64_t round = keys->round + 1; /* the load that is going on */

    if (!h->key)
        return;
    if (!keys->keeps || h->before.key) {
        ptn_keys_retire(h->key, round);
        return;
    }
    h->before = (struct ptn_held_before){h->chain, h->key, round, h->not_before,
                                         h->not_after};
    h->chain = PTN_BUF_INIT;
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
        k = ptn_keys_add(keys, fingerprint, ptn_buf_slice(&id->key));
    k->holders++;
    k->groups |= h->groups;
    put_away(keys, h);
    h->key = k;
    h->staple.len = 0; /* that was of another one */
    h->good = h->news = true;
    h->locked = false;
    h->not_before = id->facts.not_before;
    h->not_after = id->facts.not_after;
    h->since = ptn_clock_wall_ms() / 1000;
    h->warned = INT64_MAX;
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

/* Tells one content that is of no use from another. */
static uint64_t
mark_of(const struct ptn_identity *id)
{
    const uint64_t none[2] = {0, 0};
    const uint64_t parts[] = {
        ptn_siphash(none, id->chain.data, id->chain.len),
        ptn_siphash(none, id->key.data, id->key.len),
        ptn_siphash(none, id->problem.text, strlen(id->problem.text)),
    };

    return ptn_siphash(none, parts, sizeof parts);
}

static void
refuse(struct ptn_keys *keys, struct ptn_held *h, struct ptn_identity *id,
       bool asked)
{
    uint64_t mark = mark_of(id);
    bool known = h->refused && h->refused_mark == mark;

    if (!keys->expect && (asked || !known))
        ptn_log_error(PTN_LOG_ERROR, "certificate.refused", &id->problem);
    pthread_mutex_lock(&keys->lock);
    if (!h->good)
        h->problem = id->problem;
    h->locked = false;
    ptn_free(h->refused);
    h->refused = ptn_strdup(id->problem.text);
    h->refused_mark = mark;
    h->news = h->news || !known;
    pthread_mutex_unlock(&keys->lock);
}

static void
accept_again(struct ptn_keys *keys, struct ptn_held *h)
{
    if (!h->refused)
        return;
    pthread_mutex_lock(&keys->lock);
    ptn_free(h->refused);
    h->refused = NULL;
    h->news = true;
    pthread_mutex_unlock(&keys->lock);
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

static int
check(const struct ptn_keys *keys, const struct ptn_held *h,
      struct ptn_identity *id, uint8_t fingerprint[PTN_FINGERPRINT_SIZE])
{
    if (ptn_identity_read(&keys->source, h->conf, id) != 0)
        return -1;
    if (ptn_fingerprint_parse(id->facts.fingerprint, fingerprint))
        return 0;
    return ptn_error_set(&id->problem, PTN_ERR_TLS,
                         "certificates.%s: %s gives no fingerprint",
                         h->conf->name, keys->source.ops->name);
}

/* One that is no good for clients, by its dates, its purpose or its chain,
 * does not replace one that is. At the start there is no choice. */
static int
check_against_held(const struct ptn_keys *keys, const struct ptn_held *h,
                   struct ptn_identity *id)
{
    const struct ptn_manage m = {.conf = keys->conf,
                                 .ops = keys->source.ops,
                                 .instance = keys->source.instance};

    if (!h->good || h->not_after <= ptn_clock_wall_ms() / 1000 ||
        ptn_manage_check(&m, ptn_buf_slice(&id->chain), ptn_buf_slice(&id->key),
                         &id->problem) == PTN_CERT_GOOD)
        return 0;
    ptn_error_prefix(&id->problem, "certificates.%s", h->conf->name);
    id->problem.file = h->conf->place.file;
    id->problem.line = h->conf->place.line;
    return -1;
}

/* How reading one has ended. */
enum outcome {
    GOOD,
    REFUSED, /* the old one, if any, stays */
    WAITS,   /* for what may be its other half */
};

static enum outcome
judge_bad(struct ptn_keys *keys, struct ptn_held *h, struct ptn_identity *id,
          uint64_t patience)
{
    uint64_t now = ptn_clock_ms();
    bool known = h->refused && h->refused_mark == mark_of(id);

    if (!h->bad_since)
        h->bad_since = now;
    if (!known && now - h->bad_since < patience)
        return WAITS;
    h->bad_since = 0;
    refuse(keys, h, id, patience == 0);
    return REFUSED;
}

/* Nothing is held, and nothing will be before somebody says the passphrase:
 * that is no fault of the files. */
static enum outcome
lock_out(struct ptn_keys *keys, struct ptn_held *h, struct ptn_identity *id)
{
    bool known = h->locked && strcmp(h->problem.text, id->problem.text) == 0;

    if (keys->expect && h->wants_command)
        return GOOD; /* it will be said */
    if (!keys->expect && !known)
        ptn_log_error(PTN_LOG_WARNING, "certificate.locked", &id->problem);
    pthread_mutex_lock(&keys->lock);
    h->problem = id->problem;
    h->news = h->news || !known;
    h->locked = true;
    ptn_free(h->refused);
    h->refused = NULL;
    pthread_mutex_unlock(&keys->lock);
    h->bad_since = 0;
    return GOOD;
}

static enum outcome
load_one(struct ptn_keys *keys, struct ptn_held *h, uint64_t patience)
{
    uint8_t fingerprint[PTN_FINGERPRINT_SIZE];
    enum outcome outcome = GOOD;
    struct ptn_identity id;

    if (keys->expect && ptn_identity_will_be_made(&keys->source, h->conf))
        return GOOD;
    keys->opened.len = 0;
    if (check(keys, h, &id, fingerprint) != 0 ||
        (!is_unchanged(h, &id) && check_against_held(keys, h, &id) != 0)) {
        if (id.problem.code == PTN_ERR_LOCKED && !h->good)
            outcome = lock_out(keys, h, &id);
        else
            outcome = judge_bad(keys, h, &id, patience);
    } else {
        h->bad_since = 0;
        accept_again(keys, h);
        if (!is_unchanged(h, &id)) {
            hold(keys, h, &id, fingerprint);
            log_held(keys, &id);
        }
        ptn_keys_opened(keys, h);
        ptn_keys_load_staple(keys, h);
    }
    ptn_identity_free(&id);
    return outcome;
}

static void
end_round(struct ptn_keys *keys)
{
    ptn_keys_close_offers(keys);
    pthread_mutex_lock(&keys->lock);
    keys->round++;
    pthread_mutex_unlock(&keys->lock);
}

static void
mark(void *arg, size_t number)
{
    ptn_keys_mark(arg, number);
}

/* Before any file is read, so that what comes meanwhile is not missed. */
static void
look(struct ptn_keys *keys, bool all)
{
    if (keys->files)
        (void)ptn_file_watch_look(keys->files, all, mark, keys);
}

unsigned
ptn_keys_load(struct ptn_keys *keys)
{
    unsigned refused = 0;

    open_repository(keys);
    look(keys, true);
    for (size_t i = 0; i < keys->count; i++) {
        keys->held[i].marked = false;
        if (load_one(keys, &keys->held[i], 0) != GOOD)
            refused++;
    }
    end_round(keys);
    return refused;
}

/* Whether it was marked. */
static bool
unmark(struct ptn_keys *keys, struct ptn_held *h)
{
    bool marked;

    pthread_mutex_lock(&keys->lock);
    marked = h->marked;
    h->marked = false;
    pthread_mutex_unlock(&keys->lock);
    return marked;
}

bool
ptn_keys_load_marked(struct ptn_keys *keys, bool all, uint64_t patience)
{
    bool waits = false;

    ptn_keys_drop_stale(keys);
    look(keys, all);
    for (size_t i = 0; i < keys->count; i++) {
        if (!unmark(keys, &keys->held[i]) ||
            load_one(keys, &keys->held[i], patience) != WAITS)
            continue;
        ptn_keys_mark(keys, i);
        waits = true;
    }
    end_round(keys);
    return waits;
}
