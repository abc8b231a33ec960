/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The text of one log line, put together on the stack.
 */
#ifndef PTN_LOG_LINE_H
#define PTN_LOG_LINE_H

#include "log/log.h"

/* What is to be logged. */
struct ptn_log_entry {
    enum ptn_log_level level;
    const char *process, *event;
    const struct ptn_log_field *fields;
    size_t count;
};

struct ptn_log_line {
    size_t len;
    char text[PTN_LOG_LINE_MAX];
};

/* Each stops adding when the line is full, and keeps one octet for its
 * end. */
void ptn_log_line_add(struct ptn_log_line *line, struct ptn_slice text);
void ptn_log_line_word(struct ptn_log_line *line, const char *word);
void ptn_log_line_number(struct ptn_log_line *line, int64_t number);
void ptn_log_line_field(struct ptn_log_line *line,
                        const struct ptn_log_field *field);

/* "2026-01-31T23:59:59.123Z" of a moment after 1970 (RFC 3339). */
void ptn_log_line_time(struct ptn_log_line *line, int64_t wall_ms);

/* The whole entry; with `wall_ms` -1 without time and level, for a log that
 * has its own. No line end. As JSON it is a valid object also when there was
 * no room for all of it: then it has "cut": true. */
void ptn_log_line_text(struct ptn_log_line *line,
                       const struct ptn_log_entry *entry, int64_t wall_ms);
void ptn_log_line_json(struct ptn_log_line *line,
                       const struct ptn_log_entry *entry, int64_t wall_ms);

#endif
