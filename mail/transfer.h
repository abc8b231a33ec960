/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Transfer encodings (RFC 2045 section 6), decoded piece by piece and
 * leniently: what cannot be decoded is passed over or kept.
 */
#ifndef PTN_MAIL_TRANSFER_H
#define PTN_MAIL_TRANSFER_H

#include <postern/buf.h>

/* Zero it to begin; `encoding` as in struct ptn_part. Encodings that are
 * none of 'q' and '6' are copied. */
struct ptn_transfer {
    char encoding;
    uint32_t bits;  /* base64: what has come of four digits */
    unsigned count; /* digits of them */
    char held[4];   /* quoted-printable: "=", "=4", blanks are not held */
    unsigned held_len;
};

void ptn_transfer_decode(struct ptn_transfer *transfer, struct ptn_slice text,
                         struct ptn_buf *out);

#endif
