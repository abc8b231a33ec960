/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Handshakes whose private key is elsewhere: a context of the chain alone,
 * and a callback that signs, by the other provider where there is one.
 */
#include "fixture.h"

#include <openssl/err.h>

static const char host[] = "mail.example.org";

/* The process that holds the key. */
struct signer {
    const struct provider *p;
    struct ptn_slice key;
    unsigned calls;
    enum ptn_tls_scheme scheme; /* asked for last */
    int result;                 /* -1: it is not there */
};

static int
sign(void *arg, const struct ptn_tls_to_sign *what, struct ptn_buf *signature)
{
    struct signer *s = arg;
    struct ptn_error err = PTN_ERROR_INIT;
    s->calls++;
    s->scheme = what->scheme;
    if (s->result < 0)
        return -1;
    if (s->p->ops->sign(s->p->instance, s->key, what, signature, &err) != 0)
        fail_msg("%x: %s", (unsigned)what->scheme, err.text);
    return 0;
}

struct scene {
    const struct provider *p;
    struct identity id;
    struct signer signer;
    struct ptn_tls_context *context;
    SSL_CTX *client;
    struct talk talk;
};

static void
scene_open(struct scene *s, const struct provider *p,
           enum ptn_tls_key_type type)
{
    s->p = p;
    s->id = identity_make(type, host);
    s->signer =
        (struct signer){.p = &tls_openssl, .key = ptn_buf_slice(&s->id.key)};
#ifdef TEST_WOLFSSL
    if (p == &tls_openssl)
        s->signer.p = &tls_wolfssl;
#endif
    struct ptn_tls_params params = params_for(&s->id);
    params.key = (struct ptn_slice){NULL, 0};
    params.sign = sign;
    params.sign_arg = &s->signer;
    s->context = context_make(p, &params);
    s->client = client_ctx();
}

static void
scene_close(struct scene *s)
{
    SSL_CTX_free(s->client);
    s->p->ops->context_free(s->p->instance, s->context);
    identity_free(&s->id);
}

static void
exchange(struct talk *t)
{
    char buf[16];
    assert_int_equal(SSL_write(t->client, "a1 NOOP\r\n", 9), 9);
    assert_int_equal(server_read(t, buf, sizeof(buf)), 9);
    server_write(t, "a1 OK\r\n", 7);
    assert_int_equal(client_read(t, buf, sizeof(buf)), 7);
}

/* A handshake of one version, with the client's signature algorithms if any
 * are given, in pieces of `step`. */
static void
shakes(struct scene *s, int version, const char *sigalgs, size_t step)
{
    unsigned before = s->signer.calls;
    SSL_CTX_set_min_proto_version(s->client, version);
    SSL_CTX_set_max_proto_version(s->client, version);
    talk_open(&s->talk, s->p, s->context, s->client);
    s->talk.step = step;
    if (sigalgs)
        assert_int_equal(SSL_set1_sigalgs_list(s->talk.client, sigalgs), 1);
    if (!talk_shake(&s->talk))
        fail_msg("%x %s: %s", (unsigned)version, sigalgs ? sigalgs : "",
                 server_info(&s->talk).failure);
    assert_int_equal(s->signer.calls, before + 1);
    exchange(&s->talk);
    SSL_set_shutdown(s->talk.client, SSL_SENT_SHUTDOWN); /* keep its ticket */
    talk_close(&s->talk);
}

static void
every_key_and_version(void **state)
{
    static const enum ptn_tls_key_type types[] = {
        PTN_KEY_ECDSA_P256, PTN_KEY_ECDSA_P384, PTN_KEY_RSA_2048,
        PTN_KEY_RSA_3072,   PTN_KEY_RSA_4096,   PTN_KEY_ED25519};
    for (size_t i = 0; i < PTN_COUNT(types); i++) {
        struct scene s;
        scene_open(&s, *state, types[i]);
        shakes(&s, TLS1_3_VERSION, NULL, 0);
        shakes(&s, TLS1_2_VERSION, NULL, 0);
        shakes(&s, TLS1_3_VERSION, NULL, 7);
        scene_close(&s);
    }
}

static void
every_scheme(void **state)
{
    static const struct {
        enum ptn_tls_key_type type;
        int version;
        const char *sigalgs;
        enum ptn_tls_scheme scheme;
    } rows[] = {
        {PTN_KEY_RSA_2048, TLS1_2_VERSION, "RSA+SHA256",
         PTN_SIGN_RSA_PKCS1_SHA256},
        {PTN_KEY_RSA_2048, TLS1_2_VERSION, "RSA+SHA384",
         PTN_SIGN_RSA_PKCS1_SHA384},
        {PTN_KEY_RSA_2048, TLS1_2_VERSION, "RSA+SHA512",
         PTN_SIGN_RSA_PKCS1_SHA512},
        {PTN_KEY_RSA_2048, TLS1_2_VERSION, "rsa_pss_rsae_sha256",
         PTN_SIGN_RSA_PSS_SHA256},
        {PTN_KEY_RSA_2048, TLS1_3_VERSION, "rsa_pss_rsae_sha256",
         PTN_SIGN_RSA_PSS_SHA256},
        {PTN_KEY_RSA_2048, TLS1_3_VERSION, "rsa_pss_rsae_sha384",
         PTN_SIGN_RSA_PSS_SHA384},
        {PTN_KEY_RSA_2048, TLS1_3_VERSION, "rsa_pss_rsae_sha512",
         PTN_SIGN_RSA_PSS_SHA512},
        {PTN_KEY_ECDSA_P256, TLS1_2_VERSION, "ECDSA+SHA256",
         PTN_SIGN_ECDSA_SHA256},
        {PTN_KEY_ECDSA_P256, TLS1_2_VERSION, "ECDSA+SHA384",
         PTN_SIGN_ECDSA_SHA384},
        {PTN_KEY_ECDSA_P256, TLS1_2_VERSION, "ECDSA+SHA512",
         PTN_SIGN_ECDSA_SHA512},
        {PTN_KEY_ECDSA_P256, TLS1_3_VERSION, "ecdsa_secp256r1_sha256",
         PTN_SIGN_ECDSA_SHA256},
        {PTN_KEY_ECDSA_P384, TLS1_3_VERSION, "ecdsa_secp384r1_sha384",
         PTN_SIGN_ECDSA_SHA384},
        {PTN_KEY_ED25519, TLS1_2_VERSION, "ed25519", PTN_SIGN_ED25519},
        {PTN_KEY_ED25519, TLS1_3_VERSION, "ed25519", PTN_SIGN_ED25519},
    };
    for (size_t i = 0; i < PTN_COUNT(rows); i++) {
        struct scene s;
        scene_open(&s, *state, rows[i].type);
        shakes(&s, rows[i].version, rows[i].sigalgs, 0);
        assert_int_equal(s.signer.scheme, rows[i].scheme);
        scene_close(&s);
    }
}

static SSL_SESSION *kept;

static int
keep(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(kept);
    kept = session;
    return 1;
}

/* A resumed handshake needs no signature, so no key either. */
static void
resumption(void **state)
{
    static const uint8_t keys[PTN_TLS_TICKET_KEY_SIZE] = {1, 2, 3};
    for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
        struct scene s;
        scene_open(&s, *state, PTN_KEY_ECDSA_P256);
        s.p->ops->context_tickets(s.p->instance, s.context, keys, 1);
        SSL_CTX_sess_set_new_cb(s.client, keep);
        shakes(&s, v, NULL, 0);
        assert_non_null(kept);
        s.signer.result = -1;
        talk_open(&s.talk, s.p, s.context, s.client);
        SSL_set_session(s.talk.client, kept);
        assert_true(talk_shake(&s.talk));
        assert_true(server_info(&s.talk).resumed);
        assert_int_equal(s.signer.calls, 1);
        exchange(&s.talk);
        talk_close(&s.talk);
        SSL_SESSION_free(kept);
        kept = NULL;
        scene_close(&s);
    }
}

static void
fails(struct scene *s, int version)
{
    SSL_CTX_set_max_proto_version(s->client, version);
    talk_open(&s->talk, s->p, s->context, s->client);
    assert_false(talk_shake(&s->talk));
    assert_string_equal(server_info(&s->talk).failure, "no signature");
    assert_true(s->talk.client_failed);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()),
                     SSL_R_TLSV1_ALERT_INTERNAL_ERROR);
    talk_close(&s->talk);
}

/* The holder of the key is away: the client hears of it in an alert, and
 * when it is back, the same context works. */
static void
without_a_signer(void **state)
{
    struct scene s;
    scene_open(&s, *state, PTN_KEY_ECDSA_P256);
    for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
        s.signer.result = -1;
        fails(&s, v);
        s.signer.result = 0;
        shakes(&s, v, NULL, 0);
    }
    scene_close(&s);
    scene_open(&s, *state, PTN_KEY_RSA_2048);
    s.signer.result = -1;
    fails(&s, TLS1_3_VERSION);
    fails(&s, TLS1_2_VERSION);
    scene_close(&s);
}

/* A signature by another key is good for nothing: the client refuses. */
static void
wrong_key(void **state)
{
    struct identity other = identity_make(PTN_KEY_ECDSA_P256, host);
    struct scene s;
    scene_open(&s, *state, PTN_KEY_ECDSA_P256);
    s.signer.key = ptn_buf_slice(&other.key);
    talk_open(&s.talk, s.p, s.context, s.client);
    assert_false(talk_shake(&s.talk));
    assert_true(s.talk.client_failed);
    talk_close(&s.talk);
    scene_close(&s);
    identity_free(&other);
}

/* A caller that was built before `sign` was there gives a smaller struct. */
static void
older_caller(void **state)
{
    const struct provider *p = *state;
    struct identity id = identity_make(PTN_KEY_ECDSA_P256, host);
    struct ptn_tls_params params = params_for(&id);
    params.sign = sign;
    params.sign_arg = NULL;
    params.size = offsetof(struct ptn_tls_params, sign);
    struct ptn_tls_context *context = context_make(p, &params);
    struct talk talk;
    SSL_CTX *client = client_ctx();
    talk_open(&talk, p, context, client);
    assert_true(talk_shake(&talk));
    talk_close(&talk);
    SSL_CTX_free(client);
    p->ops->context_free(p->instance, context);
    identity_free(&id);
}

static void
declared(void **state)
{
    const struct provider *p = *state;
    assert_true(p->ops->capability & PTN_TLS_CAP_REMOTE_SIGN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(declared),     BOTH(every_key_and_version), BOTH(every_scheme),
        BOTH(resumption),   BOTH(without_a_signer),      BOTH(wrong_key),
        BOTH(older_caller),
    };
    return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
