/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading the symbol table of an ELF file. The file is read in place with
 * pread(2), nothing is allocated and nothing is kept, so that a crash
 * handler can ask, too. Whatever the file claims is compared with its own
 * limits before it is believed: a file that lies costs a name.
 */
#include "proc/symbol.h"
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SECTIONS_MAX = 4096,
    SYMBOLS_MAX = 1 << 20,
    SYMBOLS_AT_ONCE = 128, /* 3 kB on the stack */
};

static bool
read_at(int fd, uint64_t offset, void *to, size_t size)
{
    return pread(fd, to, size, (off_t)offset) == (ssize_t)size;
}

static bool
is_ours(const ElfW(Ehdr) * head)
{
    return memcmp(head->e_ident, ELFMAG, SELFMAG) == 0 &&
           head->e_ident[EI_CLASS] ==
               (sizeof(ElfW(Addr)) == 8 ? ELFCLASS64 : ELFCLASS32) &&
           head->e_shentsize == sizeof(ElfW(Shdr)) &&
           head->e_shnum <= SECTIONS_MAX;
}

/* The full table, or the one for the dynamic linker where that is gone. */
static bool
find_table(int fd, ElfW(Shdr) * table, ElfW(Shdr) * strings)
{
    ElfW(Ehdr) head;
    ElfW(Shdr) one;
    bool found = false;

    if (!read_at(fd, 0, &head, sizeof head) || !is_ours(&head))
        return false;
    for (unsigned i = 0; i < head.e_shnum; i++) {
        if (!read_at(fd, head.e_shoff + i * sizeof one, &one, sizeof one))
            return false;
        if (one.sh_type == SHT_SYMTAB ||
            (one.sh_type == SHT_DYNSYM && !found)) {
            *table = one;
            found = true;
        }
    }
    return found && table->sh_entsize == sizeof(ElfW(Sym)) &&
           table->sh_link < head.e_shnum &&
           read_at(fd, head.e_shoff + table->sh_link * sizeof one, strings,
                   sizeof *strings);
}

static bool
is_inside(const ElfW(Sym) * symbol, uint64_t offset)
{
    return (symbol->st_info & 0xf) == STT_FUNC && symbol->st_shndx &&
           offset >= symbol->st_value &&
           offset - symbol->st_value < (symbol->st_size ? symbol->st_size : 1);
}

static bool
find_symbol(int fd, const ElfW(Shdr) * table, uint64_t offset,
            ElfW(Sym) * found)
{
    ElfW(Sym) some[SYMBOLS_AT_ONCE];
    uint64_t left = table->sh_size / sizeof some[0], at = table->sh_offset;

    for (left = left < SYMBOLS_MAX ? left : SYMBOLS_MAX; left > 0;) {
        size_t n = left < SYMBOLS_AT_ONCE ? (size_t)left : SYMBOLS_AT_ONCE;

        if (!read_at(fd, at, some, n * sizeof some[0]))
            return false;
        for (size_t i = 0; i < n; i++)
            if (is_inside(&some[i], offset)) {
                *found = some[i];
                return true;
            }
        at += n * sizeof some[0];
        left -= n;
    }
    return false;
}

static bool
read_name(int fd, const ElfW(Shdr) * strings, const ElfW(Sym) * symbol,
          char *name, size_t size)
{
    ssize_t n;

    if (symbol->st_name >= strings->sh_size)
        return false;
    n = pread(fd, name, size - 1,
              (off_t)(strings->sh_offset + symbol->st_name));
    if (n <= 0)
        return false;
    name[n] = '\0';
    return name[0] != '\0';
}

/* The path may come from a child that was taken over: for root, who could be
 * made to read anything, only what nobody else can have written will do, and
 * nothing that waits or acts when it is opened. */
static int
open_program(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;

    if (fd >= 0 &&
        (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
         (geteuid() == 0 && (st.st_uid != 0 || (st.st_mode & S_IWOTH))))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

bool
ptn_symbol_find(const char *path, uint64_t offset, char *name, size_t size)
{
    int fd = open_program(path);
    ElfW(Shdr) table = {0}, strings;
    ElfW(Sym) symbol;
    bool found;

    if (fd < 0)
        return false;
    found = find_table(fd, &table, &strings) &&
            find_symbol(fd, &table, offset, &symbol) &&
            read_name(fd, &strings, &symbol, name, size);
    close(fd);
    return found;
}
