/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The supervisor's state, for the files that it is made of. One thread.
 *
 *   supervisor.c   from start to end: the loop, signals, births and deaths
 *   transition.c   from one generation to the next: a reload
 *   round.c        from one certificate to the next
 *   succession.c   from one program to the next: an upgrade
 *   verbs.c        what is asked on the control socket
 */
#ifndef PTN_PROC_INNER_H
#define PTN_PROC_INNER_H

#include "conf/diff.h"
#include "proc/asks.h"
#include "proc/begin.h"
#include "proc/checker.h"
#include "proc/control.h"
#include "proc/crew.h"
#include "proc/envoy.h"
#include "proc/generation.h"
#include "proc/keeper.h"
#include "proc/ledger.h"
#include "proc/legacy.h"
#include "proc/reload.h"
#include "proc/report.h"
#include "proc/round.h"
#include "proc/server.h"
#include "proc/unlock.h"
#include "proc/upgrade.h"

enum ptn_supervisor_phase {
    PTN_SUPERVISOR_STARTING,
    PTN_SUPERVISOR_SERVING,
    PTN_SUPERVISOR_SUCCEEDED, /* another program serves; last sessions */
    PTN_SUPERVISOR_DRAINING,
};

enum ptn_transition_phase {
    PTN_TRANSITION_NONE,
    PTN_TRANSITION_CHECKING, /* the new configuration */
    PTN_TRANSITION_STARTING, /* its workers */
    PTN_TRANSITION_SWAPPING, /* certificates, in workers that stay */
    PTN_TRANSITION_LEAVING,  /* sockets, by those that retire */
};

/* Who has asked for a reload, or what one would do. */
struct ptn_request {
    struct ptn_control_call *call; /* NULL: a signal, which waits for nothing */
    bool plan_only;
};

enum {
    PTN_REQUESTS_MAX = PTN_CONTROL_CLIENTS + 2 /* two signals */
};

struct ptn_transition {
    enum ptn_transition_phase phase;
    struct ptn_generation *next;
    struct ptn_keeper *keeper; /* its own warden; NULL: the current one's */
    struct ptn_checker checker;
    struct ptn_diff *diff;
    struct ptn_buf records;  /* the answer */
    struct ptn_error failed; /* why a new worker did not start */
    unsigned refused;        /* certificates, by any worker */
    uint64_t began, due;     /* ptn_clock_ms */
    /* In the order in which they came. The first `served` of them are of one
     * kind, and are those that are under way. */
    struct ptn_request requests[PTN_REQUESTS_MAX];
    unsigned request_count, served;
};

/* Another program is to take over, or has. */
struct ptn_succession {
    struct ptn_upgrade upgrade;
    struct ptn_control_call *call; /* who has asked; NULL: a signal */
    bool is_over;                  /* it has closed its channel */
    uint64_t began, due;           /* ptn_clock_ms; 0: never */
};

struct ptn_supervisor {
    const struct ptn_server_options *options;
    struct ptn_generation *current;
    struct ptn_crew crew;
    struct ptn_keepers keepers;
    struct ptn_envoy envoy;
    struct ptn_control_call *renewal; /* who waits for it; NULL: nobody */
    struct ptn_control *control;
    struct ptn_asks asks;
    struct ptn_reports *reports;
    struct ptn_transition transition;
    struct ptn_ledger ledger;
    struct ptn_round round;
    struct ptn_succession succession;
    struct ptn_unlocks unlocks;
    int signals;
    enum ptn_supervisor_phase phase;
    int status;
    uint64_t started, rotate_due, kill_due;
    uint64_t alive_due; /* when the service manager's watchdog is fed */
    struct ptn_legacy_watch legacy;
    char summary[PTN_SUMMARY_SIZE]; /* for the service manager */
};

/* --- supervisor.c --- */

void ptn_supervisor_stop(struct ptn_supervisor *s);
/* It serves, as the current generation says. */
void ptn_supervisor_notify_ready(struct ptn_supervisor *s);
/* What the current generation has to do outside. */
void ptn_supervisor_employ_envoy(struct ptn_supervisor *s);
/* What a checker is to know. */
struct ptn_child ptn_supervisor_checker(const struct ptn_supervisor *s,
                                        struct ptn_conf *conf);
/* In a worker, and in other children: closes what is the supervisor's. */
void ptn_supervisor_let_go(void *supervisor);
void ptn_supervisor_let_go_of_all(void *supervisor);
/* Workers for a group, due now. -1: there are too many. */
int ptn_supervisor_hire(struct ptn_supervisor *s, struct ptn_generation *g,
                        const struct ptn_group_conf *group,
                        struct ptn_error *err);

/* --- transition.c --- */

/* Begins a reload, or asks for another one after that under way. `call` is
 * NULL, or answered when it is through. */
void ptn_transition_ask(struct ptn_supervisor *s, struct ptn_control_call *call,
                        bool plan_only);
/* The descriptor to wait for, or -1; and when it is readable. */
int ptn_transition_fd(const struct ptn_supervisor *s);
void ptn_transition_read(struct ptn_supervisor *s);
/* When it has to be through, or 0; and whether it is. */
uint64_t ptn_transition_due(const struct ptn_supervisor *s);
void ptn_transition_do_due(struct ptn_supervisor *s);
/* False: it was another process that has died. */
bool ptn_transition_bury(struct ptn_supervisor *s, pid_t pid, int status);
/* About workers of the new generation; false: it is not one of them. */
bool ptn_transition_ready(struct ptn_supervisor *s, unsigned worker);
bool ptn_transition_died(struct ptn_supervisor *s, unsigned worker, int status);
void ptn_transition_failed(struct ptn_supervisor *s, unsigned worker,
                           struct ptn_slice why);
/* The warden that a worker asks. */
struct ptn_keeper *ptn_transition_keeper(const struct ptn_supervisor *s,
                                         unsigned worker);
/* A warden is ready; has read its files again; or has ended before it was
 * ready. */
void ptn_transition_keeper_ready(struct ptn_supervisor *s);
void ptn_transition_keys_read(struct ptn_supervisor *s);
void ptn_transition_keeper_failed(struct ptn_supervisor *s);
/* A retired worker has left its sockets. */
void ptn_transition_left(struct ptn_supervisor *s);
/* The server stops: what is under way is given up. */
void ptn_transition_end(struct ptn_supervisor *s);

/* --- succession.c --- */

/* Executes the program anew. PTN_CONTROL_LATER, or -1 with `err`. */
int ptn_succession_ask(struct ptn_supervisor *s, struct ptn_control_call *call,
                       struct ptn_error *err);
bool ptn_succession_is_under_way(const struct ptn_supervisor *s);
/* When its channel is readable. */
void ptn_succession_read(struct ptn_supervisor *s);
/* False: it was another process that has died. */
bool ptn_succession_bury(struct ptn_supervisor *s, pid_t pid, int status);
void ptn_succession_do_due(struct ptn_supervisor *s);
void ptn_succession_end(struct ptn_supervisor *s);

/* --- verbs.c --- */

extern const struct ptn_control_verb ptn_supervisor_verbs[];

#endif
