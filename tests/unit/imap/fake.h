/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A session and a mail store in memory, for tests of the IMAP module without
 * a network, threads or files. It defines the ptn_session_ and ptn_auth_
 * functions itself, so a test links this in place of core's. Input is cut
 * into lines and blocks as core does; jobs run when the handler has returned.
 */
#ifndef TESTS_IMAP_FAKE_H
#define TESTS_IMAP_FAKE_H

#include "imap.h"

/* Test knobs, in ptn_session. */
struct fake {
    size_t high;    /* the output queue is full above; 0: never */
    bool lane_full; /* no job is taken */
    bool tls, tls_offered, must_tls;
    enum ptn_status refuse; /* every operation of the store ends so */
    unsigned errors;        /* ptn_session_error was called so often */
};

/* A session that has been greeted, in a server with a store of its own. */
struct ptn_session *fake_open(void);
/* Another session of the same server. */
struct ptn_session *fake_join(struct ptn_session *other);
void fake_close(struct ptn_session *s);
struct fake *fake_of(struct ptn_session *s);

/* Gives input, runs what it starts, and returns all output since the last
 * call; NUL-terminated, valid until the next call on this session. */
const char *fake_say(struct ptn_session *s, const char *input);
const char *fake_feed(struct ptn_session *s, const char *input, size_t len);
const char *fake_event(struct ptn_session *s, enum ptn_event event);
/* From now on bodies are not in memory: nowait says so. */
void fake_cold(struct ptn_session *s, bool cold);
bool fake_closed(const struct ptn_session *s);

#endif
