/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the client share.
 */
#ifndef ACME_INNER_H
#define ACME_INNER_H

#include "acme.h"
#include <curl/curl.h>

struct acme {
    struct acme_settings settings;
    struct acme_warden warden;
    struct acme_responder responder;
    CURL *curl;
    json_t *directory;    /* NULL: not read yet */
    json_t *jwk;          /* of the account's key */
    char *thumbprint;     /* RFC 7638, base64url */
    char *account;        /* its URL; NULL: not known yet */
    struct ptn_buf nonce; /* the last that came; empty: ask for one */
    const char *about;    /* the name that requests are about, or NULL */
};

/* --- http.c --- */

struct acme_response {
    long status;
    struct ptn_buf body;
    char location[ACME_URL_MAX];
    int64_t retry_after; /* seconds from now; 0: not said */
    char alternates[ACME_ALTERNATES][ACME_URL_MAX];
    size_t alternate_count;
};
void acme_response_free(struct acme_response *r);

enum acme_method {
    ACME_GET,
    ACME_HEAD,
    ACME_POST, /* application/jose+json */
};

/* 0 whatever the status; -1: no answer. Takes the nonce of the answer. */
int acme_http(struct acme *a, enum acme_method method, const char *url,
              struct ptn_slice body, struct acme_response *out,
              struct acme_failure *failure);

/* --- jws.c --- */

void acme_base64url(struct ptn_slice in, struct ptn_buf *out);
/* SHA-256, base64url. */
void acme_digest(struct ptn_slice in, struct ptn_buf *out);
/* Reads the account's public key: a->jwk and a->thumbprint. */
int acme_jwk(struct acme *a, struct acme_failure *failure);
/* RFC 8555 section 7.3.4: the external account binding's inner JWS. */
json_t *acme_binding(const struct acme *a, const char *url,
                     struct acme_failure *failure);

/* A signed request (RFC 8555 section 6.2). `payload` NULL: POST-as-GET;
 * the reference stays the caller's. -1 unless the answer is 2xx. */
int acme_post(struct acme *a, const char *url, json_t *payload,
              struct acme_response *out, struct acme_failure *failure);
/* The same, and the answer as an object, owned by the caller; NULL. */
json_t *acme_ask(struct acme *a, const char *url, json_t *payload,
                 struct acme_response *out, struct acme_failure *failure);

/* --- problem.c --- */

int acme_fail(struct acme_failure *failure, const char *fmt, ...)
    PTN_PRINTF(2, 3);
/* What an answer that is no success means to the operator. `about`: the name
 * it is about, or NULL. Returns -1. */
int acme_problem(const struct acme_response *r, const char *about,
                 struct acme_failure *failure);
/* The same for a problem document inside another (a challenge's error). */
int acme_problem_json(json_t *problem, const char *about,
                      enum acme_challenge type, struct acme_failure *failure);

#endif
