/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The envoy's own process: what it does, and what postern/errand.h offers
 * there.
 */
#ifndef PTN_PROC_ENVOY_CHILD_H
#define PTN_PROC_ENVOY_CHILD_H

#include "proc/envoy.h"
#include "warden/errand_client.h"
#include <postern/errand.h>

struct ptn_envoy_work {
    struct ptn_conf *conf;       /* as the supervisor has read it */
    const char *modules;         /* which to load */
    struct ptn_reports *reports; /* of crashes; NULL: none */
    pid_t supervisor;
    int channel; /* to the supervisor */
    int warden;  /* to the warden */
    const char *wish;
    bool force;
};

/* In the child: all that it does. Answers an exit status. */
int ptn_envoy_run(const struct ptn_envoy_work *work);

/* --- errand_host.c --- */

/* The envoy as the calls of postern/errand.h find it. */
struct ptn_envoy_host {
    struct ptn_conf *conf;
    struct ptn_errand_client *warden;
    int channel;                                 /* to the supervisor */
    struct ptn_errand_certificate *certificates; /* as many as conf has */
};

/* A message to the supervisor. */
int ptn_envoy_tell(int channel, enum ptn_envoy_message type,
                   struct ptn_slice text);

#endif
