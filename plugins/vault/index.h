/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The index: keys, transactions for reading, and getters that work in any
 * transaction. All return 0, MDB_NOTFOUND or another LMDB error.
 */
#ifndef VAULT_INDEX_H
#define VAULT_INDEX_H

#include "vault.h"

/* Keys are big-endian, so that the order of octets is that of numbers. */
#define VAULT_KEY_MAX 20

struct vault_key {
    size_t len;
    unsigned char data[VAULT_KEY_MAX];
};

enum vault_counter {
    VAULT_COUNTER_STATE,
    VAULT_COUNTER_SEGMENT,
    VAULT_COUNTER_USER,
    VAULT_COUNTER_BOX,
};

struct vault_key vault_key2(uint32_t a, uint32_t b);
struct vault_key vault_key_content(uint64_t content);
struct vault_key vault_key_change(uint32_t box, uint64_t modseq, uint32_t uid);
uint32_t vault_key_u32(const MDB_val *key, size_t at);
uint64_t vault_key_u64(const MDB_val *key, size_t at);

/* A mailbox's name as key: '/' becomes 1, which sorts before all that may be
 * in a name, so that children follow their parent at once. */
struct vault_name_key {
    size_t len;
    char data[4 + PTN_MAILBOX_NAME_MAX + 1];
};
void vault_key_name(uint32_t user, struct ptn_slice name,
                    struct vault_name_key *out);

/* Room on the disk for the first `size` octets of a file that is mapped: where
 * there is none, writing to the map would be a SIGBUS. -1: errno. */
int vault_reserve(int fd, size_t size);
/* Says what an LMDB error was. Returns -1. */
int vault_index_fail(const struct vault *v, int rc, struct ptn_error *err);
int vault_index_open(struct vault *v, struct ptn_error *err);
void vault_index_close(struct vault *v);
/* After MDB_MAP_FULL (`grow`) or MDB_MAP_RESIZED. No transaction may be open
 * on this thread. */
int vault_index_resize(struct vault *v, bool grow);
/* Begins the one write transaction; resizes as needed. */
int vault_index_begin(struct vault *v, MDB_txn **out);
void vault_index_abort(struct vault *v, MDB_txn *txn);
int vault_index_commit(struct vault *v, MDB_txn *txn);

/* A short transaction for reading, with its cursors. Any thread; never held
 * across turns of the loop. */
struct vault_reader {
    struct vault_reader *next;
    MDB_txn *txn;
    MDB_cursor *cursors[VAULT_TABLES]; /* made when first used */
    bool stale[VAULT_TABLES];          /* to be renewed before use */
};

int vault_read_begin(struct vault *v, struct vault_reader **out);
void vault_read_end(struct vault *v, struct vault_reader *r);
int vault_read_cursor(struct vault *v, struct vault_reader *r,
                      enum vault_table table, MDB_cursor **out);

/* Copies a value of fixed size. */
int vault_get(struct vault *v, MDB_txn *txn, enum vault_table table,
              const struct vault_key *key, MDB_val *out);
int vault_get_fixed(struct vault *v, MDB_txn *txn, enum vault_table table,
                    const struct vault_key *key, struct iovec into);
int vault_get_counter(struct vault *v, MDB_txn *txn, enum vault_counter kind,
                      uint32_t number, struct iovec into);
int vault_get_box(struct vault *v, MDB_txn *txn, uint32_t box,
                  struct vault_box *out);
int vault_get_login(struct vault *v, MDB_txn *txn, const char *name,
                    uint32_t *user);
int vault_get_name(struct vault *v, MDB_txn *txn, uint32_t user,
                   struct ptn_slice name, struct vault_name *out);
int vault_get_message(struct vault *v, MDB_txn *txn, uint32_t box, uint32_t uid,
                      struct vault_message *out);
int vault_get_place(struct vault *v, MDB_txn *txn, uint64_t content,
                    struct vault_place *out);

/* Keyword number `n` of a box's table, or an empty slice. */
struct ptn_slice vault_keyword_at(struct ptn_slice table, uint32_t n);
/* The number of `name`, or -1. */
int vault_keyword_find(struct ptn_slice table, struct ptn_slice name);

/* What a provider answers for an LMDB error; logs what is not a lack of
 * space or memory. */
enum ptn_status vault_index_status(struct vault *v, int rc);

#endif
