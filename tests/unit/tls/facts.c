/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What certificates say: those that openssl(1) makes are read alike by each
 * provider, and the subjects that each provider writes are read by it.
 */
#include "fixture.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

/* A self-signed certificate with such an extension, NULL for none. */
static struct ptn_buf
made(EVP_PKEY *key, const EVP_MD *md, const char *const (*extensions)[2])
{
    X509 *cert = X509_new();
    struct ptn_buf out = PTN_BUF_INIT;
    X509V3_CTX ctx;
    char *data;
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 4711);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)"leaf", -1, -1, 0);
    X509_NAME_add_entry_by_txt(X509_get_issuer_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)"other", -1, -1, 0);
    X509_set_pubkey(cert, key);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&ctx);
    for (; extensions && (*extensions)[0]; extensions++) {
        X509_EXTENSION *e =
            X509V3_EXT_conf(NULL, &ctx, (*extensions)[0], (*extensions)[1]);
        assert_non_null(e);
        X509_add_ext(cert, e, -1);
        X509_EXTENSION_free(e);
    }
    assert_true(X509_sign(cert, key, md) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, cert);
    long len = BIO_get_mem_data(bio, &data);
    ptn_buf_add(&out, data, (size_t)len);
    BIO_free(bio);
    X509_free(cert);
    return out;
}

static struct ptn_tls_cert
facts_of(const struct provider *p, struct ptn_buf *pem)
{
    struct ptn_tls_cert facts;
    struct ptn_error err = PTN_ERROR_INIT;
    if (p->ops->cert_parse(p->instance, ptn_buf_slice(pem), &facts, &err) != 0)
        fail_msg("%s: %s", p->name, err.text);
    ptn_buf_free(pem);
    return facts;
}

typedef const char *const extensions[][2];

static struct ptn_tls_cert
facts_with(const struct provider *p, const char *const (*list)[2])
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    struct ptn_buf pem = made(key, EVP_sha256(), list);
    EVP_PKEY_free(key);
    return facts_of(p, &pem);
}

static void
purposes(void **state)
{
    static const extensions signs = {{"keyUsage", "critical,digitalSignature"},
                                     {"extendedKeyUsage", "serverAuth"},
                                     {NULL, NULL}};
    static const extensions any = {
        {"extendedKeyUsage", "clientAuth,anyExtendedKeyUsage"}, {NULL, NULL}};
    static const extensions client = {{"extendedKeyUsage", "clientAuth"},
                                      {NULL, NULL}};
    static const extensions authority = {{"keyUsage", "keyCertSign,cRLSign"},
                                         {NULL, NULL}};
    static const extensions agrees = {{"keyUsage", "keyAgreement"},
                                      {"extendedKeyUsage", "serverAuth"},
                                      {NULL, NULL}};
    assert_true(facts_with(*state, NULL).serves);
    assert_true(facts_with(*state, signs).serves);
    assert_true(facts_with(*state, any).serves);
    assert_false(facts_with(*state, client).serves);
    assert_false(facts_with(*state, authority).serves);
    assert_false(facts_with(*state, agrees).serves);
}

static void
staples_and_responders(void **state)
{
    static const extensions must = {
        {"tlsfeature", "status_request"},
        {"authorityInfoAccess", "caIssuers;URI:http://ca.example/a,OCSP;"
                                "URI:ldap://x/,OCSP;URI:http://o.example/1,"
                                "OCSP;URI:http://o.example/2"},
        {NULL, NULL}};
    static const extensions v2 = {{"tlsfeature", "status_request_v2"},
                                  {NULL, NULL}};
    struct ptn_tls_cert facts = facts_with(*state, must);
    assert_true(facts.must_staple);
    assert_string_equal(facts.ocsp, "http://o.example/1");
    facts = facts_with(*state, v2);
    assert_false(facts.must_staple);
    assert_string_equal(facts.ocsp, "");
}

static void
long_responders(void **state)
{
    char value[400] = "OCSP;URI:http://o.example/";
    const char *const list[][2] = {{"authorityInfoAccess", value},
                                   {NULL, NULL}};
    size_t begin = strlen("OCSP;URI:");
    memset(value + strlen(value), 'x', 255 - (strlen(value) - begin));
    assert_int_equal(strlen(facts_with(*state, list).ocsp), 255);
    value[strlen(value)] = 'x';
    assert_string_equal(facts_with(*state, list).ocsp, "");
}

static void
key_ids(void **state)
{
    static const extensions list = {{"subjectKeyIdentifier", "00:01:AB:ff"},
                                    {NULL, NULL}};
    struct ptn_tls_cert facts = facts_with(*state, list);
    assert_string_equal(facts.subject_key_id, "0001abff");
    assert_string_equal(facts.authority_key_id, "");
    static const extensions both = {{"subjectKeyIdentifier", "12:34"},
                                    {"2.5.29.35", "DER:30:04:80:02:56:78"},
                                    {NULL, NULL}};
    facts = facts_with(*state, both);
    assert_string_equal(facts.subject_key_id, "1234");
    assert_string_equal(facts.authority_key_id, "5678");
}

static void
sizes_and_signatures(void **state)
{
    static const struct {
        const char *kind, *digest;
        int bits;
        bool weak;
    } rows[] = {
        {"P-256", "SHA256", 256, false}, {"P-384", "SHA384", 384, false},
        {"P-256", "SHA1", 256, true},    {"rsa", "SHA256", 1024, false},
        {"rsa", "SHA1", 2048, true},     {"rsa", "MD5", 2048, true},
        {"rsa", "SHA512", 3072, false},  {"ed", NULL, 256, false},
        {"rsa", "SHA256", 2050, false},
    };
    for (size_t i = 0; i < PTN_COUNT(rows); i++) {
        EVP_PKEY *key = strcmp(rows[i].kind, "rsa") == 0
                            ? EVP_RSA_gen((unsigned)rows[i].bits)
                        : strcmp(rows[i].kind, "ed") == 0
                            ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                            : EVP_EC_gen(rows[i].kind);
        struct ptn_buf pem = made(
            key, rows[i].digest ? EVP_get_digestbyname(rows[i].digest) : NULL,
            NULL);
        struct ptn_tls_cert facts = facts_of(*state, &pem);
        assert_int_equal(facts.key_bits, rows[i].bits);
        assert_int_equal(facts.weak_signature, rows[i].weak);
        EVP_PKEY_free(key);
    }
}

/* --- subjects --- */

static void
subject_is(const struct provider *p, const char *subject,
           struct ptn_strings names, const char *shown)
{
    const struct ptn_tls_subject s = {names, 30, subject};
    struct identity id = identity_make(PTN_KEY_ECDSA_P256, "a.example");
    struct ptn_buf csr = PTN_BUF_INIT, cert = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    char command[512];
    if (p->ops->csr_make(p->instance, ptn_buf_slice(&id.key), &s, &csr, &err) !=
            0 ||
        p->ops->self_sign(p->instance, ptn_buf_slice(&id.key), &s, &cert,
                          &err) != 0)
        fail_msg("%s: %s", subject, err.text);
    snprintf(command, sizeof(command),
             "openssl req -in k -verify -noout -subject -nameopt "
             "utf8,esc_2253,sep_comma_plus_space,sname 2>/dev/null >s && "
             "echo 'subject=%s' | cmp - s && openssl x509 -in c -noout "
             "-subject -nameopt utf8,esc_2253,sep_comma_plus_space,sname >s "
             "&& echo 'subject=%s' | cmp - s",
             shown, shown);
    assert_true(judged_by(command, ptn_buf_slice(&csr), ptn_buf_slice(&cert)));
    ptn_buf_free(&csr);
    ptn_buf_free(&cert);
    identity_free(&id);
}

static void
writes_subjects(void **state)
{
    static const char *const host[] = {"mail.example.org"};
    const struct ptn_strings names = {host, 1}, none = {NULL, 0};
    subject_is(*state, "O=Example, C=DE", names,
               "O=Example, C=DE, CN=mail.example.org");
    subject_is(*state, "c=DE,st=Bayern , L= M\303\274nchen,CN=own", names,
               "C=DE, ST=Bayern, L=M\303\274nchen, CN=own");
    subject_is(*state, "O=A\\, B \\2b C\\ ,OU=\\#x", names,
               "O=A\\, B \\+ C\\ , OU=\\#x, CN=mail.example.org");
    subject_is(*state, "DC=org,DC=example,UID=u,2.5.4.65=nick", none,
               "DC=org, DC=example, UID=u, pseudonym=nick");
    subject_is(*state, "CN=CA,serialNumber=12,emailAddress=a@b.example", none,
               "CN=CA, serialNumber=12, emailAddress=a@b.example");
}

static void
refuses_subjects(void **state)
{
    static const char *const wrong[] = {
        "",
        "O",
        "O=",
        "=x",
        "X=1",
        "O=a,",
        "O=a,,C=DE",
        "C=Germany",
        "C=d!",
        "O=a+OU=b",
        "O=\"a\"",
        "O=a\\",
        "O=a\\z",
        "O=#0401",
        "O=\303",
        "O=\1",
        "DC=\303\244",
        "1.2=x",
        "3.1.1=x",
        "1.40.1=x",
        "1..2=x",
        "O=12345678901234567890123456789012345678901234567890123456789012345"};
    static const char *const host[] = {"mail.example.org"};
    const struct provider *p = *state;
    struct identity id = identity_make(PTN_KEY_ECDSA_P256, "a.example");
    for (size_t i = 0; i < PTN_COUNT(wrong); i++) {
        const struct ptn_tls_subject s = {{host, 1}, 30, wrong[i]};
        struct ptn_buf csr = PTN_BUF_INIT;
        struct ptn_error err = PTN_ERROR_INIT;
        if (p->ops->csr_make(p->instance, ptn_buf_slice(&id.key), &s, &csr,
                             &err) == 0)
            fail_msg("\"%s\" is taken", wrong[i]);
        assert_non_null(strstr(err.text, "the subject"));
        assert_int_equal(csr.len, 0);
    }
    identity_free(&id);
}

/* Each name by its form (RFC 5280 section 4.2.1.6). */
static void
kinds_of_names(void **state)
{
    static const char *const names[] = {"a.example", "*.b.example", "192.0.2.7",
                                        "2001:db8::7", "post@c.example"};
    const struct ptn_tls_subject s = {{names, PTN_COUNT(names)}, 30, NULL};
    const struct provider *p = *state;
    struct identity id = identity_make(PTN_KEY_RSA_2048, "a.example");
    struct ptn_buf cert = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    assert_int_equal(
        p->ops->self_sign(p->instance, ptn_buf_slice(&id.key), &s, &cert, &err),
        0);
    assert_true(judged_by(
        "openssl x509 -in c -noout -ext subjectAltName,keyUsage,"
        "extendedKeyUsage >t && grep -q 'DNS:a.example, DNS:\\*.b.example, IP "
        "Address:192.0.2.7, IP Address:2001:DB8:0:0:0:0:0:7, "
        "email:post@c.example' t && grep -q 'Digital Signature, Key "
        "Encipherment' t && grep -q 'Key Usage: critical' t && "
        "openssl verify -x509_strict -CAfile c -verify_email post@c.example "
        "-purpose sslserver c",
        ptn_buf_slice(&id.key), ptn_buf_slice(&cert)));
    struct ptn_tls_cert facts = facts_of(p, &cert);
    assert_string_equal(facts.names,
                        "a.example *.b.example 192.0.2.7 2001:db8::7");
    assert_true(facts.serves && facts.self_signed);
    assert_int_equal(strlen(facts.subject_key_id), 40);
    identity_free(&id);
}

/* Beyond 2049 the years have four digits (RFC 5280 section 4.1.2.5). */
static void
long_lives(void **state)
{
    static const char *const host[] = {"a.example"};
    const struct provider *p = *state;
    struct identity id = identity_make(PTN_KEY_ECDSA_P256, "a.example");
    struct ptn_tls_subject s = {{host, 1}, 36500, NULL};
    struct ptn_buf cert = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    assert_int_equal(
        p->ops->self_sign(p->instance, ptn_buf_slice(&id.key), &s, &cert, &err),
        0);
    assert_true(judged_by("openssl asn1parse -in c | grep -q GENERALIZEDTIME",
                          ptn_buf_slice(&id.key), ptn_buf_slice(&cert)));
    int64_t end = facts_of(p, &cert).not_after;
    assert_in_range(end, time(NULL) + 36499LL * 86400,
                    time(NULL) + 36501LL * 86400);
    s.days = 4000000;
    assert_int_equal(
        p->ops->self_sign(p->instance, ptn_buf_slice(&id.key), &s, &cert, &err),
        -1);
    assert_non_null(strstr(err.text, "9999"));
    identity_free(&id);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(purposes),
        BOTH(staples_and_responders),
        BOTH(long_responders),
        BOTH(key_ids),
        BOTH(sizes_and_signatures),
        BOTH(writes_subjects),
        BOTH(refuses_subjects),
        BOTH(kinds_of_names),
        BOTH(long_lives),
    };
    return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
