/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A configuration in the hands of the admin tool. Main thread.
 */
#include "proc/admin.h"
#include "log/log.h"
#include "proc/begin.h"
#include "proc/inspect.h"
#include "proc/setup.h"

struct ptn_admin {
    struct ptn_setup setup;
};

static struct ptn_admin *
open_with(const char *config, unsigned flags, FILE *errors)
{
    struct ptn_admin *admin = ptn_alloc(sizeof *admin);

    ptn_log_set_level(PTN_LOG_WARNING); /* a tool is not a server */
    ptn_setup_load(&admin->setup, ptn_conf_read(config, flags), PTN_ROLE_TOOL,
                   NULL);
    if (!ptn_conf_failed(admin->setup.conf))
        return admin;
    ptn_conf_print_notes(admin->setup.conf, errors);
    ptn_admin_close(admin);
    return NULL;
}

struct ptn_admin *
ptn_admin_open(const char *config, FILE *errors)
{
    return open_with(config, 0, errors);
}

struct ptn_admin *
ptn_admin_open_values(const char *config, FILE *errors)
{
    return open_with(config, PTN_CONF_RECORD, errors);
}

void
ptn_admin_print_values(const struct ptn_admin *admin, FILE *to)
{
    ptn_conf_print_values(admin->setup.conf, to);
}

void
ptn_admin_close(struct ptn_admin *admin)
{
    ptn_setup_free(&admin->setup);
    ptn_free(admin);
}

int
ptn_admin_make_folders(const struct ptn_admin *admin)
{
    struct ptn_error err = PTN_ERROR_INIT;

    if (ptn_begin_folders(admin->setup.conf, &err) == 0)
        return 0;
    ptn_begin_complain(&err);
    return -1;
}

const struct ptn_conf *
ptn_admin_conf(const struct ptn_admin *admin)
{
    return admin->setup.conf;
}

bool
ptn_admin_find(const struct ptn_admin *admin, const char *contract,
               uint16_t version, const void **ops, void **instance)
{
    return ptn_modules_find(admin->setup.modules, contract, version, ops,
                            instance);
}

void
ptn_admin_modules(const struct ptn_admin *admin, struct ptn_buf *out)
{
    ptn_inspect_modules(&admin->setup, out);
}

int
ptn_admin_tls(struct ptn_admin *admin, const char *listener, bool online,
              struct ptn_buf *out)
{
    return ptn_inspect_tls(&admin->setup, listener, online, out);
}

void
ptn_admin_each_name(const char *config, enum ptn_admin_kind kind,
                    void (*fn)(void *arg, const char *name), void *arg)
{
    struct ptn_conf *conf = ptn_conf_read(config, 0);

    if (kind == PTN_ADMIN_LISTENERS)
        for (size_t i = 0; i < conf->listener_count; i++)
            fn(arg, conf->listeners[i].name);
    else if (kind == PTN_ADMIN_CERTIFICATES)
        for (size_t i = 0; i < conf->cert_count; i++)
            fn(arg, conf->certs[i].name);
    else
        for (size_t i = 0; i < conf->load.count; i++)
            fn(arg, conf->load.items[i]);
    ptn_conf_free(conf);
}

/* A file with mistakes still says where its server was started; only one
 * that cannot be parsed does not. */
int
ptn_admin_control(const char *config, struct ptn_buf *path, FILE *errors)
{
    struct ptn_conf *conf = ptn_conf_read(config, 0);
    int result = conf->server.control ? 0 : -1;

    if (result == 0)
        ptn_buf_adds(path, conf->server.control);
    else
        ptn_conf_print_notes(conf, errors);
    ptn_conf_free(conf);
    return result;
}
