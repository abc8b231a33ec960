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

/* Logs what of `conf` ends within so many days as were announced last, and
 * what has ended. `now` and `since`, the `now` of the last call, are in
 * seconds since 1970; `since` is 0 at start and after a reload, when all that
 * is near is told. Answers when to call again. */
int64_t ptn_legacy_announce(const struct ptn_conf *conf, int64_t since,
                            int64_t now);

#endif
