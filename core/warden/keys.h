/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The private keys of a server, and the chains that belong to them. It reads
 * and checks the files, signs, and forgets. In the warden, or in the one
 * process that does everything.
 *
 * A key is named by its leaf's fingerprint. One that was replaced goes on
 * signing until no worker can need it: all have settled on what came after
 * it, and the handshakes that had begun before are over.
 *
 *   files --load--> held, by name --user: load--> chain
 *                   key, by leaf  --user: sign--> signature
 */
#ifndef PTN_WARDEN_KEYS_H
#define PTN_WARDEN_KEYS_H

#include "pki/keyring.h"

struct ptn_conf;
struct ptn_keys;

enum ptn_keys_missing {
    PTN_KEYS_MAKE,   /* self-signed ones that are missing: make them */
    PTN_KEYS_EXPECT, /* they will be made: no problem, and log nothing */
};

/* Reads nothing yet. `conf` must outlive it. */
struct ptn_keys *ptn_keys_new(const struct ptn_conf *conf,
                              const struct ptn_tls_ops *ops, void *instance,
                              enum ptn_keys_missing missing);
/* After its last user. */
void ptn_keys_free(struct ptn_keys *keys);

/* Makes the self-signed certificates that listeners need and that are not
 * there yet or have expired, under state/certs (folder 0700, keys 0600).
 * Failures are left for ptn_keys_load to find. */
void ptn_keys_make_missing(struct ptn_keys *keys);

/* Reads the files of every certificate that a listener names. What passes
 * every check replaces its predecessor; what does not changes nothing, and is
 * logged. Answers how many were refused. Users may go on meanwhile: it holds
 * nothing while it reads. One thread at a time. */
unsigned ptn_keys_load(struct ptn_keys *keys);

/* Forgets what nobody needs any more at that moment of ptn_clock_ms. Answers
 * how many replaced keys are left. One thread at a time. */
size_t ptn_keys_prune(struct ptn_keys *keys, uint64_t now);

/* How many certificates there are, and whether some key's memory could not
 * be locked. */
size_t ptn_keys_count(const struct ptn_keys *keys);
bool ptn_keys_unlocked(const struct ptn_keys *keys);

/* Who asks: a worker's channel, or the process itself. Each is for one
 * thread; several may be used at once. */
struct ptn_keys_user;
struct ptn_keys_user *ptn_keys_user_new(struct ptn_keys *keys);
/* One in a group of workers: it may use the keys of the certificates that
 * the group's listeners name, and no others. */
struct ptn_keys_user *ptn_keys_user_in(struct ptn_keys *keys,
                                       const char *group);
void ptn_keys_user_free(struct ptn_keys_user *user);

/* What struct ptn_keyring says; `round` is how often the files had been
 * read. */
enum ptn_keyring_result ptn_keys_chain(struct ptn_keys_user *user,
                                       const char *name, uint64_t *round,
                                       struct ptn_buf *chain,
                                       struct ptn_error *err);
int ptn_keys_sign(struct ptn_keys_user *user,
                  const uint8_t fingerprint[PTN_FINGERPRINT_SIZE],
                  const struct ptn_tls_to_sign *what, struct ptn_buf *signature,
                  struct ptn_error *err);
/* This one uses only what was there in that round, or later. */
void ptn_keys_settle(struct ptn_keys_user *user, uint64_t round);

/* The keyring of a process that has the keys itself: its own user. */
struct ptn_keyring ptn_keys_keyring(struct ptn_keys_user *user);

#endif
