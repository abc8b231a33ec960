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
#include "module/inspect.h"
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <ltdl.h>
#include <stdio.h>
#include <unistd.h>

#define SYMBOL "postern_module"

/* What libtool's -dlpreopen puts into a program; NULL where it was not used. */
extern LT_DLSYM_CONST lt_dlsymlist lt__PROGRAM__LTX_preloaded_symbols[]
    __attribute__((weak));

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

/* A static build has no libpostern for files to share with it. */
static int
no_files(const char *name, struct ptn_error *err)
{
    return ptn_error_set(err, PTN_ERR_MODULE,
                         "there is no module \"%s\" in this server, which was "
                         "built with its modules inside and loads no files; "
                         "build it in, or install a server built with shared "
                         "libraries",
                         name);
}

/* All that can be known before any of its code, constructors included. */
static int
admit(const char *folder, const char *name, const char *path,
      struct ptn_inspection *seen, struct ptn_error *err)
{
    ptn_inspect(path, false, seen);
    if (seen->count == 0)
        return 0;
    *err = seen->problems[0];
    if (err->number == ENOENT && access(path, F_OK) != 0)
        not_there(folder, name, err);
    return -1;
}

static lt_dlhandle
open_shared(const char *folder, const char *name, struct ptn_inspection *seen,
            struct ptn_error *err)
{
    char path[PATH_MAX];
    lt_dlhandle handle;

    if (snprintf(path, sizeof path, "%s/%s.so", folder, name) >=
        (int)sizeof path) {
        ptn_error_set(err, PTN_ERR_MODULE, "the path of module %s is too long",
                      name);
        return NULL;
    }
    if (admit(folder, name, path, seen, err) != 0 ||
        bind_symbols(path, err) != 0)
        return NULL;
    handle = lt_dlopen(path);
    if (!handle)
        ptn_error_set(err, PTN_ERR_MODULE, "%s cannot be loaded: %s", path,
                      lt_dlerror());
    return handle;
}

/* The note was believed before the module was loaded; now it is compared. */
static int
check_note(const struct ptn_module *module, const struct ptn_inspection *seen,
           struct ptn_error *err)
{
    const char *word = seen->noted == PTN_NOTE_FOUND
                           ? ptn_note_differs(&seen->note, module)
                           : NULL;

    if (!word)
        return 0;
    return ptn_error_set(err, PTN_ERR_MODULE,
                         "the note and the descriptor of module %s do not "
                         "agree about its %s; this is a fault of the module: "
                         "give PTN_MODULE_NOTE the words of the descriptor",
                         module->name, word);
}

static lt_dlhandle
open_module(const char *folder, const char *name, struct ptn_inspection *seen,
            struct ptn_error *err)
{
    lt_dlhandle handle;

    if (lt_dlinit() != 0) {
        ptn_error_set(err, PTN_ERR_MODULE, "libltdl: %s", lt_dlerror());
        return NULL;
    }
    handle = open_inside(name);
    if (handle)
        return handle;
    if (lt__PROGRAM__LTX_preloaded_symbols) {
        no_files(name, err);
        return NULL;
    }
    return open_shared(folder, name, seen, err);
}

const struct ptn_module *
ptn_loader_open(const char *folder, const char *name, struct ptn_error *err)
{
    struct ptn_inspection seen = {.noted = PTN_NOTE_NONE};
    lt_dlhandle handle = open_module(folder, name, &seen, err);
    const struct ptn_module *module;

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
    if (ptn_loader_check(module, name, err) != 0 ||
        check_note(module, &seen, err) != 0)
        return NULL;
    return module;
}
