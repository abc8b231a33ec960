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
    tls_openssl_peer_free(s->peer);
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
    tls_openssl_note_peer(s);
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

/* As people call it; OpenSSL has the names of X9.62 and SEC 2. */
static const char *
group_of(SSL *ssl)
{
    int id = (int)SSL_get_negotiated_group(ssl);
    if (id == NID_X9_62_prime256v1)
        return "P-256";
    if (id == NID_secp384r1)
        return "P-384";
    return id == NID_undef ? NULL : OBJ_nid2sn(id);
}

static uint16_t
scheme_of(SSL *ssl)
{
    int kind = NID_undef, digest = NID_undef;
    if (SSL_get_signature_type_nid(ssl, &kind) != 1)
        return 0;
    (void)SSL_get_signature_nid(ssl, &digest);
    return (uint16_t)tls_openssl_scheme(kind, digest);
}

void
tls_openssl_info(struct ptn_tls_session *s, struct ptn_tls_info *out)
{
    memset(out, 0, sizeof(*out));
    out->cause = s->cause;
    out->failure = s->cause == PTN_TLS_CAUSE_ALERT
                       ? ptn_tls_alert_word(s->alert_received)
                       : ptn_tls_cause_word(s->cause);
    out->alert_sent = s->alert_sent;
    out->alert_received = s->alert_received;
    out->server_name = ptn_slice_of(s->server_name);
    tls_openssl_peer_info(s, out);
    if (s->state != TLS_OPENSSL_OPEN && s->state != TLS_OPENSSL_CLOSED)
        return;
    out->version = (enum ptn_tls_version)SSL_version(s->ssl);
    out->version_name = SSL_get_version(s->ssl);
    out->cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(s->ssl));
    out->alpn = alpn_of(s);
    out->resumed = SSL_session_reused(s->ssl) == 1;
    out->group = group_of(s->ssl);
    out->scheme = out->resumed ? 0 : scheme_of(s->ssl);
    ERR_clear_error();
}
