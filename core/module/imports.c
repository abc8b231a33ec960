/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a module's file needs from outside: libraries, looked for in the
 * folders of the system's loader, and functions of this server. Opens
 * libraries as files only; none of their code runs either.
 */
#include "module/inspect.h"
#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <postern/arena.h>
#include <postern/buf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDERS_MAX 64
#define LIBRARIES_MAX 64
#define UNKNOWN_MAX 4 /* functions named one by one */

struct folders {
    char *items[FOLDERS_MAX];
    size_t count;
};

static void
add_folder(struct folders *f, struct ptn_slice path)
{
    if (f->count == FOLDERS_MAX || path.len == 0)
        return;
    f->items[f->count] = ptn_alloc(path.len + 1);
    memcpy(f->items[f->count], path.data, path.len);
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->items[i], f->items[f->count]) == 0) {
            ptn_free(f->items[f->count]);
            return;
        }
    f->count++;
}

/* "A:B:$ORIGIN/C", where $ORIGIN is the folder of `path`. */
static void
add_list(struct folders *f, const char *path, struct ptn_slice list)
{
    static const char *const words[] = {"$ORIGIN", "${ORIGIN}"};
    const char *slash = strrchr(path, '/');

    while (list.len > 0) {
        const char *colon = memchr(list.data, ':', list.len);
        size_t len = colon ? (size_t)(colon - list.data) : list.len;
        struct ptn_buf text = PTN_BUF_INIT;
        size_t skip = 0;

        for (size_t i = 0; i < PTN_COUNT(words); i++)
            if (len >= strlen(words[i]) &&
                memcmp(list.data, words[i], strlen(words[i])) == 0)
                skip = strlen(words[i]);
        if (skip)
            ptn_buf_printf(&text, "%.*s", slash ? (int)(slash - path) : 1,
                           slash ? path : ".");
        ptn_buf_add(&text, list.data + skip, len - skip);
        add_folder(f, ptn_buf_slice(&text));
        ptn_buf_free(&text);
        list = ptn_slice_sub(list, len + (colon ? 1 : 0),
                             list.len - len - (colon ? 1 : 0));
    }
}

/* Where the libraries of this process came from. */
static int
add_loaded(struct dl_phdr_info *info, size_t size, void *arg)
{
    const char *slash = strrchr(info->dlpi_name, '/');

    (void)size;
    if (slash)
        add_folder(arg, (struct ptn_slice){info->dlpi_name,
                                           (size_t)(slash - info->dlpi_name)});
    return 0;
}

/* Lines with a folder each; ldconfig(8) reads the same. */
static void
add_configured(struct folders *f, const char *file)
{
    FILE *in = fopen(file, "re");
    char line[PATH_MAX];

    while (in && fgets(line, sizeof line, in))
        if (line[0] == '/')
            add_folder(f, (struct ptn_slice){line, strcspn(line, " \t\r\n")});
    if (in)
        fclose(in);
}

static void
add_system(struct folders *f)
{
    static const char *const usual[] = {"/lib", "/usr/lib", "/lib64",
                                        "/usr/lib64", "/usr/local/lib"};
    DIR *dir = opendir("/etc/ld.so.conf.d");
    struct dirent *entry;
    char path[PATH_MAX];

    dl_iterate_phdr(add_loaded, f);
    while (dir && (entry = readdir(dir))) {
        snprintf(path, sizeof path, "/etc/ld.so.conf.d/%s", entry->d_name);
        add_configured(f, path);
    }
    if (dir)
        closedir(dir);
    add_configured(f, "/etc/ld.so.conf");
    for (size_t i = 0; i < PTN_COUNT(usual); i++)
        add_folder(f, ptn_slice_of(usual[i]));
}

static void
find_folders(const char *path, struct ptn_elf *elf, struct folders *f)
{
    static const uint64_t tags[] = {DT_RUNPATH, DT_RPATH};
    const char *own = getenv("LD_LIBRARY_PATH");
    struct ptn_slice list;

    for (size_t i = 0; i < PTN_COUNT(tags); i++) {
        uint64_t at = 0;

        while (ptn_elf_next_string(elf, tags[i], &at, &list))
            add_list(f, path, list);
    }
    if (own)
        add_list(f, path, ptn_slice_of(own));
    add_system(f);
}

/* --- libraries --- */

struct library {
    struct ptn_slice name; /* in the file of who needs it */
    void *data;
    size_t size;
    struct ptn_elf elf;
};

/* A library of the system is nobody's who would cut it off under us. */
static bool
map_library(const char *path, struct library *lib)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct ptn_error err = PTN_ERROR_INIT;
    struct stat st;
    bool good = false;

    if (fd < 0)
        return false;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        lib->size = (size_t)st.st_size;
        lib->data = mmap(NULL, lib->size, PROT_READ, MAP_PRIVATE, fd, 0);
        good = lib->data != MAP_FAILED;
    }
    close(fd);
    if (!good)
        return false;
    struct ptn_elf host;
    if (ptn_elf_open(&lib->elf, lib->data, lib->size, &err) == 0 &&
        ptn_elf_is_native(&lib->elf, &host))
        return true;
    munmap(lib->data, lib->size);
    return false;
}

static bool
find_library(const struct folders *f, struct ptn_slice name,
             struct library *lib)
{
    char path[PATH_MAX];

    if (name.len && memchr(name.data, '/', name.len)) {
        snprintf(path, sizeof path, "%.*s", (int)name.len, name.data);
        return map_library(path, lib);
    }
    for (size_t i = 0; i < f->count; i++) {
        if (snprintf(path, sizeof path, "%s/%.*s", f->items[i], (int)name.len,
                     name.data) < (int)sizeof path &&
            map_library(path, lib))
            return true;
    }
    return false;
}

static bool
is_known(const struct library *libs, size_t count, struct ptn_slice name)
{
    for (size_t i = 0; i < count; i++)
        if (ptn_slice_eq(libs[i].name, name))
            return true;
    return false;
}

/* Those that `elf` needs, as far as they are not among `libs` yet. */
static size_t
add_libraries(const char *path, struct ptn_elf *elf, const struct folders *f,
              struct library *libs, size_t count, struct ptn_inspection *out)
{
    struct ptn_slice name;
    uint64_t at = 0;

    while (count < LIBRARIES_MAX &&
           ptn_elf_next_string(elf, DT_NEEDED, &at, &name)) {
        if (is_known(libs, count, name))
            continue;
        libs[count].name = name;
        if (find_library(f, name, &libs[count]))
            count++;
        else
            ptn_inspect_add(out,
                            "%s needs %.*s, which is in none of the system's "
                            "folders for libraries; install it, and run "
                            "ldconfig if it is in a folder of its own",
                            path, (int)name.len, name.data);
    }
    return count;
}

/* And what those need, and so on. */
static size_t
find_libraries(const char *path, struct ptn_elf *elf, const struct folders *f,
               struct library *libs, struct ptn_inspection *out)
{
    size_t count = add_libraries(path, elf, f, libs, 0, out);

    for (size_t i = 0; i < count; i++)
        count = add_libraries(path, &libs[i].elf, f, libs, count, out);
    return count;
}

/* --- functions --- */

/* Neither this server nor one of the libraries has it. */
static bool
is_missing(struct ptn_slice name, struct library *libs, size_t count)
{
    char text[256];
    struct ptn_elf_symbol found;

    if (name.len >= sizeof text)
        return false;
    snprintf(text, sizeof text, "%.*s", (int)name.len, name.data);
    if (dlsym(RTLD_DEFAULT, text))
        return false;
    for (size_t i = 0; i < count; i++)
        if (ptn_elf_find(&libs[i].elf, name, &found))
            return false;
    return true;
}

static void
check_functions(const char *path, struct ptn_elf *elf, struct library *libs,
                size_t count, struct ptn_inspection *out)
{
    struct ptn_elf_symbol symbol;
    unsigned unknown = 0;

    for (uint64_t i = 1; i < elf->symbol_count && unknown < UNKNOWN_MAX; i++) {
        if (!ptn_elf_symbol(elf, i, &symbol) || symbol.defined || symbol.weak ||
            !is_missing(symbol.name, libs, count))
            continue;
        unknown++;
        ptn_inspect_add(out,
                        "%s uses %.*s, which neither this server nor any of "
                        "its libraries has; link the library, or build it "
                        "for this server",
                        path, (int)symbol.name.len, symbol.name.data);
    }
}

void
ptn_inspect_imports(const char *path, struct ptn_elf *elf,
                    struct ptn_inspection *out)
{
    struct library libs[LIBRARIES_MAX];
    struct folders folders = {.count = 0};
    size_t count;

    find_folders(path, elf, &folders);
    count = find_libraries(path, elf, &folders, libs, out);
    if (out->count == 0)
        check_functions(path, elf, libs, count, out);
    for (size_t i = 0; i < count; i++)
        munmap(libs[i].data, libs[i].size);
    for (size_t i = 0; i < folders.count; i++)
        ptn_free(folders.items[i]);
}
