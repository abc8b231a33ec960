/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the IMAP module share. A session is a small record; what
 * a command needs lives in a struct imap_command from its first line to its
 * tagged answer; what a selected mailbox needs lives in a struct imap_view
 * (view.h). Everything here runs on the loop thread of its session, except
 * the `run` functions of jobs.
 *
 *   line --> gather.c: tag, verb, literals --> session.c: imap_execute
 *        --> cmd_VERB.c: arguments, work   --> imap_ok / imap_no / imap_bad
 */
#ifndef IMAP_IMAP_H
#define IMAP_IMAP_H

#include <postern/arena.h>
#include <postern/buf.h>
#include <postern/mail/store.h>
#include <postern/session.h>

#include "parser.h"

/* --- named limits: what a peer may make us hold --- */

#define IMAP_TAG_MAX 64                 /* octets of a tag */
#define IMAP_COMMAND_MAX (256u * 1024)  /* octets of a command, literals too */
#define IMAP_LINE_MAX (64u * 1024)      /* of a line, once authenticated */
#define IMAP_PREAUTH_MAX (8u * 1024)    /* the same before authentication */
#define IMAP_DRAIN_MAX (64u << 20)      /* octets of refused literals read on */
#define IMAP_ARENA_MAX (4u << 20)       /* octets of parsed arguments */
#define IMAP_SYNC_BUDGET (1024u * 1024) /* octets of news told at once */
#define IMAP_CHUNK 256                  /* messages of one step */

/* Where a session stands (RFC 3501 section 3); bits, for the verb table. */
enum imap_phase {
    IMAP_NOT_AUTHENTICATED = 1 << 0,
    IMAP_AUTHENTICATED = 1 << 1,
    IMAP_SELECTED = 1 << 2,
};

/* What the next input is. */
enum imap_input {
    IMAP_IN_COMMAND,   /* a line that begins a command */
    IMAP_IN_ARGUMENTS, /* the line goes on after a literal */
    IMAP_IN_LITERAL,   /* octets of an argument */
    IMAP_IN_CONTENT,   /* octets of the message of an APPEND */
    IMAP_IN_DRAIN,     /* octets of a refused literal: thrown away */
    IMAP_IN_DRAINED,   /* the line behind them: thrown away */
    IMAP_IN_SASL,      /* an answer to a challenge */
    IMAP_IN_IDLE,      /* DONE */
};

/* The module's own block and each listener's rows. */
struct imap_module_options {
    uint64_t uploads;
};

struct imap_options {
    uint64_t max_append;
    uint64_t autologout;
};

/* One a process. */
struct imap_module {
    const struct imap_module_options *options;
    const struct ptn_store_ops *store;
    void *vault;       /* the store's instance */
    uint64_t uploaded; /* octets of APPENDs under way, all sessions */
};

struct imap_command;
struct imap_view;

/* The session record; zeroed by core. */
struct imap_state {
    struct imap_command *cmd; /* under way, NULL between commands */
    struct imap_view *view;   /* NULL unless selected */
    uint32_t drained;         /* octets thrown away for this command */
    uint8_t phase;            /* enum imap_phase */
    uint8_t input;            /* enum imap_input */
    bool condstore;           /* the client knows of modseqs (RFC 7162) */
};

enum imap_verb_flag {
    IMAP_BEFORE_TLS = 1 << 0,  /* even where the policy wants TLS first */
    IMAP_HAS_UID = 1 << 1,     /* "UID verb" exists */
    IMAP_WRITES = 1 << 2,      /* not in a mailbox opened by EXAMINE */
    IMAP_KEEPS_SEQ = 1 << 3,   /* no EXPUNGE before its end (7.4.1) */
    IMAP_HAS_CONTENT = 1 << 4, /* APPEND: the last literal is a message */
    IMAP_SECRET = 1 << 5,      /* its text is wiped */
};

struct imap_verb {
    const char *name;
    uint8_t phases;
    uint8_t flags;
    enum ptn_result (*run)(struct imap_command *cmd);
};

struct imap_command {
    struct ptn_session *session;
    struct imap_state *state;
    struct imap_module *module;
    const struct imap_verb *verb;
    bool uid;               /* came with the UID prefix */
    struct ptn_buf text;    /* verb's arguments, literals in place */
    struct imap_cursor in;  /* reads them */
    struct ptn_arena arena; /* parsed arguments, bounded */
    void *work;             /* the verb's own, see imap_work */
    void (*release)(struct imap_command *cmd);
    char tag[IMAP_TAG_MAX + 1];
};

/* --- commands.c --- */

/* The verb of that name, or NULL. */
const struct imap_verb *imap_verb_find(struct ptn_slice name);
/* RFC 9051 section 7.1: what commands end with, and are counted as. */
enum imap_reply {
    IMAP_REPLY_OK,
    IMAP_REPLY_NO,
    IMAP_REPLY_BAD,
};

/* By what it is counted; NULL is none that is known. */
unsigned imap_verb_index(const struct imap_verb *verb);
extern const struct ptn_words imap_verbs;

/* --- session.c --- */

extern const struct ptn_protocol imap_protocol;

/* Runs a command whose text is complete. */
enum ptn_result imap_execute(struct imap_command *cmd);

/* The tagged answer; before it come the news of the mailbox, as far as the
 * command allows. All of them end the command: `cmd` is gone after. Text
 * begins with a response code where there is one. */
enum ptn_result imap_ok(struct imap_command *cmd, const char *text);
enum ptn_result imap_no(struct imap_command *cmd, const char *text);
enum ptn_result imap_bad(struct imap_command *cmd, const char *text);
/* OK with a response code that was put together: "[" code "] " text. */
enum ptn_result imap_ok_code(struct imap_command *cmd, struct ptn_slice code,
                             const char *text);
/* BAD with what the cursor found wrong; NO where it is no syntax error. */
enum ptn_result imap_bad_input(struct imap_command *cmd);
/* NO with the response code of RFC 5530 that tells `status`. */
enum ptn_result imap_no_status(struct imap_command *cmd,
                               enum ptn_status status);
/* The text of that answer, for those who need it elsewhere. */
const char *imap_status_text(enum ptn_status status);

/* "* BYE text", and the connection ends. */
enum ptn_result imap_bye(struct ptn_session *s, const char *text);

void imap_command_free(struct imap_command *cmd);
/* Makes cmd->work: `size` zeroed octets, freed with the command, after
 * `release` (NULL is allowed) has let go of what they hold. */
void *imap_work(struct imap_command *cmd, size_t size,
                void (*release)(struct imap_command *cmd));
void imap_work_end(struct imap_command *cmd); /* frees it at once */

static inline struct imap_state *
imap_state(struct ptn_session *s)
{
    return ptn_session_state(s);
}

static inline const struct imap_options *
imap_options(struct imap_command *cmd)
{
    return ptn_session_options(cmd->session);
}

/* --- gather.c: lines and literals become commands --- */

enum ptn_result imap_gather_line(struct ptn_session *s, struct ptn_slice line);
enum ptn_result imap_gather_block(struct ptn_session *s,
                                  const struct ptn_block *block);
enum ptn_result imap_gather_fault(struct ptn_session *s, enum ptn_fault fault,
                                  struct ptn_slice head);

/* The announcement of a literal at the end of a line: "{12}" or "{12+}". */
struct imap_literal {
    uint64_t size;
    size_t len;    /* of the text before the announcement */
    bool sync;     /* the client waits for "+" */
    bool overflow; /* not even 64 bits can say how long it is */
};
bool imap_literal_find(struct ptn_slice text, struct imap_literal *out);

/* --- verbs that are more than a function in the table --- */

/* RFC 7162 section 3.1: the client has shown that it knows of modseqs. */
void imap_condstore_enable(struct ptn_session *s);

/* Appends the capabilities that hold now, without line end. */
void imap_capabilities(struct ptn_session *s, struct ptn_buf *out);

enum ptn_result imap_sasl_line(struct ptn_session *s, struct ptn_slice line);
enum ptn_result imap_idle_line(struct ptn_session *s, struct ptn_slice line);
enum ptn_result imap_idle_posted(struct ptn_session *s);

/* APPEND's message literal: NULL when it may come, else the refusal, a text
 * for imap_no; `*bad` says that it is a syntax error instead. */
const char *imap_append_accept(struct imap_command *cmd, uint64_t size,
                               bool *bad);
void imap_append_content(struct imap_command *cmd, struct ptn_slice data);

enum ptn_result imap_cmd_append(struct imap_command *cmd);
enum ptn_result imap_cmd_authenticate(struct imap_command *cmd);
enum ptn_result imap_cmd_capability(struct imap_command *cmd);
enum ptn_result imap_cmd_check(struct imap_command *cmd);
enum ptn_result imap_cmd_close(struct imap_command *cmd);
enum ptn_result imap_cmd_copy(struct imap_command *cmd);
enum ptn_result imap_cmd_create(struct imap_command *cmd);
enum ptn_result imap_cmd_delete(struct imap_command *cmd);
enum ptn_result imap_cmd_enable(struct imap_command *cmd);
enum ptn_result imap_cmd_examine(struct imap_command *cmd);
enum ptn_result imap_cmd_expunge(struct imap_command *cmd);
enum ptn_result imap_cmd_fetch(struct imap_command *cmd);
enum ptn_result imap_cmd_getquota(struct imap_command *cmd);
enum ptn_result imap_cmd_getquotaroot(struct imap_command *cmd);
enum ptn_result imap_cmd_id(struct imap_command *cmd);
enum ptn_result imap_cmd_idle(struct imap_command *cmd);
enum ptn_result imap_cmd_list(struct imap_command *cmd);
enum ptn_result imap_cmd_login(struct imap_command *cmd);
enum ptn_result imap_cmd_logout(struct imap_command *cmd);
enum ptn_result imap_cmd_lsub(struct imap_command *cmd);
enum ptn_result imap_cmd_move(struct imap_command *cmd);
enum ptn_result imap_cmd_namespace(struct imap_command *cmd);
enum ptn_result imap_cmd_noop(struct imap_command *cmd);
enum ptn_result imap_cmd_rename(struct imap_command *cmd);
enum ptn_result imap_cmd_search(struct imap_command *cmd);
enum ptn_result imap_cmd_select(struct imap_command *cmd);
enum ptn_result imap_cmd_setquota(struct imap_command *cmd);
enum ptn_result imap_cmd_starttls(struct imap_command *cmd);
enum ptn_result imap_cmd_status(struct imap_command *cmd);
enum ptn_result imap_cmd_store(struct imap_command *cmd);
enum ptn_result imap_cmd_subscribe(struct imap_command *cmd);
enum ptn_result imap_cmd_unselect(struct imap_command *cmd);
enum ptn_result imap_cmd_unsubscribe(struct imap_command *cmd);

#endif
