/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Private keys: reading any kind that we know, and making them. Every copy
 * that this file makes is wiped.
 */
#include "tls_wolfssl.h"

#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/random.h>

enum {
    RSA_BITS_MIN = 2048,
    DER_MAX = 4096 /* a 4096-bit RSA key takes 2,350 octets */
};

static bool
read_ecc(struct tls_wolfssl_key *key, const byte *der, word32 len)
{
    word32 at = 0;
    key->kind = TLS_WOLFSSL_ECC;
    if (wc_ecc_init(&key->u.ecc) != 0)
        return false;
    if (wc_EccPrivateKeyDecode(der, &at, &key->u.ecc, len) == 0 &&
        (key->u.ecc.type != ECC_PRIVATEKEY_ONLY ||
         wc_ecc_make_pub(&key->u.ecc, NULL) == 0))
        return true;
    wc_ecc_free(&key->u.ecc);
    return false;
}

static bool
read_rsa(struct tls_wolfssl_key *key, const byte *der, word32 len)
{
    word32 at = 0;
    key->kind = TLS_WOLFSSL_RSA;
    if (wc_InitRsaKey(&key->u.rsa, NULL) != 0)
        return false;
    if (wc_RsaPrivateKeyDecode(der, &at, &key->u.rsa, len) == 0)
        return true;
    wc_FreeRsaKey(&key->u.rsa);
    return false;
}

static bool
read_ed25519(struct tls_wolfssl_key *key, const byte *der, word32 len)
{
    word32 at = 0;
    ed25519_key *ed = &key->u.ed25519;
    byte pub[ED25519_PUB_KEY_SIZE];

    key->kind = TLS_WOLFSSL_ED25519;
    if (wc_ed25519_init(ed) != 0)
        return false;
    if (wc_Ed25519PrivateKeyDecode(der, &at, ed, len) == 0 &&
        wc_ed25519_make_public(ed, pub, sizeof(pub)) == 0 &&
        wc_ed25519_import_public(pub, sizeof(pub), ed) == 0)
        return true;
    wc_ed25519_free(ed);
    return false;
}

int
tls_wolfssl_key_read_any(struct tls_wolfssl_key *key, struct ptn_slice pem,
                         struct ptn_error *err)
{
    struct ptn_buf der = PTN_BUF_INIT;
    if (tls_wolfssl_pem_key(pem, &der, err) < 0) {
        tls_wolfssl_wipe(&der);
        return -1;
    }
    const byte *data = (const byte *)der.data;
    word32 len = (word32)der.len;
    bool known = read_ecc(key, data, len) || read_rsa(key, data, len) ||
                 read_ed25519(key, data, len);
    tls_wolfssl_wipe(&der);
    if (!known)
        return ptn_error_set(err, PTN_ERR_TLS,
                             "not a key that can be used: give an ECDSA, RSA "
                             "or Ed25519 key");
    return 0;
}

int
tls_wolfssl_key_read(struct tls_wolfssl_key *key, struct ptn_slice pem,
                     struct ptn_error *err)
{
    if (tls_wolfssl_key_read_any(key, pem, err) < 0)
        return -1;
    if (key->kind != TLS_WOLFSSL_RSA ||
        wc_RsaEncryptSize(&key->u.rsa) * 8 >= RSA_BITS_MIN)
        return 0;
    tls_wolfssl_key_deinit(key);
    return ptn_error_set(err, PTN_ERR_LIMIT,
                         "the RSA key is weak: at least %d bits are needed",
                         RSA_BITS_MIN);
}

void
tls_wolfssl_key_deinit(struct tls_wolfssl_key *key)
{
    if (key->kind == TLS_WOLFSSL_RSA)
        wc_FreeRsaKey(&key->u.rsa);
    else if (key->kind == TLS_WOLFSSL_ECC)
        wc_ecc_free(&key->u.ecc);
    else
        wc_ed25519_free(&key->u.ed25519);
}

/* Each of these makes a key and its DER; the length, or wolfCrypt's code. */
static int
make_ecc(WC_RNG *rng, int octets, ecc_curve_id curve, byte *der)
{
    ecc_key key;
    int rc = wc_ecc_init(&key);
    if (rc == 0)
        rc = wc_ecc_make_key_ex(rng, octets, &key, curve);
    if (rc == 0)
        rc = wc_EccKeyToDer(&key, der, DER_MAX);
    wc_ecc_free(&key);
    return rc;
}

static int
make_rsa(WC_RNG *rng, int bits, byte *der)
{
    RsaKey key;
    int rc = wc_InitRsaKey(&key, NULL);
    if (rc == 0)
        rc = wc_MakeRsaKey(&key, bits, WC_RSA_EXPONENT, rng);
    if (rc == 0)
        rc = wc_RsaKeyToDer(&key, der, DER_MAX);
    wc_FreeRsaKey(&key);
    return rc;
}

static int
make_ed25519(WC_RNG *rng, byte *der)
{
    ed25519_key key;
    int rc = wc_ed25519_init(&key);
    if (rc == 0)
        rc = wc_ed25519_make_key(rng, ED25519_KEY_SIZE, &key);
    if (rc == 0)
        rc = wc_Ed25519PrivateKeyToDer(&key, der, DER_MAX);
    wc_ed25519_free(&key);
    return rc;
}

static int
make(WC_RNG *rng, enum ptn_tls_key_type type, byte *der, const char **label)
{
    *label = "RSA PRIVATE KEY"; /* PKCS #1, RFC 8017 appendix A.1.2 */
    switch (type) {
    case PTN_KEY_RSA_2048:
        return make_rsa(rng, 2048, der);
    case PTN_KEY_RSA_3072:
        return make_rsa(rng, 3072, der);
    case PTN_KEY_RSA_4096:
        return make_rsa(rng, 4096, der);
    case PTN_KEY_ECDSA_P256:
        *label = "EC PRIVATE KEY"; /* RFC 5915 section 4 */
        return make_ecc(rng, 32, ECC_SECP256R1, der);
    case PTN_KEY_ECDSA_P384:
        *label = "EC PRIVATE KEY";
        return make_ecc(rng, 48, ECC_SECP384R1, der);
    case PTN_KEY_ED25519:
        *label = "PRIVATE KEY"; /* PKCS #8, RFC 8410 section 7 */
        return make_ed25519(rng, der);
    case PTN_KEY_OTHER:
        break;
    }
    return BAD_FUNC_ARG;
}

int
tls_wolfssl_key_make(void *instance, enum ptn_tls_key_type type,
                     struct ptn_buf *out, struct ptn_error *err)
{
    byte der[DER_MAX];
    const char *label = NULL;
    WC_RNG rng;
    (void)instance;

    int rc = wc_InitRng(&rng);
    if (rc == 0) {
        rc = make(&rng, type, der, &label);
        wc_FreeRng(&rng);
    }
    if (rc > 0)
        tls_wolfssl_pem_add(out, label,
                            (struct ptn_slice){(char *)der, (size_t)rc});
    ptn_wipe(der, sizeof(der));
    return rc > 0 ? 0 : tls_wolfssl_error(err, "no key could be made", rc);
}
