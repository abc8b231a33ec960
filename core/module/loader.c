/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Opens modules with libltdl: shared objects by absolute path, and those
 * that a static build links in (-dlpreopen). Main thread only, before any
 * other exists.
 *
 * What may be loaded decides what runs with the rights of the server.
 * Hence the path is absolute (no search through the environment), and
 * neither the file nor its folder may be writable by everybody.
 */
#include "module/loader.h"
#include "conf/suggest.h"
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <ltdl.h>
#include <stdio.h>
#include <sys/stat.h>

#define SYMBOL "postern_module"

/* What libtool's -dlpreopen puts into a program; NULL where it was not used. */
extern LT_DLSYM_CONST lt_dlsymlist lt__PROGRAM__LTX_preloaded_symbols[]
    __attribute__((weak));

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

static void
suggest(const char *folder, struct ptn_suggest *s, char *best, size_t size)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        char name[NAME_MAX + 1];
        size_t len = strlen(entry->d_name);

        if (len < 4 || strcmp(entry->d_name + len - 3, ".so") != 0)
            continue;
        memcpy(name, entry->d_name, len - 3);
        name[len - 3] = '\0';
        s->best = NULL;
        ptn_suggest_try(s, name);
        if (s->best)
            snprintf(best, size, "%s", name);
    }
    if (dir)
        closedir(dir);
}

static int
not_there(const char *folder, const char *name, struct ptn_error *err)
{
    struct ptn_suggest s = ptn_suggest_begin(name);
    char best[NAME_MAX + 1] = "";

    suggest(folder, &s, best, sizeof best);
    if (*best)
        return ptn_error_set(err, PTN_ERR_MODULE,
                             "there is no module \"%s\" in %s; did you mean "
                             "\"%s\"?",
                             name, folder, best);
    return ptn_error_set(err, PTN_ERR_MODULE,
                         "there is no module \"%s\" in %s; install it, or set "
                         "server.module_path",
                         name, folder);
}

/* libltdl says "file not found" whatever the reason was (seen with 2.4.7),
 * such as a library that the module needs, and leaves symbols for later,
 * when one that is missing ends the process. So the system's own loader is
 * asked first: it knows the reason, and what it has bound stays bound. */
static int
bind_symbols(const char *path, struct ptn_error *err)
{
    const char *text;

    if (dlopen(path, RTLD_NOW | RTLD_LOCAL))
        return 0;
    text = dlerror();
    return ptn_error_set(err, PTN_ERR_MODULE,
                         "%s cannot be loaded: %s; install what is missing, "
                         "or build the module again",
                         path, text ? text : "unknown reason");
}

/* A module that is linked in: no file, hence nothing to check. */
static lt_dlhandle
open_inside(const char *name)
{
    char archive[NAME_MAX + 1];

    if (!lt__PROGRAM__LTX_preloaded_symbols ||
        lt_dlpreload(lt__PROGRAM__LTX_preloaded_symbols) != 0 ||
        snprintf(archive, sizeof archive, "%s.a", name) >= (int)sizeof archive)
        return NULL;
    return lt_dlopen(archive);
}

static lt_dlhandle
open_shared(const char *folder, const char *name, struct ptn_error *err)
{
    char path[PATH_MAX];
    lt_dlhandle handle;

    if (snprintf(path, sizeof path, "%s/%s.so", folder, name) >=
        (int)sizeof path) {
        ptn_error_set(err, PTN_ERR_MODULE, "the path of module %s is too long",
                      name);
        return NULL;
    }
    if (check_mode(folder, "the folder", err) != 0) {
        ptn_error_prefix(err, "server.module_path");
        return NULL;
    }
    if (check_mode(path, "the module", err) != 0) {
        if (err->number == ENOENT)
            not_there(folder, name, err);
        return NULL;
    }
    if (bind_symbols(path, err) != 0)
        return NULL;
    handle = lt_dlopen(path);
    if (!handle)
        ptn_error_set(err, PTN_ERR_MODULE, "%s cannot be loaded: %s", path,
                      lt_dlerror());
    return handle;
}

int
ptn_loader_check(const struct ptn_module *module, const char *name,
                 struct ptn_error *err)
{
    if (module->magic != PTN_MODULE_MAGIC)
        return ptn_error_set(err, PTN_ERR_MODULE,
                             "%s is not a module of this server: its "
                             "descriptor does not begin with the magic number",
                             name);
    if (module->abi_major != PTN_ABI_MAJOR)
        return ptn_error_set(
            err, PTN_ERR_MODULE,
            "module %s was built for ABI %u.%u and this server has %u.%u; "
            "install a build of it for ABI %u",
            name, module->abi_major, module->abi_minor, PTN_ABI_MAJOR,
            PTN_ABI_MINOR, PTN_ABI_MAJOR);
    if (module->abi_minor > PTN_ABI_MINOR)
        return ptn_error_set(
            err, PTN_ERR_MODULE,
            "module %s was built for ABI %u.%u and this server has %u.%u; "
            "upgrade the server, or install an older build of the module",
            name, module->abi_major, module->abi_minor, PTN_ABI_MAJOR,
            PTN_ABI_MINOR);
    if (module->size < offsetof(struct ptn_module, stop) + sizeof(module->stop))
        return ptn_error_set(err, PTN_ERR_MODULE,
                             "the descriptor of module %s is too small for "
                             "ABI %u.%u; build it again",
                             name, module->abi_major, module->abi_minor);
    if (!module->name || strcmp(module->name, name) != 0)
        return ptn_error_set(err, PTN_ERR_MODULE,
                             "%s.so holds a module that calls itself \"%s\"; "
                             "give the file that name",
                             name, module->name ? module->name : "");
    return 0;
}

const struct ptn_module *
ptn_loader_open(const char *folder, const char *name, struct ptn_error *err)
{
    const struct ptn_module *module;
    lt_dlhandle handle;

    if (lt_dlinit() != 0) {
        ptn_error_set(err, PTN_ERR_MODULE, "libltdl: %s", lt_dlerror());
        return NULL;
    }
    handle = open_inside(name);
    if (!handle)
        handle = open_shared(folder, name, err);
    if (!handle)
        return NULL;
    lt_dlmakeresident(handle);
    module = lt_dlsym(handle, SYMBOL);
    if (!module) {
        ptn_error_set(err, PTN_ERR_MODULE,
                      "%s/%s.so is not a module: it has no symbol "
                      "%s_LTX_" SYMBOL,
                      folder, name, name);
        return NULL;
    }
    return ptn_loader_check(module, name, err) == 0 ? module : NULL;
}
