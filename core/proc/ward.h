/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The warden's process: it has the private keys and the secrets of users, no
 * network, and none of the modules that speak with peers or keep mail.
 */
#ifndef PTN_PROC_WARD_H
#define PTN_PROC_WARD_H

#include "conf/conf.h"
#include <sys/types.h>

struct ptn_reports;

struct ptn_ward {
    struct ptn_conf *conf;       /* as the supervisor has read it */
    const char *modules;         /* which to load; NULL: all */
    struct ptn_reports *reports; /* of crashes */
    pid_t supervisor;
    int channel; /* to the supervisor */
    int escrow;  /* of passphrases (escrow.h), which it takes; or -1 */
    bool again;  /* it replaces one that died */
};

/* In the child, after the fork: all that it does. Answers an exit status. */
int ptn_ward_run(const struct ptn_ward *ward);

#endif
