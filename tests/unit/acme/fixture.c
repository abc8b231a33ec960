/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The client, and certificates. One thread.
 */
#include "tests/unit/acme/fixture.h"
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int
account(void *arg, struct ptn_buf *spki, struct acme_failure *failure)
{
    const struct fixture *f = arg;
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(f->account, &der);

    (void)failure;
    ptn_buf_add(spki, der, (size_t)len);
    OPENSSL_free(der);
    return 0;
}

static int
sign(void *arg, struct ptn_slice input, struct ptn_buf *signature,
     struct acme_failure *failure)
{
    const struct fixture *f = arg;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char der[256];
    size_t len = sizeof der;

    (void)failure;
    assert_int_equal(
        EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, f->account), 1);
    assert_int_equal(EVP_DigestSign(context, der, &len,
                                    (const unsigned char *)input.data,
                                    input.len),
                     1);
    ptn_buf_add(signature, der, len);
    EVP_MD_CTX_free(context);
    return 0;
}

int
fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct acme_warden warden = {.account = account, .sign = sign, .arg = f};
    struct acme_responder responder = {0};

    strcpy(f->folder, "/tmp/postern-acme-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->account = EVP_EC_gen("P-256");
    f->settings = (struct acme_settings){.directory = "https://127.0.0.1:1/dir",
                                         .state = f->folder};
    f->client = acme_new(&f->settings, &warden, &responder);
    *state = f;
    return 0;
}

int
fixture_teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];

    acme_free(f->client);
    EVP_PKEY_free(f->account);
    snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static void
add_extension(X509 *cert, X509V3_CTX *context, int nid, const char *value)
{
    X509_EXTENSION *one = X509V3_EXT_conf_nid(NULL, context, nid, value);

    assert_non_null(one);
    X509_add_ext(cert, one, -1);
    X509_EXTENSION_free(one);
}

static void
set_name(X509_NAME *name, const char *text)
{
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *)text, -1, -1, 0);
}

void
fixture_certificate(const char *name, int64_t from, int days, bool own,
                    struct ptn_buf *pem)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    BIO *out = BIO_new(BIO_s_mem());
    X509V3_CTX context;
    char san[300], *text;
    size_t size;

    X509_set_version(cert, 2);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), 0x8765432187654321);
    ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)from);
    ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)(from + days * 86400LL));
    set_name(X509_get_subject_name(cert), name);
    set_name(X509_get_issuer_name(cert), own ? name : "an authority");
    X509_set_pubkey(cert, key);
    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    snprintf(san, sizeof san, "DNS:%s", name);
    add_extension(cert, &context, NID_subject_alt_name, san);
    add_extension(cert, &context, NID_subject_key_identifier, "hash");
    if (!own)
        add_extension(cert, &context, NID_authority_key_identifier,
                      "keyid:always");
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    PEM_write_bio_X509(out, cert);
    size = (size_t)BIO_get_mem_data(out, &text);
    ptn_buf_add(pem, text, size);
    BIO_free(out);
    X509_free(cert);
    EVP_PKEY_free(key);
}
