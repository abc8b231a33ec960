/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The beginning of a session: the ClientHello is gathered here, and only
 * when it is whole and core has chosen the certificate for it does OpenSSL
 * get a session. The session's thread only.
 */
#include "tls_openssl.h"

#include <openssl/sha.h>
#include <stdlib.h>

enum {
    STEP = 1024 /* a ClientHello is 200 to 1,800 octets */
};

/* A fatal alert in clear, for as long as there is no OpenSSL session. It
 * goes out whole or not at all. */
static enum ptn_tls_io
refuse(struct ptn_tls_session *s, uint8_t alert, const char *failure)
{
    const uint8_t record[] = {21, 3, 3, 0, 2, 2, alert};
    (void)s->transport->send(s->transport_arg, record, sizeof(record));
    return tls_openssl_fail(s, failure);
}

/* Core's choice for this hello replaces the listener's own context. */
static void
choose(struct ptn_tls_session *s, const struct ptn_tls_hello *hello)
{
    struct ptn_tls_context *first = s->context, *chosen = NULL;
    if (first->choose)
        chosen = first->choose(first->choose_arg, hello);
    if (!chosen || chosen == first)
        return;
    s->context = tls_openssl_context_ref(chosen);
    tls_openssl_context_free(NULL, first);
}

/* A ticket opens sessions of the same server name only (RFC 6066 section
 * 3): the name's digest is the session id context, which OpenSSL compares. */
static bool
set_name(struct ptn_tls_session *s, struct ptn_slice name)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    if (name.len > 0 && !(s->server_name = strdup(name.data)))
        return false;
    SHA256((const unsigned char *)name.data, name.len, digest);
    return SSL_set_session_id_context(s->ssl, digest, sizeof(digest)) == 1;
}

static bool
attach(struct ptn_tls_session *s)
{
    BIO *bio = BIO_new(s->context->instance->method);
    if (!bio)
        return false;
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    SSL_set_bio(s->ssl, bio, bio);
    return SSL_set_app_data(s->ssl, s) == 1;
}

static enum ptn_tls_io
begin(struct ptn_tls_session *s, const struct ptn_tls_hello *hello)
{
    choose(s, hello);
    s->ssl = SSL_new(s->context->ctx);
    if (!s->ssl || !attach(s) || !set_name(s, hello->server_name))
        return refuse(s, SSL_AD_INTERNAL_ERROR, "out of memory");
    SSL_set_accept_state(s->ssl);
    s->state = TLS_OPENSSL_SHAKING;
    return PTN_TLS_IO_OK;
}

static bool
gather(struct ptn_tls_session *s)
{
    uint8_t *to = (uint8_t *)ptn_buf_reserve(&s->hello, STEP);
    size_t n = s->transport->receive(s->transport_arg, to, STEP);
    s->hello.len += n;
    return n > 0;
}

enum ptn_tls_io
tls_openssl_hello(struct ptn_tls_session *s)
{
    char name[PTN_TLS_NAME_MAX + 1];
    struct ptn_tls_hello hello;

    while (gather(s)) {
        switch (ptn_tls_hello_scan(ptn_buf_slice(&s->hello), &hello, name)) {
        case PTN_TLS_SCAN_MORE:
            continue;
        case PTN_TLS_SCAN_DONE:
            return begin(s, &hello);
        case PTN_TLS_SCAN_NOT_TLS: /* an alert would mean nothing to it */
            return tls_openssl_fail(s, "not tls");
        case PTN_TLS_SCAN_BAD:
            return refuse(s, SSL_AD_DECODE_ERROR, "malformed hello");
        case PTN_TLS_SCAN_LONG:
            return refuse(s, SSL_AD_DECODE_ERROR, "hello too long");
        }
    }
    return PTN_TLS_IO_WANT_READ;
}
