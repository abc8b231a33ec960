/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a worker answers about itself: the requests of the control socket
 * that only it can answer. The supervisor passes them on to all workers
 * (asks.h), the single process calls here itself.
 */
#ifndef PTN_PROC_ANSWERS_H
#define PTN_PROC_ANSWERS_H

#include "proc/worker.h"
#include <postern/buf.h>

/* Appends the records of an answer, each a line; -1 with `err` to refuse.
 * On the loop's thread: at most a few milliseconds. */
struct ptn_answer {
    const char *word;
    int (*fn)(struct ptn_worker *worker, struct ptn_slice args,
              struct ptn_buf *out, struct ptn_error *err);
};

/* Whether there is an answer to the request. */
bool ptn_answers_know(struct ptn_slice request);

/* Answers it; every record gets a last field "worker=N". */
int ptn_answers_run(struct ptn_worker *worker, struct ptn_slice request,
                    struct ptn_buf *out, struct ptn_error *err);

/* Takes off as many whole lines as a message can hold. */
struct ptn_slice ptn_answers_part(struct ptn_slice *rest);

/* Sends the records as the answer to a PTN_MESSAGE_ASK or _RELOAD, whose
 * text `ask` begins with; `refused` is NULL, or why there is none. */
void ptn_answers_send(struct ptn_slice ask, struct ptn_slice records,
                      const char *refused,
                      void (*tell)(void *arg, struct ptn_slice text),
                      void *arg);

/* The text of a PTN_MESSAGE_ASK, answered in as many texts of
 * PTN_MESSAGE_ANSWER as are needed. */
void ptn_answers_reply(struct ptn_worker *worker, struct ptn_slice ask,
                       void (*tell)(void *arg, struct ptn_slice text),
                       void *arg);

/* --- answer_sessions.c --- */

/* args: [of=WORKER] [after=NUMBER] [listener=] [user=] [id=]; records
 * "session", and "more after=NUMBER" when there are more. */
int ptn_answer_sessions(struct ptn_worker *worker, struct ptn_slice args,
                        struct ptn_buf *out, struct ptn_error *err);
/* args: one of listener=, user= and id=, [now=yes]; a record
 * "kicked count=N"; to be asked again until it is 0. */
int ptn_answer_kick(struct ptn_worker *worker, struct ptn_slice args,
                    struct ptn_buf *out, struct ptn_error *err);

#endif
