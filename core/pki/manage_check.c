/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a certificate has to be before it is stored or served.
 */
#include "base/clock.h"
#include "pki/manage_inner.h"
#include "pki/pem.h"

#define RSA_MIN 2048  /* bits, as every public authority and client has it */
#define CURVE_MAX 571 /* bits of the longest curve: what is over is RSA */

static enum ptn_cert_fault
check_dates(const struct ptn_tls_cert *facts, struct ptn_error *err)
{
    int64_t now = ptn_clock_wall_ms() / 1000;

    if (facts->not_after <= now)
        return ptn_manage_fault(PTN_CERT_EXPIRED, err,
                                "the certificate of %s has expired: get "
                                "another from its authority",
                                facts->subject);
    if (facts->not_before > now)
        return ptn_manage_fault(PTN_CERT_NOT_YET_VALID, err,
                                "the certificate of %s is not valid yet: "
                                "wait, or look at this machine's clock",
                                facts->subject);
    return PTN_CERT_GOOD;
}

/* RFC 8301, RFC 9155 and the authorities' own rules. */
static enum ptn_cert_fault
check_strength(const struct ptn_tls_cert *facts, struct ptn_error *err)
{
    bool is_rsa =
        facts->key_type == PTN_KEY_OTHER && facts->key_bits > CURVE_MAX;

    if (is_rsa && facts->key_bits < RSA_MIN)
        return ptn_manage_fault(
            PTN_CERT_WEAK, err,
            "the key of %s has %u bits, which can be broken: make one of 2048 "
            "or more (`posternctl cert csr --new-key`), and have it signed",
            facts->subject, (unsigned)facts->key_bits);
    if (facts->weak_signature && !facts->self_signed)
        return ptn_manage_fault(
            PTN_CERT_WEAK, err,
            "the certificate of %s is signed with MD5 or SHA-1, which clients "
            "refuse: have its authority sign it with SHA-256",
            facts->subject);
    return PTN_CERT_GOOD;
}

enum ptn_cert_fault
ptn_manage_check_leaf(const struct ptn_manage *m,
                      const struct ptn_tls_cert *facts, struct ptn_error *err)
{
    if (!m->ops->cert_issued) /* a provider that does not tell of these */
        return PTN_CERT_GOOD;
    if (facts->key_type == PTN_KEY_OTHER && facts->key_bits <= CURVE_MAX)
        return ptn_manage_fault(
            PTN_CERT_UNSUPPORTED, err,
            "the key of %s is of a type that is not served: take RSA, ECDSA "
            "with P-256 or P-384, or Ed25519",
            facts->subject);
    if (!facts->serves)
        return ptn_manage_fault(
            PTN_CERT_PURPOSE, err,
            "the certificate of %s is not for TLS servers: have it signed "
            "with the extended key usage serverAuth",
            facts->subject);
    return check_strength(facts, err);
}

static enum ptn_cert_fault
check_issuers(const struct ptn_manage *m, struct ptn_slice chain,
              struct ptn_error *err)
{
    enum ptn_cert_fault result = PTN_CERT_GOOD;
    struct ptn_slice one;
    bool leaf = true;

    while (result == PTN_CERT_GOOD && ptn_pki_pem_next(&chain, &one)) {
        struct ptn_tls_cert facts = {.not_before = 0};

        if (!leaf && m->ops->cert_parse(m->instance, one, &facts, err) != 0)
            return PTN_CERT_TRUNCATED;
        if (!leaf)
            result = check_dates(&facts, err);
        if (!leaf && result == PTN_CERT_GOOD)
            result = check_strength(&facts, err);
        leaf = false;
    }
    return result;
}

enum ptn_cert_fault
ptn_manage_check(const struct ptn_manage *m, struct ptn_slice chain,
                 struct ptn_slice key, struct ptn_error *err)
{
    struct ptn_tls_cert facts = {.not_before = 0};
    enum ptn_cert_fault result;

    if (m->ops->cert_parse(m->instance, chain, &facts, err) != 0)
        return PTN_CERT_TRUNCATED;
    result = ptn_manage_check_leaf(m, &facts, err);
    if (result == PTN_CERT_GOOD && !ptn_pki_pem_is_locked(key) &&
        m->ops->pair_match(m->instance, chain, key, err) != 0)
        result = PTN_CERT_MISMATCH;
    if (result == PTN_CERT_GOOD)
        result = check_dates(&facts, err);
    return result == PTN_CERT_GOOD ? check_issuers(m, chain, err) : result;
}

enum ptn_cert_fault
ptn_manage_check_parts(const struct ptn_manage *m,
                       const struct ptn_parts *parts, struct ptn_error *err)
{
    struct ptn_slice chain = ptn_buf_slice(&parts->part[PTN_PART_CRT]);
    struct ptn_slice key = ptn_buf_slice(&parts->part[PTN_PART_KEY]);
    enum ptn_cert_fault result = ptn_manage_check(m, chain, key, err);

    if (result == PTN_CERT_GOOD &&
        !ptn_manage_fits(m, parts, PTN_PART_KEY, chain))
        result = ptn_manage_fault(PTN_CERT_MISMATCH, err,
                                  "the key, which is encrypted, is not that "
                                  "of the certificate: import both anew");
    return result;
}
