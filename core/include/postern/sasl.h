/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Contract "postern.sasl", version 1: SASL mechanisms (RFC 4422), server
 * side, that go beyond a name and a password in clear, which core knows by
 * itself. A provider is asked where passwords are checked (the warden, or
 * the single process), never in a worker.
 *
 *   begin -> step (the peer's response in, a challenge out) ... -> end
 *
 * Calls may block and are made on a lane's thread: several at once, but one
 * at a time for one exchange.
 */
#ifndef POSTERN_SASL_H
#define POSTERN_SASL_H

#include <postern/buf.h>
#include <postern/directory.h>
#include <postern/error.h>
#include <postern/tls.h>

#define PTN_SASL_CONTRACT "postern.sasl"
#define PTN_SASL_VERSION 1

/* A mechanism; a table ends with name NULL, the strongest first. */
struct ptn_sasl_mechanism {
    const char *name;
    unsigned bindings; /* it needs one of these; 0: none. A -PLUS. */
    unsigned verifier; /* of the directory, 1 << enum ptn_scram_hash; 0: none */
};

/* One exchange. The caller's, valid until end has returned. */
struct ptn_sasl_params {
    uint32_t size;
    const char *mechanism;
    /* Octets of each binding, empty where the session has none. Given to
     * mechanisms without -PLUS, too: a client that says it could bind, but
     * thinks the server cannot, was lied to (RFC 5802 section 6). */
    struct ptn_slice bindings[PTN_BINDINGS];

    /* Asks the directory (postern/directory.h: scram). OK, NOTFOUND and
     * DENIED fill `out`; the exchange goes on with it in all three. */
    enum ptn_status (*scram)(void *arg, struct ptn_slice name,
                             enum ptn_scram_hash hash,
                             struct ptn_scram_verifier *out);
    void *arg;
};

enum ptn_sasl_step {
    PTN_SASL_CHALLENGE, /* `out` goes to the peer, which answers */
    PTN_SASL_SUCCESS,   /* the peer is who it says; `out`, if not empty, is
                           what the peer is to hear with that news */
    PTN_SASL_FAILURE,   /* it is not */
    PTN_SASL_MALFORMED, /* not what the mechanism says */
    PTN_SASL_TROUBLE,   /* the directory or memory is out of order */
};

struct ptn_sasl_exchange;

struct ptn_sasl_ops {
    uint32_t size;
    const struct ptn_sasl_mechanism *mechanisms;

    /* NULL: out of memory, or no such mechanism. */
    struct ptn_sasl_exchange *(*begin)(void *instance,
                                       const struct ptn_sasl_params *params);
    /* `response` is decoded; data NULL when the peer has sent none yet.
     * Appends to `out`. Only CHALLENGE is followed by another step. */
    enum ptn_sasl_step (*step)(struct ptn_sasl_exchange *exchange,
                               struct ptn_slice response, struct ptn_buf *out);
    /* Name as which the peer authenticates, and as whom it wants to act
     * (empty: as itself), as far as they are known; valid until the next
     * call. */
    void (*names)(struct ptn_sasl_exchange *exchange,
                  struct ptn_slice *authentication,
                  struct ptn_slice *authorization);
    /* Wipes and frees, at any time but inside another call. */
    void (*end)(struct ptn_sasl_exchange *exchange);

    /* What a directory keeps in place of `password` (RFC 5802 section 3),
     * prepared as RFC 4013 says: fills the keys of `verifier`, whose salt and
     * iterations are given. -1: this cannot be a password (`err`). */
    int (*scram_make)(void *instance, enum ptn_scram_hash hash,
                      struct ptn_slice password,
                      struct ptn_scram_verifier *verifier,
                      struct ptn_error *err);
};

#endif
