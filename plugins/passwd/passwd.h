/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The user directory in text files: what its parts share.
 *
 *   passwd.c     descriptor, options, instance
 *   directory.c  the calls of postern.directory
 *   resolve.c    from an address, through aliases, to accounts
 *   scram.c      verifiers of SCRAM
 *   edit.c       the calls of postern.directory.edit
 *   convert.c    secrets out of the users' file, where they once were
 *   write.c      lock, read and replace the files
 *   entry.c      syntax of names and lines
 *   secret.c     password schemes
 *   table.c      an index over a file of keyed lines
 *   file.c       the current index of a file, made anew when it changes
 */
#ifndef PASSWD_PASSWD_H
#define PASSWD_PASSWD_H

#include "file.h"
#include <postern/directory.h>
#include <postern/module.h>

#define PASSWD_ITERATIONS 10000
#define PASSWD_ITERATIONS_MIN 4096 /* RFC 7677 section 4 */
#define PASSWD_ITERATIONS_MAX 10000000
#define PASSWD_FAKE_KEY 32 /* octets */

struct passwd_options {
    const char *users, *secrets, *aliases; /* NULL: in the state folder */
    int64_t scram_iterations;              /* 0: no verifiers are made */
    const char *postmaster;                /* NULL: the first user */
    const char *delimiter;                 /* of subaddresses; "" = none */
};

/* The instance. After start only the files change, which have locks of
 * their own; so any thread may use it. */
struct passwd {
    struct ptn_host *host;
    const struct passwd_options *options;
    char *users_path, *secrets_path, *aliases_path;
    struct passwd_file users, secrets, aliases;
    uint8_t fake_key[PASSWD_FAKE_KEY]; /* of what nobody's name is told */
    pthread_t loader;                  /* reads both after the start */
    bool is_loading;
};

extern const struct ptn_directory_ops passwd_directory_ops;
extern const struct ptn_directory_edit_ops passwd_edit_ops;

/* The canonical form of `name` in `out` (PTN_USER_NAME_MAX + 1 octets):
 * lower case, and the first local domain where there is none. Returns its
 * length, 0 when it can be nobody's name. */
size_t passwd_canonical(const struct passwd *p, struct ptn_slice name,
                        char *out);

/* The account of a canonical name. `state`, if not NULL, gets its field.
 * `block` false: WOULDBLOCK rather than waiting for a disk. */
enum ptn_status passwd_account(const struct passwd_table *users,
                               struct ptn_slice name, bool block,
                               struct ptn_user *out, struct ptn_buf *state);

/* Whether secrets are open to this process; a worker's are not. */
bool passwd_has_secrets(const struct passwd *p);

/* The account of a canonical name, and its line of the secrets. NOTFOUND: no
 * such user; DENIED: disabled, or without a line. */
enum ptn_status passwd_find_keys(struct passwd *p, struct ptn_slice name,
                                 struct ptn_user *user, struct ptn_buf *line);

/* Whether users or secrets have changed since they were read; they are read
 * anew then. */
bool passwd_is_outdated(struct passwd *p);

/* Moves secrets that stand in the users' file to where they belong, with the
 * lock held. `count` gets how many. */
enum ptn_status passwd_convert(struct passwd *p, size_t *count,
                               struct ptn_error *err);

/* The accounts behind an address, each once, in `found` (an array of
 * struct ptn_user in a buffer). */
enum ptn_status passwd_resolve(struct passwd *p, struct ptn_slice address,
                               bool block, struct ptn_buf *found);

#endif
