/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The envoy's side of its channel to the warden (errand_wire.h). Blocks, for
 * a bounded time. One thread.
 */
#ifndef PTN_WARDEN_ERRAND_CLIENT_H
#define PTN_WARDEN_ERRAND_CLIENT_H

#include "warden/errand_wire.h"

struct ptn_errand_client;

/* Takes `fd`. */
struct ptn_errand_client *ptn_errand_client_new(int fd);
void ptn_errand_client_free(struct ptn_errand_client *client);

/* Asks, and appends the answer to `out`, which may be NULL. -1 with `err`:
 * the warden refuses, and why; or it is gone. */
int ptn_errand_client_ask(struct ptn_errand_client *client,
                          enum ptn_errand_op op, const char *first,
                          struct ptn_slice second, struct ptn_buf *out,
                          struct ptn_error *err) PTN_WARN_UNUSED;

#endif
