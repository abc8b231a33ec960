/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Self-signed certificates that the server makes by itself: on its first
 * start, and when they have expired. In whatever has the keys.
 */
#include "base/clock.h"
#include "pki/manage_inner.h"
#include "pki/pem.h"

/* Whether nothing is there, or what we have signed ourselves has expired. */
static bool
is_due(const struct ptn_manage *m, struct ptn_slice chain)
{
    struct ptn_error ignored = PTN_ERROR_INIT;
    struct ptn_tls_cert facts = {.not_before = 0};

    if (chain.len == 0)
        return true;
    return m->ops->cert_parse(m->instance, chain, &facts, &ignored) == 0 &&
           facts.self_signed && facts.not_after <= ptn_clock_wall_ms() / 1000;
}

static enum ptn_cert_fault
sign_anew(const struct ptn_manage *m, const char *name, struct ptn_error *err)
{
    struct ptn_change change;
    enum ptn_cert_fault result = ptn_change_begin(m, name, &change, err);

    if (result == PTN_CERT_UNKNOWN && ptn_repository_is_name(name))
        result = PTN_CERT_GOOD;
    /* Only who has its passphrase signs with that key. */
    if (result == PTN_CERT_GOOD &&
        ptn_pki_pem_is_locked(ptn_buf_slice(&change.parts.part[PTN_PART_KEY])))
        result = PTN_CERT_PASSPHRASE;
    if (result == PTN_CERT_GOOD)
        result = ptn_manage_sign_anew(m, &change, err);
    ptn_change_free(&change);
    return result;
}

enum ptn_cert_fault
ptn_manage_ensure(const struct ptn_manage *m, const char *name, bool *made,
                  struct ptn_error *err)
{
    enum ptn_cert_fault result = PTN_CERT_FAILED;
    struct ptn_parts parts;

    *made = false;
    if (!ptn_repository_is_name(name))
        return sign_anew(m, name, err); /* which says what is wrong */
    if (ptn_repository_hold(m->repository, err) != 0)
        return PTN_CERT_FAILED;
    if (ptn_repository_read_some(m->repository, name, 1u << PTN_PART_CRT,
                                 &parts, err) == 0) {
        result = PTN_CERT_GOOD;
        if (is_due(m, ptn_buf_slice(&parts.part[PTN_PART_CRT]))) {
            result = sign_anew(m, name, err);
            *made = result == PTN_CERT_GOOD;
            if (result == PTN_CERT_PASSPHRASE) /* its end is warned of */
                result = PTN_CERT_GOOD;
        }
        ptn_parts_free(&parts);
    }
    ptn_repository_release(m->repository);
    return result;
}
