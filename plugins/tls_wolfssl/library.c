/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What wolfCrypt computes for the formats of keys and certificates
 * (<postern/x509.h>). No state; any thread.
 */
#include "tls_wolfssl.h"

#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/asn.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/des3.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/hmac.h>
#include <wolfssl/wolfcrypt/pwdbased.h>
#include <wolfssl/wolfcrypt/rc2.h>

enum {
    DIGEST_INFO_MAX = 128,
    SIGNATURE_MAX = 1024 /* of an RSA key of 8,192 bits */
};

static const enum wc_HashType hashes[] = {
    [PTN_X509_MD5] = WC_HASH_TYPE_MD5,
    [PTN_X509_SHA1] = WC_HASH_TYPE_SHA,
    [PTN_X509_SHA224] = WC_HASH_TYPE_SHA224,
    [PTN_X509_SHA256] = WC_HASH_TYPE_SHA256,
    [PTN_X509_SHA384] = WC_HASH_TYPE_SHA384,
    [PTN_X509_SHA512] = WC_HASH_TYPE_SHA512,
};

static const byte *
octets_of(struct ptn_slice s)
{
    return s.data ? (const byte *)s.data : (const byte *)"";
}

static int
digest(enum ptn_x509_hash hash, struct ptn_slice data, uint8_t *out)
{
    int len = wc_HashGetDigestSize(hashes[hash]);
    return len > 0 && wc_Hash(hashes[hash], octets_of(data), (word32)data.len,
                              out, (word32)len) == 0
               ? 0
               : -1;
}

static int
hmac(enum ptn_x509_hash hash, struct ptn_slice key, struct ptn_slice data,
     uint8_t *out)
{
    Hmac h;
    if (wc_HmacInit(&h, NULL, INVALID_DEVID) != 0)
        return -1;
    bool ok =
        wc_HmacSetKey(&h, hashes[hash], octets_of(key), (word32)key.len) == 0 &&
        wc_HmacUpdate(&h, octets_of(data), (word32)data.len) == 0 &&
        wc_HmacFinal(&h, out) == 0;
    wc_HmacFree(&h);
    return ok ? 0 : -1;
}

static int
derive(const struct ptn_x509_derivation *how, uint8_t *out, size_t len)
{
    const byte *pass = octets_of(how->passphrase), *salt = octets_of(how->salt);
    int pass_len = (int)how->passphrase.len, salt_len = (int)how->salt.len;
    int rc = BAD_FUNC_ARG;
    switch (how->kdf) {
    case PTN_X509_PBKDF2:
        rc = wc_PBKDF2(out, pass, pass_len, salt, salt_len, (int)how->rounds,
                       (int)len, hashes[how->hash]);
        break;
    case PTN_X509_PKCS12:
        rc = wc_PKCS12_PBKDF(out, pass, pass_len, salt, salt_len,
                             (int)how->rounds, (int)len, hashes[how->hash],
                             how->purpose);
        break;
    case PTN_X509_BYTES_TO_KEY:
        rc = wc_PBKDF1_ex(out, (int)len, NULL, 0, pass, pass_len, salt,
                          salt_len, (int)how->rounds, hashes[how->hash], NULL);
        break;
    }
    return rc == 0 ? 0 : -1;
}

static int
run_aes(const struct ptn_x509_cbc *how, word32 octets, struct ptn_slice in,
        uint8_t *out)
{
    Aes aes;
    if (wc_AesInit(&aes, NULL, INVALID_DEVID) != 0)
        return -1;
    int rc = wc_AesSetKey(&aes, how->key, octets, how->iv,
                          how->encrypt ? AES_ENCRYPTION : AES_DECRYPTION);
    if (rc == 0)
        rc = how->encrypt
                 ? wc_AesCbcEncrypt(&aes, out, octets_of(in), (word32)in.len)
                 : wc_AesCbcDecrypt(&aes, out, octets_of(in), (word32)in.len);
    wc_AesFree(&aes);
    ptn_wipe(&aes, sizeof(aes));
    return rc == 0 ? 0 : -1;
}

static int
run_des(const struct ptn_x509_cbc *how, struct ptn_slice in, uint8_t *out)
{
#ifndef NO_DES3
    Des3 des;
    if (wc_Des3Init(&des, NULL, INVALID_DEVID) != 0)
        return -1;
    int rc = wc_Des3_SetKey(&des, how->key, how->iv,
                            how->encrypt ? DES_ENCRYPTION : DES_DECRYPTION);
    if (rc == 0)
        rc = how->encrypt
                 ? wc_Des3_CbcEncrypt(&des, out, octets_of(in), (word32)in.len)
                 : wc_Des3_CbcDecrypt(&des, out, octets_of(in), (word32)in.len);
    wc_Des3Free(&des);
    ptn_wipe(&des, sizeof(des));
    return rc == 0 ? 0 : -1;
#else
    (void)how;
    (void)in;
    (void)out;
    return -1;
#endif
}

static int
run_rc2(const struct ptn_x509_cbc *how, word32 octets, struct ptn_slice in,
        uint8_t *out)
{
#ifdef WC_RC2
    Rc2 rc2;
    memset(&rc2, 0, sizeof(rc2));
    int rc = wc_Rc2SetKey(&rc2, how->key, octets, how->iv, octets * 8);
    if (rc == 0)
        rc = how->encrypt
                 ? wc_Rc2CbcEncrypt(&rc2, out, octets_of(in), (word32)in.len)
                 : wc_Rc2CbcDecrypt(&rc2, out, octets_of(in), (word32)in.len);
    ptn_wipe(&rc2, sizeof(rc2));
    return rc == 0 ? 0 : -1;
#else
    (void)how;
    (void)octets;
    (void)in;
    (void)out;
    return -1;
#endif
}

static int
cbc(const struct ptn_x509_cbc *how, struct ptn_slice in, uint8_t *out)
{
    switch (how->cipher) {
    case PTN_X509_AES_128:
        return run_aes(how, 16, in, out);
    case PTN_X509_AES_192:
        return run_aes(how, 24, in, out);
    case PTN_X509_AES_256:
        return run_aes(how, 32, in, out);
    case PTN_X509_DES_EDE3:
        return run_des(how, in, out);
    case PTN_X509_RC2_40:
        return run_rc2(how, 5, in, out);
    case PTN_X509_RC2_128:
        return run_rc2(how, 16, in, out);
    }
    return -1;
}

/* --- signatures of certificates --- */

static int
digest_oid(enum ptn_tls_scheme scheme)
{
    switch (scheme) {
    case PTN_SIGN_RSA_PKCS1_SHA1:
        return SHAh;
    case PTN_SIGN_RSA_PKCS1_SHA256:
        return SHA256h;
    case PTN_SIGN_RSA_PKCS1_SHA384:
        return SHA384h;
    case PTN_SIGN_RSA_PKCS1_SHA512:
        return SHA512h;
    default:
        return 0;
    }
}

static bool
verify_rsa(struct ptn_slice public_key, const struct ptn_tls_to_sign *what,
           struct ptn_slice signature)
{
    byte info[DIGEST_INFO_MAX], plain[SIGNATURE_MAX];
    int oid = digest_oid(what->scheme), n = -1;
    word32 at = 0;
    RsaKey key;
    if (oid == 0 || wc_InitRsaKey(&key, NULL) != 0)
        return false;
    word32 len = wc_EncodeSignature(info, octets_of(what->input),
                                    (word32)what->input.len, oid);
    if (wc_RsaPublicKeyDecode(octets_of(public_key), &at, &key,
                              (word32)public_key.len) == 0)
        n = wc_RsaSSL_Verify(octets_of(signature), (word32)signature.len, plain,
                             sizeof(plain), &key);
    wc_FreeRsaKey(&key);
    return n == (int)len && memcmp(plain, info, len) == 0;
}

static bool
verify_ecdsa(struct ptn_slice public_key, const struct ptn_tls_to_sign *what,
             struct ptn_slice signature)
{
    word32 at = 0;
    int good = 0, rc = -1;
    ecc_key key;
    if (wc_ecc_init(&key) != 0)
        return false;
    if (wc_EccPublicKeyDecode(octets_of(public_key), &at, &key,
                              (word32)public_key.len) == 0)
        rc = wc_ecc_verify_hash(octets_of(signature), (word32)signature.len,
                                octets_of(what->input), (word32)what->input.len,
                                &good, &key);
    wc_ecc_free(&key);
    return rc == 0 && good == 1;
}

static bool
verify_ed25519(struct ptn_slice public_key, const struct ptn_tls_to_sign *what,
               struct ptn_slice signature)
{
    word32 at = 0;
    int good = 0, rc = -1;
    ed25519_key key;
    if (wc_ed25519_init(&key) != 0)
        return false;
    if (wc_Ed25519PublicKeyDecode(octets_of(public_key), &at, &key,
                                  (word32)public_key.len) == 0)
        rc = wc_ed25519_verify_msg(octets_of(signature), (word32)signature.len,
                                   octets_of(what->input),
                                   (word32)what->input.len, &good, &key);
    wc_ed25519_free(&key);
    return rc == 0 && good == 1;
}

static int
verify(struct ptn_slice public_key, const struct ptn_tls_to_sign *what,
       struct ptn_slice signature)
{
    bool good;
    if (what->scheme == PTN_SIGN_ED25519)
        good = verify_ed25519(public_key, what, signature);
    else if ((what->scheme & 0xff) == 3)
        good = verify_ecdsa(public_key, what, signature);
    else
        good = verify_rsa(public_key, what, signature);
    return good ? 0 : -1;
}

const struct ptn_x509_library tls_wolfssl_library = {
    .size = sizeof(struct ptn_x509_library),
    .ops = &tls_wolfssl_ops,
    .digest = digest,
    .hmac = hmac,
    .derive = derive,
    .cbc = cbc,
    .verify = verify,
};
