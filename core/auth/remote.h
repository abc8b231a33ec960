/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The service of a worker: an engine at the other end of a channel. Loop
 * thread only.
 */
#ifndef PTN_AUTH_REMOTE_H
#define PTN_AUTH_REMOTE_H

#include "auth/service.h"
#include "loop/loop.h"

/* Not connected, and without offers. */
struct ptn_auth_service *ptn_auth_remote_new(struct ptn_loop *loop);
/* No exchange is under way. */
void ptn_auth_remote_free(struct ptn_auth_service *service);

/* From now on the engine is at `fd`, which is taken over; -1: there is none.
 * What was under way is answered with TEMPFAIL. Until the new engine says
 * what it offers, the old offers stand. */
void ptn_auth_remote_connect(struct ptn_auth_service *service, int fd);

/* Waits for the offers, before the loop runs and anybody is served. -1: they
 * did not come in time. */
int ptn_auth_remote_wait(struct ptn_auth_service *service, int milliseconds);

#endif
