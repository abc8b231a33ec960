/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a listener's sessions hold, and its budget (`memory`). Core weighs a
 * session at the end of each turn: its record, its buffers, its TLS; what a
 * module keeps for it, the module says. Over the budget nobody new is
 * served, no module gets more, and answers wait for their readers sooner;
 * what is held already is never taken away. Loop thread.
 */
#include "net/inner.h"
#include <assert.h>

/* An established TLS session: between what the two providers hold. */
#define TLS_SESSION 8192u

static size_t
weight_of(const struct ptn_session *s)
{
    size_t octets =
        sizeof *s + s->listener->protocol->state_size + s->in.cap + s->out.cap;

    return s->tls ? octets + TLS_SESSION : octets;
}

void
ptn_listener_measure(struct ptn_listener *l)
{
    ptn_meter_now(l->meter, (uint64_t)l->count, l->memory);
}

void
ptn_session_weigh(struct ptn_session *s)
{
    size_t octets = weight_of(s);

    s->listener->memory += octets - s->weight;
    s->weight = octets;
    ptn_listener_measure(s->listener);
}

void
ptn_session_unweigh(struct ptn_session *s)
{
    s->listener->memory -= s->weight + s->held;
    s->weight = s->held = 0;
}

bool
ptn_listener_is_full(const struct ptn_listener *l)
{
    return l->budget && l->memory >= l->budget;
}

size_t
ptn_session_output_high(const struct ptn_session *s)
{
    const struct ptn_limits_conf *limits = &s->listener->conf->limits;

    return ptn_listener_is_full(s->listener) ? limits->output_low
                                             : limits->output_high;
}

bool
ptn_session_hold(struct ptn_session *s, size_t octets)
{
    struct ptn_listener *l = s->listener;

    if (l->budget && (l->memory >= l->budget || octets > l->budget - l->memory))
        return false;
    l->memory += octets;
    s->held += octets;
    return true;
}

void
ptn_session_release(struct ptn_session *s, size_t octets)
{
    assert(octets <= s->held);
    s->held -= octets;
    s->listener->memory -= octets;
}
