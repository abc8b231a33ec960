/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fuzz target: whatever a file may hold that somebody calls a module.
 */
#include "module/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ptn_inspection seen;
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_elf_symbol symbol;
    struct ptn_slice name;
    struct ptn_elf elf;
    uint64_t at = 0;

    ptn_inspect_octets("tiny.so", data, size, &seen);
    if (ptn_elf_open(&elf, data, size, &err) != 0)
        return 0;
    while (ptn_elf_next_string(&elf, 1, &at, &name))
        continue;
    ptn_elf_find(&elf, PTN_SLICE("nobody"), &symbol);
    return 0;
}
