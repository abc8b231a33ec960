/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * TLS 1.0 and 1.1, which RFC 8996 ended: only a context that says so speaks
 * them, and it speaks the newest that the client has.
 */
#include "fixture.h"

#include <openssl/err.h>

static const char host[] = "mail.example.org";

/* A client of another time: OpenSSL with what it has ended. */
static SSL_CTX *
old_client(int min, int max)
{
    SSL_CTX *ctx = client_ctx();
    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(ctx, min);
    SSL_CTX_set_max_proto_version(ctx, max);
    return ctx;
}

static struct ptn_tls_context *
context_of(const struct provider *p, const struct identity *id,
           enum ptn_tls_version min, enum ptn_tls_version max)
{
    struct ptn_tls_params params = params_for(id);
    params.min_version = min;
    params.max_version = max;
    return context_make(p, &params);
}

static void
exchange(struct talk *t)
{
    char buf[64];
    assert_int_equal(SSL_write(t->client, "hello", 5), 5);
    assert_int_equal(server_read(t, buf, sizeof(buf)), 5);
    assert_memory_equal(buf, "hello", 5);
    server_write(t, "and back", 8);
    size_t n = 0; /* TLS 1.0 may send an octet by itself (RFC 5246 F) */
    for (int i = 0; i < 8 && n < 8; i++)
        n += client_read(t, buf + n, sizeof(buf) - n);
    assert_int_equal(n, 8);
    assert_memory_equal(buf, "and back", 8);
}

/* The version that comes of it; 0: none. */
static int
agree(const struct provider *p, struct ptn_tls_context *context,
      SSL_CTX *client, size_t step)
{
    struct talk t;
    int version = 0;
    talk_open(&t, p, context, client);
    t.step = step;
    if (talk_shake(&t)) {
        version = SSL_version(t.client);
        assert_int_equal(server_info(&t).version, version);
        exchange(&t);
    } else {
        /* One of both said so: a client does not tell its lowest version, and
         * its alert may be in a record of a version that is not ours. */
        assert_non_null(strstr(server_info(&t).failure, "protocol version"));
        assert_true(t.client_failed);
    }
    talk_close(&t);
    return version;
}

/* Every range of the one against every range of the other. */
static void
speaks_the_newest_of_both(void **state)
{
    const struct provider *p = *state;
    struct identity id = identity_make(PTN_KEY_RSA_2048, host);
    for (int min = PTN_TLS_1_0; min <= PTN_TLS_1_3; min++) {
        for (int max = min; max <= PTN_TLS_1_3; max++) {
            struct ptn_tls_context *c = context_of(
                p, &id, (enum ptn_tls_version)min, (enum ptn_tls_version)max);
            for (int low = TLS1_VERSION; low <= TLS1_3_VERSION; low++) {
                for (int high = low; high <= TLS1_3_VERSION; high++) {
                    int newest = high < max ? high : max;
                    int want = newest < low || newest < min ? 0 : newest;
                    SSL_CTX *client = old_client(low, high);
                    int got = agree(p, c, client, 0);
                    if (got != want)
                        fail_msg("%s: %x-%x with %x-%x: %x", p->name,
                                 (unsigned)min, (unsigned)max, (unsigned)low,
                                 (unsigned)high, (unsigned)got);
                    SSL_CTX_free(client);
                }
            }
            p->ops->context_free(p->instance, c);
        }
    }
    identity_free(&id);
}

static void
with_every_kind_of_key(void **state)
{
    static const enum ptn_tls_key_type types[] = {
        PTN_KEY_RSA_2048, PTN_KEY_RSA_3072, PTN_KEY_RSA_4096,
        PTN_KEY_ECDSA_P256, PTN_KEY_ECDSA_P384};
    const struct provider *p = *state;
    for (size_t i = 0; i < PTN_COUNT(types); i++) {
        struct identity id = identity_make(types[i], host);
        struct ptn_tls_context *c =
            context_of(p, &id, PTN_TLS_1_0, PTN_TLS_1_3);
        for (int version = TLS1_VERSION; version <= TLS1_3_VERSION; version++) {
            SSL_CTX *client = old_client(version, version);
            assert_int_equal(agree(p, c, client, 0), version);
            assert_int_equal(agree(p, c, client, 50), version);
            SSL_CTX_free(client);
        }
        p->ops->context_free(p->instance, c);
        identity_free(&id);
    }
}

/* A key that is elsewhere signs both digests (RFC 4346 section 7.4.3), or
 * SHA-1. */
struct vault {
    const struct provider *p;
    struct ptn_slice key;
    unsigned scheme;
};

static int
sign(void *arg, const struct ptn_tls_to_sign *what, struct ptn_buf *signature)
{
    struct vault *v = arg;
    v->scheme = what->scheme;
    return v->p->ops->sign(v->p->instance, v->key, what, signature, NULL);
}

static void
with_a_key_elsewhere(void **state)
{
    const struct provider *p = *state;
    const struct {
        enum ptn_tls_key_type type;
        unsigned scheme;
    } rows[] = {{PTN_KEY_RSA_2048, PTN_SIGN_RSA_PKCS1_MD5_SHA1},
                {PTN_KEY_ECDSA_P256, PTN_SIGN_ECDSA_SHA1}};
    for (size_t i = 0; i < PTN_COUNT(rows); i++) {
        struct identity id = identity_make(rows[i].type, host);
        struct vault v = {p, ptn_buf_slice(&id.key), 0};
        struct ptn_tls_params params = params_for(&id);
        params.key = (struct ptn_slice){NULL, 0};
        params.min_version = PTN_TLS_1_0;
        params.sign = sign;
        params.sign_arg = &v;
        struct ptn_tls_context *c = context_make(p, &params);
        for (int version = TLS1_VERSION; version <= TLS1_1_VERSION; version++) {
            SSL_CTX *client = old_client(version, version);
            assert_int_equal(agree(p, c, client, 0), version);
            assert_int_equal(v.scheme, rows[i].scheme);
            SSL_CTX_free(client);
        }
        p->ops->context_free(p->instance, c);
        identity_free(&id);
    }
}

/* Beside one with old versions, the others stay as strict as ever. */
static void
only_where_it_is_said(void **state)
{
    const struct provider *p = *state;
    struct identity id = identity_make(PTN_KEY_RSA_2048, host);
    struct ptn_tls_context *old = context_of(p, &id, PTN_TLS_1_0, PTN_TLS_1_3);
    struct ptn_tls_context *strict =
        context_of(p, &id, PTN_TLS_1_2, PTN_TLS_1_3);
    SSL_CTX *client = old_client(TLS1_VERSION, TLS1_1_VERSION);
    assert_int_equal(agree(p, old, client, 0), TLS1_1_VERSION);
    assert_int_equal(agree(p, strict, client, 0), 0);
    SSL_CTX_free(client);
    /* CBC is only for those that have nothing better. */
    client = old_client(TLS1_2_VERSION, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(client, "ECDHE-RSA-AES128-SHA:@SECLEVEL=0");
    struct talk t;
    talk_open(&t, p, strict, client);
    assert_false(talk_shake(&t));
    assert_string_equal(server_info(&t).failure, "no shared cipher");
    talk_close(&t);
    SSL_CTX_free(client);
    p->ops->context_free(p->instance, old);
    p->ops->context_free(p->instance, strict);
    identity_free(&id);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(speaks_the_newest_of_both),
        BOTH(with_every_kind_of_key),
        BOTH(with_a_key_elsewhere),
        BOTH(only_where_it_is_said),
    };
    return cmocka_run_group_tests(tests, fixture_setup, NULL);
}
