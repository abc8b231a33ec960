/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a running server and the one that is to take over from it say to each
 * other, over a pair of sockets that keep message boundaries. A message is a
 * record (plan.h), with descriptors beside it where that makes sense:
 *
 *   running server                          its heir, a program of its own
 *     socket host=* port=25 given=no  (fds)
 *     serving name=...                        (many lines in a message)
 *     control path=...                (fd)
 *     elders                          (fds: the channels of those before it)
 *     escrow                                  (fd: passphrases of keys)
 *     mark    key=...                         (of effective.h)
 *     tickets group=... key=...               (tickets.h)
 *     begin  purpose=serve|check
 *                                             note ...     as in effective.h
 *                                             value ...    and all else that
 *                                                          a checker says
 *                                             refused count=...
 *                                             failed text=...
 *                                             ready control=taken|own
 *     go                                      the rest is the heir's
 *                                             stop         drain faster
 *
 * Either end of file means that the other one is no more.
 */
#ifndef PTN_PROC_HANDOVER_H
#define PTN_PROC_HANDOVER_H

#include <postern/buf.h>
#include <postern/error.h>

/* The number of the heir's end, in its environment. */
#define PTN_HANDOVER_VARIABLE "POSTERN_HANDOVER"

enum {
    PTN_HANDOVER_MAX = 65536, /* octets of a message */
    PTN_HANDOVER_FDS = 64,    /* descriptors of a message */
};

/* Sends one record, without its line end. Never waits: the other side has
 * stopped reading when it cannot be sent. */
int ptn_handover_send(int channel, struct ptn_slice record, const int *fds,
                      size_t count, struct ptn_error *err);

/* Takes one message. `record` is set to it; `fds`, room for
 * PTN_HANDOVER_FDS, get what came with it, close-on-exec. 1, 0 at the end
 * of file, -1 when there is none now (EAGAIN) or in error. */
int ptn_handover_take(int channel, struct ptn_buf *record, int *fds,
                      size_t *count);

/* Waits for one to come; false after so long. */
bool ptn_handover_wait(int channel, int milliseconds);

#endif
