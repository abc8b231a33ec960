/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Secrets that stand in the users' file go where they belong. First they are
 * in both files, then in the right one alone: a crash in between loses
 * nothing, and the next try ends it. With the lock held.
 */
#include "entry.h"
#include "secret.h"
#include "write.h"
#include <postern/arena.h>
#include <stdlib.h>

struct move {
    struct passwd *p;
    struct ptn_buf users, secrets; /* the new files */
    struct ptn_buf names;          /* char[PTN_USER_NAME_MAX + 1] each */
    size_t count;
};

static int
compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void
split_line(void *arg, struct ptn_slice line)
{
    struct move *m = arg;
    struct passwd_entry entry;
    struct ptn_slice secret = {NULL, 0};
    char name[PTN_USER_NAME_MAX + 1] = "";
    if (line.len <= PASSWD_LINE_MAX && !passwd_line_is_void(line) &&
        !passwd_entry_parse(line, &entry) &&
        passwd_canonical(m->p, entry.name, name) > 0)
        secret = passwd_state_secret(entry.state);
    if (secret.len == 0 || passwd_secret_check(secret)) {
        ptn_buf_addslice(&m->users, line);
        ptn_buf_addc(&m->users, '\n');
        return;
    }
    const char *end = entry.state.data + entry.state.len;
    size_t marks = entry.state.len - secret.len;
    ptn_buf_addslice(&m->users, entry.name);
    ptn_buf_addc(&m->users, ':');
    ptn_buf_addslice(&m->users, ptn_slice_sub(entry.state, 0, marks));
    ptn_buf_addc(&m->users, 'x');
    ptn_buf_add(&m->users, end, (size_t)(line.data + line.len - end));
    ptn_buf_addc(&m->users, '\n');
    ptn_buf_printf(&m->secrets, "%s:::", name);
    ptn_buf_addslice(&m->secrets, secret);
    ptn_buf_addc(&m->secrets, '\n');
    ptn_buf_add(&m->names, name, sizeof(name));
    m->count++;
}

/* Keeps a line of the secrets, unless the account has a newer one now. */
static void
keep_line(void *arg, struct ptn_slice line)
{
    struct move *m = arg;
    struct passwd_keys keys;
    char name[PTN_USER_NAME_MAX + 1];
    if (!passwd_line_is_void(line) && !passwd_keys_parse(line, &keys) &&
        passwd_canonical(m->p, keys.name, name) > 0 &&
        bsearch(name, m->names.data, m->count, sizeof(name), compare))
        return;
    ptn_buf_addslice(&m->secrets, line);
    ptn_buf_addc(&m->secrets, '\n');
}

static enum ptn_status
write_both(struct move *m, const struct stat *users, struct ptn_error *err)
{
    struct passwd *p = m->p;
    struct stat secrets;
    char *folder = passwd_folder(p->secrets_path);
    enum ptn_status status = passwd_make_folder(p, p->secrets_path, 0700, err);
    qsort(m->names.data, m->count, PTN_USER_NAME_MAX + 1, compare);
    if (status == PTN_OK)
        status = passwd_each_line(p->secrets_path, folder, keep_line, m,
                                  &secrets, err);
    if (status == PTN_OK)
        status = passwd_replace(p->secrets_path, ptn_buf_slice(&m->secrets),
                                &secrets, err);
    if (status == PTN_OK)
        status =
            passwd_replace(p->users_path, ptn_buf_slice(&m->users), users, err);
    ptn_free(folder);
    return status;
}

enum ptn_status
passwd_convert(struct passwd *p, size_t *count, struct ptn_error *err)
{
    struct move m = {.p = p};
    struct stat st;
    enum ptn_status status = passwd_each_line(
        p->users_path, ptn_host_state_dir(p->host), split_line, &m, &st, err);
    if (status == PTN_OK && m.count > 0)
        status = write_both(&m, &st, err);
    *count = status == PTN_OK ? m.count : 0;
    passwd_wipe_free(&m.users);
    passwd_wipe_free(&m.secrets);
    ptn_buf_free(&m.names);
    return status;
}
