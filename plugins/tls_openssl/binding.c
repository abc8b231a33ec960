/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Channel bindings (RFC 5056): what an authentication that runs inside of a
 * session can be tied to. The session's thread.
 */
#include "tls_openssl.h"

#include <openssl/err.h>

enum {
    EXPORTER = 32 /* octets, RFC 9266 section 2 */
};

static const char exporter_label[] = "EXPORTER-Channel-Binding";

/* Before TLS 1.3 only the extended master secret makes these unique (RFC 7627
 * section 1, RFC 9266 section 3). */
static bool
is_unique(SSL *ssl)
{
    return SSL_version(ssl) >= TLS1_3_VERSION ||
           SSL_get_extms_support(ssl) == 1;
}

static size_t
exporter(SSL *ssl, uint8_t *out)
{
    if (!is_unique(ssl) ||
        SSL_export_keying_material(ssl, out, EXPORTER, exporter_label,
                                   strlen(exporter_label),
                                   (const unsigned char *)"", 0, 1) != 1)
        return 0;
    return EXPORTER;
}

/* RFC 5929 section 3.1: the first Finished message of the handshake, which is
 * the client's, but for a resumed session. */
static size_t
unique(SSL *ssl, uint8_t *out)
{
    if (SSL_version(ssl) >= TLS1_3_VERSION || !is_unique(ssl))
        return 0;
    bool client = SSL_is_server(ssl) == 0;
    if (client == (SSL_session_reused(ssl) == 0))
        return SSL_get_finished(ssl, out, PTN_BINDING_MAX);
    return SSL_get_peer_finished(ssl, out, PTN_BINDING_MAX);
}

/* RFC 5929 section 4.1: of the signature's hash, but never of MD5 or SHA-1;
 * none for a signature that has no one hash. */
static size_t
end_point(SSL *ssl, uint8_t *out)
{
    X509 *cert = SSL_is_server(ssl) ? SSL_get_certificate(ssl)
                                    : SSL_get0_peer_certificate(ssl);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    int hash = NID_undef;
    if (!cert || X509_get_signature_info(cert, &hash, NULL, NULL, NULL) != 1 ||
        hash == NID_undef)
        return 0;
    if (hash == NID_md5 || hash == NID_sha1)
        hash = NID_sha256;
    const EVP_MD *md = EVP_get_digestbynid(hash);
    if (!md || X509_digest(cert, md, digest, &len) != 1 ||
        len > PTN_BINDING_MAX)
        return 0;
    memcpy(out, digest, len);
    return len;
}

size_t
tls_openssl_binding(struct ptn_tls_session *s, enum ptn_binding binding,
                    uint8_t *out)
{
    size_t len = 0;
    if (s->state != TLS_OPENSSL_OPEN)
        return 0;
    if (binding == PTN_BINDING_TLS_EXPORTER)
        len = exporter(s->ssl, out);
    else if (binding == PTN_BINDING_TLS_UNIQUE)
        len = unique(s->ssl, out);
    else if (binding == PTN_BINDING_TLS_SERVER_END_POINT)
        len = end_point(s->ssl, out);
    ERR_clear_error();
    return len;
}
