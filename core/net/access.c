/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a protocol may know of its session and ask of it (postern/session.h),
 * as far as it is only a look at the record.
 */
#include "net/inner.h"
#include "net/wire.h"
#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <postern/arena.h>

void *
ptn_session_state(struct ptn_session *s)
{
    return s->state;
}

const void *
ptn_session_options(struct ptn_session *s)
{
    return s->listener->conf->protocol_options;
}

void *
ptn_session_instance(struct ptn_session *s)
{
    return s->listener->conf->protocol_instance;
}

struct ptn_host *
ptn_session_host(struct ptn_session *s)
{
    return s->listener->conf->host;
}

const char *
ptn_session_id(struct ptn_session *s)
{
    return s->id;
}

const char *
ptn_session_peer(struct ptn_session *s)
{
    return s->peer;
}

/* Few protocols ask; the system call is made for those that do. */
const char *
ptn_session_local(struct ptn_session *s)
{
    struct sockaddr_storage local = {.ss_family = AF_UNSPEC};
    char text[PTN_ADDRESS_TEXT];

    if (s->local)
        return s->local;
    ptn_wire_local(s->fd, &local);
    ptn_address_text(&local, text);
    s->local = ptn_strdup(text);
    return s->local;
}

const char *
ptn_session_listener(struct ptn_session *s)
{
    return s->listener->conf->name;
}

struct ptn_slice
ptn_session_fault_tail(struct ptn_session *s)
{
    return s->fault_tail;
}

void
ptn_session_expect_block(struct ptn_session *s, uint64_t count)
{
    assert(s->listener->protocol->block);
    ptn_framer_block(&s->framer, count);
}

void
ptn_session_expect_text(struct ptn_session *s, size_t max_line)
{
    assert(s->listener->protocol->block);
    ptn_framer_text(&s->framer, max_line);
}

const char *
ptn_session_user(struct ptn_session *s)
{
    return s->user;
}

uint64_t
ptn_session_quota(struct ptn_session *s)
{
    return s->quota;
}

void
ptn_session_error(struct ptn_session *s)
{
    s->errors++;
    ptn_count(&s->net->params.counters->peer_errors, 1);
    ptn_meter_add(s->listener->meter, PTN_METER_ERRORS, 1);
}

void
ptn_session_count_verb(struct ptn_session *s, unsigned index)
{
    ptn_meter_verb(s->listener->meter, index);
}

void
ptn_session_count_reply(struct ptn_session *s, unsigned index)
{
    ptn_meter_reply(s->listener->meter, index);
}

void
ptn_session_timeout(struct ptn_session *s, uint64_t milliseconds)
{
    s->timeout = milliseconds;
}

void
ptn_session_post(struct ptn_session *s)
{
    s->posted = true;
    ptn_soon_call(s->net->params.loop, &s->soon);
}
