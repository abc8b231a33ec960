/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads what a shared object says of itself without loading it: notes,
 * libraries, dynamic symbols. 32 and 64 bit, either byte order. The file may
 * be anything: every offset in it is checked, every loop is bounded by its
 * size. No state but the struct; any thread.
 */
#ifndef PTN_MODULE_ELF_H
#define PTN_MODULE_ELF_H

#include <postern/error.h>
#include <postern/types.h>

#define PTN_ELF_SEGMENTS_MAX 128 /* of a file; linkers make a dozen */

struct ptn_elf {
    const uint8_t *data; /* the caller's, as long as the struct is used */
    size_t size;
    bool wide;   /* 64 bit */
    bool big;    /* the highest octet first */
    bool broken; /* something pointed outside the file */
    unsigned type, machine;
    uint64_t segments, segment_size, segment_count;
    /* The dynamic section's, as offsets in the file; 0: there is none. */
    uint64_t strings, string_size, symbols, symbol_count;
    uint64_t dynamic, dynamic_size;
};

/* -1: `data` is no ELF file, or a damaged one; `err` says which. */
int ptn_elf_open(struct ptn_elf *elf, const void *data, size_t size,
                 struct ptn_error *err);

struct ptn_elf_note {
    struct ptn_slice owner, text; /* `owner` without its NUL */
    uint32_t type;
    uint64_t at, end; /* of the search; begin with a zeroed struct */
    uint64_t segment;
};
/* The next note of the file; false when there is no further one. */
bool ptn_elf_next_note(struct ptn_elf *elf, struct ptn_elf_note *note);

/* The string of the dynamic entry `tag` (DT_NEEDED, DT_RUNPATH), the one
 * after `*at`, which begins with 0; false when there is no further one. */
bool ptn_elf_next_string(struct ptn_elf *elf, uint64_t tag, uint64_t *at,
                         struct ptn_slice *out);

struct ptn_elf_symbol {
    struct ptn_slice name;
    bool defined;    /* here, for others to see */
    bool weak;       /* it may be missing */
    uint64_t offset; /* of its data in the file; 0 when it has none */
};
/* The dynamic symbol number `index`, from 1; false when it has no name. */
bool ptn_elf_symbol(struct ptn_elf *elf, uint64_t index,
                    struct ptn_elf_symbol *out);
/* The one with this name, as it is defined here. */
bool ptn_elf_find(struct ptn_elf *elf, struct ptn_slice name,
                  struct ptn_elf_symbol *out);

/* "x86-64, 64 bit"; for `out` of at least 64 octets. */
void ptn_elf_machine_text(const struct ptn_elf *elf, char *out, size_t size);
/* Whether this process could map it; `host` gets what this process is. */
bool ptn_elf_is_native(const struct ptn_elf *elf, struct ptn_elf *host);

/* `n` octets (1, 2, 4, 8) as a number; 0 and `broken` outside the file. */
uint64_t ptn_elf_number(struct ptn_elf *elf, uint64_t at, size_t n);

#endif
