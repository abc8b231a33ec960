/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Contexts: a certificate, its key and a policy, ready for sessions. A
 * context is constant but for its ticket keys and lives until its owner and
 * its last session have let go; any thread may hold one.
 */
#include "tls_openssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>

/* Ours first, fastest first, and only what gives forward secrecy and
 * authenticated encryption. The client's order counts for nothing. */
#define DEFAULT_SUITES                                                         \
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"                           \
    "TLS_CHACHA20_POLY1305_SHA256"
#define DEFAULT_CIPHERS                                                        \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"               \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"               \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
/* For TLS 1.0 and 1.1, which have nothing better. */
#define OLD_CIPHERS                                                            \
    DEFAULT_CIPHERS                                                            \
    ":ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"                             \
    ":ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA"
#define DEFAULT_GROUPS "X25519:P-256:P-384"

struct ptn_tls_context *
tls_openssl_context_ref(struct ptn_tls_context *context)
{
    atomic_fetch_add_explicit(&context->refs, 1, memory_order_relaxed);
    return context;
}

void
tls_openssl_context_free(void *instance, struct ptn_tls_context *c)
{
    (void)instance;
    if (!c || atomic_fetch_sub(&c->refs, 1) > 1)
        return;
    SSL_CTX_free(c->ctx);
    pthread_mutex_destroy(&c->lock);
    ptn_wipe(c->keys, sizeof(c->keys));
    ptn_buf_free(&c->staple);
    free(c->alpn);
    free(c);
}

/* RFC 7301 section 3.2: the one protocol of this listener, if it is among
 * those offered. */
static int
select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
            const unsigned char *offered, unsigned len, void *arg)
{
    const struct ptn_tls_context *c = arg;
    size_t want = strlen(c->alpn);
    (void)ssl;
    for (unsigned at = 0; at < len; at += offered[at] + 1u) {
        if (offered[at] != want || memcmp(offered + at + 1, c->alpn, want) != 0)
            continue;
        *out = offered + at + 1;
        *out_len = offered[at];
        return SSL_TLSEXT_ERR_OK;
    }
    return c->alpn_strict ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_NOACK;
}

/* The name was used already, in choosing: it is only acknowledged (RFC 6066
 * section 3). */
static int
acknowledge_name(SSL *ssl, int *alert, void *arg)
{
    (void)ssl;
    (void)alert;
    (void)arg;
    return SSL_TLSEXT_ERR_OK;
}

/* RFC 8996 ends 1.0 and 1.1: they are only for a server that says so, and
 * need what OpenSSL has ended, too, MD5 and SHA-1 in signatures. That is for
 * this context alone. */
static bool
is_old(const struct ptn_tls_context *c, const struct ptn_tls_params *p)
{
    return p->min_version < PTN_TLS_1_2 && !c->is_client;
}

static int
use_versions(const struct ptn_tls_context *c, const struct ptn_tls_params *p,
             struct ptn_error *err)
{
    enum ptn_tls_version min = p->min_version;
    if (min < PTN_TLS_1_2 && !is_old(c, p))
        min = PTN_TLS_1_2;
    if (min > p->max_version)
        return ptn_error_set(err, PTN_ERR_TLS,
                             "no TLS version between the lowest and the "
                             "highest that are allowed");
    if (is_old(c, p))
        SSL_CTX_set_security_level(c->ctx, 0);
    if (SSL_CTX_set_min_proto_version(c->ctx, min) != 1 ||
        SSL_CTX_set_max_proto_version(c->ctx, p->max_version) != 1)
        return tls_openssl_error(err, "the TLS versions");
    return 0;
}

/* What follows the leaf in `pem`. */
static int
use_intermediates(SSL_CTX *ctx, BIO *pem, struct ptn_error *err)
{
    X509 *cert;
    while ((cert = PEM_read_bio_X509(pem, NULL, NULL, (char[]){""})) != NULL) {
        if (SSL_CTX_add0_chain_cert(ctx, cert) != 1) {
            X509_free(cert);
            return tls_openssl_error(err, "the certificate chain");
        }
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return tls_openssl_error(err, "the certificate chain");
    ERR_clear_error();
    return 0;
}

static int
use_chain(SSL_CTX *ctx, struct ptn_slice chain, struct ptn_error *err)
{
    BIO *pem = BIO_new_mem_buf(chain.data, (int)chain.len);
    X509 *leaf = pem ? PEM_read_bio_X509(pem, NULL, NULL, (char[]){""}) : NULL;
    int rc = -1;
    if (!leaf || SSL_CTX_use_certificate(ctx, leaf) != 1)
        tls_openssl_error(err, "the certificate");
    else
        rc = use_intermediates(ctx, pem, err);
    X509_free(leaf);
    BIO_free(pem);
    return rc;
}

static bool
is_remote(const struct ptn_tls_params *p)
{
    return PTN_HAS(p, struct ptn_tls_params, sign_arg) && p->sign;
}

/* The private key, or what stands for one that is elsewhere. */
static EVP_PKEY *
find_key(const struct ptn_tls_context *c, const struct ptn_tls_params *p,
         struct ptn_error *err)
{
    if (!is_remote(p))
        return tls_openssl_key_read(p->key, err);
    EVP_PKEY *key = tls_openssl_remote_key(
        c->instance, X509_get0_pubkey(SSL_CTX_get0_certificate(c->ctx)), p);
    if (!key)
        tls_openssl_error(err, "the certificate's key");
    return key;
}

static int
use_pair(const struct ptn_tls_context *c, const struct ptn_tls_params *p,
         struct ptn_error *err)
{
    if (c->is_client && p->chain.len == 0)
        return 0;
    if ((!is_remote(p) &&
         tls_openssl_pair_match(NULL, p->chain, p->key, err) < 0) ||
        use_chain(c->ctx, p->chain, err) < 0)
        return -1;
    EVP_PKEY *key = find_key(c, p, err);
    if (!key)
        return -1;
    int rc = SSL_CTX_use_PrivateKey(c->ctx, key);
    EVP_PKEY_free(key);
    return rc == 1 ? 0 : tls_openssl_error(err, "the private key");
}

static int
use_ciphers(const struct ptn_tls_context *c, const struct ptn_tls_params *p,
            struct ptn_error *err)
{
    const char *ciphers = is_old(c, p) ? OLD_CIPHERS : DEFAULT_CIPHERS;
    SSL_CTX *ctx = c->ctx;
    if (SSL_CTX_set_cipher_list(ctx, p->ciphers ? p->ciphers : ciphers) != 1 ||
        SSL_CTX_set_ciphersuites(ctx, p->suites ? p->suites : DEFAULT_SUITES) !=
            1) {
        ERR_clear_error();
        return ptn_error_set(err, PTN_ERR_TLS,
                             "the cipher list names what OpenSSL does not "
                             "have");
    }
    if (SSL_CTX_set1_groups_list(ctx, p->groups ? p->groups : DEFAULT_GROUPS) !=
        1)
        return tls_openssl_error(err, "the groups");
    return 0;
}

static void
use_tickets(SSL_CTX *ctx, bool tickets)
{
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    if (tickets) {
        SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, tls_openssl_ticket_crypt);
        SSL_CTX_set_timeout(ctx, TLS_OPENSSL_TICKET_LIFE);
        SSL_CTX_set_num_tickets(ctx, 1);
    } else {
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(ctx, 0);
    }
}

/* RFC 6066 section 8: only who asks gets it. OpenSSL wants its own copy. */
static int
staple(SSL *ssl, void *arg)
{
    const struct ptn_tls_context *c = arg;
    unsigned char *copy = OPENSSL_memdup(c->staple.data, c->staple.len);
    if (copy &&
        SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)c->staple.len) == 1)
        return SSL_TLSEXT_ERR_OK;
    OPENSSL_free(copy);
    return SSL_TLSEXT_ERR_NOACK;
}

static int
use_staple(struct ptn_tls_context *c, const struct ptn_tls_params *p,
           struct ptn_error *err)
{
    if (!PTN_HAS(p, struct ptn_tls_params, ocsp) || p->ocsp.len == 0 ||
        c->is_client)
        return 0;
    if (p->ocsp.len > PTN_TLS_STAPLE_MAX)
        return ptn_error_set(err, PTN_ERR_LIMIT,
                             "the OCSP response is longer than %d octets",
                             PTN_TLS_STAPLE_MAX);
    ptn_buf_addslice(&c->staple, p->ocsp);
    SSL_CTX_set_tlsext_status_cb(c->ctx, staple);
    SSL_CTX_set_tlsext_status_arg(c->ctx, c);
    return 0;
}

static int
fill(struct ptn_tls_context *c, const struct ptn_tls_params *p,
     struct ptn_error *err)
{
    c->is_client = PTN_HAS(p, struct ptn_tls_params, crl) && p->is_client;
    c->ctx =
        SSL_CTX_new(c->is_client ? TLS_client_method() : TLS_server_method());
    if (!c->ctx)
        return tls_openssl_error(err, "no TLS context");
    if (tls_openssl_use_peer(c, p, err) < 0 || use_versions(c, p, err) < 0 ||
        use_pair(c, p, err) < 0 || use_ciphers(c, p, err) < 0 ||
        use_staple(c, p, err) < 0)
        return -1;
    /* What was read may have been a password: no copy of it stays. */
    SSL_CTX_set_options(
        c->ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                    SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_set_mode(c->ctx, SSL_MODE_RELEASE_BUFFERS |
                                 SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_tlsext_servername_callback(c->ctx, acknowledge_name);
    use_tickets(c->ctx,
                p->tickets && !c->is_client && c->peer == PTN_TLS_PEER_IGNORED);
    c->choose = p->choose;
    c->choose_arg = p->choose_arg;
    c->alpn_strict = p->alpn_strict;
    if (p->alpn && !(c->alpn = strdup(p->alpn)))
        return ptn_error_set(err, PTN_ERR_TLS, "no memory for a TLS context");
    if (c->alpn && !c->is_client)
        SSL_CTX_set_alpn_select_cb(c->ctx, select_alpn, c);
    return 0;
}

int
tls_openssl_context_new(void *instance, const struct ptn_tls_params *params,
                        struct ptn_tls_context **out, struct ptn_error *err)
{
    struct ptn_tls_context *c = calloc(1, sizeof(*c));
    if (!c)
        return ptn_error_set(err, PTN_ERR_TLS, "no memory for a TLS context");
    atomic_init(&c->refs, 1);
    pthread_mutex_init(&c->lock, NULL);
    c->instance = instance;
    ERR_clear_error();
    if (fill(c, params, err) < 0) {
        tls_openssl_context_free(NULL, c);
        return -1;
    }
    *out = c;
    return 0;
}
