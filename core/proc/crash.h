/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reporting a crash from inside: signal, place and back-trace, before the
 * process dies of it all the same.
 */
#ifndef PTN_PROC_CRASH_H
#define PTN_PROC_CRASH_H

#include "module/modules.h"
#include "proc/report.h"
#include <postern/option.h>
#include <ucontext.h>

/* From here on a crash is reported: through `fd` (ptn_reports_leave), or
 * with -1 by this process itself, on its log. `process` is its name in the
 * log; the plugins are FOLDER/NAME.so, with the names of `load`, and both
 * are kept as they are given. Before threads exist. */
void ptn_crash_watch(int fd, const char *process, const char *folder,
                     const struct ptn_strings *names);

/* The group of workers that this process is one of, for its reports. */
void ptn_crash_set_group(const char *name);

/* To be called when modules have been loaded, before threads exist: learns
 * where in memory each file lies, so that a place in the code can be told
 * by its file; and what is linked into the program of these, NULL = none. */
void ptn_crash_map(const struct ptn_modules *modules);

/* Calls fn with the path of each file that ptn_crash_map has found. */
void ptn_crash_each_file(void (*fn)(void *arg, const char *path), void *arg);

/* --- for other handlers of signals --- */

/* Fills in the frames and the plugin of what `context` has interrupted. */
void ptn_crash_trace(struct ptn_report *report, const ucontext_t *context);
/* Sends the report on its way, or logs it. */
void ptn_crash_send(const struct ptn_report *report);

/* Tells the supervisor what this process says of itself; without one,
 * nothing happens. At most PTN_REPORT_STATE_MAX octets. */
void ptn_crash_send_text(struct ptn_slice state);

#endif
