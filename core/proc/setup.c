/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Putting configuration, modules and certificates together. Main thread.
 */
#include "proc/setup.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <postern/log.h>
#include <postern/ocsp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void
ptn_setup_load(struct ptn_setup *setup, struct ptn_conf *conf,
               enum ptn_role role, const char *only)
{
    *setup = (struct ptn_setup){.role = role, .conf = conf};
    setup->modules = ptn_modules_load(setup->conf, role, only);
    if (role == PTN_ROLE_WARDEN || role == PTN_ROLE_ENVOY) /* no protocols */
        ptn_conf_finish(setup->conf);
    else
        ptn_modules_bind(setup->modules, setup->conf);
}

void
ptn_setup_free(struct ptn_setup *setup)
{
    ptn_pki_free(setup->pki);
    if (setup->user)
        ptn_keys_user_free(setup->user);
    ptn_keys_free(setup->keys);
    ptn_warden_client_free(setup->client);
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

static bool
find_tls(const struct ptn_setup *setup, const struct ptn_tls_ops **ops,
         void **instance)
{
    const void *found;

    if (!needs_tls(setup->conf) ||
        !ptn_modules_find(setup->modules, PTN_TLS_CONTRACT, PTN_TLS_VERSION,
                          &found, instance))
        return false;
    *ops = found;
    return true;
}

/* systemd.exec(5), LoadCredential=. What is no passphrase is told of where
 * the key is opened with it. */
static void
take_credential(const char *folder, const char *name, struct ptn_escrow *escrow)
{
    struct ptn_error err = PTN_ERROR_INIT;
    char path[PATH_MAX], secret[PTN_ESCROW_SECRET_MAX];
    size_t len = 0;
    ssize_t n;
    int fd;

    if (strlen(name) > PTN_ESCROW_NAME_MAX ||
        ptn_escrow_get(escrow, name, secret) > 0)
        return;
    snprintf(path, sizeof path, "%s/%s.passphrase", folder, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    n = read(fd, secret, sizeof secret);
    close(fd);
    while (n > 0 && len < (size_t)n && secret[len] != '\n' &&
           secret[len] != '\r' && secret[len] != '\0')
        len++;
    if (len > 0 && ptn_escrow_put(escrow, name, (struct ptn_slice){secret, len},
                                  &err) != 0)
        ptn_log_error(PTN_LOG_WARNING, "certificate.passphrase-not-kept", &err);
    ptn_wipe(secret, sizeof secret);
}

void
ptn_setup_credentials(const struct ptn_conf *conf, struct ptn_escrow *escrow)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");

    for (size_t i = 0; folder && i < conf->cert_count; i++)
        take_credential(folder, conf->certs[i].name, escrow);
}

unsigned
ptn_setup_keys(struct ptn_setup *setup, enum ptn_keys_missing missing)
{
    const struct ptn_tls_ops *ops;
    const void *ocsp;
    void *instance;

    if (!find_tls(setup, &ops, &instance))
        return 0;
    setup->keys = ptn_keys_new(setup->conf, ops, instance, missing);
    if (ptn_modules_find(setup->modules, PTN_OCSP_CONTRACT, PTN_OCSP_VERSION,
                         &ocsp, &instance))
        ptn_keys_set_ocsp(setup->keys, ocsp, instance);
    if (missing == PTN_KEYS_MAKE) {
        ptn_keys_set_escrow(setup->keys, setup->escrow);
        ptn_keys_make_missing(setup->keys);
        ptn_keys_watch(setup->keys);
        ptn_keys_keep_before(setup->keys);
    }
    return ptn_keys_load(setup->keys);
}

static int
show_challenge(void *keys, const char *name, struct ptn_slice chain,
               struct ptn_slice key, struct ptn_error *err)
{
    return ptn_keys_show(keys, name, chain, key, err);
}

struct ptn_errand_office
ptn_setup_office(const struct ptn_setup *setup)
{
    struct ptn_errand_office office = {.conf = setup->conf};
    const struct ptn_tls_ops *ops;
    void *instance;

    if (find_tls(setup, &ops, &instance)) {
        office.ops = ops;
        office.instance = instance;
        office.show = setup->keys ? show_challenge : NULL;
        office.arg = setup->keys;
    }
    return office;
}

void
ptn_setup_connect(struct ptn_setup *setup, int fd)
{
    if (!setup->client)
        setup->client = ptn_warden_client_new();
    ptn_warden_client_connect(setup->client, fd);
}

void
ptn_setup_certificates(struct ptn_setup *setup, bool quiet)
{
    struct ptn_keyring keyring;
    const struct ptn_tls_ops *ops;
    void *instance;

    if (!find_tls(setup, &ops, &instance))
        return;
    if (setup->keys) {
        setup->user = ptn_keys_user_new(setup->keys);
        keyring = ptn_keys_keyring(setup->user);
    } else {
        assert(setup->client);
        keyring = ptn_warden_client_keyring(setup->client);
    }
    setup->pki = ptn_pki_new(setup->conf, ops, instance, &keyring);
    ptn_pki_set_quiet(setup->pki, quiet);
    ptn_pki_load(setup->pki);
}

const struct ptn_error *
ptn_setup_problem(const struct ptn_setup *setup,
                  const struct ptn_listener_conf *listener)
{
    const struct ptn_pki_binding *b;

    if (listener->tls.mode == PTN_TLS_NONE || !setup->pki)
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
