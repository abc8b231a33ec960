/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Allocation that ends the process instead of failing, and wiping. What a
 * peer can make grow is bounded by named limits before it comes here, so an
 * empty heap means a machine that is too small; its supervisor restarts the
 * worker. Callable from any thread.
 */
#include "base/memory.h"
#include <assert.h>
#include <postern/arena.h>
#include <postern/buf.h>
#include <stdlib.h>
#include <unistd.h>

/* The only thing that base remembers: whom to tell has to be known when
 * nothing can be asked for any more. */
static void (*last_word)(const void *arg);
static const void *last_arg;

void
ptn_memory_on_exhausted(void (*fn)(const void *arg), const void *arg)
{
    last_word = fn;
    last_arg = arg;
}

static _Noreturn void
out_of_memory(void)
{
    static const char text[] = "postern: out of memory\n";

    /* write, as stdio may want memory itself. */
    ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);
    (void)ignored;
    if (last_word)
        last_word(last_arg);
    abort();
}

void *
ptn_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);

    if (!p)
        out_of_memory();
    return p;
}

void *
ptn_realloc(void *old, size_t size)
{
    void *p = realloc(old, size ? size : 1);

    if (!p)
        out_of_memory();
    return p;
}

char *
ptn_strdup(const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(ptn_alloc(size), text, size);
}

void
ptn_free(void *ptr)
{
    free(ptr);
}

void
ptn_wipe(void *data, size_t len)
{
    if (len == 0)
        return;
    memset(data, 0, len);
    /* The compiler must take the memory for used after this. */
    __asm__ __volatile__("" : : "r"(data) : "memory");
}
