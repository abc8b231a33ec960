/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The beginning of a session: the ClientHello is gathered here, and only
 * when it is whole and core has chosen the certificate for it does OpenSSL
 * get a session. The session's thread only.
 */
#include "tls_openssl.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

enum {
    STEP = 1024 /* a ClientHello is 200 to 1,800 octets */
};

/* A fatal alert in clear, for as long as there is no OpenSSL session. It
 * goes out whole or not at all. */
static enum ptn_tls_io
refuse(struct ptn_tls_session *s, uint8_t alert, enum ptn_tls_cause cause)
{
    const uint8_t record[] = {21, 3, 3, 0, 2, 2, alert};
    (void)s->transport->send(s->transport_arg, record, sizeof(record));
    s->alert_sent = alert;
    return tls_openssl_fail(s, cause);
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

/* Alerts in either direction; close_notify (0) is no news. */
static void
note_alert(const SSL *ssl, int where, int value)
{
    struct ptn_tls_session *s = SSL_get_app_data(ssl);
    uint8_t alert = (uint8_t)(value & 0xff);
    if (!(where & SSL_CB_ALERT) || alert == SSL_AD_CLOSE_NOTIFY)
        return;
    if (where & SSL_CB_READ)
        s->alert_received = alert;
    else
        s->alert_sent = alert;
}

/* A session of the library, tied to this one. */
static bool
make_ssl(struct ptn_tls_session *s)
{
    s->ssl = SSL_new(s->context->ctx);
    if (!s->ssl || !attach(s))
        return false;
    SSL_set_info_callback(s->ssl, note_alert);
    s->state = TLS_OPENSSL_SHAKING;
    return true;
}

static enum ptn_tls_io
begin(struct ptn_tls_session *s, const struct ptn_tls_hello *hello)
{
    choose(s, hello);
    if (!make_ssl(s) || !set_name(s, hello->server_name))
        return refuse(s, SSL_AD_INTERNAL_ERROR, PTN_TLS_CAUSE_MEMORY);
    SSL_set_accept_state(s->ssl);
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
        switch (ptn_tls_hello_read(ptn_buf_slice(&s->hello), &hello,
                                   sizeof(hello), name)) {
        case PTN_TLS_SCAN_MORE:
            continue;
        case PTN_TLS_SCAN_DONE:
            return begin(s, &hello);
        case PTN_TLS_SCAN_NOT_TLS: /* an alert would mean nothing to it */
            return tls_openssl_fail(s, PTN_TLS_CAUSE_NOT_TLS);
        case PTN_TLS_SCAN_BAD:
            return refuse(s, SSL_AD_DECODE_ERROR,
                          PTN_TLS_CAUSE_MALFORMED_HELLO);
        case PTN_TLS_SCAN_LONG:
            return refuse(s, SSL_AD_DECODE_ERROR, PTN_TLS_CAUSE_LONG_HELLO);
        }
    }
    return PTN_TLS_IO_WANT_READ;
}

/* RFC 6066 section 3: no addresses are asked for. */
static bool
ask_for(struct ptn_tls_session *s, const char *name)
{
    bool check = s->context->peer == PTN_TLS_PEER_REQUIRED;
    if (!name)
        return true;
    ASN1_OCTET_STRING *ip = a2i_IPADDRESS(name);
    ERR_clear_error(); /* of what is no address */
    if (ip) {
        ASN1_OCTET_STRING_free(ip);
        return !check ||
               X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(s->ssl), name) == 1;
    }
    return SSL_set_tlsext_host_name(s->ssl, name) == 1 &&
           (!check || SSL_set1_host(s->ssl, name) == 1);
}

/* RFC 7301 section 3.1: the one name, its length before it. */
static bool
offer_alpn(struct ptn_tls_session *s)
{
    struct ptn_buf list = PTN_BUF_INIT;
    const char *name = s->context->alpn;
    if (!name)
        return true;
    ptn_buf_addc(&list, (char)strlen(name));
    ptn_buf_adds(&list, name);
    int rc = SSL_set_alpn_protos(s->ssl, (const unsigned char *)list.data,
                                 (unsigned)list.len);
    ptn_buf_free(&list);
    return rc == 0;
}

struct ptn_tls_session *
tls_openssl_connect(void *instance, struct ptn_tls_context *context,
                    const struct ptn_tls_transport *transport,
                    void *transport_arg, const char *server_name)
{
    struct ptn_tls_session *s =
        tls_openssl_session_new(instance, context, transport, transport_arg);

    if (s && make_ssl(s) && ask_for(s, server_name) && offer_alpn(s)) {
        SSL_set_connect_state(s->ssl);
        return s;
    }
    tls_openssl_session_free(s);
    return NULL;
}
