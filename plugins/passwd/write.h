/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How the files change: under one lock, each as a whole, durably. Readers
 * see the old or the new file, also after a crash.
 */
#ifndef PASSWD_WRITE_H
#define PASSWD_WRITE_H

#include "passwd.h"
#include <sys/stat.h>

/* The lock of users and secrets together; -1 with `err`. Close it. */
int passwd_lock(const struct passwd *p, struct ptn_error *err);

/* Calls fn for each line of the file, which may be missing. `st` gets its
 * owner and mode, or what a new one should have: for itself alone, and the
 * owner of `folder`. */
enum ptn_status passwd_each_line(const char *path, const char *folder,
                                 void (*fn)(void *arg, struct ptn_slice line),
                                 void *arg, struct stat *st,
                                 struct ptn_error *err);

/* Writes beside the file, syncs, renames, syncs the folder. */
enum ptn_status passwd_replace(const char *path, struct ptn_slice text,
                               const struct stat *st, struct ptn_error *err);

/* Makes the folder of the file, if it is missing, with this mode. */
enum ptn_status passwd_make_folder(const struct passwd *p, const char *path,
                                   mode_t mode, struct ptn_error *err);

/* The folder that a path is in; to be freed. */
char *passwd_folder(const char *path);

void passwd_wipe_free(struct ptn_buf *b);

#endif
