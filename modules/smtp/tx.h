/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A mail transaction (RFC 5321 section 3.3): sender, recipients, content.
 * It is made by MAIL and ended by its answer, RSET, EHLO, STARTTLS or the
 * end of the session.
 */
#ifndef SMTP_TX_H
#define SMTP_TX_H

#include "smtp.h"
#include <postern/arena.h>
#include <postern/mail/message.h>

/* Why the content will not be taken, while it is still coming. */
enum smtp_verdict {
    SMTP_FINE,
    SMTP_TOO_BIG,
    SMTP_NO_MEMORY, /* over `inflight` */
};

/* A recipient as it was named, and the accounts behind it: `count` indices
 * into targets, from members[first]. */
struct smtp_rcpt {
    const char *address;
    uint32_t first, count;
};

/* A question to the directory, answered on a lane. */
struct smtp_lookup {
    struct ptn_job job;
    struct ptn_slice address; /* of RCPT: in `text`; of MAIL: the user */
    struct ptn_buf text;      /* used again: refused ones must not pile up */
    enum ptn_status status;
    struct ptn_buf users; /* struct ptn_user[] */
};

struct smtp_tx {
    struct smtp *smtp;
    struct ptn_session *session;
    struct ptn_arena arena; /* all strings */
    const char *sender;     /* "" for the null path */
    uint64_t declared;      /* SIZE=, 0 if none */
    bool accepted;          /* MAIL got its 250 */
    bool chunked;           /* BDAT has begun: no RCPT, no DATA */

    struct ptn_buf rcpts;   /* struct smtp_rcpt[] */
    struct ptn_buf members; /* uint32_t[] */
    struct ptn_buf targets; /* struct ptn_store_target[], each user once */
    struct smtp_lookup lookup;

    struct ptn_buf body;
    uint64_t charged; /* octets of `body` counted in smtp->inflight, and held */
    enum smtp_verdict verdict;
    unsigned faults;
    int64_t began; /* ms, when the content began to come */

    /* From the final dot on. */
    char id[64];
    struct ptn_buf prefix;
    struct ptn_message_scan scan;
    struct ptn_content content;
    struct ptn_job scan_job;
    struct ptn_store_deliver deliver;
};

/* Begins one; the session has none. */
struct smtp_tx *smtp_tx_new(struct ptn_session *s);
/* Ends the session's transaction, if there is one. */
void smtp_tx_end(struct ptn_session *s);

static inline size_t
smtp_tx_rcpt_count(const struct smtp_tx *tx)
{
    return tx->rcpts.len / sizeof(struct smtp_rcpt);
}

static inline size_t
smtp_tx_target_count(const struct smtp_tx *tx)
{
    return tx->targets.len / sizeof(struct ptn_store_target);
}

static inline const struct smtp_rcpt *
smtp_tx_rcpts(const struct smtp_tx *tx)
{
    return (const void *)tx->rcpts.data;
}

static inline struct ptn_store_target *
smtp_tx_targets(const struct smtp_tx *tx)
{
    return (void *)tx->targets.data;
}

/* Adds a recipient with the accounts behind it. False: more accounts than
 * one delivery can have; nothing was added. */
bool smtp_tx_add_rcpt(struct smtp_tx *tx, struct ptn_slice address,
                      const struct ptn_user *users, size_t count);

/* Adds a piece of content, or notes in `verdict` why not; what will not be
 * used is not kept. */
void smtp_tx_add_content(struct smtp_tx *tx, struct ptn_slice data,
                         uint64_t max);
/* Whether another message may be begun in this worker. */
bool smtp_tx_has_room(const struct smtp *smtp);
/* The reply to a verdict other than SMTP_FINE. */
const char *smtp_verdict_reply(enum smtp_verdict verdict);

/* Whether the message takes longer than the listener allows; notes the
 * beginning at the first call. */
bool smtp_tx_is_late(struct smtp_tx *tx, uint64_t limit_ms);

/* The content is complete: everything from here to the answer. */
enum ptn_result smtp_deliver(struct ptn_session *s);

#endif
