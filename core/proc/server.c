/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which of its shapes the server takes. Main thread.
 */
#include "proc/server.h"
#include "log/log.h"
#include "proc/begin.h"
#include "proc/child.h"
#include "proc/effective.h"
#include "proc/heir.h"
#include "proc/plan.h"
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

/* --- checking --- */

struct check {
    const struct ptn_conf *conf;
    struct ptn_buf *notes; /* records */
    bool bad;
};

static void
add_error(struct check *check, const struct ptn_error *err)
{
    ptn_effective_write_error(err, check->notes);
    check->bad = true;
}

static void PTN_PRINTF(3, 4)
    warn(struct check *check, struct ptn_conf_place place, const char *fmt, ...)
{
    struct ptn_buf text = PTN_BUF_INIT;
    va_list ap;

    va_start(ap, fmt);
    ptn_buf_vprintf(&text, fmt, ap);
    va_end(ap);
    ptn_effective_write_warning(place, ptn_buf_cstr(&text), check->notes);
    ptn_buf_free(&text);
}

static void
judge_certificate(void *arg, const char *name, const struct ptn_tls_cert *cert,
                  const struct ptn_error *problem)
{
    struct check *check = arg;
    const struct ptn_conf *conf = check->conf;

    for (size_t i = 0; i < conf->cert_count; i++)
        if (cert && cert->not_after <= time(NULL) &&
            strcmp(conf->certs[i].name, name) == 0)
            warn(check, conf->certs[i].place,
                 "certificates.%s: has expired; renew it", name);
    if (problem && problem->code == PTN_ERR_LOCKED) /* somebody will open it */
        warn(check, (struct ptn_conf_place){problem->file, problem->line}, "%s",
             problem->text);
    else if (problem && problem->code != PTN_ERR_NONE)
        add_error(check, problem);
}

static void
judge_misfit(void *arg, const struct ptn_error *problem)
{
    add_error(arg, problem);
}

static void
judge_state(struct check *check)
{
    const char *state = check->conf->server.state;
    struct ptn_error err = PTN_ERROR_INIT;

    if (access(state, F_OK) != 0 ||
        faccessat(AT_FDCWD, state, W_OK | X_OK, AT_EACCESS) == 0)
        return;
    ptn_setup_not_writable(check->conf, state, &err);
    add_error(check, &err);
}

/* The file may be checked on another machine than it is for. */
static void
judge_user(struct check *check)
{
    const struct ptn_server_conf *s = &check->conf->server;

    if (s->user && !ptn_privileges_known(s->user))
        warn(check, s->place,
             "server.user: there is no user \"%s\" on this machine", s->user);
    if (s->warden_user && s->warden_user != s->user &&
        !ptn_privileges_known(s->warden_user))
        warn(check, s->place,
             "server.warden_user: there is no user \"%s\" on this machine",
             s->warden_user);
}

/* Goes on as that user, where there is one; false with a note: it cannot. */
static bool
become(struct check *check, const char *user)
{
    struct ptn_error err = PTN_ERROR_INIT;

    if (!user || !ptn_privileges_known(user) ||
        ptn_privileges_borrow(user, &err) == 0)
        return true;
    add_error(check, &err);
    return false;
}

/* What is only right if the server's user, or the warden's, may do it. */
static void
judge_as_user(struct check *check, struct ptn_setup *setup)
{
    if (!become(check, setup->conf->server.user))
        return;
    judge_state(check);
    ptn_privileges_return();
    if (!become(check, setup->conf->server.warden_user))
        return;
    ptn_setup_keys(setup, PTN_KEYS_EXPECT);
    ptn_setup_certificates(setup, true);
    if (setup->pki) {
        ptn_pki_each(setup->pki, judge_certificate, check);
        ptn_pki_each_misfit(setup->pki, judge_misfit, check);
    }
    ptn_privileges_return();
}

int
ptn_server_judge(const struct ptn_server_options *options,
                 struct ptn_buf *notes)
{
    struct ptn_setup setup;
    struct check check = {NULL, notes, false};

    ptn_setup_load(&setup, ptn_conf_read(options->config, 0), PTN_ROLE_TOOL,
                   NULL);
    check.conf = setup.conf;
    ptn_effective_write_notes(setup.conf, notes);
    check.bad = ptn_conf_failed(setup.conf);
    if (setup.conf->server.state) { /* the file could be read at all */
        judge_user(&check);
        judge_as_user(&check, &setup);
    }
    ptn_setup_free(&setup);
    return check.bad ? PTN_EXIT_CONFIG : PTN_EXIT_OK;
}

/* "postern.conf:12: warning: ..." */
static void
print_note(struct ptn_slice note)
{
    char *text = ptn_alloc(note.len + 1), line[16];

    if (!ptn_record_get(note, "file", text, note.len + 1))
        fputs("posternd:", stderr);
    else if (ptn_record_get(note, "line", line, sizeof line))
        fprintf(stderr, "%s:%s:", text, line);
    else
        fprintf(stderr, "%s:", text);
    if (ptn_record_get(note, "severity", text, note.len + 1) &&
        strcmp(text, "warning") == 0)
        fputs(" warning:", stderr);
    if (ptn_record_get(note, "text", text, note.len + 1))
        fprintf(stderr, " %s\n", text);
    ptn_free(text);
}

int
ptn_server_check(const struct ptn_server_options *options)
{
    struct ptn_buf notes = PTN_BUF_INIT;
    int status = ptn_server_judge(options, &notes);
    struct ptn_slice rest = ptn_buf_slice(&notes);

    while (rest.len > 0)
        print_note(ptn_record_next(&rest));
    ptn_buf_free(&notes);
    return status;
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
