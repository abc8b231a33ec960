/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sessions of the IMAP module in the harness of <postern/test.h>, with a
 * directory and a store in memory.
 */
#ifndef TESTS_IMAP_FAKE_H
#define TESTS_IMAP_FAKE_H

#include <postern/mail/test.h>

/* A client, and the server that it shares with those that joined it. */
struct fake {
    struct ptn_test *test;
    struct ptn_test_peer *peer;
    unsigned *users; /* of the server */
};

/* A session in a server of its own. */
struct fake *fake_open(void);
/* Another session of the same server; or one to a listener that does nothing
 * before TLS. */
struct fake *fake_join(struct fake *other);
struct fake *fake_join_strict(struct fake *other);
/* The client is gone; with the last one the server. */
void fake_close(struct fake *f);

/* Gives input and returns all output since the last call; NUL-terminated,
 * valid until the next call on this client. */
const char *fake_say(struct fake *f, const char *input);
const char *fake_feed(struct fake *f, const char *input, size_t len);
bool fake_closed(const struct fake *f);

/* The output queue of the listener is full above so many octets. */
void fake_high(struct fake *f, size_t octets);
/* Errors that the session has counted. */
unsigned fake_errors(struct fake *f);

#endif
