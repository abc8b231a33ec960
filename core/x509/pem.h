/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * PEM (RFC 7468, and the headers of RFC 1421), read and written. Internal to
 * core/x509.
 */
#ifndef CORE_X509_PEM_H
#define CORE_X509_PEM_H

#include <postern/buf.h>

struct ptn_x509_pem {
    struct ptn_slice label;   /* "CERTIFICATE" */
    struct ptn_slice headers; /* lines of "Name: value", or empty */
    struct ptn_slice base64;  /* with its line breaks */
};

enum ptn_x509_pem_result {
    PTN_X509_PEM_BLOCK,
    PTN_X509_PEM_END, /* no more of them */
    PTN_X509_PEM_CUT, /* the line END of `label` is missing */
};

/* Takes the next block from the front of `rest`. Text between blocks is
 * passed over. */
enum ptn_x509_pem_result ptn_x509_pem_next(struct ptn_slice *rest,
                                           struct ptn_x509_pem *out);
/* Appends the octets, for which room is reserved at once. */
bool ptn_x509_pem_decode(const struct ptn_x509_pem *block, struct ptn_buf *der);
/* The first block with this label, decoded. */
bool ptn_x509_pem_find(struct ptn_slice pem, const char *label,
                       struct ptn_buf *der);
void ptn_x509_pem_add(struct ptn_buf *out, const char *label,
                      struct ptn_slice der);

#endif
