/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Structured logging: one event, one line, `event key=value ...`. Values
 * from outside are escaped, so that no peer can forge a line. There is no
 * way to pass a password, a key or a message body: do not build one.
 * Callable from any thread.
 */
#ifndef POSTERN_LOG_H
#define POSTERN_LOG_H

#include <postern/error.h>
#include <postern/types.h>

enum ptn_log_level {
    PTN_LOG_ERROR,   /* something is lost or refused that should not be */
    PTN_LOG_WARNING, /* the operator should look at it this week */
    PTN_LOG_INFO,    /* sessions, deliveries, starts, reloads */
    PTN_LOG_DEBUG,
};

/* One key and its value. `key` is a literal. */
struct ptn_log_field {
    const char *key;
    enum {
        PTN_FIELD_TEXT,
        PTN_FIELD_NUMBER
    } kind;
    struct ptn_slice text;
    int64_t number;
};

#define PTN_F(key, slice)                                                      \
    ((struct ptn_log_field){(key), PTN_FIELD_TEXT, (slice), 0})
#define PTN_FS(key, cstring) PTN_F(key, ptn_slice_of(cstring))
#define PTN_FN(key, value)                                                     \
    ((struct ptn_log_field){                                                   \
        (key), PTN_FIELD_NUMBER, {NULL, 0}, (int64_t)(value)})

/* `event` is a literal of lower-case words joined by dots or dashes:
 * "tls.handshake", "session.open". */
#define ptn_log(level, event, ...)                                             \
    ptn_log_fields((level), (event), (struct ptn_log_field[]){__VA_ARGS__},    \
                   sizeof((struct ptn_log_field[]){__VA_ARGS__}) /             \
                       sizeof(struct ptn_log_field))

/* What ptn_log calls, for who has an array already. */
PTN_API void ptn_log_fields(enum ptn_log_level level, const char *event,
                            const struct ptn_log_field *fields, size_t count);

/* The same for an error of the environment: error=TEXT, and file:line. */
PTN_API void ptn_log_error(enum ptn_log_level level, const char *event,
                           const struct ptn_error *err);

#endif
