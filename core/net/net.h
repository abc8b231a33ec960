/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The network side of a worker: it accepts on the listeners' sockets and
 * runs their sessions on one loop. Who starts the worker makes one, gives
 * it the listeners, and drains it. Loop thread only.
 */
#ifndef PTN_NET_NET_H
#define PTN_NET_NET_H

#include "conf/conf.h"
#include "loop/loop.h"
#include "net/counters.h"

struct ptn_net;
struct ptn_pki;
struct ptn_auth_service;

struct ptn_net_params {
    struct ptn_loop *loop;
    struct ptn_pki *pki;           /* NULL: no listener has TLS */
    struct ptn_counters *counters; /* NULL: it has its own */
    unsigned worker;               /* part of the session ids */
    unsigned workers;              /* that share a listener's memory; 0: 1 */
    /* How many connections the whole server may hold, 0: as many as come;
     * and how many it holds, which is asked only with a limit. */
    uint64_t connections;
    uint64_t (*held)(void *arg);
    void *held_arg;
    /* Whether who comes from that port of the address that he connects to is
     * this server's own visitor, who looks at what it shows and is no client:
     * limits do not count him. NULL: there are none. */
    bool (*is_visitor)(void *arg, uint16_t port);
    void *visitor_arg;
    /* Who checks passwords; NULL: nobody can authenticate. */
    struct ptn_auth_service *auth;
};

/* Never fails. Takes over ptn_loop_on_job of the loop. */
struct ptn_net *ptn_net_new(const struct ptn_net_params *params);

/* Serves connections of `fds`, which are bound, listening, non-blocking and
 * close-on-exec, and stay the caller's: close them after ptn_net_free. The
 * listener must outlive the net. -1: a socket cannot be watched, or the
 * listener wants TLS and has no context; nothing is served then. */
int ptn_net_listen(struct ptn_net *net, const struct ptn_listener_conf *conf,
                   const int *fds, size_t count, struct ptn_error *err);

/* Another worker has taken over: serves who waits in the sockets' queues by
 * now and nobody after them, lets all sessions go on as long as they want,
 * and calls done(arg) once, when the last is gone. The sockets may be closed
 * at once. A drain may follow; then its `done` is called alone. */
void ptn_net_retire(struct ptn_net *net, void (*done)(void *arg), void *arg);

/* Serves nobody new (PTN_REFUSE_SHUTDOWN), tells all sessions that the
 * server goes away, and calls done(arg) once: when the last session is gone.
 * `milliseconds` later the rest is cut off; then it is when their jobs under
 * way have completed. Never inside this call. */
void ptn_net_drain(struct ptn_net *net, uint64_t milliseconds,
                   void (*done)(void *arg), void *arg);

/* --- what the operator sees of sessions, and does to them --- */

/* Texts are valid during the call; NULL where there is none. */
struct ptn_net_session {
    uint64_t number; /* rising with each session of a net */
    const char *id, *listener, *protocol, *peer, *user, *local;
    const char *phase; /* "open", "handshake", "closing" ... */
    const char *tls_version, *tls_cipher;
    uint64_t age_ms, idle_ms;
    uint64_t memory; /* octets that it holds */
};

/* Which ones: those whose text is that, or NULL for all. */
struct ptn_net_filter {
    const char *id, *listener, *user;
};

/* Calls fn for sessions that are left of `filter`, in the order of their
 * numbers, from those after `after` (0: from the first) on; at most `max`,
 * so that the loop does not stand still for long. Answers the number of the
 * last one when there may be more, else 0. */
uint64_t
ptn_net_sessions(struct ptn_net *net, const struct ptn_net_filter *filter,
                 uint64_t after, size_t max,
                 void (*fn)(void *arg, const struct ptn_net_session *session),
                 void *arg);

/* Says goodbye to such sessions in their protocols' words, as soon as no
 * command is half done; `now`: hangs up at once. At most `max`; answers how
 * many. Those who have been told are not told again. */
size_t ptn_net_kick(struct ptn_net *net, const struct ptn_net_filter *filter,
                    bool now, size_t max);

/* After `done` of a drain, or when there never was a session; the loop
 * still turns once after it. */
void ptn_net_free(struct ptn_net *net);

#endif
