/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Between a session and its socket: one receive a readiness, one send a
 * turn. Input lands in a chunk that all sessions of the loop share; output
 * is put together in a buffer that is lent for the turn. So a session that
 * waits owns neither.
 *
 * Reading stops lazily: only when input comes that nobody can use now. Most
 * peers wait for their answer, and the loop is not asked twice a command.
 */
#include "net/inner.h"
#include "net/wire.h"
#include <assert.h>
#include <errno.h>

static bool
wants_input(const struct ptn_session *s)
{
    if (s->eof || s->phase == PTN_PHASE_CLOSING)
        return false;
    return s->phase != PTN_PHASE_OPEN ||
           (!s->pending && !s->tls_wanted &&
            ptn_session_unsent(s) <= ptn_session_output_high(s));
}

void
ptn_session_watch(struct ptn_session *s)
{
    unsigned events = s->watch.events & PTN_READABLE;

    if (wants_input(s))
        events = PTN_READABLE;
    if (s->eof)
        events = 0;
    if (ptn_session_is_blocked(s))
        events |= PTN_WRITABLE;
    ptn_watch_set(&s->watch, events);
}

/* The socket is broken, and not by us. */
static void
lose(struct ptn_session *s)
{
    if (s->phase == PTN_PHASE_HANDSHAKE)
        ptn_session_tls_failed(s, "peer reset");
    else
        ptn_session_kill(s, "peer reset");
}

static void
linger(struct ptn_session *s, size_t len)
{
    s->octets_in += len;
    s->lingered += (uint32_t)len;
    if (s->lingered > PTN_NET_LINGER_MAX)
        ptn_session_kill(s, s->reason);
}

static void
end_of_input(struct ptn_session *s)
{
    s->eof = true;
    if (s->phase == PTN_PHASE_HANDSHAKE)
        ptn_session_tls_failed(s, "peer closed");
    else if (s->phase == PTN_PHASE_PROXY)
        ptn_session_proxy_failed(s, "peer closed");
    else if (s->phase == PTN_PHASE_LINGER)
        ptn_session_kill(s, s->reason);
}

/* Passwords came with this input: what is shared forgets them. */
static void
wipe_chunks(struct ptn_net *net)
{
    net->secrets = false;
    ptn_wipe(net->chunk, net->chunk_used);
    ptn_wipe(net->plain, net->plain_used);
    net->chunk_used = net->plain_used = 0;
}

static void
receive(struct ptn_session *s)
{
    ssize_t n = ptn_wire_receive(s->fd, s->net->chunk, PTN_NET_CHUNK);
    struct ptn_slice data = {s->net->chunk, n > 0 ? (size_t)n : 0};

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0) {
        lose(s);
        return;
    }
    if (n == 0) {
        end_of_input(s);
        return;
    }
    if (data.len > s->net->chunk_used)
        s->net->chunk_used = data.len;
    if (s->phase == PTN_PHASE_LINGER)
        linger(s, data.len);
    else if (s->phase == PTN_PHASE_PROXY)
        ptn_session_proxy_input(s, data);
    else if (s->tls)
        ptn_session_tls_input(s, data);
    else
        ptn_session_feed(s, data);
    if (s->net->secrets)
        wipe_chunks(s->net);
}

void
ptn_session_on_ready(struct ptn_watch *watch, unsigned readiness)
{
    struct ptn_session *s = PTN_CONTAINER(watch, struct ptn_session, watch);

    if (readiness & PTN_FAILED) {
        lose(s);
        return;
    }
    if (readiness & PTN_READABLE) {
        if (wants_input(s))
            receive(s);
        else
            ptn_watch_set(watch, watch->events & ~(unsigned)PTN_READABLE);
    }
    if (s->phase != PTN_PHASE_DEAD)
        ptn_session_pump(s);
}

/* --- output --- */

struct ptn_buf *
ptn_session_out(struct ptn_session *s)
{
    struct ptn_net *net = s->net;

    if (s->out.cap == 0) {
        s->out = net->spare;
        net->spare = PTN_BUF_INIT;
    }
    return &s->out;
}

void
ptn_session_write(struct ptn_session *s, struct ptn_slice data)
{
    ptn_buf_addslice(ptn_session_out(s), data);
}

void
ptn_session_printf(struct ptn_session *s, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    ptn_buf_vprintf(ptn_session_out(s), fmt, ap);
    va_end(ap);
}

size_t
ptn_session_unsent(const struct ptn_session *s)
{
    return s->out.len - s->out_sent;
}

bool
ptn_session_is_full(struct ptn_session *s)
{
    return ptn_session_unsent(s) > ptn_session_output_high(s);
}

void
ptn_session_on_drain(struct ptn_session *s,
                     enum ptn_result (*fn)(struct ptn_session *s))
{
    s->on_drain = fn;
}

void
ptn_session_await_drain(struct ptn_session *s, struct ptn_job *job)
{
    assert(s->phase != PTN_PHASE_DEAD && !s->drain_job);
    job->private_.session = s;
    s->drain_job = job;
    s->jobs++;
}

bool
ptn_session_is_blocked(const struct ptn_session *s)
{
    return ptn_session_unsent(s) > 0 || ptn_session_tls_is_blocked(s);
}

/* The queue is empty: its memory goes back to the loop, or to the heap. */
static void
give_back_out(struct ptn_session *s)
{
    struct ptn_net *net = s->net;

    s->out.len = s->out_sent = 0;
    if (s->out.cap <= net->spare.cap || s->out.cap > PTN_NET_SPARE_MAX) {
        ptn_buf_free(&s->out);
        return;
    }
    ptn_buf_free(&net->spare);
    net->spare = s->out;
    s->out = PTN_BUF_INIT;
}

/* The peer is slow: what it has not read gets memory of its own size. */
static void
shrink_out(struct ptn_session *s)
{
    struct ptn_slice rest = ptn_slice_sub(ptn_buf_slice(&s->out), s->out_sent,
                                          ptn_session_unsent(s));
    struct ptn_buf own = PTN_BUF_INIT;

    if (rest.len > s->out.cap / 2)
        return;
    ptn_buf_addslice(&own, rest);
    give_back_out(s);
    s->out = own;
}

void
ptn_session_sent(struct ptn_session *s, size_t n)
{
    s->out_sent += n;
    s->octets_out += n;
    ptn_count(&s->net->params.counters->octets_out, n);
    ptn_meter_add(s->listener->meter, PTN_METER_OCTETS_OUT, n);
}

ssize_t
ptn_session_send(struct ptn_session *s, const char *data, size_t len)
{
    ssize_t n = ptn_wire_send(s->fd, data, len);

    if (n > 0)
        s->active = ptn_loop_now(s->net->params.loop);
    if (n >= 0)
        return n;
    if (errno == EAGAIN)
        return 0;
    lose(s);
    return -1;
}

static int
flush_clear(struct ptn_session *s)
{
    size_t len = ptn_session_unsent(s);

    if (len == 0)
        return 0;
    ssize_t n = ptn_session_send(s, s->out.data + s->out_sent, len);
    if (n < 0)
        return -1;
    ptn_session_sent(s, (size_t)n);
    return 0;
}

int
ptn_session_flush(struct ptn_session *s)
{
    if ((s->tls ? ptn_session_tls_output(s) : flush_clear(s)) != 0)
        return -1;
    if (s->out.cap == 0)
        return 0;
    if (ptn_session_unsent(s) == 0)
        give_back_out(s);
    else
        shrink_out(s);
    return 0;
}

int
ptn_session_linger(struct ptn_session *s)
{
    return ptn_wire_end(s->fd);
}
