/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Turns wolfSSL's error codes and the peer's alerts into the causes that core
 * has words for.
 */
#include "tls_wolfssl.h"

#include <wolfssl/error-ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

/* Certificates first: what is wrong with the peer's. */
static const struct {
    int code;
    enum ptn_tls_cause cause;
} causes[] = {
    {NO_PEER_CERT, PTN_TLS_CAUSE_NO_CERTIFICATE},
    {ASN_NO_SIGNER_E, PTN_TLS_CAUSE_UNKNOWN_CA},
    {ASN_SELF_SIGNED_E, PTN_TLS_CAUSE_UNKNOWN_CA},
    {ASN_AFTER_DATE_E, PTN_TLS_CAUSE_EXPIRED},
    {ASN_BEFORE_DATE_E, PTN_TLS_CAUSE_EXPIRED},
    {CRL_CERT_REVOKED, PTN_TLS_CAUSE_REVOKED},
    {CRL_MISSING, PTN_TLS_CAUSE_NO_CRL},
    {CRL_CERT_DATE_ERR, PTN_TLS_CAUSE_NO_CRL},
    {ASN_CRL_NO_SIGNER_E, PTN_TLS_CAUSE_NO_CRL},
    {DOMAIN_NAME_MISMATCH, PTN_TLS_CAUSE_WRONG_NAME},
    {IPADDR_MISMATCH, PTN_TLS_CAUSE_WRONG_NAME},
    {ASN_PARSE_E, PTN_TLS_CAUSE_BAD_CERTIFICATE},
    {ASN_SIG_CONFIRM_E, PTN_TLS_CAUSE_BAD_CERTIFICATE},
    {ASN_PATHLEN_INV_E, PTN_TLS_CAUSE_BAD_CERTIFICATE},
    {ASN_PATHLEN_SIZE_E, PTN_TLS_CAUSE_BAD_CERTIFICATE},
    {EXTKEYUSE_AUTH_E, PTN_TLS_CAUSE_BAD_CERTIFICATE},
    {KEYUSE_SIGNATURE_E, PTN_TLS_CAUSE_BAD_CERTIFICATE},
    {VERIFY_CERT_ERROR, PTN_TLS_CAUSE_BAD_CERTIFICATE},
    {SIG_VERIFY_E, PTN_TLS_CAUSE_BAD_CERTIFICATE},
    {UNKNOWN_RECORD_TYPE, PTN_TLS_CAUSE_UNEXPECTED},
    {UNKNOWN_HANDSHAKE_TYPE, PTN_TLS_CAUSE_UNEXPECTED},
    {OUT_OF_ORDER_E, PTN_TLS_CAUSE_UNEXPECTED},
    {SANITY_MSG_E, PTN_TLS_CAUSE_UNEXPECTED},
    {DUPLICATE_MSG_E, PTN_TLS_CAUSE_UNEXPECTED},
    {NO_CHANGE_CIPHER_E, PTN_TLS_CAUSE_UNEXPECTED},
    {VERSION_ERROR, PTN_TLS_CAUSE_VERSION},
    {UNSUPPORTED_PROTO_VERSION, PTN_TLS_CAUSE_VERSION},
    {MATCH_SUITE_ERROR, PTN_TLS_CAUSE_CIPHER},
    {UNSUPPORTED_SUITE, PTN_TLS_CAUSE_CIPHER},
    {KEY_SHARE_ERROR, PTN_TLS_CAUSE_GROUP},
    {ECC_CURVE_ERROR, PTN_TLS_CAUSE_GROUP},
    {ECC_CURVETYPE_ERROR, PTN_TLS_CAUSE_GROUP},
    {BAD_KEY_SHARE_DATA, PTN_TLS_CAUSE_KEY_SHARE},
    {ECC_PEERKEY_ERROR, PTN_TLS_CAUSE_KEY_SHARE},
    {PEER_KEY_ERROR, PTN_TLS_CAUSE_KEY_SHARE},
    {UNKNOWN_ALPN_PROTOCOL_NAME_E, PTN_TLS_CAUSE_ALPN},
    {VERIFY_MAC_ERROR, PTN_TLS_CAUSE_RECORD_MAC},
    {DECRYPT_ERROR, PTN_TLS_CAUSE_RECORD_MAC},
    {AES_GCM_AUTH_E, PTN_TLS_CAUSE_RECORD_MAC},
    {MAC_CMP_FAILED_E, PTN_TLS_CAUSE_RECORD_MAC},
    {VERIFY_FINISHED_ERROR, PTN_TLS_CAUSE_FINISHED},
    {BAD_BINDER, PTN_TLS_CAUSE_FINISHED},
    {LENGTH_ERROR, PTN_TLS_CAUSE_RECORD_SIZE},
    {BUFFER_ERROR, PTN_TLS_CAUSE_MALFORMED},
    {BUFFER_E, PTN_TLS_CAUSE_MALFORMED},
    {PARSE_ERROR, PTN_TLS_CAUSE_MALFORMED},
    {INCOMPLETE_DATA, PTN_TLS_CAUSE_MALFORMED},
    {DECODE_E, PTN_TLS_CAUSE_MALFORMED},
    {INVALID_PARAMETER, PTN_TLS_CAUSE_ILLEGAL},
    {EXT_NOT_ALLOWED, PTN_TLS_CAUSE_ILLEGAL},
    {EXT_MISSING, PTN_TLS_CAUSE_MISSING},
    {HANDSHAKE_SIZE_ERROR, PTN_TLS_CAUSE_TOO_LONG},
    {ALERT_COUNT_E, PTN_TLS_CAUSE_ALERTS},
    {SECURE_RENEGOTIATION_E, PTN_TLS_CAUSE_RENEGOTIATION},
    {MEMORY_E, PTN_TLS_CAUSE_MEMORY},
    {MEMORY_ERROR, PTN_TLS_CAUSE_MEMORY},
};

enum ptn_tls_cause
tls_wolfssl_cause(int code)
{
    for (size_t i = 0; i < PTN_COUNT(causes); i++)
        if (causes[i].code == code)
            return causes[i].cause;
    return PTN_TLS_CAUSE_OTHER;
}

/* wolfSSL says FATAL_ERROR for whatever alert came. */
static enum ptn_tls_io
fail_alerted(struct ptn_tls_session *s)
{
    WOLFSSL_ALERT_HISTORY history;
    if (s->alert_received == 0 &&
        wolfSSL_get_alert_history(s->ssl, &history) == WOLFSSL_SUCCESS &&
        history.last_rx.code > 0)
        s->alert_received = (uint8_t)history.last_rx.code;
    return tls_wolfssl_fail(s, PTN_TLS_CAUSE_ALERT);
}

static bool
was_alerted(struct ptn_tls_session *s)
{
    char body[2];
    if (s->alerted)
        (void)tls_wolfssl_receive(s->ssl, body, sizeof(body), s);
    return s->alert_received != 0;
}

enum ptn_tls_io
tls_wolfssl_fail(struct ptn_tls_session *s, enum ptn_tls_cause cause)
{
    if (s->cause == PTN_TLS_CAUSE_NONE)
        s->cause = cause;
    s->state = TLS_WOLFSSL_FAILED;
    ptn_buf_free(&s->hello);
    return PTN_TLS_IO_ERROR;
}

enum ptn_tls_io
tls_wolfssl_result(struct ptn_tls_session *s, int rc)
{
    int code = wolfSSL_get_error(s->ssl, rc);

    /* wolfSSL 5.5.4 forgets why, when a flight has to wait twice. */
    if (code == WOLFSSL_ERROR_NONE && s->blocked)
        return PTN_TLS_IO_WANT_WRITE;
    /* For these it sends no alert. Nothing is encrypted yet: before TLS 1.3
     * by the order of messages, else since the flight has not left. */
    if (code == NO_PEER_CERT && s->state == TLS_WOLFSSL_SHAKING &&
        wolfSSL_GetVersion(s->ssl) != WOLFSSL_TLSV1_3)
        return tls_wolfssl_refuse(s, TLS_WOLFSSL_HANDSHAKE_FAILURE,
                                  PTN_TLS_CAUSE_NO_CERTIFICATE);
    if (s->cause == PTN_TLS_CAUSE_NO_SIGNATURE)
        return tls_wolfssl_refuse(s, TLS_WOLFSSL_INTERNAL_ERROR, s->cause);
    switch (code) {
    case WOLFSSL_ERROR_WANT_READ:
        return PTN_TLS_IO_WANT_READ;
    case WOLFSSL_ERROR_WANT_WRITE:
        return PTN_TLS_IO_WANT_WRITE;
    case WOLFSSL_ERROR_ZERO_RETURN:
        if (s->state == TLS_WOLFSSL_OPEN)
            return PTN_TLS_IO_CLOSED;
        return tls_wolfssl_fail(s, PTN_TLS_CAUSE_CLOSED);
    case FATAL_ERROR:
        return fail_alerted(s);
    default:
        if (was_alerted(s))
            return fail_alerted(s);
        return tls_wolfssl_fail(s, tls_wolfssl_cause(code));
    }
}

int
tls_wolfssl_error(struct ptn_error *err, const char *what, int code)
{
    char reason[WOLFSSL_MAX_ERROR_SZ] = "";
    ptn_error_set(err, PTN_ERR_TLS, "%s: %s", what,
                  wolfSSL_ERR_error_string((unsigned long)code, reason));
    if (err)
        err->number = code;
    return -1;
}
