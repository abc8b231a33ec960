/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Provides "postern.tls" with OpenSSL. The instance is made in init, before
 * any other thread exists, and lives as long as the process.
 */
#include "tls_openssl.h"

#include <openssl/conf.h>
#include <postern/module.h>

/* OpenSSL reads a configuration of its own when it is first used. */
static void
allow_configuration(struct ptn_host *host)
{
    char *path = CONF_get1_default_config_file();

    if (path && *path)
        ptn_host_allow_path(host, path, PTN_ACCESS_READ);
    OPENSSL_free(path);
}

static int
init(struct ptn_host *host, const void *options, void **instance,
     struct ptn_error *err)
{
    (void)options;
    struct tls_openssl *self = tls_openssl_new();
    if (!self)
        return tls_openssl_error(err, "OpenSSL does not start");
    allow_configuration(host);
    *instance = self;
    ptn_host_provide(host, PTN_TLS_CONTRACT, PTN_TLS_VERSION, &tls_openssl_ops,
                     self);
    return 0;
}

static const struct ptn_contract provides[] = {
    {PTN_TLS_CONTRACT, PTN_TLS_VERSION},
    {NULL, 0},
};

PTN_MODULE_NOTE(tls_openssl, "0.1.0", "LGPL-2.1-or-later",
                PTN_NOTE_PROVIDES(PTN_TLS_CONTRACT, PTN_TLS_VERSION));

extern const struct ptn_module tls_openssl_LTX_postern_module;
PTN_API const struct ptn_module tls_openssl_LTX_postern_module = {
    PTN_MODULE_HEAD,
    .name = "tls_openssl",
    .version = "0.1.0",
    .license = "LGPL-2.1-or-later",
    .doc = "TLS and certificates by OpenSSL",
    .provides = provides,
    .init = init,
};
