/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The server and the clients of a test, as server.c and peer.c share them.
 */
#ifndef PTN_HARNESS_SERVER_H
#define PTN_HARNESS_SERVER_H

#include "base/list.h"
#include "harness/inner.h"

struct ptn_test {
    struct ptn_conf *conf;
    struct ptn_modules *loaded;
    struct ptn_loop *loop;
    struct ptn_net *net;
    struct ptn_auth_service *auth;     /* NULL: no directory */
    const struct ptn_module **modules; /* ends with NULL */
    int *sockets;                      /* of the listeners, in their order */
    struct ptn_list peers;
    unsigned dialled;
    bool started, draining, drained;
};

/* Everything that can happen now does. */
void ptn_harness_settle(struct ptn_test *test);
void ptn_harness_free_peers(struct ptn_test *test);

#endif
