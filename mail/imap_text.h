/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The strings and lists of IMAP (RFC 3501 section 4), as ENVELOPE and
 * BODYSTRUCTURE are made of them: written here, and read again where a
 * stored envelope is asked for one of its fields.
 */
#ifndef PTN_MAIL_IMAP_TEXT_H
#define PTN_MAIL_IMAP_TEXT_H

#include <postern/buf.h>

/* Writes text as a quoted string, or as a literal when it has octets beyond
 * ASCII. CR, LF and NUL are left out, which unfolds header fields (RFC 5322
 * section 2.2.3). */
void ptn_imap_add_string(struct ptn_buf *out, struct ptn_slice text);

/* The same without the blanks at both ends; NIL when data is NULL. */
void ptn_imap_add_nstring(struct ptn_buf *out, struct ptn_slice text);

/* A place in such a text. All reading stops at its end, whatever stands
 * there. */
struct ptn_imap_reader {
    const char *at, *end;
};

enum ptn_imap_token {
    PTN_IMAP_END,    /* nothing more, or nothing that can be understood */
    PTN_IMAP_OPEN,   /* ( */
    PTN_IMAP_CLOSE,  /* ) */
    PTN_IMAP_ATOM,   /* NIL, a number */
    PTN_IMAP_QUOTED, /* text: between the quotes, escapes as they stand */
    PTN_IMAP_LITERAL /* text: its octets */
};

/* Reads the next token; blanks before it are passed over. */
enum ptn_imap_token ptn_imap_read(struct ptn_imap_reader *reader,
                                  struct ptn_slice *text);

/* Passes over one value: a string, an atom or a whole list. False when
 * there is none, and then nothing was read. The value as it stands is
 * `*out`. */
bool ptn_imap_read_value(struct ptn_imap_reader *reader, struct ptn_slice *out);

/* Appends a string's content; nothing for NIL. */
void ptn_imap_add_content(struct ptn_buf *out, enum ptn_imap_token token,
                          struct ptn_slice text);

#endif
