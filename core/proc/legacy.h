/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The exceptions for old clients (listeners.NAME.tls.legacy) as the operator
 * sees them: what there is, and in time that one ends. That they end is
 * decided where sessions begin; nothing here is needed for it.
 */
#ifndef PTN_PROC_LEGACY_H
#define PTN_PROC_LEGACY_H

#include "conf/conf.h"
#include <postern/buf.h>

/* A record "legacy": listener, versions, networks, until, in_force. Nothing
 * for a listener without an exception. */
void ptn_legacy_write(const struct ptn_listener_conf *listener,
                      struct ptn_buf *out);

/* Every exception of a configuration. */
void ptn_legacy_write_all(const struct ptn_conf *conf, struct ptn_buf *out);

/* What was told of a configuration. */
struct ptn_legacy_watch {
    unsigned generation;
    int64_t since; /* seconds since 1970: all until then was told; 0: nothing */
    uint64_t due;  /* ptn_clock_ms; 0: never */
};

/* Logs what of `conf` ends in 30, 14, 7 and 1 days, and what has ended, once
 * each; call when it is due, and for a new generation: then all that is near
 * is told. It looks every hour, since the clock may be set meanwhile. */
void ptn_legacy_look(struct ptn_legacy_watch *watch,
                     const struct ptn_conf *conf, unsigned generation);

#endif
