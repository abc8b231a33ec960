/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Passphrases of keys, as long as the server runs: where the next warden
 * finds what the one before was told. They are pages of memory without a
 * name, on no disk and in no core. The supervisor hands on the descriptor and
 * never maps it; wardens do, and the single process. A successor, after an
 * upgrade, inherits it.
 *
 *   supervisor: descriptor --fork--> warden: mapped    (killed, or replaced)
 *                          --fork--> warden: mapped
 *                          --handover--> the next server's supervisor
 */
#ifndef PTN_WARDEN_ESCROW_H
#define PTN_WARDEN_ESCROW_H

#include <postern/buf.h>
#include <postern/error.h>

#define PTN_ESCROW_SIZE 65536   /* octets of all names and passphrases */
#define PTN_ESCROW_NAME_MAX 255 /* octets */
#define PTN_ESCROW_SECRET_MAX 1024

/* A new, empty one, close-on-exec; -1: the system has none to give. */
int ptn_escrow_new(void);

struct ptn_escrow;

/* Maps it, and takes `fd`. Memory of this process alone where `fd` is -1 or
 * cannot be mapped. */
struct ptn_escrow *ptn_escrow_open(int fd);
void ptn_escrow_close(struct ptn_escrow *escrow);

/* Whether another process will find what is put there. */
bool ptn_escrow_is_shared(const struct ptn_escrow *escrow);

/* Both from any thread and process at once. Keeps a secret under the name in
 * place of what was there; an empty one forgets it. -1 with `err`: there is
 * no room. */
int ptn_escrow_put(struct ptn_escrow *escrow, const char *name,
                   struct ptn_slice secret, struct ptn_error *err);
/* Copies it to `out`, PTN_ESCROW_SECRET_MAX octets, which the caller wipes;
 * answers how long it is, 0: there is none. */
size_t ptn_escrow_get(struct ptn_escrow *escrow, const char *name, char *out);

#endif
