/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Octets: wolfSSL's on the encrypted side, core's on the plain side. What
 * was gathered for the ClientHello is read again before the transport is
 * asked. The session's thread only.
 */
#include "tls_wolfssl.h"

#include <limits.h>

/* A client that refuses our certificate in TLS 1.3 may say so before it
 * encrypts anything. wolfSSL 5.5.4 reads the header of that alert, finds it
 * malformed, and leaves the body to tls_wolfssl_result. */
static void
watch_alert(struct ptn_tls_session *s, const uint8_t *octets, size_t n)
{
    static const uint8_t header[] = {21, 3, 3, 0, 2};
    if (s->alerted && n == 2)
        s->alert_received = octets[1];
    s->alerted =
        n == sizeof(header) && memcmp(octets, header, sizeof(header)) == 0;
}

int
tls_wolfssl_receive(WOLFSSL *ssl, char *into, int len, void *arg)
{
    struct ptn_tls_session *s = arg;
    size_t n = (size_t)len;
    (void)ssl;

    if (s->hello.len > 0) {
        if (n > s->hello.len)
            n = s->hello.len;
        memcpy(into, s->hello.data, n);
        ptn_buf_consume(&s->hello, n);
        if (s->hello.len == 0)
            ptn_buf_free(&s->hello);
    } else {
        n = s->transport->receive(s->transport_arg, (uint8_t *)into, n);
        watch_alert(s, (const uint8_t *)into, n);
    }
    return n > 0 ? (int)n : WOLFSSL_CBIO_ERR_WANT_READ;
}

int
tls_wolfssl_send(WOLFSSL *ssl, char *from, int len, void *arg)
{
    struct ptn_tls_session *s = arg;
    (void)ssl;
    size_t n = s->transport->send(s->transport_arg, (const uint8_t *)from,
                                  (size_t)len);
    s->blocked = n == 0;
    return n > 0 ? (int)n : WOLFSSL_CBIO_ERR_WANT_WRITE;
}

static int
int_of(size_t len)
{
    return len > INT_MAX ? INT_MAX : (int)len;
}

enum ptn_tls_io
tls_wolfssl_read(struct ptn_tls_session *s, uint8_t *into, size_t len,
                 size_t *n)
{
    *n = 0;
    if (s->state != TLS_WOLFSSL_OPEN)
        return s->state == TLS_WOLFSSL_CLOSED ? PTN_TLS_IO_CLOSED
                                              : PTN_TLS_IO_ERROR;
    int rc = wolfSSL_read(s->ssl, into, int_of(len));
    if (rc <= 0)
        return tls_wolfssl_result(s, rc);
    *n = (size_t)rc;
    return PTN_TLS_IO_OK;
}

enum ptn_tls_io
tls_wolfssl_write(struct ptn_tls_session *s, const uint8_t *from, size_t len,
                  size_t *n)
{
    *n = 0;
    if (s->state != TLS_WOLFSSL_OPEN)
        return PTN_TLS_IO_ERROR;
    if (len == 0) /* wolfSSL would send an empty record */
        return PTN_TLS_IO_OK;
    int rc = wolfSSL_write(s->ssl, from, int_of(len));
    if (rc <= 0)
        return tls_wolfssl_result(s, rc);
    *n = (size_t)rc;
    return PTN_TLS_IO_OK;
}

enum ptn_tls_io
tls_wolfssl_shutdown(struct ptn_tls_session *s)
{
    if (s->state != TLS_WOLFSSL_OPEN)
        return PTN_TLS_IO_OK;
    int rc = wolfSSL_shutdown(s->ssl);
    if (rc < 0 && wolfSSL_get_error(s->ssl, rc) == WOLFSSL_ERROR_WANT_WRITE)
        return PTN_TLS_IO_WANT_WRITE;
    s->state = TLS_WOLFSSL_CLOSED; /* RFC 8446 section 6.1: no waiting */
    return PTN_TLS_IO_OK;
}
