/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A repository without certificates, so that the tree links before the real
 * one is there: weak, and gone with it.
 */
#include "pki/pki.h"

__attribute__((weak)) struct ptn_pki_binding *
ptn_pki_binding(struct ptn_pki *pki, const struct ptn_listener_conf *conf)
{
    (void)pki;
    (void)conf;
    return NULL;
}

__attribute__((weak)) struct ptn_tls_context *
ptn_pki_context(const struct ptn_pki_binding *binding,
                const struct ptn_tls_ops **ops, void **instance)
{
    (void)binding;
    (void)ops;
    (void)instance;
    return NULL;
}
