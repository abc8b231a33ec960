/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The module as the loader sees it: it offers the protocol "imap" and needs
 * a mail store. Its instance holds what all sessions of a process share.
 */
#include "imap.h"

#include <postern/module.h>

static const struct ptn_option module_options[] = {
    PTN_OPTION(struct imap_module_options, uploads, .type = PTN_OPT_SIZE,
               .preset = "128M", .min = 1024 * 1024,
               .max = INT64_C(64) * 1024 * 1024 * 1024,
               .doc = "Octets of messages that one worker takes in by APPEND "
                      "at the same time; over it APPEND is refused for now."),
    PTN_OPTION_END,
};

static int
module_init(struct ptn_host *host, const void *options, void **instance,
            struct ptn_error *err)
{
    struct imap_module *module = ptn_alloc(sizeof(*module));
    const void *store;

    module->options = options;
    if (!ptn_host_find(host, PTN_STORE_CONTRACT, PTN_STORE_VERSION, &store,
                       &module->vault)) {
        ptn_free(module);
        return ptn_error_set(err, PTN_ERR_MODULE,
                             "imap: no loaded module provides %s version %d",
                             PTN_STORE_CONTRACT, PTN_STORE_VERSION);
    }
    module->store = store;
    ptn_host_provide(host, PTN_PROTOCOL_CONTRACT, PTN_PROTOCOL_VERSION,
                     &imap_protocol, module);
    *instance = module;
    return 0;
}

static void
module_stop(void *instance)
{
    ptn_free(instance);
}

static const struct ptn_contract needs[] = {
    {PTN_STORE_CONTRACT, PTN_STORE_VERSION},
    {NULL, 0},
};

static const struct ptn_contract provides[] = {
    {PTN_PROTOCOL_CONTRACT, PTN_PROTOCOL_VERSION},
    {NULL, 0},
};

PTN_MODULE_NOTE(imap, "1.0", "LGPL-2.1-or-later",
                PTN_NOTE_NEEDS(PTN_STORE_CONTRACT, PTN_STORE_VERSION)
                    PTN_NOTE_PROVIDES(PTN_PROTOCOL_CONTRACT,
                                      PTN_PROTOCOL_VERSION));

extern const struct ptn_module imap_LTX_postern_module;

PTN_API const struct ptn_module imap_LTX_postern_module = {
    PTN_MODULE_HEAD,
    .name = "imap",
    .version = "1.0",
    .license = "LGPL-2.1-or-later",
    .doc = "IMAP4rev1 (RFC 3501) with the extensions that clients use",
    .needs = needs,
    .provides = provides,
    .options = module_options,
    .options_size = sizeof(struct imap_module_options),
    .init = module_init,
    .stop = module_stop,
};
