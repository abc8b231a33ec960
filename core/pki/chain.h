/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The order of certificates in a chain, and whether it is whole.
 */
#ifndef PTN_PKI_CHAIN_H
#define PTN_PKI_CHAIN_H

#include "pki/manage.h"

#define PTN_CHAIN_MAX 16 /* certificates of one chain */

struct ptn_chain {
    struct ptn_buf pem;      /* leaf first, without the root */
    struct ptn_tls_cert top; /* the last of them */
    struct ptn_buf top_pem;
    bool rooted; /* its root was there, or it is self-signed */
};

/* Puts the certificates of `pem`, in whatever order they come, leaf first
 * and then issuer by issuer (RFC 8446 section 4.4.2); a root at its end,
 * which clients have, is left out. The leaf is the one that `key` belongs
 * to, or, without one, that which is no other's issuer. A certificate of an
 * authority that is no part of the chain is left out, and `notes` gets a line;
 * any other is an error. `chain` is PTN_CHAIN_INIT before, and freed after. */
#define PTN_CHAIN_INIT ((struct ptn_chain){.rooted = false})
struct ptn_chain_source {
    struct ptn_slice pem, key;
    struct ptn_buf *notes;
};
enum ptn_cert_fault ptn_chain_order(const struct ptn_manage *m,
                                    const struct ptn_chain_source *source,
                                    struct ptn_chain *chain,
                                    struct ptn_error *err);
void ptn_chain_free(struct ptn_chain *chain);

/* Whether clients can follow it to a root that they know: INCOMPLETE when
 * its last certificate was issued by nobody whom `m->roots` has. Where the
 * machine has no list of roots, `notes` says that nobody knows. */
enum ptn_cert_fault ptn_chain_check_root(const struct ptn_manage *m,
                                         const struct ptn_chain *chain,
                                         struct ptn_buf *notes,
                                         struct ptn_error *err);

#endif
