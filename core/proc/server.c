/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which of its shapes the server takes. Main thread.
 */
#include "proc/server.h"
#include "log/log.h"
#include "proc/begin.h"
#include "proc/privileges.h"
#include "proc/setup.h"
#include "proc/single.h"
#include "proc/supervisor.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

const char *
ptn_server_default_config(void)
{
    return PTN_SYSCONFDIR "/postern/postern.conf";
}

void
ptn_server_override(const struct ptn_server_options *options,
                    struct ptn_conf *conf)
{
    if (options->workers >= 0)
        conf->server.workers = options->workers;
}

int
ptn_server_run(const struct ptn_server_options *options)
{
    struct ptn_conf *conf = ptn_conf_read(options->config, 0);
    struct ptn_error err = PTN_ERROR_INIT;

    signal(SIGPIPE, SIG_IGN);
    ptn_server_override(options, conf);
    ptn_begin_raise_files();
    if (!ptn_conf_failed(conf)) {
        if (ptn_begin_open_log(conf, &err) != 0) {
            int status = ptn_begin_complain(&err);

            ptn_conf_free(conf);
            return status;
        }
        ptn_log_set_level((enum ptn_log_level)conf->server.log_level);
    }
    /* With errors in it, it is only read to its end, to see all of them. */
    if (conf->server.processes == PTN_PROCESSES_SINGLE || ptn_conf_failed(conf))
        return ptn_single_run(conf);
    return ptn_supervisor_run(conf, options);
}

struct check {
    const struct ptn_conf *conf;
    int bad;
};

static void
warn_expired(const struct ptn_conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->cert_count; i++)
        if (strcmp(conf->certs[i].name, name) == 0)
            fprintf(stderr,
                    "%s:%d: warning: certificates.%s: has expired; renew it\n",
                    conf->certs[i].place.file, conf->certs[i].place.line, name);
}

static void
print_certificate(void *arg, const char *name, const struct ptn_tls_cert *cert,
                  const struct ptn_error *problem)
{
    struct check *check = arg;

    if (cert && cert->not_after <= time(NULL))
        warn_expired(check->conf, name);
    if (!problem || problem->code == PTN_ERR_NONE)
        return;
    fprintf(stderr, "%s:%d: %s\n", problem->file, problem->line, problem->text);
    check->bad = 1;
}

static void
print_misfit(void *arg, const struct ptn_error *problem)
{
    struct check *check = arg;

    ptn_begin_complain(problem);
    check->bad = 1;
}

static int
check_state(const struct ptn_conf *conf)
{
    const char *state = conf->server.state;
    struct ptn_error err = PTN_ERROR_INIT;

    if (access(state, F_OK) != 0 ||
        faccessat(AT_FDCWD, state, W_OK | X_OK, AT_EACCESS) == 0)
        return 0;
    ptn_setup_not_writable(conf, state, &err);
    ptn_begin_complain(&err);
    return 1;
}

/* The file may be checked on another machine than it is for. */
static void
warn_user(const struct ptn_conf *conf)
{
    const struct ptn_server_conf *s = &conf->server;

    if (s->user && !ptn_privileges_known(s->user))
        fprintf(stderr,
                "%s:%d: warning: server.user: there is no user \"%s\" on this "
                "machine\n",
                s->place.file, s->place.line, s->user);
    if (s->warden_user && s->warden_user != s->user &&
        !ptn_privileges_known(s->warden_user))
        fprintf(stderr,
                "%s:%d: warning: server.warden_user: there is no user \"%s\" "
                "on this machine\n",
                s->place.file, s->place.line, s->warden_user);
}

/* What is only right if the server's user may do it. */
static int
check_as_user(struct ptn_setup *setup)
{
    const char *user = setup->conf->server.user;
    struct ptn_error err = PTN_ERROR_INIT;
    struct check check = {setup->conf, 0};

    if (user && ptn_privileges_known(user) &&
        ptn_privileges_borrow(user, &err) != 0)
        return ptn_begin_complain(&err);
    check.bad = check_state(setup->conf);
    ptn_privileges_return();
    user = setup->conf->server.warden_user;
    if (user && ptn_privileges_known(user) &&
        ptn_privileges_borrow(user, &err) != 0)
        return ptn_begin_complain(&err);
    ptn_setup_keys(setup, PTN_KEYS_EXPECT);
    ptn_setup_certificates(setup, true);
    if (setup->pki) {
        ptn_pki_each(setup->pki, print_certificate, &check);
        ptn_pki_each_misfit(setup->pki, print_misfit, &check);
    }
    ptn_privileges_return();
    return check.bad;
}

int
ptn_server_check(const struct ptn_server_options *options)
{
    struct ptn_setup setup;
    int bad;

    ptn_setup_load(&setup, ptn_conf_read(options->config, 0), PTN_ROLE_TOOL,
                   NULL);
    ptn_conf_print_notes(setup.conf, stderr);
    bad = ptn_conf_failed(setup.conf);
    if (setup.conf->server.state) { /* the file could be read at all */
        warn_user(setup.conf);
        bad |= check_as_user(&setup);
    }
    ptn_setup_free(&setup);
    return bad ? PTN_EXIT_CONFIG : PTN_EXIT_OK;
}

static void
print_module(void *arg, const struct ptn_module *module)
{
    ptn_conf_print_rows(module->name, module->options, arg);
}

int
ptn_server_print_options(const struct ptn_server_options *options, FILE *to)
{
    struct ptn_setup setup;

    ptn_conf_print_core_rows(to);
    if (!options->config)
        return PTN_EXIT_OK;
    ptn_setup_load(&setup, ptn_conf_read(options->config, 0), PTN_ROLE_TOOL,
                   NULL);
    ptn_modules_each(setup.modules, print_module, to);
    ptn_setup_free(&setup);
    return PTN_EXIT_OK;
}
