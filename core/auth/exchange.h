/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One exchange, as the engine and the mechanisms share it.
 *
 *   start/step --> [TALKING] --response--> [WAITING] at the throttle's gates
 *      ^             |    ^                    |
 *      |          final   '---- challenge ---[RUNNING] on a lane
 *      |             v                       |       |
 *   challenge     [FINAL] <---- success -----'       bad --> [HELD] --> FAILED
 *                    |             |
 *                    '-----> OK <--'
 *
 * While it is running, the lane's thread has all of it but `call`, which the
 * loop's sets to NULL when nobody wants to know any more; then it ends when
 * its job comes back, and the failure counts all the same.
 */
#ifndef PTN_AUTH_EXCHANGE_H
#define PTN_AUTH_EXCHANGE_H

#include "auth/engine.h"
#include "auth/throttle.h"

enum ptn_mechanism_kind {
    PTN_MECHANISM_PLAIN,    /* RFC 4616 */
    PTN_MECHANISM_LOGIN,    /* draft-murchison-sasl-login */
    PTN_MECHANISM_EXTERNAL, /* RFC 4422 appendix A */
    PTN_MECHANISM_PROVIDED, /* by a module */
};

struct ptn_mechanism {
    const char *name;
    enum ptn_mechanism_kind kind;
    unsigned bindings, verifier; /* struct ptn_sasl_mechanism */
    bool client;                 /* it wants a client certificate */
};

struct ptn_exchange {
    struct ptn_engine *engine;
    struct ptn_auth_call *call; /* NULL: dropped */
    struct ptn_list link;
    struct ptn_job job;
    struct ptn_throttle_try try;
    struct ptn_timer *held;
    enum {
        PTN_EXCHANGE_TALKING,
        PTN_EXCHANGE_WAITING,
        PTN_EXCHANGE_RUNNING,
        PTN_EXCHANGE_HELD,
        PTN_EXCHANGE_FINAL,
    } state;
    const struct ptn_mechanism *mechanism;
    unsigned steps; /* responses that have come */
    unsigned attempts;
    bool command;

    struct ptn_buf name, authzid, password; /* as they came */
    struct ptn_buf response, challenge;     /* of a provided mechanism */
    char *client, *network;
    uint8_t bindings[PTN_BINDINGS][PTN_SASL_BINDING_MAX];
    struct ptn_sasl_params params;
    struct ptn_sasl_exchange *provided;
    enum ptn_sasl_step step; /* what the provider said */
    enum ptn_status status;  /* what the directory said */
    struct ptn_user user;
};

/* What core's own mechanisms make of a response. */
enum ptn_plain_step {
    PTN_PLAIN_CHALLENGE, /* the text goes to the peer */
    PTN_PLAIN_COMPLETE,  /* name, password and authzid are there */
    PTN_PLAIN_MALFORMED,
};
enum ptn_plain_step ptn_plain_response(struct ptn_exchange *x,
                                       struct ptn_slice response,
                                       const char **challenge);

#endif
