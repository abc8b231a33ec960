/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Signatures for a handshake that runs in another process. Any thread.
 */
#include "tls_openssl.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <postern/arena.h>

enum {
    SIGNATURE_MAX = 512 /* of a 4096-bit RSA key */
};

static const struct signer {
    enum ptn_tls_scheme scheme;
    const char *kind;
    const char *digest; /* NULL: the input is the message */
    int padding;        /* of RSA */
} signers[] = {
    {PTN_SIGN_RSA_PKCS1_SHA256, "RSA", "SHA256", RSA_PKCS1_PADDING},
    {PTN_SIGN_RSA_PKCS1_SHA384, "RSA", "SHA384", RSA_PKCS1_PADDING},
    {PTN_SIGN_RSA_PKCS1_SHA512, "RSA", "SHA512", RSA_PKCS1_PADDING},
    {PTN_SIGN_RSA_PKCS1_SHA1, "RSA", "SHA1", RSA_PKCS1_PADDING},
    {PTN_SIGN_RSA_PKCS1_MD5_SHA1, "RSA", "MD5-SHA1", RSA_PKCS1_PADDING},
    {PTN_SIGN_ECDSA_SHA256, "EC", "SHA256", 0},
    {PTN_SIGN_ECDSA_SHA384, "EC", "SHA384", 0},
    {PTN_SIGN_RSA_PSS_SHA256, "RSA", "SHA256", RSA_PKCS1_PSS_PADDING},
    {PTN_SIGN_RSA_PSS_SHA384, "RSA", "SHA384", RSA_PKCS1_PSS_PADDING},
    {PTN_SIGN_RSA_PSS_SHA512, "RSA", "SHA512", RSA_PKCS1_PSS_PADDING},
    {PTN_SIGN_ECDSA_SHA512, "EC", "SHA512", 0},
    {PTN_SIGN_ECDSA_SHA1, "EC", "SHA1", 0},
    {PTN_SIGN_ED25519, "ED25519", NULL, 0},
};

static const struct signer *
find(enum ptn_tls_scheme scheme, EVP_PKEY *key)
{
    for (size_t i = 0; i < PTN_COUNT(signers); i++)
        if (signers[i].scheme == scheme && EVP_PKEY_is_a(key, signers[i].kind))
            return &signers[i];
    return NULL;
}

static bool
sign_message(EVP_PKEY *key, struct ptn_slice in, unsigned char *out,
             size_t *len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
              EVP_DigestSign(ctx, out, len, (const unsigned char *)in.data,
                             in.len) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

static bool
sign_digest(EVP_PKEY *key, const struct signer *signer, struct ptn_slice in,
            unsigned char *out, size_t *len)
{
    const EVP_MD *md = EVP_get_digestbyname(signer->digest);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    bool ok =
        ctx && EVP_PKEY_sign_init(ctx) == 1 &&
        EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
        (signer->padding == 0 ||
         EVP_PKEY_CTX_set_rsa_padding(ctx, signer->padding) == 1) &&
        (signer->padding != RSA_PKCS1_PSS_PADDING ||
         EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1) &&
        EVP_PKEY_sign(ctx, out, len, (const unsigned char *)in.data, in.len) ==
            1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static bool
verify_message(EVP_PKEY *key, struct ptn_slice in, const unsigned char *made,
               size_t len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
              EVP_DigestVerify(ctx, made, len, (const unsigned char *)in.data,
                               in.len) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

bool
tls_openssl_verify(EVP_PKEY *public, const struct ptn_tls_to_sign *what,
                   struct ptn_slice signature)
{
    const struct signer *s = find(what->scheme, public);
    const unsigned char *made = (const unsigned char *)signature.data;
    if (!s || !s->digest)
        return s && verify_message(public, what->input, made, signature.len);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(public, NULL);
    bool ok = ctx && EVP_PKEY_verify_init(ctx) == 1 &&
              EVP_PKEY_CTX_set_signature_md(
                  ctx, EVP_get_digestbyname(s->digest)) == 1 &&
              (s->padding == 0 ||
               EVP_PKEY_CTX_set_rsa_padding(ctx, s->padding) == 1) &&
              EVP_PKEY_verify(ctx, made, signature.len,
                              (const unsigned char *)what->input.data,
                              what->input.len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

/* The library's own; it counts references and needs nothing beside it. */
struct ptn_tls_key {
    EVP_PKEY *key;
};

int
tls_openssl_key_open(void *instance, struct ptn_slice pem,
                     struct ptn_tls_key **out, struct ptn_error *err)
{
    EVP_PKEY *key = tls_openssl_key_read(pem, err);
    (void)instance;
    if (!key)
        return -1;
    *out = ptn_alloc(sizeof(**out));
    (*out)->key = key;
    return 0;
}

void
tls_openssl_key_close(struct ptn_tls_key *k)
{
    if (!k)
        return;
    EVP_PKEY_free(k->key); /* which wipes it */
    ptn_free(k);
}

int
tls_openssl_key_sign(struct ptn_tls_key *k, const struct ptn_tls_to_sign *what,
                     struct ptn_buf *signature, struct ptn_error *err)
{
    const struct signer *signer = find(what->scheme, k->key);
    unsigned char out[SIGNATURE_MAX];
    size_t len = sizeof(out);
    bool ok = false;

    ERR_clear_error();
    if (signer && signer->digest)
        ok = sign_digest(k->key, signer, what->input, out, &len);
    else if (signer)
        ok = sign_message(k->key, what->input, out, &len);
    if (!ok)
        return tls_openssl_error(err, "the key cannot sign this");
    ptn_buf_add(signature, out, len);
    return 0;
}

int
tls_openssl_sign(void *instance, struct ptn_slice pem,
                 const struct ptn_tls_to_sign *what, struct ptn_buf *signature,
                 struct ptn_error *err)
{
    struct ptn_tls_key *key;
    if (tls_openssl_key_open(instance, pem, &key, err) < 0)
        return -1;
    int rc = tls_openssl_key_sign(key, what, signature, err);
    tls_openssl_key_close(key);
    return rc;
}
