/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A client that looks at what a listener shows: it connects, comes to TLS in
 * the protocol's words, shakes hands and leaves. It blocks; for tools.
 */
#ifndef PTN_PROC_PROBE_H
#define PTN_PROC_PROBE_H

#include "conf/conf.h"
#include <postern/buf.h>
#include <postern/tls.h>

struct ptn_probe {
    const struct ptn_tls_ops *ops;
    void *instance;
    const struct ptn_listener_conf *listener;
    const char *server_name; /* to ask for; NULL: none */
};

struct ptn_probe_result {
    char version[16], cipher[64], group[32];
    /* What a listener that asks for client certificates does with a client
     * that has none; others are not tried. */
    enum ptn_probe_client {
        PTN_PROBE_NOT_TRIED,
        PTN_PROBE_LET_IN,
        PTN_PROBE_REFUSED
    } client;
    struct ptn_buf chain; /* what was shown, PEM; the caller frees it */
};

/* -1 with `err`: how far it came, and why no further. Each step gets ten
 * seconds. */
int ptn_probe_run(const struct ptn_probe *probe, struct ptn_probe_result *out,
                  struct ptn_error *err);

#endif
