/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The warden's desk for the envoy, with a real TLS provider: what it does for
 * the client that is ours, and what it refuses to an envoy that is somebody
 * else's by now.
 */
#include "pki/manage.h"
#include "warden/errand_client.h"
#include "warden/errand_desk.h"
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

extern const struct ptn_tls_ops tls_openssl_ops;

struct house {
    char folder[64];
    struct ptn_cert_conf certs[2];
    struct ptn_conf conf;
    struct ptn_errand_office office;
    struct ptn_errand_client *client;
    int fd; /* of the client, to write what it would not */
    EVP_PKEY *authority;
    char shown[64];
    unsigned changed;
};

static int
show(void *arg, const char *name, struct ptn_slice chain, struct ptn_slice key,
     struct ptn_error *err)
{
    struct house *h = arg;

    (void)err;
    assert_int_equal(chain.len == 0, key.len == 0);
    snprintf(h->shown, sizeof h->shown, "%s%s", chain.len ? "" : "-", name);
    return 0;
}

static void
changed(void *arg, const char *name)
{
    struct house *h = arg;

    assert_string_equal(name, "public");
    h->changed++;
}

static void
make_stand_in(struct house *h)
{
    struct ptn_manage m = {
        .conf = &h->conf, .ops = h->office.ops, .instance = NULL};
    struct ptn_cert_order order;
    struct ptn_error err = PTN_ERROR_INIT;

    m.repository = ptn_repository_open(h->folder, (uid_t)-1, (gid_t)-1, &err);
    assert_non_null(m.repository);
    order = ptn_manage_preset(&m, "public");
    assert_int_equal(ptn_manage_create(&m, "public", &order, &err),
                     PTN_CERT_GOOD);
    ptn_repository_close(m.repository);
}

static int
setup(void **state)
{
    static const char *const names[] = {"mx.example.test", "*.example.test"};
    struct house *h = calloc(1, sizeof *h);
    struct ptn_error err = PTN_ERROR_INIT;
    int pair[2];

    strcpy(h->folder, "/tmp/postern-errand-XXXXXX");
    assert_non_null(mkdtemp(h->folder));
    h->certs[0] = (struct ptn_cert_conf){
        .name = "public", .names = {names, 2}, .days = 30, .source = "acme"};
    h->certs[1] =
        (struct ptn_cert_conf){.name = "own", .names = {names, 1}, .days = 30};
    h->conf.certs = h->certs;
    h->conf.cert_count = 2;
    h->conf.server.state = h->folder;
    h->conf.server.hostname = "mx.example.test";
    h->office = (struct ptn_errand_office){&h->conf, &tls_openssl_ops, NULL,
                                           show,     changed,          h};
    h->authority = EVP_EC_gen("P-256");
    make_stand_in(h);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    assert_int_equal(ptn_errand_desk_open(&h->office, pair[0], &err), 0);
    h->fd = pair[1];
    h->client = ptn_errand_client_new(pair[1]);
    *state = h;
    return 0;
}

static int
teardown(void **state)
{
    struct house *h = *state;
    char command[128];

    ptn_errand_client_free(h->client);
    usleep(20000); /* the desk's thread has read its end */
    EVP_PKEY_free(h->authority);
    snprintf(command, sizeof command, "rm -rf '%s'", h->folder);
    assert_int_equal(system(command), 0);
    free(h);
    return 0;
}

static int
ask(struct house *h, enum ptn_errand_op op, const char *first,
    struct ptn_slice second, struct ptn_buf *out)
{
    struct ptn_error err = PTN_ERROR_INIT;

    out->len = 0;
    if (ptn_errand_client_ask(h->client, op, first, second, out, &err) == 0)
        return 0;
    ptn_buf_adds(out, err.text);
    (void)ptn_buf_cstr(out);
    return -1;
}

static const struct ptn_slice nothing = {NULL, 0};

/* --- the account --- */

static void
test_account(void **state)
{
    struct house *h = *state;
    struct ptn_buf spki = PTN_BUF_INIT, again = PTN_BUF_INIT,
                   signature = PTN_BUF_INIT;
    struct ptn_slice input = PTN_SLICE("eyJhbGciOiJFUzI1NiJ9.e30");
    const unsigned char *at;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY *key;
    char path[160];
    struct stat st;

    assert_int_equal(ask(h, PTN_ERRAND_OP_ACCOUNT, "acme", nothing, &spki), 0);
    assert_int_equal(ask(h, PTN_ERRAND_OP_ACCOUNT, "acme", nothing, &again), 0);
    assert_true(ptn_slice_eq(ptn_buf_slice(&spki), ptn_buf_slice(&again)));
    snprintf(path, sizeof path, "%s/certs/accounts/acme.key", h->folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    at = (const unsigned char *)spki.data;
    key = d2i_PUBKEY(NULL, &at, (long)spki.len);
    assert_non_null(key);
    assert_int_equal(ask(h, PTN_ERRAND_OP_SIGN, "acme", input, &signature), 0);
    EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key);
    assert_int_equal(EVP_DigestVerify(context, (unsigned char *)signature.data,
                                      signature.len,
                                      (const unsigned char *)input.data,
                                      input.len),
                     1);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    ptn_buf_free(&spki);
    ptn_buf_free(&again);
    ptn_buf_free(&signature);
}

/* Nothing but a JWS is signed: no handshake, no request, no certificate. */
static void
test_signs_nothing_else(void **state)
{
    static const char *const inputs[] = {
        "", ".", ".e30", "abc", "a.b.c", "a b.c", "a.b\n", "a.b=", "\x30\x82.x",
    };
    struct house *h = *state;
    struct ptn_buf out = PTN_BUF_INIT, many = PTN_BUF_INIT;

    for (size_t i = 0; i < PTN_COUNT(inputs); i++) {
        assert_int_equal(
            ask(h, PTN_ERRAND_OP_SIGN, "acme", ptn_slice_of(inputs[i]), &out),
            -1);
        assert_non_null(strstr(out.data, "no JWS"));
    }
    ptn_buf_adds(&many, "a.");
    while (many.len <= PTN_ERRAND_INPUT_MAX)
        ptn_buf_addc(&many, 'a');
    assert_int_equal(
        ask(h, PTN_ERRAND_OP_SIGN, "acme", ptn_buf_slice(&many), &out), -1);
    ptn_buf_free(&many);
    ptn_buf_free(&out);
}

/* No account for an errand that nobody has, nor for a path. */
static void
test_strange_errands(void **state)
{
    static const char *const names[] = {"",     "other",     "../public",
                                        "file", "acme/../x", "self-signed"};
    struct house *h = *state;
    struct ptn_buf out = PTN_BUF_INIT;

    for (size_t i = 0; i < PTN_COUNT(names); i++) {
        assert_int_equal(ask(h, PTN_ERRAND_OP_ACCOUNT, names[i], nothing, &out),
                         -1);
        assert_int_equal(
            ask(h, PTN_ERRAND_OP_SIGN, names[i], PTN_SLICE("e30.e30"), &out),
            -1);
    }
    ptn_buf_free(&out);
}

/* --- certificates --- */

/* What an authority makes of a request. */
static void
issue(struct house *h, EVP_PKEY *key, const char *san, const char *issuer,
      struct ptn_buf *pem)
{
    X509 *cert = X509_new();
    BIO *out = BIO_new(BIO_s_mem());
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
    size_t size;
    char *text;

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 7);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400 * 90);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)"mx.example.test", -1, -1,
                               0);
    X509_NAME_add_entry_by_txt(X509_get_issuer_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)issuer, -1, -1, 0);
    X509_set_pubkey(cert, key);
    X509_add_ext(cert, names, -1);
    X509_sign(cert, h->authority, EVP_sha256());
    PEM_write_bio_X509(out, cert);
    size = (size_t)BIO_get_mem_data(out, &text);
    pem->len = 0;
    ptn_buf_add(pem, text, size);
    X509_EXTENSION_free(names);
    X509_free(cert);
    BIO_free(out);
}

static EVP_PKEY *
key_of(struct house *h)
{
    struct ptn_buf csr = PTN_BUF_INIT;
    const unsigned char *at;
    X509_REQ *request;
    EVP_PKEY *key;

    assert_int_equal(ask(h, PTN_ERRAND_OP_REQUEST, "public", nothing, &csr), 0);
    at = (const unsigned char *)csr.data;
    request = d2i_X509_REQ(NULL, &at, (long)csr.len);
    assert_non_null(request);
    key = X509_REQ_get_pubkey(request);
    assert_int_equal(X509_REQ_verify(request, key), 1);
    X509_REQ_free(request);
    ptn_buf_free(&csr);
    return key;
}

#define NAMES "DNS:mx.example.test,DNS:*.example.test"

static void
test_a_certificate(void **state)
{
    struct house *h = *state;
    struct ptn_buf pem = PTN_BUF_INIT, out = PTN_BUF_INIT;
    EVP_PKEY *key = key_of(h), *same = key_of(h), *next;

    /* Until it is answered, it is the same key that waits. */
    assert_int_equal(EVP_PKEY_eq(key, same), 1);
    issue(h, key, NAMES, "an authority", &pem);
    assert_int_equal(
        ask(h, PTN_ERRAND_OP_STORE, "public", ptn_buf_slice(&pem), &out), 0);
    assert_int_equal(h->changed, 1);
    assert_int_equal(ask(h, PTN_ERRAND_OP_CHAIN, "public", nothing, &out), 0);
    assert_true(ptn_slice_eq(ptn_buf_slice(&out), ptn_buf_slice(&pem)));
    /* The same a second time: no request waits for it. */
    assert_int_equal(
        ask(h, PTN_ERRAND_OP_STORE, "public", ptn_buf_slice(&pem), &out), -1);
    next = key_of(h);
    assert_int_equal(EVP_PKEY_eq(key, next), 0);
    EVP_PKEY_free(key);
    EVP_PKEY_free(same);
    EVP_PKEY_free(next);
    ptn_buf_free(&pem);
    ptn_buf_free(&out);
}

static void
test_reuse(void **state)
{
    struct house *h = *state;
    EVP_PKEY *first, *second;

    h->certs[0].reuse_key = true;
    first = key_of(h);
    second = key_of(h);
    assert_int_equal(EVP_PKEY_eq(first, second), 1);
    EVP_PKEY_free(first);
    EVP_PKEY_free(second);
}

static void
refuses(struct house *h, const char *name, const struct ptn_buf *pem,
        const char *words)
{
    struct ptn_buf out = PTN_BUF_INIT;

    assert_int_equal(
        ask(h, PTN_ERRAND_OP_STORE, name, ptn_buf_slice(pem), &out), -1);
    if (words && !strstr(out.data, words))
        fail_msg("%s: %s", words, out.data);
    assert_int_equal(h->changed, 0);
    ptn_buf_free(&out);
}

static void
test_stores_nothing_else(void **state)
{
    struct house *h = *state;
    struct ptn_buf pem = PTN_BUF_INIT;
    EVP_PKEY *key, *other = EVP_EC_gen("P-256");

    issue(h, other, NAMES, "an authority", &pem);
    refuses(h, "public", &pem, "no request waits");
    key = key_of(h);
    refuses(h, "public", &pem, NULL); /* another key */
    issue(h, key, "DNS:mx.example.test", "an authority", &pem);
    refuses(h, "public", &pem, "lacks the name *.example.test");
    issue(h, key, NAMES, "mx.example.test", &pem);
    refuses(h, "public", &pem, "self-signed");
    issue(h, key, NAMES, "an authority", &pem);
    refuses(h, "own", &pem, "no certificate of that name");
    refuses(h, "../public", &pem, "no certificate of that name");
    refuses(h, "", &pem, "no certificate of that name");
    pem.len = 40;
    refuses(h, "public", &pem, NULL);
    pem.len = 0;
    refuses(h, "public", &pem, NULL);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    ptn_buf_free(&pem);
}

static void
test_only_what_is_fetched(void **state)
{
    struct house *h = *state;
    struct ptn_buf out = PTN_BUF_INIT;

    assert_int_equal(ask(h, PTN_ERRAND_OP_REQUEST, "own", nothing, &out), -1);
    assert_int_equal(ask(h, PTN_ERRAND_OP_CHAIN, "own", nothing, &out), -1);
    assert_int_equal(
        ask(h, PTN_ERRAND_OP_CHAIN, "accounts/acme", nothing, &out), -1);
    assert_int_equal(ask(h, (enum ptn_errand_op)99, "public", nothing, &out),
                     -1);
    ptn_buf_free(&out);
}

/* --- proofs --- */

static void
test_proofs(void **state)
{
    struct house *h = *state;
    struct ptn_buf out = PTN_BUF_INIT;
    uint8_t digest[32] = {1};
    struct ptn_slice good = {(char *)digest, sizeof digest};

    assert_int_equal(ask(h, PTN_ERRAND_OP_SHOW, "elsewhere.test", good, &out),
                     -1);
    assert_int_equal(
        ask(h, PTN_ERRAND_OP_SHOW, "mx.example.test", PTN_SLICE("short"), &out),
        -1);
    if (tls_openssl_ops.alpn_cert) {
        assert_int_equal(
            ask(h, PTN_ERRAND_OP_SHOW, "mx.example.test", good, &out), 0);
        assert_string_equal(h->shown, "mx.example.test");
    }
    assert_int_equal(
        ask(h, PTN_ERRAND_OP_HIDE, "mx.example.test", nothing, &out), 0);
    assert_string_equal(h->shown, "-mx.example.test");
    ptn_buf_free(&out);
}

/* A file that has the key, too, as many programs want it, and whose OCSP
 * responses the envoy fetches. */
static void
test_no_key_of_a_file(void **state)
{
    struct house *h = *state;
    struct ptn_buf out = PTN_BUF_INIT;
    char command[600], path[160];

    snprintf(path, sizeof path, "%s/both.pem", h->folder);
    snprintf(command, sizeof command,
             "cat %s/certs/public.key %s/certs/public.crt >%s", h->folder,
             h->folder, path);
    assert_int_equal(system(command), 0);
    h->certs[1].cert_file = h->certs[1].key_file = path;
    h->certs[1].ocsp = PTN_OCSP_FETCH;
    assert_int_equal(ask(h, PTN_ERRAND_OP_CHAIN, "own", nothing, &out), 0);
    assert_non_null(strstr(ptn_buf_cstr(&out), "BEGIN CERTIFICATE"));
    assert_null(strstr(ptn_buf_cstr(&out), "KEY"));
    ptn_buf_free(&out);
}

/* --- packets --- */

/* Whatever comes, the next good question is answered. */
static void
test_malformed_packets(void **state)
{
    struct house *h = *state;
    struct ptn_errand_head long_name = {1, PTN_ERRAND_OP_CHAIN, 60000};
    struct ptn_errand_head beyond = {2, PTN_ERRAND_OP_CHAIN, 200};
    struct ptn_buf out = PTN_BUF_INIT;
    static char huge[PTN_ERRAND_REQUEST_MAX + 1000];

    assert_int_equal(send(h->fd, "x", 1, 0), 1);
    assert_true(send(h->fd, &long_name, sizeof long_name, 0) > 0);
    assert_true(send(h->fd, &beyond, sizeof beyond, 0) > 0);
    assert_true(send(h->fd, huge, sizeof huge, 0) > 0);
    srand(7);
    for (int i = 0; i < 300; i++) {
        char noise[64];
        size_t len = sizeof(struct ptn_errand_head) + (size_t)(rand() % 50);

        for (size_t j = 0; j < len; j++)
            noise[j] = (char)rand();
        noise[6] = (char)(rand() % 40); /* a name that fits, mostly */
        noise[7] = 0;
        noise[4] = (char)(rand() % 9);
        noise[5] = 0;
        assert_true(send(h->fd, noise, len, 0) > 0);
        recv(h->fd, huge, sizeof huge, MSG_DONTWAIT);
    }
    assert_int_equal(ask(h, PTN_ERRAND_OP_CHAIN, "public", nothing, &out), 0);
    assert_non_null(strstr(ptn_buf_cstr(&out), "BEGIN CERTIFICATE"));
    ptn_buf_free(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_account),
        TEST(test_signs_nothing_else),
        TEST(test_strange_errands),
        TEST(test_a_certificate),
        TEST(test_reuse),
        TEST(test_stores_nothing_else),
        TEST(test_only_what_is_fetched),
        TEST(test_proofs),
        TEST(test_no_key_of_a_file),
        TEST(test_malformed_packets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
