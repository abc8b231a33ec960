/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The user directory in two text files: what its parts share.
 *
 *   passwd.c     descriptor, options, instance
 *   directory.c  the calls of postern.directory
 *   resolve.c    from an address, through aliases, to accounts
 *   edit.c       the calls of postern.directory.edit
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

struct passwd_options {
    const char *users, *aliases; /* NULL: in the state folder */
    const char *postmaster;      /* NULL: the first user */
    const char *delimiter;       /* of subaddresses; "" = none */
};

/* The instance. After init only the two files change, which have locks of
 * their own; so any thread may use it. */
struct passwd {
    struct ptn_host *host;
    const struct passwd_options *options;
    char *users_path, *aliases_path;
    struct passwd_file users, aliases;
    pthread_t loader; /* reads both after the start */
    bool is_loading;
};

extern const struct ptn_directory_ops passwd_directory_ops;
extern const struct ptn_directory_edit_ops passwd_edit_ops;

/* The canonical form of `name` in `out` (PTN_USER_NAME_MAX + 1 octets):
 * lower case, and the first local domain where there is none. Returns its
 * length, 0 when it can be nobody's name. */
size_t passwd_canonical(const struct passwd *p, struct ptn_slice name,
                        char *out);

/* The account of a canonical name. `secret`, if not NULL, gets the password
 * field. `block` false: WOULDBLOCK rather than waiting for a disk. */
enum ptn_status passwd_account(const struct passwd_table *users,
                               struct ptn_slice name, bool block,
                               struct ptn_user *out, struct ptn_buf *secret);

/* The accounts behind an address, each once, in `found` (an array of
 * struct ptn_user in a buffer). */
enum ptn_status passwd_resolve(struct passwd *p, struct ptn_slice address,
                               bool block, struct ptn_buf *found);

#endif
