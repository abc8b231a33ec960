/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The control socket: one request a connection, a word and its fields on a
 * line; the answer is records (plan.h) and then a line "ok" or
 * "error\ttext=...". Only the server's own user and root can connect.
 *
 *   sessions\tlistener=front\n
 */
#ifndef PTN_PROC_CONTROL_H
#define PTN_PROC_CONTROL_H

#include <postern/buf.h>
#include <postern/error.h>

struct ptn_control;

/* One request while it is answered. */
struct ptn_control_call {
    struct ptn_slice request; /* the line: word and fields */
    struct ptn_slice args;    /* its fields, for ptn_record_get */
    struct ptn_buf out;       /* append the records to it */
};

enum {
    PTN_CONTROL_LATER = 1, /* the answer comes with ptn_control_done */
    PTN_CONTROL_REQUEST_MAX = 4096,
    PTN_CONTROL_CLIENTS = 64, /* at once; one more is hung up on */
};

/* What a server does with each word. 0, PTN_CONTROL_LATER, or -1 with `err`
 * to refuse. A table ends with word NULL; the fn of the last entry may be
 * there all the same: it gets what no other does. */
struct ptn_control_verb {
    const char *word;
    int (*fn)(void *arg, struct ptn_control_call *call, struct ptn_error *err);
};

/* Replaces a socket that a dead server left behind; a living one is an
 * error. NULL with `err`. */
struct ptn_control *ptn_control_open(const char *path,
                                     const struct ptn_control_verb *verbs,
                                     void *arg, struct ptn_error *err);
/* Both forget the calls that are not done. In a child: closes everything
 * and leaves the file. */
void ptn_control_forget(struct ptn_control *control);
void ptn_control_close(struct ptn_control *control);

/* The socket of a server that goes on in another process (heir.h) is taken
 * over as it is, and listened to when that one has let go of it: */
void ptn_control_settle(struct ptn_control *control);
/* What the running one hands over; and how it lets go: it answers whom it
 * has. Unless the other one has taken it, the file is removed. */
int ptn_control_listener(const struct ptn_control *control);
void ptn_control_pass_on(struct ptn_control *control, bool taken);

/* The descriptor to watch for reading, and what to do then; it never
 * waits. */
int ptn_control_fd(const struct ptn_control *control);
void ptn_control_serve(struct ptn_control *control);

/* Refuses a request that nobody knows; returns -1. */
int ptn_control_unknown(const struct ptn_control_call *call,
                        struct ptn_error *err);

/* Concludes a call that was PTN_CONTROL_LATER; with `err` (NULL: none) it
 * was refused. Its client may have gone away; the call is no more. Not from
 * inside the verb's fn. */
void ptn_control_done(struct ptn_control_call *call,
                      const struct ptn_error *err);

/* The client's side: sends `request` and waits for the whole answer. -1
 * with `err`: no server, or it refused. */
PTN_API int ptn_control_ask(const char *path, const char *request,
                            struct ptn_buf *answer, struct ptn_error *err);

/* Connects to a socket of that name; -1 with errno. */
int ptn_control_dial(const char *path);

#endif
