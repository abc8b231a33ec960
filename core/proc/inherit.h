/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Listening sockets that the service manager passes, as sd_listen_fds(3)
 * has it: those of a socket unit, and those that the server left in its care
 * (notify.h). Main thread, before there are children.
 */
#ifndef PTN_PROC_INHERIT_H
#define PTN_PROC_INHERIT_H

#include "proc/plan.h"
#include "proc/socket.h"

/* Takes each into the table that one of the plan's addresses can use: by the
 * name of its listener, or else by its own address. Others are closed, with
 * a warning. */
void ptn_inherit(struct ptn_sockets *sockets, const struct ptn_plan *plan);

#endif
