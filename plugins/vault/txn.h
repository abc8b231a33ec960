/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A write transaction: one group of operations on its way into the log and
 * the index. An operation's code (op_*.c) looks at the index through it,
 * begins a record, states facts, and ends the record; each fact is applied
 * to the index at once, so that the next decision sees it. Committer thread.
 *
 * Functions that return int return 0 or an LMDB error, which ends the group.
 */
#ifndef VAULT_TXN_H
#define VAULT_TXN_H

#include "index.h"

#define VAULT_CHUNK_BITS 12 /* UIDs of a chunk: 4096 */
#define VAULT_CHUNK_OCTETS (1u << (VAULT_CHUNK_BITS - 3))

/* Sets of UIDs that are kept for each box; see uidset.c. */
enum vault_set {
    VAULT_SET_MEMBERS,
    VAULT_SET_UNSEEN,
    VAULT_SET_DELETED,
    VAULT_SETS_COUNT
};

struct vault_chunk {
    uint32_t box; /* 0: empty */
    uint32_t number;
    bool dirty;
    unsigned char bits[VAULT_CHUNK_OCTETS];
};

/* One record before it is written. Offsets are into `facts`. */
struct vault_draft {
    struct vault_record_head head;
    struct ptn_slice data[2];
    size_t facts_at;
};

struct vault_txn {
    struct vault *v;
    MDB_txn *txn;
    struct vault_state state;
    uint64_t from;           /* where the group begins in state.segment */
    struct vault_state head; /* at the beginning of that segment */
    uint64_t sealed;         /* where the segment before ends, if it is new */
    bool rolled;             /* state.segment is new */
    bool changed; /* something other than the log's end is to be kept */
    bool freed;   /* a content is referred to no more */
    bool replay;  /* recovery: facts come from the log */

    struct vault_draft *drafts;
    size_t draft_count, draft_cap;
    struct ptn_buf facts;
    bool open; /* between vault_txn_record and vault_txn_record_end */
    struct vault_place place; /* of the open record's data */

    /* Counters in use, written back when others are needed or at the end. */
    uint32_t box_id, user_id, segment_id;
    bool box_dirty, user_dirty, segment_dirty;
    struct vault_box box;
    struct vault_user user;
    struct vault_segment segment;
    struct vault_chunk chunks[VAULT_SETS_COUNT];

    uint32_t *touched; /* boxes to tell the watchers of */
    size_t touched_count, touched_cap;
    int64_t now;
};

void vault_txn_init(struct vault_txn *t, struct vault *v);
void vault_txn_deinit(struct vault_txn *t);
int vault_txn_begin(struct vault_txn *t);
void vault_txn_abort(struct vault_txn *t);
/* Writes back what is cached, and the log's end. */
int vault_txn_flush(struct vault_txn *t);
/* Keeps this box's watchers in mind; box 0 is "a user is new". */
void vault_txn_touch(struct vault_txn *t, uint32_t box);

/* --- records --- */

void vault_txn_record(struct vault_txn *t, struct ptn_slice data,
                      struct ptn_slice more);
/* A record without facts is left out. */
void vault_txn_record_end(struct vault_txn *t);

/* States a fact and applies it. `fact` has room for the fixed part in
 * front; `text` goes behind it. */
int vault_txn_state(struct vault_txn *t, struct vault_fact *fact,
                    size_t fixed_len, const struct ptn_slice *text,
                    size_t text_count);

int vault_state_user(struct vault_txn *t, uint32_t user, struct ptn_slice name);
int vault_state_box(struct vault_txn *t, uint32_t box, uint32_t user,
                    uint32_t uidvalidity);
int vault_state_name(struct vault_txn *t, uint32_t user, struct ptn_slice name,
                     const struct vault_name *value);
int vault_state_message(struct vault_txn *t, uint32_t box, uint32_t uid,
                        const struct vault_message *m);
int vault_state_gone(struct vault_txn *t, uint32_t box, uint32_t first,
                     uint32_t last, uint64_t modseq);

/* --- the index as this transaction has it --- */

/* Valid until another box is asked for. */
int vault_txn_box(struct vault_txn *t, uint32_t box, struct vault_box **out);
int vault_txn_user(struct vault_txn *t, uint32_t user, struct vault_user **out);
int vault_txn_segment(struct vault_txn *t, uint32_t segment,
                      struct vault_segment **out);
int vault_txn_put(struct vault_txn *t, enum vault_table table,
                  const struct vault_key *key, struct iovec value);
/* Nothing to delete is no error. */
int vault_txn_del(struct vault_txn *t, enum vault_table table,
                  const struct vault_key *key);
int vault_txn_put_counter(struct vault_txn *t, enum vault_counter kind,
                          uint32_t number, struct iovec value);

/* apply.c: makes the index say what the fact says. `place` is that of the
 * record's data. */
int vault_apply(struct vault_txn *t, const struct vault_fact *fact,
                const struct vault_place *place);
/* Whether the fact is whole: its text within its length. */
bool vault_fact_valid(const struct vault_fact *fact, size_t room);

/* uidset.c */
int vault_set_change(struct vault_txn *t, enum vault_set set, uint32_t uid,
                     bool member);
int vault_set_flush(struct vault_txn *t);
int vault_set_drop(struct vault_txn *t, uint32_t box);
struct vault_reader;
/* Runs of a set in ascending order, from `from` on, until fn is false. */
int vault_set_each(MDB_cursor *cursor, enum vault_set set, uint32_t box,
                   uint32_t from,
                   bool (*fn)(void *arg, uint32_t first, uint32_t last),
                   void *arg);

#endif
