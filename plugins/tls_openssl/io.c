/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Octets: OpenSSL's on the encrypted side through a BIO of our own, core's
 * on the plain side. What was gathered for the ClientHello is read again
 * before the transport is asked. The session's thread only.
 */
#include "tls_openssl.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <postern/arena.h>

static int
bio_read(BIO *bio, char *into, size_t len, size_t *n)
{
    struct ptn_tls_session *s = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (s->hello.len > 0) {
        *n = len < s->hello.len ? len : s->hello.len;
        memcpy(into, s->hello.data, *n);
        ptn_buf_consume(&s->hello, *n);
        if (s->hello.len == 0)
            ptn_buf_free(&s->hello);
    } else {
        *n = s->transport->receive(s->transport_arg, (uint8_t *)into, len);
    }
    if (*n == 0)
        BIO_set_retry_read(bio);
    return *n > 0;
}

static int
bio_write(BIO *bio, const char *from, size_t len, size_t *n)
{
    struct ptn_tls_session *s = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    *n = s->transport->send(s->transport_arg, (const uint8_t *)from, len);
    if (*n == 0)
        BIO_set_retry_write(bio);
    return *n > 0;
}

static long
bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH; /* core sends what it holds by itself */
}

static BIO_METHOD *
new_method(void)
{
    BIO_METHOD *method = BIO_meth_new(
        BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "postern transport");
    if (method && BIO_meth_set_read_ex(method, bio_read) &&
        BIO_meth_set_write_ex(method, bio_write) &&
        BIO_meth_set_ctrl(method, bio_ctrl))
        return method;
    BIO_meth_free(method);
    return NULL;
}

struct tls_openssl *
tls_openssl_new(void)
{
    struct tls_openssl *self = ptn_alloc(sizeof(*self));
    self->method = new_method();
    self->remote = tls_openssl_remote_new();
    if (self->method && self->remote)
        return self;
    OSSL_LIB_CTX_free(self->remote);
    BIO_meth_free(self->method);
    ptn_free(self);
    return NULL;
}

enum ptn_tls_io
tls_openssl_read(struct ptn_tls_session *s, uint8_t *into, size_t len,
                 size_t *n)
{
    *n = 0;
    if (s->state != TLS_OPENSSL_OPEN)
        return s->state == TLS_OPENSSL_CLOSED ? PTN_TLS_IO_CLOSED
                                              : PTN_TLS_IO_ERROR;
    ERR_clear_error();
    int rc = SSL_read_ex(s->ssl, into, len, n);
    return rc == 1 ? PTN_TLS_IO_OK : tls_openssl_result(s, rc);
}

enum ptn_tls_io
tls_openssl_write(struct ptn_tls_session *s, const uint8_t *from, size_t len,
                  size_t *n)
{
    *n = 0;
    if (s->state != TLS_OPENSSL_OPEN)
        return PTN_TLS_IO_ERROR;
    if (len == 0) /* OpenSSL would send an empty record */
        return PTN_TLS_IO_OK;
    ERR_clear_error();
    int rc = SSL_write_ex(s->ssl, from, len, n);
    return rc == 1 ? PTN_TLS_IO_OK : tls_openssl_result(s, rc);
}

enum ptn_tls_io
tls_openssl_shutdown(struct ptn_tls_session *s)
{
    if (s->state != TLS_OPENSSL_OPEN)
        return PTN_TLS_IO_OK;
    ERR_clear_error();
    int rc = SSL_shutdown(s->ssl);
    if (rc < 0 && SSL_get_error(s->ssl, rc) == SSL_ERROR_WANT_WRITE)
        return PTN_TLS_IO_WANT_WRITE;
    s->state = TLS_OPENSSL_CLOSED; /* RFC 8446 section 6.1: no waiting */
    return PTN_TLS_IO_OK;
}
