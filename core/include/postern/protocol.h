/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Contract "postern.protocol", version 1: what a protocol module provides.
 * Core accepts connections, does TLS, cuts the input into lines, counted
 * blocks and dot-terminated texts, enforces limits and sends the output.
 * The module sees whole lines and decides what they mean.
 *
 *            +------- open ------+
 *            v                   |
 *   [line] --line()--> DONE -----+--> [line]
 *     |  ptn_session_expect_block(n)          ptn_session_expect_text()
 *     +--> [block] --block()... last -+   +--> [text] --block()... last -+
 *                                     +--> [line] <---------------------+
 *
 * All calls are on the loop thread of the session's worker. None may block:
 * what may block is a job (postern/job.h). A handler never destroys its
 * session; it returns PTN_CLOSE.
 */
#ifndef POSTERN_PROTOCOL_H
#define POSTERN_PROTOCOL_H

#include <postern/error.h>
#include <postern/job.h>
#include <postern/option.h>
#include <postern/types.h>

struct ptn_listener;
struct ptn_session;

#define PTN_PROTOCOL_CONTRACT "postern.protocol"
#define PTN_PROTOCOL_VERSION 1

/* What was wrong with the input; bits of ptn_block.faults, or the one
 * argument of `fault`. */
enum ptn_fault {
    PTN_FAULT_LONG_LINE = 1 << 0, /* over the listener's max_line */
    PTN_FAULT_NUL = 1 << 1,       /* a NUL in a line */
    PTN_FAULT_BARE_LF = 1 << 2,   /* LF without CR */
    PTN_FAULT_BARE_CR = 1 << 3,   /* CR without LF */
};

/* A piece of a counted block or of a text. Pieces come in order, of any
 * length, without dot-stuffing; `data` is valid during the call. */
struct ptn_block {
    struct ptn_slice data;
    bool last;       /* nothing follows; framing is back to lines */
    unsigned faults; /* texts: all enum ptn_fault seen so far */
};

enum ptn_event {
    PTN_EVENT_TLS,      /* start_tls succeeded: forget what was before */
    PTN_EVENT_TIMEOUT,  /* the peer was silent too long: say so, CLOSE */
    PTN_EVENT_SHUTDOWN, /* the server is going away: say so, CLOSE when
                           no command is half done */
    PTN_EVENT_ERRORS,   /* ptn_session_error counted to the limit */
    PTN_EVENT_POSTED,   /* somebody called ptn_session_post */
};

/* Why a connection is not served; see `refuse`. */
enum ptn_refusal {
    PTN_REFUSE_CONNECTIONS, /* the listener's or an address's limit */
    PTN_REFUSE_SHUTDOWN,
    PTN_REFUSE_MEMORY, /* the listener's sessions hold what they may */
};

/* Constant words that stand in a table of any kind: a table of verbs has
 * their names in it anyway.
 *
 *   static const struct verb { const char *name; ... } verbs[] = { ... };
 *   const struct ptn_words words = PTN_WORDS(verbs, name); */
struct ptn_words {
    const char *const *first;
    size_t stride, count; /* octets from one to the next; how many */
};
#define PTN_WORDS(table, member)                                               \
    {                                                                          \
        &(table)[0].member, sizeof(table)[0], PTN_COUNT(table)                 \
    }

/* What a client waits for, and then says. Tables end with expect NULL. */
struct ptn_client_step {
    const char *expect; /* how the awaited line begins */
    const char *skip;   /* how lines before it begin, or NULL: none is; any
                           other line is a refusal */
    const char *say;    /* then, without line end; NULL: nothing, go on */
};

/* `open` and `line` are required, and `block` of a protocol that asks for
 * blocks. Without `fault` a refused line closes the session; without
 * `event` every event but PTN_EVENT_TLS and PTN_EVENT_POSTED does. */
struct ptn_protocol {
    uint32_t size;
    const char *name; /* the listener's `protocol = "..."` */
    /* Of a listener that gives none; 0: it has to. The second is for
     * implicit TLS. */
    uint16_t default_port, default_tls_port;
    const char *alpn; /* the protocol's ALPN name, or NULL */

    /* Rows that this protocol adds to each listener's block, and the struct
     * they fill; see ptn_session_options. */
    const struct ptn_option *options;
    size_t options_size;

    /* Bytes of zeroed state in the session record; see ptn_session_state.
     * An idle session costs little more than this: keep it small. */
    size_t state_size;

    /* Checks what rows cannot say. 0, or -1 with `err`. May be NULL. */
    int (*check)(const void *options, struct ptn_error *err);

    /* The connection is there (and implicit TLS done): greet. */
    enum ptn_result (*open)(struct ptn_session *session);
    /* One line without its line ending. */
    enum ptn_result (*line)(struct ptn_session *session, struct ptn_slice line);
    /* A piece of what was asked for by an expect call; with PTN_PENDING the
     * next piece waits. */
    enum ptn_result (*block)(struct ptn_session *session,
                             const struct ptn_block *block);
    /* A line that was refused; it was thrown away to its end. `head` is its
     * beginning, long enough for a tag or a verb. It has been counted as an
     * error. */
    enum ptn_result (*fault)(struct ptn_session *session, enum ptn_fault fault,
                             struct ptn_slice head);
    enum ptn_result (*event)(struct ptn_session *session, enum ptn_event event);
    /* The session ends, whoever wanted it. No output any more, all jobs
     * have completed. Release what the state holds. May be NULL. */
    void (*close)(struct ptn_session *session);
    /* Text to send, with its line end, to a connection that will not be
     * served; the constant is not freed. NULL: close silently. */
    const char *(*refuse)(enum ptn_refusal reason);

    /* Sessions are for users: the listener's login_timeout counts until one
     * has authenticated. */
    bool login;

    /* Octets that a line of an authenticated session may have at least, even
     * where the listener's limits.max_line is less; 0: as that says. */
    uint32_t max_line;

    /* Since 1.1. What commands and replies are counted as, by the indices
     * that ptn_session_count_verb and ptn_session_count_reply get. Or NULL. */
    const struct ptn_words *verbs, *replies;
    /* Since 1.1. What a client does until TLS begins, where the peer has to
     * ask for it in the protocol; for `posternctl tls report --online`. */
    const struct ptn_client_step *starttls;
};

#endif
