/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The repository's files and folders. Everything is relative to descriptors
 * and follows no symbolic link, so that nobody who can write elsewhere
 * decides what is read or written here.
 */
#include "pki/repository_inner.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <postern/arena.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const ptn_repository_extensions[PTN_PARTS] = {
    "key", "crt", "csr", "meta", "next.key", "next.csr"};

int
ptn_repository_failed(struct ptn_error *err, const char *what, const char *path)
{
    return ptn_error_errno(err, "certificates: cannot %s %s", what, path);
}

void
ptn_repository_give(const struct ptn_repository *r, int fd)
{
    if (geteuid() == 0 && r->uid != (uid_t)-1 &&
        fchown(fd, r->uid, r->gid) != 0)
        return; /* who cannot read it later says so, with its name */
}

/* A folder that is there or made; -1, with the errno of what has failed first:
 * that it is not there says nothing when it could not be made. */
int
ptn_repository_folder(const struct ptn_repository *r, int at, const char *path,
                      bool make)
{
    bool made = make && mkdirat(at, path, 0700) == 0;
    int why = made || !make ? ENOENT : errno;
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0 && made)
        ptn_repository_give(r, fd);
    if (fd < 0 && errno == ENOENT)
        errno = why;
    return fd;
}

/* All room is taken at once: growing would leave a copy of a key behind. */
int
ptn_repository_read_file(int at, const char *path, struct ptn_buf *out,
                         struct ptn_error *err)
{
    int fd = openat(at, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    size_t room;
    ssize_t n = -1;

    if (fd < 0)
        return errno == ENOENT ? 0 : ptn_repository_failed(err, "open", path);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        room = st.st_size <= (off_t)PTN_REPOSITORY_FILE_MAX
                   ? (size_t)st.st_size + 1
                   : PTN_REPOSITORY_FILE_MAX + 1;
        ptn_buf_reserve(out, room);
        while (out->len < room &&
               (n = read(fd, out->data + out->len, room - out->len)) > 0)
            out->len += (size_t)n;
    }
    close(fd);
    if (n < 0)
        return ptn_repository_failed(err, "read", path);
    if (out->len > PTN_REPOSITORY_FILE_MAX)
        return ptn_error_set(err, PTN_ERR_LIMIT,
                             "certificates: %s is longer than %u octets", path,
                             PTN_REPOSITORY_FILE_MAX);
    return 0;
}

static bool
write_all(int fd, struct ptn_slice data)
{
    while (data.len > 0) {
        ssize_t n = write(fd, data.data, data.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data = ptn_slice_sub(data, (size_t)n, data.len - (size_t)n);
    }
    return true;
}

int
ptn_repository_write_file(const struct ptn_repository *r, int at,
                          const char *path, struct ptn_slice data)
{
    int fd = openat(at, path,
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int result;

    if (fd < 0)
        return -1;
    ptn_repository_give(r, fd);
    result = write_all(fd, data) && fsync(fd) == 0 ? 0 : -1;
    if (close(fd) != 0)
        result = -1;
    return result;
}

/* A key that is removed is overwritten first: of little use on flash, and
 * of some on disks. */
void
ptn_repository_shred(int at, const char *path)
{
    static const char zeros[4096];
    int fd = openat(at, path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;

    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
        st.st_nlink == 1 && st.st_size <= (off_t)PTN_REPOSITORY_FILE_MAX) {
        for (off_t n = 0; n < st.st_size; n += (off_t)sizeof zeros)
            write_all(fd, (struct ptn_slice){zeros, sizeof zeros});
        fsync(fd);
    }
    if (fd >= 0)
        close(fd);
    unlinkat(at, path, 0);
}

static bool
is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Calls fn for each entry of a folder; `fd` stays the caller's. */
void
ptn_repository_entries(int fd, void (*fn)(void *arg, const char *name),
                       void *arg)
{
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = own >= 0 ? fdopendir(own) : NULL;
    struct dirent *entry;

    if (!dir) {
        if (own >= 0)
            close(own);
        return;
    }
    while ((entry = readdir(dir)))
        if (!is_dots(entry->d_name))
            fn(arg, entry->d_name);
    closedir(dir);
}

static void
shred_entry(void *arg, const char *name)
{
    ptn_repository_shred(*(const int *)arg, name);
}

/* Removes a folder of files. */
void
ptn_repository_remove_folder(int at, const char *path)
{
    int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return;
    ptn_repository_entries(fd, shred_entry, &fd);
    close(fd);
    unlinkat(at, path, AT_REMOVEDIR);
}

void
ptn_repository_path(const char *name, size_t part, char out[PATH_SIZE])
{
    snprintf(out, PATH_SIZE, "%s.%s", name, ptn_repository_extensions[part]);
}
