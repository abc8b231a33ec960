/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What peers do wrong, and what the log will call it.
 */
#include "fixture.h"

#include <openssl/rand.h>
#include <stdio.h>

static const char host[] = "mail.example.org";

struct scene {
    const struct provider *p;
    struct identity id;
    struct ptn_tls_context *context;
    SSL_CTX *client;
    struct talk talk;
};

static void
scene_open(struct scene *s, const struct provider *p, int min, int max)
{
    s->p = p;
    s->id = identity_make(PTN_KEY_ECDSA_P256, host);
    struct ptn_tls_params params = params_for(&s->id);
    params.min_version = (enum ptn_tls_version)min;
    params.max_version = (enum ptn_tls_version)max;
    s->context = context_make(p, &params);
    s->client = client_ctx();
}

static void
scene_close(struct scene *s)
{
    s->p->ops->context_free(s->p->instance, s->context);
    SSL_CTX_free(s->client);
    identity_free(&s->id);
}

/* The server alone, given octets. */
static const char *
failure_of(struct scene *s, const void *octets, size_t len, size_t step)
{
    static char text[64];
    talk_open(&s->talk, s->p, s->context, NULL);
    s->talk.step = step;
    ptn_buf_add(&s->talk.to_server, octets, len);
    for (size_t i = 0; i < 3 * len + 10; i++) {
        s->talk.io = s->p->ops->handshake(s->talk.server);
        if (s->talk.io == PTN_TLS_IO_ERROR)
            break;
    }
    const char *failure = server_info(&s->talk).failure;
    snprintf(text, sizeof(text), "%s", failure ? failure : "none");
    /* It stays so, whatever is called. */
    size_t n = 1;
    if (failure) {
        assert_int_equal(s->p->ops->handshake(s->talk.server),
                         PTN_TLS_IO_ERROR);
        assert_int_equal(
            s->p->ops->read(s->talk.server, (uint8_t *)text, 0, &n),
            PTN_TLS_IO_ERROR);
        assert_int_equal(s->p->ops->shutdown(s->talk.server), PTN_TLS_IO_OK);
    }
    talk_close(&s->talk);
    return text;
}

static void
plaintext(void **state)
{
    static const char *const texts[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                                        "EHLO client.example.org\r\n",
                                        "a1 CAPABILITY\r\n", "QUIT\r\n"};
    struct scene s;
    scene_open(&s, *state, PTN_TLS_1_2, PTN_TLS_1_3);
    for (size_t i = 0; i < PTN_COUNT(texts); i++) {
        assert_string_equal(failure_of(&s, texts[i], strlen(texts[i]), 0),
                            "not tls");
        assert_string_equal(failure_of(&s, texts[i], strlen(texts[i]), 1),
                            "not tls");
    }
    scene_close(&s);
}

static void
noise(void **state)
{
    struct scene s;
    uint8_t octets[3000];
    scene_open(&s, *state, PTN_TLS_1_2, PTN_TLS_1_3);
    for (int i = 0; i < 200; i++) {
        RAND_bytes(octets, sizeof(octets));
        if (i % 2) /* as a record of the handshake */
            memcpy(octets, "\x16\3\1\4\0\1\0\3\xfc\3\3", 11);
        assert_string_not_equal(failure_of(&s, octets, sizeof(octets), 0),
                                "none");
    }
    scene_close(&s);
}

static void
hello_without_end(void **state)
{
    struct scene s;
    static uint8_t octets[40000];
    scene_open(&s, *state, PTN_TLS_1_2, PTN_TLS_1_3);
    for (size_t at = 0; at + 6 <= sizeof(octets); at += 6)
        memcpy(octets + at, "\x16\3\1\0\1a", 6);
    memcpy(octets, "\x16\3\1\0\4\1\0\x3f\xf0", 9);
    for (size_t at = 9; at + 6 <= sizeof(octets); at += 6)
        memcpy(octets + at, "\x16\3\1\0\1a", 6);
    assert_string_equal(failure_of(&s, octets, sizeof(octets), 0),
                        "hello too long");
    assert_string_equal(failure_of(&s, "\x16\3\1\0\4\2\0\0\0", 9, 0),
                        "malformed hello");
    scene_close(&s);
}

/* A real hello, each octet of it wrong in turn: an end, or more is wanted;
 * never a session. */
static void
wrong_octets(void **state)
{
    struct scene s;
    struct ptn_buf hello = PTN_BUF_INIT;
    scene_open(&s, *state, PTN_TLS_1_2, PTN_TLS_1_3);
    talk_open(&s.talk, s.p, s.context, s.client);
    SSL_do_handshake(s.talk.client);
    talk_move(&s.talk);
    ptn_buf_addslice(&hello, ptn_buf_slice(&s.talk.to_server));
    talk_close(&s.talk);
    for (size_t i = 0; i < hello.len; i++) {
        hello.data[i] = (char)(hello.data[i] ^ 0x55);
        (void)failure_of(&s, hello.data, hello.len, 0);
        hello.data[i] = (char)(hello.data[i] ^ 0x55);
    }
    assert_string_equal(failure_of(&s, hello.data, hello.len, 0), "none");
    ptn_buf_free(&hello);
    scene_close(&s);
}

/* After the hello comes nonsense, at each of the states. */
static void
noise_after_hello(void **state)
{
    struct scene s;
    uint8_t octets[64];
    for (int max = PTN_TLS_1_2; max <= PTN_TLS_1_3; max++) {
        scene_open(&s, *state, PTN_TLS_1_2, max);
        for (int i = 0; i < 40; i++) {
            talk_open(&s.talk, s.p, s.context, s.client);
            SSL_do_handshake(s.talk.client);
            talk_move(&s.talk);
            RAND_bytes(octets, sizeof(octets));
            memcpy(octets, "\x17\3\3\0\x3b\x63\0\0\x37", 9);
            octets[0] = (uint8_t)(20 + i % 5);
            ptn_buf_add(&s.talk.to_server, octets, sizeof(octets));
            for (int j = 0; j < 5; j++)
                s.talk.io = s.p->ops->handshake(s.talk.server);
            assert_int_equal(s.talk.io, PTN_TLS_IO_ERROR);
            assert_non_null(server_info(&s.talk).failure);
            talk_close(&s.talk);
        }
        scene_close(&s);
    }
}

/* Silence in the midst is not an error: core's timeout ends it. */
static void
cut_short(void **state)
{
    struct scene s;
    scene_open(&s, *state, PTN_TLS_1_2, PTN_TLS_1_3);
    for (size_t keep = 0; keep < 500; keep += 13) {
        talk_open(&s.talk, s.p, s.context, s.client);
        SSL_do_handshake(s.talk.client);
        talk_move(&s.talk);
        if (s.talk.to_server.len > keep)
            s.talk.to_server.len = keep;
        for (int j = 0; j < 5; j++)
            s.talk.io = s.p->ops->handshake(s.talk.server);
        assert_int_equal(s.talk.io, PTN_TLS_IO_WANT_READ);
        assert_null(server_info(&s.talk).failure);
        talk_close(&s.talk);
    }
    scene_close(&s);
}

static void
refused(struct scene *s, const char *failure)
{
    talk_open(&s->talk, s->p, s->context, s->client);
    assert_false(talk_shake(&s->talk));
    const char *got = server_info(&s->talk).failure;
    assert_non_null(got);
    assert_string_equal(got, failure);
    assert_true(s->talk.client_failed); /* it was sent an alert */
    talk_close(&s->talk);
}

static void
no_shared_version(void **state)
{
    struct scene s;
    scene_open(&s, *state, PTN_TLS_1_3, PTN_TLS_1_3);
    SSL_CTX_set_max_proto_version(s.client, TLS1_2_VERSION);
    refused(&s, "protocol version");
    scene_close(&s);
    scene_open(&s, *state, PTN_TLS_1_2, PTN_TLS_1_2);
    SSL_CTX_set_min_proto_version(s.client, TLS1_3_VERSION);
    refused(&s, "protocol version");
    scene_close(&s);
    scene_open(&s, *state, PTN_TLS_1_2, PTN_TLS_1_3);
    SSL_CTX_set_security_level(s.client, 0);
    SSL_CTX_set_min_proto_version(s.client, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(s.client, TLS1_1_VERSION);
    refused(&s, "protocol version");
    scene_close(&s);
}

static void
no_shared_cipher(void **state)
{
    struct scene s;
    scene_open(&s, *state, PTN_TLS_1_2, PTN_TLS_1_2);
    SSL_CTX_set_max_proto_version(s.client, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(s.client, "AES128-SHA");
    refused(&s, "no shared cipher");
    scene_close(&s);
}

static int
refuse_certificate(int ok, X509_STORE_CTX *ctx)
{
    (void)ok;
    (void)ctx;
    return 0;
}

static void
client_distrusts(void **state)
{
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct scene s;
        scene_open(&s, *state, PTN_TLS_1_2, PTN_TLS_1_3);
        SSL_CTX_set_max_proto_version(s.client, version);
        SSL_CTX_set_verify(s.client, SSL_VERIFY_PEER, NULL);
        talk_open(&s.talk, s.p, s.context, s.client);
        assert_false(talk_shake(&s.talk));
        assert_string_equal(server_info(&s.talk).failure, "unknown ca alert");
        talk_close(&s.talk);
        SSL_CTX_set_verify(s.client, SSL_VERIFY_PEER, refuse_certificate);
        talk_open(&s.talk, s.p, s.context, s.client);
        assert_false(talk_shake(&s.talk));
        assert_non_null(server_info(&s.talk).failure);
        talk_close(&s.talk);
        scene_close(&s);
    }
}

/* An open session whose records are forged, or too long. */
static void
forged_records(void **state)
{
    static const struct {
        const char *record;
        size_t len;
    } bad[] = {{"\x17\3\3\0\x20"
                "0123456789012345678901234567890123456789",
                37},
               {"\x17\3\3\x7f\xff"
                "0123",
                9},
               {"HELO\r\n", 6}};
    for (size_t i = 0; i < PTN_COUNT(bad); i++) {
        struct scene s;
        char c;
        scene_open(&s, *state, PTN_TLS_1_2, PTN_TLS_1_3);
        talk_open(&s.talk, s.p, s.context, s.client);
        assert_true(talk_shake(&s.talk));
        talk_move(&s.talk);
        ptn_buf_add(&s.talk.to_server, bad[i].record, bad[i].len);
        assert_int_equal(server_read(&s.talk, &c, 1), 0);
        assert_int_equal(s.talk.io, PTN_TLS_IO_ERROR);
        assert_non_null(server_info(&s.talk).failure);
        talk_close(&s.talk);
        scene_close(&s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(plaintext),         BOTH(noise),
        BOTH(hello_without_end), BOTH(wrong_octets),
        BOTH(noise_after_hello), BOTH(cut_short),
        BOTH(no_shared_version), BOTH(no_shared_cipher),
        BOTH(client_distrusts),  BOTH(forged_records),
    };
    return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
