/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whose code lies where, in a program that has its modules linked in. There,
 * no file tells them apart; but the code of one module is in one piece, and
 * functions of each are known: those that its descriptor and what it
 * provides point to.
 */
#ifndef PTN_PROC_BLAME_H
#define PTN_PROC_BLAME_H

#include "module/modules.h"

/* Learns the functions of modules that lie between the two addresses. Main
 * thread, before others exist. The modules' names are kept, as they are. */
void ptn_blame_learn(const struct ptn_modules *modules, uintptr_t from,
                     uintptr_t to);

/* The module that the code belongs to, or NULL. May be called in a signal
 * handler. */
const char *ptn_blame_find(uintptr_t address);

#endif
