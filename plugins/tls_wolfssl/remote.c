/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Handshakes whose private key is elsewhere: wolfSSL's private-key callbacks,
 * which get what it would have signed itself, turned into the scheme and
 * digest that the contract speaks of. The context has the chain alone, so the
 * library knows the kind of key and the size of a signature from there. The
 * session's thread.
 */
#include "tls_wolfssl.h"

#include <wolfssl/error-ssl.h>

enum {
    MD5_SHA1 = 36 /* both digests, RFC 4346 section 7.4.3 */
};

/* What RFC 8017 section 9.2 puts around a digest, by the whole's length. */
static const struct digest_info {
    size_t whole, digest;
    enum ptn_tls_scheme scheme;
} digest_infos[] = {
    {19 + 32, 32, PTN_SIGN_RSA_PKCS1_SHA256},
    {19 + 48, 48, PTN_SIGN_RSA_PKCS1_SHA384},
    {19 + 64, 64, PTN_SIGN_RSA_PKCS1_SHA512},
    {15 + 20, 20, PTN_SIGN_RSA_PKCS1_SHA1},
    {MD5_SHA1, MD5_SHA1, PTN_SIGN_RSA_PKCS1_MD5_SHA1},
};

/* Asks core. 0, or a code that ends the handshake. */
static int
ask(WOLFSSL *ssl, const struct ptn_tls_to_sign *what, unsigned char *out,
    word32 *out_len)
{
    struct ptn_tls_session *s = wolfSSL_GetIOReadCtx(ssl);
    struct ptn_buf signature = PTN_BUF_INIT;
    int rc = s->context->sign(s->context->sign_arg, what, &signature);

    if (rc == 0 && signature.len > 0 && signature.len <= *out_len) {
        memcpy(out, signature.data, signature.len);
        *out_len = (word32)signature.len;
        s->scheme = what->scheme;
    } else {
        s->cause = PTN_TLS_CAUSE_NO_SIGNATURE;
        rc = NO_PRIVATE_KEY;
    }
    ptn_buf_free(&signature);
    return rc;
}

static int
sign_ecc(WOLFSSL *ssl, const unsigned char *in, unsigned in_len,
         unsigned char *out, word32 *out_len, const unsigned char *key,
         unsigned key_len, void *arg)
{
    struct ptn_tls_to_sign what = {PTN_SIGN_ECDSA_SHA256,
                                   {(const char *)in, in_len}};
    (void)key;
    (void)key_len;
    (void)arg;
    if (in_len == 48)
        what.scheme = PTN_SIGN_ECDSA_SHA384;
    else if (in_len == 64)
        what.scheme = PTN_SIGN_ECDSA_SHA512;
    else if (in_len == 20)
        what.scheme = PTN_SIGN_ECDSA_SHA1;
    return ask(ssl, &what, out, out_len);
}

static int
sign_ed25519(WOLFSSL *ssl, const unsigned char *in, unsigned in_len,
             unsigned char *out, unsigned *out_len, const unsigned char *key,
             unsigned key_len, void *arg)
{
    const struct ptn_tls_to_sign what = {PTN_SIGN_ED25519,
                                         {(const char *)in, in_len}};
    (void)key;
    (void)key_len;
    (void)arg;
    return ask(ssl, &what, out, out_len);
}

static int
sign_rsa(WOLFSSL *ssl, const unsigned char *in, unsigned in_len,
         unsigned char *out, word32 *out_len, const unsigned char *key,
         unsigned key_len, void *arg)
{
    (void)key;
    (void)key_len;
    (void)arg;
    for (size_t i = 0; i < PTN_COUNT(digest_infos); i++) {
        const struct digest_info *info = &digest_infos[i];
        const char *digest = (const char *)in + (info->whole - info->digest);
        const struct ptn_tls_to_sign what = {info->scheme,
                                             {digest, info->digest}};
        if (info->whole == in_len)
            return ask(ssl, &what, out, out_len);
    }
    return ALGO_ID_E;
}

static int
sign_pss(WOLFSSL *ssl, const unsigned char *in, unsigned in_len,
         unsigned char *out, unsigned *out_len, int hash, int mgf,
         const unsigned char *key, unsigned key_len, void *arg)
{
    struct ptn_tls_to_sign what = {PTN_SIGN_RSA_PSS_SHA256,
                                   {(const char *)in, in_len}};
    (void)hash;
    (void)mgf;
    (void)key;
    (void)key_len;
    (void)arg;
    if (in_len == 48)
        what.scheme = PTN_SIGN_RSA_PSS_SHA384;
    else if (in_len == 64)
        what.scheme = PTN_SIGN_RSA_PSS_SHA512;
    return ask(ssl, &what, out, out_len);
}

/* Whoever signs with RSA looks for faults, too: 0 takes its word. */
static int
checked_rsa(WOLFSSL *ssl, unsigned char *signature, unsigned len,
            unsigned char **out, const unsigned char *key, unsigned key_len,
            void *arg)
{
    (void)ssl;
    (void)signature;
    (void)len;
    (void)out;
    (void)key;
    (void)key_len;
    (void)arg;
    return 0;
}

static int
checked_pss(WOLFSSL *ssl, unsigned char *signature, unsigned len,
            unsigned char **out, int hash, int mgf, const unsigned char *key,
            unsigned key_len, void *arg)
{
    (void)hash;
    (void)mgf;
    return checked_rsa(ssl, signature, len, out, key, key_len, arg);
}

void
tls_wolfssl_use_remote_key(WOLFSSL_CTX *ctx)
{
    wolfSSL_CTX_SetEccSignCb(ctx, sign_ecc);
    wolfSSL_CTX_SetEd25519SignCb(ctx, sign_ed25519);
    wolfSSL_CTX_SetRsaSignCb(ctx, sign_rsa);
    wolfSSL_CTX_SetRsaSignCheckCb(ctx, checked_rsa);
    wolfSSL_CTX_SetRsaPssSignCb(ctx, sign_pss);
    wolfSSL_CTX_SetRsaPssSignCheckCb(ctx, checked_pss);
}
