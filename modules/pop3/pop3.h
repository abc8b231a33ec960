/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * POP3 (RFC 1939) with CAPA (2449), STLS (2595) and AUTH (5034): what the
 * files of this module share.
 *
 *   pop3.c      descriptor, greeting, what is not a command
 *   verbs.c     the table of commands
 *   cmd_auth.c  USER, PASS, AUTH, STLS, CAPA
 *   cmd_list.c  STAT, LIST, UIDL
 *   cmd_retr.c  RETR, TOP
 *   cmd_dele.c  DELE, RSET, NOOP, QUIT
 *   drop.c      the maildrop as this session sees it
 *
 *   [AUTHORIZATION] --PASS, AUTH--> [TRANSACTION] --QUIT--> [UPDATE]
 *
 * The maildrop is a snapshot of INBOX, numbered at login. It is not locked:
 * several worker processes and IMAP share the mailbox. What RFC 1939
 * section 4 wants the lock for is kept in other ways: numbers and unique
 * ids never change in a session, only messages that this session listed are
 * removed by its QUIT, and a message that somebody else removed meanwhile
 * answers -ERR.
 *
 * APOP is not there: it needs passwords in plain text on the server.
 *
 * All of it runs on the loop thread.
 */
#ifndef POP3_POP3_H
#define POP3_POP3_H

#include <postern/mail/store.h>
#include <postern/session.h>

/* Of each listener. */
struct pop3_options {
    uint64_t autologout;
};

/* The instance. */
struct pop3 {
    struct ptn_host *host;
    const struct ptn_store_ops *store;
    void *store_instance;
};

struct pop3_drop;

/* The state of a session. An idle one costs this, and its drop. */
struct pop3_session {
    char *user;             /* of USER, until PASS */
    struct pop3_drop *drop; /* NULL in the AUTHORIZATION state */
    bool in_auth;           /* the next line belongs to a SASL exchange */
};

static inline struct pop3_session *
pop3_state(struct ptn_session *s)
{
    return ptn_session_state(s);
}

static inline struct pop3 *
pop3_of(struct ptn_session *s)
{
    return ptn_session_instance(s);
}

/* Queues one line of reply; `text` has no line end. */
void pop3_reply(struct ptn_session *s, const char *text);
void pop3_replyf(struct ptn_session *s, const char *fmt, ...) PTN_PRINTF(2, 3);
/* Counts the reply that begins at `from` in the output queue; these two have
 * done it. */
void pop3_count(struct ptn_session *s, size_t from);

/* The verbs by the index that they are counted by. */
extern const struct ptn_words pop3_verbs;
/* The same, counted as an error of the peer; always PTN_DONE. */
enum ptn_result pop3_refuse(struct ptn_session *s, const char *text);

/* `args` is what follows the verb and its blank. */
typedef enum ptn_result pop3_command(struct ptn_session *s,
                                     struct ptn_slice args);

pop3_command pop3_dispatch; /* the whole line */

pop3_command pop3_cmd_capa, pop3_cmd_user, pop3_cmd_pass, pop3_cmd_auth;
pop3_command pop3_cmd_stls;
pop3_command pop3_cmd_stat, pop3_cmd_list, pop3_cmd_uidl;
pop3_command pop3_cmd_retr, pop3_cmd_top;
pop3_command pop3_cmd_dele, pop3_cmd_rset, pop3_cmd_noop, pop3_cmd_quit;

/* A line inside a SASL exchange. */
enum ptn_result pop3_auth_line(struct ptn_session *s, struct ptn_slice line);

#endif
