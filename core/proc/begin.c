/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Steps of the start. Main thread.
 */
#include "proc/begin.h"
#include "log/log.h"
#include "proc/privileges.h"
#include "proc/server.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

int
ptn_begin_complain(const struct ptn_error *err)
{
    if (err->file && err->line > 0)
        fprintf(stderr, "%s:%d: %s\n", err->file, err->line, err->text);
    else if (err->file)
        fprintf(stderr, "%s: %s\n", err->file, err->text);
    else
        fprintf(stderr, "posternd: %s\n", err->text);
    if (err->code == PTN_ERR_SYSTEM)
        return PTN_EXIT_FAILED;
    return err->file || err->code == PTN_ERR_CONFIG ? PTN_EXIT_CONFIG
                                                    : PTN_EXIT_FAILED;
}

/* Says where it stands what could not be done. Returns -1. */
static int
at_place(struct ptn_conf_place place, struct ptn_error *err)
{
    err->file = place.file;
    err->line = place.line;
    return -1;
}

int
ptn_begin_open_log(const struct ptn_conf *conf, struct ptn_error *err)
{
    if (ptn_log_open(&conf->server.log, err) == 0)
        return 0;
    ptn_error_prefix(err, "server.%s",
                     conf->server.log_file ? "log_file" : "log_to");
    return at_place(conf->server.place, err);
}

static int
check_user(const struct ptn_conf *conf, const char *key, const char *user,
           struct ptn_error *err)
{
    if (!user || ptn_privileges_known(user))
        return 0;
    ptn_error_set(err, PTN_ERR_CONFIG,
                  "server.%s: there is no user \"%s\"; make it, or name "
                  "another",
                  key, user);
    return at_place(conf->server.place, err);
}

/* Where the warden is somebody else, it passes through the state folder to
 * its own, and may see nothing else there. */
static int
make_certs_folder(const struct ptn_conf *conf, struct ptn_error *err)
{
    const struct ptn_server_conf *s = &conf->server;
    char certs[PATH_MAX];
    struct stat st;

    snprintf(certs, sizeof certs, "%s/certs", s->state);
    if (mkdir(certs, 0700) != 0 && errno != EEXIST)
        return ptn_error_errno(err, "%s cannot be made", certs);
    if (getuid() == 0 && s->user && strcmp(s->user, s->warden_user) != 0 &&
        stat(s->state, &st) == 0 && !(st.st_mode & S_IXOTH) &&
        chmod(s->state, (st.st_mode & 07777) | S_IXOTH) != 0)
        return ptn_error_errno(err, "%s: its mode cannot be changed", s->state);
    return ptn_privileges_give(certs, s->warden_user, err);
}

int
ptn_begin_folders(const struct ptn_conf *conf, struct ptn_error *err)
{
    const char *user = conf->server.user;
    char run[PATH_MAX];

    if (check_user(conf, "user", user, err) != 0 ||
        check_user(conf, "warden_user", conf->server.warden_user, err) != 0 ||
        ptn_setup_folders(conf, err) != 0 ||
        ptn_privileges_give(conf->server.state, user, err) != 0)
        return -1;
    snprintf(run, sizeof run, "%s/run", conf->server.state);
    if (ptn_privileges_give(run, user, err) != 0)
        return -1;
    return make_certs_folder(conf, err);
}

static int
not_bound(const struct ptn_conf *conf, const char *name, struct ptn_error *err)
{
    ptn_error_prefix(err, "listeners.%s", name);
    for (size_t i = 0; i < conf->listener_count; i++)
        if (strcmp(conf->listeners[i].name, name) == 0)
            return at_place(conf->listeners[i].place, err);
    return -1;
}

/* How many processes serve a listener of that group. */
static unsigned
workers_of(const struct ptn_conf *conf, const char *group)
{
    const struct ptn_group_conf *g = ptn_conf_find_group(conf, group);

    if (conf->server.processes == PTN_PROCESSES_SINGLE || !g)
        return 1;
    return ptn_conf_group_workers(conf, g);
}

int
ptn_begin_bind(const struct ptn_conf *conf, const struct ptn_plan *plan,
               struct ptn_sockets *sockets, struct ptn_error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct ptn_plan_listener *l = &plan->listeners[i];
        unsigned count = workers_of(conf, l->group);

        for (size_t j = 0; j < l->address_count; j++)
            if (ptn_sockets_add(sockets, &l->addresses[j], count, err) != 0)
                return not_bound(conf, l->name, err);
    }
    return 0;
}

void
ptn_begin_sockets(const struct ptn_plan *plan, const char *group, unsigned rank,
                  unsigned workers, const struct ptn_sockets *sockets,
                  struct ptn_buf *out)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct ptn_plan_listener *l = &plan->listeners[i];

        if (group && strcmp(group, l->group) != 0)
            continue;
        for (size_t j = 0; j < l->address_count; j++)
            ptn_sockets_of(sockets, &l->addresses[j], rank, workers, out);
    }
}

void
ptn_begin_log_ready(const struct ptn_plan *plan, unsigned workers)
{
    size_t open = 0;

    for (size_t i = 0; i < plan->count; i++) {
        const struct ptn_plan_listener *l = &plan->listeners[i];

        open += l->problem ? 0 : 1;
        if (l->problem)
            ptn_log(PTN_LOG_ERROR, "listener.closed",
                    PTN_FS("listener", l->name), PTN_FS("reason", l->problem));
    }
    ptn_log(PTN_LOG_INFO, "server.ready", PTN_FN("listeners", open),
            PTN_FN("closed", plan->count - open), PTN_FN("workers", workers));
}

void
ptn_begin_reopen_log(const struct ptn_conf *conf)
{
    struct ptn_error err = PTN_ERROR_INIT;

    if (ptn_log_open(&conf->server.log, &err) != 0)
        ptn_log_error(PTN_LOG_ERROR, "log.not-reopened", &err);
}

void
ptn_begin_raise_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* the old one may be enough */
}

int
ptn_begin_write_pid(const struct ptn_conf *conf, struct ptn_error *err)
{
    const char *path = conf->server.pid_file;
    FILE *file = path ? fopen(path, "we") : NULL;

    if (!path)
        return 0;
    if (!file || fprintf(file, "%ld\n", (long)getpid()) < 0) {
        ptn_error_errno(err, "server.pid_file: %s cannot be written", path);
        if (file)
            fclose(file);
        return at_place(conf->server.place, err);
    }
    if (fclose(file) == 0)
        return 0;
    ptn_error_errno(err, "server.pid_file: %s", path);
    return at_place(conf->server.place, err);
}

void
ptn_begin_remove_pid(const struct ptn_conf *conf)
{
    if (conf->server.pid_file)
        unlink(conf->server.pid_file);
}
