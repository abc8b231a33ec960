/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the service manager is told, as sd_notify(3) has it. Nothing happens
 * where NOTIFY_SOCKET is not set. Main thread.
 */
#ifndef PTN_PROC_NOTIFY_H
#define PTN_PROC_NOTIFY_H

#include "proc/socket.h"
#include <sys/types.h>

void ptn_notify_ready(const char *status);
void ptn_notify_reloading(void);
void ptn_notify_stopping(void);
/* One line, for people: "5 listeners, 2 workers". */
void ptn_notify_status(const char *status);
/* Another process is the service from now on. */
void ptn_notify_main_pid(pid_t pid);

/* How often ptn_notify_alive has to be called at least, milliseconds: half
 * of what the manager waits. 0: it does not care. */
uint64_t ptn_notify_watchdog_ms(void);
void ptn_notify_alive(void);

/* Leaves the listening sockets in the manager's care, so that no connection
 * is refused while the service is started again; and takes those back that
 * are not among them any more. Those that it gave itself it has. */
void ptn_notify_store(const struct ptn_sockets *sockets);
/* A socket of that name is in its care since before this process. */
void ptn_notify_stored(const char *name);
/* The same, by what it is bound to. */
void ptn_notify_stored_at(const struct ptn_address_conf *address);

#endif
