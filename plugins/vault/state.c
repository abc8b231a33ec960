/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who has the store open, and whether its index can be trusted.
 *
 * The file `lock` carries locks that end with their process (open file
 * description locks): octet n for slot n, one for opening, one for
 * compaction. The file `mark` says how far the index can be trusted:
 *
 *   dirty BOOT INODE   commits since the index was synced: it is good as
 *                      long as the system has not been started again
 *   clean SEQ INODE    synced when the log's next record was SEQ
 *   (none)             it is being made, or never was
 *
 *               first commit                 idle for `idle_sync`, or the end
 *      clean ------------------> dirty ------------------> clean
 *
 * BOOT is the kernel's random number of this start of the system. INODE is
 * that of the index's file, so that a copy is not taken for the original.
 */
#include "state.h"

#include "index.h"
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <postern/log.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_OPEN VAULT_PROCESSES_MAX
#define LOCK_COMPACT (VAULT_PROCESSES_MAX + 1)
#define MARK_MAX 128
#define BOOT_MAX 64

/* --- locks --- */

static int
lock_octet(struct vault *v, int command, off_t octet, short type)
{
    struct flock l = {
        .l_type = type,
        .l_whence = SEEK_SET,
        .l_start = octet,
        .l_len = 1,
    };

    return fcntl(v->lock, command, &l);
}

static bool
nobody_there(struct vault *v)
{
    struct flock l = {
        .l_type = F_WRLCK,
        .l_whence = SEEK_SET,
        .l_len = VAULT_PROCESSES_MAX,
    };

    return fcntl(v->lock, F_OFD_GETLK, &l) == 0 && l.l_type == F_UNLCK;
}

static int
take_slot(struct vault *v, struct ptn_error *err)
{
    for (unsigned n = 0; n < VAULT_PROCESSES_MAX; n++) {
        if (lock_octet(v, F_OFD_SETLK, (off_t)n, F_WRLCK) == 0) {
            v->slot = n;
            return 0;
        }
    }
    return ptn_error_set(err, PTN_ERR_LIMIT,
                         "%s: %d processes have the store open, more cannot",
                         v->path, VAULT_PROCESSES_MAX);
}

int
vault_state_enter(struct vault *v, bool *alone, struct ptn_error *err)
{
    while (lock_octet(v, F_OFD_SETLKW, LOCK_OPEN, F_WRLCK) != 0) {
        if (errno != EINTR)
            return ptn_error_errno(err, "%s/lock: cannot lock", v->path);
    }
    *alone = nobody_there(v);
    return take_slot(v, err);
}

void
vault_state_entered(struct vault *v)
{
    lock_octet(v, F_OFD_SETLK, LOCK_OPEN, F_UNLCK);
}

void
vault_state_leave(struct vault *v)
{
    lock_octet(v, F_OFD_SETLK, (off_t)v->slot, F_UNLCK);
}

bool
vault_state_lock_compaction(struct vault *v)
{
    return lock_octet(v, F_OFD_SETLK, LOCK_COMPACT, F_WRLCK) == 0;
}

void
vault_state_unlock_compaction(struct vault *v)
{
    lock_octet(v, F_OFD_SETLK, LOCK_COMPACT, F_UNLCK);
}

/* --- the mark --- */

/* Empty when the system does not tell: then nothing unclean is trusted. */
static void
boot_id(char into[BOOT_MAX])
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, into, BOOT_MAX - 1);

    if (fd >= 0)
        close(fd);
    into[n > 0 ? n : 0] = '\0';
    into[strcspn(into, " \n")] = '\0';
}

static uint64_t
index_inode(struct vault *v)
{
    struct stat st;

    if (fstatat(v->dir, "index/data.mdb", &st, AT_SYMLINK_NOFOLLOW) != 0)
        return 0;
    return st.st_ino;
}

static void
read_mark(struct vault *v, char into[MARK_MAX])
{
    int fd = openat(v->dir, "mark", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n = fd < 0 ? 0 : read(fd, into, MARK_MAX - 1);

    if (fd >= 0)
        close(fd);
    into[n > 0 ? n : 0] = '\0';
}

static int
fill_mark(struct vault *v, const char *text)
{
    int fd =
        openat(v->dir, "mark.new",
               O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    size_t len = strlen(text);
    ssize_t n;
    int rc = 0;

    if (fd < 0)
        return errno;
    n = write(fd, text, len);
    if (n != (ssize_t)len)
        rc = n < 0 ? errno : ENOSPC;
    else if (v->sys->fsync(fd) != 0)
        rc = errno;
    close(fd);
    return rc;
}

static int
write_mark(struct vault *v, const char *text)
{
    int rc = fill_mark(v, text);

    if (rc == 0 && renameat(v->dir, "mark.new", v->dir, "mark") != 0)
        rc = errno;
    if (rc == 0 && v->sys->fsync(v->dir) != 0)
        rc = errno;
    return rc;
}

bool
vault_state_clean(struct vault *v, uint64_t *seq)
{
    char mark[MARK_MAX];
    uint64_t inode;

    read_mark(v, mark);
    return sscanf(mark, "clean %" SCNu64 " %" SCNu64, seq, &inode) == 2 &&
           inode != 0 && inode == index_inode(v);
}

bool
vault_state_trusted(struct vault *v)
{
    char mark[MARK_MAX], now[BOOT_MAX], then[BOOT_MAX];
    uint64_t inode;

    if (vault_state_clean(v, &inode))
        return true;
    read_mark(v, mark);
    boot_id(now);
    return sscanf(mark, "dirty %63s %" SCNu64, then, &inode) == 2 &&
           now[0] != '\0' && strcmp(now, then) == 0 && inode != 0 &&
           inode == index_inode(v);
}

void
vault_state_forget(struct vault *v)
{
    unlinkat(v->dir, "mark", 0);
    atomic_store(&v->ring->clean, 0);
}

int
vault_state_dirty(struct vault *v)
{
    char text[MARK_MAX], boot[BOOT_MAX];
    int rc;

    if (!atomic_load(&v->ring->clean))
        return 0;
    boot_id(boot);
    snprintf(text, sizeof(text), "dirty %s %" PRIu64 "\n", boot[0] ? boot : "-",
             index_inode(v));
    if ((rc = write_mark(v, text)) == 0)
        atomic_store(&v->ring->clean, 0);
    return rc;
}

/* With the writer lock, so that nothing is committed between. */
static int
mark_clean(struct vault *v, MDB_txn *txn)
{
    char text[MARK_MAX];
    struct vault_state s;
    struct iovec into = {&s, sizeof(s)};
    int rc = vault_get_counter(v, txn, VAULT_COUNTER_STATE, 0, into);

    if (rc == 0)
        rc = v->sys->index_sync(v->env, 1);
    if (rc != 0)
        return rc;
    snprintf(text, sizeof(text), "clean %" PRIu64 " %" PRIu64 "\n", s.seq,
             index_inode(v));
    if ((rc = write_mark(v, text)) == 0)
        atomic_store(&v->ring->clean, 1);
    return rc;
}

void
vault_state_sync(struct vault *v)
{
    MDB_txn *txn;
    int rc;

    if (atomic_load(&v->ring->clean))
        return;
    /* Most of it without the lock, so that the rest is short. */
    rc = v->sys->index_sync(v->env, 1);
    if (rc == 0 && (rc = vault_index_begin(v, &txn)) == 0) {
        rc = mark_clean(v, txn);
        vault_index_abort(v, txn);
    }
    if (rc != 0)
        ptn_log(PTN_LOG_WARNING, "vault.sync", PTN_FS("path", v->path),
                PTN_FS("error", mdb_strerror(rc)));
}
