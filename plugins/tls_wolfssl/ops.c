/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The calls of this provider at one glance. Constant.
 */
#include "tls_wolfssl.h"

const struct ptn_tls_ops tls_wolfssl_ops = {
    .size = sizeof(struct ptn_tls_ops),
    .name = "wolfSSL " LIBWOLFSSL_VERSION_STRING,
    .capability = PTN_TLS_CAP_1_2 | PTN_TLS_CAP_1_3 | PTN_TLS_CAP_SNI |
                  PTN_TLS_CAP_ALPN | PTN_TLS_CAP_TICKETS | PTN_TLS_CAP_ED25519 |
                  PTN_TLS_CAP_REMOTE_SIGN | PTN_TLS_CAP_CLIENT |
                  PTN_TLS_CAP_ALPN_NAMES
#ifdef TLS_WOLFSSL_OLD
                  | PTN_TLS_CAP_1_1
#endif
#ifdef WOLFSSL_ALLOW_TLSV10
                  | PTN_TLS_CAP_1_0
#endif
#ifdef WOLFSSL_ALWAYS_VERIFY_CB
                  | PTN_TLS_CAP_CLIENT_CERTS
#endif
#ifdef HAVE_CRL
                  | PTN_TLS_CAP_CRL
#endif
#ifdef WOLFSSL_LENT_STAPLE
                  | PTN_TLS_CAP_STAPLE
#endif
    ,
    .context_new = tls_wolfssl_context_new,
    .context_free = tls_wolfssl_context_free,
    .context_tickets = tls_wolfssl_context_tickets,
    .session_new = tls_wolfssl_session_new,
    .session_free = tls_wolfssl_session_free,
    .handshake = tls_wolfssl_handshake,
    .read = tls_wolfssl_read,
    .write = tls_wolfssl_write,
    .shutdown = tls_wolfssl_shutdown,
    .info = tls_wolfssl_info,
    .key_make = tls_wolfssl_key_make,
    .csr_make = tls_wolfssl_csr_make,
    .self_sign = tls_wolfssl_self_sign,
    .cert_parse = tls_wolfssl_cert_parse,
    .pair_match = tls_wolfssl_pair_match,
    .sign = tls_wolfssl_sign,
    .key_open = tls_wolfssl_key_open,
    .key_sign = tls_wolfssl_key_sign,
    .key_close = tls_wolfssl_key_close,
    .binding = tls_wolfssl_binding,
    .connect = tls_wolfssl_connect,
    .peer_chain = tls_wolfssl_peer_chain,
    .parse = tls_wolfssl_parse,
    .key_encrypt = tls_wolfssl_key_encrypt,
    .pkcs12_make = tls_wolfssl_pkcs12_make,
    .key_public = tls_wolfssl_key_public,
    .cert_public = tls_wolfssl_cert_public,
    .alpn_cert = tls_wolfssl_alpn_cert,
    .cert_issued = tls_wolfssl_cert_issued,
};
