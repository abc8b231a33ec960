/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The header fields that the scanner knows by name.
 */
#ifndef PTN_MAIL_HEADER_H
#define PTN_MAIL_HEADER_H

#include <postern/mail/message.h>

/* First those of the envelope, in its order (enum ptn_envelope_field), then
 * those of RFC 2045 and its relatives. */
enum ptn_field {
    PTN_FIELD_DATE,
    PTN_FIELD_SUBJECT,
    PTN_FIELD_FROM,
    PTN_FIELD_SENDER,
    PTN_FIELD_REPLY_TO,
    PTN_FIELD_TO,
    PTN_FIELD_CC,
    PTN_FIELD_BCC,
    PTN_FIELD_IN_REPLY_TO,
    PTN_FIELD_MESSAGE_ID,
    PTN_FIELD_CONTENT_TYPE,
    PTN_FIELD_CONTENT_ENCODING,
    PTN_FIELD_CONTENT_ID,
    PTN_FIELD_CONTENT_DESCRIPTION,
    PTN_FIELD_CONTENT_MD5,
    PTN_FIELD_CONTENT_DISPOSITION,
    PTN_FIELD_CONTENT_LANGUAGE,
    PTN_FIELD_CONTENT_LOCATION,
    PTN_FIELD_COUNT,
    PTN_FIELD_OTHER = PTN_FIELD_COUNT,
};

enum ptn_field ptn_field_of(struct ptn_slice name);

/* One header, whose octets lie in up to two places, and the raw values of
 * the fields known: the first of each name, data NULL where there is none.
 * A bit of `repeated` is set where there are more. */
struct ptn_header {
    struct ptn_slice source[2];
    struct ptn_slice value[PTN_FIELD_COUNT];
    uint32_t repeated;
};

/* Fills in `value` and `repeated` from `source`. */
void ptn_header_collect(struct ptn_header *header);

/* The line at `at` (its line end included) and whether it is empty. */
size_t ptn_line_length(struct ptn_slice text, size_t at);
bool ptn_line_empty(struct ptn_slice text, size_t at);

#endif
