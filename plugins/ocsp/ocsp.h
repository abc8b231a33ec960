/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the plugin share.
 *
 *   check.c   responses against certificates, requests: libcrypto
 *   fetch.c   one response of a responder: libcurl
 *   run.c     which to fetch, and when
 *   module.c  the descriptor
 */
#ifndef OCSP_H
#define OCSP_H

#include <postern/errand.h>
#include <postern/ocsp.h>

enum {
    OCSP_URL_MAX = 512,
    OCSP_RESPONSE_MAX = 8192, /* octets, as PTN_TLS_STAPLE_MAX */
    OCSP_FETCH_S = 20,        /* that a responder gets */
};

/* --- check.c --- */

/* ptn_ocsp_ops.check */
int ocsp_check(void *instance, struct ptn_slice chain,
               struct ptn_slice response, struct ptn_ocsp_facts *out,
               struct ptn_error *err);
/* A request (DER) about the leaf of the chain, and where to send it (RFC 5280
 * section 4.2.2.1). -1 with `err`: there is no such place. */
int ocsp_request(struct ptn_slice chain, struct ptn_buf *request,
                 char url[OCSP_URL_MAX], struct ptn_error *err);

/* --- fetch.c --- */

/* Sends the request (RFC 6960 appendix A.1) and appends the answer. */
int ocsp_fetch(const char *url, struct ptn_slice request,
               struct ptn_buf *response, struct ptn_error *err);

/* --- run.c --- */

/* The plugin's instance in the envoy. */
struct ocsp {
    struct ptn_host *host;
    char *folder; /* STATE/ocsp */
    /* Of each certificate, in the order of ptn_errand_stapled. */
    struct ocsp_work *works;
};

/* ptn_errand.run */
int ocsp_run(void *instance, const struct ptn_errand_wish *wish, int64_t *next,
             struct ptn_error *err);
void ocsp_free(struct ocsp *ocsp);

#endif
