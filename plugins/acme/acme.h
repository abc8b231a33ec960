/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The client of ACME authorities (RFC 8555), in the envoy (postern/errand.h).
 * It holds no private key: the account's signatures and the signing requests
 * come from the warden (struct acme_warden), and what it obtains goes there.
 * The authority is trusted with nothing but certificates: whatever it sends
 * is bounded, checked, and shown to people without control characters.
 *
 *   directory -> account -> order -> authorizations -> finalize -> chain
 *
 * One thread; calls block, each with a time limit.
 */
#ifndef ACME_ACME_H
#define ACME_ACME_H

#include <jansson.h>
#include <postern/arena.h>
#include <postern/buf.h>
#include <postern/option.h>

#define ACME_BODY_MAX (1u << 20) /* octets of an answer */
#define ACME_TIMEOUT_S 60        /* for one request and its answer */
#define ACME_CONNECT_S 20        /* of these, to connect */
#define ACME_NONCE_TRIES 30      /* RFC 8555 section 6.5: badNonce, again */
#define ACME_PATIENCE_S 600      /* with an order or an authorization */
#define ACME_POLL_MIN_S 1        /* between two looks at it, */
#define ACME_POLL_MAX_S 30       /* whatever Retry-After says */
#define ACME_RETRY_MAX_S                                                       \
    (7 * 86400)           /* the longest that Retry-After can ask              \
                           */
#define ACME_ALTERNATES 8 /* chains that are looked at */
#define ACME_URL_MAX 2048
#define ACME_TEXT_MAX 512

/* Why something was not obtained, for the operator. */
struct acme_failure {
    char text[ACME_TEXT_MAX]; /* one sentence: what, and what to do */
    char type[64];            /* the authority's word: "rateLimited"; or "" */
    int64_t not_before;       /* seconds since 1970; 0: as back-off says */
};

/* What the warden does for us. 0, or -1 with `failure->text`. */
struct acme_warden {
    /* The DER SubjectPublicKeyInfo of the account's P-256 key, which is made
     * if there is none. */
    int (*account)(void *arg, struct ptn_buf *spki,
                   struct acme_failure *failure);
    /* Its signature of the SHA-256 digest of `input`, DER. */
    int (*sign)(void *arg, struct ptn_slice input, struct ptn_buf *signature,
                struct acme_failure *failure);
    /* A signing request, DER, with the key that the certificate will have. */
    int (*request)(void *arg, const char *name, const struct ptn_strings *names,
                   struct ptn_buf *csr, struct acme_failure *failure);
    /* Takes the chain, PEM, checks it and puts it live. */
    int (*store)(void *arg, const char *name, struct ptn_slice chain,
                 struct acme_failure *failure);
    void *arg;
};

enum acme_challenge {
    ACME_HTTP_01,
    ACME_TLS_ALPN_01,
    ACME_DNS_01,
};
#define ACME_CHALLENGES 3
extern const char *const acme_challenge_names[ACME_CHALLENGES];

/* Shows what proves that a name is ours, and takes it away again. */
struct acme_answer {
    enum acme_challenge type;
    const char *name;   /* the identifier, without "*." */
    const char *token;  /* only letters, digits, "-" and "_" */
    const char *proof;  /* the key authorization, RFC 8555 section 8.1 */
    const char *digest; /* its SHA-256, base64url: what dns-01 publishes */
};
struct acme_responder {
    /* The lower the better, from 1 on; 0: it cannot. */
    unsigned (*rank)(void *arg, enum acme_challenge type);
    int (*show)(void *arg, const struct acme_answer *answer,
                struct acme_failure *failure);
    void (*hide)(void *arg, const struct acme_answer *answer);
    void *arg;
};

struct acme_settings {
    const char *directory;       /* https://... */
    const char *ca_file;         /* NULL: the system's authorities */
    struct ptn_strings contact;  /* mail addresses */
    bool terms;                  /* of the authority are agreed to */
    const char *eab_kid;         /* external account binding, or NULL */
    const char *eab_key;         /* base64url */
    const char *preferred_chain; /* common name of an issuer, or NULL */
    const char *state;           /* a folder for what outlives a restart */
    int64_t patience;            /* seconds, in place of ACME_PATIENCE_S; 0 */
};

struct acme; /* a client of one authority */

struct acme *acme_new(const struct acme_settings *settings,
                      const struct acme_warden *warden,
                      const struct acme_responder *responder);
void acme_free(struct acme *a);

/* --- directory.c: what the authority offers --- */

/* Reads the directory, unless it was read. */
int acme_directory(struct acme *a, struct acme_failure *failure);
/* "newOrder"... or NULL when it is not offered. Owned by the client. */
const char *acme_resource(const struct acme *a, const char *name);

/* --- account.c --- */

/* Finds or makes the account (RFC 8555 section 7.3); its URL is kept over
 * restarts. */
int acme_account(struct acme *a, struct acme_failure *failure);
/* The account is not known any more: make another next time. */
void acme_account_forget(struct acme *a);
/* The authority has refused as "unauthorized": if that is because the account
 * was deactivated or revoked, says so. */
void acme_account_explain(struct acme *a, struct acme_failure *failure);

/* --- order.c --- */

struct acme_wanted {
    const char *name; /* in the repository */
    struct ptn_strings names;
    const char *replaces;       /* its certificate's id for RFC 9773, or NULL */
    char order[ACME_URL_MAX];   /* to go on with, or ""; the one that is made */
    void (*ordered)(void *arg); /* now it is another; may be NULL */
    void *arg;
};

/* From an order to a chain that the warden has stored. */
int acme_obtain(struct acme *a, struct acme_wanted *wanted,
                struct acme_failure *failure);

/* --- renewal.c --- */

/* The id that RFC 9773 section 4.1 gives the first certificate of `pem`;
 * false when it has none. */
bool acme_certificate_id(struct ptn_slice pem, struct ptn_buf *id);
/* Whether it was signed by an authority, and has all the names: if not, it is
 * to be replaced now. */
bool acme_certificate_serves(struct ptn_slice pem,
                             const struct ptn_strings *names);

struct acme_schedule {
    unsigned percent; /* of a life, where the authority has no window */
    bool ari;         /* ask for its window (RFC 9773) */
};
/* When the certificate is to be renewed, seconds since 1970: a moment in the
 * authority's window or else, a little spread, so much of its life; the same
 * moment each time. `look_again` is when to ask next. */
int acme_renewal(struct acme *a, struct ptn_slice pem,
                 const struct acme_schedule *how, int64_t *due,
                 int64_t *look_again, struct acme_failure *failure);
/* Seconds to wait after the `n`th failure in a row. */
int64_t acme_backoff(unsigned n);

#endif
