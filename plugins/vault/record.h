/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading records off a segment: for recovery and compaction.
 */
#ifndef VAULT_RECORD_H
#define VAULT_RECORD_H

#include "vault.h"

enum vault_found {
    VAULT_RECORD_OK,
    VAULT_RECORD_DAMAGED_DATA, /* head and facts are good */
    VAULT_RECORD_NONE,         /* no intact record begins here */
    VAULT_RECORD_ERROR,        /* the file cannot be read: errno */
};

/* A record that was read; its buffers are used again by the next. */
struct vault_record {
    uint32_t seed; /* in: the store's */
    struct vault_record_head head;
    uint64_t at;           /* its offset in the segment */
    struct ptn_buf facts;  /* aligned, whole facts only */
    struct ptn_buf window; /* scratch */
};

void vault_record_free(struct vault_record *r);
/* Octets of the whole record on disk. */
uint64_t vault_record_size(const struct vault_record_head *head);
/* Reads and checks the record at `at` of a file of `size` octets; the data
 * only with `with_data`. */
enum vault_found vault_record_read(int fd, uint64_t at, uint64_t size,
                                   bool with_data, struct vault_record *out);
/* The next offset from `at` on where a record's head is intact and its
 * sequence number is in range[0]..range[1]; 0 if there is none. */
uint64_t vault_record_search(const struct vault *v, int fd, uint64_t at,
                             const uint64_t range[2]);
/* The facts, one after the other; begin with NULL. */
const struct vault_fact *vault_record_fact(const struct vault_record *r,
                                           const struct vault_fact *last);

#endif
