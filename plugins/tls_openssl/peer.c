/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The peer's certificate: a client's, for a server that asks, or a server's,
 * for our own client. OpenSSL verifies it; whether a problem ends the
 * handshake is the context's choice. The session's thread, or for contexts
 * any.
 */
#include "tls_openssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

static const struct {
    long problem;
    enum ptn_tls_cause cause;
} problems[] = {
    {X509_V_OK, PTN_TLS_CAUSE_NONE},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, PTN_TLS_CAUSE_UNKNOWN_CA},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, PTN_TLS_CAUSE_UNKNOWN_CA},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, PTN_TLS_CAUSE_UNKNOWN_CA},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, PTN_TLS_CAUSE_UNKNOWN_CA},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, PTN_TLS_CAUSE_UNKNOWN_CA},
    {X509_V_ERR_CERT_HAS_EXPIRED, PTN_TLS_CAUSE_EXPIRED},
    {X509_V_ERR_CERT_NOT_YET_VALID, PTN_TLS_CAUSE_EXPIRED},
    {X509_V_ERR_CERT_REVOKED, PTN_TLS_CAUSE_REVOKED},
    {X509_V_ERR_UNABLE_TO_GET_CRL, PTN_TLS_CAUSE_NO_CRL},
    {X509_V_ERR_CRL_HAS_EXPIRED, PTN_TLS_CAUSE_NO_CRL},
    {X509_V_ERR_CRL_NOT_YET_VALID, PTN_TLS_CAUSE_NO_CRL},
    {X509_V_ERR_CRL_SIGNATURE_FAILURE, PTN_TLS_CAUSE_NO_CRL},
    {X509_V_ERR_HOSTNAME_MISMATCH, PTN_TLS_CAUSE_WRONG_NAME},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, PTN_TLS_CAUSE_WRONG_NAME},
};

enum ptn_tls_cause
tls_openssl_peer_cause(const struct ptn_tls_session *s)
{
    long problem = SSL_get_verify_result(s->ssl);
    for (size_t i = 0; i < PTN_COUNT(problems); i++)
        if (problems[i].problem == problem)
            return problems[i].cause;
    return PTN_TLS_CAUSE_BAD_CERTIFICATE;
}

void
tls_openssl_peer_free(struct tls_openssl_peer *peer)
{
    if (!peer)
        return;
    free(peer->name);
    free(peer);
}

/* A name that can be used as one: a control character, a blank or a NUL would
 * make it look like another. */
static char *
copy_name(const ASN1_STRING *from)
{
    unsigned char *text = NULL;
    char *name = NULL;
    int len = from ? ASN1_STRING_to_UTF8(&text, from) : -1;
    int good = 0;
    while (good < len && text[good] > ' ' && text[good] != 0x7f)
        good++;
    if (len > 0 && good == len)
        name = strndup((const char *)text, (size_t)len);
    OPENSSL_free(text);
    return name;
}

/* The first rfc822Name, else the common name. */
static char *
name_of(X509 *cert)
{
    GENERAL_NAMES *names =
        X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    const ASN1_STRING *found = NULL;
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
        int type;
        void *value =
            GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
        if (type == GEN_EMAIL)
            found = value;
    }
    if (!found) {
        X509_NAME *subject = X509_get_subject_name(cert);
        int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
        if (at >= 0)
            found = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    }
    char *name = copy_name(found);
    GENERAL_NAMES_free(names);
    return name;
}

void
tls_openssl_note_peer(struct ptn_tls_session *s)
{
    X509 *cert = SSL_get0_peer_certificate(s->ssl);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (!cert || !(s->peer = calloc(1, sizeof(*s->peer))))
        return;
    s->peer->problem = tls_openssl_peer_cause(s);
    if (X509_digest(cert, EVP_sha256(), digest, &len) == 1)
        tls_openssl_hex(s->peer->fingerprint, sizeof(s->peer->fingerprint),
                        digest, len);
    if (s->peer->problem == PTN_TLS_CAUSE_NONE)
        s->peer->name = name_of(cert);
    ERR_clear_error();
}

void
tls_openssl_peer_info(const struct ptn_tls_session *s, struct ptn_tls_info *out)
{
    const struct tls_openssl_peer *peer = s->peer;
    if (!peer)
        return;
    out->peer_fingerprint = peer->fingerprint;
    if (peer->problem != PTN_TLS_CAUSE_NONE)
        out->peer_problem = ptn_tls_cause_word(peer->problem);
    else if (s->context->peer != PTN_TLS_PEER_IGNORED)
        out->peer_name = peer->name ? peer->name : "";
}

int
tls_openssl_peer_chain(struct ptn_tls_session *s, struct ptn_buf *pem)
{
    STACK_OF(X509) *chain = s->ssl ? SSL_get_peer_cert_chain(s->ssl) : NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    bool ok = bio && s->context->is_client && sk_X509_num(chain) > 0;
    for (int i = 0; ok && i < sk_X509_num(chain); i++)
        ok = PEM_write_bio_X509(bio, sk_X509_value(chain, i)) == 1;
    if (ok)
        tls_openssl_take_bio(pem, bio);
    else
        BIO_free(bio);
    ERR_clear_error();
    return ok ? 0 : -1;
}

/* What is not required may be wrong: the result is kept all the same. */
static int
go_on(int good, X509_STORE_CTX *store)
{
    (void)good;
    (void)store;
    return 1;
}

/* Certificates that a client is told of, or revocations, as `crls` says. */
static int
add_to_store(SSL_CTX *ctx, struct ptn_slice pem, bool crls,
             struct ptn_error *err)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    STACK_OF(X509_INFO) *list =
        bio ? PEM_X509_INFO_read_bio(bio, NULL, NULL, (char[]){""}) : NULL;
    int count = 0, rc = list ? 1 : 0;

    for (int i = 0; rc == 1 && i < sk_X509_INFO_num(list); i++) {
        const X509_INFO *info = sk_X509_INFO_value(list, i);
        if (crls && info->crl) {
            rc = X509_STORE_add_crl(store, info->crl);
            count++;
        } else if (!crls && info->x509) {
            rc = X509_STORE_add_cert(store, info->x509) == 1 &&
                 SSL_CTX_add_client_CA(ctx, info->x509) == 1;
            count++;
        }
    }
    sk_X509_INFO_pop_free(list, X509_INFO_free);
    BIO_free(bio);
    if (rc != 1)
        return tls_openssl_error(err, crls ? "the CRL"
                                           : "the certificate authorities");
    if (count == 0)
        return ptn_error_set(err, PTN_ERR_TLS,
                             crls ? "no PEM block X509 CRL in the CRL"
                                  : "no PEM block CERTIFICATE among the "
                                    "certificate authorities");
    return 0;
}

int
tls_openssl_use_peer(struct ptn_tls_context *c, const struct ptn_tls_params *p,
                     struct ptn_error *err)
{
    int mode = SSL_VERIFY_PEER;

    if (!PTN_HAS(p, struct ptn_tls_params, crl))
        return 0;
    c->peer = p->peer;
    if (p->peer == PTN_TLS_PEER_REQUIRED)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    if (p->peer == PTN_TLS_PEER_IGNORED)
        mode = SSL_VERIFY_NONE;
    SSL_CTX_set_verify(c->ctx, mode,
                       p->peer == PTN_TLS_PEER_REQUIRED ? NULL : go_on);
    if (p->ca.len > 0 && add_to_store(c->ctx, p->ca, false, err) < 0)
        return -1;
    if (p->crl.len == 0)
        return 0;
    X509_STORE_set_flags(SSL_CTX_get_cert_store(c->ctx),
                         X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return add_to_store(c->ctx, p->crl, true, err);
}
