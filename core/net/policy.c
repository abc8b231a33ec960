/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a listener's TLS policy allows a session now. Modules ask here and
 * decide nothing themselves, so that no protocol can get it wrong.
 *
 *   mode      before TLS                       after
 *   none      everything: the operator's word  -
 *   explicit  require never: everything        everything
 *             require auth: no credentials
 *             require always: TLS or leaving
 *   implicit  nothing: not even a greeting     everything
 */
#include "net/inner.h"
#include <assert.h>

/* In clear on a listener that has TLS to offer. */
static bool
is_before_tls(struct ptn_session *s)
{
    return s->listener->conf->tls.mode == PTN_TLS_EXPLICIT &&
           !ptn_session_is_tls(s);
}

bool
ptn_session_tls_offered(struct ptn_session *s)
{
    return is_before_tls(s) && s->phase == PTN_PHASE_OPEN && !s->tls_wanted;
}

void
ptn_session_start_tls(struct ptn_session *s)
{
    assert(ptn_session_tls_offered(s));
    s->tls_wanted = true;
}

bool
ptn_session_may_proceed(struct ptn_session *s)
{
    return !is_before_tls(s) ||
           s->listener->conf->tls.require != PTN_REQUIRE_ALWAYS;
}

bool
ptn_session_may_authenticate(struct ptn_session *s)
{
    if (s->user || !s->net->params.auth)
        return false;
    return !is_before_tls(s) ||
           s->listener->conf->tls.require == PTN_REQUIRE_NEVER;
}
