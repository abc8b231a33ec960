/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `processes = "single"`: everything in the process that was started.
 */
#ifndef PTN_PROC_SINGLE_H
#define PTN_PROC_SINGLE_H

#include "conf/conf.h"

/* Owns `conf`, as ptn_conf_read made it. Answers an exit status. */
int ptn_single_run(struct ptn_conf *conf);

#endif
