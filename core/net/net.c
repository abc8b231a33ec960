/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The network side of a worker as a whole (net/net.h): what its sessions
 * share, its listeners, and how it ends.
 */
#include "net/inner.h"
#include <assert.h>
#include <postern/arena.h>
#include <sys/random.h>

static void on_drained(struct ptn_soon *soon);

/* Five characters that tell this worker's sessions from those of the one
 * before it and of its neighbours. */
static void
make_prefix(char prefix[6])
{
    static const char digits[] = "abcdefghijkmnpqrstuvwxyz23456789";
    unsigned char random[5];
    ssize_t n = getrandom(random, sizeof random, 0);

    assert(n == (ssize_t)sizeof random);
    for (size_t i = 0; i < sizeof random; i++)
        prefix[i] = digits[random[i] % 32];
    prefix[5] = '\0';
}

struct ptn_net *
ptn_net_new(const struct ptn_net_params *params)
{
    struct ptn_net *net = ptn_alloc(sizeof *net);

    net->params = *params;
    if (!net->params.counters)
        net->params.counters = &net->own_counters;
    ptn_list_init(&net->listeners);
    ptn_list_init(&net->sessions);
    ptn_soon_init(&net->drain_soon, on_drained);
    net->chunk = ptn_alloc(PTN_NET_CHUNK);
    net->plain = ptn_alloc(PTN_NET_PLAIN);
    net->wheel = ptn_loop_wheel_new(params->loop, ptn_session_on_deadline);
    make_prefix(net->id_prefix);
    net->since = ptn_loop_now(params->loop);
    ptn_loop_on_job(params->loop, ptn_session_on_job);
    return net;
}

static struct ptn_session *
session_at(struct ptn_list *link)
{
    return PTN_CONTAINER(link, struct ptn_session, link);
}

/* Those that are inside a TLS handshake have not been told anything yet and
 * need no farewell. */
static void
say_shutdown(struct ptn_net *net)
{
    struct ptn_list *link = net->sessions.next, *next;

    for (; link != &net->sessions; link = next) {
        struct ptn_session *s = session_at(link);
        next = link->next;
        if (s->phase == PTN_PHASE_HANDSHAKE) {
            ptn_session_kill(s, "shutdown");
        } else {
            s->shutdown_due = true;
            ptn_soon_call(net->params.loop, &s->soon);
        }
    }
}

static void
cut_off(void *arg)
{
    struct ptn_net *net = arg;
    struct ptn_list *link = net->sessions.next, *next;

    net->drain_timer = NULL;
    for (; link != &net->sessions; link = next) {
        next = link->next;
        ptn_session_kill(session_at(link), "shutdown");
    }
}

static void
on_drained(struct ptn_soon *soon)
{
    struct ptn_net *net = PTN_CONTAINER(soon, struct ptn_net, drain_soon);
    void (*done)(void *arg) = net->drain_done;

    ptn_timer_cancel(net->drain_timer);
    net->drain_timer = NULL;
    net->drain_done = NULL;
    if (done)
        done(net->drain_arg);
}

void
ptn_net_on_gone(struct ptn_net *net)
{
    if ((net->draining || net->retired) && ptn_list_is_empty(&net->sessions))
        ptn_soon_call(net->params.loop, &net->drain_soon);
}

void
ptn_net_retire(struct ptn_net *net, void (*done)(void *arg), void *arg)
{
    struct ptn_list *link = net->listeners.next;

    assert(!net->draining && !net->retired);
    for (; link != &net->listeners; link = link->next)
        ptn_listener_retire(PTN_CONTAINER(link, struct ptn_listener, link));
    net->retired = true;
    net->drain_done = done;
    net->drain_arg = arg;
    ptn_net_on_gone(net);
}

void
ptn_net_drain(struct ptn_net *net, uint64_t milliseconds,
              void (*done)(void *arg), void *arg)
{
    assert(!net->draining);
    net->draining = true;
    net->drain_done = done;
    net->drain_arg = arg;
    net->drain_timer =
        ptn_loop_timer(net->params.loop, milliseconds, cut_off, net);
    say_shutdown(net);
    ptn_net_on_gone(net);
}

void
ptn_net_free(struct ptn_net *net)
{
    struct ptn_list *link;

    if (!net)
        return;
    assert(ptn_list_is_empty(&net->sessions));
    ptn_soon_cancel(&net->drain_soon);
    ptn_timer_cancel(net->drain_timer);
    while ((link = ptn_list_take(&net->listeners)))
        ptn_listener_free(PTN_CONTAINER(link, struct ptn_listener, link));
    ptn_loop_wheel_free(net->wheel);
    ptn_buf_free(&net->cipher_out);
    ptn_buf_free(&net->spare);
    ptn_free(net->chunk);
    ptn_free(net->plain);
    ptn_free(net);
}
