/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sessions that come through a proxy: its header names the client, who is
 * from then on the peer for limits, logs and the protocol. Only connections
 * from the networks of `proxy_from` have a header, and these must: nobody
 * else can say who he is, and nothing is guessed. Loop thread.
 */
#include "net/inner.h"
#include "net/proxy.h"
#include <assert.h>
#include <postern/arena.h>
#include <postern/log.h>

void
ptn_session_proxy_failed(struct ptn_session *s, const char *why)
{
    ptn_log(PTN_LOG_WARNING, "proxy.failed", PTN_FS("session", s->id),
            PTN_FS("listener", s->listener->conf->name),
            PTN_FS("proxy", s->peer), PTN_FS("why", why));
    ptn_session_kill(s, "proxy header");
}

/* Makes the client the peer, who is counted as if it had come itself. */
static void
change_peer(struct ptn_session *s, const struct sockaddr_storage *client)
{
    struct ptn_network *proxy = s->network;
    char text[PTN_ADDRESS_TEXT];

    ptn_address_text(client, text);
    ptn_log(PTN_LOG_DEBUG, "proxy.accepted", PTN_FS("session", s->id),
            PTN_FS("proxy", s->peer), PTN_FS("peer", text));
    if (s->peer != proxy->text)
        ptn_free(s->peer);
    s->network = ptn_listener_enter(s->listener, client);
    s->peer = strcmp(text, s->network->text) == 0 ? s->network->text
                                                  : ptn_strdup(text);
    ptn_listener_leave(s->listener, proxy);
}

/* The words that a new connection gets, unless TLS was to come first. */
static void
refuse(struct ptn_session *s)
{
    const struct ptn_protocol *p = s->listener->protocol;
    const char *text = NULL;

    ptn_listener_log_refused(s->listener, s->peer, "connections");
    if (p->refuse && s->listener->conf->tls.mode != PTN_TLS_IMPLICIT)
        text = p->refuse(PTN_REFUSE_CONNECTIONS);
    if (text)
        ptn_session_write(s, ptn_slice_of(text));
    s->reason = "refused";
    ptn_session_set_phase(s, PTN_PHASE_CLOSING);
}

static void
go_on(struct ptn_session *s, const struct ptn_proxy_header *header,
      struct ptn_slice rest)
{
    char text[PTN_ADDRESS_TEXT];

    ptn_buf_free(&s->in);
    if (header->source.ss_family != AF_UNSPEC) {
        change_peer(s, &header->source);
        ptn_address_text(&header->destination, text);
        s->local = ptn_strdup(text);
        if (ptn_listener_is_over(s->listener, s->network)) {
            refuse(s);
            return;
        }
    }
    ptn_session_begin(s);
    if (s->phase == PTN_PHASE_DEAD || rest.len == 0)
        return;
    if (s->tls)
        ptn_session_tls_input(s, rest);
    else
        ptn_session_feed(s, rest);
}

static void
count(struct ptn_session *s, size_t octets)
{
    s->octets_in += octets;
    ptn_count(&s->net->params.counters->octets_in, octets);
    ptn_meter_add(s->listener->meter, PTN_METER_OCTETS_IN, octets);
}

void
ptn_session_proxy_input(struct ptn_session *s, struct ptn_slice data)
{
    struct ptn_proxy_header header;
    size_t room = PTN_PROXY_MAX - s->in.len, before = s->in.len, own;

    assert(s->phase == PTN_PHASE_PROXY && room > 0);
    ptn_buf_add(&s->in, data.data, data.len < room ? data.len : room);
    switch (ptn_proxy_scan(ptn_buf_slice(&s->in), &header)) {
    case PTN_PROXY_MORE:
        count(s, data.len);
        break;
    case PTN_PROXY_BAD:
        ptn_session_proxy_failed(s, "no header, or a broken one");
        break;
    case PTN_PROXY_DONE:
        own = header.used - before; /* of this data */
        count(s, own);
        go_on(s, &header, ptn_slice_sub(data, own, data.len - own));
        break;
    }
}
