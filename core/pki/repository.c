/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What others call of the repository: each call takes the lock and first
 * carries out what a crash has left promised.
 */
#include "pki/repository_inner.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <postern/arena.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALL_PARTS ((1u << PTN_PARTS) - 1)

void
ptn_parts_free(struct ptn_parts *parts)
{
    for (size_t i = 0; i < PTN_PARTS; i++) {
        if (parts->part[i].cap)
            ptn_wipe(parts->part[i].data, parts->part[i].cap);
        ptn_buf_free(&parts->part[i]);
    }
}

bool
ptn_repository_is_name(const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t len = strlen(name);

    return len > 0 && len <= PTN_REPOSITORY_NAME_MAX &&
           strchr(letters, name[0]) &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789-_") == len;
}

/* --- locks --- */

static int
lock(struct ptn_repository *r, struct ptn_error *err)
{
    if (r->locked++ > 0)
        return 0;
    while (flock(r->lock, LOCK_EX) != 0)
        if (errno != EINTR)
            return ptn_repository_failed(err, "lock", "the repository");
    return ptn_repository_finish(r, err);
}

static void
unlock(struct ptn_repository *r)
{
    assert(r->locked > 0);
    if (--r->locked == 0)
        flock(r->lock, LOCK_UN);
}

int
ptn_repository_hold(struct ptn_repository *r, struct ptn_error *err)
{
    int result = lock(r, err);

    if (result != 0)
        unlock(r);
    return result;
}

void
ptn_repository_release(struct ptn_repository *r)
{
    unlock(r);
}

/* --- what others call --- */

/* The file that is locked. Where nothing can be written, as on a disk that the
 * kernel has made read-only, what is there can still be read and served. */
static int
open_lock(const struct ptn_repository *r)
{
    int fd = openat(r->folder, ".lock",
                    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd >= 0)
        ptn_repository_give(r, fd);
    else if (errno == EROFS)
        fd = openat(r->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd;
}

struct ptn_repository *
ptn_repository_open(const char *state, uid_t uid, gid_t gid,
                    struct ptn_error *err)
{
    struct ptn_repository *r = ptn_alloc(sizeof *r);
    char path[4096];

    r->uid = uid;
    r->gid = gid;
    r->lock = -1;
    snprintf(path, sizeof path, "%s/certs", state);
    r->folder = ptn_repository_folder(r, AT_FDCWD, path, true);
    if (r->folder >= 0)
        r->lock = open_lock(r);
    if (r->lock < 0) {
        ptn_repository_failed(err, "open", path);
        ptn_repository_close(r);
        return NULL;
    }
    return r;
}

void
ptn_repository_close(struct ptn_repository *r)
{
    if (!r)
        return;
    if (r->lock >= 0)
        close(r->lock);
    if (r->folder >= 0)
        close(r->folder);
    ptn_free(r);
}

static int
read_parts(const struct ptn_repository *r, const char *name, unsigned mask,
           struct ptn_parts *out, struct ptn_error *err)
{
    char path[PATH_SIZE];
    int result = 0;

    for (size_t i = 0; i < PTN_PARTS && result == 0; i++) {
        if (!(mask & 1u << i))
            continue;
        ptn_repository_path(name, i, path);
        result = ptn_repository_read_file(r->folder, path, &out->part[i], err);
    }
    return result;
}

int
ptn_repository_read(struct ptn_repository *r, const char *name,
                    struct ptn_parts *out, struct ptn_error *err)
{
    return ptn_repository_read_some(r, name, ALL_PARTS, out, err);
}

int
ptn_repository_read_some(struct ptn_repository *r, const char *name,
                         unsigned mask, struct ptn_parts *out,
                         struct ptn_error *err)
{
    int result;

    assert(ptn_repository_is_name(name));
    *out = (struct ptn_parts){0};
    if (lock(r, err) != 0)
        result = -1;
    else
        result = read_parts(r, name, mask, out, err);
    unlock(r);
    if (result != 0)
        ptn_parts_free(out);
    return result;
}

int
ptn_repository_write(struct ptn_repository *r, const char *name,
                     const struct ptn_parts *parts, struct ptn_error *err)
{
    struct ptn_parts now = {0};
    int result = -1;

    assert(ptn_repository_is_name(name));
    if (lock(r, err) == 0 && read_parts(r, name, ALL_PARTS, &now, err) == 0) {
        result = ptn_repository_promise(r, name, &now, parts);
        if (result != 0)
            ptn_repository_failed(err, "write the files of", name);
        else
            result = ptn_repository_finish_one(r, name, err);
    }
    unlock(r);
    ptn_parts_free(&now);
    return result;
}

int
ptn_repository_remove(struct ptn_repository *r, const char *name,
                      struct ptn_error *err)
{
    struct ptn_buf versions;
    char path[PATH_SIZE];
    int result = lock(r, err);

    assert(ptn_repository_is_name(name));
    if (result == 0) {
        versions = ptn_repository_versions(r, name);
        for (size_t i = 0; i < versions.len / sizeof(unsigned); i++)
            ptn_repository_remove_version(
                r, name, ((const unsigned *)(void *)versions.data)[i]);
        ptn_buf_free(&versions);
        snprintf(path, sizeof path, "history/%s", name);
        unlinkat(r->folder, path, AT_REMOVEDIR);
        for (size_t i = 0; i < PTN_PARTS; i++) {
            ptn_repository_path(name, i, path);
            ptn_repository_shred(r->folder, path);
        }
        result = fsync(r->folder)
                     ? ptn_repository_failed(err, "sync", "the folder")
                     : 0;
    }
    unlock(r);
    return result;
}

/* The promise holds all parts under the new name; then the old name goes. A
 * crash between them leaves both, which the operator sees and can mend. */
int
ptn_repository_rename(struct ptn_repository *r, const char *from,
                      const char *to, struct ptn_error *err)
{
    struct ptn_parts parts = {0}, there = {0};
    char old_path[PATH_SIZE], new_path[PATH_SIZE];
    int result = lock(r, err);

    assert(ptn_repository_is_name(from) && ptn_repository_is_name(to));
    if (result == 0)
        result = read_parts(r, to, ALL_PARTS, &there, err);
    for (size_t i = 0; i < PTN_PARTS && result == 0; i++)
        if (there.part[i].len)
            result = ptn_error_set(err, PTN_ERR_INVALID,
                                   "certificates: %s exists; choose another "
                                   "name, or remove it first",
                                   to);
    if (result == 0)
        result = read_parts(r, from, ALL_PARTS, &parts, err);
    if (result == 0)
        result = ptn_repository_write(r, to, &parts, err);
    if (result == 0) {
        snprintf(old_path, sizeof old_path, "history/%s", from);
        snprintf(new_path, sizeof new_path, "history/%s", to);
        if (renameat(r->folder, old_path, r->folder, new_path) != 0 &&
            errno != ENOENT)
            result = ptn_repository_failed(err, "rename", old_path);
    }
    if (result == 0)
        result = ptn_repository_remove(r, from, err);
    unlock(r);
    ptn_parts_free(&parts);
    ptn_parts_free(&there);
    return result;
}

/* --- listings --- */

static void
add_name(void *arg, const char *entry)
{
    struct ptn_buf *names = arg;
    const char *dot = strchr(entry, '.');
    size_t len = dot ? (size_t)(dot - entry) : 0;
    char name[PTN_REPOSITORY_NAME_MAX + 1] = "";

    if (len == 0 || len > PTN_REPOSITORY_NAME_MAX)
        return;
    memcpy(name, entry, len);
    if (!ptn_repository_is_name(name))
        return;
    for (size_t i = 0; i < PTN_PARTS; i++)
        if (strcmp(dot + 1, ptn_repository_extensions[i]) == 0)
            ptn_buf_add(names, name, sizeof name);
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

int
ptn_repository_each(struct ptn_repository *r,
                    void (*fn)(void *arg, const char *name), void *arg,
                    struct ptn_error *err)
{
    struct ptn_buf names = PTN_BUF_INIT;
    const size_t size = PTN_REPOSITORY_NAME_MAX + 1;
    int result = lock(r, err);

    if (result == 0)
        ptn_repository_entries(r->folder, add_name, &names);
    if (names.len)
        qsort(names.data, names.len / size, size, compare_names);
    for (size_t at = 0; at < names.len; at += size)
        if (at == 0 || strcmp(names.data + at, names.data + at - size) != 0)
            fn(arg, names.data + at);
    unlock(r);
    ptn_buf_free(&names);
    return result;
}

int
ptn_repository_history(struct ptn_repository *r, const char *name,
                       unsigned out[PTN_REPOSITORY_HISTORY], size_t *count,
                       struct ptn_error *err)
{
    struct ptn_buf numbers = PTN_BUF_INIT;
    int result = lock(r, err);
    size_t have, skip;

    assert(ptn_repository_is_name(name));
    if (result == 0)
        numbers = ptn_repository_versions(r, name);
    unlock(r);
    have = numbers.len / sizeof(unsigned);
    skip = have > PTN_REPOSITORY_HISTORY ? have - PTN_REPOSITORY_HISTORY : 0;
    *count = have - skip;
    if (*count)
        memcpy(out, (const unsigned *)(void *)numbers.data + skip,
               *count * sizeof *out);
    ptn_buf_free(&numbers);
    return result;
}

int
ptn_repository_read_version(struct ptn_repository *r, const char *name,
                            unsigned version, struct ptn_parts *out,
                            struct ptn_error *err)
{
    int result = lock(r, err), fd = -1;

    assert(ptn_repository_is_name(name));
    *out = (struct ptn_parts){0};
    if (result == 0) {
        fd = ptn_repository_open_version(r, name, version, false);
        if (fd < 0)
            result = ptn_error_set(err, PTN_ERR_INVALID,
                                   "certificates: %s has no version %u", name,
                                   version);
    }
    for (size_t i = 0; i <= PTN_PART_META && result == 0; i++)
        result = ptn_repository_read_file(fd, ptn_repository_extensions[i],
                                          &out->part[i], err);
    if (fd >= 0)
        close(fd);
    unlock(r);
    if (result != 0)
        ptn_parts_free(out);
    return result;
}
