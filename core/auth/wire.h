/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Messages between a worker and the engine in the warden. Both ends are of
 * one build and on one machine, and yet each reads what the other has sent
 * as if it were foreign: a worker may have been taken over.
 *
 *   worker: START id ...   STEP id response   DROP id
 *   warden: ANSWER id ...  OFFERS ...          (at first, and when they change)
 */
#ifndef PTN_AUTH_WIRE_H
#define PTN_AUTH_WIRE_H

#include "auth/service.h"

enum ptn_wire_type {
    PTN_WIRE_START = 'S',
    PTN_WIRE_STEP = 'T',
    PTN_WIRE_DROP = 'D',
    PTN_WIRE_ANSWER = 'A',
    PTN_WIRE_OFFERS = 'O',
};

/* Each appends one message. */
void ptn_wire_put_start(struct ptn_buf *out, uint32_t id,
                        const struct ptn_auth_start *start);
void ptn_wire_put_step(struct ptn_buf *out, uint32_t id,
                       struct ptn_slice response);
void ptn_wire_put_drop(struct ptn_buf *out, uint32_t id);
void ptn_wire_put_answer(struct ptn_buf *out, uint32_t id,
                         const struct ptn_auth_answer *answer);
void ptn_wire_put_offers(struct ptn_buf *out,
                         const struct ptn_auth_service *service);

/* The type of a message and its id, which are cut off; 0: it is none. */
int ptn_wire_take(struct ptn_slice *message, uint32_t *id);

/* The rest of a message. False when it is malformed. Slices point into it. */
bool ptn_wire_get_start(struct ptn_slice message, struct ptn_auth_start *out);
bool ptn_wire_get_step(struct ptn_slice message, struct ptn_slice *response);
bool ptn_wire_get_answer(struct ptn_slice message, struct ptn_auth_answer *out,
                         struct ptn_user *user);
bool ptn_wire_get_offers(struct ptn_slice message,
                         struct ptn_auth_service *service);

#endif
