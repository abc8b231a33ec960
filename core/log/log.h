/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where log lines go, for those who start and reload the server. What a
 * line says is postern/log.h.
 *
 *   2026-01-31T23:59:59.123Z info worker-0 session.closed session=... ...
 *
 * One line is one write, of at most PTN_LOG_LINE_MAX octets, so that lines
 * of several processes do not mix in one file or pipe.
 */
#ifndef PTN_LOG_LOG_H
#define PTN_LOG_LOG_H

#include <postern/log.h>

#define PTN_LOG_LINE_MAX 4096 /* PIPE_BUF: an atomic write to a pipe */
#define PTN_LOG_VALUE_MAX 512 /* octets of one value that are shown */

/* Opens `path` for appending, NULL for stderr, and sends all lines there
 * from now on. Also reopens, after a rotation: on failure the old sink
 * stays. Not to be called from two threads at once. */
int ptn_log_open(const char *path, struct ptn_error *err);

void ptn_log_set_level(enum ptn_log_level level);

/* Whether a line of this level is written: to skip costly fields. */
bool ptn_log_wants(enum ptn_log_level level);

/* The word behind the level: "supervisor", "worker-0". Copied, cut to 15
 * octets. Called before threads start. */
void ptn_log_set_process(const char *name);

/* One value as it stands in a line, quoted where needed. */
void ptn_log_value(struct ptn_slice value, char *out, size_t room);

#endif
