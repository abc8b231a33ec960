/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Turns OpenSSL's reasons and the peer's alerts into the causes that core has
 * words for.
 */
#include "tls_openssl.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>

static const struct {
    int reason;
    enum ptn_tls_cause cause;
} causes[] = {
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, PTN_TLS_CAUSE_NO_CERTIFICATE},
    {SSL_R_BAD_SIGNATURE, PTN_TLS_CAUSE_BAD_CERTIFICATE},
    {SSL_R_UNEXPECTED_MESSAGE, PTN_TLS_CAUSE_UNEXPECTED},
    {SSL_R_UNEXPECTED_RECORD, PTN_TLS_CAUSE_UNEXPECTED},
    {SSL_R_NOT_ON_RECORD_BOUNDARY, PTN_TLS_CAUSE_UNEXPECTED},
    {SSL_R_CCS_RECEIVED_EARLY, PTN_TLS_CAUSE_UNEXPECTED},
    {SSL_R_BAD_RECORD_TYPE, PTN_TLS_CAUSE_UNEXPECTED},
    {SSL_R_WRONG_VERSION_NUMBER, PTN_TLS_CAUSE_VERSION},
    {SSL_R_UNSUPPORTED_PROTOCOL, PTN_TLS_CAUSE_VERSION},
    {SSL_R_UNKNOWN_PROTOCOL, PTN_TLS_CAUSE_VERSION},
    {SSL_R_VERSION_TOO_LOW, PTN_TLS_CAUSE_VERSION},
    {SSL_R_VERSION_TOO_HIGH, PTN_TLS_CAUSE_VERSION},
    {SSL_R_WRONG_SSL_VERSION, PTN_TLS_CAUSE_VERSION},
    {SSL_R_INAPPROPRIATE_FALLBACK, PTN_TLS_CAUSE_VERSION},
    {SSL_R_NO_SHARED_CIPHER, PTN_TLS_CAUSE_CIPHER},
    {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, PTN_TLS_CAUSE_CIPHER},
    {SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, PTN_TLS_CAUSE_CIPHER},
    {SSL_R_NO_SUITABLE_KEY_SHARE, PTN_TLS_CAUSE_GROUP},
    {SSL_R_NO_SHARED_GROUPS, PTN_TLS_CAUSE_GROUP},
    {SSL_R_NO_SUITABLE_GROUPS, PTN_TLS_CAUSE_GROUP},
    {SSL_R_BAD_KEY_SHARE, PTN_TLS_CAUSE_KEY_SHARE},
    {SSL_R_BAD_ECPOINT, PTN_TLS_CAUSE_KEY_SHARE},
    {SSL_R_NO_APPLICATION_PROTOCOL, PTN_TLS_CAUSE_ALPN},
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, PTN_TLS_CAUSE_RECORD_MAC},
    {SSL_R_DIGEST_CHECK_FAILED, PTN_TLS_CAUSE_FINISHED},
    {SSL_R_BINDER_DOES_NOT_VERIFY, PTN_TLS_CAUSE_FINISHED},
    {SSL_R_DATA_LENGTH_TOO_LONG, PTN_TLS_CAUSE_RECORD_SIZE},
    {SSL_R_ENCRYPTED_LENGTH_TOO_LONG, PTN_TLS_CAUSE_RECORD_SIZE},
    {SSL_R_PACKET_LENGTH_TOO_LONG, PTN_TLS_CAUSE_RECORD_SIZE},
    {SSL_R_LENGTH_MISMATCH, PTN_TLS_CAUSE_MALFORMED},
    {SSL_R_LENGTH_TOO_SHORT, PTN_TLS_CAUSE_MALFORMED},
    {SSL_R_BAD_PACKET, PTN_TLS_CAUSE_MALFORMED},
    {SSL_R_BAD_LENGTH, PTN_TLS_CAUSE_MALFORMED},
    {SSL_R_BAD_EXTENSION, PTN_TLS_CAUSE_MALFORMED},
    {SSL_R_NO_COMPRESSION_SPECIFIED, PTN_TLS_CAUSE_ILLEGAL},
    {SSL_R_INVALID_COMPRESSION_ALGORITHM, PTN_TLS_CAUSE_ILLEGAL},
    {SSL_R_MISSING_SUPPORTED_GROUPS_EXTENSION, PTN_TLS_CAUSE_MISSING},
    {SSL_R_MISSING_SIGALGS_EXTENSION, PTN_TLS_CAUSE_MISSING},
    {SSL_R_EXCESSIVE_MESSAGE_SIZE, PTN_TLS_CAUSE_TOO_LONG},
    {SSL_R_TOO_MANY_WARN_ALERTS, PTN_TLS_CAUSE_ALERTS},
    {SSL_R_NO_RENEGOTIATION, PTN_TLS_CAUSE_RENEGOTIATION},
    {ERR_R_MALLOC_FAILURE, PTN_TLS_CAUSE_MEMORY},
};

static enum ptn_tls_cause
cause_of(const struct ptn_tls_session *s)
{
    unsigned long error = ERR_peek_error();
    int reason = ERR_GET_REASON(error);

    if (ERR_GET_LIB(error) == ERR_LIB_USER &&
        reason == TLS_OPENSSL_R_NO_SIGNATURE)
        return PTN_TLS_CAUSE_NO_SIGNATURE;
    if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET)
        return PTN_TLS_CAUSE_ALERT;
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return tls_openssl_peer_cause(s);
    for (size_t i = 0; i < PTN_COUNT(causes); i++)
        if (causes[i].reason == reason)
            return causes[i].cause;
    return PTN_TLS_CAUSE_OTHER;
}

enum ptn_tls_io
tls_openssl_fail(struct ptn_tls_session *s, enum ptn_tls_cause cause)
{
    if (s->cause == PTN_TLS_CAUSE_NONE)
        s->cause = cause;
    s->state = TLS_OPENSSL_FAILED;
    ptn_buf_free(&s->hello);
    return PTN_TLS_IO_ERROR;
}

enum ptn_tls_io
tls_openssl_result(struct ptn_tls_session *s, int rc)
{
    switch (SSL_get_error(s->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
        return PTN_TLS_IO_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return PTN_TLS_IO_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        if (s->state == TLS_OPENSSL_OPEN)
            return PTN_TLS_IO_CLOSED;
        return tls_openssl_fail(s, PTN_TLS_CAUSE_CLOSED);
    default:
        (void)tls_openssl_fail(s, cause_of(s));
        ERR_clear_error();
        return PTN_TLS_IO_ERROR;
    }
}

int
tls_openssl_error(struct ptn_error *err, const char *what)
{
    unsigned long error = ERR_peek_error();
    const char *reason = ERR_reason_error_string(error);
    ptn_error_set(err, PTN_ERR_TLS, "%s: %s", what,
                  reason ? reason : "no reason given");
    if (err)
        err->number = ERR_GET_REASON(error);
    ERR_clear_error();
    return -1;
}
