/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Compaction: the space of messages that are gone, given back a piece at a
 * time. Committer thread.
 */
#ifndef VAULT_COMPACT_H
#define VAULT_COMPACT_H

#include "commit.h"

struct vault_compaction;

struct vault_compaction *vault_compaction_new(struct vault *v);
void vault_compaction_free(struct vault_compaction *x);
/* Something was freed: there may be a segment worth it. */
void vault_compaction_want(struct vault_compaction *x);
/* Whether there is something to look at or go on with. */
bool vault_compaction_due(const struct vault_compaction *x);
/* The next piece as an operation, or NULL when there is nothing to do. */
struct ptn_store_op *vault_compaction_step(struct vault_compaction *x);
/* The piece was committed, or not. */
void vault_compaction_stepped(struct vault_compaction *x, bool ok);

/* Removes segments that were compacted when the process died before it
 * could. Only while no other process has the store open. */
void vault_compaction_sweep(struct vault *v);

#endif
