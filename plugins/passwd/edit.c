/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The calls of postern.directory.edit. An edit holds the lock and replaces
 * one file or both, as a whole. All other lines, comments and malformed ones
 * included, stay as they are; but secrets in the users' file are moved first.
 *
 * An account is open when it has a line in both files. So what gives it a
 * password writes the secrets first, and what takes it away the users: a
 * crash in between leaves a secret without an account, which opens nothing
 * and is replaced when the name is given again.
 */
#include "entry.h"
#include "passwd.h"
#include "scram.h"
#include "secret.h"
#include "write.h"
#include <postern/arena.h>
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
    struct ptn_buf keys; /* what follows the name in the secrets' line */
    uint64_t quota;
    bool found;                    /* in users */
    struct ptn_buf users, secrets; /* the new files */
    struct stat users_stat, secrets_stat;
};

static void
put_entry(struct edit *e, struct ptn_slice state, uint64_t quota)
{
    ptn_buf_printf(&e->users, "%s:", e->name);
    ptn_buf_addslice(&e->users, state);
    ptn_buf_addc(&e->users, ':');
    if (quota)
        ptn_buf_addu64(&e->users, quota);
    ptn_buf_addc(&e->users, '\n');
}

static bool
is_me(const struct edit *e, struct ptn_slice given)
{
    char name[PTN_USER_NAME_MAX + 1];
    return passwd_canonical(e->p, given, name) > 0 &&
           strcmp(name, e->name) == 0;
}

static void
put_line(struct ptn_buf *out, struct ptn_slice line)
{
    ptn_buf_addslice(out, line);
    ptn_buf_addc(out, '\n');
}

/* Copies a line of the users, or does to it what is to be done. */
static void
edit_user(void *arg, struct ptn_slice line)
{
    struct edit *e = arg;
    struct passwd_entry entry;
    if (e->found || passwd_line_is_void(line) ||
        passwd_entry_parse(line, &entry) || !is_me(e, entry.name)) {
        put_line(&e->users, line);
        return;
    }
    e->found = true;
    if (e->action == ACTION_PASSWORD)
        put_entry(e, PTN_SLICE("x"), entry.quota);
    else if (e->action == ACTION_QUOTA)
        put_entry(e, entry.state, e->quota);
}

/* Copies a line of the secrets, but the account's own, if it is to go or to
 * be another. */
static void
edit_secret(void *arg, struct ptn_slice line)
{
    struct edit *e = arg;
    struct passwd_keys keys;
    if (passwd_line_is_void(line) || passwd_keys_parse(line, &keys) ||
        !is_me(e, keys.name))
        put_line(&e->secrets, line);
}

static enum ptn_status
write_secrets(struct edit *e, struct ptn_error *err)
{
    struct passwd *p = e->p;
    char *folder = passwd_folder(p->secrets_path);
    enum ptn_status status = passwd_make_folder(p, p->secrets_path, 0700, err);
    if (status == PTN_OK)
        status = passwd_each_line(p->secrets_path, folder, edit_secret, e,
                                  &e->secrets_stat, err);
    if (e->keys.len > 0) {
        ptn_buf_printf(&e->secrets, "%s:", e->name);
        put_line(&e->secrets, ptn_buf_slice(&e->keys));
    }
    if (status == PTN_OK)
        status = passwd_replace(p->secrets_path, ptn_buf_slice(&e->secrets),
                                &e->secrets_stat, err);
    ptn_free(folder);
    return status;
}

static enum ptn_status
write_users(struct edit *e, struct ptn_error *err)
{
    return passwd_replace(e->p->users_path, ptn_buf_slice(&e->users),
                          &e->users_stat, err);
}

/* Why the edit cannot be, or OK. */
static enum ptn_status
object(const struct edit *e, struct ptn_error *err)
{
    if (e->action == ACTION_ADD && e->found) {
        ptn_error_set(err, PTN_ERR_INVALID, "%s exists already", e->name);
        return PTN_EXISTS;
    }
    if (e->action != ACTION_ADD && !e->found) {
        ptn_error_set(err, PTN_ERR_INVALID, "there is no user %s", e->name);
        return PTN_NOTFOUND;
    }
    return PTN_OK;
}

static enum ptn_status
edit_locked(struct edit *e, struct ptn_error *err)
{
    size_t moved;
    enum ptn_status status = passwd_convert(e->p, &moved, err);
    if (status == PTN_OK)
        status =
            passwd_each_line(e->p->users_path, ptn_host_state_dir(e->p->host),
                             edit_user, e, &e->users_stat, err);
    if (status == PTN_OK)
        status = object(e, err);
    if (e->action == ACTION_ADD)
        put_entry(e, PTN_SLICE("x"), e->quota);
    if (status == PTN_OK && e->keys.len > 0)
        status = write_secrets(e, err);
    if (status == PTN_OK)
        status = write_users(e, err);
    if (status == PTN_OK && e->action == ACTION_REMOVE)
        status = write_secrets(e, err);
    return status;
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
    int lock = passwd_lock(e->p, err);
    if (lock >= 0) {
        status = edit_locked(e, err);
        close(lock);
    }
    return status;
}

static void
edit_deinit(struct edit *e)
{
    passwd_wipe_free(&e->users);
    passwd_wipe_free(&e->secrets);
    passwd_wipe_free(&e->keys);
}

/* Hashes before the lock is taken: hashing is slow. */
static enum ptn_status
edit_with_password(struct edit *e, struct ptn_slice name,
                   struct ptn_slice password, struct ptn_error *err)
{
    enum ptn_status status = PTN_DENIED;
    passwd_verifiers_make(e->p, password, &e->keys);
    if (password.len == 0 || !passwd_secret_make(password, &e->keys))
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

static enum ptn_status
convert(void *instance, uint64_t *count, struct ptn_error *err)
{
    enum ptn_status status = PTN_TEMPFAIL;
    size_t moved = 0;
    int lock = passwd_lock(instance, err);
    if (lock >= 0) {
        status = passwd_convert(instance, &moved, err);
        close(lock);
    }
    *count = moved;
    return status;
}

const struct ptn_directory_edit_ops passwd_edit_ops = {
    .size = sizeof(passwd_edit_ops),
    .add = add,
    .remove = remove_user,
    .set_password = set_password,
    .set_quota = set_quota,
    .convert = convert,
};
