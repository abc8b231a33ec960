/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads the arguments of a command (RFC 3501 section 9). The text is one run
 * of octets in which a literal stands as it came: "{5}" CRLF and 5 octets; the
 * gatherer has counted them, and no line can hold a CRLF, so that nothing in
 * the text can pretend to be one.
 *
 * Every function reads at the cursor and returns false, with `error` set and
 * the cursor anywhere, when the text is not what was asked for. Slices point
 * into the text, or into the arena where escapes had to go.
 */
#ifndef IMAP_PARSER_H
#define IMAP_PARSER_H

#include <postern/arena.h>
#include <postern/mail/flags.h>
#include <postern/types.h>

#define IMAP_KEYWORDS_MAX PTN_KEYWORDS_MAX /* names in one flag list */

struct imap_cursor {
    const char *p, *end;
    struct ptn_arena *arena;
    const char *error; /* what is wrong, for the answer; a constant */
    bool refused;      /* syntax is right: NO instead of BAD */
};

/* A list of flags as STORE and APPEND give it. */
struct imap_flag_list {
    uint32_t system;
    struct ptn_slice keywords[IMAP_KEYWORDS_MAX];
    size_t keyword_count;
};

/* Sets `error`, unless there is one; returns false. */
bool imap_parse_fail(struct imap_cursor *in, const char *error);

bool imap_parse_char(struct imap_cursor *in, char c);
bool imap_parse_space(struct imap_cursor *in);
bool imap_parse_end(struct imap_cursor *in); /* nothing may follow */
/* Whether the next octet is `c`; nothing is read. */
bool imap_next_is(const struct imap_cursor *in, char c);
/* Reads `word` (upper case) if it stands here, in any case, as a prefix of
 * what follows; no error if not. */
bool imap_skip_word(struct imap_cursor *in, const char *word);

bool imap_parse_atom(struct imap_cursor *in, struct ptn_slice *out);
bool imap_parse_tag(struct imap_cursor *in, struct ptn_slice *out);
bool imap_parse_string(struct imap_cursor *in, struct ptn_slice *out);
bool imap_parse_astring(struct imap_cursor *in, struct ptn_slice *out);
bool imap_parse_nstring(struct imap_cursor *in, struct ptn_slice *out);
bool imap_parse_list_mailbox(struct imap_cursor *in, struct ptn_slice *out);
bool imap_parse_number(struct imap_cursor *in, uint32_t *out);
bool imap_parse_nz_number(struct imap_cursor *in, uint32_t *out);

/* mod-sequence-valzer (RFC 7162 section 7): 63 bits, zero included. */
bool imap_parse_modseq(struct imap_cursor *in, uint64_t *out);

/* A mailbox's name in UTF-8, "INBOX" in upper case. A name that cannot be
 * sets `refused`. */
bool imap_parse_mailbox(struct imap_cursor *in, struct ptn_slice *out);
/* The same for names out of strings that were read already. */
bool imap_mailbox_decode(struct imap_cursor *in, struct ptn_slice wire,
                         struct ptn_slice *out);

/* "(\Seen $Label)"; with `bare` the parentheses may be missing. */
bool imap_parse_flags(struct imap_cursor *in, bool bare,
                      struct imap_flag_list *out);

/* The text of a sequence set, for ptn_set_parse. */
bool imap_parse_set(struct imap_cursor *in, struct ptn_slice *out);

#endif
