/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Channel bindings: what each provider says is what OpenSSL's client says of
 * the same session, and there is none where it would not be safe.
 */
#include "fixture.h"

static const char host[] = "mail.example.org";
static const char label[] = "EXPORTER-Channel-Binding";

struct scene {
    const struct provider *p;
    struct identity id;
    struct ptn_tls_context *context;
    SSL_CTX *client;
    struct talk talk;
    SSL_SESSION *ticket;
};

static void
scene_open(struct scene *s, const struct provider *p,
           enum ptn_tls_key_type type, int version)
{
    static const uint8_t keys[PTN_TLS_TICKET_KEY_SIZE] = {1, 2, 3};
    memset(s, 0, sizeof(*s));
    s->p = p;
    s->id = identity_make(type, host);
    struct ptn_tls_params params = params_for(&s->id);
    s->context = context_make(p, &params);
    p->ops->context_tickets(p->instance, s->context, keys, 1);
    s->client = client_ctx();
    SSL_CTX_set_max_proto_version(s->client, version);
}

static void
scene_close(struct scene *s)
{
    SSL_SESSION_free(s->ticket);
    SSL_CTX_free(s->client);
    s->p->ops->context_free(s->p->instance, s->context);
    identity_free(&s->id);
}

static void
begin(struct scene *s, bool resume)
{
    char c;
    talk_open(&s->talk, s->p, s->context, s->client);
    if (resume)
        SSL_set_session(s->talk.client, s->ticket);
    if (!talk_shake(&s->talk))
        fail_msg("%s", server_info(&s->talk).failure);
    assert_int_equal(server_info(&s->talk).resumed, resume);
    server_write(&s->talk, "x", 1);
    assert_int_equal(client_read(&s->talk, &c, 1), 1);
}

static void
end(struct scene *s)
{
    SSL_SESSION_free(s->ticket);
    s->ticket = SSL_get1_session(s->talk.client);
    SSL_set_shutdown(s->talk.client, SSL_SENT_SHUTDOWN);
    talk_close(&s->talk);
}

static size_t
binding(struct scene *s, enum ptn_binding which, uint8_t *out)
{
    memset(out, 0, PTN_BINDING_MAX);
    return s->p->ops->binding(s->talk.server, which, out);
}

static void
same_exporter(struct scene *s)
{
    uint8_t own[PTN_BINDING_MAX], theirs[32];
    assert_int_equal(SSL_export_keying_material(
                         s->talk.client, theirs, sizeof(theirs), label,
                         strlen(label), (const uint8_t *)"", 0, 1),
                     1);
    assert_int_equal(binding(s, PTN_BINDING_TLS_EXPORTER, own), 32);
    assert_memory_equal(own, theirs, 32);
}

static void
same_unique(struct scene *s, bool resumed)
{
    uint8_t own[PTN_BINDING_MAX], theirs[64];
    size_t len = resumed ? SSL_get_peer_finished(s->talk.client, theirs, 64)
                         : SSL_get_finished(s->talk.client, theirs, 64);
    assert_int_equal(binding(s, PTN_BINDING_TLS_UNIQUE, own), len);
    assert_int_equal(len, 12);
    assert_memory_equal(own, theirs, len);
}

static void
of_tls13(void **state)
{
    uint8_t own[PTN_BINDING_MAX], first[PTN_BINDING_MAX];
    struct scene s;
    scene_open(&s, *state, PTN_KEY_ECDSA_P256, TLS1_3_VERSION);
    begin(&s, false);
    same_exporter(&s);
    assert_int_equal(binding(&s, PTN_BINDING_TLS_UNIQUE, own), 0);
    (void)binding(&s, PTN_BINDING_TLS_EXPORTER, first);
    end(&s);
    begin(&s, true);
    same_exporter(&s);
    (void)binding(&s, PTN_BINDING_TLS_EXPORTER, own);
    assert_memory_not_equal(own, first, 32);
    end(&s);
    scene_close(&s);
}

static void
of_tls13_with_each_suite(void **state)
{
    static const char *const suites[] = {"TLS_AES_128_GCM_SHA256",
                                         "TLS_AES_256_GCM_SHA384",
                                         "TLS_CHACHA20_POLY1305_SHA256"};
    for (size_t i = 0; i < PTN_COUNT(suites); i++) {
        struct scene s;
        scene_open(&s, *state, PTN_KEY_ECDSA_P256, TLS1_3_VERSION);
        SSL_CTX_set_ciphersuites(s.client, suites[i]);
        begin(&s, false);
        same_exporter(&s);
        end(&s);
        scene_close(&s);
    }
}

static void
of_tls12(void **state)
{
    struct scene s;
    scene_open(&s, *state, PTN_KEY_ECDSA_P256, TLS1_2_VERSION);
    begin(&s, false);
    same_exporter(&s);
    same_unique(&s, false);
    end(&s);
    begin(&s, true);
    same_exporter(&s);
    same_unique(&s, true);
    end(&s);
    scene_close(&s);
}

/* RFC 7627 section 1: without the extended master secret, two sessions can be
 * made to have the same. */
static void
not_without_ems(void **state)
{
    uint8_t own[PTN_BINDING_MAX];
    struct scene s;
    scene_open(&s, *state, PTN_KEY_ECDSA_P256, TLS1_2_VERSION);
    SSL_CTX_set_options(s.client, SSL_OP_NO_EXTENDED_MASTER_SECRET);
    begin(&s, false);
    assert_int_equal(binding(&s, PTN_BINDING_TLS_EXPORTER, own), 0);
    assert_int_equal(binding(&s, PTN_BINDING_TLS_UNIQUE, own), 0);
    assert_int_equal(binding(&s, PTN_BINDING_TLS_SERVER_END_POINT, own), 32);
    end(&s);
    begin(&s, true);
    assert_int_equal(binding(&s, PTN_BINDING_TLS_EXPORTER, own), 0);
    assert_int_equal(binding(&s, PTN_BINDING_TLS_UNIQUE, own), 0);
    end(&s);
    scene_close(&s);
}

/* RFC 5929 section 4.1: the hash is the one of the certificate's signature,
 * and there is none for Ed25519. */
static void
end_point(void **state)
{
    static const struct {
        enum ptn_tls_key_type type;
        const EVP_MD *(*md)(void);
    } rows[] = {{PTN_KEY_ECDSA_P256, EVP_sha256},
                {PTN_KEY_ECDSA_P384, EVP_sha384},
                {PTN_KEY_RSA_2048, EVP_sha256},
                {PTN_KEY_ED25519, NULL}};
    for (size_t i = 0; i < PTN_COUNT(rows); i++) {
        uint8_t own[PTN_BINDING_MAX], theirs[EVP_MAX_MD_SIZE];
        unsigned len = 0;
        struct scene s;
        scene_open(&s, *state, rows[i].type, TLS1_3_VERSION);
        begin(&s, false);
        X509 *cert = SSL_get1_peer_certificate(s.talk.client);
        if (rows[i].md)
            X509_digest(cert, rows[i].md(), theirs, &len);
        X509_free(cert);
        assert_int_equal(binding(&s, PTN_BINDING_TLS_SERVER_END_POINT, own),
                         len);
        assert_memory_equal(own, theirs, len);
        end(&s);
        scene_close(&s);
    }
}

static void
not_before_the_handshake(void **state)
{
    uint8_t own[PTN_BINDING_MAX];
    struct scene s;
    scene_open(&s, *state, PTN_KEY_ECDSA_P256, TLS1_3_VERSION);
    talk_open(&s.talk, s.p, s.context, s.client);
    for (int i = 0; i < PTN_BINDINGS; i++)
        assert_int_equal(binding(&s, (enum ptn_binding)i, own), 0);
    talk_close(&s.talk);
    scene_close(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(of_tls13),  BOTH(of_tls13_with_each_suite),
        BOTH(of_tls12),  BOTH(not_without_ems),
        BOTH(end_point), BOTH(not_before_the_handshake),
    };
    return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
