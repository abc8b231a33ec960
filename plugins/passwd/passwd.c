/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The descriptor, the options and the instance of the passwd plugin, and
 * what a line of either file has as its key.
 */
#include "passwd.h"
#include "entry.h"
#include "scram.h"
#include "secret.h"
#include "write.h"
#include <postern/arena.h>
#include <postern/log.h>
#include <unistd.h>

static const struct ptn_option options[] = {
    PTN_OPTION(struct passwd_options, users, .type = PTN_OPT_PATH,
               .doc = "file of accounts; by default passwd/users in the "
                      "state folder"),
    PTN_OPTION(struct passwd_options, secrets, .type = PTN_OPT_PATH,
               .doc = "file of their passwords' hashes, in a folder that "
                      "workers cannot read; by default secrets/passwd in the "
                      "state folder"),
    PTN_OPTION(struct passwd_options, scram_iterations, .type = PTN_OPT_INT,
               .preset = "10000", .min = 0, .max = PASSWD_ITERATIONS_MAX,
               .doc = "work that SCRAM verifiers made from now on put before "
                      "each guess, at least 4096; 0: none are made"),
    PTN_OPTION(struct passwd_options, aliases, .type = PTN_OPT_PATH,
               .doc = "file of aliases; by default passwd/aliases in "
                      "the state folder"),
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
    if (!*why && full && passwd_state_secret(entry.state).len > 0)
        *why = passwd_secret_check(passwd_state_secret(entry.state));
    if (*why)
        return 0;
    *why = "this cannot be a user's name";
    return passwd_canonical(arg, entry.name, out);
}

static unsigned
note_user(struct ptn_slice line)
{
    struct passwd_entry entry;
    bool exposed = !passwd_entry_parse(line, &entry) &&
                   passwd_state_secret(entry.state).len > 0;
    return exposed ? 1u << PASSWD_NOTE_EXPOSED : 0;
}

static const char *
check_verifier(struct ptn_slice text, enum ptn_scram_hash hash)
{
    struct ptn_scram_verifier v;
    if (text.len == 0 || passwd_verifier_parse(text, hash, &v))
        return NULL;
    return "a SCRAM verifier is malformed";
}

static size_t
keys_key(void *arg, struct ptn_slice line, bool full, char *out,
         const char **why)
{
    struct passwd_keys keys;
    *why = passwd_keys_parse(line, &keys);
    if (!*why && full)
        *why = passwd_secret_check(keys.secret);
    for (int i = 0; i < PTN_SCRAM_HASHES && !*why && full; i++)
        *why = check_verifier(keys.verifiers[i], (enum ptn_scram_hash)i);
    if (*why)
        return 0;
    *why = "this cannot be a user's name";
    return passwd_canonical(arg, keys.name, out);
}

static unsigned
note_keys(struct ptn_slice line)
{
    struct passwd_keys keys;
    unsigned notes = 0;
    if (passwd_keys_parse(line, &keys) || passwd_secret_is_locked(keys.secret))
        return 0;
    if (keys.verifiers[PTN_SCRAM_SHA256].len == 0)
        notes |= 1u << PASSWD_NOTE_NO_SHA256;
    if (keys.verifiers[PTN_SCRAM_SHA1].len == 0)
        notes |= 1u << PASSWD_NOTE_NO_SHA1;
    return notes;
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

static const struct passwd_kind users_kind = {"users", false, user_key,
                                              note_user};
static const struct passwd_kind secrets_kind = {"secrets", true, keys_key,
                                                note_keys};
static const struct passwd_kind aliases_kind = {"aliases", false, alias_key,
                                                NULL};

/* Users and aliases have a folder of their own, which workers may read; the
 * secrets have one that they may not. Up to 1.0 the former two stood in the
 * state folder itself, and do so until somebody moves them. */
static char *
path_of(struct ptn_host *host, const char *given, const char *file,
        const char *former)
{
    struct ptn_buf b = PTN_BUF_INIT, old = PTN_BUF_INIT;
    const char *state = ptn_host_state_dir(host);
    if (given)
        return ptn_strdup(given);
    ptn_buf_printf(&b, "%s/%s", state, file);
    (void)ptn_buf_cstr(&b);
    if (former && access(b.data, F_OK) != 0) {
        ptn_buf_printf(&old, "%s/%s", state, former);
        if (access(ptn_buf_cstr(&old), F_OK) == 0) {
            ptn_buf_free(&b);
            return old.data;
        }
        ptn_buf_free(&old);
    }
    return b.data;
}

bool
passwd_has_secrets(const struct passwd *p)
{
    enum ptn_role role = ptn_host_role(p->host);
    return role != PTN_ROLE_CHECKER && role != PTN_ROLE_WORKER;
}

/* A file is changed by renaming another over it, so the folder it is. */
static void
allow_folder(struct ptn_host *host, const char *path, unsigned access)
{
    const char *slash = strrchr(path, '/');
    struct ptn_buf folder = PTN_BUF_INIT;
    if (!slash || slash == path)
        ptn_buf_adds(&folder, slash ? "/" : ".");
    else
        ptn_buf_add(&folder, path, (size_t)(slash - path));
    ptn_host_allow_path(host, ptn_buf_cstr(&folder), access);
    ptn_buf_free(&folder);
}

/* Workers read who the accounts are. Who has the secrets may have to split an
 * older file. */
static void
allow_files(const struct passwd *p)
{
    bool secrets = passwd_has_secrets(p);
    unsigned read = PTN_ACCESS_READ | PTN_ACCESS_FOLDER;
    unsigned write = read | PTN_ACCESS_WRITE;
    allow_folder(p->host, p->users_path, secrets ? write : read);
    allow_folder(p->host, p->aliases_path, read);
    if (secrets)
        allow_folder(p->host, p->secrets_path, write);
}

static int
init(struct ptn_host *host, const void *opts, void **instance,
     struct ptn_error *err)
{
    const struct passwd_options *o = opts;
    if (strlen(o->delimiter) > 1)
        return ptn_error_set(err, PTN_ERR_CONFIG,
                             "delimiter is one character, or nothing");
    if (o->scram_iterations > 0 && o->scram_iterations < PASSWD_ITERATIONS_MIN)
        return ptn_error_set(err, PTN_ERR_CONFIG,
                             "scram_iterations is at least %d, or 0",
                             PASSWD_ITERATIONS_MIN);
    struct passwd *p = ptn_alloc(sizeof(*p));
    p->host = host;
    p->options = o;
    p->users_path = path_of(host, o->users, "passwd/users", "users");
    p->secrets_path = path_of(host, o->secrets, "secrets/passwd", NULL);
    p->aliases_path = path_of(host, o->aliases, "passwd/aliases", "aliases");
    passwd_file_init(&p->users, p->users_path, &users_kind, p);
    passwd_file_init(&p->secrets, p->secrets_path, &secrets_kind, p);
    passwd_file_init(&p->aliases, p->aliases_path, &aliases_kind, p);
    allow_files(p);
    ptn_host_provide(host, PTN_DIRECTORY_CONTRACT, PTN_DIRECTORY_VERSION,
                     &passwd_directory_ops, p);
    ptn_host_provide(host, PTN_DIRECTORY_EDIT_CONTRACT,
                     PTN_DIRECTORY_EDIT_VERSION, &passwd_edit_ops, p);
    *instance = p;
    return 0;
}

/* Reads the files, so that what is wrong with them is in the log soon
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
    if (passwd_has_secrets(p) &&
        passwd_file_get(&p->secrets, true, &t) == PTN_OK)
        passwd_table_unref(t);
    return NULL;
}

/* A file from before there were secrets of their own is split once. What
 * cannot be moved opens accounts as before, and is told at each start. */
static void
convert(struct passwd *p)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct passwd_table *t;
    size_t count = 0;
    if (passwd_file_get(&p->users, true, &t) != PTN_OK)
        return;
    bool exposed = t->notes[PASSWD_NOTE_EXPOSED] > 0;
    passwd_table_unref(t);
    int lock = exposed ? passwd_lock(p, &err) : -1;
    if (lock >= 0) {
        if (passwd_convert(p, &count, &err) == PTN_OK && count > 0)
            ptn_log(PTN_LOG_INFO, "passwd.converted",
                    PTN_FS("from", p->users_path),
                    PTN_FS("to", p->secrets_path), PTN_FN("accounts", count));
        close(lock);
        (void)passwd_file_outdated(&p->users);
    }
    if (err.code == PTN_ERR_NONE)
        return;
    ptn_error_prefix(&err,
                     "hashes stay in %s, where workers read them; run "
                     "\"posternctl user convert\"",
                     p->users_path);
    ptn_log_error(PTN_LOG_ERROR, "passwd.not-converted", &err);
}

/* The rest on a thread of its own: the server's start takes as long with a
 * million users as with one. */
static int
start(void *instance, struct ptn_error *err)
{
    struct passwd *p = instance;
    (void)err;
    if (passwd_has_secrets(p)) {
        passwd_scram_open(p);
        convert(p);
    }
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
    passwd_file_deinit(&p->secrets);
    passwd_file_deinit(&p->aliases);
    ptn_wipe(p->fake_key, sizeof(p->fake_key));
    ptn_free(p->secrets_path);
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
    .doc = "accounts and aliases in text files",
    .provides = provides,
    .options = options,
    .options_size = sizeof(struct passwd_options),
    .init = init,
    .start = start,
    .stop = stop,
};
