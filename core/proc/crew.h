/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The supervisor's workers: forking them, hearing of their deaths, speaking
 * with them. What all this means for the server is supervisor.c.
 */
#ifndef PTN_PROC_CREW_H
#define PTN_PROC_CREW_H

#include "proc/child.h"
#include <poll.h>

struct ptn_crew_worker {
    pid_t pid;   /* 0: there is none */
    int channel; /* -1: there is none */
    bool ready;
    bool answers;          /* it owes us a state */
    uint64_t pinged;       /* when; 0: it has answered */
    bool aborted;          /* as it hangs; what it said is awaited */
    unsigned quick_deaths; /* in a row */
    uint64_t due;          /* ptn_clock_ms to fork it; 0: not to be forked */
    uint64_t started, restarts;
};

struct ptn_crew {
    const struct ptn_conf *conf;
    struct ptn_sockets sockets;
    struct ptn_shared *shared;
    struct ptn_reports *reports; /* what children say when they crash */
    struct ptn_crew_worker *workers;
    unsigned count;
    uint64_t watch_due; /* 0: nobody is watched */
    bool again;         /* who is forked now replaces another */
    char *message;      /* PTN_MESSAGE_MAX octets */
    /* Gets the channels of a worker to the warden, or -1 twice. */
    void (*open_channels)(void *arg, int ends[PTN_CHANNELS]);
    /* Somebody has died who is no worker. */
    void (*other_died)(void *arg, pid_t pid, int status);
    /* In the child, after a fork: closes what is the supervisor's alone. */
    void (*let_go)(void *arg);
    /* A worker has died, or sent a message (its type, and the rest). */
    void (*died)(void *arg, unsigned number, int status);
    void (*said)(void *arg, unsigned number, enum ptn_message type,
                 struct ptn_slice text);
    void *arg;
};

void ptn_crew_init(struct ptn_crew *crew, const struct ptn_conf *conf,
                   unsigned count);
void ptn_crew_free(struct ptn_crew *crew);
/* In a child that is no worker: closes channels and sockets. */
void ptn_crew_let_go(struct ptn_crew *crew);

/* How long to wait before a worker is replaced, milliseconds: nothing after
 * the first death, more and more when they follow each other quickly. */
uint64_t ptn_crew_backoff(unsigned quick_deaths);

/* Forks those who are due; one that cannot be forked is due later. */
void ptn_crew_fork_due(struct ptn_crew *crew);
/* Asks whether the loops are turning, and kills those that have not answered
 * for server.watchdog. To be called at crew->watch_due, which it moves on. */
void ptn_crew_watch(struct ptn_crew *crew);
/* Calls died for each that is dead. */
void ptn_crew_reap(struct ptn_crew *crew);
/* Plans the replacement of one that has died. */
void ptn_crew_replace(struct ptn_crew *crew, unsigned number);

/* Sends a message to one; false when it cannot take it, or is not there. */
bool ptn_crew_send(struct ptn_crew *crew, unsigned number,
                   enum ptn_message type, struct ptn_slice text);
/* Gives a worker other channels to the warden. */
bool ptn_crew_send_channels(struct ptn_crew *crew, unsigned number,
                            const int ends[PTN_CHANNELS]);
/* Sends one without text to all. */
void ptn_crew_tell(struct ptn_crew *crew, enum ptn_message type);
void ptn_crew_kill(struct ptn_crew *crew);
bool ptn_crew_is_ready(const struct ptn_crew *crew); /* all are */
bool ptn_crew_is_alive(const struct ptn_crew *crew); /* one is */
bool ptn_crew_is_asked(const struct ptn_crew *crew); /* one owes a state */
/* The earliest moment at which one is to be forked; 0: none is. */
uint64_t ptn_crew_due(const struct ptn_crew *crew);

/* Fills one entry a worker, and takes the messages that poll(2) found. */
void ptn_crew_poll(const struct ptn_crew *crew, struct pollfd *polls);
void ptn_crew_receive(struct ptn_crew *crew, const struct pollfd *polls);

#endif
