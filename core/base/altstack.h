/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A second stack for a thread, on which its handlers of signals run: what is
 * to be handled may be that the first one has overflowed.
 */
#ifndef PTN_BASE_ALTSTACK_H
#define PTN_BASE_ALTSTACK_H

/* For the calling thread. NULL: there is no memory for it; handlers run on
 * its ordinary stack. It costs address space alone until it is used. */
void *ptn_altstack_open(void);
/* Before the thread ends; NULL is nothing. */
void ptn_altstack_close(void *stack);

#endif
