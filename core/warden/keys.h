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

struct ptn_cert_conf;
struct ptn_conf;
struct ptn_escrow;
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

/* Who checks OCSP responses; without, none is stapled. Before any load. */
struct ptn_ocsp_ops;
void ptn_keys_set_ocsp(struct ptn_keys *keys, const struct ptn_ocsp_ops *ops,
                       void *instance);

/* --- passphrases --- */

/* Where passphrases are kept that somebody has given: borrowed. Before the
 * first load; without it an encrypted key that no file opens is no problem,
 * as a server that starts may have what opens it. */
void ptn_keys_set_escrow(struct ptn_keys *keys, struct ptn_escrow *escrow);

/* What has become of an offer. */
enum ptn_keys_verdict {
    PTN_KEYS_OPENED,
    PTN_KEYS_WRONG,  /* not the passphrase */
    PTN_KEYS_PLAIN,  /* the key needs none */
    PTN_KEYS_KEPT,   /* no listener names it: untried, for the next reload */
    PTN_KEYS_FAILED, /* the files are of no use, or there is no room */
};

/* A passphrase for the certificate's key, which is marked: the next load
 * tries it. Any thread. `tag` comes back with the verdict. */
void ptn_keys_offer(struct ptn_keys *keys, const char *name,
                    struct ptn_slice passphrase, unsigned tag);
/* Calls fn for each offer that was tried, once. `text` says why. */
void ptn_keys_each_verdict(struct ptn_keys *keys,
                           void (*fn)(void *arg, unsigned tag,
                                      enum ptn_keys_verdict verdict,
                                      const char *text),
                           void *arg);

/* The next certificate, NULL: none, whose passphrase its passphrase_command
 * is to say: once for each key. In the thread that loads, or after it. */
const struct ptn_cert_conf *ptn_keys_next_command(struct ptn_keys *keys);

/* --- changes --- */

/* Watches the files from the next load on. The descriptor is readable when
 * something has happened (-1: the kernel tells nothing); reading it answers
 * whether that concerns a certificate. Not while one of the loads goes on. */
void ptn_keys_watch(struct ptn_keys *keys);
int ptn_keys_watch_fd(const struct ptn_keys *keys);
bool ptn_keys_watch_read(struct ptn_keys *keys);
/* Logs, once, that some folders cannot be watched. */
void ptn_keys_watch_warn(struct ptn_keys *keys);

/* It is to be read by the next ptn_keys_load_marked. Any thread; and by name,
 * which answers false for one that no listener names. */
void ptn_keys_mark(struct ptn_keys *keys, size_t number);
bool ptn_keys_mark_named(struct ptn_keys *keys, const char *name);

/* Reads those that are marked or whose files have changed, as ptn_keys_load
 * does; with `all` it looks at all files, told of or not. What is of no use
 * may be half of something: for `patience` milliseconds it stays marked, and
 * is neither refused nor logged. True: so it is with one; call again. */
bool ptn_keys_load_marked(struct ptn_keys *keys, bool all, uint64_t patience);

/* How many have files that were refused, and how often was read. */
unsigned ptn_keys_refused(const struct ptn_keys *keys);
uint64_t ptn_keys_round(struct ptn_keys *keys);

/* What there is to know of a certificate. */
struct ptn_keys_word {
    const char *name;
    char fingerprint[2 * PTN_FINGERPRINT_SIZE + 1]; /* "": none is held */
    int64_t not_before, not_after, since; /* seconds since 1970; or 0 */
    const char *refused;   /* why its files are of no use; NULL: they are */
    int64_t stapled_until; /* the OCSP response that goes with it; 0: none */
    bool locked;           /* its key is encrypted, and was never opened */
};
/* Calls fn for those that have changed since the last call, or for all.
 * Answers how many. */
size_t ptn_keys_each_news(struct ptn_keys *keys, bool all,
                          void (*fn)(void *arg,
                                     const struct ptn_keys_word *word),
                          void *arg);

/* Logs of each certificate that its end has come as near as the config says,
 * each distance once while the process lives; or that it has come. Answers in
 * how many seconds there may be more to say; never more than a day. `now`:
 * seconds since 1970. */
int64_t ptn_keys_warn(struct ptn_keys *keys, int64_t now);

/* From now on, what is replaced is kept until its successor is confirmed. */
void ptn_keys_keep_before(struct ptn_keys *keys);
/* What is held by that fingerprint is served everywhere. */
void ptn_keys_confirm(struct ptn_keys *keys, const char *name,
                      const char *fingerprint);
/* What is held by that fingerprint is not served as it should be: the one
 * before it is held again. False: there is none. */
bool ptn_keys_restore(struct ptn_keys *keys, const char *name,
                      const char *fingerprint);

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

/* --- what authorities come to see --- */

#define PTN_KEYS_CHALLENGES_MAX 100 /* names at once */

/* The certificate that proves to an authority that `name` is ours (RFC 8737
 * section 3) and its key, PEM: all users have them from now on, until the
 * same is called with an empty chain. Any thread. */
int ptn_keys_show(struct ptn_keys *keys, const char *name,
                  struct ptn_slice chain, struct ptn_slice key,
                  struct ptn_error *err);
/* What is shown for that name; false: nothing. */
bool ptn_keys_challenge(struct ptn_keys_user *user, struct ptn_slice name,
                        struct ptn_buf *chain);

/* The OCSP response (DER) for the certificate of that name, of which that is
 * the leaf, while it is good. False: there is none. */
bool ptn_keys_staple(struct ptn_keys_user *user, struct ptn_slice name,
                     const uint8_t fingerprint[PTN_FINGERPRINT_SIZE],
                     struct ptn_buf *response);

/* The keyring of a process that has the keys itself: its own user. */
struct ptn_keyring ptn_keys_keyring(struct ptn_keys_user *user);

#endif
