/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A session as its protocol module sees it. Loop thread only, unless a
 * function says otherwise.
 */
#ifndef POSTERN_SESSION_H
#define POSTERN_SESSION_H

#include <postern/buf.h>
#include <postern/job.h>
#include <postern/module.h>
#include <postern/protocol.h>

/* --- what belongs to it --- */

PTN_API void *ptn_session_state(struct ptn_session *s); /* state_size bytes */
/* What the protocol's rows have filled for this listener; the module's own
 * options come with init. */
PTN_API const void *ptn_session_options(struct ptn_session *s);
/* The instance that the protocol's module returned from init. */
PTN_API void *ptn_session_instance(struct ptn_session *s);
PTN_API struct ptn_host *ptn_session_host(struct ptn_session *s);
/* Short, unique while the server runs; it is in every log line. */
PTN_API const char *ptn_session_id(struct ptn_session *s);
/* The peer's and our own address as text, without port: "192.0.2.1". */
PTN_API const char *ptn_session_peer(struct ptn_session *s);
PTN_API const char *ptn_session_local(struct ptn_session *s);
PTN_API const char *ptn_session_listener(struct ptn_session *s);

/* --- memory --- */

/* What a module keeps for the session beyond its state and may be large: a
 * message on its way in, a list that grows with a mailbox. It counts against
 * the listener's budget (`memory`). False, and nothing is counted, where
 * that leaves no room: refuse in the protocol's words, as something that may
 * pass. What is not released when the session ends is forgotten then. */
PTN_API bool ptn_session_hold(struct ptn_session *s, size_t octets);
/* Gives back of what is held. */
PTN_API void ptn_session_release(struct ptn_session *s, size_t octets);

/* --- output --- */

/* The output queue. Append to it; core sends it when the handler returns,
 * as one write. Over the high-water mark no further input is dispatched
 * until the peer has read. */
PTN_API struct ptn_buf *ptn_session_out(struct ptn_session *s);
PTN_API void ptn_session_write(struct ptn_session *s, struct ptn_slice data);
PTN_API void ptn_session_printf(struct ptn_session *s, const char *fmt, ...)
    PTN_PRINTF(2, 3);

/* For answers without bound: true when the queue is over its high-water
 * mark. Then call ptn_session_on_drain and return PTN_PENDING. */
PTN_API bool ptn_session_is_full(struct ptn_session *s);

/* Calls fn once when the queue is below its low-water mark (at the earliest
 * on the next turn of the loop, so other sessions get theirs). */
PTN_API void ptn_session_on_drain(struct ptn_session *s,
                                  enum ptn_result (*fn)(struct ptn_session *s));
/* The same as a job, for those who have something to carry on or to free:
 * job->done runs then, or with `cancelled` set when the session ends before.
 * One at a time a session. */
PTN_API void ptn_session_await_drain(struct ptn_session *s,
                                     struct ptn_job *job);

/* --- input --- */

/* After the current line: the next `count` octets come as a block, to their
 * end: an answer that refuses it comes behind it. Compare `count` with a
 * limit before; over it, throw the pieces away, or close. 0 is allowed and
 * gives one empty block with last set. */
PTN_API void ptn_session_expect_block(struct ptn_session *s, uint64_t count);

/* After the current line: lines up to one with a single dot come as blocks,
 * dot-stuffing removed, CRLF kept (RFC 5321 section 4.5.2). CRLF alone ends
 * lines; a bare LF or CR is kept in the data and reported in `faults`, and
 * can never end the text. Lines over `max_line` octets are a fault, too. */
PTN_API void ptn_session_expect_text(struct ptn_session *s, size_t max_line);

/* Inside `fault`: the last octets of the refused line, at most 16, without
 * its end. A protocol whose lines can announce a block (a literal)
 * sees there that one follows, and may expect it, to throw it away. */
PTN_API struct ptn_slice ptn_session_fault_tail(struct ptn_session *s);

/* --- TLS: the policy is the listener's, not the module's --- */

/* True when STARTTLS/STLS may be announced and used now. */
PTN_API bool ptn_session_tls_offered(struct ptn_session *s);
/* Call after queueing the go-ahead reply; return PTN_DONE. Core sends the
 * reply in clear, throws away what the peer had sent behind the command,
 * does the handshake, and calls event(PTN_EVENT_TLS). */
PTN_API void ptn_session_start_tls(struct ptn_session *s);
PTN_API bool ptn_session_is_tls(struct ptn_session *s);
/* True when the policy lets this session do anything beyond greeting, TLS
 * and leaving (tls.require = "always" before TLS: false). */
PTN_API bool ptn_session_may_proceed(struct ptn_session *s);
/* "TLSv1.3" and "TLS_AES_128_GCM_SHA256", or NULL without TLS. */
PTN_API const char *ptn_session_tls_version(struct ptn_session *s);
PTN_API const char *ptn_session_tls_cipher(struct ptn_session *s);

/* --- authentication --- */

/* True when credentials may be sent now (tls.require, auth on this
 * listener, not yet authenticated). */
PTN_API bool ptn_session_may_authenticate(struct ptn_session *s);

/* Appends the SASL mechanisms to offer now, each after `prefix`:
 * (" ", "") gives " PLAIN LOGIN"; (" AUTH=") gives " AUTH=PLAIN ...". */
PTN_API void ptn_session_mechanisms(struct ptn_session *s, const char *prefix,
                                    struct ptn_buf *out);

enum ptn_auth {
    PTN_AUTH_OK,           /* ptn_session_user is set from now on */
    PTN_AUTH_CHALLENGE,    /* send `data` (base64) to the peer, give its answer
                              to ptn_auth_step */
    PTN_AUTH_FAILED,       /* wrong name or password, said no more precisely */
    PTN_AUTH_TEMPFAIL,     /* the directory or a lane is out of order */
    PTN_AUTH_NO_MECHANISM, /* unknown, or not offered now */
    PTN_AUTH_NEEDS_TLS,    /* the policy wants TLS first */
    PTN_AUTH_MALFORMED,    /* not base64, or not what the mechanism says */
    PTN_AUTH_CANCELLED,    /* the peer sent "*" */
    PTN_AUTH_THROTTLED,    /* too many attempts; close or say try later */
};

/* Called once for each start/step/login, on the loop, possibly inside it.
 * `data` is valid during the call. */
typedef enum ptn_result (*ptn_auth_fn)(struct ptn_session *s,
                                       enum ptn_auth outcome,
                                       struct ptn_slice data);

/* SASL (RFC 4422). `initial` is base64 as it came from the wire; data NULL
 * means no initial response was sent, "=" an empty one. Return what these
 * return. */
PTN_API enum ptn_result ptn_auth_start(struct ptn_session *s,
                                       struct ptn_slice mechanism,
                                       struct ptn_slice initial,
                                       ptn_auth_fn fn);
PTN_API enum ptn_result ptn_auth_step(struct ptn_session *s,
                                      struct ptn_slice response);
/* A protocol's own login command with a name and a password in clear. */
PTN_API enum ptn_result ptn_auth_login(struct ptn_session *s,
                                       struct ptn_slice name,
                                       struct ptn_slice password,
                                       ptn_auth_fn fn);

/* The canonical name of the authenticated user ("user1@example.test"), or
 * NULL. Valid as long as the session. */
PTN_API const char *ptn_session_user(struct ptn_session *s);
/* The user's quota in octets, 0 = none. */
PTN_API uint64_t ptn_session_quota(struct ptn_session *s);

/* --- order --- */

/* Counts an error of the peer (a command unknown, malformed or out of
 * sequence). At the listener's max_errors core calls
 * event(PTN_EVENT_ERRORS) once the current handler has returned. */
PTN_API void ptn_session_error(struct ptn_session *s);

/* Since 1.1. Counts a command or a reply for `posternctl metrics`, by its
 * place in the protocol's `verbs` or `replies`; one that is beyond them is
 * counted as "other". Costs an addition. */
PTN_API void ptn_session_count_verb(struct ptn_session *s, unsigned index);
PTN_API void ptn_session_count_reply(struct ptn_session *s, unsigned index);

/* How long the peer may be silent from now on; 0 = the listener's own
 * idle_timeout. */
PTN_API void ptn_session_timeout(struct ptn_session *s, uint64_t milliseconds);

/* From the loop thread, also outside of a handler of this session: calls
 * event(PTN_EVENT_POSTED) soon, once for any number of posts, and at a
 * moment when no command is under way. */
PTN_API void ptn_session_post(struct ptn_session *s);

#endif
