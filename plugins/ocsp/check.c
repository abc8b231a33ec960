/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Responses against certificates, with libcrypto. Nothing is kept; any
 * thread.
 */
#include "ocsp.h"
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* The first two certificates of a chain, and whoever comes behind. */
struct chain {
    STACK_OF(X509) * all;
    X509 *leaf, *issuer; /* borrowed */
};

static void
chain_free(struct chain *c)
{
    sk_X509_pop_free(c->all, X509_free);
}

static int
chain_read(struct ptn_slice pem, struct chain *out, struct ptn_error *err)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    X509 *cert;

    *out = (struct chain){.all = sk_X509_new_null()};
    while (bio && out->all &&
           (cert = PEM_read_bio_X509(bio, NULL, NULL, (char[]){""})) != NULL)
        if (!sk_X509_push(out->all, cert))
            X509_free(cert);
    ERR_clear_error(); /* of the end of the text */
    BIO_free(bio);
    out->leaf = sk_X509_value(out->all, 0);
    out->issuer = sk_X509_value(out->all, 1);
    if (out->leaf && out->issuer &&
        X509_check_issued(out->issuer, out->leaf) == X509_V_OK)
        return 0;
    chain_free(out);
    return ptn_error_set(err, PTN_ERR_TLS,
                         "the certificate's issuer is not in its file, and "
                         "is needed to check the answer");
}

static int64_t
seconds(const ASN1_GENERALIZEDTIME *time)
{
    struct tm tm;

    if (!time || ASN1_TIME_to_tm(time, &tm) != 1)
        return 0;
    return (int64_t)timegm(&tm);
}

/* Only the issuer is trusted: who signs in its place has its word for it
 * (RFC 6960 section 4.2.2.2), and shows it in the response. */
static bool
is_signed(OCSP_BASICRESP *basic, const struct chain *chain)
{
    X509_STORE *store = X509_STORE_new();
    X509_VERIFY_PARAM *param = store ? X509_STORE_get0_param(store) : NULL;
    bool good = false;

    if (param && X509_STORE_add_cert(store, chain->issuer) == 1) {
        X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
        good = OCSP_basic_verify(basic, chain->all, store, 0) == 1;
    }
    X509_STORE_free(store);
    ERR_clear_error();
    return good;
}

/* The answer about the leaf, whichever digest its responder names it by. */
static OCSP_SINGLERESP *
answer_of(OCSP_BASICRESP *basic, const struct chain *chain)
{
    for (int i = 0; i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
        OCSP_CERTID *id = (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single);
        ASN1_OBJECT *digest;
        const EVP_MD *md;
        OCSP_CERTID *own;
        int same = -1;

        OCSP_id_get0_info(NULL, &digest, NULL, NULL, id);
        md = EVP_get_digestbyobj(digest);
        own = md ? OCSP_cert_to_id(md, chain->leaf, chain->issuer) : NULL;
        if (own)
            same = OCSP_id_cmp(own, id);
        OCSP_CERTID_free(own);
        if (same == 0)
            return single;
    }
    return NULL;
}

static int
read_answer(OCSP_BASICRESP *basic, const struct chain *chain,
            struct ptn_ocsp_facts *out, struct ptn_error *err)
{
    ASN1_GENERALIZEDTIME *this_update, *next_update;
    OCSP_SINGLERESP *single = answer_of(basic, chain);
    int status, reason;

    if (!single)
        return ptn_error_set(err, PTN_ERR_TLS,
                             "it is about another certificate");
    status = OCSP_single_get0_status(single, &reason, NULL, &this_update,
                                     &next_update);
    if (status != V_OCSP_CERTSTATUS_GOOD && status != V_OCSP_CERTSTATUS_REVOKED)
        return ptn_error_set(err, PTN_ERR_TLS,
                             "its responder does not know the certificate");
    if (!is_signed(basic, chain))
        return ptn_error_set(err, PTN_ERR_TLS,
                             "its signature is not of the certificate's "
                             "issuer, nor of one whom that trusts");
    /* Not before: a forged "revoked" would have a good one dropped. */
    out->revoked = status == V_OCSP_CERTSTATUS_REVOKED;
    out->this_update = seconds(this_update);
    out->next_update = seconds(next_update);
    return 0;
}

static int
check_response(OCSP_RESPONSE *response, const struct chain *chain,
               struct ptn_ocsp_facts *out, struct ptn_error *err)
{
    OCSP_BASICRESP *basic;
    int status = OCSP_response_status(response), result = -1;

    if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        return ptn_error_set(err, PTN_ERR_TLS, "its responder says \"%s\"",
                             OCSP_response_status_str(status));
    basic = OCSP_response_get1_basic(response);
    if (!basic)
        ptn_error_set(err, PTN_ERR_TLS, "it is no basic OCSP response");
    else
        result = read_answer(basic, chain, out, err);
    OCSP_BASICRESP_free(basic);
    return result;
}

int
ocsp_check(void *instance, struct ptn_slice pem, struct ptn_slice response,
           struct ptn_ocsp_facts *out, struct ptn_error *err)
{
    const unsigned char *at = (const unsigned char *)response.data;
    OCSP_RESPONSE *r = d2i_OCSP_RESPONSE(NULL, &at, (long)response.len);
    struct chain chain;
    int result = -1;

    (void)instance;
    if (!r) {
        ERR_clear_error();
        return ptn_error_set(err, PTN_ERR_TLS, "it is no OCSP response in DER");
    }
    if (chain_read(pem, &chain, err) == 0) {
        result = check_response(r, &chain, out, err);
        chain_free(&chain);
    }
    OCSP_RESPONSE_free(r);
    ERR_clear_error();
    return result;
}

/* --- requests --- */

/* RFC 5280 section 4.2.2.1: the first of them that http can reach. */
static bool
url_of(X509 *leaf, char out[OCSP_URL_MAX])
{
    STACK_OF(OPENSSL_STRING) *urls = X509_get1_ocsp(leaf);
    bool found = false;

    for (int i = 0; !found && i < sk_OPENSSL_STRING_num(urls); i++) {
        const char *url = sk_OPENSSL_STRING_value(urls, i);

        found =
            strncasecmp(url, "http://", 7) == 0 && strlen(url) < OCSP_URL_MAX;
        if (found)
            strcpy(out, url);
    }
    X509_email_free(urls);
    return found;
}

/* SHA-1 names the issuer, as RFC 5019 section 2.1.1 wants it: nothing hangs
 * on its strength. There is no nonce: answers are made in advance. */
static bool
make_request(const struct chain *chain, struct ptn_buf *out)
{
    OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), chain->leaf, chain->issuer);
    OCSP_REQUEST *request = OCSP_REQUEST_new();
    unsigned char *der = NULL;
    int len = -1;

    if (request && id && OCSP_request_add0_id(request, id)) {
        id = NULL;
        len = i2d_OCSP_REQUEST(request, &der);
    }
    if (len > 0)
        ptn_buf_add(out, der, (size_t)len);
    OPENSSL_free(der);
    OCSP_CERTID_free(id);
    OCSP_REQUEST_free(request);
    return len > 0;
}

int
ocsp_request(struct ptn_slice pem, struct ptn_buf *request,
             char url[OCSP_URL_MAX], struct ptn_error *err)
{
    struct chain chain;
    int result = -1;

    if (chain_read(pem, &chain, err) != 0)
        return -1;
    if (!url_of(chain.leaf, url))
        ptn_error_set(err, PTN_ERR_TLS,
                      "the certificate names no place for OCSP; its "
                      "authority has none: set ocsp to \"off\"");
    else if (!make_request(&chain, request))
        ptn_error_set(err, PTN_ERR_TLS, "no request can be made");
    else
        result = 0;
    chain_free(&chain);
    ERR_clear_error();
    return result;
}
