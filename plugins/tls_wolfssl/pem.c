/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * PEM (RFC 7468), in and out. What cannot be used is refused here with the
 * reason that an operator needs: wolfSSL's own codes do not tell an
 * encrypted key from a broken one.
 */
#include "tls_wolfssl.h"

#include <wolfssl/wolfcrypt/asn_public.h>

enum {
    LINE = 64 /* base64 characters a line, RFC 7468 section 2 */
};

static bool
contains(struct ptn_slice text, const char *word)
{
    return text.len > 0 && memmem(text.data, text.len, word, strlen(word));
}

void
tls_wolfssl_wipe(struct ptn_buf *b)
{
    if (b->cap > 0)
        ptn_wipe(b->data, b->cap);
    ptn_buf_free(b);
}

static void
set_der(struct ptn_buf *der, int len)
{
    der->len = len > 0 ? (size_t)len : 0;
}

int
tls_wolfssl_pem_cert(struct ptn_slice pem, struct ptn_buf *der,
                     struct ptn_error *err)
{
    der->len = 0;
    if (pem.len > INT32_MAX || !contains(pem, "-----BEGIN CERTIFICATE-----"))
        return ptn_error_set(err, PTN_ERR_TLS,
                             "not a certificate: no PEM block CERTIFICATE");
    unsigned char *to = (unsigned char *)ptn_buf_reserve(der, pem.len);
    set_der(der, wc_CertPemToDer((const unsigned char *)pem.data, (int)pem.len,
                                 to, (int)pem.len, CERT_TYPE));
    if (der->len > 0)
        return 0;
    return ptn_error_set(err, PTN_ERR_TLS,
                         "not a certificate: the PEM block is damaged");
}

int
tls_wolfssl_pem_key(struct ptn_slice pem, struct ptn_buf *der,
                    struct ptn_error *err)
{
    der->len = 0;
    if (contains(pem, "-----BEGIN ENCRYPTED PRIVATE KEY-----") ||
        contains(pem, "Proc-Type: 4,ENCRYPTED"))
        return ptn_error_set(err, PTN_ERR_TLS,
                             "the private key is encrypted: decrypt it, for "
                             "example with \"openssl pkey\"");
    if (pem.len > INT32_MAX || !contains(pem, "PRIVATE KEY-----"))
        return ptn_error_set(err, PTN_ERR_TLS,
                             "not a key: no PEM block PRIVATE KEY");
    unsigned char *to = (unsigned char *)ptn_buf_reserve(der, pem.len);
    set_der(der, wc_KeyPemToDer((const unsigned char *)pem.data, (int)pem.len,
                                to, (int)pem.len, NULL));
    if (der->len > 0)
        return 0;
    return ptn_error_set(err, PTN_ERR_TLS,
                         "not a key: the PEM block is damaged");
}

void
tls_wolfssl_pem_add(struct ptn_buf *out, const char *label,
                    struct ptn_slice der)
{
    struct ptn_buf text = PTN_BUF_INIT;
    ptn_base64_encode(&text, der);
    ptn_buf_printf(out, "-----BEGIN %s-----\n", label);
    for (size_t at = 0; at < text.len; at += LINE) {
        size_t left = text.len - at;
        ptn_buf_add(out, text.data + at, left < LINE ? left : LINE);
        ptn_buf_addc(out, '\n');
    }
    ptn_buf_printf(out, "-----END %s-----\n", label);
    tls_wolfssl_wipe(&text);
}
