/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Changes of the repository: promised with one rename, then carried out,
 * what was in use going into the history first. Each step may be done again
 * after a crash. Under the lock.
 *
 *   pending/NAME.new   being written          (thrown away when found)
 *   pending/NAME.kept  carried out            (the same)
 *   pending/NAME       promised               (carried out when found)
 *       keep          number of the version that goes into the history
 *       parts         which files there will be; the rest goes
 *       key, crt ...  those that are not in their place yet
 */
#include "pki/repository_inner.h"
#include <errno.h>
#include <fcntl.h>
#include <postern/arena.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char manifest[] = "parts";

static uint64_t
said_version(const struct ptn_buf *meta)
{
    static const char key[] = "version=";
    struct ptn_slice rest = ptn_buf_slice(meta);

    while (rest.len > 0) {
        const char *end = memchr(rest.data, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.data) : rest.len;
        struct ptn_slice line = {rest.data, len};
        uint64_t version;

        if (len > sizeof key - 1 &&
            memcmp(line.data, key, sizeof key - 1) == 0 &&
            ptn_slice_to_u64(
                ptn_slice_sub(line, sizeof key - 1, len - (sizeof key - 1)),
                UINT32_MAX - 1, &version))
            return version;
        rest = ptn_slice_sub(rest, end ? len + 1 : len,
                             rest.len - (end ? len + 1 : len));
    }
    return 0;
}

/* The folder of a version in the history; -1. */
int
ptn_repository_open_version(const struct ptn_repository *r, const char *name,
                            uint64_t version, bool make)
{
    char path[PATH_SIZE];
    int history, fd;

    if (make) {
        fd = ptn_repository_folder(r, r->folder, "history", true);
        if (fd >= 0)
            close(fd);
    }
    snprintf(path, sizeof path, "history/%s", name);
    history = ptn_repository_folder(r, r->folder, path, make);
    if (history < 0)
        return -1;
    snprintf(path, sizeof path, "%llu", (unsigned long long)version);
    fd = ptn_repository_folder(r, history, path, make);
    if (make)
        fsync(history);
    close(history);
    return fd;
}

static int
compare_numbers(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

    return (x > y) - (x < y);
}

static void
add_number(void *arg, const char *name)
{
    struct ptn_buf *numbers = arg;
    uint64_t version;

    if (ptn_slice_to_u64(ptn_slice_of(name), UINT32_MAX, &version))
        ptn_buf_add(numbers, &(unsigned){(unsigned)version}, sizeof(unsigned));
}

/* All version numbers in the history, sorted; as an array of unsigned. */
struct ptn_buf
ptn_repository_versions(const struct ptn_repository *r, const char *name)
{
    struct ptn_buf numbers = PTN_BUF_INIT;
    char path[PATH_SIZE];
    int fd;

    snprintf(path, sizeof path, "history/%s", name);
    fd = ptn_repository_folder(r, r->folder, path, false);
    if (fd < 0)
        return numbers;
    ptn_repository_entries(fd, add_number, &numbers);
    close(fd);
    if (numbers.len)
        qsort(numbers.data, numbers.len / sizeof(unsigned), sizeof(unsigned),
              compare_numbers);
    return numbers;
}

void
ptn_repository_remove_version(const struct ptn_repository *r, const char *name,
                              unsigned version)
{
    char path[PATH_SIZE + 16];

    snprintf(path, sizeof path, "history/%s/%u", name, version);
    ptn_repository_remove_folder(r->folder, path);
}

static void
prune_history(const struct ptn_repository *r, const char *name)
{
    struct ptn_buf numbers = ptn_repository_versions(r, name);
    size_t count = numbers.len / sizeof(unsigned);

    for (size_t i = 0; i + PTN_REPOSITORY_HISTORY < count; i++)
        ptn_repository_remove_version(
            r, name, ((const unsigned *)(void *)numbers.data)[i]);
    ptn_buf_free(&numbers);
}

/* Links what is in use into the history. Done before anything is replaced,
 * and done again without harm. */
static int
keep_version(const struct ptn_repository *r, const char *name, uint64_t version)
{
    int fd = ptn_repository_open_version(r, name, version, true), result = 0;
    char path[PATH_SIZE];

    if (fd < 0)
        return -1;
    for (size_t i = 0; i <= PTN_PART_META; i++) {
        ptn_repository_path(name, i, path);
        if (linkat(r->folder, path, fd, ptn_repository_extensions[i], 0) != 0 &&
            errno != EEXIST && errno != ENOENT)
            result = -1;
    }
    if (fsync(fd) != 0)
        result = -1;
    close(fd);
    return result;
}

static bool
says(const struct ptn_buf *list, const char *word)
{
    struct ptn_slice rest = ptn_buf_slice(list);

    while (rest.len > 0) {
        const char *end = memchr(rest.data, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.data) : rest.len;

        if (ptn_slice_eq((struct ptn_slice){rest.data, len},
                         ptn_slice_of(word)))
            return true;
        rest = ptn_slice_sub(rest, end ? len + 1 : len,
                             rest.len - (end ? len + 1 : len));
    }
    return false;
}

/* What the manifest does not say goes; what is still promised comes. */
static int
replace_parts(const struct ptn_repository *r, const char *name, int pending,
              const struct ptn_buf *list)
{
    char path[PATH_SIZE];

    for (size_t i = 0; i < PTN_PARTS; i++) {
        ptn_repository_path(name, i, path);
        if (!says(list, ptn_repository_extensions[i])) {
            if (unlinkat(r->folder, path, 0) != 0 && errno != ENOENT)
                return -1;
        } else if (renameat(pending, ptn_repository_extensions[i], r->folder,
                            path) != 0 &&
                   errno != ENOENT) {
            return -1;
        }
    }
    return fsync(r->folder);
}

/* Carries out the promise in `pending`. */
static int
carry_out(const struct ptn_repository *r, const char *name, int pending,
          struct ptn_error *err)
{
    struct ptn_buf list = PTN_BUF_INIT, keep = PTN_BUF_INIT;
    int result = ptn_repository_read_file(pending, manifest, &list, err);
    uint64_t version;

    if (result == 0)
        result = ptn_repository_read_file(pending, "keep", &keep, err);
    if (result == 0 &&
        ((keep.len > 0 &&
          ptn_slice_to_u64(ptn_buf_slice(&keep), UINT32_MAX, &version) &&
          keep_version(r, name, version) != 0) ||
         replace_parts(r, name, pending, &list) != 0))
        result = ptn_repository_failed(err, "replace the files of", name);
    ptn_buf_free(&list);
    ptn_buf_free(&keep);
    return result;
}

int
ptn_repository_finish_one(const struct ptn_repository *r, const char *name,
                          struct ptn_error *err)
{
    char path[PATH_SIZE], kept[PATH_SIZE];
    int fd, result;

    snprintf(path, sizeof path, "pending/%s", name);
    fd = ptn_repository_folder(r, r->folder, path, false);
    if (fd < 0)
        return 0;
    result = carry_out(r, name, fd, err);
    close(fd);
    if (result != 0)
        return result;
    /* Kept, all at once: half of a promise would be another one. */
    snprintf(kept, sizeof kept, "pending/%s.kept", name);
    ptn_repository_remove_folder(r->folder, kept);
    if (renameat(r->folder, path, r->folder, kept) != 0)
        return ptn_repository_failed(err, "finish", path);
    ptn_repository_remove_folder(r->folder, kept);
    prune_history(r, name);
    return 0;
}

struct finishing {
    const struct ptn_repository *r;
    struct ptn_error *err;
    int result;
};

static void
finish_entry(void *arg, const char *name)
{
    struct finishing *f = arg;
    char path[PATH_SIZE];

    if (ptn_repository_is_name(name)) {
        if (ptn_repository_finish_one(f->r, name, f->err) != 0)
            f->result = -1;
    } else if (strlen(name) < PTN_REPOSITORY_NAME_MAX + 8) {
        snprintf(path, sizeof path, "pending/%s", name); /* never promised */
        ptn_repository_remove_folder(f->r->folder, path);
    }
}

int
ptn_repository_finish(const struct ptn_repository *r, struct ptn_error *err)
{
    struct finishing f = {r, err, 0};
    int fd = ptn_repository_folder(r, r->folder, "pending", false);

    if (fd < 0)
        return 0;
    ptn_repository_entries(fd, finish_entry, &f);
    close(fd);
    return f.result;
}

static bool
is_other_version(const struct ptn_parts *now, const struct ptn_parts *then)
{
    for (size_t i = 0; i <= PTN_PART_CRT; i++)
        if (!ptn_slice_eq(ptn_buf_slice(&now->part[i]),
                          ptn_buf_slice(&then->part[i])))
            return true;
    return false;
}

/* The meta file as the caller has it, with our number of the version. */
static struct ptn_buf
number_meta(const struct ptn_buf *meta, uint64_t version)
{
    struct ptn_slice rest = ptn_buf_slice(meta);
    struct ptn_buf out = PTN_BUF_INIT;

    ptn_buf_printf(&out, "version=%llu\n", (unsigned long long)version);
    while (rest.len > 0) {
        const char *end = memchr(rest.data, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.data) + 1 : rest.len;

        if (len < 8 || memcmp(rest.data, "version=", 8) != 0)
            ptn_buf_add(&out, rest.data, len);
        rest = ptn_slice_sub(rest, len, rest.len - len);
    }
    return out;
}

/* Writes all parts and the manifest into the folder. `keep`: the version
 * that goes into the history; 0: none does. */
static int
write_parts(const struct ptn_repository *r, int fd,
            const struct ptn_parts *parts, uint64_t version, uint64_t keep)
{
    struct ptn_buf list = PTN_BUF_INIT, number = PTN_BUF_INIT;
    struct ptn_buf meta = number_meta(&parts->part[PTN_PART_META], version);
    int result = 0;

    for (size_t i = 0; i < PTN_PARTS && result == 0; i++) {
        const struct ptn_buf *part =
            i == PTN_PART_META ? &meta : &parts->part[i];

        if (part->len == 0)
            continue;
        ptn_buf_printf(&list, "%s\n", ptn_repository_extensions[i]);
        result = ptn_repository_write_file(r, fd, ptn_repository_extensions[i],
                                           ptn_buf_slice(part));
    }
    if (keep)
        ptn_buf_addu64(&number, keep);
    if (result == 0 && keep)
        result =
            ptn_repository_write_file(r, fd, "keep", ptn_buf_slice(&number));
    if (result == 0)
        result =
            ptn_repository_write_file(r, fd, manifest, ptn_buf_slice(&list));
    if (result == 0)
        result = fsync(fd);
    ptn_buf_free(&list);
    ptn_buf_free(&number);
    ptn_buf_free(&meta);
    return result;
}

/* The number of the version in use: what its meta says, and more than those
 * of the history have. What somebody put there by hand says none, and what
 * was renamed has a history of its own. 0: there is nothing, nor was there. */
static uint64_t
version_of(const struct ptn_repository *r, const char *name,
           const struct ptn_parts *now)
{
    uint64_t said = said_version(&now->part[PTN_PART_META]), least = 0;
    struct ptn_buf numbers = ptn_repository_versions(r, name);

    if (numbers.len)
        least = ((const unsigned *)(void *)
                     numbers.data)[numbers.len / sizeof(unsigned) - 1];
    ptn_buf_free(&numbers);
    if (now->part[PTN_PART_CRT].len)
        least++;
    return said > least ? said : least;
}

int
ptn_repository_promise(const struct ptn_repository *r, const char *name,
                       const struct ptn_parts *now,
                       const struct ptn_parts *parts)
{
    uint64_t version = version_of(r, name, now);
    uint64_t keep = now->part[PTN_PART_CRT].len && is_other_version(now, parts)
                        ? version
                        : 0;
    char path[PATH_SIZE + 16];
    int pending = ptn_repository_folder(r, r->folder, "pending", true), fd,
        result = -1, why;

    if (pending < 0)
        return -1;
    snprintf(path, sizeof path, "%s.new", name); /* no name has a dot */
    ptn_repository_remove_folder(pending, path);
    fd = ptn_repository_folder(r, pending, path, true);
    if (fd >= 0)
        result = write_parts(
            r, fd, parts, is_other_version(now, parts) ? version + 1 : version,
            keep);
    why = errno;
    if (fd >= 0)
        close(fd);
    if (result == 0 &&
        ((result = renameat(pending, path, pending, name)) != 0 ||
         (result = fsync(pending)) != 0))
        why = errno;
    if (result != 0)
        ptn_repository_remove_folder(pending, path);
    close(pending);
    errno = why;
    return result;
}
