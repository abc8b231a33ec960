/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * FETCH inside: what is asked for, and the generator that answers. The
 * generator writes until the output queue is full, waits for the client to
 * read, and goes on, so that an answer of any length costs bounded memory.
 */
#ifndef IMAP_FETCH_H
#define IMAP_FETCH_H

#include "imap.h"
#include "section.h"
#include "walk.h"

#define IMAP_ITEMS_MAX 64 /* of one FETCH */

enum imap_item_kind {
    IMAP_ITEM_UID,
    IMAP_ITEM_FLAGS,
    IMAP_ITEM_DATE,
    IMAP_ITEM_SIZE,
    IMAP_ITEM_MODSEQ,
    IMAP_ITEM_ENVELOPE,
    IMAP_ITEM_BODY,      /* without extension data */
    IMAP_ITEM_STRUCTURE, /* with it */
    IMAP_ITEM_SECTION,   /* octets of the message */
};

struct imap_item {
    enum imap_item_kind kind;
    const struct imap_section *section; /* of IMAP_ITEM_SECTION */
};

struct imap_items {
    struct imap_item list[IMAP_ITEMS_MAX];
    size_t count;
    unsigned store; /* enum ptn_fetch_item, what the store has to give */
    bool sections;  /* octets of messages are wanted */
    bool sets_seen; /* BODY[...] without .PEEK, RFC822, RFC822.TEXT */
    bool has_flags;
    uint64_t changed_since; /* RFC 7162: only messages with more */
};

/* --- fetch_parse.c --- */

/* The items of a FETCH at the cursor (RFC 3501 section 6.4.5). */
bool imap_items_parse(struct imap_command *cmd, struct imap_items *out);
void imap_items_add(struct imap_items *items, enum imap_item_kind kind);

/* --- cmd_fetch.c: messages --- */

struct imap_fetch {
    struct imap_command *cmd;
    struct ptn_session *session;
    struct imap_items items;
    struct imap_walk walk;
    const char *done_text;
    uint32_t uids[IMAP_CHUNK], seqs[IMAP_CHUNK];
    size_t count, at; /* of the chunk; messages before `at` are done */
    unsigned chunks;  /* begun in this turn of the loop */
    bool lost;        /* some messages are gone */

    /* What a conditional STORE has to tell of (RFC 7162 section 3.1.3). */
    uint64_t unchanged_since, own_modseq;
    uint32_t *modified; /* not stored: changed by others meanwhile */
    size_t modified_count, modified_cap;

    enum ptn_status failed; /* what kept a message from being told */

    struct ptn_store_flags mark; /* sets \Seen for the chunk */
    uint32_t unseen[IMAP_CHUNK]; /* those that it was set for */
    size_t unseen_count;

    /* The message in hand, when octets are wanted. */
    struct ptn_message message;
    struct ptn_buf kept; /* what `message` points to */
    struct ptn_body *body;
    uint64_t body_size;
    size_t item; /* items before it are written */
    bool in_message;

    struct ptn_buf header;            /* a header that fields are cut from */
    uint64_t header_from, header_len; /* where it lies */
    struct ptn_job read_job;          /* reads it on a lane */
    bool header_ready, read_failed;
    uint64_t spent; /* octets looked through for fields in this turn */
    bool in_stream, streamed; /* see fetch_body.c */
};

/* Writes items that need nothing but metadata. */
void imap_put_item(struct imap_fetch *f, struct ptn_buf *out,
                   enum imap_item_kind kind, const struct ptn_message *m);

/* Goes on with the command in hand, from wherever it was. */
enum ptn_result imap_fetch_run(struct imap_command *cmd);
/* Waits for the client to read; then imap_fetch_resume. */
enum ptn_result imap_fetch_wait(struct imap_fetch *f);
enum ptn_result imap_fetch_resume(struct ptn_session *s);

/* What a STORE tells of its messages. */
struct imap_store_answer {
    struct imap_walk walk;
    bool flags;               /* not .SILENT */
    uint64_t unchanged_since; /* UINT64_MAX: no condition */
    uint64_t own_modseq;      /* of this STORE; 0 if it changed nothing */
};

/* In place of the command's work so far: tells that, then answers OK. */
enum ptn_result imap_fetch_answer(struct imap_command *cmd,
                                  const struct imap_store_answer *answer);

/* --- fetch_body.c: octets --- */

/* Writes the message at f->at, or goes on with it. PTN_DONE: it is
 * written, or there was nothing to write. */
enum ptn_result imap_fetch_message(struct imap_fetch *f);
void imap_fetch_message_end(struct imap_fetch *f);

#endif
