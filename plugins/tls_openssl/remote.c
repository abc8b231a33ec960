/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Private keys that are elsewhere. OpenSSL signs with a key through the
 * provider that the key belongs to, so this is a provider: its keys know
 * their public half, and sign by asking core. It is loaded into a library
 * context of its own, where nothing but our keys comes from; libssl follows
 * a key to its provider, wherever that is.
 *
 *   EVP_PKEY -> keymgmt (below) -> struct remote_key -> public EVP_PKEY
 *      libssl: EVP_DigestSign -> digest_sign -> context's sign callback
 *
 * A key never lets itself be exported with its private half, which it does
 * not have: that is how libssl learns to come here for signatures. Keys are
 * constant; any thread.
 */
#include "tls_openssl.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#define PARAM_KEY "postern-key" /* points to a struct remote_key */

struct remote_key {
    EVP_PKEY *public;
    int (*sign)(void *arg, const struct ptn_tls_to_sign *what,
                struct ptn_buf *signature);
    void *sign_arg;
};

/* One signature in the making. */
struct remote_sign {
    const struct remote_key *key;
    int digest; /* NID; NID_undef when the message itself is signed */
    bool pss;
};

/* --- key management --- */

static void *
key_new(void *provider)
{
    (void)provider;
    return OPENSSL_zalloc(sizeof(struct remote_key));
}

static void
key_free(void *data)
{
    struct remote_key *key = data;
    if (!key)
        return;
    EVP_PKEY_free(key->public);
    OPENSSL_free(key);
}

static int
key_has(const void *data, int selection)
{
    const struct remote_key *key = data;
    (void)selection;
    return key->public != NULL;
}

static int
key_import(void *data, int selection, const OSSL_PARAM params[])
{
    struct remote_key *key = data;
    const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, PARAM_KEY);
    const void *from = NULL;
    (void)selection;
    if (!p || OSSL_PARAM_get_octet_ptr(p, &from, NULL) != 1)
        return 0;
    *key = *(const struct remote_key *)from;
    return EVP_PKEY_up_ref(key->public);
}

static const OSSL_PARAM *
key_import_types(int selection)
{
    static const OSSL_PARAM types[] = {OSSL_PARAM_octet_ptr(PARAM_KEY, NULL, 0),
                                       OSSL_PARAM_END};
    (void)selection;
    return types;
}

static int
key_export(void *data, int selection, OSSL_CALLBACK *give, void *arg)
{
    const struct remote_key *key = data;
    OSSL_PARAM *params = NULL;
    if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) ||
        EVP_PKEY_todata(key->public, EVP_PKEY_PUBLIC_KEY, &params) != 1)
        return 0;
    int rc = give(params, arg);
    OSSL_PARAM_free(params);
    return rc;
}

static const OSSL_PARAM *
key_export_types(int selection)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_END};
    (void)selection;
    return types;
}

static int
key_get_params(void *data, OSSL_PARAM params[])
{
    const struct remote_key *key = data;
    return EVP_PKEY_get_params(key->public, params);
}

static const OSSL_PARAM *
key_gettable_params(void *provider)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
        OSSL_PARAM_END};
    (void)provider;
    return types;
}

static const char *
ec_operation(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? "ECDSA" : "EC";
}

#define CALL(name, function)                                                   \
    {                                                                          \
        OSSL_FUNC_##name, (void (*)(void))(function)                           \
    }

#define KEY_CALLS                                                              \
    CALL(KEYMGMT_NEW, key_new), CALL(KEYMGMT_FREE, key_free),                  \
        CALL(KEYMGMT_HAS, key_has), CALL(KEYMGMT_IMPORT, key_import),          \
        CALL(KEYMGMT_IMPORT_TYPES, key_import_types),                          \
        CALL(KEYMGMT_EXPORT, key_export),                                      \
        CALL(KEYMGMT_EXPORT_TYPES, key_export_types),                          \
        CALL(KEYMGMT_GET_PARAMS, key_get_params),                              \
        CALL(KEYMGMT_GETTABLE_PARAMS, key_gettable_params)

static const OSSL_DISPATCH key_calls[] = {KEY_CALLS, {0, NULL}};
static const OSSL_DISPATCH ec_key_calls[] = {
    KEY_CALLS, CALL(KEYMGMT_QUERY_OPERATION_NAME, ec_operation), {0, NULL}};

static const OSSL_ALGORITHM keys[] = {
    {"RSA:rsaEncryption", "provider=postern", key_calls, NULL},
    {"EC:id-ecPublicKey", "provider=postern", ec_key_calls, NULL},
    {"ED25519", "provider=postern", key_calls, NULL},
    {NULL, NULL, NULL, NULL},
};

/* --- signatures --- */

static void *
sign_new(void *provider, const char *properties)
{
    (void)provider;
    (void)properties;
    return OPENSSL_zalloc(sizeof(struct remote_sign));
}

static void
sign_free(void *data)
{
    OPENSSL_free(data);
}

static int
sign_set_params(void *data, const OSSL_PARAM params[])
{
    struct remote_sign *s = data;
    const OSSL_PARAM *p =
        params ? OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE)
               : NULL;
    const char *name = NULL;
    int mode = 0;
    if (p && p->data_type == OSSL_PARAM_UTF8_STRING)
        s->pss = OSSL_PARAM_get_utf8_string_ptr(p, &name) == 1 &&
                 strcmp(name, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0;
    else if (p)
        s->pss =
            OSSL_PARAM_get_int(p, &mode) == 1 && mode == RSA_PKCS1_PSS_PADDING;
    return 1; /* the length of the salt is the digest's, RFC 8446 */
}

static const OSSL_PARAM *
sign_settable_params(void *data, void *provider)
{
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
        OSSL_PARAM_END};
    (void)data;
    (void)provider;
    return types;
}

static int
sign_init(void *data, const char *digest, void *key, const OSSL_PARAM params[])
{
    struct remote_sign *s = data;
    const EVP_MD *md = digest && *digest ? EVP_get_digestbyname(digest) : NULL;
    if (key)
        s->key = key;
    s->digest = md ? EVP_MD_get_type(md) : NID_undef;
    return s->key != NULL && sign_set_params(s, params);
}

static const struct scheme {
    const char *kind;
    int digest;
    bool pss;
    enum ptn_tls_scheme scheme;
} schemes[] = {
    {"RSA", NID_sha256, true, PTN_SIGN_RSA_PSS_SHA256},
    {"RSA", NID_sha384, true, PTN_SIGN_RSA_PSS_SHA384},
    {"RSA", NID_sha512, true, PTN_SIGN_RSA_PSS_SHA512},
    {"RSA", NID_sha256, false, PTN_SIGN_RSA_PKCS1_SHA256},
    {"RSA", NID_sha384, false, PTN_SIGN_RSA_PKCS1_SHA384},
    {"RSA", NID_sha512, false, PTN_SIGN_RSA_PKCS1_SHA512},
    {"RSA", NID_sha1, false, PTN_SIGN_RSA_PKCS1_SHA1},
    {"RSA", NID_md5_sha1, false, PTN_SIGN_RSA_PKCS1_MD5_SHA1},
    {"EC", NID_sha256, false, PTN_SIGN_ECDSA_SHA256},
    {"EC", NID_sha384, false, PTN_SIGN_ECDSA_SHA384},
    {"EC", NID_sha512, false, PTN_SIGN_ECDSA_SHA512},
    {"EC", NID_sha1, false, PTN_SIGN_ECDSA_SHA1},
    {"ED25519", NID_undef, false, PTN_SIGN_ED25519},
};

enum ptn_tls_scheme
tls_openssl_scheme(int kind, int digest)
{
    const char *name = kind == NID_ED25519   ? "ED25519"
                       : kind == EVP_PKEY_EC ? "EC"
                                             : "RSA";
    if (kind == NID_ED25519)
        digest = NID_undef;
    for (size_t i = 0; i < PTN_COUNT(schemes); i++)
        if (schemes[i].digest == digest &&
            schemes[i].pss == (kind == EVP_PKEY_RSA_PSS) &&
            strcmp(schemes[i].kind, name) == 0)
            return schemes[i].scheme;
    return 0;
}

static const struct scheme *
find_scheme(const struct remote_sign *s)
{
    for (size_t i = 0; i < PTN_COUNT(schemes); i++)
        if (schemes[i].digest == s->digest && schemes[i].pss == s->pss &&
            EVP_PKEY_is_a(s->key->public, schemes[i].kind))
            return &schemes[i];
    return NULL;
}

/* The message in one piece, which is all that TLS asks for. */
static int
sign_all(void *data, unsigned char *out, size_t *out_len, size_t room,
         const unsigned char *in, size_t len)
{
    const struct remote_sign *s = data;
    const struct scheme *scheme = find_scheme(s);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_len = 0;
    struct ptn_buf signature = PTN_BUF_INIT;
    struct ptn_tls_to_sign what = {0, {(const char *)in, len}};

    *out_len = (size_t)EVP_PKEY_get_size(s->key->public);
    if (!out || !scheme)
        return scheme != NULL;
    what.scheme = scheme->scheme;
    if (s->digest != NID_undef) {
        if (EVP_Digest(in, len, digest, &digest_len,
                       EVP_get_digestbynid(s->digest), NULL) != 1)
            return 0;
        what.input = (struct ptn_slice){(const char *)digest, digest_len};
    }
    int rc = s->key->sign(s->key->sign_arg, &what, &signature);
    bool fits = rc == 0 && signature.len > 0 && signature.len <= room;
    if (fits) {
        memcpy(out, signature.data, signature.len);
        *out_len = signature.len;
    } else {
        ERR_raise(ERR_LIB_USER, TLS_OPENSSL_R_NO_SIGNATURE);
    }
    ptn_buf_free(&signature);
    return fits;
}

static const OSSL_DISPATCH sign_calls[] = {
    CALL(SIGNATURE_NEWCTX, sign_new),
    CALL(SIGNATURE_FREECTX, sign_free),
    CALL(SIGNATURE_DIGEST_SIGN_INIT, sign_init),
    CALL(SIGNATURE_DIGEST_SIGN, sign_all),
    CALL(SIGNATURE_SET_CTX_PARAMS, sign_set_params),
    CALL(SIGNATURE_SETTABLE_CTX_PARAMS, sign_settable_params),
    {0, NULL},
};

static const OSSL_ALGORITHM signatures[] = {
    {"RSA:rsaEncryption", "provider=postern", sign_calls, NULL},
    {"ECDSA", "provider=postern", sign_calls, NULL},
    {"ED25519", "provider=postern", sign_calls, NULL},
    {NULL, NULL, NULL, NULL},
};

/* --- the provider --- */

static const OSSL_ALGORITHM *
query(void *provider, int operation, int *no_cache)
{
    (void)provider;
    *no_cache = 0;
    if (operation == OSSL_OP_KEYMGMT)
        return keys;
    return operation == OSSL_OP_SIGNATURE ? signatures : NULL;
}

static int
init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
     const OSSL_DISPATCH **out, void **provider)
{
    static const OSSL_DISPATCH calls[] = {CALL(PROVIDER_QUERY_OPERATION, query),
                                          {0, NULL}};
    (void)in;
    *provider = (void *)handle;
    *out = calls;
    return 1;
}

OSSL_LIB_CTX *
tls_openssl_remote_new(void)
{
    OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
    if (libctx && OSSL_PROVIDER_add_builtin(libctx, "postern", init) == 1 &&
        OSSL_PROVIDER_load(libctx, "postern"))
        return libctx;
    OSSL_LIB_CTX_free(libctx);
    return NULL;
}

EVP_PKEY *
tls_openssl_remote_key(const struct tls_openssl *self, EVP_PKEY *public,
                       const struct ptn_tls_params *p)
{
    struct remote_key from = {public, p->sign, p->sign_arg};
    void *pointer = &from;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_ptr(PARAM_KEY, &pointer, sizeof(from)),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(
        self->remote, EVP_PKEY_get0_type_name(public), NULL);
    if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}
