/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A session's exchange with whoever checks credentials (auth/service.h):
 * what the files of this folder that know sessions share. Loop thread only.
 */
#ifndef PTN_AUTH_SASL_H
#define PTN_AUTH_SASL_H

#include "auth/service.h"

/* What the session's TLS knows, for start: octets of each binding. */
struct ptn_sasl_facts {
    uint8_t octets[PTN_BINDINGS][PTN_SASL_BINDING_MAX];
    struct ptn_slice bindings[PTN_BINDINGS];
    struct ptn_slice client; /* its verified certificate's name, or empty */
};
void ptn_sasl_facts(struct ptn_session *s, struct ptn_sasl_facts *out);

#endif
