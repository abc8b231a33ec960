/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Words for what can go wrong in a handshake: a list that does not change
 * with the TLS library, so that operators can count them. Constant.
 */
#include <postern/tls.h>

static const char *const causes[PTN_TLS_CAUSES] = {
    [PTN_TLS_CAUSE_OTHER] = "handshake failure",
    [PTN_TLS_CAUSE_ALERT] = "alert",
    [PTN_TLS_CAUSE_NOT_TLS] = "not tls",
    [PTN_TLS_CAUSE_MALFORMED_HELLO] = "malformed hello",
    [PTN_TLS_CAUSE_LONG_HELLO] = "hello too long",
    [PTN_TLS_CAUSE_CLOSED] = "closed in handshake",
    [PTN_TLS_CAUSE_VERSION] = "protocol version",
    [PTN_TLS_CAUSE_CIPHER] = "no shared cipher",
    [PTN_TLS_CAUSE_GROUP] = "no shared group",
    [PTN_TLS_CAUSE_ALPN] = "no shared alpn",
    [PTN_TLS_CAUSE_KEY_SHARE] = "bad key share",
    [PTN_TLS_CAUSE_UNEXPECTED] = "unexpected message",
    [PTN_TLS_CAUSE_MALFORMED] = "malformed message",
    [PTN_TLS_CAUSE_TOO_LONG] = "message too long",
    [PTN_TLS_CAUSE_ILLEGAL] = "illegal parameter",
    [PTN_TLS_CAUSE_MISSING] = "missing extension",
    [PTN_TLS_CAUSE_RECORD_MAC] = "bad record mac",
    [PTN_TLS_CAUSE_RECORD_SIZE] = "record overflow",
    [PTN_TLS_CAUSE_FINISHED] = "bad finished",
    [PTN_TLS_CAUSE_ALERTS] = "too many alerts",
    [PTN_TLS_CAUSE_RENEGOTIATION] = "renegotiation",
    [PTN_TLS_CAUSE_MEMORY] = "out of memory",
    [PTN_TLS_CAUSE_NO_SIGNATURE] = "no signature",
    [PTN_TLS_CAUSE_NO_CERTIFICATE] = "no certificate",
    [PTN_TLS_CAUSE_UNKNOWN_CA] = "unknown ca",
    [PTN_TLS_CAUSE_EXPIRED] = "certificate expired",
    [PTN_TLS_CAUSE_REVOKED] = "certificate revoked",
    [PTN_TLS_CAUSE_NO_CRL] = "no crl",
    [PTN_TLS_CAUSE_WRONG_NAME] = "wrong name",
    [PTN_TLS_CAUSE_BAD_CERTIFICATE] = "bad certificate",
};

const char *
ptn_tls_cause_word(enum ptn_tls_cause cause)
{
    return (unsigned)cause < PTN_TLS_CAUSES ? causes[cause]
                                            : causes[PTN_TLS_CAUSE_OTHER];
}

/* RFC 8446 section 6, RFC 5246 section 7.2. */
static const struct {
    unsigned alert;
    const char *word;
} alerts[] = {
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
    {113, "bad certificate status response alert"},
    {115, "unknown psk identity alert"},
    {116, "certificate required alert"},
    {120, "no application protocol alert"},
};

const char *
ptn_tls_alert_word(unsigned alert)
{
    for (size_t i = 0; i < PTN_COUNT(alerts); i++)
        if (alerts[i].alert == alert)
            return alerts[i].word;
    return "unknown alert";
}

const char *
ptn_tls_scheme_word(unsigned scheme)
{
    switch (scheme) {
    case PTN_SIGN_RSA_PKCS1_SHA256:
        return "rsa_pkcs1_sha256";
    case PTN_SIGN_RSA_PKCS1_SHA384:
        return "rsa_pkcs1_sha384";
    case PTN_SIGN_RSA_PKCS1_SHA512:
        return "rsa_pkcs1_sha512";
    case PTN_SIGN_RSA_PKCS1_SHA1:
        return "rsa_pkcs1_sha1";
    case PTN_SIGN_RSA_PKCS1_MD5_SHA1:
        return "rsa_pkcs1_md5_sha1";
    case PTN_SIGN_RSA_PSS_SHA256:
        return "rsa_pss_sha256";
    case PTN_SIGN_RSA_PSS_SHA384:
        return "rsa_pss_sha384";
    case PTN_SIGN_RSA_PSS_SHA512:
        return "rsa_pss_sha512";
    case PTN_SIGN_ECDSA_SHA256:
        return "ecdsa_sha256";
    case PTN_SIGN_ECDSA_SHA384:
        return "ecdsa_sha384";
    case PTN_SIGN_ECDSA_SHA512:
        return "ecdsa_sha512";
    case PTN_SIGN_ECDSA_SHA1:
        return "ecdsa_sha1";
    case PTN_SIGN_ED25519:
        return "ed25519";
    default:
        return NULL;
    }
}
