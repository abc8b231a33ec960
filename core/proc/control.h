/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The control socket: one request a connection, a word and its arguments on
 * a line; the answer is records (plan.h) and then a line "ok" or
 * "error\ttext=...". Only the server's own user and root can connect.
 */
#ifndef PTN_PROC_CONTROL_H
#define PTN_PROC_CONTROL_H

#include <postern/buf.h>
#include <postern/error.h>

struct ptn_control;

/* What a server does with each word. Append the records to `out`; -1 with
 * `err` to refuse. A table ends with word NULL. */
struct ptn_control_verb {
    const char *word;
    int (*fn)(void *arg, struct ptn_buf *out, struct ptn_error *err);
};

/* Replaces a socket that a dead server left behind; a living one is an
 * error. NULL with `err`. */
struct ptn_control *ptn_control_open(const char *path,
                                     const struct ptn_control_verb *verbs,
                                     void *arg, struct ptn_error *err);
/* In a child: closes the socket and leaves the file. */
void ptn_control_forget(struct ptn_control *control);
void ptn_control_close(struct ptn_control *control);

/* The descriptor to watch for reading, and what to do then. A client that
 * connects and says nothing holds up the caller for a tenth of a second. */
int ptn_control_fd(const struct ptn_control *control);
void ptn_control_serve(struct ptn_control *control);

/* The client's side: sends `request` and waits for the whole answer. -1
 * with `err`: no server, or it refused. */
PTN_API int ptn_control_ask(const char *path, const char *request,
                            struct ptn_buf *answer, struct ptn_error *err);

#endif
