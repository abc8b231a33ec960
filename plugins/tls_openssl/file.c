/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files of keys and certificates, read and made. The formats are core's; what
 * it takes of OpenSSL is in library.c. Any thread.
 */
#include "tls_openssl.h"

#include <openssl/err.h>

static struct ptn_x509
x509(void *instance)
{
    return (struct ptn_x509){&tls_openssl_library, instance};
}

enum ptn_tls_parsed
tls_openssl_parse(void *instance, struct ptn_slice file,
                  struct ptn_slice passphrase, struct ptn_tls_parsed_file *out,
                  struct ptn_error *err)
{
    return ptn_x509_parse(x509(instance), file, passphrase, out, err);
}

int
tls_openssl_key_encrypt(void *instance, struct ptn_slice key,
                        struct ptn_slice passphrase, struct ptn_buf *out,
                        struct ptn_error *err)
{
    return ptn_x509_key_encrypt(x509(instance), key, passphrase, out, err);
}

int
tls_openssl_pkcs12_make(void *instance, struct ptn_slice chain,
                        struct ptn_slice key, struct ptn_slice passphrase,
                        const char *name, struct ptn_buf *out,
                        struct ptn_error *err)
{
    const struct ptn_x509_bundle bundle = {chain, key, passphrase, name};
    return ptn_x509_pkcs12_make(x509(instance), &bundle, out, err);
}

int
tls_openssl_key_public(void *instance, struct ptn_slice pem,
                       struct ptn_buf *out, struct ptn_error *err)
{
    unsigned char *der = NULL;
    (void)instance;
    EVP_PKEY *key = tls_openssl_key_read_any(pem, err);
    if (!key)
        return -1;
    int len = i2d_PUBKEY(key, &der);
    EVP_PKEY_free(key);
    if (len <= 0)
        return tls_openssl_error(err, "the key has no public half");
    ptn_buf_add(out, der, (size_t)len);
    OPENSSL_free(der);
    return 0;
}

int
tls_openssl_cert_public(void *instance, struct ptn_slice cert,
                        struct ptn_buf *out, struct ptn_error *err)
{
    (void)instance;
    return ptn_x509_cert_public(cert, out, err);
}

int
tls_openssl_cert_issued(void *instance, struct ptn_slice cert,
                        struct ptn_slice issuer, struct ptn_error *err)
{
    return ptn_x509_cert_issued(x509(instance), cert, issuer, err);
}

int
tls_openssl_csr_make(void *instance, struct ptn_slice key,
                     const struct ptn_tls_subject *subject, struct ptn_buf *csr,
                     struct ptn_error *err)
{
    return ptn_x509_csr_make(x509(instance), key, subject, csr, err);
}

int
tls_openssl_self_sign(void *instance, struct ptn_slice key,
                      const struct ptn_tls_subject *subject,
                      struct ptn_buf *cert, struct ptn_error *err)
{
    return ptn_x509_self_sign(x509(instance), key, subject, cert, err);
}

int
tls_openssl_alpn_cert(void *instance, struct ptn_slice key, const char *name,
                      const uint8_t digest[32], struct ptn_buf *cert,
                      struct ptn_error *err)
{
    return ptn_x509_alpn_cert(x509(instance), key, name, digest, cert, err);
}
