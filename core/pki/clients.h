/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a listener knows of client certificates: whom to believe, what is
 * revoked, and which user a certificate is. All of it is public, and read by
 * the process that shakes hands.
 */
#ifndef PTN_PKI_CLIENTS_H
#define PTN_PKI_CLIENTS_H

#include "base/map.h"
#include <postern/buf.h>
#include <postern/error.h>
#include <postern/tls.h>

struct ptn_tls_conf;

#define PTN_CLIENTS_FILE_MAX (16u << 20) /* octets of each of the files */

struct ptn_clients {
    struct ptn_buf ca, crl, map; /* as they were read; `map` is cut up */
    struct ptn_map users; /* name, or "sha256:" and fingerprint -> user */
};

#define PTN_CLIENTS_INIT                                                       \
    ((struct ptn_clients){PTN_BUF_INIT, PTN_BUF_INIT, PTN_BUF_INIT,            \
                          PTN_MAP_INIT})

/* Reads the files that `tls` names. 0, or -1 with a text that names the file,
 * and nothing to free. */
int ptn_clients_read(const struct ptn_tls_conf *tls, struct ptn_clients *out,
                     struct ptn_error *err);
void ptn_clients_free(struct ptn_clients *clients);

/* Whether contexts that were made with one serve for the other, too. */
bool ptn_clients_same(const struct ptn_clients *a, const struct ptn_clients *b);

/* The user that a good certificate is, or NULL: nobody. With a map only who
 * is in it; the fingerprint counts first. Valid as long as both. */
const char *ptn_clients_user(const struct ptn_clients *clients,
                             const struct ptn_tls_conf *tls,
                             const struct ptn_tls_info *info);

#endif
