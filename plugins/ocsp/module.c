/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The descriptor of the plugin: it checks responses wherever it is loaded,
 * and fetches them in the envoy. Main thread.
 */
#include "ocsp.h"
#include <postern/arena.h>

static const struct ptn_ocsp_ops checker = {
    .size = sizeof checker,
    .check = ocsp_check,
};

static int
refuse_source(void *instance, const struct ptn_errand_certificate *certificate,
              struct ptn_error *err)
{
    (void)instance;
    (void)certificate;
    return ptn_error_set(err, PTN_ERR_CONFIG,
                         "ocsp obtains no certificates: that is no source");
}

static const struct ptn_errand errand = {
    .size = sizeof errand,
    .name = "ocsp",
    .check = refuse_source,
    .run = ocsp_run,
};

static int
ocsp_init(struct ptn_host *host, const void *options, void **instance,
          struct ptn_error *err)
{
    struct ocsp *o = ptn_alloc(sizeof *o);
    struct ptn_buf folder = PTN_BUF_INIT;

    (void)options, (void)err;
    ptn_buf_printf(&folder, "%s/ocsp", ptn_host_state_dir(host));
    o->host = host;
    o->folder = ptn_strdup(ptn_buf_cstr(&folder));
    ptn_buf_free(&folder);
    ptn_host_allow_path(host, o->folder,
                        PTN_ACCESS_READ | PTN_ACCESS_WRITE | PTN_ACCESS_FOLDER);
    ptn_host_provide(host, PTN_OCSP_CONTRACT, PTN_OCSP_VERSION, &checker, o);
    ptn_host_provide(host, PTN_ERRAND_CONTRACT, PTN_ERRAND_VERSION, &errand, o);
    *instance = o;
    return 0;
}

static void
ocsp_stop(void *instance)
{
    ocsp_free(instance);
}

static const struct ptn_contract provides[] = {
    {PTN_OCSP_CONTRACT, PTN_OCSP_VERSION},
    {PTN_ERRAND_CONTRACT, PTN_ERRAND_VERSION},
    {NULL, 0},
};

PTN_MODULE_NOTE(ocsp, "1.0", "LGPL-2.1-or-later",
                PTN_NOTE_PROVIDES(PTN_OCSP_CONTRACT, PTN_OCSP_VERSION)
                    PTN_NOTE_PROVIDES(PTN_ERRAND_CONTRACT, PTN_ERRAND_VERSION));

extern const struct ptn_module ocsp_LTX_postern_module;
PTN_API const struct ptn_module ocsp_LTX_postern_module = {
    PTN_MODULE_HEAD,
    .name = "ocsp",
    .version = "1.0",
    .license = "LGPL-2.1-or-later",
    .doc = "OCSP responses for stapling",
    .provides = provides,
    .init = ocsp_init,
    .stop = ocsp_stop,
};
