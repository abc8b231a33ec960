/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Blocks of PEM texts (RFC 7468). Pure functions.
 */
#ifndef PTN_PKI_PEM_H
#define PTN_PKI_PEM_H

#include <postern/buf.h>

/* The next certificate of `rest`, from its BEGIN to its END line, and what
 * is behind it; false when there is none that is whole. */
bool ptn_pki_pem_next(struct ptn_slice *rest, struct ptn_slice *one);

/* Whether a certificate begins in it: after ptn_pki_pem_next, one without end.
 */
bool ptn_pki_pem_is_begun(struct ptn_slice rest);

/* Leaves the certificates alone of what may be a key, too, and wipes the
 * rest: a chain goes to processes that must not see a key. What is no PEM
 * stays as it is. False, and nothing is left, when one has no end. */
bool ptn_pki_pem_keep_certs(struct ptn_buf *pem);

/* What is between the first BEGIN and END lines of `pem`, decoded, behind
 * what is in `der`. False, and nothing is added, when that is not Base64. */
PTN_API bool ptn_pki_pem_decode(struct ptn_slice pem, struct ptn_buf *der);

/* Whether there is a key in it that only a passphrase opens. */
PTN_API bool ptn_pki_pem_is_locked(struct ptn_slice pem);

#endif
