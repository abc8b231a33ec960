/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The certificate round: what the warden has read anew reaches the workers,
 * and is seen to be served. No session notices. The supervisor's one thread.
 *
 *   RESTING --news of the warden--> REFRESHING --all workers have it-->
 *           ACTIVATING (activation.h) --verdict--> RESTING
 *
 * It goes beside a reload; what changes meanwhile is the next round's.
 */
#ifndef PTN_PROC_ROUND_H
#define PTN_PROC_ROUND_H

#include <postern/buf.h>
#include <stdint.h>

struct ptn_supervisor;

enum ptn_round_phase {
    PTN_ROUND_RESTING,
    PTN_ROUND_REFRESHING,
    PTN_ROUND_ACTIVATING,
};

struct ptn_round {
    enum ptn_round_phase phase;
    bool again;            /* there is news */
    struct ptn_buf names;  /* records of those that it is about */
    struct ptn_buf served; /* what the workers say of them */
    uint64_t began;
};

/* The current warden's news: takes them and, if a certificate has changed
 * while the server serves, begins a round, or has one follow. */
void ptn_round_take_news(struct ptn_supervisor *s);
void ptn_round_free(struct ptn_round *round);

#endif
