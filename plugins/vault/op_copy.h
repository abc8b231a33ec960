/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Copying between boxes, within an open record.
 */
#ifndef VAULT_OP_COPY_H
#define VAULT_OP_COPY_H

#include "commit.h"

/* Copies or moves op->uids; sets op->op.status. All or nothing. */
int vault_copy_boxes(struct vault_txn *t, struct ptn_store_copy *op,
                     uint32_t from, uint32_t to);

#endif
