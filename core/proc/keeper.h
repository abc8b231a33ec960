/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The supervisor's wardens. One is current; there is another while a reload
 * that changes what a warden reads is under way; and one that was replaced
 * lives on as long as retired workers ask it for signatures. The
 * supervisor's one thread.
 *
 *   new --READY--> it serves --------------------+
 *    |               |  ^ dies: forked again     | a newer one is current
 *    | dies: failed  +--+                        v
 *    +-------------------> released <------- retired: ends with its workers
 */
#ifndef PTN_PROC_KEEPER_H
#define PTN_PROC_KEEPER_H

#include "proc/crew.h"
#include "proc/generation.h"
#include "proc/warden.h"

struct ptn_keeper {
    struct ptn_warden warden;
    struct ptn_generation *generation; /* whose configuration it reads */
    unsigned id;                       /* see struct ptn_crew_worker */
    struct ptn_keeper *next;
};

struct ptn_keepers {
    struct ptn_keeper *all, *current;
    unsigned last_id;
    struct ptn_reports *reports;
    struct ptn_crew *crew; /* whose workers they serve */
    int escrow;            /* of passphrases (escrow.h), owned; or -1 */
    /* One has said PTN_WARDEN_VERDICT (the current one) or _COMMAND. */
    void (*asked)(void *arg, struct ptn_keeper *keeper, int message,
                  struct ptn_slice text);
    /* In a child: closes what is the supervisor's alone. */
    void (*let_go)(void *arg);
    void *arg;
};

void ptn_keepers_init(struct ptn_keepers *keepers);
/* Their processes end by that. */
void ptn_keepers_free(struct ptn_keepers *keepers);
/* In a child: closes the channels. */
void ptn_keepers_let_go(struct ptn_keepers *keepers);

/* One that is due at once, and not current yet. */
struct ptn_keeper *ptn_keeper_new(struct ptn_keepers *keepers,
                                  struct ptn_generation *generation);
/* Workers that serve get channels to this one; the one before it retires. */
void ptn_keeper_take_over(struct ptn_keepers *keepers, struct ptn_keeper *k);
/* It was not needed after all: ends it. */
void ptn_keeper_dismiss(struct ptn_keepers *keepers, struct ptn_keeper *k);
/* Channels for a worker that is about to be forked; -1 twice, and a line in
 * the log, when there is no warden at this moment. */
void ptn_keeper_open(struct ptn_keeper *k, struct ptn_crew_worker *worker,
                     int ends[PTN_CHANNELS]);

void ptn_keepers_do_due(struct ptn_keepers *keepers);
uint64_t ptn_keepers_due(const struct ptn_keepers *keepers); /* 0: never */
void ptn_keepers_watch(struct ptn_keepers *keepers, uint64_t limit);

/* As many entries as there are; then what poll(2) found: 0, or what one has
 * said last, if it was the current one, or was ready for the first time. */
unsigned ptn_keepers_count(const struct ptn_keepers *keepers);
void ptn_keepers_poll(const struct ptn_keepers *keepers, struct pollfd *polls);
int ptn_keepers_receive(struct ptn_keepers *keepers,
                        const struct pollfd *polls);

/* What a death was of. */
enum ptn_keeper_death {
    PTN_KEEPER_OTHER,  /* no warden's */
    PTN_KEEPER_AGAIN,  /* it is replaced, or was not needed any more */
    PTN_KEEPER_FAILED, /* it has never been ready: gone for good */
};
enum ptn_keeper_death ptn_keepers_bury(struct ptn_keepers *keepers, pid_t pid,
                                       int status);

#endif
