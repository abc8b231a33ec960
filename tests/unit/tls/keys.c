/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Keys, requests and certificates: what each provider makes is judged by
 * openssl(1), and each reads what the other made.
 */
#include "fixture.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <time.h>

static const char *const names[] = {"mail.example.org", "imap.example.org",
                                    "192.0.2.1", "2001:db8::1"};
static const struct ptn_tls_subject subject = {
    .names = {names, PTN_COUNT(names)}, .days = 90};
static const enum ptn_tls_key_type types[] = {
    PTN_KEY_ECDSA_P256, PTN_KEY_ECDSA_P384, PTN_KEY_RSA_2048,
    PTN_KEY_RSA_3072,   PTN_KEY_RSA_4096,   PTN_KEY_ED25519};

static struct ptn_buf
key_of(const struct provider *p, enum ptn_tls_key_type type)
{
    struct ptn_buf key = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    if (p->ops->key_make(p->instance, type, &key, &err) != 0)
        fail_msg("%s", err.text);
    return key;
}

static struct ptn_buf
cert_of(const struct provider *p, struct ptn_slice key)
{
    struct ptn_buf cert = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    if (p->ops->self_sign(p->instance, key, &subject, &cert, &err) != 0)
        fail_msg("%s", err.text);
    return cert;
}

static void
check_facts(const struct provider *p, struct ptn_slice pem,
            enum ptn_tls_key_type type)
{
    struct ptn_tls_cert cert;
    struct ptn_error err = PTN_ERROR_INIT;
    time_t now = time(NULL);

    if (p->ops->cert_parse(p->instance, pem, &cert, &err) != 0)
        fail_msg("%s: %s", p->name, err.text);
    assert_int_equal(cert.key_type, type);
    assert_true(cert.self_signed);
    assert_false(cert.is_ca);
    assert_true(cert.not_before <= now);
    assert_in_range(cert.not_after, now + 88 * 86400, now + 91 * 86400);
    assert_string_equal(cert.names,
                        "mail.example.org imap.example.org 192.0.2.1 "
                        "2001:db8::1");
    assert_string_equal(cert.subject, "/CN=mail.example.org");
    assert_string_equal(cert.issuer, "/CN=mail.example.org");
    assert_int_equal(strlen(cert.fingerprint), 64);
    assert_true(strlen(cert.serial) >= 16);
}

static void
makes_what_openssl_accepts(void **state)
{
    const struct provider *p = *state;
    for (size_t i = 0; i < PTN_COUNT(types); i++) {
        struct ptn_buf key = key_of(p, types[i]);
        struct ptn_slice k = ptn_buf_slice(&key);
        struct ptn_buf cert = cert_of(p, k);
        assert_true(judged_by("openssl pkey -in k -check -noout", k,
                              (struct ptn_slice){NULL, 0}));
        assert_true(judged_by(
            "openssl verify -x509_strict -check_ss_sig -CAfile c -purpose "
            "sslserver -verify_hostname imap.example.org c && openssl verify "
            "-CAfile c -verify_ip 2001:db8::1 c && openssl x509 -in c -noout "
            "-pubkey >p && openssl pkey -in k -pubout | cmp - p",
            k, ptn_buf_slice(&cert)));
        check_facts(&tls_openssl, ptn_buf_slice(&cert), types[i]);
        check_facts(p, ptn_buf_slice(&cert), types[i]);
        ptn_buf_free(&cert);
        ptn_buf_free(&key);
    }
}

static void
reads_what_openssl_makes(void **state)
{
    for (size_t i = 0; i < PTN_COUNT(types); i++) {
        struct ptn_buf key = key_of(&tls_openssl, types[i]);
        struct ptn_buf cert = cert_of(&tls_openssl, ptn_buf_slice(&key));
        check_facts(*state, ptn_buf_slice(&cert), types[i]);
        ptn_buf_free(&cert);
        ptn_buf_free(&key);
    }
}

static void
requests(void **state)
{
    const struct provider *p = *state;
    for (size_t i = 0; i < PTN_COUNT(types); i++) {
        struct ptn_buf key = key_of(p, types[i]), csr = PTN_BUF_INIT;
        struct ptn_error err = PTN_ERROR_INIT;
        assert_int_equal(p->ops->csr_make(p->instance, ptn_buf_slice(&key),
                                          &subject, &csr, &err),
                         0);
        assert_true(judged_by(
            "openssl req -in c -verify -noout -text >t && grep -q 'CN = "
            "mail.example.org' t && grep -q 'DNS:imap.example.org, IP "
            "Address:192.0.2.1' t",
            ptn_buf_slice(&key), ptn_buf_slice(&csr)));
        ptn_buf_free(&csr);
        ptn_buf_free(&key);
    }
}

static void
refuses(const struct provider *p, struct ptn_slice cert, struct ptn_slice key,
        const char *words)
{
    struct ptn_error err = PTN_ERROR_INIT;
    assert_int_equal(p->ops->pair_match(p->instance, cert, key, &err), -1);
    if (!strstr(err.text, words))
        fail_msg("%s: \"%s\" does not say \"%s\"", p->name, err.text, words);
    assert_null(strchr(err.text, '\n'));
    struct ptn_tls_params params = {.size = sizeof(params),
                                    .chain = cert,
                                    .key = key,
                                    .min_version = PTN_TLS_1_2,
                                    .max_version = PTN_TLS_1_3};
    struct ptn_tls_context *context = NULL;
    assert_int_equal(p->ops->context_new(p->instance, &params, &context, &err),
                     -1);
    assert_non_null(strstr(err.text, words));
}

static void
pairs(void **state)
{
    const struct provider *p = *state;
    struct ptn_buf keys[PTN_COUNT(types)], certs[PTN_COUNT(types)];
    struct ptn_error err = PTN_ERROR_INIT;
    for (size_t i = 0; i < PTN_COUNT(types); i++) {
        keys[i] = key_of(&tls_openssl, types[i]);
        certs[i] = cert_of(&tls_openssl, ptn_buf_slice(&keys[i]));
    }
    struct ptn_buf other = key_of(&tls_openssl, PTN_KEY_ECDSA_P256);
    for (size_t i = 0; i < PTN_COUNT(types); i++) {
        if (p->ops->pair_match(p->instance, ptn_buf_slice(&certs[i]),
                               ptn_buf_slice(&keys[i]), &err) != 0)
            fail_msg("%s", err.text);
        refuses(p, ptn_buf_slice(&certs[i]),
                ptn_buf_slice(i == 0 ? &other : &keys[i - 1]), "do not match");
    }
    refuses(p, ptn_buf_slice(&keys[0]), ptn_buf_slice(&keys[0]),
            "not a certificate");
    refuses(p, ptn_buf_slice(&certs[0]), ptn_buf_slice(&certs[0]), "not a key");
    refuses(p, (struct ptn_slice){NULL, 0}, ptn_buf_slice(&keys[0]),
            "not a certificate");
    refuses(p, ptn_buf_slice(&certs[0]), (struct ptn_slice){NULL, 0},
            "not a key");
    ptn_buf_free(&other);
    for (size_t i = 0; i < PTN_COUNT(types); i++) {
        ptn_buf_free(&keys[i]);
        ptn_buf_free(&certs[i]);
    }
}

static void
damaged_pem(void **state)
{
    const struct provider *p = *state;
    struct identity id = identity_make(PTN_KEY_ECDSA_P256, "a.example.org");
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_tls_cert facts;
    for (size_t cut = 0; cut + 2 < id.cert.len; cut += 7) {
        struct ptn_slice part = {id.cert.data, cut};
        assert_int_equal(p->ops->cert_parse(p->instance, part, &facts, &err),
                         -1);
        assert_non_null(strstr(err.text, "not a certificate"));
    }
    for (size_t cut = 0; cut + 2 < id.key.len; cut += 7) {
        struct ptn_slice part = {id.key.data, cut};
        assert_int_equal(p->ops->pair_match(
                             p->instance, ptn_buf_slice(&id.cert), part, &err),
                         -1);
        assert_non_null(strstr(err.text, "not a key"));
    }
    for (size_t at = 30; at + 30 < id.cert.len; at++) {
        char right = id.cert.data[at];
        id.cert.data[at] = right == 'A' ? 'B' : 'A';
        (void)p->ops->cert_parse(p->instance, ptn_buf_slice(&id.cert), &facts,
                                 &err);
        id.cert.data[at] = right;
    }
    identity_free(&id);
}

/* A key behind a password, in both forms, is refused by name. */
static void
encrypted_keys(void **state)
{
    const struct provider *p = *state;
    struct identity id = identity_make(PTN_KEY_RSA_2048, "a.example.org");
    BIO *in = BIO_new_mem_buf(id.key.data, (int)id.key.len);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    for (int traditional = 0; traditional < 2; traditional++) {
        char *data;
        BIO *out = BIO_new(BIO_s_mem());
        if (traditional)
            PEM_write_bio_PrivateKey_traditional(out, key, EVP_aes_128_cbc(),
                                                 (const uint8_t *)"pass", 4,
                                                 NULL, NULL);
        else
            PEM_write_bio_PKCS8PrivateKey(out, key, EVP_aes_128_cbc(), "pass",
                                          4, NULL, NULL);
        long len = BIO_get_mem_data(out, &data);
        refuses(p, ptn_buf_slice(&id.cert),
                (struct ptn_slice){data, (size_t)len}, "is encrypted");
        BIO_free(out);
    }
    BIO_free(in);
    EVP_PKEY_free(key);
    identity_free(&id);
}

static void
weak_keys(void **state)
{
    struct identity id = identity_make(PTN_KEY_RSA_2048, "a.example.org");
    EVP_PKEY *key = EVP_RSA_gen(1024);
    BIO *out = BIO_new(BIO_s_mem());
    char *data;
    PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
    long len = BIO_get_mem_data(out, &data);
    refuses(*state, ptn_buf_slice(&id.cert),
            (struct ptn_slice){data, (size_t)len}, "weak");
    BIO_free(out);
    EVP_PKEY_free(key);
    identity_free(&id);
}

/* Core warns of an expired certificate; a provider reads and uses it. */
static void
expired_certificates(void **state)
{
    const struct provider *p = *state;
    struct identity id = identity_make(PTN_KEY_ECDSA_P256, "a.example.org");
    BIO *in = BIO_new_mem_buf(id.key.data, (int)id.key.len);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    BIO_free(in);
    in = BIO_new_mem_buf(id.cert.data, (int)id.cert.len);
    X509 *cert = PEM_read_bio_X509(in, NULL, NULL, NULL);
    BIO_free(in);
    ASN1_TIME_set(X509_getm_notBefore(cert), 1000000000);
    ASN1_TIME_set(X509_getm_notAfter(cert), 1000086400);
    X509_sign(cert, key, EVP_sha256());
    BIO *out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(out, cert);
    char *data;
    long len = BIO_get_mem_data(out, &data);
    id.cert.len = 0;
    ptn_buf_add(&id.cert, data, (size_t)len);
    struct ptn_tls_cert facts;
    struct ptn_error err = PTN_ERROR_INIT;
    assert_int_equal(
        p->ops->cert_parse(p->instance, ptn_buf_slice(&id.cert), &facts, &err),
        0);
    assert_int_equal(facts.not_before, 1000000000);
    assert_int_equal(facts.not_after, 1000086400);
    struct ptn_tls_params params = params_for(&id);
    p->ops->context_free(p->instance, context_make(p, &params));
    BIO_free(out);
    X509_free(cert);
    EVP_PKEY_free(key);
    identity_free(&id);
}

/* Signed anew, after a change. */
static void
sign_again(X509 *cert, struct identity *id)
{
    BIO *in = BIO_new_mem_buf(id->key.data, (int)id->key.len);
    BIO *out = BIO_new(BIO_s_mem());
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    char *data;
    X509_sign(cert, key, EVP_sha256());
    PEM_write_bio_X509(out, cert);
    long len = BIO_get_mem_data(out, &data);
    id->cert.len = 0;
    ptn_buf_add(&id->cert, data, (size_t)len);
    EVP_PKEY_free(key);
    BIO_free(in);
    BIO_free(out);
}

/* Whoever signs may write what he likes: it is shown on terminals, and names
 * are told apart by blanks. */
static void
odd_names(void **state)
{
    static const char *const odd[] = {"a.test b.test", "c\x1b[2J.test",
                                      "good.test"};
    const struct provider *p = *state;
    struct identity id = identity_make(PTN_KEY_ECDSA_P256, "a.example.org");
    struct ptn_tls_cert facts = {.not_before = 0};
    struct ptn_error err = PTN_ERROR_INIT;
    GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();
    BIO *in = BIO_new_mem_buf(id.cert.data, (int)id.cert.len);
    X509 *cert = PEM_read_bio_X509(in, NULL, NULL, NULL);
    BIO_free(in);
    for (size_t i = 0; i < PTN_COUNT(odd); i++) {
        GENERAL_NAME *name = GENERAL_NAME_new();
        ASN1_IA5STRING *text = ASN1_IA5STRING_new();
        ASN1_STRING_set(text, odd[i], -1);
        GENERAL_NAME_set0_value(name, GEN_DNS, text);
        sk_GENERAL_NAME_push(list, name);
    }
    X509_add1_ext_i2d(cert, NID_subject_alt_name, list, 0, X509V3_ADD_REPLACE);
    GENERAL_NAMES_free(list);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "O", MBSTRING_UTF8,
                               (const uint8_t *)"x\x1b[2J\ny", -1, -1, 0);
    sign_again(cert, &id);
    assert_int_equal(
        p->ops->cert_parse(p->instance, ptn_buf_slice(&id.cert), &facts, &err),
        0);
    assert_string_equal(facts.names, "good.test");
    assert_null(strpbrk(facts.subject, "\x1b\n"));
    X509_free(cert);
    identity_free(&id);
}

/* What a context must not be made of, with words for the operator. */
static void
impossible_policies(void **state)
{
    const struct provider *p = *state;
    struct identity id = identity_make(PTN_KEY_ECDSA_P256, "a.example.org");
    struct ptn_tls_context *context = NULL;
    for (int i = 0; i < 5; i++) {
        struct ptn_tls_params params = params_for(&id);
        struct ptn_error err = PTN_ERROR_INIT;
        if (i == 0)
            params.groups = "P-257";
        if (i == 1)
            params.ciphers = "ROT13";
        if (i == 2)
            params.min_version = PTN_TLS_1_3, params.max_version = PTN_TLS_1_2;
        if (i == 3)
            params.max_version = PTN_TLS_1_1;
        if (i == 4)
            params.suites = "TLS_ROT_13";
        assert_int_equal(
            p->ops->context_new(p->instance, &params, &context, &err), -1);
        assert_int_equal(err.code, PTN_ERR_TLS);
        assert_true(strlen(err.text) > 10);
        assert_null(context);
    }
    identity_free(&id);
}

/* --- signatures for a handshake elsewhere --- */

static bool
verifies(struct ptn_slice key_pem, const struct ptn_tls_to_sign *what,
         const struct ptn_buf *signature)
{
    BIO *in = BIO_new_mem_buf(key_pem.data, (int)key_pem.len);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    const uint8_t *sig = (const uint8_t *)signature->data;
    const uint8_t *input = (const uint8_t *)what->input.data;
    int rc;
    if (what->scheme == PTN_SIGN_ED25519) {
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        EVP_DigestVerifyInit(md, NULL, NULL, NULL, key);
        rc = EVP_DigestVerify(md, sig, signature->len, input, what->input.len);
        EVP_MD_CTX_free(md);
    } else {
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
        EVP_PKEY_verify_init(ctx);
        EVP_PKEY_CTX_set_signature_md(
            ctx, what->input.len == 48 ? EVP_sha384() : EVP_sha256());
        if (what->scheme >> 8 == 8) {
            EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING);
            EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST);
        }
        rc = EVP_PKEY_verify(ctx, sig, signature->len, input, what->input.len);
        EVP_PKEY_CTX_free(ctx);
    }
    EVP_PKEY_free(key);
    BIO_free(in);
    return rc == 1;
}

/* With a key that is read once. */
static void
sign_often(const struct provider *p, struct ptn_slice pem,
           const struct ptn_tls_to_sign *what)
{
    struct ptn_tls_key *key = NULL;
    struct ptn_error err = PTN_ERROR_INIT;
    if (p->ops->key_open(p->instance, pem, &key, &err) != 0)
        fail_msg("%s", err.text);
    for (int i = 0; i < 3; i++) {
        struct ptn_buf sig = PTN_BUF_INIT;
        assert_int_equal(p->ops->key_sign(key, what, &sig, &err), 0);
        assert_true(verifies(pem, what, &sig));
        ptn_buf_free(&sig);
    }
    p->ops->key_close(key);
    p->ops->key_close(NULL);
    assert_int_equal(
        p->ops->key_open(p->instance, PTN_SLICE("no key"), &key, &err), -1);
}

static void
signs(void **state)
{
    static const struct {
        enum ptn_tls_scheme scheme;
        enum ptn_tls_key_type type;
        size_t len;
    } rows[] = {{PTN_SIGN_RSA_PKCS1_SHA256, PTN_KEY_RSA_2048, 32},
                {PTN_SIGN_RSA_PKCS1_SHA384, PTN_KEY_RSA_2048, 48},
                {PTN_SIGN_RSA_PSS_SHA256, PTN_KEY_RSA_2048, 32},
                {PTN_SIGN_RSA_PSS_SHA384, PTN_KEY_RSA_3072, 48},
                {PTN_SIGN_ECDSA_SHA256, PTN_KEY_ECDSA_P256, 32},
                {PTN_SIGN_ECDSA_SHA384, PTN_KEY_ECDSA_P384, 48},
                {PTN_SIGN_ED25519, PTN_KEY_ED25519, 100}};
    const struct provider *p = *state;
    char input[100];
    memset(input, 'x', sizeof(input));
    for (size_t i = 0; i < PTN_COUNT(rows); i++) {
        struct ptn_buf key = key_of(&tls_openssl, rows[i].type);
        struct ptn_buf sig = PTN_BUF_INIT;
        struct ptn_error err = PTN_ERROR_INIT;
        struct ptn_tls_to_sign what = {rows[i].scheme, {input, rows[i].len}};
        if (p->ops->sign(p->instance, ptn_buf_slice(&key), &what, &sig, &err) !=
            0)
            fail_msg("%zu: %s", i, err.text);
        assert_true(verifies(ptn_buf_slice(&key), &what, &sig));
        sig.data[sig.len / 2] ^= 1;
        assert_false(verifies(ptn_buf_slice(&key), &what, &sig));
        what.scheme = rows[(i + 4) % PTN_COUNT(rows)].scheme;
        assert_int_equal(
            p->ops->sign(p->instance, ptn_buf_slice(&key), &what, &sig, &err),
            -1);
        sig.len = 0;
        what.scheme = rows[i].scheme;
        sign_often(p, ptn_buf_slice(&key), &what);
        ptn_buf_free(&sig);
        ptn_buf_free(&key);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(makes_what_openssl_accepts),
        BOTH(reads_what_openssl_makes),
        BOTH(requests),
        BOTH(pairs),
        BOTH(damaged_pem),
        BOTH(encrypted_keys),
        BOTH(weak_keys),
        BOTH(expired_certificates),
        BOTH(odd_names),
        BOTH(impossible_policies),
        BOTH(signs),
    };
    return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
