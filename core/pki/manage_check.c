/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a certificate has to be before it is stored or served.
 */
#include "base/clock.h"
#include "pki/manage_inner.h"

static enum ptn_cert_fault
check_dates(const struct ptn_tls_cert *facts, struct ptn_error *err)
{
    int64_t now = ptn_clock_wall_ms() / 1000;

    if (facts->not_after <= now)
        return ptn_manage_fault(
            PTN_CERT_EXPIRED, err,
            "the certificate of %s has expired: get another from its "
            "authority",
            facts->subject);
    if (facts->not_before > now)
        return ptn_manage_fault(
            PTN_CERT_NOT_YET_VALID, err,
            "the certificate of %s is not valid yet: wait, or look "
            "at this machine's clock",
            facts->subject);
    return PTN_CERT_GOOD;
}

enum ptn_cert_fault
ptn_manage_check(const struct ptn_manage *m, struct ptn_slice chain,
                 struct ptn_slice key, struct ptn_error *err)
{
    struct ptn_tls_cert facts;

    if (m->ops->cert_parse(m->instance, chain, &facts, err) != 0)
        return PTN_CERT_TRUNCATED;
    if (m->ops->pair_match(m->instance, chain, key, err) != 0)
        return PTN_CERT_MISMATCH;
    return check_dates(&facts, err);
}
