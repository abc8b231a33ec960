/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The dispatcher: gives a session's input to its protocol, frame by frame,
 * and does what the answers say. All that a peer sent in one go is handled
 * in one turn and answered with one write at its end.
 *
 * Input is held back while a command is under way, while the peer does not
 * read its answers, and for ever once start_tls or CLOSE was said. Events
 * come between commands, never inside one.
 */
#include "net/inner.h"
#include <assert.h>
#include <postern/log.h>

static bool
errors_due(const struct ptn_session *s)
{
    return !s->errors_told &&
           s->errors >= (uint64_t)s->listener->conf->limits.max_errors;
}

/* Whether the protocol may be called for something new. */
static bool
is_ready(const struct ptn_session *s)
{
    return s->phase == PTN_PHASE_OPEN && !s->pending && !s->tls_wanted &&
           ptn_session_unsent(s) <= ptn_session_output_high(s);
}

static bool
is_between_commands(const struct ptn_session *s)
{
    return is_ready(s) && s->framer.mode == PTN_FRAMING_LINE;
}

/* PENDING with nothing that could ever end it is a fault of the module; the
 * session would stay for ever. */
static bool
is_stuck(const struct ptn_session *s)
{
    return s->jobs == 0 && !s->on_drain;
}

void
ptn_session_apply(struct ptn_session *s, enum ptn_result result)
{
    if (s->phase != PTN_PHASE_OPEN)
        return;
    if (result == PTN_PENDING && is_stuck(s)) {
        ptn_log(PTN_LOG_ERROR, "session.stuck", PTN_FS("session", s->id),
                PTN_FS("protocol", s->listener->protocol->name));
        result = PTN_CLOSE;
    }
    s->pending = result == PTN_PENDING;
    if (result == PTN_CLOSE) {
        s->on_drain = NULL;
        ptn_session_set_phase(s, PTN_PHASE_CLOSING);
    }
}

void
ptn_session_greet(struct ptn_session *s)
{
    s->opened = true;
    ptn_session_apply(s, s->listener->protocol->open(s));
}

void
ptn_session_raise(struct ptn_session *s, enum ptn_event event)
{
    const struct ptn_protocol *p = s->listener->protocol;

    if (p->event)
        ptn_session_apply(s, p->event(s, event));
    else if (event != PTN_EVENT_TLS && event != PTN_EVENT_POSTED)
        ptn_session_apply(s, PTN_CLOSE);
}

static enum ptn_result
give_fault(struct ptn_session *s, const struct ptn_frame *frame)
{
    const struct ptn_protocol *p = s->listener->protocol;
    enum ptn_result result = PTN_CLOSE;

    ptn_session_error(s);
    s->fault_tail = frame->tail;
    if (p->fault)
        result = p->fault(s, frame->fault, frame->data);
    s->fault_tail = (struct ptn_slice){NULL, 0};
    return result;
}

static enum ptn_result
give_frame(struct ptn_session *s, const struct ptn_frame *frame)
{
    const struct ptn_protocol *p = s->listener->protocol;
    struct ptn_block block = {frame->data, frame->last, frame->faults};

    if (frame->kind == PTN_FRAME_LINE)
        return p->line(s, frame->data);
    if (frame->kind == PTN_FRAME_FAULT)
        return give_fault(s, frame);
    return p->block(s, &block);
}

/* A user may be given longer lines than a stranger. */
static size_t
line_limit(const struct ptn_session *s)
{
    const struct ptn_protocol *p = s->listener->protocol;
    uint64_t limit = s->listener->conf->limits.max_line;

    if (s->user && PTN_HAS(p, struct ptn_protocol, max_line) &&
        p->max_line > limit)
        limit = p->max_line;
    return (size_t)limit;
}

/* Gives the frames of `in` while it may; answers the octets spent. A peer
 * that has sent a frame was active; one that sends a line in ever smaller
 * pieces was not, and cannot hold a session for longer than one that is
 * silent. */
static size_t
give_frames(struct ptn_session *s, struct ptn_slice in)
{
    struct ptn_frame frame;
    size_t used = 0;

    while (is_ready(s) && !errors_due(s)) {
        ptn_framer_next(&s->framer, ptn_slice_sub(in, used, in.len - used),
                        line_limit(s), &frame);
        if (frame.kind != PTN_FRAME_NONE) {
            s->active = ptn_loop_now(s->net->params.loop);
            ptn_session_apply(s, give_frame(s, &frame));
        }
        used += frame.used;
        if (frame.kind == PTN_FRAME_NONE)
            break;
    }
    return used;
}

/* What is behind start_tls was sent in clear by who knows whom, and what is
 * behind CLOSE by somebody who talks too much: nobody gets it. */
static bool
is_refused(struct ptn_session *s, size_t len)
{
    if (s->phase != PTN_PHASE_OPEN) {
        s->unread = true;
        return true;
    }
    if (s->tls_wanted)
        ptn_log(PTN_LOG_WARNING, "tls.plaintext-dropped",
                PTN_FS("session", s->id), PTN_FS("peer", s->peer),
                PTN_FN("octets", len));
    return s->tls_wanted;
}

static void
drop_backlog(struct ptn_session *s)
{
    if (s->net->secrets)
        ptn_wipe(s->in.data, s->in.cap);
    ptn_buf_free(&s->in);
}

/* Whether anything was handed on or used up. */
static bool
give_backlog(struct ptn_session *s)
{
    size_t used = give_frames(s, ptn_buf_slice(&s->in));

    if (s->in.cap == 0 || s->phase == PTN_PHASE_PROXY)
        return false;
    if (used == s->in.len || is_refused(s, s->in.len - used))
        drop_backlog(s);
    else
        ptn_buf_consume(&s->in, used);
    return used > 0;
}

/* A frame that began in the backlog is put together there, with no more
 * than it needs, so that every octet is copied once at most. */
static size_t
complete_backlog(struct ptn_session *s, struct ptn_slice data)
{
    size_t n = ptn_framer_wants(&s->framer, s->in.len, data, line_limit(s));

    ptn_buf_add(&s->in, data.data, n);
    give_backlog(s);
    return n;
}

void
ptn_session_feed(struct ptn_session *s, struct ptn_slice data)
{
    bool waited = s->in.len == 0;
    size_t used = 0;

    s->octets_in += data.len;
    ptn_count(&s->net->params.counters->octets_in, data.len);
    ptn_meter_add(s->listener->meter, PTN_METER_OCTETS_IN, data.len);
    while (s->in.len && used < data.len && is_ready(s) && !errors_due(s))
        used += complete_backlog(s, ptn_slice_sub(data, used, data.len - used));
    if (s->in.len == 0)
        used += give_frames(s, ptn_slice_sub(data, used, data.len - used));
    if (used < data.len && !is_refused(s, data.len - used)) {
        ptn_buf_add(&s->in, data.data + used, data.len - used);
        if (waited) /* a line has begun: command_timeout counts from here */
            s->active = ptn_loop_now(s->net->params.loop);
    }
}

static void
raise_due(struct ptn_session *s)
{
    if (is_ready(s) && errors_due(s)) {
        s->errors_told = true;
        s->reason = "errors";
        ptn_session_raise(s, PTN_EVENT_ERRORS);
        ptn_session_apply(s, PTN_CLOSE); /* whatever it answered */
    }
    if (is_between_commands(s) && s->shutdown_due) {
        s->shutdown_due = false;
        s->reason = s->kicked ? "kicked" : "shutdown";
        ptn_session_raise(s, PTN_EVENT_SHUTDOWN);
    }
    if (is_between_commands(s) && s->posted) {
        s->posted = false;
        ptn_session_raise(s, PTN_EVENT_POSTED);
    }
}

/* All is sent after CLOSE. Unread input would make the kernel answer with a
 * reset, which destroys what the peer has not read yet. */
static void
say_goodbye(struct ptn_session *s)
{
    ptn_session_tls_goodbye(s);
    if (s->phase == PTN_PHASE_DEAD)
        return;
    if (!s->unread || s->eof || ptn_session_linger(s) != 0)
        ptn_session_kill(s, s->reason);
    else
        ptn_session_set_phase(s, PTN_PHASE_LINGER);
}

static void
begin_tls(struct ptn_session *s)
{
    s->tls_wanted = false;
    ptn_framer_reset(&s->framer);
    drop_backlog(s);
    ptn_session_tls_begin(s);
}

/* What the end of a turn leads to, now that the output is on its way. */
static void
settle(struct ptn_session *s)
{
    bool sent = !ptn_session_is_blocked(s);

    if (s->phase == PTN_PHASE_CLOSING && sent)
        say_goodbye(s);
    else if (s->tls_wanted && !s->pending && sent)
        begin_tls(s);
    else if (s->eof && is_ready(s) && sent)
        ptn_session_kill(s, "peer closed");
    if (s->phase == PTN_PHASE_DEAD)
        return;
    if ((s->on_drain || s->drain_job) &&
        ptn_session_unsent(s) <= s->listener->conf->limits.output_low)
        ptn_soon_call(s->net->params.loop, &s->soon);
    if (sent && is_ready(s))
        ptn_session_tls_rest(s);
    ptn_session_weigh(s);
    ptn_session_watch(s);
    ptn_session_rearm(s);
}

void
ptn_session_pump(struct ptn_session *s)
{
    bool again;

    do {
        raise_due(s);
        again = give_backlog(s) || !is_ready(s);
        if (s->phase == PTN_PHASE_DEAD || ptn_session_flush(s) != 0)
            return;
        /* Sending may have made room for what was held back. */
    } while (again && is_ready(s));
    settle(s);
}
