/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the single process and the supervisor do alike when they begin.
 */
#ifndef PTN_PROC_BEGIN_H
#define PTN_PROC_BEGIN_H

#include "proc/control.h"
#include "proc/plan.h"
#include "proc/socket.h"

/* Prints the error that prevents the start to stderr, with its place, and
 * answers the exit status that it deserves. */
int ptn_begin_complain(const struct ptn_error *err);

/* Where the log goes from here on. */
int ptn_begin_open_log(const struct ptn_conf *conf, struct ptn_error *err);

/* The state folder and what is in it, given to server.user. */
int ptn_begin_folders(const struct ptn_conf *conf, struct ptn_error *err);

/* Binds all addresses, also of listeners that may not serve: a port that
 * is bound refuses connections as long as nobody listens. Then
 * ptn_sockets_commit, or ptn_sockets_rollback. */
int ptn_begin_bind(const struct ptn_conf *conf, const struct ptn_plan *plan,
                   struct ptn_sockets *sockets, struct ptn_error *err);

/* Appends the struct ptn_socket that worker `rank` of `workers` serves in the
 * group; NULL: in all groups. */
void ptn_begin_sockets(const struct ptn_plan *plan, const char *group,
                       unsigned rank, unsigned workers,
                       const struct ptn_sockets *sockets, struct ptn_buf *out);

/* Logs that the server serves, and which listeners do not. */
void ptn_begin_log_ready(const struct ptn_plan *plan, unsigned workers);
/* Opens the log again, after a rotation. */
void ptn_begin_reopen_log(const struct ptn_conf *conf);

/* As many open files as the system lets us have. */
void ptn_begin_raise_files(void);

/* The file is replaced as a whole; and removed, if it is still this
 * process's. */
int ptn_begin_write_pid(const struct ptn_conf *conf, struct ptn_error *err);
void ptn_begin_remove_pid(const struct ptn_conf *conf);

/* All is ready to accept. A heir (heir.h) gets what the server before it
 * still has: PID file and control socket. -1: that one goes on instead, also
 * because a listener that serves there would be closed here. */
int ptn_begin_take_over(const struct ptn_conf *conf,
                        const struct ptn_plan *plan,
                        struct ptn_control *control, struct ptn_error *err);

/* "7 listeners, 2 workers; 1 closed", for the service manager. */
#define PTN_SUMMARY_SIZE 80
void ptn_begin_summarize(const struct ptn_plan *plan, unsigned workers,
                         char out[PTN_SUMMARY_SIZE]);

#endif
