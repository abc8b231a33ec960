/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Handshakes and what follows them, between each provider and OpenSSL's
 * client: versions, keys, names, protocols, data, the end.
 */
#include "fixture.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

static const char host[] = "mail.example.org";

/* A context of the given key, and a conversation that is shaken hands or
 * not, as `expect` says. The caller closes. */
struct scene {
    struct identity id;
    struct ptn_tls_context *context;
    SSL_CTX *client;
    struct talk talk;
};

static void
scene_open(struct scene *s, const struct provider *p,
           enum ptn_tls_key_type type, struct ptn_tls_params params)
{
    s->id = identity_make(type, host);
    params.size = sizeof(params);
    params.chain = ptn_buf_slice(&s->id.cert);
    params.key = ptn_buf_slice(&s->id.key);
    if (params.max_version == 0)
        params.max_version = PTN_TLS_1_3;
    if (params.min_version == 0)
        params.min_version = PTN_TLS_1_2;
    s->context = context_make(p, &params);
    s->client = client_ctx();
    talk_open(&s->talk, p, s->context, NULL);
}

static void
scene_start(struct scene *s)
{
    const struct provider *p = s->talk.p;
    size_t step = s->talk.step;
    talk_close(&s->talk);
    talk_open(&s->talk, p, s->context, s->client);
    s->talk.step = step;
}

static void
scene_close(struct scene *s)
{
    talk_close(&s->talk);
    SSL_CTX_free(s->client);
    s->talk.p->ops->context_free(s->talk.p->instance, s->context);
    identity_free(&s->id);
}

static void
exchange(struct talk *t)
{
    char buf[64];
    assert_int_equal(SSL_write(t->client, "EHLO me\r\n", 9), 9);
    assert_int_equal(server_read(t, buf, sizeof(buf)), 9);
    assert_memory_equal(buf, "EHLO me\r\n", 9);
    server_write(t, "250 you\r\n", 9);
    assert_int_equal(client_read(t, buf, sizeof(buf)), 9);
    assert_memory_equal(buf, "250 you\r\n", 9);
}

/* Every version with every kind of key, all at once and piece by piece. */
static void
one(const struct provider *p, enum ptn_tls_key_type type, int version,
    size_t step)
{
    struct scene s;
    scene_open(&s, p, type, (struct ptn_tls_params){.tickets = true});
    SSL_CTX_set_min_proto_version(s.client, version);
    SSL_CTX_set_max_proto_version(s.client, version);
    s.talk.step = step;
    scene_start(&s);
    if (!talk_shake(&s.talk))
        fail_msg("key %d version %x: %s", (int)type, (unsigned)version,
                 server_info(&s.talk).failure);
    struct ptn_tls_info info = server_info(&s.talk);
    assert_int_equal(info.version, version);
    assert_string_equal(info.version_name,
                        version == TLS1_3_VERSION ? "TLSv1.3" : "TLSv1.2");
    assert_string_equal(
        info.cipher,
        SSL_CIPHER_standard_name(SSL_get_current_cipher(s.talk.client)));
    assert_false(info.resumed);
    assert_null(info.failure);
    assert_null(info.alpn);
    assert_int_equal(info.server_name.len, 0);
    exchange(&s.talk);
    scene_close(&s);
}

static void
every_version_and_key(void **state)
{
    static const enum ptn_tls_key_type types[] = {
        PTN_KEY_ECDSA_P256, PTN_KEY_ECDSA_P384, PTN_KEY_RSA_2048,
        PTN_KEY_RSA_3072, PTN_KEY_ED25519};
    for (size_t i = 0; i < PTN_COUNT(types); i++) {
        one(*state, types[i], TLS1_3_VERSION, 0);
        one(*state, types[i], TLS1_2_VERSION, 0);
    }
}

static void
octet_by_octet(void **state)
{
    for (size_t step = 1; step < 200; step = step * 3 + 1) {
        one(*state, PTN_KEY_ECDSA_P256, TLS1_3_VERSION, step);
        one(*state, PTN_KEY_RSA_2048, TLS1_2_VERSION, step);
    }
}

static void
agrees_on(const struct provider *p, const char *groups, const char *suites,
          const char *ciphers)
{
    bool rsa = ciphers && strstr(ciphers, "RSA-") != NULL &&
               strstr(ciphers, "ECDSA") == NULL;
    struct scene s;
    scene_open(&s, p, rsa ? PTN_KEY_RSA_2048 : PTN_KEY_ECDSA_P256,
               (struct ptn_tls_params){0});
    SSL_CTX_set1_groups_list(s.client, groups);
    if (suites)
        SSL_CTX_set_ciphersuites(s.client, suites);
    if (ciphers) {
        SSL_CTX_set_cipher_list(s.client, ciphers);
        SSL_CTX_set_max_proto_version(s.client, TLS1_2_VERSION);
    }
    scene_start(&s);
    if (!talk_shake(&s.talk))
        fail_msg("%s: %s", groups, server_info(&s.talk).failure);
    exchange(&s.talk);
    scene_close(&s);
}

static void
groups_and_suites(void **state)
{
    agrees_on(*state, "X25519", "TLS_AES_128_GCM_SHA256", NULL);
    agrees_on(*state, "P-256", "TLS_AES_256_GCM_SHA384", NULL);
    agrees_on(*state, "P-384", "TLS_CHACHA20_POLY1305_SHA256", NULL);
    /* A HelloRetryRequest: the first key share is of no use. */
    agrees_on(*state, "X448:P-256", NULL, NULL);
    agrees_on(*state, "X25519", NULL, "ECDHE-RSA-AES128-GCM-SHA256");
    agrees_on(*state, "P-384", NULL, "ECDHE-RSA-AES128-GCM-SHA256");
    agrees_on(*state, "X25519:P-256", NULL, "ECDHE-ECDSA-AES128-GCM-SHA256");
    agrees_on(*state, "P-256", NULL, "ECDHE-ECDSA-AES256-GCM-SHA384");
    agrees_on(*state, "P-384:P-256", NULL, "ECDHE-ECDSA-CHACHA20-POLY1305");
}

static void
policy_limits_suites(void **state)
{
    struct scene s;
    scene_open(
        &s, *state, PTN_KEY_ECDSA_P256,
        (struct ptn_tls_params){.suites = "TLS_AES_256_GCM_SHA384",
                                .ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384",
                                .groups = "P-256"});
    scene_start(&s);
    assert_true(talk_shake(&s.talk));
    assert_string_equal(server_info(&s.talk).cipher, "TLS_AES_256_GCM_SHA384");
    SSL_CTX_set_max_proto_version(s.client, TLS1_2_VERSION);
    scene_start(&s);
    assert_true(talk_shake(&s.talk));
    assert_string_equal(server_info(&s.talk).cipher,
                        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384");
    SSL_CTX_set1_groups_list(s.client, "X25519");
    scene_start(&s);
    assert_false(talk_shake(&s.talk));
    scene_close(&s);
}

/* --- choosing by what the client says --- */

struct choice {
    struct ptn_tls_context *shop, *rsa;
    char name[PTN_TLS_NAME_MAX + 1];
    struct ptn_tls_hello seen;
};

static struct ptn_tls_context *
choose(void *arg, const struct ptn_tls_hello *hello)
{
    struct choice *c = arg;
    c->seen = *hello;
    if (hello->server_name.len > 0)
        memcpy(c->name, hello->server_name.data, hello->server_name.len);
    c->name[hello->server_name.len] = '\0';
    if (ptn_slice_eq(hello->server_name, PTN_SLICE("shop.example.org")))
        return c->shop;
    return hello->accepts_ecdsa ? NULL : c->rsa;
}

static const char *
shown_name(struct talk *t)
{
    static char name[256];
    X509 *cert = SSL_get1_peer_certificate(t->client);
    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name,
                              sizeof(name));
    X509_free(cert);
    return name;
}

static void
ask(struct scene *s, const char *name, const char *sigalgs, const char *shown)
{
    scene_start(s);
    if (name)
        SSL_set_tlsext_host_name(s->talk.client, name);
    if (sigalgs)
        SSL_set1_sigalgs_list(s->talk.client, sigalgs);
    if (!talk_shake(&s->talk))
        fail_msg("%s: %s", shown, server_info(&s->talk).failure);
    assert_string_equal(shown_name(&s->talk), shown);
    assert_int_equal(server_info(&s->talk).server_name.len,
                     name ? strlen(name) : 0);
}

static struct ptn_tls_context *
other_context(const struct provider *p, enum ptn_tls_key_type type,
              const char *name)
{
    struct identity id = identity_make(type, name);
    struct ptn_tls_params params = params_for(&id);
    struct ptn_tls_context *context = context_make(p, &params);
    identity_free(&id);
    return context;
}

static void
chosen_by_name_and_key(void **state)
{
    const struct provider *p = *state;
    struct choice choice = {
        .shop = other_context(p, PTN_KEY_ECDSA_P256, "shop.example.org"),
        .rsa = other_context(p, PTN_KEY_RSA_2048, "rsa.example.org")};
    struct scene s;
    scene_open(
        &s, p, PTN_KEY_ECDSA_P256,
        (struct ptn_tls_params){.choose = choose, .choose_arg = &choice});
    for (int v = TLS1_2_VERSION; v <= TLS1_3_VERSION; v++) {
        SSL_CTX_set_max_proto_version(s.client, v);
        ask(&s, NULL, NULL, host);
        ask(&s, "unknown.example.org", NULL, host);
        assert_int_equal(choice.seen.offers_1_3, v == TLS1_3_VERSION);
        ask(&s, "Shop.example.ORG", NULL, "shop.example.org");
        assert_string_equal(choice.name, "shop.example.org");
        ask(&s, NULL, "rsa_pss_rsae_sha256:RSA+SHA256", "rsa.example.org");
    }
    exchange(&s.talk);
    scene_close(&s);
    p->ops->context_free(p->instance, choice.shop);
    p->ops->context_free(p->instance, choice.rsa);
}

/* A session outlives its owner's interest in the context. */
static void
context_lives_with_its_sessions(void **state)
{
    const struct provider *p = *state;
    struct scene s;
    scene_open(&s, p, PTN_KEY_ECDSA_P256, (struct ptn_tls_params){0});
    scene_start(&s);
    p->ops->context_free(p->instance, s.context);
    assert_true(talk_shake(&s.talk));
    exchange(&s.talk);
    talk_close(&s.talk);
    SSL_CTX_free(s.client);
    identity_free(&s.id);
}

/* --- ALPN, RFC 7301 --- */

static void
alpn(void **state)
{
    for (int strict = 0; strict < 2; strict++) {
        struct scene s;
        scene_open(
            &s, *state, PTN_KEY_ECDSA_P256,
            (struct ptn_tls_params){.alpn = "imap", .alpn_strict = strict});
        scene_start(&s);
        assert_true(talk_shake(&s.talk)); /* none offered */
        assert_null(server_info(&s.talk).alpn);
        SSL_CTX_set_alpn_protos(s.client, (const uint8_t *)"\4pop3\4imap", 10);
        scene_start(&s);
        assert_true(talk_shake(&s.talk));
        assert_string_equal(server_info(&s.talk).alpn, "imap");
        SSL_CTX_set_alpn_protos(s.client, (const uint8_t *)"\4pop3", 5);
        scene_start(&s);
        assert_int_equal(talk_shake(&s.talk), !strict);
        if (strict)
            assert_string_equal(server_info(&s.talk).failure, "no shared alpn");
        else
            assert_null(server_info(&s.talk).alpn);
        scene_close(&s);
    }
}

/* --- data and the end --- */

static void
carries_much(void **state)
{
    static uint8_t sent[200000], got[200000];
    struct scene s;
    for (size_t i = 0; i < sizeof(sent); i++)
        sent[i] = (uint8_t)(i * 7 + i / 251);
    scene_open(&s, *state, PTN_KEY_ECDSA_P256, (struct ptn_tls_params){0});
    s.talk.step = 1000;
    scene_start(&s);
    assert_true(talk_shake(&s.talk));
    assert_int_equal(SSL_write(s.talk.client, sent, sizeof(sent)),
                     sizeof(sent));
    for (size_t n = 0; n < sizeof(got);) {
        size_t more = server_read(&s.talk, got + n, sizeof(got) - n);
        assert_int_not_equal(more, 0);
        n += more;
    }
    assert_memory_equal(sent, got, sizeof(sent));
    server_write(&s.talk, sent, sizeof(sent));
    memset(got, 0, sizeof(got));
    for (size_t n = 0; n < sizeof(got);) {
        size_t more = client_read(&s.talk, got + n, sizeof(got) - n);
        assert_int_not_equal(more, 0);
        n += more;
    }
    assert_memory_equal(sent, got, sizeof(sent));
    scene_close(&s);
}

static void
says_goodbye(void **state)
{
    struct scene s;
    char c;
    size_t n;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        scene_open(&s, *state, PTN_KEY_ECDSA_P256, (struct ptn_tls_params){0});
        SSL_CTX_set_max_proto_version(s.client, version);
        scene_start(&s);
        assert_true(talk_shake(&s.talk));
        assert_int_equal(s.talk.p->ops->shutdown(s.talk.server), PTN_TLS_IO_OK);
        assert_int_equal(client_read(&s.talk, &c, 1), 0);
        assert_int_equal(SSL_get_shutdown(s.talk.client),
                         SSL_RECEIVED_SHUTDOWN);
        assert_int_equal(s.talk.p->ops->shutdown(s.talk.server), PTN_TLS_IO_OK);
        assert_int_equal(s.talk.to_client.len, 0);
        assert_int_equal(
            s.talk.p->ops->read(s.talk.server, (uint8_t *)&c, 1, &n),
            PTN_TLS_IO_CLOSED);
        scene_close(&s);
    }
}

static void
hears_goodbye(void **state)
{
    struct scene s;
    char c;
    scene_open(&s, *state, PTN_KEY_ECDSA_P256, (struct ptn_tls_params){0});
    scene_start(&s);
    assert_true(talk_shake(&s.talk));
    SSL_shutdown(s.talk.client);
    assert_int_equal(server_read(&s.talk, &c, 1), 0);
    assert_int_equal(s.talk.io, PTN_TLS_IO_CLOSED);
    assert_null(server_info(&s.talk).failure);
    scene_close(&s);
}

/* RFC 8446 section 4.6.3 */
static void
follows_key_updates(void **state)
{
    struct scene s;
    scene_open(&s, *state, PTN_KEY_ECDSA_P256, (struct ptn_tls_params){0});
    scene_start(&s);
    assert_true(talk_shake(&s.talk));
    for (int i = 0; i < 3; i++) {
        SSL_key_update(s.talk.client, SSL_KEY_UPDATE_REQUESTED);
        exchange(&s.talk);
    }
    scene_close(&s);
}

/* RFC 5746 lets a server refuse; we do, in TLS 1.2 (1.3 has none). */
static void
refuses_renegotiation(void **state)
{
    struct scene s;
    char c;
    scene_open(&s, *state, PTN_KEY_ECDSA_P256, (struct ptn_tls_params){0});
    SSL_CTX_set_max_proto_version(s.client, TLS1_2_VERSION);
    scene_start(&s);
    assert_true(talk_shake(&s.talk));
    assert_int_equal(SSL_renegotiate(s.talk.client), 1);
    (void)SSL_do_handshake(s.talk.client);
    (void)server_read(&s.talk, &c, 1);
    (void)client_read(&s.talk, &c, 1);
    assert_int_not_equal(SSL_get_state(s.talk.client), TLS_ST_CR_SRVR_HELLO);
    assert_int_equal(SSL_num_renegotiations(s.talk.client), 1);
    assert_true(SSL_in_init(s.talk.client) || s.talk.io == PTN_TLS_IO_ERROR ||
                ERR_peek_error() != 0);
    scene_close(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(every_version_and_key),
        BOTH(octet_by_octet),
        BOTH(groups_and_suites),
        BOTH(policy_limits_suites),
        BOTH(chosen_by_name_and_key),
        BOTH(context_lives_with_its_sessions),
        BOTH(alpn),
        BOTH(carries_much),
        BOTH(says_goodbye),
        BOTH(hears_goodbye),
        BOTH(follows_key_updates),
        BOTH(refuses_renegotiation),
    };
    return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
