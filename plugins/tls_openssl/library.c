/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What OpenSSL computes for the formats of keys and certificates
 * (<postern/x509.h>). No state; any thread.
 */
/* RC2 is needed for the PKCS #12 files of others. By EVP it would take the
 * provider "legacy", a file that may not be installed. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "tls_openssl.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#ifndef OPENSSL_NO_RC2
#include <openssl/rc2.h>
#endif

static const char *const hashes[] = {
    [PTN_X509_MD5] = "MD5",       [PTN_X509_SHA1] = "SHA1",
    [PTN_X509_SHA224] = "SHA224", [PTN_X509_SHA256] = "SHA256",
    [PTN_X509_SHA384] = "SHA384", [PTN_X509_SHA512] = "SHA512",
};

static const EVP_MD *
hash_of(enum ptn_x509_hash hash)
{
    return EVP_get_digestbyname(hashes[hash]);
}

static const unsigned char *
octets_of(struct ptn_slice s)
{
    return s.data ? (const unsigned char *)s.data : (const unsigned char *)"";
}

static int
digest(enum ptn_x509_hash hash, struct ptn_slice data, uint8_t *out)
{
    return EVP_Digest(octets_of(data), data.len, out, NULL, hash_of(hash),
                      NULL) == 1
               ? 0
               : -1;
}

static int
hmac(enum ptn_x509_hash hash, struct ptn_slice key, struct ptn_slice data,
     uint8_t *out)
{
    return HMAC(hash_of(hash), octets_of(key), (int)key.len, octets_of(data),
                data.len, out, NULL)
               ? 0
               : -1;
}

static int
pkcs12_kdf(const struct ptn_x509_derivation *how, uint8_t *out, size_t len)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "PKCS12KDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    int id = how->purpose;
    uint64_t rounds = how->rounds;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                         (char *)hashes[how->hash], 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD,
                                          (void *)octets_of(how->passphrase),
                                          how->passphrase.len),
        OSSL_PARAM_construct_octet_string(
            OSSL_KDF_PARAM_SALT, (void *)octets_of(how->salt), how->salt.len),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_ITER, &rounds),
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_PKCS12_ID, &id),
        OSSL_PARAM_construct_end(),
    };
    int rc = ctx ? EVP_KDF_derive(ctx, out, len, params) : 0;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return rc;
}

static int
derive(const struct ptn_x509_derivation *how, uint8_t *out, size_t len)
{
    int rc = 0;
    ERR_clear_error();
    switch (how->kdf) {
    case PTN_X509_PBKDF2:
        rc = PKCS5_PBKDF2_HMAC((const char *)octets_of(how->passphrase),
                               (int)how->passphrase.len, octets_of(how->salt),
                               (int)how->salt.len, (int)how->rounds,
                               hash_of(how->hash), (int)len, out);
        break;
    case PTN_X509_PKCS12:
        rc = pkcs12_kdf(how, out, len);
        break;
    case PTN_X509_BYTES_TO_KEY: {
        uint8_t key[EVP_MAX_KEY_LENGTH], iv[EVP_MAX_IV_LENGTH];
        const EVP_CIPHER *like = len == 16   ? EVP_aes_128_cbc()
                                 : len == 32 ? EVP_aes_256_cbc()
                                             : EVP_aes_192_cbc();
        rc =
            EVP_BytesToKey(like, hash_of(how->hash), octets_of(how->salt),
                           octets_of(how->passphrase), (int)how->passphrase.len,
                           (int)how->rounds, key, iv) == (int)len;
        memcpy(out, key, len);
        ptn_wipe(key, sizeof(key));
        break;
    }
    }
    ERR_clear_error();
    return rc == 1 ? 0 : -1;
}

/* Block by block, so that `out` may be where the input is. */
static int
rc2(const struct ptn_x509_cbc *how, struct ptn_slice in, uint8_t *out)
{
#ifndef OPENSSL_NO_RC2
    RC2_KEY key;
    unsigned char iv[RC2_BLOCK];
    int octets = how->cipher == PTN_X509_RC2_40 ? 5 : 16;
    memcpy(iv, how->iv, sizeof(iv));
    RC2_set_key(&key, octets, how->key, octets * 8);
    RC2_cbc_encrypt(octets_of(in), out, (long)in.len, &key, iv, how->encrypt);
    ptn_wipe(&key, sizeof(key));
    return 0;
#else
    (void)how;
    (void)in;
    (void)out;
    return -1;
#endif
}

static int
cbc(const struct ptn_x509_cbc *how, struct ptn_slice in, uint8_t *out)
{
    static const EVP_CIPHER *(*const ciphers[])(void) = {
        [PTN_X509_AES_128] = EVP_aes_128_cbc,
        [PTN_X509_AES_192] = EVP_aes_192_cbc,
        [PTN_X509_AES_256] = EVP_aes_256_cbc,
        [PTN_X509_DES_EDE3] = EVP_des_ede3_cbc,
    };
    if (how->cipher >= PTN_COUNT(ciphers))
        return rc2(how, in, out);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0;
    ERR_clear_error();
    bool ok =
        ctx &&
        EVP_CipherInit_ex(ctx, ciphers[how->cipher](), NULL, how->key, how->iv,
                          how->encrypt) == 1 &&
        EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
        EVP_CipherUpdate(ctx, out, &len, octets_of(in), (int)in.len) == 1 &&
        (size_t)len == in.len;
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    return ok ? 0 : -1;
}

static int
verify(struct ptn_slice public_key, const struct ptn_tls_to_sign *what,
       struct ptn_slice signature)
{
    const unsigned char *at = octets_of(public_key);
    ERR_clear_error();
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)public_key.len);
    bool ok = key && tls_openssl_verify(key, what, signature);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ok ? 0 : -1;
}

const struct ptn_x509_library tls_openssl_library = {
    .size = sizeof(struct ptn_x509_library),
    .ops = &tls_openssl_ops,
    .digest = digest,
    .hmac = hmac,
    .derive = derive,
    .cbc = cbc,
    .verify = verify,
};
