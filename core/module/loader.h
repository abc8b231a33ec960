/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a name to a module's descriptor. Only loader.c sees libltdl.
 */
#ifndef PTN_MODULE_LOADER_H
#define PTN_MODULE_LOADER_H

#include <postern/module.h>

/* Opens FOLDER/NAME.so, or the module NAME that is linked into the program,
 * and checks that this server can host it. NULL with `err`. What was opened
 * stays so until the process ends. Not for two threads at once. */
const struct ptn_module *ptn_loader_open(const char *folder, const char *name,
                                         struct ptn_error *err);

/* Whether the descriptor is fit for this server; -1 with `err`. Reads the
 * fixed first fields alone until they are found to agree. */
int ptn_loader_check(const struct ptn_module *module, const char *name,
                     struct ptn_error *err);

#endif
