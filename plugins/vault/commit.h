/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The committer: one thread a process that turns submitted operations into
 * commits, a group at a time.
 */
#ifndef VAULT_COMMIT_H
#define VAULT_COMMIT_H

#include "log.h"

/* What an operation is; kept in ptn_store_op.kind. */
enum vault_op {
    VAULT_OP_DELIVER,
    VAULT_OP_APPEND,
    VAULT_OP_CHANGE,
    VAULT_OP_FLAGS,
    VAULT_OP_EXPUNGE,
    VAULT_OP_COPY,
    /* The vault's own: no job waits for them. */
    VAULT_OP_CLAIM,
    VAULT_OP_COMPACT,
    VAULT_OPS
};

/* \Recent was shown up to `recent_from`; freed when done. */
struct vault_claim {
    struct ptn_store_op op;
    uint32_t box;
    uint32_t recent_from;
};

int vault_committer_start(struct vault *v, struct ptn_error *err);
/* Commits what was submitted, then ends the thread. */
void vault_committer_stop(struct vault *v);

/* Any thread. Completion is by the op's job. */
void vault_submit(struct vault *v, struct ptn_store_op *op, enum vault_op kind);

/* What decides the operations: 0 with op->status set, or an LMDB error that
 * ends the group. */
int vault_op_deliver(struct vault_txn *t, struct ptn_store_op *op);
int vault_op_append(struct vault_txn *t, struct ptn_store_op *op);
int vault_op_change(struct vault_txn *t, struct ptn_store_op *op);
int vault_op_flags(struct vault_txn *t, struct ptn_store_op *op);
int vault_op_expunge(struct vault_txn *t, struct ptn_store_op *op);
int vault_op_copy(struct vault_txn *t, struct ptn_store_op *op);
int vault_op_claim(struct vault_txn *t, struct ptn_store_op *op);
int vault_op_compact(struct vault_txn *t, struct ptn_store_op *op);
/* ops_common.c: what several of them need */

/* The user's number; makes a user with the mailboxes of `create`. */
int vault_op_user(struct vault_txn *t, const char *name, uint32_t *user);
/* The box of a name, 0 when there is none. Makes the user if the name is
 * one of those that a new user has. */
int vault_op_find(struct vault_txn *t, const char *user, struct ptn_slice name,
                  uint32_t *box);
/* The box of a handle, 0 when it is gone. */
int vault_op_box(struct vault_txn *t, struct ptn_mailbox *m, uint32_t *box);
/* Bits of keywords in the box's table; with `add`, new ones are added.
 * *fits is false, and nothing added, when the table would be too long. */
int vault_op_keywords(struct vault_txn *t, uint32_t box,
                      const struct ptn_slice *names, size_t count, bool add,
                      uint64_t *bits, bool *fits);
/* Whether `more` octets are within the quota; a user who does not exist has
 * none yet. */
int vault_op_quota(struct vault_txn *t, const char *user, uint64_t quota,
                   uint64_t more, bool *fits);
int vault_op_content(struct vault_txn *t, const struct ptn_content *content,
                     uint64_t *id);
/* Special use that a name of the option `create` stands for. */
uint32_t vault_use_of(const char *name);
/* Whether a new user has a mailbox of this name. */
bool vault_is_initial(const struct vault *v, struct ptn_slice name);

#endif
