/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The order of certificates in a chain. Pure functions over PEM texts.
 */
#ifndef PTN_PKI_CHAIN_H
#define PTN_PKI_CHAIN_H

#include "pki/manage.h"

#define PTN_CHAIN_MAX 16 /* certificates of one chain */

/* Puts the certificates of `pem`, in whatever order they come, leaf first
 * and then issuer by issuer (RFC 8446 section 4.4.2), into `out`; a root at
 * its end, which clients have, is left out. The leaf is the one that `key`
 * belongs to, or, without one, that which is no other's issuer. What is no
 * part of the chain is an error. */
enum ptn_cert_fault ptn_chain_order(const struct ptn_manage *m,
                                    struct ptn_slice pem, struct ptn_slice key,
                                    struct ptn_buf *out, struct ptn_error *err);

#endif
