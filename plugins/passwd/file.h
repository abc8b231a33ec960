/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A file and its current index. The file is looked at once a second at most;
 * when it is another one (inode, size, time), the index is made anew by the
 * thread that noticed, while the others go on with the old one.
 */
#ifndef PASSWD_FILE_H
#define PASSWD_FILE_H

#include "table.h"
#include <pthread.h>

struct passwd_file {
    const char *path;
    const struct passwd_kind *kind;
    void *kind_arg;
    pthread_mutex_t lock;   /* guards what follows */
    pthread_mutex_t reload; /* held by the thread that makes an index */
    struct passwd_table *table;
    int64_t checked; /* ms, when the file was looked at; 0 = never */
    int64_t asked;   /* ms, when a caller was last sent to look at it */
    bool failing;    /* the last try failed, and that was logged */
};

void passwd_file_init(struct passwd_file *f, const char *path,
                      const struct passwd_kind *kind, void *kind_arg);
void passwd_file_deinit(struct passwd_file *f);

/* The current index, referenced for the caller. OK; TEMPFAIL when the file
 * cannot be read; WOULDBLOCK, when `block` is false and the file has to be
 * looked at first: one caller a second hears that, the others get the index
 * that is there. */
enum ptn_status passwd_file_get(struct passwd_file *f, bool block,
                                struct passwd_table **out);

/* Looks at the file now, which costs a stat: whether it is another one than
 * the index knows. Then the next passwd_file_get reads it. For a "no" that an
 * edit of this very second may have made wrong. */
bool passwd_file_outdated(struct passwd_file *f);

#endif
