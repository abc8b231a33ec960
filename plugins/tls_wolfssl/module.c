/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Provides "postern.tls" with wolfSSL. The library is set up in init, before
 * any other thread exists; nothing else here has effects.
 */
#include "tls_wolfssl.h"

#include <postern/module.h>

static int
init(struct ptn_host *host, const void *options, void **instance,
     struct ptn_error *err)
{
    (void)options;
    int rc = wolfSSL_Init();
    if (rc != WOLFSSL_SUCCESS)
        return tls_wolfssl_error(err, "wolfSSL does not start", rc);
    *instance = NULL;
    ptn_host_provide(host, PTN_TLS_CONTRACT, PTN_TLS_VERSION, &tls_wolfssl_ops,
                     NULL);
    return 0;
}

static const struct ptn_contract provides[] = {
    {PTN_TLS_CONTRACT, PTN_TLS_VERSION},
    {NULL, 0},
};

PTN_MODULE_NOTE(tls_wolfssl, "0.1.0", "LGPL-2.1-or-later",
                PTN_NOTE_PROVIDES(PTN_TLS_CONTRACT, PTN_TLS_VERSION));

extern const struct ptn_module tls_wolfssl_LTX_postern_module;
PTN_API const struct ptn_module tls_wolfssl_LTX_postern_module = {
    PTN_MODULE_HEAD,
    .name = "tls_wolfssl",
    .version = "0.1.0",
    .license = "LGPL-2.1-or-later",
    .doc = "TLS and certificates by wolfSSL",
    .provides = provides,
    .init = init,
};
