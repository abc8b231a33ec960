/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The vault as one process has it open, and what its files share.
 *
 *   loop thread                 committer thread
 *   read.c body.c changes.c     commit.c -> op_*.c decide, and state facts
 *     |   reader (index.c)        |            txn.c puts them in the record
 *     v                           v            and applies them (apply.c)
 *   LMDB index  <----- commit --- one write transaction a group
 *   segments    <----- append --- log.c, fdatasync, before that commit
 *     ^                           |
 *   segment.c: fds for bodies     +--> watch.c: who changed, to all processes
 *
 * An operation exists when its record is in a segment, synced, and the
 * index transaction with the log's new end is committed; only then is its
 * job completed. Nobody reads what is not durable.
 */
#ifndef VAULT_H
#define VAULT_H

#include "format.h"

#include <lmdb.h>
#include <postern/buf.h>
#include <postern/error.h>
#include <postern/mail/store.h>
#include <postern/module.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/uio.h>

/* Named limits. */
#define VAULT_GROUP_OPS_MAX 1024           /* operations of one commit */
#define VAULT_GROUP_OCTETS_MAX (32u << 20) /* of their contents, about */
#define VAULT_PROCESSES_MAX 64             /* that have the store open */
#define VAULT_RING 4096                    /* changes a process may lag */
#define VAULT_SEGMENTS_OPEN_MAX 64         /* idle fds kept for reading */
#define VAULT_UIDS_MAX 4000000             /* messages of one operation */
#define VAULT_FACTS_MAX (1u << 30)         /* octets of one record's facts */
#define VAULT_SEGMENT_MAX UINT32_MAX       /* number of the last segment */
#define VAULT_MAP_MAX ((uint64_t)1 << 46)  /* octets of the index */
#define VAULT_READERS_MAX 1024             /* of the index, all processes */

/* Filled from the config; see module.c. */
struct vault_options {
    uint64_t segment_size;
    uint64_t preallocate;
    uint64_t commit_delay; /* milliseconds */
    uint64_t map_size;
    uint64_t idle_sync; /* milliseconds */
    int64_t compact_below;
    uint64_t compact_pause; /* milliseconds */
    struct ptn_strings create;
};

/* The system calls that can fail, so that tests can make them. */
struct vault_sys {
    ssize_t (*pwritev)(int fd, const struct iovec *iov, int count, off_t at);
    int (*fdatasync)(int fd);
    int (*fsync)(int fd);
    int (*ftruncate)(int fd, off_t len);
    int (*index_put)(MDB_txn *txn, MDB_dbi db, MDB_val *key, MDB_val *val,
                     unsigned flags);
    int (*index_commit)(MDB_txn *txn);
    int (*index_sync)(MDB_env *env, int force);
};
extern const struct vault_sys vault_sys_real;

/* The tables of the index. */
enum vault_table {
    VAULT_COUNTERS, /* kind, number -> state, segment, user, box */
    VAULT_LOGINS,   /* user name -> user */
    VAULT_NAMES,    /* user, name -> vault_name */
    VAULT_KEYWORDS, /* box -> names: length octet and name, in bit order */
    VAULT_MESSAGES, /* box, uid -> vault_message */
    VAULT_SETS,     /* box, set and chunk -> which UIDs (uidset.c) */
    VAULT_CHANGES,  /* box, modseq, uid -> nothing: who has which modseq */
    VAULT_VANISHED, /* box, modseq, first uid -> last uid */
    VAULT_PLACES,   /* content -> vault_place */
    VAULT_METAS,    /* content -> vault_meta, envelope, structure, parts */
    VAULT_TABLES
};

struct vault_ring;
struct vault_committer;

struct vault_segments {
    pthread_mutex_t lock;
    struct vault_segment_file *first; /* most recently used first */
    unsigned count;
};

struct vault_readers {
    pthread_mutex_t lock;
    struct vault_reader *idle;
};

/* One instance a process. Set up by module.c and constant afterwards, but
 * for what says otherwise. */
struct vault {
    struct ptn_host *host;
    const struct vault_options *options;
    const struct vault_sys *sys;
    char *path; /* state/vault */
    int dir;    /* fd of it */
    int segment_dir;
    int lock; /* fd of the lock file */
    unsigned slot;
    uint64_t store; /* from the log */
    uint32_t seed;  /* of records' checksums, made of it */
    int64_t created;

    MDB_env *env;
    MDB_dbi tables[VAULT_TABLES];
    pthread_rwlock_t map; /* held shared by every transaction, exclusively
                             while the map is resized */
    struct vault_readers readers;
    struct vault_segments segments;
    struct vault_ring *ring; /* shared by all processes */
    struct vault_watches *watches;
    struct vault_committer *committer;
};

/* --- handles --- */

/* An open mailbox. Until its user has had the first message it may have no
 * number: `box` is 0, and name and user say which it will be. */
struct ptn_mailbox {
    uint32_t box;
    uint32_t user;
    uint32_t uidvalidity;
    char *user_name;            /* only while box is 0 */
    char *name;                 /* the same */
    struct ptn_slice *keywords; /* cache; one block with their text */
    uint32_t keyword_count;
};

static inline struct ptn_slice
vault_slice(MDB_val v)
{
    return (struct ptn_slice){v.mv_data, v.mv_size};
}

/* --- segment.c: the segments, for reading --- */

struct vault_segment_file; /* counted; keeps its file readable */

void vault_segments_init(struct vault *v);
void vault_segments_deinit(struct vault *v);
/* NULL and errno when it cannot be opened. */
struct vault_segment_file *vault_segment_ref(struct vault *v, uint32_t segment);
void vault_segment_unref(struct vault *v, struct vault_segment_file *f);
int vault_segment_fd(const struct vault_segment_file *f);
/* Closes idle fds of segments that other processes removed. */
void vault_segments_sweep(struct vault *v);
/* Forgets the idle fd of a segment that was removed. */
void vault_segment_drop(struct vault *v, uint32_t segment);
/* The file's name inside segment_dir; `into` has room for 16 octets. */
const char *vault_segment_name(uint32_t segment, char *into);

/* --- open.c --- */

/* Opens the store in STATE_DIR/vault, made or recovered if need be. The
 * caller has filled host (NULL: nothing wakes the watchers), options and
 * sys; everything else is zero. */
int vault_open(struct vault *v, const char *state_dir, struct ptn_error *err);
/* Finishes what was submitted. */
void vault_close(struct vault *v);
/* Sets what identifies the store. */
void vault_identify(struct vault *v, uint64_t store, int64_t created);

/* --- module.c --- */

extern const struct ptn_store_ops vault_store_ops;
extern const struct ptn_option vault_option_rows[];

#endif
