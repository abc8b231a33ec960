/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * tls-alpn-01 (RFC 8737): an authority connects, offers "acme-tls/1" and
 * nothing else, and wants to see a certificate that was made for the name it
 * asks for. There is one while an errand shows it; workers ask the keyring
 * then and there, which no other handshake pays for. Loop thread.
 */
#include "pki/pki_inner.h"

void
ptn_pki_drop_challenge(struct ptn_pki_binding *b)
{
    if (b->challenge)
        b->pki->ops->context_free(b->pki->instance, b->challenge);
    b->challenge = NULL;
}

/* What both answers have in common. No client has a certificate here. */
static struct ptn_tls_params
base_params(const struct ptn_pki_binding *b)
{
    return (struct ptn_tls_params){
        .size = sizeof(struct ptn_tls_params),
        .min_version = (enum ptn_tls_version)b->tls->min_version,
        .max_version = (enum ptn_tls_version)b->tls->max_version,
        .ciphers = b->tls->ciphers,
        .suites = b->tls->suites,
        .groups = b->tls->groups,
        .alpn_strict = true,
        .sign = ptn_pki_sign,
    };
}

/* RFC 8737 section 3: the handshake is completed with that certificate, and
 * the protocol agreed to. */
static void
show(struct ptn_pki_binding *b, struct ptn_slice chain)
{
    struct ptn_pki *pki = b->pki;
    struct ptn_tls_params params = base_params(b);
    struct ptn_pki_seal *seal = ptn_alloc(sizeof *seal);
    struct ptn_tls_cert facts = {.not_before = 0};
    struct ptn_error ignored = PTN_ERROR_INIT; /* the authority will tell */

    seal->pki = pki;
    params.chain = chain;
    params.alpn = PTN_TLS_ALPN_CHALLENGE;
    params.sign_arg = seal;
    if (pki->ops->cert_parse(pki->instance, chain, &facts, &ignored) != 0 ||
        !ptn_fingerprint_parse(facts.fingerprint, seal->fingerprint) ||
        pki->ops->context_new(pki->instance, &params, &b->challenge,
                              &ignored) != 0)
        b->challenge = NULL;
    ptn_pki_retire_seal(pki, seal); /* handshakes have their time to use it */
}

/* The same section: without such a certificate, no_application_protocol, as
 * of a server that speaks only what this client does not. */
static void
refuse(struct ptn_pki_binding *b)
{
    struct ptn_pki *pki = b->pki;
    struct ptn_tls_params params = base_params(b);
    struct ptn_error ignored = PTN_ERROR_INIT;

    params.chain = ptn_buf_slice(&b->used[0]->now.chain);
    params.alpn = b->alpn ? b->alpn : "none";
    params.sign_arg = b->used[0]->seal;
    if (pki->ops->context_new(pki->instance, &params, &b->challenge,
                              &ignored) != 0)
        b->challenge = NULL;
}

struct ptn_tls_context *
ptn_pki_choose_challenge(struct ptn_pki_binding *b,
                         const struct ptn_tls_hello *hello)
{
    const struct ptn_keyring *keyring = &b->pki->keyring;
    struct ptn_buf chain = PTN_BUF_INIT;

    ptn_pki_drop_challenge(b);
    ptn_pki_free_old_seals(b->pki);
    b->choice = (struct ptn_pki_choice){0, PTN_INDEX_CHALLENGE};
    if (hello->server_name.len > 0 &&
        keyring->challenge(keyring->arg, hello->server_name, &chain))
        show(b, ptn_buf_slice(&chain));
    else
        refuse(b);
    ptn_buf_free(&chain);
    return b->challenge;
}
