/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Memory for private keys: never in a core, never in the swap where the
 * system lets us lock it, not in a child, and wiped when it is given back.
 */
#ifndef PTN_WARDEN_SECRET_H
#define PTN_WARDEN_SECRET_H

#include <postern/types.h>

/* Not thread-safe: whoever owns a safe serialises. */
struct ptn_safe {
    struct ptn_safe_chunk *chunks;
    bool unlocked; /* the system's limit did not allow all to be locked */
};

#define PTN_SAFE_INIT ((struct ptn_safe){NULL, false})

/* A copy in the safe. Its octets do not move until it is dropped. */
char *ptn_safe_keep(struct ptn_safe *safe, struct ptn_slice data);
/* What ptn_safe_keep gave, and how long it was. */
void ptn_safe_drop(struct ptn_safe *safe, char *data, size_t len);
/* Wipes and gives back everything. */
void ptn_safe_free(struct ptn_safe *safe);

#endif
