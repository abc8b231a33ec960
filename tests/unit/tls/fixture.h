/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the TLS tests share: the providers, and a conversation between a
 * provider's session and OpenSSL's client, over memory. The client is the
 * same for both providers, so each is judged by a stranger at least once.
 */
#ifndef TESTS_TLS_FIXTURE_H
#define TESTS_TLS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/ssl.h>
#include <postern/tls.h>

struct provider {
    const char *name;
    const struct ptn_tls_ops *ops;
    void *instance;
};

extern struct provider tls_wolfssl, tls_openssl;

/* Each test runs once for each provider; its state is the provider. */
#if defined(TEST_WOLFSSL)
#define BOTH(f)                                                                \
    {#f "/wolfssl", f, NULL, NULL, &tls_wolfssl},                              \
    {                                                                          \
#f "/openssl", f, NULL, NULL, &tls_openssl                             \
    }
#else
#define BOTH(f)                                                                \
    {                                                                          \
#f "/openssl", f, NULL, NULL, &tls_openssl                             \
    }
#endif

int fixture_setup(void **state); /* once, before the first test */

/* A key and a self-signed certificate for `name`, made by the OTHER
 * library's tools where there is one. Free both. */
struct identity {
    struct ptn_buf key, cert;
};
struct identity identity_make(enum ptn_tls_key_type type, const char *name);
void identity_free(struct identity *identity);

/* Parameters for `identity` with everything else at its default. */
struct ptn_tls_params params_for(const struct identity *identity);
struct ptn_tls_context *context_make(const struct provider *p,
                                     const struct ptn_tls_params *params);

/* Both ends and what is on the wire between them. */
struct talk {
    const struct provider *p;
    struct ptn_tls_session *server;
    SSL *client;
    struct ptn_buf to_server, to_client;
    size_t step; /* octets that move at a time, each second call none;
                    0 = all */
    bool refuse_next;
    bool mute_client;   /* nothing is taken from the client any more */
    enum ptn_tls_io io; /* what the last server call said */
    bool client_failed;
};

SSL_CTX *client_ctx(void); /* verifies nothing, keeps tickets */
void talk_open(struct talk *t, const struct provider *p,
               struct ptn_tls_context *context, SSL_CTX *client);
void talk_close(struct talk *t);
/* Moves octets until both ends have shaken hands or one has failed. */
bool talk_shake(struct talk *t);
/* Moves what is there between the client's BIOs and the wire. */
void talk_move(struct talk *t);
/* What the server reads, up to `len`, driving both ends. */
size_t server_read(struct talk *t, void *into, size_t len);
size_t client_read(struct talk *t, void *into, size_t len);
void server_write(struct talk *t, const void *from, size_t len);
struct ptn_tls_info server_info(struct talk *t);

/* Runs `command` with files k, c, r (key, cert, request) in a folder of its
 * own, as $k, $c, $r. True when it ends with 0. */
bool judged_by(const char *command, struct ptn_slice key,
               struct ptn_slice cert);

#endif
