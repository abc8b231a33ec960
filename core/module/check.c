/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whether a descriptor is one that this server can host: the last check of a
 * module that came as a file, and the only one of those that are linked in.
 */
#include "module/inspect.h"
#include "module/loader.h"

int
ptn_loader_check(const struct ptn_module *module, const char *name,
                 struct ptn_error *err)
{
    if (module->magic != PTN_MODULE_MAGIC)
        return ptn_error_set(err, PTN_ERR_MODULE,
                             "%s is not a module of this server: its "
                             "descriptor does not begin with the magic number",
                             name);
    if (ptn_inspect_abi(name, module->abi_major, module->abi_minor, err) != 0)
        return -1;
    if (module->size < offsetof(struct ptn_module, stop) + sizeof(module->stop))
        return ptn_error_set(err, PTN_ERR_MODULE,
                             "the descriptor of module %s is too small for "
                             "ABI %u.%u; build it again",
                             name, module->abi_major, module->abi_minor);
    if (!module->name || strcmp(module->name, name) != 0)
        return ptn_error_set(err, PTN_ERR_MODULE,
                             "%s.so holds a module that calls itself \"%s\"; "
                             "give the file that name",
                             name, module->name ? module->name : "");
    return 0;
}
