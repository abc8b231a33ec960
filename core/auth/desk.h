/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The engine's end of a worker's channel. Loop thread only.
 */
#ifndef PTN_AUTH_DESK_H
#define PTN_AUTH_DESK_H

#include "auth/engine.h"

#define PTN_AUTH_DESK_EXCHANGES 4096 /* of one worker at once */

/* Serves one worker at `fd`, which is taken over, until the other end is
 * closed or says what it must not: the rest is dropped then, and the desk
 * frees itself. -1: it cannot be watched. */
int ptn_auth_desk_open(struct ptn_engine *engine, int fd);

#endif
