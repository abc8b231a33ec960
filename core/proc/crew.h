/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The supervisor's workers: forking them, hearing of their deaths, speaking
 * with them. What all this means for the server is supervisor.c.
 *
 * Each worker has a slot, whose number no other that lives has, whatever
 * its group and generation; who replaces one that has died gets its slot.
 *
 *   FREE --hire--> DUE --fork--> STARTING --it is ready--> READY
 *    ^              ^               |                        | serve
 *    |              |               v                        v
 *    |              +---replace-- (died) <----------------SERVING
 *    |                              |                        | retire
 *    +-----------release------------+ <-------------------RETIRED
 */
#ifndef PTN_PROC_CREW_H
#define PTN_PROC_CREW_H

#include "proc/child.h"
#include "proc/generation.h"
#include <poll.h>

enum ptn_worker_phase {
    PTN_WORKER_FREE, /* a slot and nobody in it */
    PTN_WORKER_DUE,  /* to be forked at `due` */
    PTN_WORKER_STARTING,
    PTN_WORKER_READY,   /* it waits for the word */
    PTN_WORKER_SERVING, /* it has it */
    PTN_WORKER_RETIRED, /* its last sessions, until `due` */
};

struct ptn_crew_worker {
    enum ptn_worker_phase phase;
    struct ptn_generation *generation;  /* a reference; NULL: FREE */
    const struct ptn_group_conf *group; /* in its configuration */
    unsigned rank;                      /* in the group: its sockets */
    unsigned born;          /* the number of the generation it was hired for */
    unsigned warden;        /* the id of the one that it asks; 0: none */
    pid_t pid;              /* 0: there is none */
    int channel;            /* -1: there is none */
    uint64_t pinged;        /* when; 0: it has answered */
    uint64_t retired;       /* when; 0: its sessions were told to end */
    bool leaving;           /* told to retire, it has not left its sockets */
    bool aborted;           /* as it hangs; what it said is awaited */
    unsigned quick_deaths;  /* in a row */
    uint64_t due;           /* ptn_clock_ms; 0: never */
    uint64_t started, died; /* the last ones */
    uint64_t restarts;
};

struct ptn_crew {
    struct ptn_sockets sockets;
    struct ptn_shared *shared;
    struct ptn_tickets tickets;      /* of all groups; no child keeps them */
    struct ptn_reports *reports;     /* what children say when they crash */
    struct ptn_crew_worker *workers; /* by slot */
    unsigned count;                  /* slots, so far */
    uint64_t watchdog;  /* ms that a loop may stand still; 0: any time */
    uint64_t watch_due; /* 0: nobody is watched */
    uint64_t patience;  /* ms with retired workers' sessions; 0: any time */
    bool again;         /* the server has begun to serve */
    char *message;      /* PTN_MESSAGE_MAX octets */
    /* Gets the channels of a worker to the warden, or -1 twice. */
    void (*open_channels)(void *arg, unsigned number, int ends[PTN_CHANNELS]);
    /* In the child, after a fork: closes what is the supervisor's alone. */
    void (*let_go)(void *arg);
    /* A worker has died: replace or release it. It sent a message: its type,
     * and the rest. */
    void (*died)(void *arg, unsigned number, int status);
    void (*said)(void *arg, unsigned number, enum ptn_message type,
                 struct ptn_slice text);
    void *arg;
};

void ptn_crew_init(struct ptn_crew *crew);
void ptn_crew_free(struct ptn_crew *crew);
/* In a child that is no worker: closes channels and sockets. */
void ptn_crew_let_go(struct ptn_crew *crew);

/* A slot for a worker that is due now. -1: there is none left. */
int ptn_crew_hire(struct ptn_crew *crew, struct ptn_generation *generation,
                  const struct ptn_group_conf *group, unsigned rank);
/* It serves on behalf of another generation, where nothing has changed for
 * it; `group` is that of the new configuration. */
void ptn_crew_adopt(struct ptn_crew *crew, unsigned number,
                    struct ptn_generation *generation,
                    const struct ptn_group_conf *group);
/* The word to one that is READY. */
void ptn_crew_serve(struct ptn_crew *crew, unsigned number);
/* Another has taken over; crew->patience later its sessions are told to end.
 * One that does not serve yet is killed. */
void ptn_crew_retire(struct ptn_crew *crew, unsigned number);
/* Another patience, also with those that have retired before. */
void ptn_crew_set_patience(struct ptn_crew *crew, uint64_t patience);
/* Of one that has died, or never lived: plans its replacement; or empties
 * the slot. */
void ptn_crew_replace(struct ptn_crew *crew, unsigned number);
void ptn_crew_release(struct ptn_crew *crew, unsigned number);

/* How long to wait before a worker is replaced, milliseconds: nothing after
 * the first two deaths, more and more when they follow each other quickly. */
uint64_t ptn_crew_backoff(unsigned quick_deaths);

/* Forks those who are due; one that cannot be forked is due later. Drains
 * the retired whose time is up. */
void ptn_crew_do_due(struct ptn_crew *crew);
/* The earliest moment at which it has something to do; 0: none. */
uint64_t ptn_crew_due(const struct ptn_crew *crew);
/* Asks whether the loops are turning, and ends those that have not answered
 * for crew->watchdog. To be called at crew->watch_due, which it moves on. */
void ptn_crew_watch(struct ptn_crew *crew);
/* Asks all loops whether they are turning; false: one has not answered for
 * so long. */
bool ptn_crew_answers(struct ptn_crew *crew, uint64_t patience);
/* Calls `died` if it was a worker; false: it was not. */
bool ptn_crew_bury(struct ptn_crew *crew, pid_t pid, int status);

/* Sends a message to one; false when it cannot take it, or is not there. */
bool ptn_crew_send(struct ptn_crew *crew, unsigned number,
                   enum ptn_message type, struct ptn_slice text);
/* Gives a worker descriptors: PTN_MESSAGE_WARDEN, PTN_MESSAGE_LOG. */
bool ptn_crew_send_channels(struct ptn_crew *crew, unsigned number,
                            enum ptn_message type,
                            const int ends[PTN_CHANNELS]);
/* Sends one without text to all. */
void ptn_crew_tell(struct ptn_crew *crew, enum ptn_message type);
/* All groups get new ticket keys, and all workers hear of it. */
int ptn_crew_rotate(struct ptn_crew *crew, struct ptn_error *err);
void ptn_crew_kill(struct ptn_crew *crew);

/* "due", "starting", "ready", "serving" or "retired" */
const char *ptn_crew_phase_name(enum ptn_worker_phase phase);
/* Whether its loop turns: READY, SERVING or RETIRED. */
bool ptn_crew_is_up(const struct ptn_crew *crew, unsigned number);
bool ptn_crew_is_leaving(const struct ptn_crew *crew); /* one is */
bool ptn_crew_is_alive(const struct ptn_crew *crew);   /* somebody is */

/* Fills one entry a slot, and takes the messages that poll(2) found. */
void ptn_crew_poll(const struct ptn_crew *crew, struct pollfd *polls);
void ptn_crew_receive(struct ptn_crew *crew, const struct pollfd *polls,
                      unsigned count);

#endif
