/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The LMDB environment: its map and how it grows, transactions, keys and
 * getters. Every transaction of this process holds `v->map` shared; it is
 * taken exclusively only to resize the map, which LMDB allows when no
 * transaction of the process is open. Another process may grow the map at
 * any time: LMDB says MDB_MAP_RESIZED then, and the new size is adopted.
 *
 * Transactions for reading are kept, reset, in a small pool with their
 * cursors, so that a read costs a renewal and no allocation.
 */
#include "index.h"

#include <errno.h>
#include <fcntl.h>
#include <postern/arena.h>
#include <postern/log.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define READERS_IDLE_MAX 4
/* What LMDB maps of lock.mdb: its head, and a line of the cache a reader. */
#define LOCK_SIZE ((VAULT_READERS_MAX + 4) * 64)
/* Enough for an index without mail. LMDB takes less for an I/O error. */
#define DATA_SIZE ((size_t)64 * 1024)
#define RESIZE_SECONDS 2 /* to wait for transactions to end */

static const char *const table_names[VAULT_TABLES] = {
    [VAULT_COUNTERS] = "counters", [VAULT_LOGINS] = "logins",
    [VAULT_NAMES] = "names",       [VAULT_KEYWORDS] = "keywords",
    [VAULT_MESSAGES] = "messages", [VAULT_SETS] = "sets",
    [VAULT_CHANGES] = "changes",   [VAULT_VANISHED] = "vanished",
    [VAULT_PLACES] = "places",     [VAULT_METAS] = "metas",
};

/* --- keys --- */

static void
put_u32(unsigned char *p, uint32_t n)
{
    p[0] = (unsigned char)(n >> 24);
    p[1] = (unsigned char)(n >> 16);
    p[2] = (unsigned char)(n >> 8);
    p[3] = (unsigned char)n;
}

struct vault_key
vault_key2(uint32_t a, uint32_t b)
{
    struct vault_key k = {.len = 8};

    put_u32(k.data, a);
    put_u32(k.data + 4, b);
    return k;
}

struct vault_key
vault_key_content(uint64_t content)
{
    return vault_key2((uint32_t)(content >> 32), (uint32_t)content);
}

struct vault_key
vault_key_change(uint32_t box, uint64_t modseq, uint32_t uid)
{
    struct vault_key k = {.len = 16};

    put_u32(k.data, box);
    put_u32(k.data + 4, (uint32_t)(modseq >> 32));
    put_u32(k.data + 8, (uint32_t)modseq);
    put_u32(k.data + 12, uid);
    return k;
}

uint32_t
vault_key_u32(const MDB_val *key, size_t at)
{
    const unsigned char *p = (const unsigned char *)key->mv_data + at;

    assert(at + 4 <= key->mv_size);
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

uint64_t
vault_key_u64(const MDB_val *key, size_t at)
{
    return (uint64_t)vault_key_u32(key, at) << 32 | vault_key_u32(key, at + 4);
}

void
vault_key_name(uint32_t user, struct ptn_slice name, struct vault_name_key *out)
{
    assert(name.len <= PTN_MAILBOX_NAME_MAX);
    put_u32((unsigned char *)out->data, user);
    for (size_t i = 0; i < name.len; i++)
        out->data[4 + i] = name.data[i] == '/' ? '\1' : name.data[i];
    out->len = 4 + name.len;
}

/* --- the environment --- */

int
vault_reserve(int fd, size_t size)
{
    int rc;

    do
        rc = fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size);
    while (rc != 0 && errno == EINTR);
    /* Not every file system can. */
    return rc != 0 && (errno == ENOSPC || errno == EDQUOT) ? -1 : 0;
}

static int
reserve_file(struct vault *v, const char *name, size_t size, bool only_new)
{
    int fd =
        openat(v->dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat st;
    int rc = 0;

    if (fd < 0)
        return errno;
    if (fstat(fd, &st) != 0 ||
        ((!only_new || st.st_size == 0) && vault_reserve(fd, size) != 0))
        rc = errno;
    close(fd);
    return rc;
}

/* Before LMDB has them open: closing a file ends this process's locks. */
static int
reserve_files(struct vault *v)
{
    int rc = reserve_file(v, "index/lock.mdb", LOCK_SIZE, false);

    return rc != 0 ? rc : reserve_file(v, "index/data.mdb", DATA_SIZE, true);
}

static int
open_tables(struct vault *v)
{
    MDB_txn *txn;
    int rc = vault_index_begin(v, &txn);

    if (rc != 0)
        return rc;
    for (unsigned i = 0; i < VAULT_TABLES && rc == 0; i++)
        rc = mdb_dbi_open(txn, table_names[i], MDB_CREATE, &v->tables[i]);
    if (rc == 0)
        return vault_index_commit(v, txn);
    vault_index_abort(v, txn);
    return rc;
}

static int
open_env(struct vault *v, const char *path)
{
    int dead, rc;

    if ((rc = reserve_files(v)) != 0 || (rc = mdb_env_create(&v->env)) != 0)
        return rc;
    if ((rc = mdb_env_set_maxdbs(v->env, VAULT_TABLES)) != 0 ||
        (rc = mdb_env_set_maxreaders(v->env, VAULT_READERS_MAX)) != 0 ||
        (rc = mdb_env_set_mapsize(v->env, (size_t)v->options->map_size)) != 0 ||
        (rc = mdb_env_open(v->env, path, MDB_NOTLS | MDB_NOSYNC | MDB_NORDAHEAD,
                           0600)) != 0)
        return rc;
    /* A process that was killed while reading holds old pages for ever. */
    mdb_reader_check(v->env, &dead);
    return open_tables(v);
}

int
vault_index_fail(const struct vault *v, int rc, struct ptn_error *err)
{
    return ptn_error_set(err, rc > 0 ? PTN_ERR_SYSTEM : PTN_ERR_STORE,
                         "%s/index: the index cannot be opened: %s", v->path,
                         mdb_strerror(rc));
}

int
vault_index_open(struct vault *v, struct ptn_error *err)
{
    struct ptn_buf path = PTN_BUF_INIT;
    int rc;

    ptn_buf_printf(&path, "%s/index", v->path);
    if (mkdir(ptn_buf_cstr(&path), 0700) != 0 && errno != EEXIST)
        rc = errno;
    else
        rc = open_env(v, ptn_buf_cstr(&path));
    ptn_buf_free(&path);
    if (rc == 0)
        return 0;
    if (v->env)
        mdb_env_close(v->env);
    v->env = NULL;
    return vault_index_fail(v, rc, err);
}

static void
reader_free(struct vault_reader *r)
{
    for (unsigned i = 0; i < VAULT_TABLES; i++) {
        if (r->cursors[i])
            mdb_cursor_close(r->cursors[i]);
    }
    mdb_txn_abort(r->txn);
    ptn_free(r);
}

void
vault_index_close(struct vault *v)
{
    struct vault_reader *r;

    if (!v->env)
        return;
    while ((r = v->readers.idle)) {
        v->readers.idle = r->next;
        reader_free(r);
    }
    mdb_env_close(v->env);
    v->env = NULL;
}

int
vault_index_resize(struct vault *v, bool grow)
{
    struct timespec until;
    MDB_envinfo info;
    size_t size = 0; /* what another process made it */
    int rc;

    /* A call from within another's callback cannot wait for that one. */
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += RESIZE_SECONDS;
    if (pthread_rwlock_timedwrlock(&v->map, &until) != 0)
        return MDB_MAP_RESIZED;
    if (grow && (rc = mdb_env_info(v->env, &info)) == 0) {
        size = info.me_mapsize * 2;
        if (size <= info.me_mapsize || (uint64_t)size > VAULT_MAP_MAX) {
            pthread_rwlock_unlock(&v->map);
            return MDB_MAP_FULL;
        }
    }
    rc = mdb_env_set_mapsize(v->env, size);
    pthread_rwlock_unlock(&v->map);
    return rc;
}

int
vault_index_begin(struct vault *v, MDB_txn **out)
{
    int rc;

    for (;;) {
        pthread_rwlock_rdlock(&v->map);
        rc = mdb_txn_begin(v->env, NULL, 0, out);
        if (rc == 0)
            return 0;
        pthread_rwlock_unlock(&v->map);
        if (rc != MDB_MAP_RESIZED)
            return rc;
        if ((rc = vault_index_resize(v, false)) != 0)
            return rc;
    }
}

void
vault_index_abort(struct vault *v, MDB_txn *txn)
{
    mdb_txn_abort(txn);
    pthread_rwlock_unlock(&v->map);
}

int
vault_index_commit(struct vault *v, MDB_txn *txn)
{
    int rc = v->sys->index_commit(txn);

    pthread_rwlock_unlock(&v->map);
    return rc;
}

/* --- reading --- */

static struct vault_reader *
reader_take(struct vault *v)
{
    struct vault_reader *r;

    pthread_mutex_lock(&v->readers.lock);
    r = v->readers.idle;
    if (r)
        v->readers.idle = r->next;
    pthread_mutex_unlock(&v->readers.lock);
    return r ? r : ptn_alloc(sizeof(*r));
}

static void
reader_give(struct vault *v, struct vault_reader *r)
{
    unsigned idle = 0;

    pthread_mutex_lock(&v->readers.lock);
    for (struct vault_reader *i = v->readers.idle; i; i = i->next)
        idle++;
    if (idle < READERS_IDLE_MAX) {
        r->next = v->readers.idle;
        v->readers.idle = r;
        r = NULL;
    }
    pthread_mutex_unlock(&v->readers.lock);
    if (r)
        reader_free(r);
}

int
vault_read_begin(struct vault *v, struct vault_reader **out)
{
    struct vault_reader *r = reader_take(v);
    int rc;

    for (;;) {
        pthread_rwlock_rdlock(&v->map);
        rc = r->txn ? mdb_txn_renew(r->txn)
                    : mdb_txn_begin(v->env, NULL, MDB_RDONLY, &r->txn);
        if (rc == 0)
            break;
        pthread_rwlock_unlock(&v->map);
        if (rc == MDB_MAP_RESIZED)
            rc = vault_index_resize(v, false);
        if (rc != 0) {
            reader_give(v, r);
            return rc;
        }
    }
    for (unsigned i = 0; i < VAULT_TABLES; i++)
        r->stale[i] = true;
    *out = r;
    return 0;
}

void
vault_read_end(struct vault *v, struct vault_reader *r)
{
    mdb_txn_reset(r->txn);
    pthread_rwlock_unlock(&v->map);
    reader_give(v, r);
}

int
vault_read_cursor(struct vault *v, struct vault_reader *r,
                  enum vault_table table, MDB_cursor **out)
{
    int rc = 0;

    if (!r->cursors[table])
        rc = mdb_cursor_open(r->txn, v->tables[table], &r->cursors[table]);
    else if (r->stale[table])
        rc = mdb_cursor_renew(r->txn, r->cursors[table]);
    r->stale[table] = false;
    *out = r->cursors[table];
    return rc;
}

/* --- getters --- */

int
vault_get(struct vault *v, MDB_txn *txn, enum vault_table table,
          const struct vault_key *key, MDB_val *out)
{
    MDB_val k = {key->len, (void *)(uintptr_t)key->data};

    return mdb_get(txn, v->tables[table], &k, out);
}

int
vault_get_fixed(struct vault *v, MDB_txn *txn, enum vault_table table,
                const struct vault_key *key, struct iovec into)
{
    MDB_val val;
    int rc = vault_get(v, txn, table, key, &val);

    if (rc != 0)
        return rc;
    if (val.mv_size != into.iov_len)
        return MDB_CORRUPTED;
    memcpy(into.iov_base, val.mv_data, into.iov_len);
    return 0;
}

int
vault_get_counter(struct vault *v, MDB_txn *txn, enum vault_counter kind,
                  uint32_t number, struct iovec into)
{
    struct vault_key k = vault_key2(kind, number);

    return vault_get_fixed(v, txn, VAULT_COUNTERS, &k, into);
}

int
vault_get_box(struct vault *v, MDB_txn *txn, uint32_t box,
              struct vault_box *out)
{
    return vault_get_counter(v, txn, VAULT_COUNTER_BOX, box,
                             (struct iovec){out, sizeof(*out)});
}

int
vault_get_login(struct vault *v, MDB_txn *txn, const char *name, uint32_t *user)
{
    MDB_val k = {strlen(name), (void *)(uintptr_t)name}, val;
    int rc;

    if (k.mv_size == 0 || k.mv_size > (size_t)mdb_env_get_maxkeysize(v->env))
        return MDB_NOTFOUND;
    rc = mdb_get(txn, v->tables[VAULT_LOGINS], &k, &val);
    if (rc == 0 && val.mv_size != sizeof(*user))
        return MDB_CORRUPTED;
    if (rc == 0)
        memcpy(user, val.mv_data, sizeof(*user));
    return rc;
}

int
vault_get_name(struct vault *v, MDB_txn *txn, uint32_t user,
               struct ptn_slice name, struct vault_name *out)
{
    struct vault_name_key key;
    MDB_val k, val;
    int rc;

    if (name.len == 0 || name.len > PTN_MAILBOX_NAME_MAX)
        return MDB_NOTFOUND;
    vault_key_name(user, name, &key);
    k = (MDB_val){key.len, key.data};
    rc = mdb_get(txn, v->tables[VAULT_NAMES], &k, &val);
    if (rc == 0 && val.mv_size != sizeof(*out))
        return MDB_CORRUPTED;
    if (rc == 0)
        memcpy(out, val.mv_data, sizeof(*out));
    return rc;
}

int
vault_get_message(struct vault *v, MDB_txn *txn, uint32_t box, uint32_t uid,
                  struct vault_message *out)
{
    struct vault_key k = vault_key2(box, uid);

    return vault_get_fixed(v, txn, VAULT_MESSAGES, &k,
                           (struct iovec){out, sizeof(*out)});
}

int
vault_get_place(struct vault *v, MDB_txn *txn, uint64_t content,
                struct vault_place *out)
{
    struct vault_key k = vault_key_content(content);

    return vault_get_fixed(v, txn, VAULT_PLACES, &k,
                           (struct iovec){out, sizeof(*out)});
}

struct ptn_slice
vault_keyword_at(struct ptn_slice table, uint32_t n)
{
    size_t at = 0;

    while (at < table.len) {
        size_t len = (unsigned char)table.data[at];

        if (at + 1 + len > table.len)
            break;
        if (n-- == 0)
            return ptn_slice_sub(table, at + 1, len);
        at += 1 + len;
    }
    return (struct ptn_slice){NULL, 0};
}

int
vault_keyword_find(struct ptn_slice table, struct ptn_slice name)
{
    struct ptn_slice k;

    for (uint32_t n = 0; (k = vault_keyword_at(table, n)).data; n++) {
        if (ptn_slice_caseeq(k, name))
            return (int)n;
    }
    return -1;
}

enum ptn_status
vault_index_status(struct vault *v, int rc)
{
    if (rc == 0)
        return PTN_OK;
    if (rc == MDB_NOTFOUND)
        return PTN_NOTFOUND;
    ptn_log(PTN_LOG_ERROR, "vault.index", PTN_FS("path", v->path),
            PTN_FS("error", mdb_strerror(rc)));
    if (rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND || rc == MDB_INVALID)
        return PTN_PERMFAIL;
    return PTN_TEMPFAIL;
}
