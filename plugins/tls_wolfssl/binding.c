/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Channel bindings (RFC 5056): what an authentication that runs inside of a
 * session can be tied to. The library may be built without what some of them
 * need; then a session has none of that kind. The session's thread.
 */
#include "cert.h"

#include <wolfssl/wolfcrypt/hash.h>

static const char exporter_label[] = "EXPORTER-Channel-Binding";

/* Before TLS 1.3 only the extended master secret makes these unique (RFC 7627
 * section 1, RFC 9266 section 3). */
static bool
is_unique(const struct ptn_tls_session *s)
{
    return wolfSSL_GetVersion(s->ssl) == WOLFSSL_TLSV1_3 || s->has_ems;
}

void
tls_wolfssl_keep_exporter(struct ptn_tls_session *s)
{
#ifdef HAVE_KEYING_MATERIAL
    static const unsigned char nothing[1];
    if (is_unique(s))
        s->has_exporter =
            wolfSSL_export_keying_material(
                s->ssl, s->exporter, sizeof(s->exporter), exporter_label,
                strlen(exporter_label), nothing, 0, 1) == WOLFSSL_SUCCESS;
    wolfSSL_FreeArrays(s->ssl);
#else
    (void)s;
    (void)exporter_label;
    (void)is_unique;
#endif
}

static size_t
exporter(const struct ptn_tls_session *s, uint8_t *out)
{
    if (!s->has_exporter)
        return 0;
    memcpy(out, s->exporter, sizeof(s->exporter));
    return sizeof(s->exporter);
}

/* RFC 5929 section 3.1: the first Finished message of the handshake, which is
 * the client's, but for a resumed session. */
static size_t
unique(const struct ptn_tls_session *s, uint8_t *out)
{
#ifdef WOLFSSL_HAVE_TLS_UNIQUE
    if (wolfSSL_GetVersion(s->ssl) == WOLFSSL_TLSV1_3 || !is_unique(s))
        return 0;
    bool client = (wolfSSL_is_server(s->ssl) == 0);
    if (client == (wolfSSL_session_reused(s->ssl) == 0))
        return wolfSSL_get_finished(s->ssl, out, PTN_BINDING_MAX);
    return wolfSSL_get_peer_finished(s->ssl, out, PTN_BINDING_MAX);
#else
    (void)s;
    (void)out;
    return 0;
#endif
}

/* RFC 5929 section 4.1: of the signature's hash, but never of MD5 or SHA-1;
 * none for a signature that has no one hash. */
static enum wc_HashType
end_point_hash(const DecodedCert *cert)
{
    switch (cert->signatureOID) {
    case CTC_MD5wRSA:
    case CTC_SHAwRSA:
    case CTC_SHAwECDSA:
    case CTC_SHA256wRSA:
    case CTC_SHA256wECDSA:
        return WC_HASH_TYPE_SHA256;
    case CTC_SHA384wRSA:
    case CTC_SHA384wECDSA:
        return WC_HASH_TYPE_SHA384;
    case CTC_SHA512wRSA:
    case CTC_SHA512wECDSA:
        return WC_HASH_TYPE_SHA512;
    default:
        return WC_HASH_TYPE_NONE;
    }
}

void
tls_wolfssl_set_end_point(struct ptn_tls_context *c, struct ptn_slice chain)
{
    struct tls_wolfssl_cert cert;
    if (tls_wolfssl_cert_decode(chain, &cert, NULL) < 0)
        return;
    enum wc_HashType hash = end_point_hash(&cert.facts);
    int len = hash == WC_HASH_TYPE_NONE ? 0 : wc_HashGetDigestSize(hash);
    if (len > 0 && wc_Hash(hash, (const byte *)cert.der.data, cert.facts.maxIdx,
                           c->end_point, (word32)len) == 0)
        c->end_point_len = (size_t)len;
    tls_wolfssl_cert_deinit(&cert);
}

static size_t
end_point(const struct ptn_tls_session *s, uint8_t *out)
{
    memcpy(out, s->context->end_point, s->context->end_point_len);
    return s->context->end_point_len;
}

size_t
tls_wolfssl_binding(struct ptn_tls_session *s, enum ptn_binding binding,
                    uint8_t *out)
{
    if (s->state != TLS_WOLFSSL_OPEN)
        return 0;
    switch (binding) {
    case PTN_BINDING_TLS_EXPORTER:
        return exporter(s, out);
    case PTN_BINDING_TLS_UNIQUE:
        return unique(s, out);
    case PTN_BINDING_TLS_SERVER_END_POINT:
        return end_point(s, out);
    case PTN_BINDINGS:
        break;
    }
    return 0;
}
