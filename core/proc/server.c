/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which of its shapes the server takes. Main thread.
 */
#include "proc/server.h"
#include "log/log.h"
#include "proc/begin.h"
#include "proc/child.h"
#include "proc/heir.h"
#include "proc/privileges.h"
#include "proc/sandbox.h"
#include "proc/setup.h"
#include "proc/single.h"
#include "proc/supervisor.h"
#include "proc/upgrade.h"
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

/* For the single process, whose modules are loaded once and for all: all
 * that a checker would say, by the channel of an upgrade. */
static int
check_for_another(struct ptn_conf *conf)
{
    struct ptn_child child = {.conf = conf, .again = true};
    struct ptn_buf text = PTN_BUF_INIT;
    int status = ptn_child_judge(&child, &text);

    ptn_heir_say(ptn_buf_slice(&text));
    ptn_heir_say(PTN_SLICE("checked\n"));
    ptn_buf_free(&text);
    return status;
}

/* The single process keeps what it has read, to compare it at a reload. */
static struct ptn_conf *
read_conf(const struct ptn_server_options *options)
{
    struct ptn_conf *conf = ptn_conf_read(options->config, 0);

    if (conf->server.processes == PTN_PROCESSES_SINGLE &&
        !ptn_conf_failed(conf)) {
        ptn_conf_free(conf);
        conf = ptn_conf_read(options->config, PTN_CONF_RECORD);
    }
    ptn_server_override(options, conf);
    return conf;
}

static int
begin(const struct ptn_server_options *options, struct ptn_error *err)
{
    ptn_sandbox_begin();
    signal(SIGPIPE, SIG_IGN);
    ptn_upgrade_remember(options->argv);
    if (ptn_heir_begin(err) != 0)
        return -1;
    if (!ptn_heir_is()) /* it has what the one before had */
        ptn_begin_raise_files();
    return 0;
}

static int
open_log(struct ptn_conf *conf)
{
    struct ptn_error err = PTN_ERROR_INIT;
    int status = PTN_EXIT_OK;

    if (ptn_conf_failed(conf))
        return PTN_EXIT_OK;
    if (ptn_begin_open_log(conf, &err) != 0) {
        status = ptn_begin_complain(&err);
        ptn_conf_free(conf);
        return status;
    }
    ptn_log_set_level((enum ptn_log_level)conf->server.log_level);
    return PTN_EXIT_OK;
}

int
ptn_server_run(const struct ptn_server_options *options)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_conf *conf;
    int status;

    if (begin(options, &err) != 0)
        return ptn_begin_complain(&err);
    conf = read_conf(options);
    if (ptn_heir_is_check())
        return check_for_another(conf);
    status = open_log(conf);
    if (status != PTN_EXIT_OK)
        return status;
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
