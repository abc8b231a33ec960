/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whether a private key belongs to a certificate: both have the same public
 * key. The library's own check tells no key of another kind from a good one
 * in every way of building it. Any thread.
 */
#include "cert.h"

enum {
    PUBLIC_MAX = 528 /* the modulus and exponent of a 4096-bit RSA key */
};

/* The public half in a form that can be compared; its length, 0 if there is
 * none. */
static size_t
export_rsa(RsaKey *key, byte *out)
{
    byte exponent[16];
    word32 exponent_len = sizeof(exponent), len = PUBLIC_MAX - 16;
    if (wc_RsaFlattenPublicKey(key, exponent, &exponent_len, out, &len) != 0)
        return 0;
    memcpy(out + len, exponent, exponent_len);
    return len + exponent_len;
}

static size_t
export_ecc(ecc_key *key, byte *out)
{
    word32 len = PUBLIC_MAX;
    return wc_ecc_export_x963(key, out, &len) == 0 ? len : 0;
}

static size_t
public_of_key(struct tls_wolfssl_key *key, byte *out)
{
    word32 len = PUBLIC_MAX;
    if (key->kind == TLS_WOLFSSL_RSA)
        return export_rsa(&key->u.rsa, out);
    if (key->kind == TLS_WOLFSSL_ECC)
        return export_ecc(&key->u.ecc, out);
    return wc_ed25519_export_public(&key->u.ed25519, out, &len) == 0 ? len : 0;
}

static size_t
read_rsa(const DecodedCert *cert, byte *out)
{
    RsaKey key;
    word32 at = 0;
    size_t len = 0;
    if (wc_InitRsaKey(&key, NULL) != 0)
        return 0;
    if (wc_RsaPublicKeyDecode(cert->publicKey, &at, &key, cert->pubKeySize) ==
        0)
        len = export_rsa(&key, out);
    wc_FreeRsaKey(&key);
    return len;
}

static size_t
read_ecc(const DecodedCert *cert, byte *out)
{
    ecc_key key;
    word32 at = 0;
    size_t len = 0;
    if (wc_ecc_init(&key) != 0)
        return 0;
    if (wc_EccPublicKeyDecode(cert->publicKey, &at, &key, cert->pubKeySize) ==
        0)
        len = export_ecc(&key, out);
    wc_ecc_free(&key);
    return len;
}

static size_t
public_of_cert(const DecodedCert *cert, enum tls_wolfssl_kind kind, byte *out)
{
    if (kind == TLS_WOLFSSL_RSA && cert->keyOID == RSAk)
        return read_rsa(cert, out);
    if (kind == TLS_WOLFSSL_ECC && cert->keyOID == ECDSAk)
        return read_ecc(cert, out);
    if (kind != TLS_WOLFSSL_ED25519 || cert->keyOID != ED25519k ||
        cert->pubKeySize != ED25519_PUB_KEY_SIZE)
        return 0;
    memcpy(out, cert->publicKey, ED25519_PUB_KEY_SIZE);
    return ED25519_PUB_KEY_SIZE;
}

int
tls_wolfssl_pair_match(void *instance, struct ptn_slice cert_pem,
                       struct ptn_slice key_pem, struct ptn_error *err)
{
    byte certified[PUBLIC_MAX], own[PUBLIC_MAX];
    struct tls_wolfssl_cert cert;
    struct tls_wolfssl_key key;
    bool match = false;
    (void)instance;

    if (tls_wolfssl_cert_decode(cert_pem, &cert, err) < 0)
        return -1;
    if (tls_wolfssl_key_read(&key, key_pem, err) < 0) {
        tls_wolfssl_cert_deinit(&cert);
        return -1;
    }
    size_t len = public_of_cert(&cert.facts, key.kind, certified);
    match = len > 0 && public_of_key(&key, own) == len &&
            memcmp(certified, own, len) == 0;
    tls_wolfssl_key_deinit(&key);
    tls_wolfssl_cert_deinit(&cert);
    return match ? 0
                 : ptn_error_set(err, PTN_ERR_TLS,
                                 "the private key and the certificate do not "
                                 "match");
}
