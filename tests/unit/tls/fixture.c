/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * See fixture.h. One thread.
 */
#include "fixture.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <plugins/tls_openssl/tls_openssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    ROUNDS = 400000 /* of a conversation an octet at a time */
};

#ifdef TEST_WOLFSSL
extern const struct ptn_tls_ops tls_wolfssl_ops;
struct provider tls_wolfssl = {"wolfssl", &tls_wolfssl_ops, NULL};
#endif
struct provider tls_openssl = {"openssl", &tls_openssl_ops, NULL};

int
fixture_setup(void **state)
{
    (void)state;
    tls_openssl.instance = tls_openssl_new();
    return tls_openssl.instance ? 0 : -1;
}

struct identity
identity_make(enum ptn_tls_key_type type, const char *name)
{
    struct identity id = {PTN_BUF_INIT, PTN_BUF_INIT};
    struct ptn_error err = PTN_ERROR_INIT;
    const struct ptn_tls_subject subject = {.names = {&name, 1}, .days = 30};

    assert_int_equal(
        tls_openssl_ops.key_make(tls_openssl.instance, type, &id.key, &err), 0);
    assert_int_equal(tls_openssl_ops.self_sign(tls_openssl.instance,
                                               ptn_buf_slice(&id.key), &subject,
                                               &id.cert, &err),
                     0);
    return id;
}

void
identity_free(struct identity *identity)
{
    ptn_buf_free(&identity->key);
    ptn_buf_free(&identity->cert);
}

struct ptn_tls_params
params_for(const struct identity *identity)
{
    return (struct ptn_tls_params){
        .size = sizeof(struct ptn_tls_params),
        .chain = ptn_buf_slice(&identity->cert),
        .key = ptn_buf_slice(&identity->key),
        .min_version = PTN_TLS_1_2,
        .max_version = PTN_TLS_1_3,
        .tickets = true,
    };
}

struct ptn_tls_context *
context_make(const struct provider *p, const struct ptn_tls_params *params)
{
    struct ptn_tls_context *context = NULL;
    struct ptn_error err = PTN_ERROR_INIT;
    if (p->ops->context_new(p->instance, params, &context, &err) != 0)
        fail_msg("%s: %s", p->name, err.text);
    return context;
}

SSL_CTX *
client_ctx(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
                                            SSL_SESS_CACHE_NO_INTERNAL);
    return ctx;
}

static size_t
allowed(struct talk *t, size_t len)
{
    if (t->step == 0)
        return len;
    t->refuse_next = !t->refuse_next;
    if (!t->refuse_next)
        return 0;
    return len < t->step ? len : t->step;
}

static size_t
receive(void *arg, uint8_t *into, size_t len)
{
    struct talk *t = arg;
    if (len > t->to_server.len)
        len = t->to_server.len;
    len = len > 0 ? allowed(t, len) : 0;
    if (len > 0) {
        memcpy(into, t->to_server.data, len);
        ptn_buf_consume(&t->to_server, len);
    }
    return len;
}

static size_t
send_to_client(void *arg, const uint8_t *from, size_t len)
{
    struct talk *t = arg;
    len = allowed(t, len);
    if (len > 0)
        ptn_buf_add(&t->to_client, from, len);
    return len;
}

static const struct ptn_tls_transport transport = {receive, send_to_client};

void
talk_open(struct talk *t, const struct provider *p,
          struct ptn_tls_context *context, SSL_CTX *client)
{
    memset(t, 0, sizeof(*t));
    t->p = p;
    t->server = p->ops->session_new(p->instance, context, &transport, t);
    assert_non_null(t->server);
    t->io = PTN_TLS_IO_WANT_READ;
    if (!client)
        return;
    t->client = SSL_new(client);
    SSL_set_bio(t->client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(t->client);
}

void
talk_close(struct talk *t)
{
    t->p->ops->session_free(t->server);
    SSL_free(t->client);
    ptn_buf_free(&t->to_server);
    ptn_buf_free(&t->to_client);
}

void
talk_move(struct talk *t)
{
    char buf[4096];
    int n;
    while (!t->mute_client &&
           (n = BIO_read(SSL_get_wbio(t->client), buf, sizeof(buf))) > 0)
        ptn_buf_add(&t->to_server, buf, (size_t)n);
    if (t->to_client.len > 0)
        BIO_write(SSL_get_rbio(t->client), t->to_client.data,
                  (int)t->to_client.len);
    t->to_client.len = 0;
}

static bool
client_step(struct talk *t)
{
    ERR_clear_error();
    int rc = SSL_do_handshake(t->client);
    if (rc != 1) {
        int why = SSL_get_error(t->client, rc);
        t->client_failed = why != SSL_ERROR_WANT_READ;
    }
    talk_move(t);
    return rc == 1;
}

bool
talk_shake(struct talk *t)
{
    bool client = false;
    for (int i = 0; i < ROUNDS; i++) {
        if (!client)
            client = client_step(t);
        else
            talk_move(t);
        if (t->io != PTN_TLS_IO_OK)
            t->io = t->p->ops->handshake(t->server);
        if (client && t->io == PTN_TLS_IO_OK) {
            talk_move(t);
            return true;
        }
        if (t->io == PTN_TLS_IO_ERROR) {
            talk_move(t);
            if (!client)
                (void)client_step(t);
            return false;
        }
        if (t->client_failed && t->to_server.len == 0)
            return false;
    }
    return false;
}

size_t
server_read(struct talk *t, void *into, size_t len)
{
    size_t n = 0;
    for (int i = 0; i < ROUNDS; i++) {
        talk_move(t);
        t->io = t->p->ops->read(t->server, into, len, &n);
        if (t->io == PTN_TLS_IO_OK || t->io == PTN_TLS_IO_ERROR ||
            t->io == PTN_TLS_IO_CLOSED)
            return n;
        if (t->to_server.len == 0 && t->step == 0)
            return 0;
    }
    return n;
}

size_t
client_read(struct talk *t, void *into, size_t len)
{
    size_t n = 0;
    talk_move(t);
    ERR_clear_error();
    return SSL_read_ex(t->client, into, len, &n) == 1 ? n : 0;
}

void
server_write(struct talk *t, const void *from, size_t len)
{
    const uint8_t *at = from;
    for (int i = 0; i < ROUNDS && len > 0; i++) {
        size_t n = 0;
        t->io = t->p->ops->write(t->server, at, len, &n);
        assert_int_not_equal(t->io, PTN_TLS_IO_ERROR);
        at += n;
        len -= n;
        talk_move(t);
    }
    assert_int_equal(len, 0);
}

struct ptn_tls_info
server_info(struct talk *t)
{
    struct ptn_tls_info info;
    t->p->ops->info(t->server, &info);
    return info;
}

static void
put(const char *folder, const char *name, struct ptn_slice text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    if (text.len > 0)
        assert_int_equal(fwrite(text.data, 1, text.len, f), text.len);
    fclose(f);
}

bool
judged_by(const char *command, struct ptn_slice key, struct ptn_slice cert)
{
    char folder[] = "/tmp/postern-tls-XXXXXX";
    char line[1024];

    assert_non_null(mkdtemp(folder));
    put(folder, "k", key);
    put(folder, "c", cert);
    snprintf(line, sizeof(line), "cd %s && (%s) >out 2>&1", folder, command);
    int rc = system(line);
    if (rc != 0) {
        snprintf(line, sizeof(line), "sed 's/^/# /' %s/out", folder);
        (void)!system(line);
    }
    snprintf(line, sizeof(line), "rm -r %s", folder);
    (void)!system(line);
    return rc == 0;
}
