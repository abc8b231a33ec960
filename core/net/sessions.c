/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The sessions of a worker as its operator sees them. Loop thread; each call
 * is a short one, and the next begins where it has ended: by the numbers
 * that are in the ids, which rise along the list.
 */
#include "net/inner.h"
#include <postern/arena.h>

static struct ptn_session *
session_at(struct ptn_list *link)
{
    return PTN_CONTAINER(link, struct ptn_session, link);
}

/* The reverse of how an id is made; one more, so that none is 0. */
static uint64_t
number_of(const struct ptn_session *s)
{
    uint64_t number = 0, place = 1;

    for (const char *c = s->id + 5; *c; c++, place *= 32)
        number += place * (uint64_t)(*c <= '9' ? *c - '0' : *c - 'a' + 10);
    return number + 1;
}

static bool
is_text(const char *wanted, const char *text)
{
    return !wanted || (text && strcmp(wanted, text) == 0);
}

static bool
is_wanted(const struct ptn_session *s, const struct ptn_net_filter *f)
{
    return !s->finished && is_text(f->id, s->id) && is_text(f->user, s->user) &&
           is_text(f->listener, s->listener->conf->name);
}

static void
describe(struct ptn_session *s, struct ptn_net_session *out)
{
    static const char *const phases[] = {
        [PTN_PHASE_PROXY] = "proxy header", [PTN_PHASE_HANDSHAKE] = "handshake",
        [PTN_PHASE_OPEN] = "open",          [PTN_PHASE_CLOSING] = "closing",
        [PTN_PHASE_LINGER] = "closing",     [PTN_PHASE_DEAD] = "ending",
    };
    uint64_t now = ptn_loop_now(s->net->params.loop);
    uint64_t born = s->net->since + s->born * UINT64_C(1000);

    *out = (struct ptn_net_session){
        .number = number_of(s),
        .id = s->id,
        .listener = s->listener->conf->name,
        .protocol = s->listener->protocol->name,
        .peer = s->peer,
        .user = s->user,
        .phase = phases[s->phase],
        .age_ms = now > born ? now - born : 0,
        .idle_ms = now - s->active,
        .memory = s->weight + s->held,
    };
    if (s->phase == PTN_PHASE_DEAD)
        return;
    out->tls_version = ptn_session_tls_version(s);
    out->tls_cipher = ptn_session_tls_cipher(s);
}

uint64_t
ptn_net_sessions(struct ptn_net *net, const struct ptn_net_filter *filter,
                 uint64_t after, size_t max,
                 void (*fn)(void *arg, const struct ptn_net_session *session),
                 void *arg)
{
    struct ptn_net_session one = {.number = after};
    struct ptn_list *link = net->sessions.next;

    for (; link != &net->sessions; link = link->next) {
        struct ptn_session *s = session_at(link);

        if (number_of(s) <= after || !is_wanted(s, filter))
            continue;
        if (max-- == 0)
            return one.number;
        describe(s, &one);
        fn(arg, &one);
    }
    return 0;
}

static void
kick(struct ptn_session *s, bool now)
{
    s->kicked = true;
    if (now || s->phase == PTN_PHASE_HANDSHAKE || s->phase == PTN_PHASE_PROXY) {
        ptn_session_kill(s, "kicked");
        return;
    }
    s->shutdown_due = true;
    ptn_soon_call(s->net->params.loop, &s->soon);
}

size_t
ptn_net_kick(struct ptn_net *net, const struct ptn_net_filter *filter, bool now,
             size_t max)
{
    struct ptn_list *link = net->sessions.next, *next;
    size_t count = 0;

    for (; link != &net->sessions && count < max; link = next) {
        struct ptn_session *s = session_at(link);

        next = link->next; /* killing takes nobody else off the list */
        if (s->phase == PTN_PHASE_DEAD || (s->kicked && !now) ||
            !is_wanted(s, filter))
            continue;
        kick(s, now);
        count++;
    }
    return count;
}
