/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The index out of the log.
 */
#ifndef VAULT_RECOVER_H
#define VAULT_RECOVER_H

#include "vault.h"

/* With the index open and empty, and no other process there: replays all
 * segments. 0, or -1 with `err`. */
int vault_recover(struct vault *v, struct ptn_error *err);
/* The numbers of the segments that are there, ascending; free with
 * ptn_free. -1 with errno. */
int vault_segment_numbers(struct vault *v, uint32_t **out, size_t *count);

#endif
