/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Any thread. Lock order: reload, then lock; neither is held while a
 * caller uses an index, as an index is counted.
 */
#include "file.h"
#include <errno.h>
#include <postern/log.h>
#include <time.h>

#define CHECK_INTERVAL_MS 1000

static int64_t
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 + 1;
}

void
passwd_file_init(struct passwd_file *f, const char *path,
                 const struct passwd_kind *kind, void *kind_arg)
{
    *f = (struct passwd_file){.path = path, .kind = kind, .kind_arg = kind_arg};
    pthread_mutex_init(&f->lock, NULL);
    pthread_mutex_init(&f->reload, NULL);
}

void
passwd_file_deinit(struct passwd_file *f)
{
    passwd_table_unref(f->table);
    pthread_mutex_destroy(&f->lock);
    pthread_mutex_destroy(&f->reload);
}

enum leave {
    LEAVE_IF_DUE,     /* NULL when it is time to look at the file */
    LEAVE_ONE_IF_DUE, /* the same for one caller a second */
    LEAVE_NEVER,
};

/* The index that is there, or NULL. */
static struct passwd_table *
current(struct passwd_file *f, enum leave leave)
{
    struct passwd_table *t = NULL;
    int64_t now = now_ms();
    pthread_mutex_lock(&f->lock);
    bool due = !f->checked || now - f->checked >= CHECK_INTERVAL_MS;
    if (leave == LEAVE_ONE_IF_DUE && due && f->asked &&
        now - f->asked < CHECK_INTERVAL_MS)
        due = false; /* somebody is on the way */
    else if (leave == LEAVE_ONE_IF_DUE && due)
        f->asked = now;
    if (f->table && (!due || leave == LEAVE_NEVER))
        t = passwd_table_ref(f->table);
    pthread_mutex_unlock(&f->lock);
    return t;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
           a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Whether the file is still the one that `t` was made from. When it cannot
 * be told, it is not: the open that follows has the error. */
static bool
is_fresh(const struct passwd_file *f, const struct passwd_table *t)
{
    struct stat st;
    if (!t)
        return false;
    if (stat(f->path, &st) < 0)
        return errno == ENOENT && t->fd < 0;
    return t->fd >= 0 && same_file(&st, &t->stamp);
}

static void
adopt(struct passwd_file *f, struct passwd_table *fresh)
{
    struct passwd_table *old = NULL;
    pthread_mutex_lock(&f->lock);
    f->checked = now_ms();
    if (fresh) {
        old = f->table;
        f->table = fresh;
    }
    pthread_mutex_unlock(&f->lock);
    passwd_table_unref(old);
}

/* Looks at the file, with the reload lock held. */
static void
refresh(struct passwd_file *f)
{
    struct ptn_error err = PTN_ERROR_INIT;
    if (is_fresh(f, f->table)) {
        adopt(f, NULL);
        return;
    }
    struct passwd_table *fresh =
        passwd_table_open(f->path, f->kind, f->kind_arg, &err);
    if (!fresh && !f->failing)
        ptn_log_error(PTN_LOG_ERROR, "passwd.unreadable", &err);
    f->failing = !fresh;
    if (fresh)
        ptn_log(PTN_LOG_INFO, "passwd.loaded", PTN_FS("file", f->path),
                PTN_FN(f->kind->what, fresh->count));
    adopt(f, fresh);
}

enum ptn_status
passwd_file_get(struct passwd_file *f, bool block, struct passwd_table **out)
{
    *out = current(f, block ? LEAVE_IF_DUE : LEAVE_ONE_IF_DUE);
    if (*out)
        return PTN_OK;
    if (!block)
        return PTN_WOULDBLOCK;
    if (pthread_mutex_trylock(&f->reload) != 0) {
        /* Somebody is at it: the old index is good enough, if there is
         * one. */
        *out = current(f, LEAVE_NEVER);
        if (*out)
            return PTN_OK;
        pthread_mutex_lock(&f->reload);
    }
    *out = current(f, LEAVE_IF_DUE);
    if (!*out) {
        refresh(f);
        *out = current(f, LEAVE_NEVER);
    }
    pthread_mutex_unlock(&f->reload);
    return *out ? PTN_OK : PTN_TEMPFAIL;
}

bool
passwd_file_outdated(struct passwd_file *f)
{
    struct passwd_table *t = current(f, LEAVE_NEVER);
    bool outdated = t && !is_fresh(f, t);
    passwd_table_unref(t);
    if (outdated) {
        pthread_mutex_lock(&f->lock);
        f->checked = f->asked = 0;
        pthread_mutex_unlock(&f->lock);
    }
    return outdated;
}
