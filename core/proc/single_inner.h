/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The state of the single process, for the files that it is made of. Main
 * thread.
 *
 *   single.c         from start to end, and what it answers
 *   single_change.c  reload and upgrade: another process takes over
 *   single_round.c   certificates that change
 *   single_unlock.c  passphrases of their keys
 */
#ifndef PTN_PROC_SINGLE_INNER_H
#define PTN_PROC_SINGLE_INNER_H

#include "proc/begin.h"
#include "proc/control.h"
#include "proc/envoy.h"
#include "proc/ledger.h"
#include "proc/legacy.h"
#include "proc/plan.h"
#include "proc/reading.h"
#include "proc/setup.h"
#include "proc/status.h"
#include "proc/unlock.h"
#include "proc/upgrade.h"
#include "proc/worker.h"

enum ptn_single_want {
    PTN_SINGLE_PLAN,    /* what would a reload do? */
    PTN_SINGLE_RELOAD,  /* the configuration as it is now */
    PTN_SINGLE_UPGRADE, /* the program as it is now */
};

enum ptn_single_phase {
    PTN_SINGLE_SERVING,
    PTN_SINGLE_CHECKING, /* another process reads the configuration */
    PTN_SINGLE_SWAPPING, /* certificates are read again */
    PTN_SINGLE_STARTING, /* another process is to take over */
    PTN_SINGLE_SUCCEEDED,
};

struct ptn_single_change {
    enum ptn_single_phase phase;
    enum ptn_single_want want;
    struct ptn_upgrade upgrade;
    struct ptn_fd_watch *watch; /* of its channel */
    struct ptn_signal *child;   /* of its death */
    struct ptn_timer *deadline;
    struct ptn_control_call *call; /* NULL: a signal has asked */
    struct ptn_buf records;        /* the answer */
    bool again;                    /* once more, when this is through */
    bool checked, is_over;         /* it has said all; its channel is closed */
    uint64_t began;
};

struct ptn_single_envoy {
    int spawner; /* -1: there is none */
    struct ptn_fd_watch *watch;
    struct ptn_errand_office office;
    struct ptn_control_call *call; /* who wants a certificate now; NULL */
    struct ptn_buf records;        /* what envoys have told */
    pid_t pid;                     /* 0: there is none */
};

struct ptn_single {
    struct ptn_setup setup;
    struct ptn_plan plan;
    struct ptn_sockets sockets;
    struct ptn_buf served; /* struct ptn_socket, all of them */
    struct ptn_shared *shared;
    struct ptn_tickets tickets;
    struct ptn_control *control;
    struct ptn_worker *worker;
    struct ptn_fd_watch *control_watch;
    struct ptn_signal *signals[5];
    struct ptn_timer *rotation, *watchdog, *legacy_timer;
    struct ptn_legacy_watch legacy;
    struct ptn_single_change change;
    struct ptn_single_envoy envoy;
    struct ptn_ledger ledger;
    struct ptn_single_round *round; /* NULL: nobody needs a key */
    struct ptn_unlocks unlocks;
    int escrow; /* for the next process; or -1 */
    struct ptn_status_worker self;
    char summary[PTN_SUMMARY_SIZE]; /* for the service manager */
    int status;                     /* of the exit */
};

/* --- single.c --- */

void ptn_single_stop(struct ptn_single *s);
void ptn_single_refresh_plan(struct ptn_single *s);

/* --- single_change.c --- */

/* PTN_CONTROL_LATER, or -1 with `err`. `call` NULL: nobody waits, and if it
 * cannot be now it will be later. */
int ptn_single_ask(struct ptn_single *s, enum ptn_single_want want,
                   struct ptn_control_call *call, struct ptn_error *err);
/* The certificates were read again, as ptn_single_read was asked to. */
void ptn_single_reloaded(struct ptn_single *s, unsigned refused);
/* After the loop. */
void ptn_single_end_change(struct ptn_single *s);

/* --- single_envoy.c --- */

/* From when it serves, until another process does, or the loop has ended. */
void ptn_single_begin_envoy(struct ptn_single *s);
void ptn_single_end_envoy(struct ptn_single *s);
/* The verb `renew`. */
int ptn_single_ask_envoy(struct ptn_single *s, struct ptn_control_call *call,
                         struct ptn_error *err);
/* Its part of the verb `status`. */
void ptn_single_write_envoy(const struct ptn_single *s, struct ptn_buf *out);

/* --- single_round.c --- */

/* From when it serves, until the loop has ended. */
void ptn_single_watch(struct ptn_single *s);
void ptn_single_unwatch(struct ptn_single *s);
/* Those that were marked. */
void ptn_single_read_marked(struct ptn_single *s);
/* All certificates; then ptn_single_reloaded. */
void ptn_single_read(struct ptn_single *s);

/* --- single_unlock.c --- */

/* Before it serves: runs what may say a passphrase, and reads again what
 * was locked without it. */
void ptn_single_run_commands(struct ptn_single *s);
void ptn_single_read_again(struct ptn_single *s);
/* A control verb: a passphrase. */
int ptn_single_unlock(struct ptn_single *s, struct ptn_control_call *call,
                      struct ptn_error *err);
/* Keys were read: tells the verdicts. */
void ptn_single_unlocked(struct ptn_single *s);

#endif
