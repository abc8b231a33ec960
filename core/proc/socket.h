/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The sockets that listeners serve. They are bound by the process that
 * starts the workers, and begin to listen in the workers, when everything
 * behind them is ready.
 */
#ifndef PTN_PROC_SOCKET_H
#define PTN_PROC_SOCKET_H

#include "conf/conf.h"

/* One address of a listener: a socket for each worker. */
struct ptn_bound {
    size_t listener; /* its index in the config */
    struct ptn_address_conf address;
    int *fds; /* as many as workers; -1: not open */
};

struct ptn_sockets {
    struct ptn_bound *items;
    size_t count;
    unsigned workers;
};

void ptn_sockets_init(struct ptn_sockets *sockets, unsigned workers);

/* Binds one socket a worker. Before that it makes sure that no other
 * process, of whatever user, serves the address. -1 with `err`, whose text
 * has the address. */
int ptn_sockets_add(struct ptn_sockets *sockets, size_t listener,
                    const struct ptn_address_conf *address,
                    struct ptn_error *err);
void ptn_sockets_close(struct ptn_sockets *sockets);

/* Keeps only the sockets of one worker: for the child after a fork. */
void ptn_sockets_keep(struct ptn_sockets *sockets, unsigned worker);

#endif
