/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Turns wolfSSL's error codes and the peer's alerts into the few words that
 * a log line carries. The words are a list that does not change with the
 * library, so that operators can count them.
 */
#include "tls_wolfssl.h"

#include <wolfssl/error-ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

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

static const struct words errors[] = {
    {UNKNOWN_RECORD_TYPE, "unexpected message"},
    {UNKNOWN_HANDSHAKE_TYPE, "unexpected message"},
    {OUT_OF_ORDER_E, "unexpected message"},
    {SANITY_MSG_E, "unexpected message"},
    {DUPLICATE_MSG_E, "unexpected message"},
    {NO_CHANGE_CIPHER_E, "unexpected message"},
    {VERSION_ERROR, "protocol version"},
    {UNSUPPORTED_PROTO_VERSION, "protocol version"},
    {MATCH_SUITE_ERROR, "no shared cipher"},
    {UNSUPPORTED_SUITE, "no shared cipher"},
    {KEY_SHARE_ERROR, "no shared group"},
    {ECC_CURVE_ERROR, "no shared group"},
    {ECC_CURVETYPE_ERROR, "no shared group"},
    {BAD_KEY_SHARE_DATA, "bad key share"},
    {ECC_PEERKEY_ERROR, "bad key share"},
    {PEER_KEY_ERROR, "bad key share"},
    {UNKNOWN_ALPN_PROTOCOL_NAME_E, "no shared alpn"},
    {VERIFY_MAC_ERROR, "bad record mac"},
    {DECRYPT_ERROR, "bad record mac"},
    {AES_GCM_AUTH_E, "bad record mac"},
    {MAC_CMP_FAILED_E, "bad record mac"},
    {VERIFY_FINISHED_ERROR, "bad finished"},
    {BAD_BINDER, "bad finished"},
    {LENGTH_ERROR, "record overflow"},
    {BUFFER_ERROR, "malformed message"},
    {BUFFER_E, "malformed message"},
    {PARSE_ERROR, "malformed message"},
    {INCOMPLETE_DATA, "malformed message"},
    {DECODE_E, "malformed message"},
    {INVALID_PARAMETER, "illegal parameter"},
    {EXT_NOT_ALLOWED, "illegal parameter"},
    {EXT_MISSING, "missing extension"},
    {HANDSHAKE_SIZE_ERROR, "message too long"},
    {ALERT_COUNT_E, "too many alerts"},
    {SECURE_RENEGOTIATION_E, "renegotiation"},
    {MEMORY_E, "out of memory"},
    {MEMORY_ERROR, "out of memory"},
};

static const char *
find(const struct words *words, size_t count, int code)
{
    for (size_t i = 0; i < count; i++)
        if (words[i].code == code)
            return words[i].text;
    return NULL;
}

/* wolfSSL says FATAL_ERROR for whatever alert came. */
static const char *
alert_of(const struct ptn_tls_session *s)
{
    WOLFSSL_ALERT_HISTORY history;
    int code = s->alert;
    if (code == 0 &&
        wolfSSL_get_alert_history(s->ssl, &history) == WOLFSSL_SUCCESS)
        code = history.last_rx.code;
    const char *text = find(alerts, PTN_COUNT(alerts), code);
    return text ? text : "unknown alert";
}

static bool
was_alerted(struct ptn_tls_session *s)
{
    char body[2];
    if (s->alerted)
        (void)tls_wolfssl_receive(s->ssl, body, sizeof(body), s);
    return s->alert != 0;
}

enum ptn_tls_io
tls_wolfssl_fail(struct ptn_tls_session *s, const char *failure)
{
    if (!s->failure)
        s->failure = failure;
    s->state = TLS_WOLFSSL_FAILED;
    ptn_buf_free(&s->hello);
    return PTN_TLS_IO_ERROR;
}

enum ptn_tls_io
tls_wolfssl_result(struct ptn_tls_session *s, int rc)
{
    int code = wolfSSL_get_error(s->ssl, rc);
    const char *text;

    /* wolfSSL 5.5.4 forgets why, when a flight has to wait twice. */
    if (code == WOLFSSL_ERROR_NONE && s->blocked)
        return PTN_TLS_IO_WANT_WRITE;
    /* The library sends no alert; of its flight, it has sent nothing. */
    if (code == NO_PRIVATE_KEY && s->failure)
        return tls_wolfssl_refuse(s, TLS_WOLFSSL_INTERNAL_ERROR, s->failure);
    switch (code) {
    case WOLFSSL_ERROR_WANT_READ:
        return PTN_TLS_IO_WANT_READ;
    case WOLFSSL_ERROR_WANT_WRITE:
        return PTN_TLS_IO_WANT_WRITE;
    case WOLFSSL_ERROR_ZERO_RETURN:
        if (s->state == TLS_WOLFSSL_OPEN)
            return PTN_TLS_IO_CLOSED;
        return tls_wolfssl_fail(s, "closed in handshake");
    case FATAL_ERROR:
        return tls_wolfssl_fail(s, alert_of(s));
    default:
        if (was_alerted(s))
            return tls_wolfssl_fail(s, alert_of(s));
        text = find(errors, PTN_COUNT(errors), code);
        return tls_wolfssl_fail(s, text ? text : "handshake failure");
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
