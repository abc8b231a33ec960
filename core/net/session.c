/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A session's life: made by accept, killed once, finished when its last job
 * has completed, and freed when the loop has let go of its record. No
 * handler can destroy a session: only ptn_session_kill does, and it is
 * called from the ends of turns, never below a handler.
 */
#include "base/clock.h"
#include "net/inner.h"
#include "net/wire.h"
#include <assert.h>
#include <postern/arena.h>
#include <postern/log.h>

#define AT_WORK_MS 1000u /* until a deadline that came then comes again */

static void
make_id(struct ptn_session *s)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
    uint64_t number = s->net->next_id++;
    char *at = s->id;

    memcpy(at, s->net->id_prefix, 5);
    at += 5;
    do {
        *at++ = digits[number % 32];
        number /= 32;
    } while (number && at < s->id + sizeof s->id - 1);
    *at = '\0';
}

static void
on_soon(struct ptn_soon *soon)
{
    struct ptn_session *s = PTN_CONTAINER(soon, struct ptn_session, soon);
    enum ptn_result (*fn)(struct ptn_session *) = s->on_drain;

    if (s->phase == PTN_PHASE_DEAD)
        return;
    if (ptn_session_unsent(s) > s->listener->conf->limits.output_low) {
        ptn_session_pump(s);
    } else if (s->drain_job) {
        struct ptn_job *job = s->drain_job;

        s->drain_job = NULL;
        ptn_session_on_job(job);
    } else {
        s->on_drain = NULL;
        if (fn)
            ptn_session_apply(s, fn(s));
        ptn_session_pump(s);
    }
}

static struct ptn_session *
allocate(struct ptn_listener *l, int fd, struct ptn_network *network,
         const char *peer)
{
    struct ptn_session *s = ptn_alloc(sizeof *s + l->protocol->state_size);

    s->net = l->net;
    s->listener = l;
    s->network = network;
    s->peer =
        strcmp(peer, network->text) == 0 ? network->text : ptn_strdup(peer);
    s->fd = fd;
    s->reason = "closed";
    s->since = s->active = ptn_loop_now(l->net->params.loop);
    s->born = (uint32_t)((s->since - l->net->since) / 1000);
    ptn_soon_init(&s->soon, on_soon);
    ptn_list_add(&l->net->sessions, &s->link);
    make_id(s);
    return s;
}

void
ptn_session_begin(struct ptn_session *s)
{
    ptn_session_set_phase(s, PTN_PHASE_OPEN);
    if (s->listener->conf->tls.mode == PTN_TLS_IMPLICIT)
        ptn_session_tls_begin(s);
    else
        ptn_session_greet(s);
}

void
ptn_session_new(struct ptn_listener *l, int fd, struct ptn_network *network,
                const char *peer, bool proxied)
{
    struct ptn_session *s = allocate(l, fd, network, peer);
    struct ptn_counters *counters = l->net->params.counters;

    ptn_count(&counters->sessions_total, 1);
    ptn_count(&counters->sessions_open, 1);
    ptn_meter_add(l->meter, PTN_METER_SESSIONS, 1);
    s->phase = PTN_PHASE_OPEN;
    if (ptn_watch_open(l->net->params.loop, &s->watch, fd,
                       ptn_session_on_ready) != 0) {
        ptn_session_kill(s, "socket");
        return;
    }
    s->watching = true;
    if (proxied)
        ptn_session_set_phase(s, PTN_PHASE_PROXY);
    else
        ptn_session_begin(s);
    if (s->phase != PTN_PHASE_DEAD)
        ptn_session_pump(s);
}

static void
log_closed(struct ptn_session *s)
{
    bool is_visitor = s->network == &s->listener->visitors;
    struct ptn_log_field fields[] = {
        PTN_FS("session", s->id),
        PTN_FS("listener", s->listener->conf->name),
        PTN_FS("peer", s->peer),
        PTN_FS("reason", s->reason),
        PTN_FN("in", s->octets_in),
        PTN_FN("out", s->octets_out),
        PTN_FN("errors", s->errors),
        PTN_FS("user", s->user),
    };
    size_t count = PTN_COUNT(fields);

    if (is_visitor) /* he never has a user */
        fields[count - 1] = PTN_FS("visitor", PTN_VISITORS);
    ptn_log_fields(PTN_LOG_INFO, "session.closed", fields,
                   s->user || is_visitor ? count : count - 1);
}

static void
free_record(struct ptn_session *s)
{
    if (s->watching || !s->finished)
        return;
    ptn_free(s);
}

static void
on_watch_closed(struct ptn_watch *watch)
{
    struct ptn_session *s = PTN_CONTAINER(watch, struct ptn_session, watch);

    s->watching = false;
    free_record(s);
}

/* The last job has completed: the protocol gives back what it holds. */
static void
finish(struct ptn_session *s)
{
    struct ptn_net *net = s->net;

    assert(s->phase == PTN_PHASE_DEAD && s->jobs == 0 && !s->finished);
    if (s->opened && s->listener->protocol->close)
        s->listener->protocol->close(s);
    /* A post or a drain may have come since the kill. */
    ptn_soon_cancel(&s->soon);
    log_closed(s);
    ptn_count(&net->params.counters->sessions_open, (uint64_t)-1);
    ptn_buf_free(&s->out);
    if (s->peer != s->network->text)
        ptn_free(s->peer);
    ptn_session_unweigh(s);
    ptn_listener_leave(s->listener, s->network);
    ptn_free(s->user);
    ptn_free(s->local);
    s->listener = NULL;
    s->finished = true;
    ptn_list_remove(&s->link);
    free_record(s);
    ptn_net_on_gone(net);
}

/* The queue will never drain: who waits for it is told so. */
static void
cancel_drain(struct ptn_session *s)
{
    struct ptn_job *job = s->drain_job;

    if (!job)
        return;
    s->drain_job = NULL;
    s->jobs--;
    job->cancelled = true;
    job->done(s, job);
}

void
ptn_session_kill(struct ptn_session *s, const char *reason)
{
    if (s->phase == PTN_PHASE_DEAD)
        return;
    s->reason = reason;
    s->phase = PTN_PHASE_DEAD;
    s->on_drain = NULL;
    ptn_soon_cancel(&s->soon);
    ptn_deadline_clear(s->net->wheel, &s->deadline);
    ptn_session_tls_free(s);
    ptn_framer_reset(&s->framer);
    if (s->in.len)
        ptn_wipe(s->in.data, s->in.len);
    ptn_buf_free(&s->in);
    ptn_buf_free(&s->out);
    s->out_sent = 0;
    if (s->watching)
        ptn_watch_close(&s->watch, on_watch_closed);
    ptn_wire_close(s->fd);
    ptn_sasl_drop(s);
    cancel_drain(s);
    if (s->jobs == 0)
        finish(s);
}

void
ptn_session_set_phase(struct ptn_session *s, enum ptn_phase phase)
{
    s->phase = (uint8_t)phase;
    s->since = ptn_loop_now(s->net->params.loop);
}

void
ptn_session_on_job(struct ptn_job *job)
{
    struct ptn_session *s = job->private_.session;

    assert(s->jobs > 0);
    s->jobs--;
    job->cancelled = s->phase >= PTN_PHASE_CLOSING;
    /* `done` may free the job. */
    bool cancelled = job->cancelled;
    enum ptn_result result = job->done(s, job);
    if (!cancelled)
        ptn_session_apply(s, result);
    if (s->phase != PTN_PHASE_DEAD)
        ptn_session_pump(s);
    else if (s->jobs == 0 && !s->finished)
        finish(s);
}

int
ptn_session_run(struct ptn_session *s, enum ptn_lane lane, struct ptn_job *job)
{
    assert(s->phase != PTN_PHASE_DEAD);
    job->private_.session = s;
    if (ptn_loop_submit(s->net->params.loop, lane, job) != 0)
        return -1;
    s->jobs++;
    return 0;
}

void
ptn_session_await(struct ptn_session *s, struct ptn_job *job)
{
    job->private_.session = s;
    ptn_loop_await(s->net->params.loop, job);
    s->jobs++;
}

/* --- deadlines --- */

/* The peer owes us the end of a line; see ptn_session_feed. */
static bool
is_inside_line(const struct ptn_session *s)
{
    return s->in.len > 0 && !s->pending && !ptn_session_is_blocked(s) &&
           s->framer.mode == PTN_FRAMING_LINE;
}

/* When the peer's patience, or ours with it, ends. */
static uint64_t
due(const struct ptn_session *s)
{
    const struct ptn_limits_conf *limits = &s->listener->conf->limits;
    const struct ptn_protocol *p = s->listener->protocol;
    uint64_t idle, login;

    switch ((enum ptn_phase)s->phase) {
    case PTN_PHASE_PROXY:
    case PTN_PHASE_HANDSHAKE:
        return s->since + limits->handshake_timeout;
    case PTN_PHASE_CLOSING:
        return (s->active > s->since ? s->active : s->since) +
               PTN_NET_CLOSING_MS;
    case PTN_PHASE_LINGER:
        return s->since + PTN_NET_LINGER_MS;
    case PTN_PHASE_OPEN:
    case PTN_PHASE_DEAD:
        break;
    }
    idle = s->active + (s->timeout ? s->timeout : limits->idle_timeout);
    if (is_inside_line(s) && s->active + limits->command_timeout < idle)
        idle = s->active + limits->command_timeout;
    if (s->user || !PTN_HAS(p, struct ptn_protocol, login) || !p->login)
        return idle;
    login = s->since + limits->login_timeout;
    return login < idle ? login : idle;
}

void
ptn_session_rearm(struct ptn_session *s)
{
    uint64_t now = ptn_loop_now(s->net->params.loop), at = due(s);

    if (ptn_deadline_is_set(&s->deadline) && s->deadline.at <= at)
        return;
    ptn_deadline_set(s->net->wheel, &s->deadline, at > now ? at - now : 0);
}

static void
time_out(struct ptn_session *s)
{
    ptn_count(&s->net->params.counters->timeouts, 1);
    ptn_meter_add(s->listener->meter, PTN_METER_TIMEOUTS, 1);
    if (s->phase == PTN_PHASE_HANDSHAKE) {
        ptn_session_tls_failed(s, "timeout");
        return;
    }
    if (s->phase == PTN_PHASE_PROXY) {
        ptn_session_proxy_failed(s, "timeout");
        return;
    }
    if (s->phase != PTN_PHASE_OPEN || ptn_session_is_blocked(s)) {
        ptn_session_kill(s, "timeout");
        return;
    }
    s->reason = "timeout";
    ptn_session_raise(s, PTN_EVENT_TIMEOUT);
    ptn_session_apply(s, PTN_CLOSE); /* whatever it answered */
    ptn_session_pump(s);
}

/* Deadlines are not moved with every command: the wheel finds here that the
 * peer was active since, and waits for the rest. */
void
ptn_session_on_deadline(struct ptn_deadline *deadline)
{
    struct ptn_session *s =
        PTN_CONTAINER(deadline, struct ptn_session, deadline);
    uint64_t now = ptn_loop_now(s->net->params.loop);

    if (s->phase == PTN_PHASE_OPEN && s->pending &&
        !ptn_session_is_blocked(s)) {
        s->active = now; /* we are at work, and the peer waits for us */
        ptn_deadline_set(s->net->wheel, deadline, AT_WORK_MS);
    } else if (now >= due(s)) {
        time_out(s);
    } else {
        ptn_session_rearm(s);
    }
}
