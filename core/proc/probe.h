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
    const char *server_name;                /* to ask for; NULL: none */
    const struct ptn_address_conf *address; /* NULL: the listener's first */
    unsigned step_ms;                       /* that each step gets; 0: 10 s */
};

/* How far it came. */
enum ptn_probe_stage {
    PTN_PROBE_NOWHERE, /* no connection */
    PTN_PROBE_DIALLED, /* the words before TLS went wrong */
    PTN_PROBE_TALKED,  /* the handshake did */
    PTN_PROBE_SEEN,    /* it has shown a certificate */
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
    enum ptn_probe_stage stage;
};

/* A socket that is to be connected to the address, with an address of its own
 * already, whose port is `port`; and connecting it. -1 with `err`. */
int ptn_probe_socket(const struct ptn_address_conf *address, uint16_t *port,
                     struct ptn_error *err);
int ptn_probe_connect(int fd, const struct ptn_address_conf *address,
                      unsigned step_ms, struct ptn_error *err);
/* The rest, on a connection that it closes. A listener that awaits a proxy's
 * header from this address gets one that says "myself". */
int ptn_probe_look(const struct ptn_probe *probe, int fd,
                   struct ptn_probe_result *out, struct ptn_error *err);

/* All of it. -1 with `err`: how far it came, and why no further. */
int ptn_probe_run(const struct ptn_probe *probe, struct ptn_probe_result *out,
                  struct ptn_error *err);

#endif
