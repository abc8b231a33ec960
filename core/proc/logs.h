/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One log for all processes. The supervisor opens its file again, since the
 * others may not be allowed to, and hands it to them; its level stands in
 * the memory that they share.
 */
#ifndef PTN_PROC_LOGS_H
#define PTN_PROC_LOGS_H

#include "conf/conf.h"
#include "proc/channels.h"
#include <postern/buf.h>

struct ptn_supervisor;

/* Opens the log again as the current configuration says, in all processes
 * that live. */
void ptn_logs_reopen(struct ptn_supervisor *s);
/* In a child that gets one: PTN_MESSAGE_LOG, PTN_WARDEN_LOG. */
void ptn_logs_take(int ends[PTN_CHANNELS]);

/* After a reload: a level that the file says anew holds; otherwise what the
 * operator has set since. */
void ptn_logs_take_level(const struct ptn_conf *before,
                         const struct ptn_conf *now);

/* The verb `log`: a record "log level=... to=... format=..."; with level= it
 * is set before, and with reopen= the log is opened again. */
bool ptn_logs_is_reopen(struct ptn_slice args);
int ptn_logs_answer(struct ptn_slice args, struct ptn_buf *out,
                    struct ptn_error *err);

#endif
