/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a FETCH asks for: its items, and the section of a message that
 * BODY[...] means (RFC 3501 sections 6.4.5 and 9).
 */
#ifndef IMAP_SECTION_H
#define IMAP_SECTION_H

#include "parser.h"

#include <postern/buf.h>
#include <postern/mail/message.h>

#define IMAP_SECTION_DEPTH PTN_MIME_DEPTH_MAX /* numbers of one section */
#define IMAP_FIELDS_MAX 256                   /* names in a header list */

enum imap_section_text {
    IMAP_TEXT_WHOLE,
    IMAP_TEXT_HEADER,
    IMAP_TEXT_FIELDS,
    IMAP_TEXT_FIELDS_NOT,
    IMAP_TEXT_TEXT,
    IMAP_TEXT_MIME,
};

struct imap_section {
    uint32_t numbers[IMAP_SECTION_DEPTH];
    size_t depth;
    enum imap_section_text text;
    struct ptn_slice *fields;
    size_t field_count;
    bool partial;
    uint32_t from, len;     /* of a partial fetch */
    struct ptn_slice label; /* what the answer calls it */
};

/* "[1.2.HEADER.FIELDS (From To)]<0.100>" at the cursor. `label` becomes
 * `name` with the section in its canonical form. Everything is in the
 * cursor's arena. */
bool imap_section_parse(struct imap_cursor *in, const char *name,
                        struct imap_section *out);

/* Where the section lies in a message of `size` octets. False when the
 * message has no such part. Of FIELDS, the header that they are in. */
bool imap_section_range(const struct imap_section *section,
                        struct ptn_slice parts, uint64_t size, uint64_t *from,
                        uint64_t *len);

/* The fields of `header` that a FIELDS or FIELDS_NOT section lets through,
 * and the empty line. */
void imap_section_filter(const struct imap_section *section,
                         struct ptn_slice header, struct ptn_buf *out);

/* Cuts a run of octets to what a partial fetch asks for. */
void imap_section_cut(const struct imap_section *section, uint64_t *from,
                      uint64_t *len);

#endif
