/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Contract "postern.directory", version 1: who the users are. Every call
 * may block and is made on a lane's thread; several at once.
 *
 * Statuses: PTN_OK; PTN_NOTFOUND (no such user or address); PTN_DENIED
 * (wrong password, account disabled); PTN_TEMPFAIL (the source cannot be
 * read now); PTN_PERMFAIL (an entry is malformed); PTN_UNSUPPORTED.
 */
#ifndef POSTERN_DIRECTORY_H
#define POSTERN_DIRECTORY_H

#include <postern/error.h>
#include <postern/types.h>

#define PTN_DIRECTORY_CONTRACT "postern.directory"
#define PTN_DIRECTORY_VERSION 1

#define PTN_USER_NAME_MAX 320 /* local part 64, "@", domain 255 */

struct ptn_user {
    char name[PTN_USER_NAME_MAX + 1]; /* canonical: lower case, with domain */
    uint64_t quota;                   /* octets, 0 = none */
};

enum ptn_scram_hash {
    PTN_SCRAM_SHA1,   /* RFC 5802 */
    PTN_SCRAM_SHA256, /* RFC 7677 */
    PTN_SCRAM_HASHES,
};

#define PTN_SCRAM_SALT_MAX 32
#define PTN_SCRAM_KEY_MAX 32 /* 20 for SHA-1, 32 for SHA-256 */

/* What SCRAM needs to know instead of a password (RFC 5802 section 3). */
struct ptn_scram_verifier {
    uint32_t iterations;
    uint32_t salt_len, key_len; /* octets */
    uint8_t salt[PTN_SCRAM_SALT_MAX];
    uint8_t stored_key[PTN_SCRAM_KEY_MAX];
    uint8_t server_key[PTN_SCRAM_KEY_MAX];
};

struct ptn_directory_ops {
    uint32_t size;

    /* The account that `name` means (letter case and a missing domain are
     * forgiven: the server's first domain is assumed). DENIED: nobody may log
     * in to it, whatever proves who he is. */
    enum ptn_status (*lookup)(void *instance, struct ptn_slice name,
                              struct ptn_user *out);

    /* Whether `password` opens the account; takes as long for a name that
     * does not exist. `out` is filled on PTN_OK. */
    enum ptn_status (*verify)(void *instance, struct ptn_slice name,
                              struct ptn_slice password, struct ptn_user *out);

    /* The accounts that mail for `address` ("user@domain") goes to, aliases
     * followed: fn is called for each, once. NOTFOUND: nobody. */
    enum ptn_status (*resolve)(void *instance, struct ptn_slice address,
                               void (*fn)(void *arg,
                                          const struct ptn_user *user),
                               void *arg);

    /* Whether the user may send as `address` (own name or an alias that
     * leads to it): OK or DENIED. */
    enum ptn_status (*may_send)(void *instance, struct ptn_slice user,
                                struct ptn_slice address);

    /* All accounts, in no order, until fn returns false. */
    enum ptn_status (*iterate)(void *instance,
                               bool (*fn)(void *arg,
                                          const struct ptn_user *user),
                               void *arg);

    /* May be absent. As resolve, but called on the loop: WOULDBLOCK, with
     * no call of fn, when the answer is not in memory; then the caller asks
     * resolve on a lane. */
    enum ptn_status (*resolve_nowait)(void *instance, struct ptn_slice address,
                                      void (*fn)(void *arg,
                                                 const struct ptn_user *user),
                                      void *arg);

    /* The rest may be absent: passwords come in clear (PLAIN), and nothing
     * else. Asked only where secrets are: never in a worker, where verify is
     * UNSUPPORTED when the accounts' secrets are kept from it. */

    /* The account's verifier for a hash. OK: `user` is filled, too.
     * NOTFOUND (no such user) and DENIED (disabled, or without a verifier):
     * `out` is filled all the same, with a salt that is always the same for
     * this name and keys that no password opens, in the same time. */
    enum ptn_status (*scram)(void *instance, struct ptn_slice name,
                             enum ptn_scram_hash hash,
                             struct ptn_scram_verifier *out,
                             struct ptn_user *user);
    /* For which hashes every account that can log in has a verifier: bits
     * 1 << enum ptn_scram_hash. Of the others no mechanism is offered:
     * clients would choose it first and be refused. */
    unsigned (*scram_hashes)(void *instance);
};

/* Contract "postern.directory.edit", version 1: a directory whose accounts
 * can be changed from here (`posternctl user`). Each call may block, changes
 * one account durably, and leaves everything as it was unless it answers
 * PTN_OK; running servers notice by themselves. Else `err` says why: EXISTS,
 * NOTFOUND, DENIED (a name or a password that cannot be), TEMPFAIL (cannot
 * be written). Usable right after init, in a process that never starts. */
#define PTN_DIRECTORY_EDIT_CONTRACT "postern.directory.edit"
#define PTN_DIRECTORY_EDIT_VERSION 1

struct ptn_directory_edit_ops {
    uint32_t size;

    /* `quota` in octets, 0 = none. Passwords are hashed here; the caller wipes
     * its copy. */
    enum ptn_status (*add)(void *instance, struct ptn_slice name,
                           struct ptn_slice password, uint64_t quota,
                           struct ptn_error *err);
    enum ptn_status (*remove)(void *instance, struct ptn_slice name,
                              struct ptn_error *err);
    enum ptn_status (*set_password)(void *instance, struct ptn_slice name,
                                    struct ptn_slice password,
                                    struct ptn_error *err);
    enum ptn_status (*set_quota)(void *instance, struct ptn_slice name,
                                 uint64_t quota, struct ptn_error *err);

    /* May be absent. Brings what earlier releases have left to its present
     * form; `count` gets the number of accounts that were changed. */
    enum ptn_status (*convert)(void *instance, uint64_t *count,
                               struct ptn_error *err);
};

#endif
