/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SMTP (RFC 5321), message submission (RFC 6409) and LMTP (RFC 2033): what
 * the files of this module share.
 *
 *   smtp.c     descriptor, options, greeting, what is not a command
 *   verbs.c    the table of commands
 *   cmd_*.c    one command each, or a family of them
 *   args.c     parameters of MAIL and RCPT
 *   tx.c       a transaction: sender, recipients, content
 *   newline.c  line ends of a message
 *   deliver.c  from the final dot to the answer
 *
 *            EHLO            MAIL            RCPT
 *   [new] --------> [ready] -----> [mail] --------> [rcpt] <-+ RCPT
 *      ^               ^             |  RSET           |  |--+
 *      |  STARTTLS     |<------------+-----------------+  |
 *      +---------------+                                  | DATA, BDAT
 *                      ^             answer               v
 *                      +------ [delivering] <------- [content]
 *
 * All of it runs on the loop thread, but for the jobs named as such.
 */
#ifndef SMTP_SMTP_H
#define SMTP_SMTP_H

#include <postern/directory.h>
#include <postern/mail/store.h>
#include <postern/session.h>

enum smtp_role {
    SMTP_MX,         /* takes mail for local domains from anybody */
    SMTP_SUBMISSION, /* takes mail from our users, who authenticate */
    SMTP_LMTP,       /* the last hop: an answer a recipient */
};

enum smtp_newlines {
    SMTP_NEWLINES_REFUSE,
    SMTP_NEWLINES_ACCEPT, /* and make CRLF of them */
};

/* Of each listener. */
struct smtp_options {
    int role, bare_newlines;
    uint64_t max_message_size, max_text_line;
    int64_t max_recipients, max_transactions, max_hops;
    uint64_t data_timeout, message_timeout;
};

/* Of the module: the block `smtp: { ... }`. */
struct smtp_module_options {
    uint64_t inflight;
};

/* The instance. */
struct smtp {
    struct ptn_host *host;
    const struct smtp_module_options *options;
    const struct ptn_directory_ops *directory;
    void *directory_instance;
    const struct ptn_store_ops *store;
    void *store_instance;
    _Atomic uint64_t inflight; /* octets of messages in memory now */
};

struct smtp_tx;

/* The state of a session. An idle one costs this and its EHLO name. */
struct smtp_session {
    char *helo;         /* NULL until EHLO, HELO or LHLO */
    struct smtp_tx *tx; /* NULL outside of a transaction */
    uint32_t transactions;
    bool esmtp;                   /* EHLO, not HELO */
    bool in_auth;                 /* the next line belongs to a SASL exchange */
    bool auth_long;               /* ... and was too long */
    bool in_text;                 /* what comes as blocks is DATA, not BDAT */
    bool chunk_last, chunk_drain; /* of the BDAT at hand */
    uint64_t chunk_size;
};

static inline struct smtp_session *
smtp_state(struct ptn_session *s)
{
    return ptn_session_state(s);
}

static inline const struct smtp_options *
smtp_opts(struct ptn_session *s)
{
    return ptn_session_options(s);
}

static inline struct smtp *
smtp_of(struct ptn_session *s)
{
    return ptn_session_instance(s);
}

/* Queues one line of reply; `text` has no line end. */
void smtp_reply(struct ptn_session *s, const char *text);
void smtp_replyf(struct ptn_session *s, const char *fmt, ...) PTN_PRINTF(2, 3);
/* Counts the reply that begins at `from` in the output queue; these two have
 * done it. */
void smtp_count(struct ptn_session *s, size_t from);

/* The verbs by the index that they are counted by. */
extern const struct ptn_words smtp_verbs;
/* The same, counted as an error of the peer; always PTN_DONE. */
enum ptn_result smtp_refuse(struct ptn_session *s, const char *text);

/* Whether AUTH may be announced and used now. */
bool smtp_may_auth(struct ptn_session *s);

/* --- commands: `args` is what follows the verb and its blank --- */

typedef enum ptn_result smtp_command(struct ptn_session *s,
                                     struct ptn_slice args);

smtp_command smtp_dispatch; /* the whole line */

smtp_command smtp_cmd_helo, smtp_cmd_ehlo, smtp_cmd_lhlo;
smtp_command smtp_cmd_starttls, smtp_cmd_auth;
smtp_command smtp_cmd_mail, smtp_cmd_rcpt, smtp_cmd_data, smtp_cmd_bdat;
smtp_command smtp_cmd_rset, smtp_cmd_noop, smtp_cmd_vrfy, smtp_cmd_help;
smtp_command smtp_cmd_quit, smtp_cmd_absent;

/* A line inside a SASL exchange. */
enum ptn_result smtp_auth_line(struct ptn_session *s, struct ptn_slice line);
/* Pieces of what DATA and BDAT asked for. */
enum ptn_result smtp_data_block(struct ptn_session *s,
                                const struct ptn_block *block);
enum ptn_result smtp_bdat_block(struct ptn_session *s,
                                const struct ptn_block *block);

#endif
