/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * IMAP SEARCH (RFC 3501 section 6.4.4, RFC 9051 section 6.4.4), with OLDER
 * and YOUNGER (RFC 5032) and MODSEQ (RFC 7162 section 3.1.5). A program
 * is parsed once and then asked about one message after the other, in two
 * stages. What flags, dates, size and the stored envelope can decide is
 * decided on the loop; only what is left needs the message's text, which is
 * read on a lane:
 *
 *   for each message:  ptn_search_metadata -> YES, NO, or UNKNOWN
 *   for the UNKNOWN:   ptn_search_content  -> YES or NO   (may block)
 *
 * Strings are compared without regard to case, after encoded words, transfer
 * encodings and charsets have been decoded. A program is not changed by
 * being used, so a lane's thread may use it while nobody frees it.
 */
#ifndef POSTERN_MAIL_SEARCH_H
#define POSTERN_MAIL_SEARCH_H

#include <postern/arena.h>
#include <postern/mail/store.h>
#include <postern/types.h>

#define PTN_SEARCH_DEPTH_MAX 32  /* parentheses, NOT and OR within another */
#define PTN_SEARCH_KEYS_MAX 1000 /* of one program */
#define PTN_SEARCH_TEXT_MAX 1024 /* octets of one string to look for */

struct ptn_search; /* opaque, in the arena that it was parsed into */

/* The mailbox that is searched; used while parsing, and not kept. */
struct ptn_search_mailbox {
    uint32_t last_seq, last_uid;      /* what "*" means; 0 when empty */
    const struct ptn_slice *keywords; /* in bit order */
    size_t keyword_count;
    int64_t now; /* for OLDER and YOUNGER; 0: what the clock says */
};

enum ptn_search_parse {
    PTN_SEARCH_PARSED,
    PTN_SEARCH_BAD,         /* not the syntax: BAD */
    PTN_SEARCH_BAD_CHARSET, /* NO [BADCHARSET (...)] */
    PTN_SEARCH_TOO_LARGE,   /* one of the limits above: NO [LIMIT] */
};

/* `args` is what follows "SEARCH ": an optional "CHARSET name" and the keys.
 * Literals stand in it as on the wire: "{5}" CRLF and five octets ("{5+}"
 * likewise). Strings are UTF-8 or in the charset given. */
PTN_API enum ptn_search_parse
ptn_search_parse(struct ptn_slice args, struct ptn_arena *arena,
                 const struct ptn_search_mailbox *mailbox,
                 struct ptn_search **out);

/* The charsets to list in BADCHARSET: "UTF-8 US-ASCII ISO-8859-1 ...". */
PTN_API const char *ptn_search_charsets(void);

/* Which enum ptn_fetch_item bits the two stages want to see in the
 * messages. */
PTN_API unsigned ptn_search_metadata_items(const struct ptn_search *search);
PTN_API unsigned ptn_search_content_items(const struct ptn_search *search);

/* Whether MODSEQ is among the keys: the answer then ends with the highest
 * modseq of the messages found (RFC 7162 section 3.1.5). */
PTN_API bool ptn_search_has_modseq(const struct ptn_search *search);

/* When the program has UIDs or sequence numbers at its top level: false for
 * those that cannot match, without looking at the message at all. */
PTN_API bool ptn_search_may_match(const struct ptn_search *search, uint32_t uid,
                                  uint32_t seq);

struct ptn_search_message {
    const struct ptn_message *message; /* with the items asked for */
    uint32_t seq;
    bool recent; /* \Recent in the session that asks */
};

enum ptn_search_verdict {
    PTN_SEARCH_NO,
    PTN_SEARCH_YES,
    PTN_SEARCH_UNKNOWN,
};

/* The first stage, on the loop: UNKNOWN when only the text can tell. */
PTN_API enum ptn_search_verdict
ptn_search_metadata(const struct ptn_search *search,
                    const struct ptn_search_message *message);

/* Reads octets of the message that is looked at: > 0, 0 at its end, or < 0
 * for an I/O error. */
typedef ptrdiff_t (*ptn_search_read_fn)(void *arg, uint64_t offset, void *into,
                                        size_t len);

/* UNKNOWN only after an I/O error. Memory is bounded, whatever the size of
 * the message. */
PTN_API enum ptn_search_verdict
ptn_search_content(const struct ptn_search *search,
                   const struct ptn_search_message *message,
                   ptn_search_read_fn read, void *arg);

#endif
