/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SASL exchanges (RFC 4422), server side: what sasl.c and the mechanisms
 * share. A mechanism turns the peer's responses into challenges until it has
 * credentials; checking them is sasl.c's, for all alike.
 */
#ifndef PTN_AUTH_SASL_H
#define PTN_AUTH_SASL_H

#include "loop/loop.h"
#include <postern/directory.h>
#include <postern/session.h>

/* Limits that no peer can pass: over them an answer is malformed. */
#define PTN_SASL_RESPONSE_MAX 12288 /* base64 octets, RFC 4954 section 4 */
#define PTN_SASL_PASSWORD_MAX 1024

enum ptn_sasl_step {
    PTN_SASL_CHALLENGE, /* `challenge` (not yet base64) goes to the peer */
    PTN_SASL_VERIFY,    /* name, password and authzid are there */
    PTN_SASL_MALFORMED,
};

struct ptn_sasl_mechanism;

struct ptn_sasl {
    struct ptn_job job; /* on the slow lane, and then while delayed */
    struct ptn_session *session;
    const struct ptn_sasl_mechanism *mechanism;
    ptn_auth_fn fn;
    unsigned stage; /* the mechanism's own; begins with 0 */
    enum {
        PTN_SASL_TALKING,   /* the peer's turn, or the mechanism's */
        PTN_SASL_VERIFYING, /* the lane's thread has it */
        PTN_SASL_DELAYED,   /* failed, and not told yet */
    } state;
    struct ptn_timer *delay;

    const struct ptn_directory_ops *directory;
    void *directory_instance;
    struct ptn_buf name, password, authzid;
    enum ptn_status status; /* what the directory said */
    struct ptn_user user;
};

struct ptn_sasl_mechanism {
    const char *name;
    /* `response` is decoded; its data is NULL when there is none yet, which
     * happens in stage 0 alone. */
    enum ptn_sasl_step (*step)(struct ptn_sasl *x, struct ptn_slice response,
                               struct ptn_buf *challenge);
};

/* Strongest first; ends with name NULL. */
extern const struct ptn_sasl_mechanism ptn_sasl_mechanisms[];

#endif
