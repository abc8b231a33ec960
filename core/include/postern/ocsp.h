/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Contract "postern.ocsp", version 1: whether a response of an authority (RFC
 * 6960) may be stapled to a certificate. Since 1.1. What it says is seen by
 * every client, so it is checked before, where the keys are: in the warden.
 */
#ifndef POSTERN_OCSP_H
#define POSTERN_OCSP_H

#include <postern/buf.h>
#include <postern/error.h>

#define PTN_OCSP_CONTRACT "postern.ocsp"
#define PTN_OCSP_VERSION 1

/* What a response says of one certificate. */
struct ptn_ocsp_facts {
    uint32_t size; /* sizeof(struct ptn_ocsp_facts), by the caller */
    bool revoked;  /* else it is good */
    /* Seconds since 1970; next_update is 0 where there is none: newer ones
     * may be had at any time. */
    int64_t this_update, next_update;
};

struct ptn_ocsp_ops {
    uint32_t size;
    /* `chain` is PEM, the leaf and then its issuer; `response` is DER. 0 when
     * it is about the leaf, and signed by the issuer or by whom that has
     * given the right (RFC 6960 section 4.2.2.2); its times are not looked
     * at. -1 with `err`: it is not. Any thread, one at a time; it blocks for
     * a millisecond. */
    int (*check)(void *instance, struct ptn_slice chain,
                 struct ptn_slice response, struct ptn_ocsp_facts *out,
                 struct ptn_error *err);
};

#endif
