/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A server that was started by a running one to take over from it: see
 * upgrade.h for that one's side. Whether this process is a heir is a fact of
 * its environment; where it is none, all of this does nothing.
 */
#ifndef PTN_PROC_HEIR_H
#define PTN_PROC_HEIR_H

#include "proc/handover.h"
#include "proc/socket.h"
#include "proc/tickets.h"

/* Once, before threads or children: takes what the running server hands
 * over. -1: it has gone away meanwhile. */
int ptn_heir_begin(struct ptn_error *err);
bool ptn_heir_is(void);
/* It is only to say what it finds in the configuration. */
bool ptn_heir_is_check(void);

/* Moves the sockets that came into the empty table. */
void ptn_heir_take_sockets(struct ptn_sockets *sockets);
/* Moves the ticket keys that came into the empty record. */
void ptn_heir_take_tickets(struct ptn_tickets *tickets);

/* The passphrases of keys (escrow.h); -1: none came, or it was taken. */
int ptn_heir_take_escrow(void);

/* The listening control socket, if it is the one at this path; else -1. */
int ptn_heir_take_control(const char *path);

/* Whether a listener of that name serves there. */
bool ptn_heir_served(const char *name);

/* Records for the running server, from this process or its children; each
 * is a line. */
void ptn_heir_say(struct ptn_slice records);
/* How many certificates this one could not use. */
void ptn_heir_refused(unsigned count);
/* Why this one does not serve. */
void ptn_heir_fail(const char *text);

/* All is ready to accept: waits until the running server has let go. -1: it
 * has given up meanwhile, and this one is not to serve. */
int ptn_heir_ready(struct ptn_error *err);
/* This server ends, and so should what is left of those before it. */
void ptn_heir_stop(void);
/* The channels to those before it that still have sessions, for its own
 * heir; how many. Where there are too many, the oldest are left alone. */
size_t ptn_heir_elders(int fds[PTN_HANDOVER_FDS]);
/* In a child that lives on: the channel is not its business. */
void ptn_heir_forget(void);

#endif
