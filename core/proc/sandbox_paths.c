/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which paths each role needs: some from the configuration, some from the
 * modules, some of the system. A rule is about a file or folder that is
 * there when it is made, so what is replaced later is named by its folder.
 * Main thread.
 */
#include "proc/crash.h"
#include "proc/sandbox_inner.h"
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <postern/arena.h>
#include <postern/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LINKS_MAX = 40, /* as many as the kernel follows */
};

static void
add(struct ptn_sandbox_paths *p, const char *path, unsigned access)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->items[i].path, path) == 0) {
            p->items[i].access |= access;
            return;
        }
    p->items = ptn_realloc(p->items, (p->count + 1) * sizeof *p->items);
    p->items[p->count++] = (struct ptn_sandbox_path){ptn_strdup(path), access};
}

/* Replaces the symbolic link that is the first `len` octets of `path` by what
 * it points to. False: the path gets too long. */
static bool
follow(char path[PATH_MAX], size_t len)
{
    char link[PATH_MAX], target[PATH_MAX], rest[PATH_MAX];
    const char *slash;
    ssize_t n;
    int total;

    snprintf(link, sizeof link, "%.*s", (int)len, path);
    snprintf(rest, sizeof rest, "%s", path + len);
    n = readlink(link, target, sizeof target - 1);
    if (n <= 0)
        return false;
    target[n] = '\0';
    slash = strrchr(link, '/');
    if (*target == '/' || !slash)
        total = snprintf(path, PATH_MAX, "%s%s", target, rest);
    else
        total = snprintf(path, PATH_MAX, "%.*s/%s%s", (int)(slash - link), link,
                         target, rest);
    return total < PATH_MAX;
}

/* The length of the first part of the path that is a symbolic link; 0: none
 * of it is. */
static size_t
find_link(const char *path)
{
    char part[PATH_MAX];
    struct stat st;

    for (size_t len = 1; path[len - 1]; len++) {
        if (path[len] != '/' && path[len] != '\0')
            continue;
        snprintf(part, sizeof part, "%.*s", (int)len, path);
        if (lstat(part, &st) == 0 && S_ISLNK(st.st_mode))
            return len;
    }
    return 0;
}

static void
add_folder(struct ptn_sandbox_paths *p, const char *path, unsigned access)
{
    char folder[PATH_MAX];

    snprintf(folder, sizeof folder, "%s", path);
    add(p, dirname(folder), access);
}

/* The folder that the file lies in, as it is replaced by renaming another
 * over it, and a rule would go with the old one. Where a symbolic link leads
 * there, also the folder of the link, which may be made to point to another
 * one below it; but not all of the file system for a link at its top. */
static void
add_folder_of(struct ptn_sandbox_paths *p, const char *given, unsigned access)
{
    char path[PATH_MAX], folder[PATH_MAX];
    const char *parent;
    size_t len;

    snprintf(path, sizeof path, "%s", given);
    for (int links = 0; links < LINKS_MAX && (len = find_link(path)) > 0;
         links++) {
        snprintf(folder, sizeof folder, "%.*s", (int)len, path);
        if (strcmp(parent = dirname(folder), "/") != 0)
            add(p, parent, access);
        if (!follow(path, len))
            return;
    }
    add_folder(p, path, access);
}

/* iconv(3) opens a library for each character set, beside the C library. */
static void
add_character_sets(void *arg, const char *path)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];

    if (strncmp(slash, "/libc.so", 8) != 0)
        return;
    snprintf(folder, sizeof folder, "%.*s/gconv", (int)(slash - path), path);
    add(arg, folder, PTN_ACCESS_READ);
}

/* What the C library and the kernel keep for everybody. */
static void
add_system(struct ptn_sandbox_paths *p)
{
    static const char *const readable[] = {
        "/dev/random",
        "/dev/urandom",
        "/etc/localtime",
        "/proc/sys/vm/overcommit_memory", /* of malloc */
        "/sys/devices/system/cpu/online", /* of malloc */
        "/usr/share/zoneinfo",
    };

    for (size_t i = 0; i < PTN_COUNT(readable); i++)
        add(p, readable[i], PTN_ACCESS_READ);
    ptn_crash_each_file(add_character_sets, p);
    add(p, "/dev/null", PTN_ACCESS_READ | PTN_ACCESS_WRITE);
}

/* A rule needs something that it is about. */
static void
make_folder(const char *path)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        ptn_log(PTN_LOG_WARNING, "sandbox.folder-not-made",
                PTN_FS("path", path), PTN_FS("error", strerror(errno)));
}

static void
add_module_path(void *arg, const char *path, unsigned access)
{
    if (access & PTN_ACCESS_FOLDER)
        make_folder(path);
    add(arg, path, access & (PTN_ACCESS_READ | PTN_ACCESS_WRITE));
}

static bool holds(const char *path, const char *folder);

/* The folder of such a file may vanish and come back, and a rule would go
 * with the old one: the one above it, too, unless that is too much. The
 * state folder is, as mail is in it, and whatever is at the top. */
static void
add_above(struct ptn_sandbox_paths *p, const struct ptn_conf *conf,
          const char *file, enum ptn_sandbox_role role)
{
    char path[PATH_MAX];
    const char *above;

    snprintf(path, sizeof path, "%s", file);
    above = dirname(dirname(path));
    if (strcmp(above, "/") == 0 || holds(above, conf->server.state) ||
        (role == PTN_SANDBOX_SINGLE && strrchr(above, '/') == above))
        return;
    add(p, above, PTN_ACCESS_READ);
}

static void
add_certificate_file(struct ptn_sandbox_paths *p, const struct ptn_conf *conf,
                     const char *file, enum ptn_sandbox_role role)
{
    if (!file)
        return;
    add_folder_of(p, file, PTN_ACCESS_READ);
    add_above(p, conf, file, role);
}

static void
add_certificates(struct ptn_sandbox_paths *p, const struct ptn_conf *conf,
                 enum ptn_sandbox_role role)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < conf->cert_count; i++) {
        const struct ptn_cert_conf *c = &conf->certs[i];

        add_certificate_file(p, conf, c->cert_file, role);
        add_certificate_file(p, conf, c->key_file, role);
        if (c->passphrase_file)
            add_folder_of(p, c->passphrase_file, PTN_ACCESS_READ);
    }
    snprintf(path, sizeof path, "%s/certs", conf->server.state);
    make_folder(path);
    add(p, path, PTN_ACCESS_READ | PTN_ACCESS_WRITE);
}

/* By folder, since such files are replaced by others of the same name. */
static void
add_client_files(struct ptn_sandbox_paths *p, const struct ptn_conf *conf)
{
    for (size_t i = 0; i < conf->listener_count; i++) {
        const struct ptn_tls_conf *tls = &conf->listeners[i].tls;
        const char *const files[] = {tls->client_ca, tls->client_crl,
                                     tls->client_map};

        for (size_t j = 0; j < PTN_COUNT(files); j++)
            if (files[j])
                add_folder_of(p, files[j], PTN_ACCESS_READ);
    }
}

static void
add_loaded(void *arg, const char *path)
{
    add_folder_of(arg, path,
                  strstr(path, "/ld-") ? PTN_SANDBOX_EXECUTE : PTN_ACCESS_READ);
}

/* What the successor of a single process needs to begin: its program and
 * modules, and what they are linked with; the configuration; the control
 * socket and the pid file. By folder: an upgrade puts new files there. */
static void
add_succession(struct ptn_sandbox_paths *p, const struct ptn_conf *conf)
{
    static const char *const readable[] = {
        "/etc/group",  "/etc/ld.so.cache", "/etc/nsswitch.conf",
        "/etc/passwd", "/proc/self",
    };
    char program[PATH_MAX];

    for (size_t i = 0; i < PTN_COUNT(readable); i++)
        add(p, readable[i], PTN_ACCESS_READ);
    ptn_crash_each_file(add_loaded, p);
    if (realpath("/proc/self/exe", program))
        add_folder_of(p, program, PTN_SANDBOX_EXECUTE);
    add(p, conf->server.module_path, PTN_ACCESS_READ);
    add_folder_of(p, conf->file, PTN_ACCESS_READ);
    add_folder_of(p, conf->server.control, PTN_SANDBOX_REPLACE);
    if (conf->server.pid_file)
        add_folder_of(p, conf->server.pid_file, PTN_SANDBOX_REPLACE);
}

/* What looking names up and judging a server's certificate needs. `/etc` as a
 * whole, since resolv.conf and hosts are replaced by renaming. */
static void
add_outside(struct ptn_sandbox_paths *p)
{
    static const char *const readable[] = {
        "/etc",
        "/usr/lib/ssl",
        "/usr/local/share/ca-certificates",
        "/usr/share/ca-certificates",
    };

    for (size_t i = 0; i < PTN_COUNT(readable); i++)
        add(p, readable[i], PTN_ACCESS_READ);
    add_folder_of(p, "/etc/resolv.conf", PTN_ACCESS_READ);
    ptn_crash_each_file(add_loaded, p);
}

/* Whether `path` is the folder, or one above it. */
static bool
holds(const char *path, const char *folder)
{
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] == '/')
        len--;
    return strncmp(path, folder, len) == 0 &&
           (folder[len] == '/' || folder[len] == '\0' || len == 1);
}

static void
warn_of_path(void *arg, const char *path, unsigned access)
{
    const struct ptn_conf *conf = arg;

    (void)access;
    if (holds(path, conf->server.state))
        ptn_log(PTN_LOG_WARNING, "sandbox.wide", PTN_FS("path", path),
                PTN_FS("state", conf->server.state),
                PTN_FS("hint", "a module has files in this folder, so "
                               "workers may read all below it, keys included "
                               "(server.warden_user still keeps them apart); "
                               "give them a folder of their own"));
}

/* In the checker no module does more than init, which opens no files. It is
 * the one that looks at what the workers will get. */
static void
gather_modules(struct ptn_sandbox_paths *p, enum ptn_sandbox_role role,
               const struct ptn_conf *conf, const struct ptn_modules *modules)
{
    if (role == PTN_SANDBOX_CHECKER)
        ptn_modules_each_path(modules, warn_of_path, (void *)(uintptr_t)conf);
    else
        ptn_modules_each_path(modules, add_module_path, p);
}

void
ptn_sandbox_gather(struct ptn_sandbox_paths *p, enum ptn_sandbox_role role,
                   const struct ptn_conf *conf,
                   const struct ptn_modules *modules)
{
    if (role == PTN_SANDBOX_SUPERVISOR)
        return;
    add_system(p);
    if (role == PTN_SANDBOX_WARDEN || role == PTN_SANDBOX_SINGLE)
        add_certificates(p, conf, role);
    if (role == PTN_SANDBOX_WORKER || role == PTN_SANDBOX_SINGLE)
        add_client_files(p, conf);
    if (role == PTN_SANDBOX_SINGLE) {
        if (conf->server.log_file) /* others are handed what is open */
            add_folder_of(p, conf->server.log_file, PTN_SANDBOX_APPEND);
        add_succession(p, conf);
    }
    if (role == PTN_SANDBOX_ENVOY)
        add_outside(p);
    if (modules)
        gather_modules(p, role, conf, modules);
}
