/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a file to the reasons why it cannot be loaded (module/inspect.h). The
 * file is read whole into memory of our own, since one that is mapped could be
 * cut off under us. Texts say what is wrong and what to do.
 */
#include "module/inspect.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <postern/arena.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYMBOL "_LTX_postern_module"

void
ptn_inspect_add(struct ptn_inspection *out, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    if (out->count == PTN_INSPECT_PROBLEMS_MAX)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    ptn_error_set(&out->problems[out->count++], PTN_ERR_MODULE, "%s", text);
}

/* --- who may write it --- */

static int
check_mode(const char *path, const char *what, struct ptn_error *err)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return ptn_error_errno(err, "%s", path);
    if (st.st_mode & S_IWOTH)
        return ptn_error_set(err, PTN_ERR_MODULE,
                             "%s %s is writable by everybody, so nothing is "
                             "loaded from it; run chmod o-w on it",
                             what, path);
    return 0;
}

static int
check_folder(const char *path, const char *what, struct ptn_error *err)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];

    snprintf(folder, sizeof folder, "%.*s",
             slash && slash > path ? (int)(slash - path) : 1,
             slash ? path : ".");
    return check_mode(folder, what, err);
}

int
ptn_inspect_modes(const char *path, struct ptn_error *err)
{
    char target[PATH_MAX];

    if (check_folder(path, "the folder", err) != 0)
        return -1;
    if (!realpath(path, target))
        return ptn_error_errno(err, "%s", path);
    if (check_mode(path, "the module", err) != 0 ||
        check_folder(target, "the folder", err) != 0)
        return strcmp(path, target) == 0
                   ? -1
                   : ptn_error_prefix(err, "%s points to %s", path, target);
    return 0;
}

/* --- what it holds --- */

int
ptn_inspect_abi(const char *name, unsigned major, unsigned minor,
                struct ptn_error *err)
{
    if (major != PTN_ABI_MAJOR)
        return ptn_error_set(
            err, PTN_ERR_MODULE,
            "module %s was built for ABI %u.%u and this server has %u.%u; "
            "install a build of it for ABI %u",
            name, major, minor, PTN_ABI_MAJOR, PTN_ABI_MINOR, PTN_ABI_MAJOR);
    if (minor > PTN_ABI_MINOR)
        return ptn_error_set(
            err, PTN_ERR_MODULE,
            "module %s was built for ABI %u.%u and this server has %u.%u; "
            "upgrade the server, or install an older build of the module",
            name, major, minor, PTN_ABI_MAJOR, PTN_ABI_MINOR);
    return 0;
}

static void
check_abi(struct ptn_inspection *out, unsigned major, unsigned minor)
{
    struct ptn_error err = PTN_ERROR_INIT;

    if (ptn_inspect_abi(out->name, major, minor, &err) != 0)
        ptn_inspect_add(out, "%s", err.text);
}

static void
check_target(const char *path, struct ptn_elf *elf, struct ptn_inspection *out)
{
    struct ptn_elf host;
    char ours[64];

    ptn_elf_machine_text(elf, out->machine, sizeof out->machine);
    if (!ptn_elf_is_native(elf, &host)) {
        ptn_elf_machine_text(&host, ours, sizeof ours);
        ptn_inspect_add(out,
                        "%s was built for %s, and this server for %s; install "
                        "the build for %s",
                        path, out->machine, ours, ours);
    } else if (elf->type != ET_DYN) {
        ptn_inspect_add(out,
                        "%s is an ELF file, but no shared object; link it "
                        "with -shared",
                        path);
    }
}

/* A module without a note: the first words of its descriptor are constants
 * (postern/module.h), so they can be read where they lie. */
static void
read_descriptor(struct ptn_elf *elf, uint64_t at, struct ptn_inspection *out)
{
    if (!at || ptn_elf_number(elf, at, 4) != PTN_MODULE_MAGIC)
        return;
    out->abi_major = (uint16_t)ptn_elf_number(elf, at + 4, 2);
    out->abi_minor = (uint16_t)ptn_elf_number(elf, at + 6, 2);
    out->has_abi = !elf->broken;
    if (out->has_abi)
        check_abi(out, out->abi_major, out->abi_minor);
}

static void
check_contents(const char *path, struct ptn_elf *elf,
               struct ptn_inspection *out)
{
    struct ptn_elf_symbol symbol;
    char name[sizeof out->name + sizeof SYMBOL];

    out->noted = ptn_note_find(elf, out->name, &out->note);
    if (out->noted == PTN_NOTE_MALFORMED)
        ptn_inspect_add(
            out, "%s has a note that cannot be read; build it again", path);
    if (out->noted == PTN_NOTE_FOUND) {
        check_abi(out, out->note.abi_major, out->note.abi_minor);
        if (strcmp(out->note.name, out->name) != 0)
            ptn_inspect_add(out,
                            "%s holds a module that calls itself \"%s\"; give "
                            "the file that name",
                            path, out->note.name);
    }
    if (out->count > 0)
        return;
    snprintf(name, sizeof name, "%s" SYMBOL, out->name);
    if (!ptn_elf_find(elf, ptn_slice_of(name), &symbol))
        ptn_inspect_add(out, "%s is not a module: it has no symbol %s", path,
                        name);
    else if (out->noted == PTN_NOTE_NONE)
        read_descriptor(elf, symbol.offset, out);
}

static void
take_name(const char *path, struct ptn_inspection *out)
{
    const char *base = strrchr(path, '/');
    size_t len;

    *out = (struct ptn_inspection){.noted = PTN_NOTE_NONE};
    base = base ? base + 1 : path;
    len = strlen(base);
    if (len < 4 || strcmp(base + len - 3, ".so") != 0 ||
        len - 3 >= sizeof out->name) {
        ptn_inspect_add(out,
                        "%s is not the name of a module: that ends with "
                        "\".so\" and has at most %d characters before",
                        path, PTN_NOTE_WORD_MAX);
        return;
    }
    memcpy(out->name, base, len - 3);
}

static void
inspect_octets(const char *path, struct ptn_elf *elf, struct ptn_slice octets,
               struct ptn_inspection *out)
{
    struct ptn_error err = PTN_ERROR_INIT;

    if (ptn_elf_open(elf, octets.data, octets.len, &err) != 0) {
        ptn_inspect_add(out, "%s %s; install it again", path, err.text);
        return;
    }
    check_target(path, elf, out);
    if (out->count == 0)
        check_contents(path, elf, out);
}

void
ptn_inspect_octets(const char *path, const void *data, size_t size,
                   struct ptn_inspection *out)
{
    struct ptn_elf elf;

    take_name(path, out);
    if (out->count == 0)
        inspect_octets(path, &elf, (struct ptn_slice){data, size}, out);
}

/* --- the file --- */

/* NULL with `err`. */
static uint8_t *
slurp(const char *path, size_t *size, struct ptn_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    uint8_t *data = NULL;
    struct stat st;

    *size = 0;
    if (fd < 0 || fstat(fd, &st) != 0) {
        ptn_error_errno(err, "%s cannot be read", path);
    } else if (!S_ISREG(st.st_mode) || st.st_size > PTN_MODULE_FILE_MAX) {
        ptn_error_set(err, PTN_ERR_MODULE, "%s is %s, and no module", path,
                      S_ISREG(st.st_mode) ? "larger than 256 MiB"
                                          : "not a regular file");
    } else {
        ssize_t n = 1;

        data = ptn_alloc((size_t)st.st_size + 1);
        while (*size < (size_t)st.st_size && n > 0) {
            n = read(fd, data + *size, (size_t)st.st_size - *size);
            *size += n > 0 ? (size_t)n : 0;
        }
    }
    if (fd >= 0)
        close(fd);
    return data;
}

void
ptn_inspect(const char *path, bool imports, struct ptn_inspection *out)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_elf elf;
    uint8_t *data;
    size_t size;

    take_name(path, out);
    if (out->count == 0 && ptn_inspect_modes(path, &err) != 0)
        out->problems[out->count++] = err;
    if (out->count > 0)
        return;
    data = slurp(path, &size, &err);
    if (!data) {
        out->problems[out->count++] = err;
        return;
    }
    inspect_octets(path, &elf, (struct ptn_slice){(const char *)data, size},
                   out);
    if (imports && out->count == 0)
        ptn_inspect_imports(path, &elf, out);
    ptn_free(data);
}
