/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a mail server adds to a message on its way: trace fields (RFC 5321
 * section 4.4), and what a submitter forgot (RFC 6409 section 8).
 */
#ifndef POSTERN_MAIL_DELIVERY_H
#define POSTERN_MAIL_DELIVERY_H

#include <postern/buf.h>
#include <postern/types.h>

/* Received fields in a message that goes round in circles (RFC 5321 section
 * 6.3 asks for at least 100). */
#define PTN_HOPS_MAX 100

/* How the message came. Text of the peer may hold anything: it is written
 * so that it can end neither the line nor the comment. */
struct ptn_received {
    struct ptn_slice helo;      /* what the client called itself */
    const char *peer;           /* its address, "192.0.2.1" */
    const char *hostname;       /* our own name */
    const char *protocol;       /* "ESMTPSA" and so on (RFC 3848) */
    const char *tls;            /* "TLSv1.3 TLS_AES_128_GCM_SHA256", or NULL */
    const char *id;             /* of the transaction, as in the log */
    struct ptn_slice recipient; /* "user@domain" when there is one, else none:
                                   recipients must not learn of each other */
    int64_t seconds;            /* now */
    int32_t zone;
};

/* Appends the field "Received:", folded, with its line ends (RFC 5321 section
 * 4.4). */
PTN_API void ptn_received_format(const struct ptn_received *received,
                                 struct ptn_buf *out);

/* "Return-Path: <reverse-path>", for final delivery; `path` is as
 * ptn_path_format wrote it, empty for the null path. */
PTN_API void ptn_return_path_format(struct ptn_slice path, struct ptn_buf *out);

/* Received fields in the message's header; counting ends behind
 * PTN_HOPS_MAX. */
PTN_API unsigned ptn_hops_count(struct ptn_slice message);

/* Header fields that the message lacks and a submission server adds: Date
 * and Message-ID. Appends nothing when all are there. */
PTN_API void ptn_submission_complete(struct ptn_slice message,
                                     const char *hostname, int64_t seconds,
                                     int32_t zone, struct ptn_buf *out);

#endif
