/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who has the store open, and whether its index can be trusted.
 */
#ifndef VAULT_STATE_H
#define VAULT_STATE_H

#include "vault.h"

/* Between these two no other process opens the store. `*alone`: no other
 * process has it open now. Takes a slot. */
int vault_state_enter(struct vault *v, bool *alone, struct ptn_error *err);
void vault_state_entered(struct vault *v);
/* Gives the slot back; true when no other process has the store open. */
void vault_state_leave(struct vault *v);

/* False after an unclean end of the system: the index may be damaged. */
bool vault_state_trusted(struct vault *v);
/* Whether the mark says clean; then *seq is the log's at that time. */
bool vault_state_clean(struct vault *v, uint64_t *seq);
/* Removes the mark: the index is being made again. */
void vault_state_forget(struct vault *v);

/* Before the first commit after a clean mark; 0 or an errno. Writer lock. */
int vault_state_dirty(struct vault *v);
/* Syncs the index and marks the store clean, unless others are at work. */
void vault_state_sync(struct vault *v);

/* One process compacts. */
bool vault_state_lock_compaction(struct vault *v);
void vault_state_unlock_compaction(struct vault *v);

#endif
