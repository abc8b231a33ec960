/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a server shows to those who ask for it: the OCSP response of its
 * certificate (RFC 6066 section 8), and the answer to a challenge (RFC 8737).
 */
#include "fixture.h"

#include <openssl/x509v3.h>

static const char host[] = "mail.example.org";

static struct ptn_buf
response_of(size_t len)
{
    struct ptn_buf b = PTN_BUF_INIT;
    for (size_t i = 0; i < len; i++)
        ptn_buf_addc(&b, (char)(i * 7));
    return b;
}

/* A handshake of a client that asks for the response, or does not. */
static void
shake(const struct provider *p, struct ptn_tls_context *context, int version,
      bool asks, struct ptn_slice want)
{
    SSL_CTX *client = client_ctx();
    struct talk t;
    const unsigned char *got = NULL;
    SSL_CTX_set_min_proto_version(client, version);
    SSL_CTX_set_max_proto_version(client, version);
    talk_open(&t, p, context, client);
    if (asks)
        SSL_set_tlsext_status_type(t.client, TLSEXT_STATUSTYPE_ocsp);
    t.step = 100;
    assert_true(talk_shake(&t));
    long len = SSL_get_tlsext_status_ocsp_resp(t.client, &got);
    assert_int_equal(len, want.len > 0 ? (long)want.len : -1);
    if (want.len > 0)
        assert_memory_equal(got, want.data, want.len);
    talk_close(&t);
    SSL_CTX_free(client);
}

static void
staples_to_those_who_ask(void **state)
{
    const struct provider *p = *state;
    static const size_t sizes[] = {1, 500, PTN_TLS_STAPLE_MAX};
    const struct ptn_slice none = {NULL, 0};
    struct identity id = identity_make(PTN_KEY_ECDSA_P256, host);
    assert_true(p->ops->capability & PTN_TLS_CAP_STAPLE);
    for (size_t i = 0; i < PTN_COUNT(sizes); i++) {
        struct ptn_buf response = response_of(sizes[i]);
        struct ptn_tls_params params = params_for(&id);
        params.ocsp = ptn_buf_slice(&response);
        struct ptn_tls_context *c = context_make(p, &params);
        for (int round = 0; round < 3; round++) {
            shake(p, c, TLS1_2_VERSION, true, ptn_buf_slice(&response));
            shake(p, c, TLS1_3_VERSION, true, ptn_buf_slice(&response));
            shake(p, c, TLS1_2_VERSION, false, none);
            shake(p, c, TLS1_3_VERSION, false, none);
        }
        p->ops->context_free(p->instance, c);
        ptn_buf_free(&response);
    }
    identity_free(&id);
}

static void
has_none_to_staple(void **state)
{
    const struct provider *p = *state;
    const struct ptn_slice none = {NULL, 0};
    struct identity id = identity_make(PTN_KEY_RSA_2048, host);
    struct ptn_tls_params params = params_for(&id);
    struct ptn_tls_context *c = context_make(p, &params);
    shake(p, c, TLS1_2_VERSION, true, none);
    shake(p, c, TLS1_3_VERSION, true, none);
    p->ops->context_free(p->instance, c);
    /* Those of a core that did not know of it. */
    params.size = offsetof(struct ptn_tls_params, ocsp);
    params.ocsp = PTN_SLICE("not looked at");
    c = context_make(p, &params);
    shake(p, c, TLS1_3_VERSION, true, none);
    p->ops->context_free(p->instance, c);
    identity_free(&id);
}

static void
refuses_a_long_response(void **state)
{
    const struct provider *p = *state;
    struct identity id = identity_make(PTN_KEY_ECDSA_P256, host);
    struct ptn_buf response = response_of(PTN_TLS_STAPLE_MAX + 1);
    struct ptn_tls_params params = params_for(&id);
    struct ptn_tls_context *c = NULL;
    struct ptn_error err = PTN_ERROR_INIT;
    params.ocsp = ptn_buf_slice(&response);
    assert_int_equal(p->ops->context_new(p->instance, &params, &c, &err), -1);
    assert_non_null(strstr(err.text, "longer than 8192 octets"));
    ptn_buf_free(&response);
    identity_free(&id);
}

/* The response goes with the certificate that is chosen. */
static struct ptn_tls_context *
choose(void *arg, const struct ptn_tls_hello *hello)
{
    (void)hello;
    return arg;
}

static void
staples_of_the_chosen_one(void **state)
{
    const struct provider *p = *state;
    struct identity id = identity_make(PTN_KEY_ECDSA_P256, host);
    struct ptn_tls_params params = params_for(&id);
    params.ocsp = PTN_SLICE("the chosen one's");
    struct ptn_tls_context *chosen = context_make(p, &params);
    params.ocsp = PTN_SLICE("another's");
    params.choose = choose;
    params.choose_arg = chosen;
    struct ptn_tls_context *first = context_make(p, &params);
    shake(p, first, TLS1_2_VERSION, true, PTN_SLICE("the chosen one's"));
    shake(p, first, TLS1_3_VERSION, true, PTN_SLICE("the chosen one's"));
    p->ops->context_free(p->instance, first);
    p->ops->context_free(p->instance, chosen);
    identity_free(&id);
}

/* --- challenges --- */

static const uint8_t digest[32] = {0xd1, 0x9e, 0x57};

static struct ptn_buf
challenge_cert(const struct provider *p, struct ptn_slice key, const char *name)
{
    struct ptn_buf cert = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    if (p->ops->alpn_cert(p->instance, key, name, digest, &cert, &err) != 0)
        fail_msg("%s: %s", p->name, err.text);
    return cert;
}

/* RFC 8737 section 3: one dNSName, the critical extension, a digest in an
 * OCTET STRING. */
static void
challenge_certificates(void **state)
{
    static const enum ptn_tls_key_type types[] = {
        PTN_KEY_ECDSA_P256, PTN_KEY_RSA_2048, PTN_KEY_ED25519};
    const struct provider *p = *state;
    for (size_t i = 0; i < PTN_COUNT(types); i++) {
        struct identity id = identity_make(types[i], host);
        struct ptn_buf cert = challenge_cert(
            p, ptn_buf_slice(&id.key),
            "a-name-of-more-than-sixty-four-octets-that-fits-no-common-name"
            ".example.org");
        assert_true(judged_by(
            "openssl x509 -in c -noout -text >t && grep -A1 "
            "'1.3.6.1.5.5.7.1.31: critical' t && openssl asn1parse -in c | "
            "grep -q 'OCTET STRING *\\[HEX DUMP\\]:0420D19E57000000' && "
            "openssl x509 -in c -noout -ext subjectAltName | tail -1 | grep "
            "-xq ' *DNS:a-name-of-more-than-sixty-four-octets-that-fits-no-"
            "common-name.example.org' && openssl x509 -in c -pubkey -noout "
            ">p && openssl pkey -in k -pubout | cmp - p",
            ptn_buf_slice(&id.key), ptn_buf_slice(&cert)));
        ptn_buf_free(&cert);
        identity_free(&id);
    }
}

/* Contexts of a listener: the usual one chooses between the two. */
struct door {
    struct ptn_tls_context *usual, *challenge;
    size_t asked;
};

static struct ptn_tls_context *
choose_challenge(void *arg, const struct ptn_tls_hello *hello)
{
    struct door *d = arg;
    d->asked++;
    if (!ptn_tls_hello_offers(hello, PTN_TLS_ALPN_CHALLENGE, true))
        return NULL;
    assert_true(ptn_slice_eq(hello->server_name, ptn_slice_of(host)));
    return d->challenge;
}

/* Whether a client that offers `protocols` sees the challenge. */
static bool
sees_challenge(const struct provider *p, const struct door *d, int version,
               const char *protocols)
{
    SSL_CTX *client = client_ctx();
    const unsigned char *agreed = NULL;
    unsigned len = 0;
    struct talk t;
    SSL_CTX_set_max_proto_version(client, version);
    talk_open(&t, p, d->usual, client);
    SSL_set_tlsext_host_name(t.client, host);
    SSL_set_alpn_protos(t.client, (const unsigned char *)protocols,
                        (unsigned)strlen(protocols));
    assert_true(talk_shake(&t));
    SSL_get0_alpn_selected(t.client, &agreed, &len);
    X509 *cert = SSL_get0_peer_certificate(t.client);
    ASN1_OBJECT *id = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
    bool sees = X509_get_ext_by_OBJ(cert, id, -1) >= 0;
    ASN1_OBJECT_free(id);
    if (sees) {
        assert_int_equal(len, strlen(PTN_TLS_ALPN_CHALLENGE));
        assert_memory_equal(agreed, PTN_TLS_ALPN_CHALLENGE, len);
        assert_string_equal(server_info(&t).alpn, PTN_TLS_ALPN_CHALLENGE);
    }
    talk_close(&t);
    SSL_CTX_free(client);
    return sees;
}

static void
answers_a_challenge(void **state)
{
    const struct provider *p = *state;
    struct identity id = identity_make(PTN_KEY_ECDSA_P256, host);
    struct ptn_buf cert = challenge_cert(p, ptn_buf_slice(&id.key), host);
    struct door d = {NULL, NULL, 0};
    assert_true(p->ops->capability & PTN_TLS_CAP_ALPN_NAMES);
    struct ptn_tls_params params = params_for(&id);
    params.alpn = "imap";
    params.choose = choose_challenge;
    params.choose_arg = &d;
    d.usual = context_make(p, &params);
    params = params_for(&id);
    params.chain = ptn_buf_slice(&cert);
    params.alpn = PTN_TLS_ALPN_CHALLENGE;
    params.alpn_strict = true;
    d.challenge = context_make(p, &params);
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        assert_true(sees_challenge(p, &d, version, "\12acme-tls/1"));
        assert_false(sees_challenge(p, &d, version, "\4imap"));
        assert_false(sees_challenge(p, &d, version, "\4imap\12acme-tls/1"));
    }
    assert_int_equal(d.asked, 6);
    p->ops->context_free(p->instance, d.usual);
    p->ops->context_free(p->instance, d.challenge);
    ptn_buf_free(&cert);
    identity_free(&id);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(staples_to_those_who_ask), BOTH(has_none_to_staple),
        BOTH(refuses_a_long_response),  BOTH(staples_of_the_chosen_one),
        BOTH(challenge_certificates),   BOTH(answers_a_challenge),
    };
    return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
