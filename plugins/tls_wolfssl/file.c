/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files of keys and certificates, read and made. The formats are core's; what
 * it takes of wolfCrypt is in library.c. Any thread.
 */
#include "tls_wolfssl.h"

#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/asn_public.h>

enum {
    PUBLIC_MAX = 1088 /* of an RSA key of 8,192 bits */
};

static struct ptn_x509
x509(void *instance)
{
    return (struct ptn_x509){&tls_wolfssl_library, instance};
}

enum ptn_tls_parsed
tls_wolfssl_parse(void *instance, struct ptn_slice file,
                  struct ptn_slice passphrase, struct ptn_tls_parsed_file *out,
                  struct ptn_error *err)
{
    return ptn_x509_parse(x509(instance), file, passphrase, out, err);
}

int
tls_wolfssl_key_encrypt(void *instance, struct ptn_slice key,
                        struct ptn_slice passphrase, struct ptn_buf *out,
                        struct ptn_error *err)
{
    return ptn_x509_key_encrypt(x509(instance), key, passphrase, out, err);
}

int
tls_wolfssl_pkcs12_make(void *instance, struct ptn_slice chain,
                        struct ptn_slice key, struct ptn_slice passphrase,
                        const char *name, struct ptn_buf *out,
                        struct ptn_error *err)
{
    const struct ptn_x509_bundle bundle = {chain, key, passphrase, name};
    return ptn_x509_pkcs12_make(x509(instance), &bundle, out, err);
}

/* SubjectPublicKeyInfo; its length, or wolfCrypt's code. */
static int
public_of(struct tls_wolfssl_key *key, byte *out, word32 room)
{
    if (key->kind == TLS_WOLFSSL_RSA)
        return wc_RsaKeyToPublicDer(&key->u.rsa, out, room);
    if (key->kind == TLS_WOLFSSL_ECC)
        return wc_EccPublicKeyToDer(&key->u.ecc, out, room, 1);
    return wc_Ed25519PublicKeyToDer(&key->u.ed25519, out, room, 1);
}

int
tls_wolfssl_key_public(void *instance, struct ptn_slice pem,
                       struct ptn_buf *out, struct ptn_error *err)
{
    byte der[PUBLIC_MAX];
    struct tls_wolfssl_key key;
    (void)instance;
    if (tls_wolfssl_key_read_any(&key, pem, err) < 0)
        return -1;
    int rc = public_of(&key, der, sizeof(der));
    tls_wolfssl_key_deinit(&key);
    if (rc <= 0)
        return tls_wolfssl_error(err, "the key has no public half", rc);
    ptn_buf_add(out, der, (size_t)rc);
    return 0;
}

int
tls_wolfssl_cert_public(void *instance, struct ptn_slice cert,
                        struct ptn_buf *out, struct ptn_error *err)
{
    (void)instance;
    return ptn_x509_cert_public(cert, out, err);
}

int
tls_wolfssl_cert_issued(void *instance, struct ptn_slice cert,
                        struct ptn_slice issuer, struct ptn_error *err)
{
    return ptn_x509_cert_issued(x509(instance), cert, issuer, err);
}

int
tls_wolfssl_csr_make(void *instance, struct ptn_slice key,
                     const struct ptn_tls_subject *subject, struct ptn_buf *csr,
                     struct ptn_error *err)
{
    return ptn_x509_csr_make(x509(instance), key, subject, csr, err);
}

int
tls_wolfssl_self_sign(void *instance, struct ptn_slice key,
                      const struct ptn_tls_subject *subject,
                      struct ptn_buf *cert, struct ptn_error *err)
{
    return ptn_x509_self_sign(x509(instance), key, subject, cert, err);
}

int
tls_wolfssl_alpn_cert(void *instance, struct ptn_slice key, const char *name,
                      const uint8_t digest[32], struct ptn_buf *cert,
                      struct ptn_error *err)
{
    return ptn_x509_alpn_cert(x509(instance), key, name, digest, cert, err);
}
