/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which mechanisms a session is offered: those of the service that its TLS
 * can carry, where the listener's policy lets it authenticate at all.
 */
#include "auth/sasl.h"
#include "net/inner.h"

/* Those that some mechanism can use: each costs a derivation. */
static unsigned
wanted(const struct ptn_auth_service *service)
{
    unsigned bindings = 0;

    for (size_t i = 0; i < service->offer_count; i++)
        bindings |= service->offers[i].bindings;
    return bindings;
}

void
ptn_sasl_facts(struct ptn_session *s, struct ptn_sasl_facts *out)
{
    unsigned bindings = wanted(s->net->params.auth);

    out->client = (struct ptn_slice){NULL, 0};
    for (unsigned i = 0; i < PTN_BINDINGS; i++)
        out->bindings[i] = (struct ptn_slice){NULL, 0};
    if (!ptn_session_is_tls(s))
        return;
    out->client = ptn_session_tls_client(s);
    for (unsigned i = 0; i < PTN_BINDINGS; i++) {
        if (!(bindings & 1u << i))
            continue;
        out->bindings[i].data = (const char *)out->octets[i];
        out->bindings[i].len =
            ptn_session_tls_binding(s, (enum ptn_binding)i, out->octets[i]);
    }
}

static bool
is_usable(const struct ptn_auth_offer *o, unsigned bound, bool client)
{
    return (!o->bindings || (o->bindings & bound)) && (!o->client || client);
}

void
ptn_session_mechanisms(struct ptn_session *s, const char *prefix,
                       struct ptn_buf *out)
{
    const struct ptn_auth_service *service = s->net->params.auth;
    struct ptn_sasl_facts facts;
    unsigned bound = 0;

    if (!ptn_session_may_authenticate(s))
        return;
    ptn_sasl_facts(s, &facts);
    for (unsigned i = 0; i < PTN_BINDINGS; i++)
        if (facts.bindings[i].len > 0)
            bound |= 1u << i;
    for (size_t i = 0; i < service->offer_count; i++) {
        if (!is_usable(&service->offers[i], bound, facts.client.len > 0))
            continue;
        ptn_buf_adds(out, prefix);
        ptn_buf_adds(out, service->offers[i].name);
    }
}
