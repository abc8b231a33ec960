/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the operator's files have between them, whatever their formats are.
 */
#ifndef PTN_PKI_INTAKE_H
#define PTN_PKI_INTAKE_H

#include "pki/manage.h"

/* PTN_INTAKE_INIT before the first file. */
struct ptn_intake {
    struct ptn_buf key;        /* PEM, in the clear; empty if there was none */
    struct ptn_buf certs, csr; /* PEM, as they came */
    struct ptn_buf passphrase; /* what opened one of the files, or empty */
};
#define PTN_INTAKE_INIT ((struct ptn_intake){.key = PTN_BUF_INIT})

/* Adds what a file has: PEM, DER, PKCS#7, PKCS#12, encrypted or not. A
 * passphrase is asked for (`m->ask`) when it is needed, and tried on the next
 * file. `label` is the file's name. PASSPHRASE, TRUNCATED, UNSUPPORTED, or
 * MISMATCH for a second key that is another. */
PTN_API enum ptn_cert_fault ptn_intake_add(const struct ptn_manage *m,
                                           const char *label,
                                           struct ptn_slice file,
                                           struct ptn_intake *intake,
                                           struct ptn_error *err);
/* Wipes it. */
PTN_API void ptn_intake_free(struct ptn_intake *intake);

#endif
