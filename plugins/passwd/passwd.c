/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The descriptor, the options and the instance of the passwd plugin, and
 * what a line of either file has as its key.
 */
#include "passwd.h"
#include "entry.h"
#include "secret.h"
#include <postern/arena.h>

static const struct ptn_option options[] = {
    PTN_OPTION(struct passwd_options, users, .type = PTN_OPT_PATH,
               .doc = "file of accounts; by default users in the state "
                      "folder"),
    PTN_OPTION(struct passwd_options, aliases, .type = PTN_OPT_PATH,
               .doc = "file of aliases; by default aliases in the state "
                      "folder"),
    PTN_OPTION(struct passwd_options, postmaster, .type = PTN_OPT_STRING,
               .doc = "who gets mail for postmaster of a local domain; by "
                      "default the first account"),
    PTN_OPTION(struct passwd_options, delimiter, .type = PTN_OPT_STRING,
               .preset = "+",
               .doc = "what separates user and tag in user+tag; empty: no "
                      "subaddresses"),
    PTN_OPTION_END,
};

static size_t
user_key(void *arg, struct ptn_slice line, bool full, char *out,
         const char **why)
{
    struct passwd_entry entry;
    *why = passwd_entry_parse(line, &entry);
    if (!*why && full)
        *why = passwd_secret_check(entry.secret);
    if (*why)
        return 0;
    *why = "this cannot be a user's name";
    return passwd_canonical(arg, entry.name, out);
}

/* A target goes to a mailbox here: nothing is sent on to other hosts. */
static const char *
check_targets(struct passwd *p, struct ptn_slice targets)
{
    char name[PTN_USER_NAME_MAX + 1];
    struct ptn_slice one;
    while (passwd_target_next(&targets, &one)) {
        size_t n = passwd_canonical(p, one, name);
        if (n == 0)
            return "a target cannot be an address";
        const char *at = strrchr(name, '@');
        if (at && !ptn_host_is_local_domain(p->host, ptn_slice_of(at + 1)))
            return "a target is in no local domain";
    }
    return NULL;
}

static size_t
alias_key(void *arg, struct ptn_slice line, bool full, char *out,
          const char **why)
{
    struct ptn_slice name, targets;
    *why = passwd_alias_parse(line, &name, &targets);
    if (!*why && full)
        *why = check_targets(arg, targets);
    if (*why)
        return 0;
    *why = "this cannot be an alias";
    return passwd_name_fold(name, NULL, true, out);
}

static const struct passwd_kind users_kind = {"users", true, user_key};
static const struct passwd_kind aliases_kind = {"aliases", false, alias_key};

static char *
path_of(struct ptn_host *host, const char *given, const char *file)
{
    struct ptn_buf b = PTN_BUF_INIT;
    if (given)
        return ptn_strdup(given);
    ptn_buf_printf(&b, "%s/%s", ptn_host_state_dir(host), file);
    ptn_buf_addc(&b, '\0');
    return b.data;
}

static int
init(struct ptn_host *host, const void *opts, void **instance,
     struct ptn_error *err)
{
    const struct passwd_options *o = opts;
    if (strlen(o->delimiter) > 1)
        return ptn_error_set(err, PTN_ERR_CONFIG,
                             "delimiter is one character, or nothing");
    struct passwd *p = ptn_alloc(sizeof(*p));
    p->host = host;
    p->options = o;
    p->users_path = path_of(host, o->users, "users");
    p->aliases_path = path_of(host, o->aliases, "aliases");
    passwd_file_init(&p->users, p->users_path, &users_kind, p);
    passwd_file_init(&p->aliases, p->aliases_path, &aliases_kind, p);
    ptn_host_provide(host, PTN_DIRECTORY_CONTRACT, PTN_DIRECTORY_VERSION,
                     &passwd_directory_ops, p);
    ptn_host_provide(host, PTN_DIRECTORY_EDIT_CONTRACT,
                     PTN_DIRECTORY_EDIT_VERSION, &passwd_edit_ops, p);
    *instance = p;
    return 0;
}

/* Reads both files, so that what is wrong with them is in the log soon
 * after the start, and the first session need not wait for it. An unreadable
 * file is no reason not to start: it is a temporary failure until it can be
 * read. */
static void *
load(void *arg)
{
    struct passwd *p = arg;
    struct passwd_table *t;
    if (passwd_file_get(&p->users, true, &t) == PTN_OK)
        passwd_table_unref(t);
    if (passwd_file_get(&p->aliases, true, &t) == PTN_OK)
        passwd_table_unref(t);
    return NULL;
}

/* On a thread of its own: the server's start takes as long with a million
 * users as with one. */
static int
start(void *instance, struct ptn_error *err)
{
    struct passwd *p = instance;
    (void)err;
    p->is_loading = pthread_create(&p->loader, NULL, load, p) == 0;
    return 0;
}

static void
stop(void *instance)
{
    struct passwd *p = instance;
    if (p->is_loading)
        pthread_join(p->loader, NULL);
    passwd_file_deinit(&p->users);
    passwd_file_deinit(&p->aliases);
    ptn_free(p->users_path);
    ptn_free(p->aliases_path);
    ptn_free(p);
}

static const struct ptn_contract provides[] = {
    {PTN_DIRECTORY_CONTRACT, PTN_DIRECTORY_VERSION},
    {PTN_DIRECTORY_EDIT_CONTRACT, PTN_DIRECTORY_EDIT_VERSION},
    {NULL, 0},
};

PTN_MODULE_NOTE(passwd, "1.0", "LGPL-2.1-or-later",
                PTN_NOTE_PROVIDES(PTN_DIRECTORY_CONTRACT, PTN_DIRECTORY_VERSION)
                    PTN_NOTE_PROVIDES(PTN_DIRECTORY_EDIT_CONTRACT,
                                      PTN_DIRECTORY_EDIT_VERSION));

extern const struct ptn_module passwd_LTX_postern_module;
PTN_API const struct ptn_module passwd_LTX_postern_module = {
    PTN_MODULE_HEAD,
    .name = "passwd",
    .version = "1.0",
    .license = "LGPL-2.1-or-later",
    .doc = "accounts and aliases in two text files",
    .provides = provides,
    .options = options,
    .options_size = sizeof(struct passwd_options),
    .init = init,
    .start = start,
    .stop = stop,
};
