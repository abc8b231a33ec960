/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Modules of a test are linked with it: none is opened. Its descriptor is
 * checked as the server would.
 */
#include "module/loader.h"
#include "harness/inner.h"
#include "module/inspect.h"

static const struct ptn_module *const *modules;

void
ptn_harness_set_modules(const struct ptn_module *const *all)
{
    modules = all;
}

const struct ptn_module *
ptn_loader_open(const char *folder, const char *name, struct ptn_error *err)
{
    (void)folder;
    for (size_t i = 0; modules && modules[i]; i++)
        if (modules[i]->name && strcmp(modules[i]->name, name) == 0)
            return ptn_loader_check(modules[i], name, err) == 0 ? modules[i]
                                                                : NULL;
    ptn_error_set(err, PTN_ERR_MODULE,
                  "there is no module \"%s\" in this test; name it in the "
                  "modules of ptn_test_new",
                  name);
    return NULL;
}
