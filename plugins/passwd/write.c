/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Locks, reads and replaces the files (write.h). Root keeps owners as they
 * were, and gives what it makes to the owner of the folder around it.
 */
#include "write.h"
#include "reader.h"
#include <errno.h>
#include <fcntl.h>
#include <postern/arena.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

void
passwd_wipe_free(struct ptn_buf *b)
{
    if (b->data)
        ptn_wipe(b->data, b->cap);
    ptn_buf_free(b);
}

char *
passwd_folder(const char *path)
{
    char *folder = ptn_strdup(path);
    char *slash = strrchr(folder, '/');
    if (!slash) {
        ptn_free(folder);
        return ptn_strdup(".");
    }
    slash[slash == folder] = '\0';
    return folder;
}

enum ptn_status
passwd_each_line(const char *path, const char *folder,
                 void (*fn)(void *arg, struct ptn_slice line), void *arg,
                 struct stat *st, struct ptn_error *err)
{
    struct passwd_reader r;
    int more, fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        if (stat(folder, st) < 0)
            *st = (struct stat){.st_uid = geteuid(), .st_gid = getegid()};
        st->st_mode = 0600;
        return PTN_OK;
    }
    if (fd < 0 || fstat(fd, st) < 0) {
        ptn_error_errno(err, "cannot open %s", path);
        if (fd >= 0)
            close(fd);
        return PTN_TEMPFAIL;
    }
    passwd_reader_init(&r, fd, SIZE_MAX / 2);
    while ((more = passwd_reader_next(&r)) > 0)
        fn(arg, r.line);
    if (more < 0)
        ptn_error_errno(err, "cannot read %s", path);
    passwd_reader_deinit(&r);
    close(fd);
    return more < 0 ? PTN_TEMPFAIL : PTN_OK;
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

static void
sync_folder(const char *path)
{
    char *folder = passwd_folder(path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    ptn_free(folder);
}

/* Whether the open file is the whole new one by now. */
static bool
fill(int fd, struct ptn_slice text, const struct stat *st)
{
    return (geteuid() != 0 || fchown(fd, st->st_uid, st->st_gid) == 0) &&
           fchmod(fd, st->st_mode & 0777) == 0 && write_all(fd, text) &&
           fsync(fd) == 0;
}

enum ptn_status
passwd_replace(const char *path, struct ptn_slice text, const struct stat *st,
               struct ptn_error *err)
{
    struct ptn_buf temp = PTN_BUF_INIT;
    enum ptn_status status = PTN_TEMPFAIL;
    ptn_buf_printf(&temp, "%s.new", path);
    const char *name = ptn_buf_cstr(&temp);
    (void)unlink(name);
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        ptn_error_errno(err, "cannot create %s", name);
    } else if (!fill(fd, text, st) || rename(name, path) < 0) {
        ptn_error_errno(err, "cannot write %s", name);
        (void)unlink(name);
    } else {
        sync_folder(path);
        status = PTN_OK;
    }
    if (fd >= 0)
        close(fd);
    ptn_buf_free(&temp);
    return status;
}

/* The lock file belongs to the state folder's owner, so that root and that
 * user can take turns; a link to a file elsewhere, which that user may have
 * put there, is given to nobody. */
static bool
give_to_owner(const struct passwd *p, int fd)
{
    struct stat st;
    if (geteuid() != 0)
        return true;
    if (fstat(fd, &st) < 0)
        return false;
    if (!S_ISREG(st.st_mode) || st.st_nlink != 1) {
        errno = EMLINK;
        return false;
    }
    return stat(ptn_host_state_dir(p->host), &st) < 0 ||
           fchown(fd, st.st_uid, st.st_gid) == 0;
}

/* lchown: not to what a link leads to, which the owner of the folder around
 * it may have put there meanwhile. */
enum ptn_status
passwd_make_folder(const struct passwd *p, const char *path, mode_t mode,
                   struct ptn_error *err)
{
    char *folder = passwd_folder(path);
    enum ptn_status status = PTN_OK;
    struct stat st;
    if (mkdir(folder, mode) < 0) {
        if (errno != EEXIST) {
            ptn_error_errno(err, "cannot make the folder %s", folder);
            status = PTN_TEMPFAIL;
        }
    } else if (geteuid() == 0 && stat(ptn_host_state_dir(p->host), &st) == 0 &&
               lchown(folder, st.st_uid, st.st_gid) < 0) {
        ptn_error_errno(err, "cannot give away %s", folder);
        status = PTN_TEMPFAIL;
    }
    ptn_free(folder);
    return status;
}

int
passwd_lock(const struct passwd *p, struct ptn_error *err)
{
    struct ptn_buf path = PTN_BUF_INIT;
    ptn_buf_printf(&path, "%s.lock", p->users_path);
    if (passwd_make_folder(p, p->users_path, 0750, err) != PTN_OK) {
        ptn_buf_free(&path);
        return -1;
    }
    int fd = open(ptn_buf_cstr(&path),
                  O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || !give_to_owner(p, fd) || flock(fd, LOCK_EX) < 0) {
        ptn_error_errno(err, "cannot lock %s", ptn_buf_cstr(&path));
        if (fd >= 0)
            close(fd);
        fd = -1;
    }
    ptn_buf_free(&path);
    return fd;
}
