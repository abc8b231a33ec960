/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the engine share: its record, what it offers, and the
 * ways into an exchange. Loop thread.
 */
#ifndef PTN_AUTH_ENGINE_INNER_H
#define PTN_AUTH_ENGINE_INNER_H

#include "auth/exchange.h"

struct ptn_engine {
    struct ptn_auth_service service;
    struct ptn_engine_params p;
    struct ptn_throttle throttle;
    struct ptn_list exchanges;
    size_t count;
    struct ptn_mechanism mechanisms[PTN_SASL_OFFERS];
    size_t mechanism_count;

    bool refreshing;
    uint64_t refreshed;
    unsigned hashes; /* what refresh has found */
    struct ptn_list watches;
};

/* --- auth/engine_offers.c: what is offered --- */

/* Lists the mechanisms and makes the first offers; may block. */
void ptn_engine_list(struct ptn_engine *e);
/* Asks the directory again if that was a while ago: accounts change while
 * the server runs. */
void ptn_engine_refresh(struct ptn_engine *e);
/* The mechanism that is asked for, or NULL: unknown, or not for this peer. */
const struct ptn_mechanism *ptn_engine_find(const struct ptn_engine *e,
                                            const struct ptn_auth_start *start);
/* Whether a form of the mechanism with -PLUS is among the offers. Only then
 * is the provider told what could be bound: a client that could, and says
 * that the server cannot (RFC 5802 section 6), is right otherwise. */
bool ptn_engine_offers_plus(const struct ptn_engine *e,
                            const struct ptn_mechanism *m);

/* --- auth/exchange.c --- */

struct ptn_exchange *ptn_exchange_new(struct ptn_engine *e,
                                      const struct ptn_mechanism *m,
                                      const struct ptn_auth_start *start);
/* Takes the peer's response; x may be gone afterwards. */
void ptn_exchange_respond(struct ptn_exchange *x, struct ptn_slice response);
/* Says the last word, and ends x. */
void ptn_exchange_conclude(struct ptn_exchange *x, enum ptn_auth outcome,
                           const char *why);
/* Nobody wants to know any more; x ends, or does when its job comes back. */
void ptn_exchange_drop(struct ptn_exchange *x);

#endif
