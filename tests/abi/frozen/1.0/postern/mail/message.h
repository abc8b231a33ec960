/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Message and MIME syntax (RFC 5322, 2045-2047, 2231). The scanner never
 * fails and never reads past its input: what cannot be understood is told
 * as text/plain with whatever header fields could be read.
 *
 * ptn_message_scan is called once, at delivery; its three results are kept
 * by the store and answer FETCH ENVELOPE, BODYSTRUCTURE, BODY and BODY[n]
 * without the message being parsed again.
 */
#ifndef POSTERN_MAIL_MESSAGE_H
#define POSTERN_MAIL_MESSAGE_H

#include <postern/buf.h>
#include <postern/types.h>

/* Named limits of the scanner; beyond them a message is told in less
 * detail, never refused. */
#define PTN_MIME_DEPTH_MAX 32
#define PTN_MIME_PARTS_MAX 1000
#define PTN_HEADER_SCAN_MAX (256u * 1024) /* octets of one header read */
#define PTN_ADDRESSES_MAX 1000            /* of one header field */

struct ptn_message_scan {
    struct ptn_buf envelope;  /* IMAP "envelope" with its parentheses */
    struct ptn_buf structure; /* IMAP "body", extensible form (BODYSTRUCTURE) */
    struct ptn_buf parts;     /* an index for ptn_part_find */
};

/* `prefix` and `body` are one message, one after the other, with CRLF line
 * ends (a bare LF is understood as a line end, too). */
PTN_API void ptn_message_scan(struct ptn_slice prefix, struct ptn_slice body,
                              struct ptn_message_scan *out);
PTN_API void ptn_message_scan_free(struct ptn_message_scan *scan);

/* Where a part lies in the message, in octets from its beginning. */
struct ptn_part {
    uint64_t header, header_len; /* MIME header with its empty line */
    uint64_t body, body_len;     /* content */
    bool is_message;             /* message/rfc822: 1.HEADER, 1.TEXT exist */
    uint64_t inner_header, inner_header_len; /* of the message inside */
    uint64_t inner_body, inner_body_len;
    char encoding; /* '7', '8', 'b'inary, 'q', '6' (base64), '?' */
};

/* Finds part "1.2.3" by numbers; count 0 is the message itself. False when
 * there is no such part. */
PTN_API bool ptn_part_find(struct ptn_slice parts, const uint32_t *numbers,
                           size_t count, struct ptn_part *out);

/* The non-extensible BODY form out of the BODYSTRUCTURE form. */
PTN_API void ptn_structure_to_body(struct ptn_slice structure,
                                   struct ptn_buf *out);

/* Fields of a stored envelope, decoded from its IMAP form. */
enum ptn_envelope_field {
    PTN_ENV_DATE,
    PTN_ENV_SUBJECT,
    PTN_ENV_FROM,
    PTN_ENV_SENDER,
    PTN_ENV_REPLY_TO,
    PTN_ENV_TO,
    PTN_ENV_CC,
    PTN_ENV_BCC,
    PTN_ENV_IN_REPLY_TO,
    PTN_ENV_MESSAGE_ID,
};
/* The raw IMAP form of one field (a string or an address list). */
PTN_API struct ptn_slice ptn_envelope_get(struct ptn_slice envelope,
                                          enum ptn_envelope_field field);

/* Header fields, one after the other, from a header block. Returns false at
 * its end. `name` without colon; `value` raw, with its folds, without the
 * final line end; `whole` is the field as it stands, with its line end. */
struct ptn_header_field {
    struct ptn_slice name, value, whole;
};
PTN_API bool ptn_header_next(struct ptn_slice header, size_t *offset,
                             struct ptn_header_field *out);
/* Octets of the header with its empty line (all, when there is no body). */
PTN_API size_t ptn_header_length(struct ptn_slice message);

/* Unfolds and decodes encoded words (RFC 2047) to UTF-8; never fails:
 * unknown charsets come as they stand. For searching and sorting. */
PTN_API void ptn_header_decode(struct ptn_slice value, struct ptn_buf *out);

#endif
