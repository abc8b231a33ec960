/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The vault as a plugin: its options, its descriptor, and the table of the
 * contract's calls. The instance is made by init, opened by start.
 */
#include "commit.h"
#include "read.h"
#include "watch.h"

#include <errno.h>
#include <postern/arena.h>
#include <postern/mail/address.h>
#include <unistd.h>

/* An index of 32-bit addresses must leave room for everything else. */
#if UINTPTR_MAX > UINT32_MAX
#define MAP_PRESET "8G"
#else
#define MAP_PRESET "256M"
#endif

const struct ptn_option vault_option_rows[] = {
    PTN_OPTION(struct vault_options, segment_size, .type = PTN_OPT_SIZE,
               .preset = "128M", .min = 1 << 20, .max = INT64_C(1) << 40,
               .doc = "octets after which the log goes on in a new file"),
    PTN_OPTION(struct vault_options, preallocate, .type = PTN_OPT_SIZE,
               .preset = "4M", .min = 0, .max = 1 << 30,
               .doc = "disk space taken ahead of use; 0 takes none"),
    PTN_OPTION(struct vault_options, commit_delay, .type = PTN_OPT_DURATION,
               .preset = "0s", .min = 0, .max = 1000,
               .doc = "wait before each commit, to gather more operations"),
    PTN_OPTION(struct vault_options, idle_sync, .type = PTN_OPT_DURATION,
               .preset = "5s", .min = 0, .max = 86400000,
               .doc = "sync the index when idle for so long; 0 never"),
    PTN_OPTION(struct vault_options, map_size, .type = PTN_OPT_SIZE,
               .preset = MAP_PRESET, .min = 1 << 20, .max = INT64_C(1) << 46,
               .doc = "address space of the index to begin with; it grows"),
    PTN_OPTION(struct vault_options, compact_below, .type = PTN_OPT_INT,
               .preset = "60", .min = 0, .max = 95,
               .doc = "compact files of which less than so many percent "
                      "are in use; 0 never"),
    PTN_OPTION(struct vault_options, compact_pause, .type = PTN_OPT_DURATION,
               .preset = "50ms", .min = 0, .max = 60000,
               .doc = "pause after each piece that compaction moves"),
    PTN_OPTION(struct vault_options, create, .type = PTN_OPT_STRINGS,
               .preset = "Drafts Sent Trash Junk",
               .doc = "mailboxes that a new user has besides INBOX"),
    PTN_OPTION_END,
};

const struct vault_sys vault_sys_real = {
    .pwritev = pwritev,
    .fdatasync = fdatasync,
    .fsync = fsync,
    .ftruncate = ftruncate,
    .index_put = mdb_put,
    .index_commit = mdb_txn_commit,
    .index_sync = mdb_env_sync,
};

/* --- the operations: into the committer's queue --- */

static void
submit_deliver(void *store, struct ptn_store_deliver *op)
{
    vault_submit(store, &op->op, VAULT_OP_DELIVER);
}

static void
submit_append(void *store, struct ptn_store_append *op)
{
    vault_submit(store, &op->op, VAULT_OP_APPEND);
}

static void
submit_change(void *store, struct ptn_store_mailbox *op)
{
    vault_submit(store, &op->op, VAULT_OP_CHANGE);
}

/* A mailbox that had no number when it was opened may have one now; the
 * handle is the loop thread's, so it is looked up here. */
static void
submit_flags(void *store, struct ptn_store_flags *op)
{
    vault_mailbox_resolve(store, op->mailbox);
    vault_submit(store, &op->op, VAULT_OP_FLAGS);
}

static void
submit_expunge(void *store, struct ptn_store_expunge *op)
{
    vault_mailbox_resolve(store, op->mailbox);
    vault_submit(store, &op->op, VAULT_OP_EXPUNGE);
}

static void
submit_copy(void *store, struct ptn_store_copy *op)
{
    vault_mailbox_resolve(store, op->source);
    vault_submit(store, &op->op, VAULT_OP_COPY);
}

const struct ptn_store_ops vault_store_ops = {
    .size = sizeof(struct ptn_store_ops),
    .list = vault_list,
    .status = vault_status,
    .open = vault_mailbox_open,
    .close = vault_mailbox_close,
    .info = vault_info,
    .fetch = vault_fetch,
    .changes = vault_changes,
    .body_open = vault_body_open,
    .body_read = vault_body_read,
    .body_close = vault_body_close,
    .watch = vault_watch,
    .unwatch = vault_unwatch,
    .deliver = submit_deliver,
    .append = submit_append,
    .change = submit_change,
    .flags = submit_flags,
    .expunge = submit_expunge,
    .copy = submit_copy,
    .usage = vault_usage,
};

/* --- life --- */

/* What the rows cannot say: names that can be mailboxes, each once. */
static int
check_create(const struct ptn_strings *create, struct ptn_error *err)
{
    for (size_t i = 0; i < create->count; i++) {
        struct ptn_slice name = ptn_slice_of(create->items[i]);

        if (!ptn_mailbox_name_valid(name) || memchr(name.data, '/', name.len) ||
            ptn_slice_caseeq(name, PTN_SLICE("INBOX")))
            return ptn_error_set(err, PTN_ERR_CONFIG,
                                 "vault.create: \"%s\" cannot be the name of "
                                 "a mailbox at the top, beside INBOX",
                                 create->items[i]);
        for (size_t k = 0; k < i; k++) {
            if (ptn_slice_eq(name, ptn_slice_of(create->items[k])))
                return ptn_error_set(err, PTN_ERR_CONFIG,
                                     "vault.create: \"%s\" is there twice",
                                     create->items[i]);
        }
    }
    return 0;
}

static void
allow_folder(struct ptn_host *host)
{
    struct ptn_buf path = PTN_BUF_INIT;

    ptn_buf_printf(&path, "%s/vault", ptn_host_state_dir(host));
    ptn_host_allow_path(host, ptn_buf_cstr(&path),
                        PTN_ACCESS_READ | PTN_ACCESS_WRITE | PTN_ACCESS_FOLDER);
    ptn_host_allow_path(host, "/proc/sys/kernel/random/boot_id",
                        PTN_ACCESS_READ);
    ptn_buf_free(&path);
}

static int
init(struct ptn_host *host, const void *options, void **instance,
     struct ptn_error *err)
{
    const struct vault_options *o = options;
    struct vault *v;

    if (check_create(&o->create, err) != 0)
        return -1;
    v = ptn_alloc(sizeof(*v));
    v->host = host;
    v->options = o;
    v->sys = &vault_sys_real;
    *instance = v;
    allow_folder(host);
    ptn_host_provide(host, PTN_STORE_CONTRACT, PTN_STORE_VERSION,
                     &vault_store_ops, v);
    return 0;
}

static int
start(void *instance, struct ptn_error *err)
{
    struct vault *v = instance;

    return vault_open(v, ptn_host_state_dir(v->host), err);
}

static void
stop(void *instance)
{
    struct vault *v = instance;

    if (v->path)
        vault_close(v);
    ptn_free(v);
}

static const struct ptn_contract provides[] = {
    {PTN_STORE_CONTRACT, PTN_STORE_VERSION},
    {NULL, 0},
};

static const struct ptn_contract needs[] = {
    {NULL, 0},
};

PTN_MODULE_NOTE(vault, "1.0", "LGPL-2.1-or-later",
                PTN_NOTE_PROVIDES(PTN_STORE_CONTRACT, PTN_STORE_VERSION));

extern const struct ptn_module vault_LTX_postern_module;

PTN_API const struct ptn_module vault_LTX_postern_module = {
    PTN_MODULE_HEAD,
    .name = "vault",
    .version = "1.0",
    .license = "LGPL-2.1-or-later",
    .doc = "mail store: a log with group commit, and an index",
    .needs = needs,
    .provides = provides,
    .options = vault_option_rows,
    .options_size = sizeof(struct vault_options),
    .init = init,
    .start = start,
    .stop = stop,
};
