/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where log lines go, for those who start and reload the server. What a
 * line says is postern/log.h. As text, and as JSON:
 *
 *   2026-01-31T23:59:59.123Z info worker-0 session.closed session=... ...
 *   {"time":"2026-01-31T23:59:59.123Z","level":"info",...}
 *
 * One line is one write, of at most PTN_LOG_LINE_MAX octets, so that lines
 * of several processes do not mix in one file or pipe. Writing one allocates
 * nothing, locks nothing and is safe in a signal handler.
 */
#ifndef PTN_LOG_LOG_H
#define PTN_LOG_LOG_H

#include <postern/log.h>
#include <stdatomic.h>

#define PTN_LOG_LINE_MAX 4096 /* PIPE_BUF: an atomic write to a pipe */
#define PTN_LOG_VALUE_MAX 512 /* octets of one value that are shown */

enum ptn_log_target {
    PTN_LOG_TO_STDERR,
    PTN_LOG_TO_FILE,
    PTN_LOG_TO_SYSLOG,
    PTN_LOG_TO_JOURNALD,
};

enum ptn_log_format {
    PTN_LOG_AS_TEXT,
    PTN_LOG_AS_JSON, /* journald has fields of its own and takes no notice */
};

struct ptn_log_sink {
    enum ptn_log_target target;
    enum ptn_log_format format;
    const char *path; /* of the file, or of the socket */
    int facility;     /* of syslog: 2 is mail, 3 daemon (RFC 5424, 6.2.1) */
};

#define PTN_LOG_SYSLOG_SOCKET "/dev/log"
#define PTN_LOG_JOURNALD_SOCKET "/run/systemd/journal/socket"

/* Sends all lines to `sink` from now on, NULL for text on stderr; a file is
 * opened for appending. Also reopens, after a rotation: on failure the old
 * sink stays. A socket's other side need not be there yet. Not to be called
 * from two threads at once. */
int ptn_log_open(const struct ptn_log_sink *sink, struct ptn_error *err);

/* The descriptor of a log file, for processes that cannot open it
 * themselves; -1: there is none. And what such a process does with one it
 * was given: it is written to from now on. Takes `fd`. */
int ptn_log_fd(void);
void ptn_log_take_fd(int fd);

void ptn_log_set_level(enum ptn_log_level level);
enum ptn_log_level ptn_log_get_level(void);
/* From now on the level is what stands there, which other processes may
 * change: memory that they share. It gets the level as it is. NULL: it is
 * this process's own again. */
void ptn_log_share_level(atomic_int *place);

/* "error", "warning", "info", "debug"; false: it is none of them. */
bool ptn_log_level_of(const char *word, enum ptn_log_level *out);
PTN_API const char *ptn_log_level_name(enum ptn_log_level level);

/* Whether a line of this level is written: to skip costly fields. */
bool ptn_log_wants(enum ptn_log_level level);

/* The word behind the level: "supervisor", "worker-0". Copied, cut to 15
 * octets. Called before threads start, and after a fork. */
void ptn_log_set_process(const char *name);

/* One value as it stands in a line of text, quoted where needed. */
void ptn_log_value(struct ptn_slice value, char *out, size_t room);

#endif
