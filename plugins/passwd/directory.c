/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The calls of postern.directory. Any thread; nothing is kept between two
 * calls, and what held a password field is wiped.
 */
#include "entry.h"
#include "passwd.h"
#include "secret.h"

static void
wipe_free(struct ptn_buf *b)
{
    if (b->data)
        ptn_wipe(b->data, b->cap);
    ptn_buf_free(b);
}

/* The canonical account of a name as somebody typed it. */
static enum ptn_status
account_of(struct passwd *p, const struct passwd_table *users,
           struct ptn_slice name, struct ptn_user *out, struct ptn_buf *secret)
{
    char canonical[PTN_USER_NAME_MAX + 1];
    size_t n = passwd_canonical(p, name, canonical);
    if (n == 0)
        return PTN_NOTFOUND;
    return passwd_account(users, (struct ptn_slice){canonical, n}, true, out,
                          secret);
}

static enum ptn_status
lookup(void *instance, struct ptn_slice name, struct ptn_user *out)
{
    struct passwd *p = instance;
    struct passwd_table *users;
    enum ptn_status status = passwd_file_get(&p->users, true, &users);
    if (status != PTN_OK)
        return status;
    status = account_of(p, users, name, out, NULL);
    passwd_table_unref(users);
    return status;
}

static bool
pretend_with(void *arg, struct ptn_slice line)
{
    const struct ptn_slice *password = arg;
    struct passwd_entry entry;
    if (passwd_entry_parse(line, &entry) ||
        passwd_secret_is_locked(entry.secret))
        return true;
    (void)passwd_secret_matches(entry.secret, *password);
    return false;
}

/* For a name that nobody has, or an account that opens for nobody: the work
 * that the password of the first open one would cost, so that time does not
 * tell which names exist. */
static void
pretend(const struct passwd_table *users, struct ptn_slice password)
{
    (void)passwd_table_each(users, pretend_with, &password);
}

static enum ptn_status
verify_once(struct passwd *p, struct ptn_slice name, struct ptn_slice password,
            struct ptn_user *out)
{
    struct passwd_table *users;
    struct ptn_user user;
    struct ptn_buf secret = PTN_BUF_INIT;
    enum ptn_status status = passwd_file_get(&p->users, true, &users);
    if (status != PTN_OK)
        return status;
    status = account_of(p, users, name, &user, &secret);
    if (status == PTN_NOTFOUND ||
        passwd_secret_is_locked(ptn_buf_slice(&secret)))
        pretend(users, password);
    if (status == PTN_OK &&
        !passwd_secret_matches(ptn_buf_slice(&secret), password))
        status = PTN_DENIED;
    if (status == PTN_OK)
        *out = user;
    wipe_free(&secret);
    passwd_table_unref(users);
    return status;
}

/* Whoever has just been given an account or a password uses it at once. */
static enum ptn_status
verify(void *instance, struct ptn_slice name, struct ptn_slice password,
       struct ptn_user *out)
{
    struct passwd *p = instance;
    enum ptn_status status = verify_once(p, name, password, out);
    if ((status == PTN_NOTFOUND || status == PTN_DENIED) &&
        passwd_file_outdated(&p->users))
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
};
