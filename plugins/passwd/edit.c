/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The calls of postern.directory.edit. An edit holds a lock file, writes
 * the whole file beside itself, syncs it and renames it over the old one:
 * readers see the old or the new file, also after a crash. All other lines,
 * comments and malformed ones included, stay as they are.
 */
#include "entry.h"
#include "passwd.h"
#include "reader.h"
#include "secret.h"
#include <errno.h>
#include <fcntl.h>
#include <postern/arena.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

enum action {
    ACTION_ADD,
    ACTION_REMOVE,
    ACTION_PASSWORD,
    ACTION_QUOTA
};

/* One edit from its beginning to its end. */
struct edit {
    struct passwd *p;
    enum action action;
    char name[PTN_USER_NAME_MAX + 1];
    struct ptn_buf secret; /* new password field */
    uint64_t quota;
    bool found;
    struct ptn_buf out; /* the new file */
};

static void
put_entry(struct edit *e, struct ptn_slice secret, uint64_t quota)
{
    ptn_buf_printf(&e->out, "%s:", e->name);
    ptn_buf_addslice(&e->out, secret);
    ptn_buf_addc(&e->out, ':');
    if (quota)
        ptn_buf_addu64(&e->out, quota);
    ptn_buf_addc(&e->out, '\n');
}

static bool
is_mine(const struct edit *e, struct ptn_slice line, struct passwd_entry *entry)
{
    char name[PTN_USER_NAME_MAX + 1];
    return !passwd_line_is_void(line) && !passwd_entry_parse(line, entry) &&
           passwd_canonical(e->p, entry->name, name) > 0 &&
           strcmp(name, e->name) == 0;
}

/* Copies one line, or does to it what is to be done. */
static void
edit_line(struct edit *e, struct ptn_slice line)
{
    struct passwd_entry entry;
    if (e->found || !is_mine(e, line, &entry)) {
        ptn_buf_addslice(&e->out, line);
        ptn_buf_addc(&e->out, '\n');
        return;
    }
    e->found = true;
    if (e->action == ACTION_PASSWORD)
        put_entry(e, ptn_buf_slice(&e->secret), entry.quota);
    else if (e->action == ACTION_QUOTA)
        put_entry(e, entry.secret, e->quota);
}

/* The old file through edit_line. `st` gets its owner and mode, or what a
 * new one should have: for itself alone, and the state folder's owner. */
static enum ptn_status
edit_lines(struct edit *e, struct stat *st, struct ptn_error *err)
{
    struct passwd_reader r;
    int more, fd = open(e->p->users_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        if (stat(ptn_host_state_dir(e->p->host), st) < 0)
            *st = (struct stat){.st_uid = geteuid(), .st_gid = getegid()};
        st->st_mode = 0600;
        return PTN_OK;
    }
    if (fd < 0 || fstat(fd, st) < 0) {
        ptn_error_errno(err, "cannot open %s", e->p->users_path);
        if (fd >= 0)
            close(fd);
        return PTN_TEMPFAIL;
    }
    passwd_reader_init(&r, fd, SIZE_MAX / 2);
    while ((more = passwd_reader_next(&r)) > 0)
        edit_line(e, r.line);
    if (more < 0)
        ptn_error_errno(err, "cannot read %s", e->p->users_path);
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
    char *folder = ptn_strdup(path);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    ptn_free(folder);
}

/* Puts the new file in place. */
static enum ptn_status
replace(const struct edit *e, const struct stat *st, struct ptn_error *err)
{
    struct ptn_buf temp = PTN_BUF_INIT;
    enum ptn_status status = PTN_TEMPFAIL;
    ptn_buf_printf(&temp, "%s.new", e->p->users_path);
    const char *name = ptn_buf_cstr(&temp);
    (void)unlink(name);
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        ptn_error_errno(err, "cannot create %s", name);
    } else if ((geteuid() == 0 && fchown(fd, st->st_uid, st->st_gid) < 0) ||
               fchmod(fd, st->st_mode & 0777) < 0 ||
               !write_all(fd, ptn_buf_slice(&e->out)) || fsync(fd) < 0 ||
               rename(name, e->p->users_path) < 0) {
        ptn_error_errno(err, "cannot write %s", name);
        (void)unlink(name);
    } else {
        sync_folder(e->p->users_path);
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

static int
take_lock(const struct passwd *p, struct ptn_error *err)
{
    struct ptn_buf path = PTN_BUF_INIT;
    ptn_buf_printf(&path, "%s.lock", p->users_path);
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

static enum ptn_status
edit_locked(struct edit *e, struct ptn_error *err)
{
    struct stat st;
    enum ptn_status status = edit_lines(e, &st, err);
    if (status != PTN_OK)
        return status;
    if (e->action == ACTION_ADD && e->found) {
        ptn_error_set(err, PTN_ERR_INVALID, "%s exists already", e->name);
        return PTN_EXISTS;
    }
    if (e->action != ACTION_ADD && !e->found) {
        ptn_error_set(err, PTN_ERR_INVALID, "there is no user %s", e->name);
        return PTN_NOTFOUND;
    }
    if (e->action == ACTION_ADD)
        put_entry(e, ptn_buf_slice(&e->secret), e->quota);
    return replace(e, &st, err);
}

static enum ptn_status
run_edit(struct edit *e, struct ptn_slice name, struct ptn_error *err)
{
    enum ptn_status status = PTN_TEMPFAIL;
    if (passwd_canonical(e->p, name, e->name) == 0) {
        ptn_error_set(err, PTN_ERR_INVALID, "this cannot be a user's name");
        return PTN_DENIED;
    }
    if (!strchr(e->name, '@')) {
        ptn_error_set(err, PTN_ERR_INVALID,
                      "%s needs a domain: server.domains is empty", e->name);
        return PTN_DENIED;
    }
    int lock = take_lock(e->p, err);
    if (lock >= 0) {
        status = edit_locked(e, err);
        close(lock);
    }
    return status;
}

static void
edit_deinit(struct edit *e)
{
    if (e->out.data)
        ptn_wipe(e->out.data, e->out.cap);
    ptn_buf_free(&e->out);
    if (e->secret.data)
        ptn_wipe(e->secret.data, e->secret.cap);
    ptn_buf_free(&e->secret);
}

/* Hashes before the lock is taken: hashing is slow. */
static enum ptn_status
edit_with_password(struct edit *e, struct ptn_slice name,
                   struct ptn_slice password, struct ptn_error *err)
{
    enum ptn_status status = PTN_DENIED;
    if (password.len == 0 || !passwd_secret_make(password, &e->secret))
        ptn_error_set(err, PTN_ERR_INVALID,
                      "this cannot be a password: 1 to %d octets, no NUL",
                      PASSWD_PASSWORD_MAX);
    else
        status = run_edit(e, name, err);
    edit_deinit(e);
    return status;
}

static enum ptn_status
add(void *instance, struct ptn_slice name, struct ptn_slice password,
    uint64_t quota, struct ptn_error *err)
{
    struct edit e = {.p = instance, .action = ACTION_ADD, .quota = quota};
    return edit_with_password(&e, name, password, err);
}

static enum ptn_status
set_password(void *instance, struct ptn_slice name, struct ptn_slice password,
             struct ptn_error *err)
{
    struct edit e = {.p = instance, .action = ACTION_PASSWORD};
    return edit_with_password(&e, name, password, err);
}

static enum ptn_status
remove_user(void *instance, struct ptn_slice name, struct ptn_error *err)
{
    struct edit e = {.p = instance, .action = ACTION_REMOVE};
    enum ptn_status status = run_edit(&e, name, err);
    edit_deinit(&e);
    return status;
}

static enum ptn_status
set_quota(void *instance, struct ptn_slice name, uint64_t quota,
          struct ptn_error *err)
{
    struct edit e = {.p = instance, .action = ACTION_QUOTA, .quota = quota};
    enum ptn_status status = run_edit(&e, name, err);
    edit_deinit(&e);
    return status;
}

const struct ptn_directory_edit_ops passwd_edit_ops = {
    .size = sizeof(passwd_edit_ops),
    .add = add,
    .remove = remove_user,
    .set_password = set_password,
    .set_quota = set_quota,
};
