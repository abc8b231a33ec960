/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The reader of module/elf.h. All access to the file is ptn_elf_number and
 * piece(); both refuse what lies outside. The layout of both classes is taken
 * from <elf.h>; the structs themselves are never laid over the file.
 */
#include "module/elf.h"
#include <elf.h>
#include <link.h>
#include <stdio.h>

#define OFFSET(e, T, m)                                                        \
    ((e)->wide ? offsetof(Elf64_##T, m) : offsetof(Elf32_##T, m))
#define WIDTH(e, T, m)                                                         \
    ((e)->wide ? sizeof(((Elf64_##T *)0)->m) : sizeof(((Elf32_##T *)0)->m))
#define FIELD(e, at, T, m)                                                     \
    ptn_elf_number((e), (at) + OFFSET(e, T, m), WIDTH(e, T, m))
#define SIZE(e, T) ((e)->wide ? sizeof(Elf64_##T) : sizeof(Elf32_##T))

#define NOTE_HEAD 12u /* three words of 4 octets in both classes */

struct segment {
    uint64_t type, offset, address, size;
};

static bool
is_inside(const struct ptn_elf *e, uint64_t at, uint64_t n)
{
    return at <= e->size && n <= e->size - at;
}

uint64_t
ptn_elf_number(struct ptn_elf *e, uint64_t at, size_t n)
{
    uint64_t value = 0;

    if (!is_inside(e, at, n)) {
        e->broken = true;
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        value = value << 8 | e->data[at + (e->big ? i : n - 1 - i)];
    return value;
}

static struct ptn_slice
piece(struct ptn_elf *e, uint64_t at, uint64_t n)
{
    if (is_inside(e, at, n))
        return (struct ptn_slice){(const char *)e->data + at, (size_t)n};
    e->broken = true;
    return (struct ptn_slice){"", 0};
}

static struct segment
segment_at(struct ptn_elf *e, uint64_t index)
{
    uint64_t at = e->segments + index * e->segment_size;
    struct segment s = {
        FIELD(e, at, Phdr, p_type),
        FIELD(e, at, Phdr, p_offset),
        FIELD(e, at, Phdr, p_vaddr),
        FIELD(e, at, Phdr, p_filesz),
    };

    return s;
}

/* Where the octet with this address lies in the file; 0 when nowhere. */
static uint64_t
offset_of(struct ptn_elf *e, uint64_t address)
{
    for (uint64_t i = 0; i < e->segment_count; i++) {
        struct segment s = segment_at(e, i);

        if (s.type == PT_LOAD && address >= s.address &&
            address - s.address < s.size && is_inside(e, s.offset, s.size))
            return s.offset + (address - s.address);
    }
    return 0;
}

/* --- the dynamic section --- */

static uint64_t
dynamic_value(struct ptn_elf *e, uint64_t tag)
{
    uint64_t size = SIZE(e, Dyn);

    for (uint64_t at = 0; at + size <= e->dynamic_size; at += size) {
        uint64_t found = FIELD(e, e->dynamic + at, Dyn, d_tag);

        if (found == tag)
            return FIELD(e, e->dynamic + at, Dyn, d_un.d_val);
        if (found == DT_NULL)
            break;
    }
    return 0;
}

/* The table does not say how long the symbol table is: the last chain of the
 * hash that goes with it does. */
static uint64_t
count_gnu(struct ptn_elf *e, uint64_t hash)
{
    uint64_t buckets = ptn_elf_number(e, hash, 4);
    uint64_t first = ptn_elf_number(e, hash + 4, 4);
    uint64_t bloom = ptn_elf_number(e, hash + 8, 4) * (e->wide ? 8 : 4);
    uint64_t at = hash + 16 + bloom, last = 0;

    if (!is_inside(e, at, buckets * 4)) {
        e->broken = true;
        return 0;
    }
    for (uint64_t i = 0; i < buckets; i++) {
        uint64_t begins = ptn_elf_number(e, at + i * 4, 4);

        last = begins > last ? begins : last;
    }
    if (last < first)
        return first;
    at += buckets * 4;
    while (!e->broken && !(ptn_elf_number(e, at + (last - first) * 4, 4) & 1))
        last++;
    return last + 1;
}

static uint64_t
count_symbols(struct ptn_elf *e)
{
    uint64_t gnu = offset_of(e, dynamic_value(e, DT_GNU_HASH));
    uint64_t old = offset_of(e, dynamic_value(e, DT_HASH));
    uint64_t count =
        gnu ? count_gnu(e, gnu) : (old ? ptn_elf_number(e, old + 4, 4) : 0);

    if (is_inside(e, e->symbols, count * SIZE(e, Sym)))
        return count;
    e->broken = true;
    return 0;
}

static void
read_dynamic(struct ptn_elf *e)
{
    for (uint64_t i = 0; i < e->segment_count && !e->dynamic_size; i++) {
        struct segment s = segment_at(e, i);

        if (s.type != PT_DYNAMIC || !is_inside(e, s.offset, s.size))
            continue;
        e->dynamic = s.offset;
        e->dynamic_size = s.size;
    }
    e->strings = offset_of(e, dynamic_value(e, DT_STRTAB));
    e->string_size = e->strings ? dynamic_value(e, DT_STRSZ) : 0;
    if (!is_inside(e, e->strings, e->string_size)) {
        e->broken = true;
        e->string_size = 0;
    }
    e->symbols = offset_of(e, dynamic_value(e, DT_SYMTAB));
    if (e->symbols)
        e->symbol_count = count_symbols(e);
}

/* --- opening --- */

static int
read_head(struct ptn_elf *e, struct ptn_error *err)
{
    e->wide = e->data[EI_CLASS] == ELFCLASS64;
    e->big = e->data[EI_DATA] == ELFDATA2MSB;
    if (e->size < SIZE(e, Ehdr))
        return ptn_error_set(err, PTN_ERR_MODULE,
                             "is cut off inside its ELF header");
    e->type = (unsigned)FIELD(e, 0, Ehdr, e_type);
    e->machine = (unsigned)FIELD(e, 0, Ehdr, e_machine);
    e->segments = FIELD(e, 0, Ehdr, e_phoff);
    e->segment_size = FIELD(e, 0, Ehdr, e_phentsize);
    e->segment_count = FIELD(e, 0, Ehdr, e_phnum);
    if (e->segment_count > PTN_ELF_SEGMENTS_MAX ||
        (e->segment_count > 0 && e->segment_size < SIZE(e, Phdr)) ||
        !is_inside(e, e->segments, e->segment_count * e->segment_size))
        return ptn_error_set(err, PTN_ERR_MODULE,
                             "has a table of segments that does not lie "
                             "inside the file");
    return 0;
}

int
ptn_elf_open(struct ptn_elf *e, const void *data, size_t size,
             struct ptn_error *err)
{
    *e = (struct ptn_elf){.data = data, .size = size};
    if (size < EI_NIDENT || memcmp(data, ELFMAG, SELFMAG) != 0)
        return ptn_error_set(err, PTN_ERR_MODULE,
                             "does not begin as an ELF file does");
    if ((e->data[EI_CLASS] != ELFCLASS32 && e->data[EI_CLASS] != ELFCLASS64) ||
        (e->data[EI_DATA] != ELFDATA2LSB && e->data[EI_DATA] != ELFDATA2MSB))
        return ptn_error_set(err, PTN_ERR_MODULE,
                             "is of a class of ELF files that nobody knows");
    if (read_head(e, err) != 0)
        return -1;
    read_dynamic(e);
    if (e->broken)
        return ptn_error_set(err, PTN_ERR_MODULE,
                             "has tables that do not lie inside the file");
    return 0;
}

/* --- what it holds --- */

/* Moves on to the next segment of notes. */
static bool
next_segment(struct ptn_elf *e, struct ptn_elf_note *note)
{
    while (note->segment < e->segment_count) {
        struct segment s = segment_at(e, note->segment++);

        if (s.type != PT_NOTE || !is_inside(e, s.offset, s.size))
            continue;
        note->at = s.offset;
        note->end = s.offset + s.size;
        return true;
    }
    return false;
}

static uint64_t
padded(uint64_t n)
{
    return (n + 3) & ~UINT64_C(3);
}

/* The note that begins at note->at, if it ends before note->end. */
static bool
take_note(struct ptn_elf *e, struct ptn_elf_note *note)
{
    uint64_t owner = ptn_elf_number(e, note->at, 4);
    uint64_t text = ptn_elf_number(e, note->at + 4, 4);
    uint64_t rest = note->end - note->at - NOTE_HEAD;

    note->type = (uint32_t)ptn_elf_number(e, note->at + 8, 4);
    if (padded(owner) > rest || text > rest - padded(owner))
        return false;
    note->owner = piece(e, note->at + NOTE_HEAD, owner ? owner - 1 : 0);
    note->text = piece(e, note->at + NOTE_HEAD + padded(owner), text);
    rest -= padded(owner);
    note->at =
        padded(text) < rest ? note->end - rest + padded(text) : note->end;
    return true;
}

/* A segment whose notes do not add up is left there; the next may be good. */
bool
ptn_elf_next_note(struct ptn_elf *e, struct ptn_elf_note *note)
{
    for (;;) {
        while (note->end - note->at < NOTE_HEAD)
            if (!next_segment(e, note))
                return false;
        if (take_note(e, note))
            return true;
        note->at = note->end;
    }
}

static struct ptn_slice
string_at(struct ptn_elf *e, uint64_t at)
{
    struct ptn_slice all = piece(e, e->strings, e->string_size);
    const char *end;

    if (at >= all.len)
        return PTN_SLICE("");
    all = ptn_slice_sub(all, (size_t)at, all.len - (size_t)at);
    end = memchr(all.data, '\0', all.len);
    return (struct ptn_slice){all.data, end ? (size_t)(end - all.data) : 0};
}

bool
ptn_elf_next_string(struct ptn_elf *e, uint64_t tag, uint64_t *at,
                    struct ptn_slice *out)
{
    uint64_t size = SIZE(e, Dyn);

    for (; *at + size <= e->dynamic_size; *at += size) {
        uint64_t found = FIELD(e, e->dynamic + *at, Dyn, d_tag);

        if (found == DT_NULL)
            return false;
        if (found != tag)
            continue;
        *out = string_at(e, FIELD(e, e->dynamic + *at, Dyn, d_un.d_val));
        *at += size;
        return true;
    }
    return false;
}

bool
ptn_elf_symbol(struct ptn_elf *e, uint64_t index, struct ptn_elf_symbol *out)
{
    uint64_t at = e->symbols + index * SIZE(e, Sym);
    unsigned info;

    if (index >= e->symbol_count)
        return false;
    info = (unsigned)FIELD(e, at, Sym, st_info);
    out->name = string_at(e, FIELD(e, at, Sym, st_name));
    out->weak = ELF64_ST_BIND(info) == STB_WEAK;
    out->defined = FIELD(e, at, Sym, st_shndx) != SHN_UNDEF &&
                   ELF64_ST_BIND(info) != STB_LOCAL;
    out->offset = out->defined ? offset_of(e, FIELD(e, at, Sym, st_value)) : 0;
    return out->name.len > 0;
}

bool
ptn_elf_find(struct ptn_elf *e, struct ptn_slice name,
             struct ptn_elf_symbol *out)
{
    for (uint64_t i = 1; i < e->symbol_count; i++)
        if (ptn_elf_symbol(e, i, out) && out->defined &&
            ptn_slice_eq(out->name, name))
            return true;
    return false;
}

/* --- for whom it was built --- */

static const struct {
    unsigned number;
    const char *name;
} machines[] = {
    {EM_X86_64, "x86-64"},    {EM_AARCH64, "ARM64"}, {EM_386, "x86"},
    {EM_ARM, "ARM"},          {EM_RISCV, "RISC-V"},  {EM_PPC64, "POWER"},
    {EM_S390, "IBM Z"},       {EM_MIPS, "MIPS"},     {EM_PPC, "PowerPC"},
    {EM_SPARCV9, "SPARC V9"}, {EM_68K, "68000"},
};

void
ptn_elf_machine_text(const struct ptn_elf *e, char *out, size_t size)
{
    const char *name = NULL;
    char number[32];

    snprintf(number, sizeof number, "machine %u", e->machine);
    for (size_t i = 0; i < PTN_COUNT(machines); i++)
        if (machines[i].number == e->machine)
            name = machines[i].name;
    snprintf(out, size, "%s, %d bit%s", name ? name : number, e->wide ? 64 : 32,
             e->big ? ", big-endian" : "");
}

/* The header of the object that this code is in; the linker defines it. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

bool
ptn_elf_is_native(const struct ptn_elf *e, struct ptn_elf *host)
{
    *host = (struct ptn_elf){
        .wide = __ehdr_start.e_ident[EI_CLASS] == ELFCLASS64,
        .big = __ehdr_start.e_ident[EI_DATA] == ELFDATA2MSB,
        .machine = __ehdr_start.e_machine,
    };
    return e->wide == host->wide && e->big == host->big &&
           e->machine == host->machine;
}
