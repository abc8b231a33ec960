/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Signatures for a handshake that runs in another process. Any thread.
 */
#include "tls_wolfssl.h"

#include <postern/arena.h>
#include <wolfssl/error-ssl.h>
#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/random.h>

enum {
    SIGNATURE_MAX = 512, /* of a 4096-bit RSA key */
    DIGEST_INFO_MAX = 128
};

struct job {
    struct tls_wolfssl_key *key;
    const struct signer *signer;
    WC_RNG *rng;
    const byte *in;
    word32 in_len;
};

/* What a scheme needs. */
struct signer {
    enum ptn_tls_scheme scheme;
    enum tls_wolfssl_kind kind;
    size_t input; /* its length; 0 = any */
    int (*sign)(struct job *j, byte *out);
    int oid; /* of the digest, for PKCS #1 */
    enum wc_HashType hash;
    int mgf; /* these two for PSS */
};

/* A faulty RSA signature gives the key away, so none leaves unchecked. */
static int
check_rsa(struct job *j, const byte *info, word32 len, byte *out, int made)
{
    byte copy[SIGNATURE_MAX], *plain = NULL;
    if (made <= 0)
        return made;
    memcpy(copy, out, (size_t)made);
    int n = wc_RsaSSL_VerifyInline(copy, (word32)made, &plain, &j->key->u.rsa);
    return n == (int)len && memcmp(plain, info, len) == 0 ? made
                                                          : RSA_SIGN_FAULT;
}

static int
check_pss(struct job *j, byte *out, int made)
{
    byte copy[SIGNATURE_MAX], *plain = NULL;
    if (made <= 0)
        return made;
    memcpy(copy, out, (size_t)made);
    int rc = wc_RsaPSS_VerifyCheckInline(copy, (word32)made, &plain, j->in,
                                         j->in_len, j->signer->hash,
                                         j->signer->mgf, &j->key->u.rsa);
    return rc > 0 ? made : RSA_SIGN_FAULT;
}

/* Each signer: the length of the signature, or wolfCrypt's code. */
static int
sign_pss(struct job *j, byte *out)
{
    return check_pss(j, out,
                     wc_RsaPSS_Sign(j->in, j->in_len, out, SIGNATURE_MAX,
                                    j->signer->hash, j->signer->mgf,
                                    &j->key->u.rsa, j->rng));
}

static int
sign_raw(struct job *j, byte *out)
{
    return check_rsa(j, j->in, j->in_len, out,
                     wc_RsaSSL_Sign(j->in, j->in_len, out, SIGNATURE_MAX,
                                    &j->key->u.rsa, j->rng));
}

static int
sign_pkcs1(struct job *j, byte *out)
{
    byte info[DIGEST_INFO_MAX];
    word32 len = wc_EncodeSignature(info, j->in, j->in_len, j->signer->oid);
    return check_rsa(
        j, info, len, out,
        wc_RsaSSL_Sign(info, len, out, SIGNATURE_MAX, &j->key->u.rsa, j->rng));
}

static int
sign_ecdsa(struct job *j, byte *out)
{
    word32 len = SIGNATURE_MAX;
    int rc =
        wc_ecc_sign_hash(j->in, j->in_len, out, &len, j->rng, &j->key->u.ecc);
    return rc == 0 ? (int)len : rc;
}

static int
sign_ed25519(struct job *j, byte *out)
{
    word32 len = SIGNATURE_MAX;
    int rc =
        wc_ed25519_sign_msg(j->in, j->in_len, out, &len, &j->key->u.ed25519);
    return rc == 0 ? (int)len : rc;
}

#define PSS(bits) .hash = WC_HASH_TYPE_SHA##bits, .mgf = WC_MGF1SHA##bits

static const struct signer signers[] = {
    {PTN_SIGN_RSA_PKCS1_SHA256, TLS_WOLFSSL_RSA, 32, sign_pkcs1,
     .oid = SHA256h},
    {PTN_SIGN_RSA_PKCS1_SHA384, TLS_WOLFSSL_RSA, 48, sign_pkcs1,
     .oid = SHA384h},
    {PTN_SIGN_RSA_PKCS1_SHA512, TLS_WOLFSSL_RSA, 64, sign_pkcs1,
     .oid = SHA512h},
    {PTN_SIGN_RSA_PKCS1_SHA1, TLS_WOLFSSL_RSA, 20, sign_pkcs1, .oid = SHAh},
    {PTN_SIGN_RSA_PKCS1_MD5_SHA1, TLS_WOLFSSL_RSA, 36, .sign = sign_raw},
    {PTN_SIGN_RSA_PSS_SHA256, TLS_WOLFSSL_RSA, 32, sign_pss, PSS(256)},
    {PTN_SIGN_RSA_PSS_SHA384, TLS_WOLFSSL_RSA, 48, sign_pss, PSS(384)},
    {PTN_SIGN_RSA_PSS_SHA512, TLS_WOLFSSL_RSA, 64, sign_pss, PSS(512)},
    {PTN_SIGN_ECDSA_SHA256, TLS_WOLFSSL_ECC, 32, .sign = sign_ecdsa},
    {PTN_SIGN_ECDSA_SHA384, TLS_WOLFSSL_ECC, 48, .sign = sign_ecdsa},
    {PTN_SIGN_ECDSA_SHA512, TLS_WOLFSSL_ECC, 64, .sign = sign_ecdsa},
    {PTN_SIGN_ECDSA_SHA1, TLS_WOLFSSL_ECC, 20, .sign = sign_ecdsa},
    {PTN_SIGN_ED25519, TLS_WOLFSSL_ED25519, 0, .sign = sign_ed25519},
};

static const struct signer *
find(const struct ptn_tls_to_sign *what, enum tls_wolfssl_kind kind)
{
    for (size_t i = 0; i < PTN_COUNT(signers); i++)
        if (signers[i].scheme == what->scheme && signers[i].kind == kind &&
            (signers[i].input == 0 || signers[i].input == what->input.len))
            return &signers[i];
    return NULL;
}

/* A key and what it needs to sign. */
struct ptn_tls_key {
    struct tls_wolfssl_key key;
    WC_RNG rng;
};

int
tls_wolfssl_key_open(void *instance, struct ptn_slice pem,
                     struct ptn_tls_key **out, struct ptn_error *err)
{
    struct ptn_tls_key *k = ptn_alloc(sizeof(*k));
    (void)instance;

    if (tls_wolfssl_key_read(&k->key, pem, err) < 0) {
        ptn_free(k);
        return -1;
    }
    int rc = wc_InitRng(&k->rng);
    if (rc != 0) {
        tls_wolfssl_key_deinit(&k->key);
        ptn_free(k);
        return tls_wolfssl_error(err, "no random numbers", rc);
    }
#ifdef WC_RSA_BLINDING
    if (k->key.kind == TLS_WOLFSSL_RSA)
        wc_RsaSetRNG(&k->key.u.rsa, &k->rng);
#endif
    *out = k;
    return 0;
}

void
tls_wolfssl_key_close(struct ptn_tls_key *k)
{
    if (!k)
        return;
    tls_wolfssl_key_deinit(&k->key);
    wc_FreeRng(&k->rng);
    ptn_wipe(k, sizeof(*k));
    ptn_free(k);
}

int
tls_wolfssl_key_sign(struct ptn_tls_key *k, const struct ptn_tls_to_sign *what,
                     struct ptn_buf *signature, struct ptn_error *err)
{
    const struct signer *signer = find(what, k->key.kind);
    struct job job = {&k->key, signer, &k->rng, (const byte *)what->input.data,
                      (word32)what->input.len};
    byte out[SIGNATURE_MAX];

    int rc = signer ? signer->sign(&job, out) : BAD_FUNC_ARG;
    if (rc <= 0)
        return tls_wolfssl_error(err, "the key cannot sign this", rc);
    ptn_buf_add(signature, out, (size_t)rc);
    return 0;
}

int
tls_wolfssl_sign(void *instance, struct ptn_slice pem,
                 const struct ptn_tls_to_sign *what, struct ptn_buf *signature,
                 struct ptn_error *err)
{
    struct ptn_tls_key *key;
    if (tls_wolfssl_key_open(instance, pem, &key, err) < 0)
        return -1;
    int rc = tls_wolfssl_key_sign(key, what, signature, err);
    tls_wolfssl_key_close(key);
    return rc;
}
