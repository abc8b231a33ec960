/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The sockets that listeners serve. They are bound by the process that
 * starts the workers, and begin to listen in the workers, when everything
 * behind them is ready. A reload hands the very same ones to new workers, so
 * that no connection in a queue is lost.
 */
#ifndef PTN_PROC_SOCKET_H
#define PTN_PROC_SOCKET_H

#include "conf/conf.h"
#include <postern/buf.h>

/* One address: a socket for each worker that serves it. */
struct ptn_bound {
    struct ptn_address_conf address;
    int *fds;
    unsigned count;
    unsigned kept; /* so many of them since the last ptn_sockets_commit */
    bool wanted;   /* by those that are being added */
    bool given;    /* the service manager's: no more of them are bound, and
                      several workers may serve one */
};

/* All that are bound, whichever listeners have them: when a listener gets
 * another name or group, its sockets stay. */
struct ptn_sockets {
    struct ptn_bound *items;
    size_t count;
};

/* What one worker serves: a view of fds that belong to struct ptn_sockets. */
struct ptn_socket {
    struct ptn_address_conf address;
    int fd;
};

/* Before anything is added: one that is bound already, by whoever was there
 * before this process. It is closed by the first commit unless it is wanted
 * by then. */
void ptn_sockets_adopt(struct ptn_sockets *sockets,
                       const struct ptn_address_conf *address, int fd,
                       bool given);

/* Sees to it that the address has `count` sockets at least. Before it binds
 * the first, it makes sure that no other process, of whatever user, serves
 * the address. -1 with `err`, whose text has the address. */
int ptn_sockets_add(struct ptn_sockets *sockets,
                    const struct ptn_address_conf *address, unsigned count,
                    struct ptn_error *err);

/* After some additions: keeps what they asked for and closes all other
 * addresses; or closes what they have bound. */
void ptn_sockets_commit(struct ptn_sockets *sockets);
void ptn_sockets_rollback(struct ptn_sockets *sockets);
void ptn_sockets_close(struct ptn_sockets *sockets);

/* Appends the sockets of worker `rank` of `workers` to the array, which
 * grows: there may be more of them than workers now, or, of the service
 * manager's, fewer: then workers share them. */
void ptn_sockets_of(const struct ptn_sockets *sockets,
                    const struct ptn_address_conf *address, unsigned rank,
                    unsigned workers, struct ptn_buf *out);

/* In a child: closes all that are not among these. */
void ptn_sockets_keep(struct ptn_sockets *sockets,
                      const struct ptn_socket *mine, size_t count);

#endif
