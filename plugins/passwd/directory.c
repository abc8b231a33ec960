/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The calls of postern.directory. Any thread; nothing is kept between two
 * calls, and what held a secret is wiped.
 */
#include "entry.h"
#include "passwd.h"
#include "scram.h"
#include "secret.h"
#include "write.h"

/* The canonical account of a name as somebody typed it. */
static enum ptn_status
account_of(struct passwd *p, const struct passwd_table *users,
           struct ptn_slice name, struct ptn_user *out)
{
    char canonical[PTN_USER_NAME_MAX + 1];
    struct ptn_buf state = PTN_BUF_INIT;
    size_t n = passwd_canonical(p, name, canonical);
    if (n == 0)
        return PTN_NOTFOUND;
    enum ptn_status status = passwd_account(
        users, (struct ptn_slice){canonical, n}, true, out, &state);
    if (status == PTN_OK && passwd_secret_is_locked(ptn_buf_slice(&state)))
        status = PTN_DENIED;
    passwd_wipe_free(&state);
    return status;
}

static enum ptn_status
lookup(void *instance, struct ptn_slice name, struct ptn_user *out)
{
    struct passwd *p = instance;
    struct passwd_table *users;
    enum ptn_status status = passwd_file_get(&p->users, true, &users);
    if (status != PTN_OK)
        return status;
    status = account_of(p, users, name, out);
    passwd_table_unref(users);
    return status;
}

bool
passwd_is_outdated(struct passwd *p)
{
    bool users = passwd_file_outdated(&p->users);
    return passwd_file_outdated(&p->secrets) || users;
}

/* The account, the field of its state and its line of the secrets, as far as
 * they are there. */
static enum ptn_status
find_all(struct passwd *p, struct ptn_slice name, struct ptn_user *user,
         struct ptn_buf *state, struct ptn_buf *line)
{
    struct passwd_table *users, *secrets;
    enum ptn_status status = passwd_file_get(&p->users, true, &users);
    if (status != PTN_OK)
        return status;
    status = passwd_account(users, name, true, user, state);
    passwd_table_unref(users);
    if (status != PTN_OK)
        return status;
    status = passwd_file_get(&p->secrets, true, &secrets);
    if (status != PTN_OK)
        return status;
    enum ptn_status found = passwd_table_find(secrets, name, true, line);
    passwd_table_unref(secrets);
    return found == PTN_NOTFOUND ? PTN_OK : found;
}

enum ptn_status
passwd_find_keys(struct passwd *p, struct ptn_slice name, struct ptn_user *user,
                 struct ptn_buf *line)
{
    struct ptn_buf state = PTN_BUF_INIT;
    enum ptn_status status = find_all(p, name, user, &state, line);
    if (status == PTN_OK &&
        (line->len == 0 ||
         !ptn_slice_eq(ptn_buf_slice(&state), PTN_SLICE("x"))))
        status = PTN_DENIED;
    passwd_wipe_free(&state);
    return status;
}

static bool
pretend_with(void *arg, struct ptn_slice line)
{
    const struct ptn_slice *password = arg;
    struct passwd_keys keys;
    if (passwd_keys_parse(line, &keys) || passwd_secret_is_locked(keys.secret))
        return true;
    (void)passwd_secret_verify(keys.secret, *password);
    return false;
}

/* For a name that nobody has, or an account that opens for nobody: the work
 * that the password of the first open one would cost, so that time does not
 * tell which names exist. */
static void
pretend(struct passwd *p, struct ptn_slice password)
{
    struct passwd_table *secrets;
    if (passwd_file_get(&p->secrets, true, &secrets) != PTN_OK)
        return;
    (void)passwd_table_each(secrets, pretend_with, &password);
    passwd_table_unref(secrets);
}

/* What is to be compared: in the secrets, or still in the users' file. */
static struct ptn_slice
secret_of(const struct ptn_buf *state, const struct ptn_buf *line)
{
    struct ptn_slice secret = ptn_buf_slice(state);
    struct passwd_keys keys;
    if (!ptn_slice_eq(secret, PTN_SLICE("x")))
        return secret;
    if (line->len == 0 || passwd_keys_parse(ptn_buf_slice(line), &keys))
        return (struct ptn_slice){NULL, 0};
    return keys.secret;
}

static enum ptn_status
verify_once(struct passwd *p, struct ptn_slice name, struct ptn_slice password,
            struct ptn_user *out)
{
    char canonical[PTN_USER_NAME_MAX + 1];
    struct ptn_buf state = PTN_BUF_INIT, line = PTN_BUF_INIT;
    struct ptn_user user;
    size_t n = passwd_canonical(p, name, canonical);
    enum ptn_status status =
        n ? find_all(p, (struct ptn_slice){canonical, n}, &user, &state, &line)
          : PTN_NOTFOUND;
    struct ptn_slice secret = secret_of(&state, &line);
    if (status == PTN_NOTFOUND ||
        (status == PTN_OK && passwd_secret_is_locked(secret)))
        pretend(p, password);
    if (status == PTN_OK)
        status = passwd_secret_verify(secret, password);
    if (status == PTN_OK)
        *out = user;
    passwd_wipe_free(&state);
    passwd_wipe_free(&line);
    return status;
}

/* Whoever has just been given an account or a password uses it at once. */
static enum ptn_status
verify(void *instance, struct ptn_slice name, struct ptn_slice password,
       struct ptn_user *out)
{
    struct passwd *p = instance;
    if (!passwd_has_secrets(p))
        return PTN_UNSUPPORTED;
    enum ptn_status status = verify_once(p, name, password, out);
    if ((status == PTN_NOTFOUND || status == PTN_DENIED) &&
        passwd_is_outdated(p))
        status = verify_once(p, name, password, out);
    return status;
}

static enum ptn_status
resolve_with(struct passwd *p, struct ptn_slice address, bool block,
             void (*fn)(void *arg, const struct ptn_user *user), void *arg)
{
    struct ptn_buf found = PTN_BUF_INIT;
    enum ptn_status status = passwd_resolve(p, address, block, &found);
    if (status == PTN_NOTFOUND &&
        (passwd_file_outdated(&p->users) || passwd_file_outdated(&p->aliases)))
        status =
            block ? passwd_resolve(p, address, block, &found) : PTN_WOULDBLOCK;
    const struct ptn_user *users = (const void *)found.data;
    for (size_t i = 0;
         status == PTN_OK && i < found.len / sizeof(struct ptn_user); i++)
        fn(arg, &users[i]);
    ptn_buf_free(&found);
    return status;
}

static enum ptn_status
resolve(void *instance, struct ptn_slice address,
        void (*fn)(void *arg, const struct ptn_user *user), void *arg)
{
    return resolve_with(instance, address, true, fn, arg);
}

static enum ptn_status
resolve_nowait(void *instance, struct ptn_slice address,
               void (*fn)(void *arg, const struct ptn_user *user), void *arg)
{
    return resolve_with(instance, address, false, fn, arg);
}

static enum ptn_status
may_send(void *instance, struct ptn_slice user, struct ptn_slice address)
{
    char name[PTN_USER_NAME_MAX + 1];
    struct ptn_buf found = PTN_BUF_INIT;
    size_t n = passwd_canonical(instance, user, name);
    enum ptn_status status = passwd_resolve(instance, address, true, &found);
    if (n == 0 || status == PTN_NOTFOUND)
        status = PTN_DENIED;
    const struct ptn_user *users = (const void *)found.data;
    size_t i = 0, count = found.len / sizeof(struct ptn_user);
    while (i < count && strcmp(users[i].name, name) != 0)
        i++;
    if (status == PTN_OK && i == count)
        status = PTN_DENIED;
    ptn_buf_free(&found);
    return status;
}

struct each {
    struct passwd *p;
    bool (*fn)(void *arg, const struct ptn_user *user);
    void *arg;
};

static bool
each_line(void *arg, struct ptn_slice line)
{
    struct each *e = arg;
    struct passwd_entry entry;
    struct ptn_user user;
    if (passwd_entry_parse(line, &entry) ||
        passwd_canonical(e->p, entry.name, user.name) == 0)
        return true;
    user.quota = entry.quota;
    return e->fn(e->arg, &user);
}

static enum ptn_status
iterate(void *instance, bool (*fn)(void *arg, const struct ptn_user *user),
        void *arg)
{
    struct passwd *p = instance;
    struct each e = {p, fn, arg};
    struct passwd_table *users;
    enum ptn_status status = passwd_file_get(&p->users, true, &users);
    if (status != PTN_OK)
        return status;
    status = passwd_table_each(users, each_line, &e);
    passwd_table_unref(users);
    return status;
}

const struct ptn_directory_ops passwd_directory_ops = {
    .size = sizeof(passwd_directory_ops),
    .lookup = lookup,
    .verify = verify,
    .resolve = resolve,
    .may_send = may_send,
    .iterate = iterate,
    .resolve_nowait = resolve_nowait,
    .scram = passwd_scram,
    .scram_hashes = passwd_scram_hashes,
};
