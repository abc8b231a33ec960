/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The store of keys: users, signing, forgetting. One thread loads and prunes;
 * users sign and read chains on threads of their own. Under the lock is only
 * what takes microseconds: no file is read and nothing is signed there.
 *
 * Invariants: `by_leaf` has each key once. A key whose `holders` is 0 was
 * replaced, and stays for those that have not settled. `busy` counts
 * signatures in the making: such a key is not forgotten.
 */
#include "base/clock.h"
#include "warden/keys_inner.h"
#include <assert.h>
#include <postern/log.h>

enum {
    HANDLES_MAX = 256, /* handles of keys that wait for their next use */
    GRACE_MS = 30000,  /* besides what handshakes may take */
    GROUPS = 64,       /* that are told apart */
};

/* --- from beginning to end --- */

/* A group as a bit. Those beyond share the last, and each other's keys. */
static uint64_t
bit_of(const struct ptn_conf *conf, const char *group)
{
    size_t i = 0;

    while (i < conf->group_count && strcmp(conf->groups[i].name, group) != 0)
        i++;
    if (i == conf->group_count)
        return 0;
    return UINT64_C(1) << (i < GROUPS - 1 ? i : GROUPS - 1);
}

static void
add_held(struct ptn_keys *keys, const struct ptn_cert_conf *conf,
         uint64_t groups)
{
    struct ptn_held *h;

    if (!conf)
        return;
    h = ptn_map_get(&keys->by_name, ptn_slice_of(conf->name));
    if (!h) {
        h = &keys->held[keys->count++];
        h->conf = conf;
        h->warned = INT64_MAX;
        ptn_map_put(&keys->by_name, ptn_slice_of(conf->name), h);
    }
    h->groups |= groups;
}

static void
add_listener(struct ptn_keys *keys, const struct ptn_listener_conf *l)
{
    if (l->tls.mode == PTN_TLS_NONE || !l->tls.certs)
        return;
    for (size_t i = 0; i < l->tls.certificates.count; i++)
        add_held(keys, l->tls.certs[i], bit_of(keys->conf, l->group));
    if (l->limits.handshake_timeout > keys->patience)
        keys->patience = l->limits.handshake_timeout;
}

struct ptn_keys *
ptn_keys_new(const struct ptn_conf *conf, const struct ptn_tls_ops *ops,
             void *instance, enum ptn_keys_missing missing)
{
    struct ptn_keys *keys = ptn_alloc(sizeof *keys);

    keys->source = (struct ptn_identity_source){.ops = ops,
                                                .instance = instance,
                                                .state = conf->server.state,
                                                .unseal = ptn_keys_unseal,
                                                .unseal_arg = keys};
    keys->conf = conf;
    keys->expect = missing == PTN_KEYS_EXPECT;
    keys->held = ptn_alloc((conf->cert_count + 1) * sizeof *keys->held);
    keys->by_name = keys->by_leaf = PTN_MAP_INIT;
    keys->safe = PTN_SAFE_INIT;
    ptn_list_init(&keys->users);
    pthread_mutex_init(&keys->lock, NULL);
    for (size_t i = 0; i < conf->listener_count; i++)
        add_listener(keys, &conf->listeners[i]);
    return keys;
}

static void
free_handles(struct ptn_keys *keys, struct ptn_key *k)
{
    struct ptn_handle *next;

    for (struct ptn_handle *h = k->idle; h; h = next) {
        next = h->next;
        keys->source.ops->key_close(h->key);
        ptn_free(h);
        keys->idle--;
    }
    k->idle = NULL;
}

static void
free_key(struct ptn_keys *keys, struct ptn_key *k)
{
    free_handles(keys, k);
    ptn_safe_drop(&keys->safe, k->pem, k->pem_len);
    ptn_free(k);
}

void
ptn_keys_free(struct ptn_keys *keys)
{
    const struct ptn_map_slot *slot;
    size_t at = 0;

    if (!keys)
        return;
    assert(ptn_list_is_empty(&keys->users));
    while ((slot = ptn_map_next(&keys->by_leaf, &at)))
        free_key(keys, slot->value);
    for (size_t i = 0; i < keys->count; i++) {
        ptn_buf_free(&keys->held[i].chain);
        ptn_buf_free(&keys->held[i].before.chain);
        ptn_buf_free(&keys->held[i].staple);
        ptn_buf_free(&keys->held[i].sealed);
        ptn_free(keys->held[i].refused);
    }
    ptn_keys_free_challenges(keys);
    ptn_file_watch_free(keys->files);
    ptn_map_free(&keys->by_leaf);
    ptn_map_free(&keys->by_name);
    ptn_keys_free_offers(keys);
    ptn_safe_free(&keys->safe);
    ptn_repository_close(keys->source.repository);
    pthread_mutex_destroy(&keys->lock);
    ptn_free(keys->held);
    ptn_free(keys);
}

size_t
ptn_keys_count(const struct ptn_keys *keys)
{
    return keys->count;
}

bool
ptn_keys_unlocked(const struct ptn_keys *keys)
{
    return keys->safe.unlocked;
}

/* --- forgetting --- */

/* The round that all users have settled on. */
static uint64_t
settled_round(const struct ptn_keys *keys)
{
    uint64_t round = keys->round;

    for (struct ptn_list *l = keys->users.next; l != &keys->users; l = l->next)
        if (PTN_CONTAINER(l, struct ptn_keys_user, link)->settled < round)
            round = PTN_CONTAINER(l, struct ptn_keys_user, link)->settled;
    return round;
}

/* One key that can go, out of the map; NULL: there is none. */
static struct ptn_key *
take_forgettable(struct ptn_keys *keys, uint64_t now, size_t *left)
{
    uint64_t round = settled_round(keys);
    const struct ptn_map_slot *slot;
    size_t at = 0;

    *left = 0;
    while ((slot = ptn_map_next(&keys->by_leaf, &at))) {
        struct ptn_key *k = slot->value;

        if (k->holders > 0)
            continue;
        ++*left;
        if (k->busy > 0 || k->retired_round > round ||
            now < k->retired_at + keys->patience + GRACE_MS)
            continue;
        ptn_map_remove(&keys->by_leaf, slot->key);
        return k;
    }
    return NULL;
}

size_t
ptn_keys_prune(struct ptn_keys *keys, uint64_t now)
{
    struct ptn_key *k;
    size_t left;

    pthread_mutex_lock(&keys->lock);
    while ((k = take_forgettable(keys, now, &left)))
        free_key(keys, k);
    pthread_mutex_unlock(&keys->lock);
    return left;
}

/* --- users --- */

struct ptn_keys_user *
ptn_keys_user_new(struct ptn_keys *keys)
{
    return ptn_keys_user_in(keys, NULL);
}

struct ptn_keys_user *
ptn_keys_user_in(struct ptn_keys *keys, const char *group)
{
    struct ptn_keys_user *user = ptn_alloc(sizeof *user);

    user->keys = keys;
    user->groups = group ? bit_of(keys->conf, group) : ~UINT64_C(0);
    pthread_mutex_lock(&keys->lock);
    ptn_list_add(&keys->users, &user->link);
    pthread_mutex_unlock(&keys->lock);
    return user;
}

void
ptn_keys_user_free(struct ptn_keys_user *user)
{
    struct ptn_keys *keys = user->keys;

    pthread_mutex_lock(&keys->lock);
    ptn_list_remove(&user->link);
    pthread_mutex_unlock(&keys->lock);
    ptn_free(user);
}

/* The process itself may use all, and sees certificates that belong to no
 * group; a worker what its group's listeners name. */
static bool
may_use(const struct ptn_keys_user *user, uint64_t groups)
{
    return user->groups == ~UINT64_C(0) || (user->groups & groups);
}

enum ptn_keyring_result
ptn_keys_chain(struct ptn_keys_user *user, const char *name, uint64_t *round,
               struct ptn_buf *chain, struct ptn_error *err)
{
    struct ptn_keys *keys = user->keys;
    struct ptn_held *h = ptn_map_get(&keys->by_name, ptn_slice_of(name));
    enum ptn_keyring_result result = PTN_KEYRING_REFUSED;

    pthread_mutex_lock(&keys->lock);
    *round = keys->round;
    if (!h || !may_use(user, h->groups)) {
        ptn_error_set(err, PTN_ERR_TLS, "certificates.%s: no listener uses it",
                      name);
    } else if (h->good) {
        ptn_buf_addslice(chain, ptn_buf_slice(&h->chain));
        result = PTN_KEYRING_GOOD;
    } else if (h->problem.code == PTN_ERR_NONE) {
        result = PTN_KEYRING_COMING;
    } else {
        *err = h->problem;
        if (h->locked)
            result = PTN_KEYRING_LOCKED;
    }
    pthread_mutex_unlock(&keys->lock);
    return result;
}

void
ptn_keys_settle(struct ptn_keys_user *user, uint64_t round)
{
    pthread_mutex_lock(&user->keys->lock);
    if (round > user->settled && round <= user->keys->round)
        user->settled = round;
    pthread_mutex_unlock(&user->keys->lock);
}

/* --- signing --- */

struct ptn_key *
ptn_keys_find(const struct ptn_keys *keys, const uint8_t *fingerprint)
{
    return ptn_map_get(
        &keys->by_leaf,
        (struct ptn_slice){(const char *)fingerprint, PTN_FINGERPRINT_SIZE});
}

void
ptn_keys_retire(struct ptn_key *k, uint64_t round)
{
    if (--k->holders > 0)
        return;
    k->retired_round = round;
    k->retired_at = ptn_clock_ms();
}

/* Marks the key as busy, and takes a handle of it if one waits. */
static struct ptn_key *
borrow(const struct ptn_keys_user *user, const uint8_t *fingerprint,
       struct ptn_handle **handle)
{
    struct ptn_keys *keys = user->keys;
    struct ptn_key *k;

    *handle = NULL;
    pthread_mutex_lock(&keys->lock);
    k = ptn_keys_find(keys, fingerprint);
    if (k && !may_use(user, k->groups))
        k = NULL;
    if (k) {
        k->busy++;
        *handle = k->idle;
        if (k->idle) {
            k->idle = k->idle->next;
            keys->idle--;
        }
    }
    pthread_mutex_unlock(&keys->lock);
    return k;
}

static void
give_back(struct ptn_keys *keys, struct ptn_key *k, struct ptn_handle *handle)
{
    bool kept = false;

    pthread_mutex_lock(&keys->lock);
    k->busy--;
    if (handle && keys->idle < HANDLES_MAX) {
        handle->next = k->idle;
        k->idle = handle;
        keys->idle++;
        kept = true;
    }
    pthread_mutex_unlock(&keys->lock);
    if (!handle || kept)
        return;
    keys->source.ops->key_close(handle->key);
    ptn_free(handle);
}

static struct ptn_handle *
open_handle(const struct ptn_keys *keys, const struct ptn_key *k,
            struct ptn_error *err)
{
    struct ptn_handle *handle = ptn_alloc(sizeof *handle);

    if (keys->source.ops->key_open(keys->source.instance,
                                   (struct ptn_slice){k->pem, k->pem_len},
                                   &handle->key, err) == 0)
        return handle;
    ptn_free(handle);
    return NULL;
}

int
ptn_keys_sign(struct ptn_keys_user *user,
              const uint8_t fingerprint[PTN_FINGERPRINT_SIZE],
              const struct ptn_tls_to_sign *what, struct ptn_buf *signature,
              struct ptn_error *err)
{
    struct ptn_keys *keys = user->keys;
    const struct ptn_tls_ops *ops = keys->source.ops;
    struct ptn_handle *handle;
    struct ptn_key *k = borrow(user, fingerprint, &handle);
    int result = -1;

    if (!k)
        return ptn_error_set(err, PTN_ERR_TLS, "there is no such key");
    if (!PTN_HAS(ops, struct ptn_tls_ops, key_close) || !ops->key_open) {
        struct ptn_slice pem = {k->pem, k->pem_len};

        result = ops->sign(keys->source.instance, pem, what, signature, err);
    } else if (handle || (handle = open_handle(keys, k, err))) {
        result = ops->key_sign(handle->key, what, signature, err);
    }
    give_back(keys, k, handle);
    return result;
}

/* --- as a keyring --- */

static enum ptn_keyring_result
ring_load(void *arg, const char *name, struct ptn_buf *chain,
          struct ptn_error *err)
{
    struct ptn_keys_user *user = arg;
    uint64_t round;
    enum ptn_keyring_result result =
        ptn_keys_chain(user, name, &round, chain, err);

    user->asked = user->asked ? user->asked : round;
    return result;
}

static int
ring_sign(void *arg, const uint8_t *fingerprint,
          const struct ptn_tls_to_sign *what, struct ptn_buf *signature)
{
    struct ptn_error err = PTN_ERROR_INIT;

    if (ptn_keys_sign(arg, fingerprint, what, signature, &err) == 0)
        return 0;
    ptn_log_error(PTN_LOG_ERROR, "certificate.cannot-sign", &err);
    return -1;
}

static void
ring_settle(void *arg, bool all, uint64_t most)
{
    struct ptn_keys_user *user = arg;

    if (all)
        ptn_keys_settle(user, user->asked < most ? user->asked : most);
    user->asked = 0;
}

static bool
ring_challenge(void *arg, struct ptn_slice name, struct ptn_buf *chain)
{
    return ptn_keys_challenge(arg, name, chain);
}

static bool
ring_staple(void *arg, const char *name, const uint8_t *fingerprint,
            struct ptn_buf *response)
{
    return ptn_keys_staple(arg, ptn_slice_of(name), fingerprint, response);
}

struct ptn_keyring
ptn_keys_keyring(struct ptn_keys_user *user)
{
    return (struct ptn_keyring){ring_load,      ring_sign,   ring_settle,
                                ring_challenge, ring_staple, user};
}
