/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Contexts: a certificate, its key and a policy, ready for sessions. A
 * context is constant but for its ticket keys and lives until its owner and
 * its last session have let go; any thread may hold one.
 */
#include "tls_wolfssl.h"

#include <stdlib.h>

/* Ours first, fastest first, and only what gives forward secrecy and
 * authenticated encryption. The client's order counts for nothing. */
#define DEFAULT_SUITES                                                         \
    "TLS13-AES128-GCM-SHA256:TLS13-AES256-GCM-SHA384:"                         \
    "TLS13-CHACHA20-POLY1305-SHA256"
#define DEFAULT_CIPHERS                                                        \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"               \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"               \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"

/* For TLS 1.0 and 1.1, which have nothing better. */
#define OLD_CIPHERS                                                            \
    DEFAULT_CIPHERS                                                            \
    ":ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"                             \
    ":ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA"

struct ptn_tls_context *
tls_wolfssl_context_ref(struct ptn_tls_context *context)
{
    atomic_fetch_add_explicit(&context->refs, 1, memory_order_relaxed);
    return context;
}

void
tls_wolfssl_context_free(void *instance, struct ptn_tls_context *c)
{
    (void)instance;
    if (!c || atomic_fetch_sub(&c->refs, 1) > 1)
        return;
    wolfSSL_CTX_free(c->ctx);
    pthread_mutex_destroy(&c->lock);
    ptn_wipe(c->keys, sizeof(c->keys));
    ptn_buf_free(&c->staple);
    free(c->alpn);
    free(c);
}

/* RFC 8996 ends 1.0 and 1.1: they are only for a server that says so. This
 * build of the library may lack them. */
static int
set_versions(struct ptn_tls_context *c, const struct ptn_tls_params *p,
             struct ptn_error *err)
{
    enum ptn_tls_version lowest = PTN_TLS_1_2;
#ifdef TLS_WOLFSSL_OLD
    if (!c->is_client)
        lowest = TLS_WOLFSSL_OLD;
#endif
    c->min_version = p->min_version < lowest ? lowest : p->min_version;
    c->max_version = p->max_version;
    if (c->min_version <= c->max_version)
        return 0;
    return ptn_error_set(err, PTN_ERR_TLS,
                         "no TLS version between the lowest and the highest "
                         "that are allowed");
}

/* The newest version of one that speaks old ones is set by leaving out what
 * is newer. */
static void
limit(WOLFSSL_CTX *ctx, const struct ptn_tls_context *c)
{
    long without = 0;
    if (c->max_version < PTN_TLS_1_3)
        without |= WOLFSSL_OP_NO_TLSv1_3;
    if (c->max_version < PTN_TLS_1_2)
        without |= WOLFSSL_OP_NO_TLSv1_2;
    if (c->max_version < PTN_TLS_1_1)
        without |= WOLFSSL_OP_NO_TLSv1_1;
    wolfSSL_CTX_set_options(ctx, without);
    wolfSSL_CTX_SetMinVersion(
        ctx, c->min_version == PTN_TLS_1_0 ? WOLFSSL_TLSV1 : WOLFSSL_TLSV1_1);
}

static WOLFSSL_CTX *
new_ctx(const struct ptn_tls_context *c, struct ptn_error *err)
{
    WOLFSSL_METHOD *method = NULL;
    bool client = c->is_client, old = c->min_version < PTN_TLS_1_2;
    if (c->max_version < PTN_TLS_1_3 && !old)
        method =
            client ? wolfTLSv1_2_client_method() : wolfTLSv1_2_server_method();
    else if (c->min_version >= PTN_TLS_1_3)
        method =
            client ? wolfTLSv1_3_client_method() : wolfTLSv1_3_server_method();
    else
        method =
            client ? wolfSSLv23_client_method() : wolfSSLv23_server_method();
    WOLFSSL_CTX *ctx = wolfSSL_CTX_new(method);
    if (!ctx) {
        ptn_error_set(err, PTN_ERR_TLS, "no memory for a TLS context");
        return NULL;
    }
    if (old)
        limit(ctx, c);
    else if (c->max_version >= PTN_TLS_1_3 && c->min_version < PTN_TLS_1_3)
        wolfSSL_CTX_SetMinVersion(ctx, WOLFSSL_TLSV1_2);
    return ctx;
}

static int
use_chain(WOLFSSL_CTX *ctx, const struct ptn_tls_params *p,
          struct ptn_error *err)
{
    int rc = wolfSSL_CTX_use_certificate_chain_buffer(
        ctx, (const unsigned char *)p->chain.data, (long)p->chain.len);
    if (rc != WOLFSSL_SUCCESS)
        return tls_wolfssl_error(err, "the certificate chain", rc);
    return 0;
}

static int
use_key(WOLFSSL_CTX *ctx, const struct ptn_tls_params *p, struct ptn_error *err)
{
    if (tls_wolfssl_pair_match(NULL, p->chain, p->key, err) < 0)
        return -1;
    int rc = wolfSSL_CTX_use_PrivateKey_buffer(
        ctx, (const unsigned char *)p->key.data, (long)p->key.len,
        WOLFSSL_FILETYPE_PEM);
    if (rc != WOLFSSL_SUCCESS)
        return tls_wolfssl_error(err, "the private key", rc);
    return 0;
}

/* The library passes over names that it does not know; an operator who
 * misspelt one must hear of it. So each is set alone first. */
static int
check_names(WOLFSSL_CTX *ctx, const char *list, struct ptn_error *err)
{
    char name[64]; /* the longest has 45 octets */
    while (list && *list != '\0') {
        size_t len = strcspn(list, ":");
        int shown = (int)(len < sizeof(name) ? len : sizeof(name) - 1);
        memcpy(name, list, (size_t)shown);
        name[shown] = '\0';
        if (wolfSSL_CTX_set_cipher_list(ctx, name) != WOLFSSL_SUCCESS)
            return ptn_error_set(err, PTN_ERR_TLS,
                                 "wolfSSL has no cipher suite \"%s\"", name);
        list += len + (list[len] != '\0');
    }
    return 0;
}

static int
use_ciphers(const struct ptn_tls_context *c, const struct ptn_tls_params *p,
            struct ptn_error *err)
{
    const char *ciphers =
        c->min_version < PTN_TLS_1_2 ? OLD_CIPHERS : DEFAULT_CIPHERS;
    WOLFSSL_CTX *ctx = c->ctx;
    struct ptn_buf list = PTN_BUF_INIT;
    if (check_names(ctx, p->suites, err) < 0 ||
        check_names(ctx, p->ciphers, err) < 0)
        return -1;
    if (p->max_version >= PTN_TLS_1_3)
        ptn_buf_adds(&list, p->suites ? p->suites : DEFAULT_SUITES);
    if (p->min_version < PTN_TLS_1_3) {
        if (list.len > 0)
            ptn_buf_addc(&list, ':');
        ptn_buf_adds(&list, p->ciphers ? p->ciphers : ciphers);
    }
    int rc = wolfSSL_CTX_set_cipher_list(ctx, ptn_buf_cstr(&list));
    ptn_buf_free(&list);
    if (rc == WOLFSSL_SUCCESS)
        return 0;
    return ptn_error_set(err, PTN_ERR_TLS,
                         "no cipher suite is left for these versions");
}

static void
use_tickets(struct ptn_tls_context *c, const struct ptn_tls_params *p)
{
    if (!p->tickets || c->is_client || c->peer != PTN_TLS_PEER_IGNORED) {
        wolfSSL_CTX_no_ticket_TLSv13(c->ctx);
        wolfSSL_CTX_NoTicketTLSv12(c->ctx);
        return;
    }
    wolfSSL_CTX_set_TicketEncCb(c->ctx, tls_wolfssl_ticket_crypt);
    wolfSSL_CTX_set_TicketEncCtx(c->ctx, c);
    wolfSSL_CTX_set_TicketHint(c->ctx, TLS_WOLFSSL_TICKET_LIFE);
}

static int
use_pair(struct ptn_tls_context *c, const struct ptn_tls_params *p,
         struct ptn_error *err)
{
    if (c->is_client && p->chain.len == 0)
        return 0;
    if (PTN_HAS(p, struct ptn_tls_params, sign_arg) && p->sign) {
        c->sign = p->sign;
        c->sign_arg = p->sign_arg;
        tls_wolfssl_use_remote_key(c->ctx);
        return use_chain(c->ctx, p, err);
    }
    return use_key(c->ctx, p, err) < 0 ? -1 : use_chain(c->ctx, p, err);
}

#ifdef WOLFSSL_LENT_STAPLE
/* Lends the response, for as long as the context lives (the patch "staple" of
 * tools/wolfssl). */
static int
staple(void *context, const char *url, int url_len, unsigned char *request,
       int request_len, unsigned char **response)
{
    struct ptn_tls_context *c = context;
    (void)url;
    (void)url_len;
    (void)request;
    (void)request_len;
    *response = (unsigned char *)c->staple.data;
    return (int)c->staple.len;
}

static void
unstaple(void *context, unsigned char *response)
{
    (void)context;
    (void)response;
}
#endif

/* RFC 6066 section 8: only who asks gets it. */
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
#ifdef WOLFSSL_LENT_STAPLE
    ptn_buf_addslice(&c->staple, p->ocsp);
    int rc = wolfSSL_CTX_EnableOCSPStapling(c->ctx);
    if (rc == WOLFSSL_SUCCESS)
        rc = wolfSSL_CTX_SetOCSP_Cb(c->ctx, staple, unstaple, c);
    return rc == WOLFSSL_SUCCESS
               ? 0
               : tls_wolfssl_error(err, "the OCSP response", rc);
#else
    return ptn_error_set(err, PTN_ERR_TLS,
                         "this wolfSSL cannot staple OCSP responses: build "
                         "one with tools/wolfssl");
#endif
}

static int
fill(struct ptn_tls_context *c, const struct ptn_tls_params *p,
     struct ptn_error *err)
{
    c->is_client = PTN_HAS(p, struct ptn_tls_params, crl) && p->is_client;
    if (set_versions(c, p, err) < 0)
        return -1;
    c->ctx = new_ctx(c, err);
    if (!c->ctx || tls_wolfssl_use_peer(c, p, err) < 0 ||
        use_pair(c, p, err) < 0 || use_ciphers(c, p, err) < 0 ||
        tls_wolfssl_set_groups(c->ctx, p, err) < 0 || use_staple(c, p, err) < 0)
        return -1;
    wolfSSL_CTX_SetIORecv(c->ctx, tls_wolfssl_receive);
    wolfSSL_CTX_SetIOSend(c->ctx, tls_wolfssl_send);
    /* Resumption is by tickets alone: no worker knows another's cache. */
    wolfSSL_CTX_set_session_cache_mode(c->ctx, WOLFSSL_SESS_CACHE_OFF);
    wolfSSL_CTX_set_timeout(c->ctx, TLS_WOLFSSL_TICKET_LIFE);
    /* One write a flight, not one a handshake message. */
    wolfSSL_CTX_set_group_messages(c->ctx);
    use_tickets(c, p);
    if (!c->is_client)
        tls_wolfssl_set_end_point(c, p->chain);
    c->choose = p->choose;
    c->choose_arg = p->choose_arg;
    c->alpn_strict = p->alpn_strict;
    if (p->alpn && !(c->alpn = strdup(p->alpn)))
        return ptn_error_set(err, PTN_ERR_TLS, "no memory for a TLS context");
    return 0;
}

int
tls_wolfssl_context_new(void *instance, const struct ptn_tls_params *params,
                        struct ptn_tls_context **out, struct ptn_error *err)
{
    (void)instance;
    struct ptn_tls_context *c = calloc(1, sizeof(*c));
    if (!c)
        return ptn_error_set(err, PTN_ERR_TLS, "no memory for a TLS context");
    atomic_init(&c->refs, 1);
    pthread_mutex_init(&c->lock, NULL);
    if (fill(c, params, err) < 0) {
        tls_wolfssl_context_free(NULL, c);
        return -1;
    }
    *out = c;
    return 0;
}
