/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A process that serves: one of several workers, or the only one.
 *
 * A worker talks with its supervisor over a pair of sockets that keep
 * message boundaries; the first octet says what the message is.
 */
#ifndef PTN_PROC_WORKER_H
#define PTN_PROC_WORKER_H

#include "loop/loop.h"
#include "proc/setup.h"
#include "proc/shared.h"
#include "proc/socket.h"

enum ptn_message {
    /* to the supervisor */
    PTN_MESSAGE_READY = 'R',  /* it could serve */
    PTN_MESSAGE_STATE = 'S',  /* lines of ptn_plan_write_state: before it is
                                 ready, and whenever they have changed */
    PTN_MESSAGE_LEFT = 'E',   /* after RETIRE: it accepts no more */
    PTN_MESSAGE_FAILED = 'F', /* why it cannot serve: a text; it ends */
    PTN_MESSAGE_ANSWER = 'A', /* a line "answer id=N", with more=yes when
                                 another one follows or refused=TEXT, and
                                 records */
    /* both ways: is your loop turning? It is */
    PTN_MESSAGE_PING = 'P',
    /* to the worker */
    PTN_MESSAGE_SERVE = 'G',   /* accept connections */
    PTN_MESSAGE_RETIRE = 'O',  /* another has taken over: accept no more,
                                  and end with the last session */
    PTN_MESSAGE_DRAIN = 'D',   /* end the sessions, and then yourself */
    PTN_MESSAGE_RELOAD = 'H',  /* a line "ask id=N": read the certificates
                                  again, or those of the records that follow.
                                  States, and an answer with a record "refused
                                  count=N", and what is served of those */
    PTN_MESSAGE_WARDEN = 'W',  /* with two descriptors: the channels to a
                                  warden (proc/channels.h) */
    PTN_MESSAGE_LOG = 'L',     /* with the new log file, twice */
    PTN_MESSAGE_TICKETS = 'T', /* the shared ticket keys have changed */
    PTN_MESSAGE_ASK = 'Q',     /* a line "ask id=N", and a request of the
                                  control socket */
};
#define PTN_MESSAGE_MAX 131072

struct ptn_worker;

struct ptn_worker_params {
    struct ptn_setup *setup;    /* with certificates loaded */
    struct ptn_socket *sockets; /* what it serves */
    size_t socket_count;
    struct ptn_shared *shared;
    unsigned number, count;
    int auth;  /* of a worker: the channel to who checks credentials, which is
                  taken over; -1: there is none now */
    bool hold; /* not to accept before ptn_worker_serve */
    /* Called on the loop when everything could serve, and after it has
     * served: watches of the caller's begin and end there. */
    void (*ready)(struct ptn_worker *worker, void *arg);
    void (*finished)(struct ptn_worker *worker, void *arg);
    void *arg;
};

/* Serves until drained. -1 with `err`: it never began to. */
int ptn_worker_run(const struct ptn_worker_params *params,
                   struct ptn_error *err);

/* From the loop's thread. Draining twice ends at once. */
struct ptn_loop *ptn_worker_loop(struct ptn_worker *worker);
struct ptn_net *ptn_worker_net(struct ptn_worker *worker);
const struct ptn_worker_params *ptn_worker_params(struct ptn_worker *worker);
unsigned ptn_worker_number(const struct ptn_worker *worker);
/* "waiting", "serving", "retired" or "draining" */
const char *ptn_worker_phase(const struct ptn_worker *worker);
/* Begins to accept. */
void ptn_worker_serve(struct ptn_worker *worker);
/* Leaves the sockets to others; the worker ends with its last session. */
void ptn_worker_retire(struct ptn_worker *worker);
void ptn_worker_drain(struct ptn_worker *worker);
/* Answers how many certificates were refused. Listeners that were closed
 * and have a certificate now begin to listen. */
unsigned ptn_worker_reload(struct ptn_worker *worker);
/* The same in steps, between which sessions are served; then done, on the
 * loop. `names` are records of those that it is about, with one "round
 * number=N" (pki/pki.h); empty: all. To ask again begins again, for both, and
 * only the last done is called. */
void ptn_worker_refresh(struct ptn_worker *worker, struct ptn_slice names,
                        void (*done)(void *arg, unsigned refused), void *arg);
void ptn_worker_refresh_tickets(struct ptn_worker *worker);
/* Another channel in place of params->auth; taken over. */
void ptn_worker_meet_warden(struct ptn_worker *worker, int auth);
#endif
