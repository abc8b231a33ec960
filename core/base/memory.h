/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A last word when there is no memory (postern/arena.h has the functions).
 */
#ifndef PTN_BASE_MEMORY_H
#define PTN_BASE_MEMORY_H

/* Calls fn(arg) before the process ends for want of memory, in whatever
 * thread that is; it must not allocate. For the whole process, before there
 * are threads; NULL: nobody is called. */
void ptn_memory_on_exhausted(void (*fn)(const void *arg), const void *arg);

#endif
