/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The peer's certificate: a client's, for a server that asks, or a server's,
 * for our own client. wolfSSL verifies it; its callback is where we see it,
 * since the library keeps none. A session without one costs nothing here.
 * The session's thread, or for contexts any.
 *
 * Each certificate of the chain that is no good is a problem; the first is
 * what gets told. Whether a problem ends the handshake is the context's
 * choice.
 */
#include "cert.h"

#include <stdlib.h>
#include <wolfssl/wolfcrypt/sha256.h>

static const char crl_end[] = "-----END X509 CRL-----";

void
tls_wolfssl_peer_free(struct tls_wolfssl_peer *peer)
{
    if (!peer)
        return;
    ptn_buf_free(&peer->chain);
    free(peer->name);
    free(peer);
}

/* A name that can be used as one: a control character, a blank or a NUL would
 * make it look like another. */
static char *
copy_name(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] <= ' ' || name[i] == 0x7f)
            return NULL;
    return strndup(name, len);
}

/* The first rfc822Name, which the library has last, else the common name. */
static char *
name_of(const DecodedCert *cert)
{
    const DNS_entry *e = cert->altEmailNames;
#ifndef OPENSSL_EXTRA
    while (e && e->next)
        e = e->next;
#endif
    if (e)
        return copy_name(e->name, (size_t)e->len);
    if (cert->subjectCN && cert->subjectCNLen > 0)
        return copy_name(cert->subjectCN, (size_t)cert->subjectCNLen);
    return NULL;
}

static struct tls_wolfssl_peer *
peer_of(struct ptn_tls_session *s)
{
    if (!s->peer)
        s->peer = calloc(1, sizeof(*s->peer));
    return s->peer;
}

static void
note_leaf(struct tls_wolfssl_peer *peer, const WOLFSSL_BUFFER_INFO *der)
{
    byte digest[WC_SHA256_DIGEST_SIZE];
    DecodedCert cert;

    wc_Sha256Hash(der->buffer, der->length, digest);
    tls_wolfssl_hex(peer->fingerprint, sizeof(peer->fingerprint), digest,
                    sizeof(digest));
    wc_InitDecodedCert(&cert, der->buffer, der->length, NULL);
    if (peer->problem == PTN_TLS_CAUSE_NONE &&
        wc_ParseCert(&cert, CERT_TYPE, NO_VERIFY, NULL) == 0)
        peer->name = name_of(&cert);
    wc_FreeDecodedCert(&cert);
}

static void
note_chain(struct tls_wolfssl_peer *peer, const WOLFSSL_X509_STORE_CTX *store)
{
    for (int i = 0; i < store->totalCerts; i++) {
        const WOLFSSL_BUFFER_INFO *der = &store->certs[i];
        tls_wolfssl_pem_add(
            &peer->chain, "CERTIFICATE",
            (struct ptn_slice){(const char *)der->buffer, der->length});
    }
}

static enum ptn_tls_cause
problem_of(int good, const WOLFSSL_X509_STORE_CTX *store)
{
    enum ptn_tls_cause cause = tls_wolfssl_cause(store->error);
    if (good)
        return PTN_TLS_CAUSE_NONE;
    return cause == PTN_TLS_CAUSE_OTHER ? PTN_TLS_CAUSE_BAD_CERTIFICATE : cause;
}

static int verify(int good, WOLFSSL_X509_STORE_CTX *store);

/* Where the session goes on with a peer that is not believed, the library
 * takes the authorities of its chain for good, and keeps them in the context:
 * the next one would be believed by these. It keeps none while the session
 * verifies nothing, which it does not from here to the leaf, that comes last;
 * the problem is noted, and stays. */
static void
learn_nothing(struct ptn_tls_session *s, int depth)
{
    wolfSSL_set_verify(
        s->ssl, depth > 0 ? WOLFSSL_VERIFY_NONE : WOLFSSL_VERIFY_PEER, verify);
}

/* Called for each certificate that is no good, for the leaf, and when there
 * is none. 1 goes on. */
static int
verify(int good, WOLFSSL_X509_STORE_CTX *store)
{
    struct ptn_tls_session *s = store->userCtx;
    enum ptn_tls_cause problem = problem_of(good, store);

    if (store->totalCerts > 0) {
        struct tls_wolfssl_peer *peer = peer_of(s);
        if (!peer)
            return 0;
        if (peer->problem == PTN_TLS_CAUSE_NONE)
            peer->problem = problem;
        problem = peer->problem;
        if (store->error_depth == 0)
            note_leaf(peer, &store->certs[0]);
        if (store->error_depth == 0 && s->context->is_client)
            note_chain(peer, store);
    }
    if (problem == PTN_TLS_CAUSE_NONE ||
        s->context->peer != PTN_TLS_PEER_REQUIRED) {
        if (problem != PTN_TLS_CAUSE_NONE)
            learn_nothing(s, store->error_depth);
        return 1;
    }
    s->cause = problem;
    return 0;
}

void
tls_wolfssl_peer_info(const struct ptn_tls_session *s, struct ptn_tls_info *out)
{
    const struct tls_wolfssl_peer *peer = s->peer;
    if (!peer)
        return;
    out->peer_fingerprint = peer->fingerprint;
    if (peer->problem != PTN_TLS_CAUSE_NONE)
        out->peer_problem = ptn_tls_cause_word(peer->problem);
    else if (s->context->peer != PTN_TLS_PEER_IGNORED)
        out->peer_name = peer->name ? peer->name : "";
}

int
tls_wolfssl_peer_chain(struct ptn_tls_session *s, struct ptn_buf *pem)
{
    if (!s->peer || s->peer->chain.len == 0)
        return -1;
    ptn_buf_addslice(pem, ptn_buf_slice(&s->peer->chain));
    return 0;
}

#ifdef HAVE_CRL
/* The library reads one at a time. */
static int
use_crls(WOLFSSL_CTX *ctx, struct ptn_slice pem, struct ptn_error *err)
{
    int count = 0;
    int rc =
        wolfSSL_CTX_EnableCRL(ctx, WOLFSSL_CRL_CHECK | WOLFSSL_CRL_CHECKALL);
    while (rc == WOLFSSL_SUCCESS) {
        const char *end =
            pem.len > 0 ? memmem(pem.data, pem.len, crl_end, strlen(crl_end))
                        : NULL;
        if (!end)
            break;
        size_t len = (size_t)(end - pem.data) + strlen(crl_end);
        rc = wolfSSL_CTX_LoadCRLBuffer(ctx, (const unsigned char *)pem.data,
                                       (long)len, WOLFSSL_FILETYPE_PEM);
        pem = ptn_slice_sub(pem, len, pem.len - len);
        count++;
    }
    if (rc != WOLFSSL_SUCCESS)
        return tls_wolfssl_error(err, "the CRL", rc);
    return count > 0 ? 0
                     : ptn_error_set(err, PTN_ERR_TLS,
                                     "no PEM block X509 CRL in the CRL");
}
#else
static int
use_crls(WOLFSSL_CTX *ctx, struct ptn_slice pem, struct ptn_error *err)
{
    (void)ctx;
    (void)pem;
    (void)crl_end;
    return ptn_error_set(err, PTN_ERR_TLS,
                         "this wolfSSL was built without CRLs");
}
#endif

int
tls_wolfssl_use_peer(struct ptn_tls_context *c, const struct ptn_tls_params *p,
                     struct ptn_error *err)
{
    static const struct ptn_tls_params none; /* nobody is asked */
    int mode = WOLFSSL_VERIFY_PEER;

    if (!PTN_HAS(p, struct ptn_tls_params, crl))
        p = &none;
    c->peer = p->peer;
    if (p->peer == PTN_TLS_PEER_REQUIRED && !c->is_client)
        mode |= WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    if (p->peer == PTN_TLS_PEER_IGNORED && !c->is_client)
        mode = WOLFSSL_VERIFY_NONE;
    wolfSSL_CTX_set_verify(c->ctx, mode, verify);
    if (p->ca.len > 0) {
        int rc = wolfSSL_CTX_load_verify_buffer(
            c->ctx, (const unsigned char *)p->ca.data, (long)p->ca.len,
            WOLFSSL_FILETYPE_PEM);
        if (rc != WOLFSSL_SUCCESS)
            return tls_wolfssl_error(err, "the certificate authorities", rc);
    }
    return p->crl.len > 0 ? use_crls(c->ctx, p->crl, err) : 0;
}
