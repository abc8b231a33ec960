/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From the client's needs to the calls of postern/errand.h. One thread.
 */
#include "inner.h"
#include "plugin.h"
#include <stdio.h>

/* -1, with the server's words. */
static int
failed(const struct ptn_error *err, struct acme_failure *failure)
{
    return acme_fail(failure, "%s", err->text);
}

static int
account(void *arg, struct ptn_buf *spki, struct acme_failure *failure)
{
    const struct acme_plugin *p = arg;
    struct ptn_error err = PTN_ERROR_INIT;

    if (ptn_errand_account(p->host, ACME_ERRAND, spki, &err) == 0)
        return 0;
    return failed(&err, failure);
}

static int
sign(void *arg, struct ptn_slice input, struct ptn_buf *signature,
     struct acme_failure *failure)
{
    const struct acme_plugin *p = arg;
    struct ptn_error err = PTN_ERROR_INIT;

    if (ptn_errand_sign(p->host, ACME_ERRAND, input, signature, &err) == 0)
        return 0;
    return failed(&err, failure);
}

static int
request(void *arg, const char *name, const struct ptn_strings *names,
        struct ptn_buf *csr, struct acme_failure *failure)
{
    const struct acme_plugin *p = arg;
    struct ptn_error err = PTN_ERROR_INIT;

    (void)name;
    (void)names; /* the warden knows both */
    if (ptn_errand_request(p->host, p->certificate, csr, &err) == 0)
        return 0;
    return failed(&err, failure);
}

static int
store(void *arg, const char *name, struct ptn_slice chain,
      struct acme_failure *failure)
{
    const struct acme_plugin *p = arg;
    struct ptn_error err = PTN_ERROR_INIT;

    (void)name;
    if (ptn_errand_store(p->host, p->certificate, chain, &err) == 0)
        return 0;
    return acme_fail(failure, "the authority's certificate is not taken: %s",
                     err.text);
}

struct acme_warden
acme_link_warden(struct acme_plugin *p)
{
    return (struct acme_warden){account, sign, request, store, p};
}

/* --- proofs --- */

static const enum ptn_errand_proof_type types[ACME_CHALLENGES] = {
    [ACME_HTTP_01] = PTN_ERRAND_HTTP,
    [ACME_TLS_ALPN_01] = PTN_ERRAND_TLS_ALPN,
    [ACME_DNS_01] = PTN_ERRAND_DNS,
};

static unsigned
rank(void *arg, enum acme_challenge type)
{
    const struct acme_plugin *p = arg;

    for (size_t i = 0; i < p->order_count; i++)
        if (p->order[i] == type)
            return ptn_errand_can_show(p->host, types[type]) ? (unsigned)i + 1
                                                             : 0;
    return 0;
}

static struct ptn_errand_proof
proof_of(const struct acme_answer *answer)
{
    return (struct ptn_errand_proof){sizeof(struct ptn_errand_proof),
                                     types[answer->type],
                                     answer->name,
                                     answer->token,
                                     answer->proof,
                                     answer->digest};
}

static int
show(void *arg, const struct acme_answer *answer, struct acme_failure *failure)
{
    const struct acme_plugin *p = arg;
    struct ptn_errand_proof proof = proof_of(answer);
    struct ptn_error err = PTN_ERROR_INIT;

    if (ptn_errand_show(p->host, &proof, &err) == 0)
        return 0;
    return failed(&err, failure);
}

static void
hide(void *arg, const struct acme_answer *answer)
{
    const struct acme_plugin *p = arg;
    struct ptn_errand_proof proof = proof_of(answer);

    ptn_errand_hide(p->host, &proof);
}

struct acme_responder
acme_link_responder(struct acme_plugin *p)
{
    return (struct acme_responder){rank, show, hide, p};
}
