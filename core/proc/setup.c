/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Putting configuration, modules and certificates together. Main thread.
 */
#include "proc/setup.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void
ptn_setup_load(struct ptn_setup *setup, struct ptn_conf *conf,
               enum ptn_role role, const char *only)
{
    setup->role = role;
    setup->conf = conf;
    setup->modules = ptn_modules_load(setup->conf, role, only);
    setup->pki = NULL;
    ptn_modules_bind(setup->modules, setup->conf);
}

void
ptn_setup_free(struct ptn_setup *setup)
{
    ptn_pki_free(setup->pki);
    ptn_modules_free(setup->modules);
    ptn_conf_free(setup->conf);
}

static bool
needs_tls(const struct ptn_conf *conf)
{
    for (size_t i = 0; i < conf->listener_count; i++)
        if (conf->listeners[i].tls.mode != PTN_TLS_NONE)
            return true;
    return false;
}

void
ptn_setup_certificates(struct ptn_setup *setup, enum ptn_setup_missing missing)
{
    const void *ops;
    void *instance;

    if (!needs_tls(setup->conf) ||
        !ptn_modules_find(setup->modules, PTN_TLS_CONTRACT, PTN_TLS_VERSION,
                          &ops, &instance))
        return;
    setup->pki = ptn_pki_new(setup->conf, ops, instance);
    if (missing == PTN_SETUP_MAKE)
        ptn_pki_make_missing(setup->pki);
    else if (missing == PTN_SETUP_EXPECT)
        ptn_pki_expect_missing(setup->pki);
    else
        ptn_pki_set_quiet(setup->pki, true);
    ptn_pki_load(setup->pki);
}

const struct ptn_error *
ptn_setup_problem(const struct ptn_setup *setup,
                  const struct ptn_listener_conf *listener)
{
    const struct ptn_pki_binding *b;

    if (listener->tls.mode == PTN_TLS_NONE)
        return NULL;
    b = ptn_pki_binding(setup->pki, listener);
    return ptn_pki_problem(b);
}

/* mkdir -p, without following what is there but not a folder. */
static int
make_folders(const char *path, mode_t mode)
{
    char part[PATH_MAX];

    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part) {
        errno = ENAMETOOLONG;
        return -1;
    }
    for (char *slash = strchr(part + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return -1;
        *slash = '/';
    }
    return mkdir(part, mode) != 0 && errno != EEXIST ? -1 : 0;
}

int
ptn_setup_not_writable(const struct ptn_conf *conf, const char *path,
                       struct ptn_error *err)
{
    ptn_error_set(err, PTN_ERR_CONFIG,
                  "server.state: %s cannot be written (%s); make it, give it "
                  "to the server's user, or set another folder",
                  path, strerror(errno));
    err->file = conf->server.place.file;
    err->line = conf->server.place.line;
    return -1;
}

int
ptn_setup_folders(const struct ptn_conf *conf, struct ptn_error *err)
{
    const char *state = conf->server.state;
    char run[PATH_MAX];

    if (make_folders(state, 0750) != 0 || access(state, W_OK | X_OK) != 0)
        return ptn_setup_not_writable(conf, state, err);
    snprintf(run, sizeof run, "%s/run", state);
    if (make_folders(run, 0750) != 0 || access(run, W_OK | X_OK) != 0)
        return ptn_setup_not_writable(conf, run, err);
    return 0;
}
