/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Failed authentications by address, so that guessing does not get faster
 * by connecting again. Bounded in memory; forgets by itself.
 */
#ifndef PTN_AUTH_THROTTLE_H
#define PTN_AUTH_THROTTLE_H

#include "base/map.h"

#define PTN_THROTTLE_ADDRESSES 4096    /* remembered at once */
#define PTN_THROTTLE_FORGET_MS 600000u /* after the last failure */
#define PTN_THROTTLE_FREE 10u          /* failures that cost nothing more */
#define PTN_THROTTLE_FIRST_MS 250u     /* delay of the first failure */
#define PTN_THROTTLE_LONGEST_MS 4000u

struct ptn_throttle {
    struct ptn_map addresses; /* text -> struct ptn_throttle_entry */
    uint64_t swept;           /* when the old ones were last looked for */
};

void ptn_throttle_deinit(struct ptn_throttle *t);

/* Notes a failure, the session's `attempts`th, and answers for how many
 * milliseconds its answer is to be held back. */
uint64_t ptn_throttle_failed(struct ptn_throttle *t, const char *address,
                             unsigned attempts, uint64_t now);

/* Somebody at the address knew a password: what it has failed is halved. */
void ptn_throttle_succeeded(struct ptn_throttle *t, const char *address);

#endif
