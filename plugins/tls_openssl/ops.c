/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The calls of this provider at one glance. Constant.
 */
#include "tls_openssl.h"

const struct ptn_tls_ops tls_openssl_ops = {
    .size = sizeof(struct ptn_tls_ops),
    .name = OPENSSL_VERSION_TEXT,
    .capability = PTN_TLS_CAP_1_0 | PTN_TLS_CAP_1_1 | PTN_TLS_CAP_1_2 |
                  PTN_TLS_CAP_1_3 | PTN_TLS_CAP_SNI | PTN_TLS_CAP_ALPN |
                  PTN_TLS_CAP_TICKETS | PTN_TLS_CAP_ED25519 |
                  PTN_TLS_CAP_REMOTE_SIGN | PTN_TLS_CAP_CLIENT |
                  PTN_TLS_CAP_CLIENT_CERTS | PTN_TLS_CAP_CRL |
                  PTN_TLS_CAP_STAPLE | PTN_TLS_CAP_ALPN_NAMES,
    .context_new = tls_openssl_context_new,
    .context_free = tls_openssl_context_free,
    .context_tickets = tls_openssl_context_tickets,
    .session_new = tls_openssl_session_new,
    .session_free = tls_openssl_session_free,
    .handshake = tls_openssl_handshake,
    .read = tls_openssl_read,
    .write = tls_openssl_write,
    .shutdown = tls_openssl_shutdown,
    .info = tls_openssl_info,
    .key_make = tls_openssl_key_make,
    .csr_make = tls_openssl_csr_make,
    .self_sign = tls_openssl_self_sign,
    .cert_parse = tls_openssl_cert_parse,
    .pair_match = tls_openssl_pair_match,
    .sign = tls_openssl_sign,
    .key_open = tls_openssl_key_open,
    .key_sign = tls_openssl_key_sign,
    .key_close = tls_openssl_key_close,
    .binding = tls_openssl_binding,
    .connect = tls_openssl_connect,
    .peer_chain = tls_openssl_peer_chain,
    .parse = tls_openssl_parse,
    .key_encrypt = tls_openssl_key_encrypt,
    .pkcs12_make = tls_openssl_pkcs12_make,
    .key_public = tls_openssl_key_public,
    .cert_public = tls_openssl_cert_public,
    .alpn_cert = tls_openssl_alpn_cert,
    .cert_issued = tls_openssl_cert_issued,
};
