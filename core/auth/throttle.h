/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who may try a password now. Attempts are counted by network (an address,
 * or a /64) and by user; each of both is a gate that lets a few through at
 * once while nothing is known against it, and one after the other, each
 * later than the last, once too many have failed. The wait is before the
 * check, so that parallel guessing costs no hash each.
 *
 *   enter --> [network's gate] --> [user's gate] --> pass
 *                   |                    |             |
 *                 refused              refused       leave
 *
 * A network from which a user has logged in before skips the user's gate:
 * guessing from elsewhere locks nobody out. Bounded in memory; forgets by
 * itself. Loop thread only.
 */
#ifndef PTN_AUTH_THROTTLE_H
#define PTN_AUTH_THROTTLE_H

#include "base/map.h"
#include "conf/conf.h"
#include "loop/loop.h"

#define PTN_THROTTLE_WAITERS 8       /* at a gate with failures */
#define PTN_THROTTLE_NEW_WAITERS 256 /* at one without */
#define PTN_THROTTLE_NETWORKS 4      /* from which a user is known */

struct ptn_cells;
struct ptn_throttle_gate;

struct ptn_throttle {
    struct ptn_loop *loop;
    const struct ptn_auth_conf *conf;
    struct ptn_map networks, users; /* key -> struct ptn_throttle_gate */
    uint64_t swept[2];              /* when old ones were last looked for */
    size_t cursor[2];
    uint64_t refused, waited; /* attempts, since the start */
    struct ptn_cells *cells;  /* both for the operator */
};

/* One attempt; in its owner's record, zeroed. */
struct ptn_throttle_try {
    void (*pass)(struct ptn_throttle_try *try);
    struct ptn_throttle *throttle;
    struct ptn_list link; /* in the gate's queue, while it waits */
    struct ptn_throttle_gate *gates[2]; /* that it is inside of, or wants */
    unsigned passed;                    /* how many of them let it through */
    bool waiting;
    bool known; /* the network is one that the user has come from */
};

void ptn_throttle_init(struct ptn_throttle *t, struct ptn_loop *loop,
                       const struct ptn_auth_conf *conf);
/* Nobody waits or is inside any more. */
void ptn_throttle_deinit(struct ptn_throttle *t);

/* Calls try->pass, now or later. False: too many wait already; nothing has
 * happened. */
bool ptn_throttle_enter(struct ptn_throttle *t, struct ptn_throttle_try *try,
                        struct ptn_slice network, struct ptn_slice user);

/* What the failure after `steps` others costs, in milliseconds. */
uint64_t ptn_throttle_delay(const struct ptn_throttle *t, unsigned steps);

enum ptn_throttle_outcome {
    PTN_THROTTLE_GOOD,    /* knew the password */
    PTN_THROTTLE_BAD,     /* did not */
    PTN_THROTTLE_NEITHER, /* could not be told */
};

/* Once after pass, or instead of it while it waits (NEITHER). Answers for
 * how many milliseconds bad news is to be held back; `attempts` have failed
 * in the session before. */
uint64_t ptn_throttle_leave(struct ptn_throttle_try *try,
                            enum ptn_throttle_outcome outcome,
                            unsigned attempts);

#endif
