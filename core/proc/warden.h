/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The supervisor's side of a warden: forking it, lending it the ends of
 * workers' channels, hearing from it and of its death. There may be several:
 * one for each generation that differs in what a warden reads.
 *
 *   due --fork--> starting --READY--> ready --retire--> ends with its last
 *                     |                 |               worker
 *                     +-----death-------+--> due, with back-off
 */
#ifndef PTN_PROC_WARDEN_H
#define PTN_PROC_WARDEN_H

#include "conf/conf.h"
#include "proc/channels.h"
#include <postern/buf.h>
#include <sys/types.h>

#define PTN_WARDEN_MESSAGE_MAX 8192 /* octets */

/* Over a pair of sockets that keep message boundaries; one octet, and what
 * else is said here. */
enum ptn_warden_message {
    /* to the supervisor */
    /* What became known of certificates since it last said it: records
     * (ledger.h). As many messages as it takes, before those below */
    PTN_WARDEN_NEWS = 'N',
    /* Each with the count of certificates that were refused, and how often
     * was read, decimal: */
    PTN_WARDEN_READY = 'R',    /* keys are read, channels are served */
    PTN_WARDEN_RELOADED = 'L', /* they are read again, as was asked for */
    PTN_WARDEN_CHANGED = 'G',  /* some files have changed and were read */
    PTN_WARDEN_VERDICT = 'U',  /* on a passphrase: "TAG VERDICT TEXT" */
    /* both ways */
    PTN_WARDEN_PING = 'P',
    /* A certificate's name: its passphrase_command is to be run; and then
     * both its outputs, or no descriptors if it could not be. */
    PTN_WARDEN_COMMAND = 'Q',
    /* to the warden */
    PTN_WARDEN_CHANNELS = 'C', /* a group; descriptors: sign, auth */
    PTN_WARDEN_RELOAD = 'H',   /* read all files again */
    PTN_WARDEN_LOG = 'O',      /* with the new log file, twice */
    PTN_WARDEN_CONFIRM = 'V',  /* a record "certificate name= fingerprint=":
                                  that one is served everywhere */
    PTN_WARDEN_RESTORE = 'Z',  /* the same: it is not; go back to the one
                                  before. CHANGED, if there is one */
    PTN_WARDEN_ENVOY = 'E',    /* with the envoy's channel, twice */
    PTN_WARDEN_UNLOCK = 'K',   /* "TAG NAME", an octet 0, the passphrase */
    PTN_WARDEN_RETIRE = 'X',   /* end when no worker has a channel any more */
};

struct ptn_reports;
struct ptn_shared;

struct ptn_warden {
    struct ptn_conf *conf;
    const char *modules;         /* as ptn_modules_load has `only` */
    struct ptn_reports *reports; /* of crashes */
    struct ptn_shared *shared;   /* NULL: it counts nowhere */
    unsigned slot;               /* there */
    pid_t pid;                   /* 0: there is none */
    int channel;                 /* -1: there is none */
    bool ready;
    bool again;   /* the next replaces one that was ready once */
    bool logs;    /* the server serves: errors are for the log */
    bool retired; /* it is not replaced */
    bool answers; /* it owes us PTN_WARDEN_RELOADED */
    unsigned refused, quick_deaths;
    uint64_t round;      /* how often it had read when it last said so */
    struct ptn_buf news; /* that nobody has taken */
    bool news_of_all;    /* it begins with all that there is */
    struct ptn_buf said; /* the text of the last VERDICT or COMMAND */
    int escrow;          /* of passphrases (escrow.h), borrowed; or -1 */
    uint64_t due;        /* ptn_clock_ms to fork it; 0: not to be forked */
    uint64_t pinged, started, restarts;
    /* In the child, after a fork: closes what is the supervisor's alone. */
    void (*let_go)(void *arg);
    void *arg;
};

/* All are borrowed. It is due at once. */
void ptn_warden_init(struct ptn_warden *warden, struct ptn_conf *conf,
                     const char *modules, struct ptn_reports *reports);
/* Closes what is open. The process ends by that. */
void ptn_warden_free(struct ptn_warden *warden);

/* Forks it when it is due; one that cannot be forked is due later. */
void ptn_warden_fork_due(struct ptn_warden *warden);

/* Makes both channels of a worker of the group, whose keys alone it may have
 * used, and sends the warden its ends; `ends`, by
 * PTN_CHANNEL_..., are for the worker, and are the caller's to close. A
 * warden that is not ready yet serves them when it is. -1: both are -1. */
int ptn_warden_open(struct ptn_warden *warden, const char *group,
                    int ends[PTN_CHANNELS], struct ptn_error *err);

/* Lends it the end of an envoy's channel, which stays the caller's. */
int ptn_warden_meet_envoy(struct ptn_warden *warden, int fd,
                          struct ptn_error *err);

void ptn_warden_tell(struct ptn_warden *warden, enum ptn_warden_message type);
/* With a text; false when it cannot take it, or is not there. */
bool ptn_warden_say(struct ptn_warden *warden, enum ptn_warden_message type,
                    struct ptn_slice text);
/* Takes the message that poll(2) found on the channel. Answers what it was;
 * 0: nothing. */
int ptn_warden_receive(struct ptn_warden *warden);
/* Asks whether it lives, and kills it when it did not answer for `limit`
 * milliseconds. To be called every now and then. */
void ptn_warden_watch(struct ptn_warden *warden, uint64_t limit);
/* If `pid` was the warden: logs its death unless that was expected, and
 * plans the next. */
bool ptn_warden_reap(struct ptn_warden *warden, pid_t pid, int status);
/* It serves those who have channels, and ends with the last of them. */
void ptn_warden_retire(struct ptn_warden *warden);

#endif
