/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A mail store for tests of mail modules (libpostern-test, see
 * <postern/test.h>): the contract of <postern/mail/store.h> in the plainest
 * way, in memory. All users see the same mailboxes, of which INBOX is there.
 * Operations complete at once. Name ptn_test_store_module among the modules
 * of the server.
 */
#ifndef POSTERN_MAIL_TEST_H
#define POSTERN_MAIL_TEST_H

#include <postern/mail/store.h>
#include <postern/test.h>

/* "test_store", which provides mail.store. */
extern const struct ptn_module ptn_test_store_module;

/* What it answers, and what it was last asked; change it at any time. */
struct ptn_test_store {
    /* Other than OK: what such calls answer, having done nothing. */
    enum ptn_status open, fetch, body;
    enum ptn_status operation; /* each deliver, append, change ... */
    enum ptn_status users[10]; /* a delivery to user1 at [1], ... */
    bool cold;                 /* bodies are not in memory: nowait says so */
    bool unreadable;           /* bodies that are open cannot be read */
    uint64_t usage;            /* of user2, in octets */

    unsigned deliveries;         /* calls so far */
    bool atomic;                 /* the last one */
    struct ptn_buf prefix, text; /* its content */
    struct ptn_buf recipients;   /* "user1@example.test " for each */
};

/* That of a server of tests. */
struct ptn_test_store *ptn_test_store(struct ptn_test *test);

/* Puts a message into the INBOX; answers its UID. */
uint32_t ptn_test_store_add(struct ptn_test_store *store, const char *text);
/* How many messages INBOX has; and whether it has this one. */
uint32_t ptn_test_store_count(const struct ptn_test_store *store);
bool ptn_test_store_has(const struct ptn_test_store *store, uint32_t uid);
/* Somebody else removes it. */
void ptn_test_store_remove(struct ptn_test_store *store, uint32_t uid);

#endif
