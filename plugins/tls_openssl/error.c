/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Turns OpenSSL's reasons and the peer's alerts into the few words that a
 * log line carries. The words are a list that does not change with the
 * library, so that operators can count them.
 */
#include "tls_openssl.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>

struct words {
    int code;
    const char *text;
};

/* RFC 8446 section 6, RFC 5246 section 7.2: alerts that a peer sends. */
static const struct words alerts[] = {
    {10, "unexpected message alert"},
    {20, "bad record mac alert"},
    {22, "record overflow alert"},
    {40, "handshake failure alert"},
    {42, "bad certificate alert"},
    {43, "unsupported certificate alert"},
    {44, "certificate revoked alert"},
    {45, "certificate expired alert"},
    {46, "certificate unknown alert"},
    {47, "illegal parameter alert"},
    {48, "unknown ca alert"},
    {49, "access denied alert"},
    {50, "decode error alert"},
    {51, "decrypt error alert"},
    {70, "protocol version alert"},
    {71, "insufficient security alert"},
    {80, "internal error alert"},
    {86, "inappropriate fallback alert"},
    {90, "user canceled alert"},
    {109, "missing extension alert"},
    {110, "unsupported extension alert"},
    {112, "unrecognized name alert"},
    {116, "certificate required alert"},
    {120, "no application protocol alert"},
};

static const struct words reasons[] = {
    {SSL_R_UNEXPECTED_MESSAGE, "unexpected message"},
    {SSL_R_UNEXPECTED_RECORD, "unexpected message"},
    {SSL_R_NOT_ON_RECORD_BOUNDARY, "unexpected message"},
    {SSL_R_CCS_RECEIVED_EARLY, "unexpected message"},
    {SSL_R_BAD_RECORD_TYPE, "unexpected message"},
    {SSL_R_WRONG_VERSION_NUMBER, "protocol version"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "protocol version"},
    {SSL_R_UNKNOWN_PROTOCOL, "protocol version"},
    {SSL_R_VERSION_TOO_LOW, "protocol version"},
    {SSL_R_VERSION_TOO_HIGH, "protocol version"},
    {SSL_R_WRONG_SSL_VERSION, "protocol version"},
    {SSL_R_INAPPROPRIATE_FALLBACK, "protocol version"},
    {SSL_R_NO_SHARED_CIPHER, "no shared cipher"},
    {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, "no shared cipher"},
    {SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, "no shared cipher"},
    {SSL_R_NO_SUITABLE_KEY_SHARE, "no shared group"},
    {SSL_R_NO_SHARED_GROUPS, "no shared group"},
    {SSL_R_NO_SUITABLE_GROUPS, "no shared group"},
    {SSL_R_BAD_KEY_SHARE, "bad key share"},
    {SSL_R_BAD_ECPOINT, "bad key share"},
    {SSL_R_NO_APPLICATION_PROTOCOL, "no shared alpn"},
    {SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "bad record mac"},
    {SSL_R_DIGEST_CHECK_FAILED, "bad finished"},
    {SSL_R_BINDER_DOES_NOT_VERIFY, "bad finished"},
    {SSL_R_DATA_LENGTH_TOO_LONG, "record overflow"},
    {SSL_R_ENCRYPTED_LENGTH_TOO_LONG, "record overflow"},
    {SSL_R_PACKET_LENGTH_TOO_LONG, "record overflow"},
    {SSL_R_LENGTH_MISMATCH, "malformed message"},
    {SSL_R_LENGTH_TOO_SHORT, "malformed message"},
    {SSL_R_BAD_PACKET, "malformed message"},
    {SSL_R_BAD_LENGTH, "malformed message"},
    {SSL_R_BAD_EXTENSION, "malformed message"},
    {SSL_R_NO_COMPRESSION_SPECIFIED, "illegal parameter"},
    {SSL_R_INVALID_COMPRESSION_ALGORITHM, "illegal parameter"},
    {SSL_R_MISSING_SUPPORTED_GROUPS_EXTENSION, "missing extension"},
    {SSL_R_MISSING_SIGALGS_EXTENSION, "missing extension"},
    {SSL_R_EXCESSIVE_MESSAGE_SIZE, "message too long"},
    {SSL_R_TOO_MANY_WARN_ALERTS, "too many alerts"},
    {SSL_R_NO_RENEGOTIATION, "renegotiation"},
    {ERR_R_MALLOC_FAILURE, "out of memory"},
};

static const char *
find(const struct words *words, size_t count, int code)
{
    for (size_t i = 0; i < count; i++)
        if (words[i].code == code)
            return words[i].text;
    return NULL;
}

static const char *
cause(void)
{
    unsigned long error = ERR_peek_error();
    int reason = ERR_GET_REASON(error);
    const char *text = NULL;
    if (ERR_GET_LIB(error) == ERR_LIB_USER &&
        reason == TLS_OPENSSL_R_NO_SIGNATURE)
        return "no signature";
    if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason > SSL_AD_REASON_OFFSET) {
        text = find(alerts, PTN_COUNT(alerts), reason - SSL_AD_REASON_OFFSET);
        return text ? text : "unknown alert";
    }
    text = find(reasons, PTN_COUNT(reasons), reason);
    return text ? text : "handshake failure";
}

enum ptn_tls_io
tls_openssl_fail(struct ptn_tls_session *s, const char *failure)
{
    if (!s->failure)
        s->failure = failure;
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
        return tls_openssl_fail(s, "closed in handshake");
    default:
        (void)tls_openssl_fail(s, cause());
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
