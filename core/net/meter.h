/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is counted of a listener. All labels are closed lists: a protocol's
 * verbs, what a TLS library calls its ciphers and failures, constants of
 * core. Loop thread.
 */
#ifndef PTN_NET_METER_H
#define PTN_NET_METER_H

#include "metrics/area.h"
#include <postern/session.h>
#include <postern/tls.h>

struct ptn_listener_conf;
struct ptn_meter;

enum ptn_meter_count {
    PTN_METER_SESSIONS, /* accepted and served */
    PTN_METER_ERRORS,   /* of peers: ptn_session_error, and faults */
    PTN_METER_TIMEOUTS,
    PTN_METER_OCTETS_IN, /* plaintext */
    PTN_METER_OCTETS_OUT,
    PTN_METER_COUNTS,
};

/* With the protocol bound. */
struct ptn_meter *ptn_meter_new(const struct ptn_listener_conf *listener);
void ptn_meter_free(struct ptn_meter *meter);

void ptn_meter_add(struct ptn_meter *meter, enum ptn_meter_count what,
                   uint64_t by);
/* What is now. */
void ptn_meter_now(struct ptn_meter *meter, uint64_t sessions, uint64_t memory);

/* `reason`, `cause`, `mechanism` and `outcome` are constants. After the
 * first few dozens of each, new ones are "other". */
void ptn_meter_refused(struct ptn_meter *meter, const char *reason);
void ptn_meter_handshake(struct ptn_meter *meter,
                         const struct ptn_tls_info *info);
/* `info` is of the session that has failed. */
void ptn_meter_tls_failed(struct ptn_meter *meter, const char *cause,
                          const struct ptn_tls_info *info);
void ptn_meter_auth(struct ptn_meter *meter, const char *mechanism,
                    const char *outcome);
void ptn_meter_verb(struct ptn_meter *meter, unsigned index);
void ptn_meter_reply(struct ptn_meter *meter, unsigned index);

#endif
