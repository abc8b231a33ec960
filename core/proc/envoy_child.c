/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The envoy's process, from the fork to its end. One thread, and those of the
 * libraries that its modules use.
 *
 *   become its user -> modules -> sandbox -> each errand once -> NEXT, end
 */
#include "proc/envoy_child.h"
#include "log/log.h"
#include "proc/begin.h"
#include "proc/child.h"
#include "proc/crash.h"
#include "proc/privileges.h"
#include "proc/sandbox.h"
#include "proc/server.h"
#include "proc/setup.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

struct envoy {
    const struct ptn_envoy_work *work;
    struct ptn_setup setup;
    struct ptn_envoy_host host;
    int64_t next; /* the earliest that an errand wants; 0: none */
};

/* --- the work --- */

/* Whether the certificate that is wished for is this errand's. */
static bool
is_wished(const struct envoy *e, const struct ptn_errand *errand)
{
    const struct ptn_conf *conf = e->setup.conf;

    for (size_t i = 0; e->work->wish && i < conf->cert_count; i++)
        if (strcmp(conf->certs[i].name, e->work->wish) == 0)
            return conf->certs[i].source &&
                   strcmp(conf->certs[i].source, errand->name) == 0;
    return false;
}

static void
run_errand(void *arg, const void *ops, void *instance)
{
    struct envoy *e = arg;
    const struct ptn_errand *errand = ops;
    struct ptn_errand_wish wish = {sizeof wish, e->work->wish, e->work->force};
    struct ptn_error err = PTN_ERROR_INIT;
    bool wished = is_wished(e, errand);
    int64_t next = 0;
    int result = errand->run(instance, wished ? &wish : NULL, &next, &err);

    if (wished)
        (void)ptn_envoy_tell(e->work->channel, PTN_ENVOY_WISH,
                             ptn_slice_of(result == 0 ? "" : err.text));
    else if (result != 0)
        ptn_log_error(PTN_LOG_ERROR, "errand.failed", &err);
    if (next && (!e->next || next < e->next))
        e->next = next;
}

static int
work(struct envoy *e, struct ptn_error *err)
{
    struct ptn_modules_place place = {NULL, 0, 1};
    char next[24];

    if (ptn_modules_start(e->setup.modules, &place, err) != 0)
        return -1;
    ptn_modules_each_provider(e->setup.modules, PTN_ERRAND_CONTRACT,
                              PTN_ERRAND_VERSION, run_errand, e);
    ptn_modules_stop(e->setup.modules);
    snprintf(next, sizeof next, "%lld", (long long)e->next);
    (void)ptn_envoy_tell(e->work->channel, PTN_ENVOY_NEXT, ptn_slice_of(next));
    return 0;
}

static void
open_host(struct envoy *e)
{
    struct ptn_conf *conf = e->setup.conf;

    e->host = (struct ptn_envoy_host){
        .conf = conf,
        .warden = ptn_errand_client_new(e->work->warden),
        .channel = e->work->channel,
        .certificates =
            ptn_alloc((conf->cert_count + 1) * sizeof *e->host.certificates),
    };
    for (size_t i = 0; i < conf->cert_count; i++)
        e->host.certificates[i] = (struct ptn_errand_certificate){
            sizeof *e->host.certificates, conf->certs[i].name,
            conf->certs[i].names};
    ptn_modules_set_envoy(e->setup.modules, &e->host);
}

static void
close_host(struct envoy *e)
{
    ptn_errand_client_free(e->host.warden);
    ptn_free(e->host.certificates);
}

/* --- from beginning to end --- */

static int
complain(const struct ptn_error *err)
{
    ptn_log_error(PTN_LOG_ERROR, "envoy.not-started", err);
    return PTN_EXIT_FAILED;
}

static int
enter(const struct ptn_envoy_work *w, const struct ptn_child *child,
      struct ptn_error *err)
{
    if (ptn_privileges_drop(w->conf->server.user, err) != 0)
        return -1;
    ptn_child_die_with_parent(child); /* changing the user has ended that */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    return ptn_sandbox_enter(w->conf, PTN_SANDBOX_ENVOY, err);
}

int
ptn_envoy_run(const struct ptn_envoy_work *w)
{
    struct ptn_child child = {.conf = w->conf,
                              .reports = w->reports,
                              .supervisor = w->supervisor,
                              .again = true};
    struct ptn_error err = PTN_ERROR_INIT;
    struct envoy e = {.work = w};
    int status = PTN_EXIT_OK;

    ptn_child_begin(&child, "envoy");
    if (enter(w, &child, &err) != 0)
        return complain(&err);
    ptn_setup_load(&e.setup, ptn_conf_again(w->conf, 0), PTN_ROLE_ENVOY,
                   w->modules);
    ptn_crash_map(e.setup.modules);
    if (ptn_conf_failed(e.setup.conf)) {
        ptn_conf_print_notes(e.setup.conf, stderr);
        return PTN_EXIT_CONFIG;
    }
    if (ptn_sandbox_confine(e.setup.conf, e.setup.modules, &err) != 0)
        return complain(&err);
    open_host(&e);
    if (work(&e, &err) != 0)
        status = complain(&err);
    close_host(&e);
    ptn_setup_free(&e.setup);
    return status;
}
