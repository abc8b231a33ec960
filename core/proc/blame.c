/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A table of functions in the order of their addresses. It is written once,
 * before threads exist.
 */
#include "proc/blame.h"
#include <stdlib.h>

enum {
    FUNCTION_SIZE = 4096, /* of one at the edge of a module's piece */
};

struct function {
    uintptr_t address;
    const char *module;
};

static struct {
    struct function *items;
    size_t count;
    uintptr_t from, to;
} known;

static void
add(void *arg, const char *module, uintptr_t address)
{
    (void)arg;
    if (address < known.from || address >= known.to)
        return; /* it is in a file of its own, or no function */
    known.items =
        ptn_realloc(known.items, (known.count + 1) * sizeof *known.items);
    known.items[known.count++] = (struct function){address, module};
}

static int
compare(const void *a, const void *b)
{
    uintptr_t x = ((const struct function *)a)->address;
    uintptr_t y = ((const struct function *)b)->address;

    return x < y ? -1 : x > y;
}

void
ptn_blame_learn(const struct ptn_modules *modules, uintptr_t from, uintptr_t to)
{
    known.count = 0;
    known.from = from;
    known.to = to;
    ptn_modules_each_function(modules, add, NULL);
    if (known.count > 0)
        qsort(known.items, known.count, sizeof *known.items, compare);
}

/* How near the function is; one that is not there is far. */
static uintptr_t
distance(const struct function *f, uintptr_t address)
{
    if (!f)
        return UINTPTR_MAX;
    return f->address > address ? f->address - address : address - f->address;
}

/* Between two functions of a module all is the module's. Elsewhere the nearer
 * one tells, if it is no farther than functions are long. */
const char *
ptn_blame_find(uintptr_t address)
{
    const struct function *before, *behind, *nearer;
    size_t next = 0;

    while (next < known.count && known.items[next].address <= address)
        next++;
    before = next > 0 ? &known.items[next - 1] : NULL;
    behind = next < known.count ? &known.items[next] : NULL;
    if (before && behind && before->module == behind->module)
        return before->module;
    nearer = distance(before, address) <= distance(behind, address) ? before
                                                                    : behind;
    return distance(nearer, address) < FUNCTION_SIZE ? nearer->module : NULL;
}
