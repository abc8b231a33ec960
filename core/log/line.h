/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The text of one log line, put together on the stack.
 */
#ifndef PTN_LOG_LINE_H
#define PTN_LOG_LINE_H

#include "log/log.h"

struct ptn_log_line {
    size_t len;
    char text[PTN_LOG_LINE_MAX];
};

/* Each stops adding when the line is full, and keeps one octet for its
 * end. */
void ptn_log_line_add(struct ptn_log_line *line, struct ptn_slice text);
void ptn_log_line_word(struct ptn_log_line *line, const char *word);
void ptn_log_line_field(struct ptn_log_line *line,
                        const struct ptn_log_field *field);

/* The moment, `seconds` since 1970 in UTC, as 25 octets with a NUL:
 * YYYY-MM-DDThh:mm:ss.mmmZ. Years of more than four digits are not shown
 * right. */
void ptn_log_line_time(int64_t seconds, unsigned ms, char *out);

#endif
