/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `processes = "workers"`: starts, watches, replaces and ends the workers.
 */
#ifndef PTN_PROC_SUPERVISOR_H
#define PTN_PROC_SUPERVISOR_H

#include "conf/conf.h"
#include "proc/server.h"

/* Owns `conf`, as ptn_conf_read made it. Answers an exit status. */
int ptn_supervisor_run(struct ptn_conf *conf,
                       const struct ptn_server_options *options);

#endif
