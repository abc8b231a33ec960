/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A server that is replaced by another program, without closing a socket:
 * SIGUSR2, and with `processes = "single"` also a reload. It executes the
 * program anew and hands over its listening sockets. While the heir starts,
 * both would accept; when it says that it is ready, the old one lets its
 * sessions run to their end. A heir that does not get so far changes
 * nothing.
 *
 *   NONE -- begin --> STARTING -- ready --> HEIR (it serves, we drain)
 *     ^                  |
 *     +-- failed, died --+
 */
#ifndef PTN_PROC_UPGRADE_H
#define PTN_PROC_UPGRADE_H

#include "proc/handover.h"
#include "proc/plan.h"
#include "proc/socket.h"
#include "proc/tickets.h"
#include <sys/types.h>

/* How the program was started, for its heirs: main's argv. Once, before
 * anything else; the first word is resolved against the folder of now. */
void ptn_upgrade_remember(char **argv);

struct ptn_upgrade_params {
    const struct ptn_sockets *sockets;
    const struct ptn_plan *plan;       /* what is served now */
    const struct ptn_tickets *tickets; /* for sessions to be resumed */
    const char *control_path;          /* of the listening control socket */
    int control;
    int escrow;  /* of passphrases (escrow.h); or -1 */
    bool check;  /* only check the configuration, and say all */
    int spawner; /* the channel to who forks envoys; 0 or less: none */
};

enum ptn_upgrade_event {
    PTN_UPGRADE_NOTHING, /* go on waiting */
    PTN_UPGRADE_READY,   /* it serves: tell the service manager, then call
                            ptn_upgrade_go */
    PTN_UPGRADE_FAILED,  /* it is no more; `said` has why */
    PTN_UPGRADE_CHECKED, /* `said` is the whole of what a checker says */
    PTN_UPGRADE_STOP,    /* of a heir that serves: end soon */
    PTN_UPGRADE_GONE,    /* a heir that served has ended */
};

struct ptn_upgrade {
    pid_t pid;   /* of the heir; 0: there is none */
    int channel; /* -1: there is none */
    bool check, serves;
    bool took_control;   /* of one that is ready */
    struct ptn_buf said; /* records, a line each */
};

#define PTN_UPGRADE_INIT                                                       \
    ((struct ptn_upgrade){.channel = -1, .said = PTN_BUF_INIT})

/* Executes it. -1: that was not possible; nothing has changed. */
int ptn_upgrade_begin(struct ptn_upgrade *upgrade,
                      const struct ptn_upgrade_params *params,
                      struct ptn_error *err);
/* Whenever upgrade->channel is readable. */
enum ptn_upgrade_event ptn_upgrade_take(struct ptn_upgrade *upgrade);
/* The last word to a heir that is ready. */
void ptn_upgrade_go(struct ptn_upgrade *upgrade);
/* Forgets the heir: one that does not serve yet finds its channel closed,
 * and ends. In a child that was forked meanwhile, ptn_upgrade_forget only
 * closes. */
void ptn_upgrade_end(struct ptn_upgrade *upgrade);
void ptn_upgrade_forget(struct ptn_upgrade *upgrade);
/* A child has died: if it is the heir, what its death says is added to
 * `said`, and true. */
bool ptn_upgrade_reaped(struct ptn_upgrade *upgrade, pid_t pid, int status);
/* Whether it has found the configuration wrong. */
bool ptn_upgrade_is_refused(const struct ptn_upgrade *upgrade);
/* How many certificates it could not use. */
unsigned ptn_upgrade_refused(const struct ptn_upgrade *upgrade);
/* Why it failed, in a line: from what it said. */
void ptn_upgrade_reason(const struct ptn_upgrade *upgrade, struct ptn_buf *out);

#endif
