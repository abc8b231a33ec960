/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Verified activation: after certificates were replaced, the server connects
 * to its own listeners as a client would, in the protocol's words, with the
 * names that select them, and compares what it is shown with what is meant.
 *
 *   plan --> dial --(sandbox, modules)--> look --records--> judge
 *
 * In a child of the supervisor, or on a lane of the single process. Only
 * judging is the main thread's.
 */
#ifndef PTN_PROC_ACTIVATION_H
#define PTN_PROC_ACTIVATION_H

#include "proc/ledger.h"
#include "proc/plan.h"
#include "proc/shared.h"

/* One connection. */
struct ptn_target {
    const struct ptn_plan_listener *listener;
    const struct ptn_address_conf *address;
    const struct ptn_ledger_entry *certificate;
    char asked[PTN_LEDGER_NAME]; /* the server name; "": none */
    int fd;                      /* -1: not connected */
    struct ptn_error err;        /* why not */
};

struct ptn_activation {
    const struct ptn_plan *plan;
    struct ptn_target targets[PTN_VISITS_MAX];
    size_t count;
};

/* Which connections show the certificates that have changed (`checked` of
 * their entries), on listeners that serve. All are borrowed. */
void ptn_activation_plan(struct ptn_activation *activation,
                         const struct ptn_plan *plan,
                         const struct ptn_ledger *ledger);
/* Connects. Workers hear from `shared` who comes. */
void ptn_activation_dial(struct ptn_activation *activation,
                         struct ptn_shared *shared);
/* Looks, and appends records:
 *
 *   seen certificate= meant= listener= address= asked=
 *        outcome=same|other|failed|away fingerprint= why= */
void ptn_activation_look(struct ptn_activation *activation,
                         const struct ptn_setup *setup, struct ptn_buf *out);

/* --- verdict.c: what comes of it --- */

/* What a worker serves, after it has refreshed them: a record
 *
 *   serves certificate= fingerprint= worker=
 *
 * for each of `names` (records with name=) that its listeners show. */
void ptn_activation_write_served(const struct ptn_setup *setup,
                                 struct ptn_slice names, unsigned worker,
                                 struct ptn_buf *out);

struct ptn_verdicts {
    struct ptn_ledger *ledger;
    /* It is seen everywhere, or nobody could look: the one before is not
     * needed any more. Or something else was seen: the one before is. */
    void (*confirm)(void *arg, const struct ptn_ledger_entry *entry);
    void (*restore)(void *arg, const struct ptn_ledger_entry *entry);
    void *arg;
};

/* Whether there is nothing that would better be looked at once more before it
 * is judged. */
bool ptn_activation_is_good(const struct ptn_ledger *ledger,
                            struct ptn_slice served, struct ptn_slice seen);
/* Judges the certificates that were `checked` by the records of both kinds,
 * and logs. */
void ptn_activation_judge(const struct ptn_verdicts *verdicts,
                          struct ptn_slice served, struct ptn_slice seen);

#endif
