/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The end of the log, for appending. Committer thread, inside a write
 * transaction, whose lock keeps other processes from the same place.
 */
#ifndef VAULT_LOG_H
#define VAULT_LOG_H

#include "txn.h"

struct vault_log {
    struct vault *v;
    int fd; /* of `segment`, -1: none */
    uint32_t segment;
    bool distrust;      /* a sync failed: go on in a new segment */
    uint64_t allocated; /* octets that the file has on disk, at least */
    struct iovec *iov;
    size_t iov_cap;
};

void vault_log_init(struct vault_log *l, struct vault *v);
void vault_log_deinit(struct vault_log *l);

/* At the beginning of a group: goes on to a new segment when the present
 * one is full. */
void vault_log_turn(struct vault_log *l, struct vault_txn *t);
/* Writes the transaction's records and waits until they are durable. 0, or
 * an errno with the log's end as it was. */
int vault_log_write(struct vault_log *l, struct vault_txn *t);
/* After a failed index commit: takes back what vault_log_write wrote, unless
 * another process was faster to write over it. */
void vault_log_cancel(struct vault_log *l, const struct vault_txn *t);

/* The head of segment `number`, checked; 0, or -1 with errno, or with `err`
 * (NULL is allowed) for what is no segment of this machine. */
int vault_log_head(int fd, uint32_t number, struct vault_segment_head *out,
                   struct ptn_error *err);
/* Makes the first segment of a new store and fills `state`. */
int vault_log_create(struct vault *v, struct vault_state *state,
                     struct ptn_error *err);

#endif
