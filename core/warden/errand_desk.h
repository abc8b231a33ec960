/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The warden's side of the envoy's channel (errand_wire.h), on a thread of
 * its own.
 *
 * The envoy speaks with strangers and may be anybody's by now. What it can
 * not do here, whatever it sends:
 *   - get a private key, or any octet of one;
 *   - have anything signed but a JWS Signing Input, and that by an account
 *     key alone, which signs nothing else;
 *   - have a request made for names that the configuration does not say, or
 *     for a certificate whose source is no errand;
 *   - store a chain whose key is not the one that waits for that certificate,
 *     that fails any check an operator's import has to pass, that is
 *     self-signed, or that lacks one of the configured names;
 *   - write, or read, any other file.
 * What it can do: use the account with the authority as if it were the
 * server, and have a waiting key certified by an authority of its choosing.
 */
#ifndef PTN_WARDEN_ERRAND_DESK_H
#define PTN_WARDEN_ERRAND_DESK_H

#include "conf/conf.h"
#include <postern/error.h>
#include <postern/tls.h>

/* All borrowed, for as long as the process lives. */
struct ptn_errand_office {
    const struct ptn_conf *conf;
    const struct ptn_tls_ops *ops; /* NULL: no TLS, and nothing to do here */
    void *instance;
    /* A key and a certificate (PEM) that answer tls-alpn-01 for a name, shown
     * until the same with an empty certificate; NULL: nobody can show them.
     * On the desk's thread. */
    int (*show)(void *arg, const char *name, struct ptn_slice chain,
                struct ptn_slice key, struct ptn_error *err);
    /* A certificate has another version now; may be NULL. */
    void (*changed)(void *arg, const char *name);
    void *arg;
};

/* Serves until the other end is closed. Takes `fd`, also when it fails. */
int ptn_errand_desk_open(const struct ptn_errand_office *office, int fd,
                         struct ptn_error *err);

/* STATE/certs/accounts/ERRAND.key, made if it is missing: PEM, to be wiped by
 * the caller. */
int ptn_errand_account_key(const struct ptn_errand_office *office,
                           const char *errand, struct ptn_buf *key,
                           struct ptn_error *err);

/* Whether it is a JWS Signing Input (RFC 7515 section 5.1): two parts of
 * base64url with a dot between them. */
bool ptn_errand_is_signing_input(struct ptn_slice input);

#endif
