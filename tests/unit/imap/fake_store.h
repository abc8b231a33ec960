/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The store half of the fake: mailboxes in arrays, no persistence. All users
 * see the same mailboxes.
 */
#ifndef TESTS_IMAP_FAKE_STORE_H
#define TESTS_IMAP_FAKE_STORE_H

#include <postern/mail/store.h>

extern const struct ptn_store_ops fake_store_ops;

struct fake_store;
struct fake_store *fake_store_new(void);
void fake_store_free(struct fake_store *store);
/* Bodies are not in memory: reads with nowait say so. */
void fake_store_cold(struct fake_store *store, bool cold);

#endif
