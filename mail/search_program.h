/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A search program as the parser makes it and the evaluation walks it: a
 * tree of keys in the caller's arena.
 */
#ifndef PTN_MAIL_SEARCH_PROGRAM_H
#define PTN_MAIL_SEARCH_PROGRAM_H

#include <postern/mail/message.h>
#include <postern/mail/search.h>
#include <postern/mail/set.h>

enum ptn_key_kind {
    PTN_KEY_ALL,
    PTN_KEY_AND,      /* all of the children */
    PTN_KEY_OR,       /* one of the children */
    PTN_KEY_SYSTEM,   /* bit: enum ptn_flag */
    PTN_KEY_KEYWORD,  /* keywords: the bit, or 0 for one nobody uses */
    PTN_KEY_RECENT,   /* \Recent */
    PTN_KEY_LARGER,   /* number: octets */
    PTN_KEY_SMALLER,  /* number: octets */
    PTN_KEY_OLDER,    /* since */
    PTN_KEY_YOUNGER,  /* since */
    PTN_KEY_MODSEQ,   /* number: the least */
    PTN_KEY_BEFORE,   /* days */
    PTN_KEY_ON,       /* days */
    PTN_KEY_SINCE,    /* days */
    PTN_KEY_SEQ,      /* set */
    PTN_KEY_UID,      /* set */
    PTN_KEY_ENVELOPE, /* field: its addresses or string have text */
    PTN_KEY_HEADER,   /* name: a field of that name has text */
    PTN_KEY_BODY,     /* the body has text */
    PTN_KEY_TEXT,     /* header or body have text */
};

struct ptn_search_key {
    enum ptn_key_kind kind;
    bool negate;
    bool sent; /* BEFORE, ON, SINCE: of the Date field */
    struct ptn_search_key *child, *next;
    struct ptn_slice text; /* folded UTF-8 */
    struct ptn_slice name; /* of a header field */
    struct ptn_set set;
    uint64_t number;
    int64_t since; /* seconds since 1970 */
    uint64_t keywords;
    uint32_t bit;
    int32_t days;
    enum ptn_envelope_field field;
    size_t content; /* HEADER, BODY, TEXT: number of this key among them */
};

/* Keys that need the message's text: more are refused. */
#define PTN_SEARCH_CONTENT_MAX 64
/* Keys that decode a string of the envelope, on the caller's thread. */
#define PTN_SEARCH_ENVELOPE_MAX 64

struct ptn_search {
    struct ptn_search_key *root; /* an AND */
    const struct ptn_search_key *content[PTN_SEARCH_CONTENT_MAX];
    size_t content_count;
    unsigned items; /* enum ptn_fetch_item, for the first stage */
    bool has_modseq;
};

/* What is known about the keys that need the message's text. */
struct ptn_search_found {
    bool header_known, body_known;
    bool hit[PTN_SEARCH_CONTENT_MAX];
};

enum ptn_search_verdict
ptn_search_evaluate(const struct ptn_search *search,
                    const struct ptn_search_message *message,
                    const struct ptn_search_found *found);

#endif
