/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A session's life: made small, grown by the handshake, shrunk after it. The
 * session's thread only.
 */
#include "tls_wolfssl.h"

#include <stdlib.h>

struct ptn_tls_session *
tls_wolfssl_session_new(void *instance, struct ptn_tls_context *context,
                        const struct ptn_tls_transport *transport,
                        void *transport_arg)
{
    struct ptn_tls_session *s = calloc(1, sizeof(*s));
    (void)instance;
    if (!s)
        return NULL;
    s->context = tls_wolfssl_context_ref(context);
    s->transport = transport;
    s->transport_arg = transport_arg;
    return s;
}

void
tls_wolfssl_session_free(struct ptn_tls_session *s)
{
    if (!s)
        return;
    wolfSSL_free(s->ssl);
    tls_wolfssl_peer_free(s->peer);
    tls_wolfssl_context_free(NULL, s->context);
    ptn_buf_free(&s->hello);
    free(s->server_name);
    free(s);
}

enum ptn_tls_io
tls_wolfssl_handshake(struct ptn_tls_session *s)
{
    if (s->state == TLS_WOLFSSL_HELLO) {
        enum ptn_tls_io io = tls_wolfssl_hello(s);
        if (io != PTN_TLS_IO_OK)
            return io;
    }
    if (s->state == TLS_WOLFSSL_OPEN)
        return PTN_TLS_IO_OK;
    if (s->state != TLS_WOLFSSL_SHAKING)
        return PTN_TLS_IO_ERROR;
    int rc = s->context->is_client ? wolfSSL_connect(s->ssl)
                                   : wolfSSL_accept(s->ssl);
    if (rc != WOLFSSL_SUCCESS)
        return tls_wolfssl_result(s, rc);
    s->state = TLS_WOLFSSL_OPEN;
    tls_wolfssl_keep_exporter(s);
    return PTN_TLS_IO_OK;
}

static enum ptn_tls_version
version_of(WOLFSSL *ssl)
{
    switch (wolfSSL_GetVersion(ssl)) {
    case WOLFSSL_TLSV1:
        return PTN_TLS_1_0;
    case WOLFSSL_TLSV1_1:
        return PTN_TLS_1_1;
    case WOLFSSL_TLSV1_2:
        return PTN_TLS_1_2;
    default:
        return PTN_TLS_1_3;
    }
}

/* The agreed protocol is the one of the context, or none. */
static const char *
alpn_of(const struct ptn_tls_session *s)
{
    char *name = NULL;
    unsigned short len = 0;
    if (!s->context->alpn ||
        wolfSSL_ALPN_GetProtocol(s->ssl, &name, &len) != WOLFSSL_SUCCESS)
        return NULL;
    return s->context->alpn;
}

/* As people call it; wolfSSL has the names of SEC 2. */
static const char *
group_of(const struct ptn_tls_session *s)
{
    const char *name = wolfSSL_get_curve_name(s->ssl);
    if (!name)
        return NULL;
    if (strcmp(name, "SECP256R1") == 0)
        return "P-256";
    return strcmp(name, "SECP384R1") == 0 ? "P-384" : name;
}

static void
failure_info(const struct ptn_tls_session *s, struct ptn_tls_info *out)
{
    WOLFSSL_ALERT_HISTORY history;
    out->cause = s->cause;
    out->failure = s->cause == PTN_TLS_CAUSE_ALERT
                       ? ptn_tls_alert_word(s->alert_received)
                       : ptn_tls_cause_word(s->cause);
    out->alert_received = s->alert_received;
    out->alert_sent = s->alert_sent;
    if (s->state == TLS_WOLFSSL_FAILED && s->ssl && s->alert_sent == 0 &&
        wolfSSL_get_alert_history(s->ssl, &history) == WOLFSSL_SUCCESS &&
        history.last_tx.code > 0)
        out->alert_sent = (uint8_t)history.last_tx.code;
}

void
tls_wolfssl_info(struct ptn_tls_session *s, struct ptn_tls_info *out)
{
    memset(out, 0, sizeof(*out));
    failure_info(s, out);
    tls_wolfssl_peer_info(s, out);
    out->server_name = ptn_slice_of(s->server_name);
    if (s->state != TLS_WOLFSSL_OPEN && s->state != TLS_WOLFSSL_CLOSED)
        return;
    out->version = version_of(s->ssl);
    out->version_name = wolfSSL_get_version(s->ssl);
    out->cipher = wolfSSL_get_cipher_name_iana_from_suite(
        (unsigned char)(wolfSSL_get_current_cipher_suite(s->ssl) >> 8),
        (unsigned char)wolfSSL_get_current_cipher_suite(s->ssl));
    out->alpn = alpn_of(s);
    out->resumed = wolfSSL_session_reused(s->ssl) != 0;
    out->scheme = s->scheme;
    out->group = group_of(s);
}
