/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The certificate round: what the warden has read anew reaches the workers,
 * and is seen to be served. No session notices. The supervisor's one thread.
 *
 *   RESTING --news of the warden--> REFRESHING --all workers have it-->
 * VISITING ^                                            once more, if in doubt
 * | ^ |                                                                 +-+ |
 *      +---- a verdict on each: confirm, or alarm and back to the last good --+
 *
 * It goes beside a reload; what changes meanwhile is the next round's. A round
 * in which the warden has died says nothing of the certificates: nobody could
 * sign, or take them. It is begun again with the next warden.
 */
#ifndef PTN_PROC_ROUND_H
#define PTN_PROC_ROUND_H

#include "proc/checker.h"
#include <postern/buf.h>
#include <sys/types.h>

struct ptn_supervisor;

enum ptn_round_phase {
    PTN_ROUND_RESTING,
    PTN_ROUND_REFRESHING,
    PTN_ROUND_VISITING,
};

struct ptn_round {
    enum ptn_round_phase phase;
    bool again;            /* there is news, or no verdict on the last */
    pid_t warden;          /* whose certificates these are */
    struct ptn_buf names;  /* records of those that it is about */
    struct ptn_buf served; /* what the workers say of them */
    struct ptn_checker visitor;
    unsigned visits;
    uint64_t due; /* ptn_clock_ms: the visitor may take no longer; 0: none */
};

void ptn_round_init(struct ptn_round *round);
void ptn_round_free(struct ptn_round *round);

/* The current warden's news: takes them and, if a certificate has changed
 * while the server serves, begins a round, or has one follow. */
void ptn_round_take_news(struct ptn_supervisor *s);

/* The descriptor to wait for, or -1; and when it is readable. */
int ptn_round_fd(const struct ptn_supervisor *s);
void ptn_round_read(struct ptn_supervisor *s);
void ptn_round_do_due(struct ptn_supervisor *s);
/* False: it was another process that has died. */
bool ptn_round_bury(struct ptn_supervisor *s, pid_t pid, int status);
/* The server stops, or another serves: nothing is looked at any more. */
void ptn_round_end(struct ptn_supervisor *s);

#endif
