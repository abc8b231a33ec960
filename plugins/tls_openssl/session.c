/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A session's life: made small, grown by the handshake. The session's
 * thread only.
 */
#include "tls_openssl.h"

#include <openssl/err.h>
#include <stdlib.h>

struct ptn_tls_session *
tls_openssl_session_new(void *instance, struct ptn_tls_context *context,
                        const struct ptn_tls_transport *transport,
                        void *transport_arg)
{
    struct ptn_tls_session *s = calloc(1, sizeof(*s));
    (void)instance;
    if (!s)
        return NULL;
    s->context = tls_openssl_context_ref(context);
    s->transport = transport;
    s->transport_arg = transport_arg;
    return s;
}

void
tls_openssl_session_free(struct ptn_tls_session *s)
{
    if (!s)
        return;
    SSL_free(s->ssl);
    tls_openssl_context_free(NULL, s->context);
    ptn_buf_free(&s->hello);
    free(s->server_name);
    free(s);
}

enum ptn_tls_io
tls_openssl_handshake(struct ptn_tls_session *s)
{
    if (s->state == TLS_OPENSSL_HELLO) {
        enum ptn_tls_io io = tls_openssl_hello(s);
        if (io != PTN_TLS_IO_OK)
            return io;
    }
    if (s->state == TLS_OPENSSL_OPEN)
        return PTN_TLS_IO_OK;
    if (s->state != TLS_OPENSSL_SHAKING)
        return PTN_TLS_IO_ERROR;
    ERR_clear_error();
    int rc = SSL_do_handshake(s->ssl);
    if (rc != 1)
        return tls_openssl_result(s, rc);
    s->state = TLS_OPENSSL_OPEN;
    return PTN_TLS_IO_OK;
}

/* The agreed protocol is the one of the context, or none. */
static const char *
alpn_of(const struct ptn_tls_session *s)
{
    const unsigned char *name = NULL;
    unsigned len = 0;
    SSL_get0_alpn_selected(s->ssl, &name, &len);
    return len > 0 ? s->context->alpn : NULL;
}

void
tls_openssl_info(struct ptn_tls_session *s, struct ptn_tls_info *out)
{
    memset(out, 0, sizeof(*out));
    out->failure = s->failure;
    out->server_name = ptn_slice_of(s->server_name);
    if (s->state != TLS_OPENSSL_OPEN && s->state != TLS_OPENSSL_CLOSED)
        return;
    out->version = (enum ptn_tls_version)SSL_version(s->ssl);
    out->version_name = SSL_get_version(s->ssl);
    out->cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(s->ssl));
    out->alpn = alpn_of(s);
    out->resumed = SSL_session_reused(s->ssl) == 1;
}
