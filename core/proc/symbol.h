/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The name of a function, from the symbols of the file that it lies in.
 */
#ifndef PTN_PROC_SYMBOL_H
#define PTN_PROC_SYMBOL_H

#include <postern/types.h>

/* Writes the name of the function that holds `offset` (an address as the
 * file's own headers count them) into `name`, cut to `size` octets with the
 * NUL. False: the file says nothing of it (it is stripped, say). May be
 * called in a signal handler. */
bool ptn_symbol_find(const char *path, uint64_t offset, char *name,
                     size_t size);

#endif
