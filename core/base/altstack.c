/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Alternate signal stacks. Any thread, for itself.
 */
#include "base/altstack.h"
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>

enum {
    STACK_SIZE = 128 * 1024, /* a report, its log line, and wide registers */
};

void *
ptn_altstack_open(void)
{
    stack_t stack = {.ss_size = STACK_SIZE};

    stack.ss_sp = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack.ss_sp == MAP_FAILED)
        return NULL;
    if (sigaltstack(&stack, NULL) == 0)
        return stack.ss_sp;
    munmap(stack.ss_sp, STACK_SIZE);
    return NULL;
}

void
ptn_altstack_close(void *stack)
{
    const stack_t none = {.ss_flags = SS_DISABLE};

    if (!stack)
        return;
    (void)sigaltstack(&none, NULL);
    munmap(stack, STACK_SIZE);
}
