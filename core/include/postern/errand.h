/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Contract "postern.errand", version 1: slow work outside, beside the
 * server, such as having certificates signed by an authority. Since 1.1.
 *
 * It is done by the envoy, a process that the server starts when there is
 * something to do and that ends with it: no session waits for it, none sees
 * its memory, and it may block. It can connect to the outside and look names
 * up, which nothing else in the server can; it has no private key, no
 * listening port, no mail. Keys stay where they are: the calls below ask the
 * warden, who does what the configuration says and nothing else.
 *
 *   start of the server, a reload, the moment that run has named, a wish
 *        |
 *        v
 *   envoy: init -> start -> run -> report, report... -> stop -> gone
 *
 * A certificate whose `source` in the configuration is the errand's name is
 * its business. Until it has obtained one there is a self-signed stand-in.
 *
 * All calls are for the envoy's main thread, and nowhere but there.
 */
#ifndef POSTERN_ERRAND_H
#define POSTERN_ERRAND_H

#include <postern/buf.h>
#include <postern/module.h>

#define PTN_ERRAND_CONTRACT "postern.errand"
#define PTN_ERRAND_VERSION 1

#define PTN_ERRAND_INPUT_MAX 16384 /* octets to sign */
#define PTN_ERRAND_CHAIN_MAX 65536 /* octets of a chain, PEM */
#define PTN_ERRAND_TOKEN_MAX 128   /* of a proof's token */
#define PTN_ERRAND_PROOF_MAX 512   /* octets of what it says */

/* One certificate of the configuration. Lives as long as the host. */
struct ptn_errand_certificate {
    uint32_t size; /* sizeof(struct ptn_errand_certificate) in the server */
    const char *name;
    struct ptn_strings names; /* the first is the common name */
};

/* What an operator has asked for. */
struct ptn_errand_wish {
    uint32_t size;
    const char *certificate; /* its name */
    bool force;              /* whatever speaks against it */
};

struct ptn_errand {
    uint32_t size;
    const char *name; /* what `source` says */

    /* Whether a certificate can be obtained as the options are: 0, or -1
     * with `err`, an error of the configuration. Also called by who checks
     * it, after init. May be NULL. */
    int (*check)(void *instance,
                 const struct ptn_errand_certificate *certificate,
                 struct ptn_error *err);
    /* Does what is due. `wish` is NULL, or asks for one certificate now: then
     * -1 with `err` says why that failed, or was not tried. `next` gets the
     * moment to come again, seconds since 1970; 0: only when asked. What is
     * wrong with certificates that were not wished for is reported. */
    int (*run)(void *instance, const struct ptn_errand_wish *wish,
               int64_t *next, struct ptn_error *err);
};

/* The certificates whose source is `errand`, one after the other; NULL: no
 * more. */
PTN_API const struct ptn_errand_certificate *
ptn_errand_certificate(struct ptn_host *host, const char *errand, size_t index);

/* The certificates to which responses are stapled that an errand fetches, the
 * same way. */
PTN_API const struct ptn_errand_certificate *
ptn_errand_stapled(struct ptn_host *host, size_t index);

/* --- what the warden does --- */

/* Each answers 0, or -1 with `err`; outputs are appended. */

/* The public half, DER SubjectPublicKeyInfo, of the errand's account key, a
 * P-256 key that is made when it is first asked for and is used for nothing
 * else. */
PTN_API int ptn_errand_account(struct ptn_host *host, const char *errand,
                               struct ptn_buf *spki, struct ptn_error *err);
/* ECDSA with SHA-256 (RFC 3279 section 2.2.3) of that key, over a JWS Signing
 * Input (RFC 7515 section 5.1) and nothing else. */
PTN_API int ptn_errand_sign(struct ptn_host *host, const char *errand,
                            struct ptn_slice input, struct ptn_buf *signature,
                            struct ptn_error *err);
/* A PKCS#10 request, DER, for the names that the configuration says, with
 * the key that waits for the certificate's next version. */
PTN_API int ptn_errand_request(struct ptn_host *host,
                               const struct ptn_errand_certificate *certificate,
                               struct ptn_buf *csr, struct ptn_error *err);
/* What is served now, PEM; it may be the stand-in. */
PTN_API int ptn_errand_chain(struct ptn_host *host,
                             const struct ptn_errand_certificate *certificate,
                             struct ptn_buf *pem, struct ptn_error *err);
/* The answer to the last request, PEM. It is checked in every way in which
 * what an operator imports is, and put live. */
PTN_API int ptn_errand_store(struct ptn_host *host,
                             const struct ptn_errand_certificate *certificate,
                             struct ptn_slice chain, struct ptn_error *err);

/* What proves that a name is ours, RFC 8555 section 8. */
enum ptn_errand_proof_type {
    PTN_ERRAND_HTTP,     /* http-01: a file that is served on port 80 */
    PTN_ERRAND_TLS_ALPN, /* tls-alpn-01, RFC 8737: by listeners with TLS */
    PTN_ERRAND_DNS,      /* dns-01: by the operator's program */
};
struct ptn_errand_proof {
    uint32_t size;
    enum ptn_errand_proof_type type;
    const char *name;   /* without "*." */
    const char *token;  /* letters, digits, "-" and "_" */
    const char *text;   /* the key authorization */
    const char *digest; /* its SHA-256, base64url: what dns-01 publishes */
};
/* Shows it, when this returns, until it is hidden or the envoy ends. */
PTN_API int ptn_errand_show(struct ptn_host *host,
                            const struct ptn_errand_proof *proof,
                            struct ptn_error *err);
PTN_API void ptn_errand_hide(struct ptn_host *host,
                             const struct ptn_errand_proof *proof);
/* Whether it can be shown at all, as the server is configured. */
PTN_API bool ptn_errand_can_show(struct ptn_host *host,
                                 enum ptn_errand_proof_type type);

/* --- what people see --- */

/* How it stands with a certificate, for `posternctl status` and `cert show`,
 * and for metrics. Replaces what was said before. Times are seconds since
 * 1970; 0: there is none. */
struct ptn_errand_report {
    uint32_t size;
    int64_t last;        /* attempt */
    int64_t next;        /* attempt */
    unsigned failures;   /* in a row; 0: the last one was good */
    const char *problem; /* of the last attempt, one sentence; NULL: none */
};
PTN_API void ptn_errand_report(struct ptn_host *host,
                               const struct ptn_errand_certificate *certificate,
                               const struct ptn_errand_report *report);

#endif
