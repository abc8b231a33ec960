/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A maildrop as one session sees it: numbers, UIDs, marks for deletion.
 */
#ifndef POP3_DROP_H
#define POP3_DROP_H

#include "pop3.h"

struct pop3_drop {
    struct pop3 *pop3;
    struct ptn_mailbox *mailbox;
    struct ptn_uidmap *uids; /* message number <-> UID */
    uint32_t uidvalidity, count;
    uint64_t octets;

    uint8_t *marks; /* a bit a message; NULL while none is marked */
    uint32_t marked;
    uint64_t marked_octets;

    /* The answer under way: a body, or from which message a list goes on. */
    struct ptn_body *body;
    uint32_t next;

    /* What QUIT removes. */
    struct ptn_mailbox *writable;
    struct ptn_store_expunge expunge;
    uint32_t *doomed;

    uint32_t retrieved; /* for the log */
};

/* Opens the user's INBOX for the session. */
enum ptn_status pop3_drop_open(struct ptn_session *s);
void pop3_drop_close(struct ptn_session *s);

bool pop3_drop_is_marked(const struct pop3_drop *d, uint32_t number);
void pop3_drop_mark(struct pop3_drop *d, uint32_t number, uint64_t size);
void pop3_drop_unmark_all(struct pop3_drop *d);

/* Size of one message. NOTFOUND: it is gone. */
enum ptn_status pop3_drop_size(struct pop3_drop *d, uint32_t number,
                               uint64_t *size);

/* Reads a message number that can be used: NULL, or the reply. */
const char *pop3_drop_number(const struct pop3_drop *d, struct ptn_slice text,
                             uint32_t *number);

/* The reply to a status that is not OK. */
const char *pop3_status_reply(enum ptn_status status);

#endif
