/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The beginning of a session: the ClientHello is gathered here, and only
 * when it is whole and core has chosen the certificate for it does wolfSSL
 * get a session. The session's thread only.
 */
#include "tls_wolfssl.h"

#include <arpa/inet.h>
#include <stdlib.h>

enum {
    STEP = 1024,             /* a ClientHello is 200 to 1,800 octets */
    ALERT_DECODE_ERROR = 50, /* RFC 8446 section 6.2, as the others */
    ALERT_PROTOCOL_VERSION = 70
};

enum ptn_tls_io
tls_wolfssl_refuse(struct ptn_tls_session *s, uint8_t alert,
                   enum ptn_tls_cause cause)
{
    const uint8_t record[] = {21, 3, 3, 0, 2, 2, alert};
    (void)s->transport->send(s->transport_arg, record, sizeof(record));
    s->alert_sent = alert;
    return tls_wolfssl_fail(s, cause);
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
    s->context = tls_wolfssl_context_ref(chosen);
    tls_wolfssl_context_free(NULL, first);
}

static bool
set_names(struct ptn_tls_session *s, const struct ptn_tls_hello *hello)
{
    struct ptn_tls_context *c = s->context;
    if (hello->server_name.len > 0) {
        s->server_name = strdup(hello->server_name.data);
        /* So that it is acknowledged (RFC 6066 section 3). */
        if (!s->server_name ||
            wolfSSL_UseSNI(s->ssl, WOLFSSL_SNI_HOST_NAME, s->server_name,
                           (word16)hello->server_name.len) != WOLFSSL_SUCCESS)
            return false;
        wolfSSL_SNI_SetOptions(s->ssl, WOLFSSL_SNI_HOST_NAME,
                               WOLFSSL_SNI_CONTINUE_ON_MISMATCH);
    }
    if (!c->alpn || !hello->offers_alpn)
        return true;
    return wolfSSL_UseALPN(s->ssl, c->alpn, (unsigned)strlen(c->alpn),
                           c->alpn_strict
                               ? WOLFSSL_ALPN_FAILED_ON_MISMATCH
                               : WOLFSSL_ALPN_CONTINUE_ON_MISMATCH) ==
           WOLFSSL_SUCCESS;
}

/* The library takes a missing ticket key for an error, so it must not ask
 * before core has given one. */
static void
set_tickets(struct ptn_tls_session *s)
{
    pthread_mutex_lock(&s->context->lock);
    bool keys = s->context->key_count > 0;
    pthread_mutex_unlock(&s->context->lock);
    if (keys)
        return;
    wolfSSL_no_ticket_TLSv13(s->ssl);
    wolfSSL_NoTicketTLSv12(s->ssl);
}

/* A session of the library, tied to this one. */
static bool
make_ssl(struct ptn_tls_session *s)
{
    s->ssl = wolfSSL_new(s->context->ctx);
    if (!s->ssl)
        return false;
    wolfSSL_SetIOReadCtx(s->ssl, s);
    wolfSSL_SetIOWriteCtx(s->ssl, s);
    wolfSSL_SetCertCbCtx(s->ssl, s);
#ifdef HAVE_KEYING_MATERIAL
    wolfSSL_KeepArrays(s->ssl); /* until the handshake is done */
#endif
    s->state = TLS_WOLFSSL_SHAKING;
    return true;
}

static bool
shares_version(const struct ptn_tls_context *c,
               const struct ptn_tls_hello *hello)
{
    const bool offered[] = {hello->offers_1_0, hello->offers_1_1,
                            hello->offers_1_2, hello->offers_1_3};
    for (unsigned v = c->min_version; v <= c->max_version; v++)
        if (offered[v - PTN_TLS_1_0])
            return true;
    return false;
}

static enum ptn_tls_io
begin(struct ptn_tls_session *s, const struct ptn_tls_hello *hello)
{
    choose(s, hello);
    /* RFC 8446 section 4.2.1. The library would speak of suites. */
    if (!shares_version(s->context, hello))
        return tls_wolfssl_refuse(s, ALERT_PROTOCOL_VERSION,
                                  PTN_TLS_CAUSE_VERSION);
    if (!make_ssl(s))
        return tls_wolfssl_refuse(s, TLS_WOLFSSL_INTERNAL_ERROR,
                                  PTN_TLS_CAUSE_MEMORY);
    s->has_ems = hello->offers_ems; /* this library always agrees */
    set_tickets(s);
    if (!set_names(s, hello))
        return tls_wolfssl_refuse(s, TLS_WOLFSSL_INTERNAL_ERROR,
                                  PTN_TLS_CAUSE_MEMORY);
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
tls_wolfssl_hello(struct ptn_tls_session *s)
{
    char name[PTN_TLS_NAME_MAX + 1];
    struct ptn_tls_hello hello;

    while (gather(s)) {
        switch (ptn_tls_hello_read(ptn_buf_slice(&s->hello), &hello,
                                   sizeof(hello), name)) {
        case PTN_TLS_SCAN_MORE:
            continue;
        case PTN_TLS_SCAN_DONE:
            return begin(s, &hello);
        case PTN_TLS_SCAN_NOT_TLS: /* an alert would mean nothing to it */
            return tls_wolfssl_fail(s, PTN_TLS_CAUSE_NOT_TLS);
        case PTN_TLS_SCAN_BAD:
            return tls_wolfssl_refuse(s, ALERT_DECODE_ERROR,
                                      PTN_TLS_CAUSE_MALFORMED_HELLO);
        case PTN_TLS_SCAN_LONG:
            return tls_wolfssl_refuse(s, ALERT_DECODE_ERROR,
                                      PTN_TLS_CAUSE_LONG_HELLO);
        }
    }
    return PTN_TLS_IO_WANT_READ;
}

/* RFC 6066 section 3: no addresses. */
static bool
is_address(const char *name)
{
    uint8_t ip[16];
    return inet_pton(AF_INET, name, ip) == 1 ||
           inet_pton(AF_INET6, name, ip) == 1;
}

static bool
ask_for(struct ptn_tls_session *s, const char *name)
{
    if (!name)
        return true;
    if (!is_address(name) &&
        wolfSSL_UseSNI(s->ssl, WOLFSSL_SNI_HOST_NAME, name,
                       (word16)strlen(name)) != WOLFSSL_SUCCESS)
        return false;
    return s->context->peer != PTN_TLS_PEER_REQUIRED ||
           wolfSSL_check_domain_name(s->ssl, name) == WOLFSSL_SUCCESS;
}

struct ptn_tls_session *
tls_wolfssl_connect(void *instance, struct ptn_tls_context *context,
                    const struct ptn_tls_transport *transport,
                    void *transport_arg, const char *server_name)
{
    struct ptn_tls_session *s =
        tls_wolfssl_session_new(instance, context, transport, transport_arg);
    const char *alpn = context->alpn;

    if (s && make_ssl(s) && ask_for(s, server_name) &&
        (!alpn ||
         wolfSSL_UseALPN(s->ssl, context->alpn, (unsigned)strlen(context->alpn),
                         WOLFSSL_ALPN_CONTINUE_ON_MISMATCH) == WOLFSSL_SUCCESS))
        return s;
    tls_wolfssl_session_free(s);
    return NULL;
}
