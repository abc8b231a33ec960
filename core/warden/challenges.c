/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What authorities come to see (tls-alpn-01, RFC 8737): certificates for a
 * name, each with a key of its own, in memory alone. Workers ask for them
 * when a client wants to see one, and have handshakes signed with the key as
 * with any other. Any thread.
 */
#include "pki/identity.h"
#include "warden/keys_inner.h"
#include <postern/arena.h>

/* Under the lock. */
static struct ptn_challenge *
find(const struct ptn_keys *keys, struct ptn_slice name, size_t *count)
{
    struct ptn_challenge *found = NULL;

    *count = 0;
    for (struct ptn_challenge *c = keys->challenges; c; c = c->next, ++*count)
        if (ptn_slice_caseeq(ptn_slice_of(c->name), name))
            found = c;
    return found;
}

/* Under the lock. No round of loads tells when a worker has done with it: the
 * longest handshake does. */
static void
take_back(struct ptn_challenge *c)
{
    ptn_keys_retire(c->key, 0);
    c->key = NULL;
    ptn_buf_free(&c->chain);
}

static void
unlink_free(struct ptn_keys *keys, struct ptn_challenge *c)
{
    struct ptn_challenge **link = &keys->challenges;

    while (*link != c)
        link = &(*link)->next;
    *link = c->next;
    ptn_free(c->name);
    ptn_free(c);
}

/* Under the lock. */
static void
put(struct ptn_keys *keys, struct ptn_challenge *c, struct ptn_slice chain,
    const uint8_t *fingerprint, struct ptn_slice key)
{
    struct ptn_key *k = ptn_keys_find(keys, fingerprint);

    if (!k)
        k = ptn_keys_add(keys, fingerprint, key);
    k->holders++;
    k->groups = ~UINT64_C(0); /* whichever worker the authority comes to */
    if (c->key)
        take_back(c);
    c->key = k;
    ptn_buf_addslice(&c->chain, chain);
}

static struct ptn_challenge *
new_challenge(struct ptn_keys *keys, const char *name)
{
    struct ptn_challenge *c = ptn_alloc(sizeof *c);

    c->name = ptn_strdup(name);
    c->chain = PTN_BUF_INIT;
    c->next = keys->challenges;
    keys->challenges = c;
    return c;
}

static int
check(struct ptn_keys *keys, struct ptn_slice chain, struct ptn_slice key,
      uint8_t fingerprint[PTN_FINGERPRINT_SIZE], struct ptn_error *err)
{
    const struct ptn_identity_source *s = &keys->source;
    struct ptn_tls_cert facts = {.not_before = 0};

    if (s->ops->cert_parse(s->instance, chain, &facts, err) != 0 ||
        s->ops->pair_match(s->instance, chain, key, err) != 0)
        return -1;
    if (ptn_fingerprint_parse(facts.fingerprint, fingerprint))
        return 0;
    return ptn_error_set(err, PTN_ERR_TLS, "%s gives no fingerprint",
                         s->ops->name);
}

int
ptn_keys_show(struct ptn_keys *keys, const char *name, struct ptn_slice chain,
              struct ptn_slice key, struct ptn_error *err)
{
    uint8_t fingerprint[PTN_FINGERPRINT_SIZE];
    struct ptn_challenge *c;
    size_t count;
    int result = 0;

    if (chain.len > 0 && check(keys, chain, key, fingerprint, err) != 0)
        return -1;
    pthread_mutex_lock(&keys->lock);
    c = find(keys, ptn_slice_of(name), &count);
    if (chain.len == 0 && c) {
        take_back(c);
        unlink_free(keys, c);
    } else if (chain.len > 0 && !c && count == PTN_KEYS_CHALLENGES_MAX) {
        result = ptn_error_set(err, PTN_ERR_LIMIT,
                               "challenges of %d names are shown already",
                               PTN_KEYS_CHALLENGES_MAX);
    } else if (chain.len > 0) {
        put(keys, c ? c : new_challenge(keys, name), chain, fingerprint, key);
    }
    pthread_mutex_unlock(&keys->lock);
    return result;
}

bool
ptn_keys_challenge(struct ptn_keys_user *user, struct ptn_slice name,
                   struct ptn_buf *chain)
{
    struct ptn_keys *keys = user->keys;
    struct ptn_challenge *c;
    size_t count;

    pthread_mutex_lock(&keys->lock);
    c = find(keys, name, &count);
    if (c)
        ptn_buf_addslice(chain, ptn_buf_slice(&c->chain));
    pthread_mutex_unlock(&keys->lock);
    return c != NULL;
}

void
ptn_keys_free_challenges(struct ptn_keys *keys)
{
    while (keys->challenges) {
        struct ptn_challenge *c = keys->challenges;

        ptn_buf_free(&c->chain);
        unlink_free(keys, c);
    }
}
