/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The store of keys, for the files that it is made of.
 *
 *   keys.c       from beginning to end, users, signing, forgetting
 *   keys_load.c  reading the files, checking them, replacing what is held
 *   keys_news.c  what has changed, going back, what is about to expire
 *   challenges.c what authorities come to see
 *   staples.c    what they say of certificates
 *   keys_unlock.c  opening keys that are encrypted
 */
#ifndef PTN_WARDEN_KEYS_INNER_H
#define PTN_WARDEN_KEYS_INNER_H

#include "base/list.h"
#include "base/map.h"
#include "pki/identity.h"
#include "pki/watch.h"
#include "warden/escrow.h"
#include "warden/keys.h"
#include "warden/secret.h"
#include <pthread.h>

/* A key that a library has read, ready to sign. */
struct ptn_handle {
    struct ptn_handle *next;
    struct ptn_tls_key *key;
};

struct ptn_key {
    uint8_t fingerprint[PTN_FINGERPRINT_SIZE];
    char *pem; /* in the safe */
    size_t pem_len;
    struct ptn_handle *idle;
    unsigned holders, busy;
    uint64_t groups;                    /* whose workers may have it used */
    uint64_t retired_round, retired_at; /* while holders is 0 */
};

/* What was held before, until somebody has seen that its successor is
 * served. */
struct ptn_held_before {
    struct ptn_buf chain;
    struct ptn_key *key; /* NULL: there is none. It counts as a holder */
    uint64_t round;      /* the first without it */
    int64_t not_before, not_after;
};

/* A certificate that some listener names. */
struct ptn_held {
    const struct ptn_cert_conf *conf;
    uint64_t groups; /* that serve the listeners which name it */
    bool good;
    struct ptn_buf chain;
    struct ptn_error problem;             /* unless good */
    struct ptn_key *key;                  /* if good */
    int64_t not_before, not_after, since; /* seconds since 1970, if good */
    bool marked;                          /* to be read */
    bool news;                            /* not told yet */
    uint64_t bad_since;    /* ptn_clock_ms; 0: what was read last is good */
    char *refused;         /* why what was read last is of no use, or NULL */
    uint64_t refused_mark; /* tells one such content from another */
    int64_t warned; /* the least distance (seconds) that was warned of; 0: its
                       end; INT64_MAX: none */
    struct ptn_held_before before;
    struct ptn_buf staple; /* a checked OCSP response for `key`; or empty */
    int64_t staple_from, staple_until; /* seconds since 1970 */
    uint64_t staple_refused;           /* tells which was refused last */
    bool staple_missed;                /* it was said that there is none */
    bool locked;              /* nothing is held, for want of a passphrase */
    struct ptn_buf sealed;    /* a key as its file has it, encrypted, and ... */
    struct ptn_key *unsealed; /* ... what was behind it */
    bool wants_command;
    uint64_t commanded; /* tells for which key the command was run */
};

/* What is shown for a name, RFC 8737. */
struct ptn_challenge {
    struct ptn_challenge *next;
    char *name;
    struct ptn_buf chain;
    struct ptn_key *key; /* it is one of its holders */
};

/* A passphrase that somebody has given. */
struct ptn_offer {
    struct ptn_offer *next;
    char *name;
    char *secret; /* in the safe */
    size_t len;
    unsigned tag;
    bool tried;
    enum ptn_keys_verdict verdict;
    struct ptn_error why;
};

struct ptn_keys_user {
    struct ptn_list link;
    struct ptn_keys *keys;
    uint64_t groups;  /* of one worker: one bit */
    uint64_t settled; /* the round */
    uint64_t asked;   /* the round in which it began to ask again; 0: not */
};

struct ptn_keys {
    struct ptn_identity_source source;
    const struct ptn_ocsp_ops *ocsp; /* NULL: nobody checks responses */
    void *ocsp_instance;
    const struct ptn_conf *conf;
    bool expect;
    bool keeps;        /* the one before, until the new one is confirmed */
    uint64_t patience; /* ms that a handshake may take */
    struct ptn_file_watch *files; /* NULL: they are not watched */
    bool watch_warned;
    struct ptn_held *held;
    size_t count;
    struct ptn_map by_name; /* constant */
    pthread_mutex_t lock;   /* for all that follows */
    struct ptn_map by_leaf;
    struct ptn_safe safe;
    struct ptn_list users;
    struct ptn_challenge *challenges;
    size_t idle; /* handles */
    uint64_t round;
    struct ptn_offer *offers;
    /* Of the thread that loads: */
    struct ptn_escrow *escrow; /* borrowed; NULL: a check */
    struct ptn_buf opened;     /* the sealed key that was opened last */
};

/* --- keys_unlock.c --- */

/* As struct ptn_identity_source has it; `keys` is the argument. */
int ptn_keys_unseal(void *keys, const struct ptn_cert_conf *conf,
                    struct ptn_buf *key, struct ptn_error *err);
/* What was read last is good, and held from here on. */
void ptn_keys_opened(struct ptn_keys *keys, struct ptn_held *held);
/* A load is over; what is wrong with `held` is its `problem`. */
void ptn_keys_close_offers(struct ptn_keys *keys);
void ptn_keys_free_offers(struct ptn_keys *keys);

/* The key of a leaf; NULL: there is none. Under the lock. */
struct ptn_key *ptn_keys_find(const struct ptn_keys *keys,
                              const uint8_t *fingerprint);

/* A new key, without holders. Under the lock. */
struct ptn_key *ptn_keys_add(struct ptn_keys *keys, const uint8_t *fingerprint,
                             struct ptn_slice pem);

/* Reads the response for what is held, which is news if it is another one
 * than before. Of the thread that loads. */
void ptn_keys_load_staple(struct ptn_keys *keys, struct ptn_held *h);
/* Gives up those that are not good any more. */
void ptn_keys_drop_stale(struct ptn_keys *keys);

void ptn_keys_free_challenges(struct ptn_keys *keys);

/* One holder less, since what came with `round`. Under the lock. */
void ptn_keys_retire(struct ptn_key *k, uint64_t round);

#endif
