/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sends a stored body to a session, as fast as the peer reads, in bounded
 * memory: from the loop while the octets are in the page cache, from a disk
 * lane when they are not.
 */
#ifndef POSTERN_MAIL_STREAM_H
#define POSTERN_MAIL_STREAM_H

#include <postern/mail/store.h>
#include <postern/session.h>

enum ptn_stream_form {
    PTN_STREAM_RAW,
    /* Dot-stuffed, ends with CRLF, without the final dot (RFC 1939). */
    PTN_STREAM_DOTS,
};

/* Sends octets from..from+len of `body`, then calls `done` once, on the
 * session's loop: `ok` is false after an I/O error (close the session: the
 * peer was promised octets). `done` may be called inside this call; return
 * what it returns. The body stays the caller's. `arg` reaches `done`. When
 * the session ends before, `done` is not called: close the body in the
 * protocol's `close`. One stream at a time a session. */
PTN_API enum ptn_result ptn_stream_body(
    struct ptn_session *s, const struct ptn_store_ops *store, void *instance,
    struct ptn_body *body, uint64_t from, uint64_t len,
    enum ptn_stream_form form,
    enum ptn_result (*done)(struct ptn_session *s, void *arg, bool ok),
    void *arg);

/* POP3 TOP: the header, the empty line and `lines` lines of the body, in the
 * form PTN_STREAM_DOTS. */
PTN_API enum ptn_result ptn_stream_top(
    struct ptn_session *s, const struct ptn_store_ops *store, void *instance,
    struct ptn_body *body, uint64_t size, uint64_t lines,
    enum ptn_result (*done)(struct ptn_session *s, void *arg, bool ok),
    void *arg);

#endif
