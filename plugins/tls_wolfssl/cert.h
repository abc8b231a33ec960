/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A certificate that has been read. Apart from tls_wolfssl.h, because
 * wolfCrypt's asn.h defines much.
 */
#ifndef TLS_WOLFSSL_CERT_H
#define TLS_WOLFSSL_CERT_H

#include "tls_wolfssl.h"

#include <wolfssl/wolfcrypt/asn.h>

struct tls_wolfssl_cert {
    struct ptn_buf der; /* `facts` points into it */
    DecodedCert facts;
};

/* 0 and a certificate to deinit, or -1 and nothing. */
int tls_wolfssl_cert_decode(struct ptn_slice pem, struct tls_wolfssl_cert *cert,
                            struct ptn_error *err);
void tls_wolfssl_cert_deinit(struct tls_wolfssl_cert *cert);

/* Lower case, terminated, as much as has room. */
void tls_wolfssl_hex(char *to, size_t room, const byte *from, size_t len);

#endif
