/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A worker's side of the sign channel (warden/wire.h). A question blocks, so
 * the loop's thread waits for a signature as it would for making it; but not
 * for ever, and not at all when the warden is known to be gone.
 */
#ifndef PTN_WARDEN_CLIENT_H
#define PTN_WARDEN_CLIENT_H

#include "pki/keyring.h"

/* How long a worker waits before it gives a handshake up, and for a chain,
 * which the warden may have to make before. */
#define PTN_WARDEN_SIGN_MS 5000
#define PTN_WARDEN_LOAD_MS 120000

struct ptn_warden_client;

/* One thread uses it. */
struct ptn_warden_client *ptn_warden_client_new(void);
/* Closes the channel. */
void ptn_warden_client_free(struct ptn_warden_client *client);

/* Takes `fd`, the end of a channel, in place of what it had. */
void ptn_warden_client_connect(struct ptn_warden_client *client, int fd);

struct ptn_keyring ptn_warden_client_keyring(struct ptn_warden_client *client);

#endif
