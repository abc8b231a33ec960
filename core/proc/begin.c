/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Steps of the start. Main thread.
 */
#include "proc/begin.h"
#include "log/log.h"
#include "proc/heir.h"
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
    struct ptn_buf text = PTN_BUF_INIT;

    if (err->file && err->line > 0)
        ptn_buf_printf(&text, "%s:%d: ", err->file, err->line);
    else if (err->file)
        ptn_buf_printf(&text, "%s: ", err->file);
    ptn_buf_adds(&text, err->text);
    fprintf(stderr, "%s%s\n",
            err->file ? "" : "posternd: ", ptn_buf_cstr(&text));
    ptn_heir_fail(ptn_buf_cstr(&text));
    ptn_buf_free(&text);
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
            ptn_log(l->locked ? PTN_LOG_WARNING : PTN_LOG_ERROR,
                    l->locked ? "listener.locked" : "listener.closed",
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

/* Written beside it and renamed: whoever reads it finds a whole number, of a
 * server that serves. */
static int
write_pid(const char *path)
{
    char beside[PATH_MAX];
    FILE *file;
    int written;

    if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside) {
        errno = ENAMETOOLONG;
        return -1;
    }
    unlink(beside);
    file = fopen(beside, "wxe");
    if (!file)
        return -1;
    written = fprintf(file, "%ld\n", (long)getpid());
    if (fclose(file) == 0 && written > 0 && rename(beside, path) == 0)
        return 0;
    unlink(beside);
    return -1;
}

int
ptn_begin_write_pid(const struct ptn_conf *conf, struct ptn_error *err)
{
    const char *path = conf->server.pid_file;

    if (!path || write_pid(path) == 0)
        return 0;
    ptn_error_errno(err, "server.pid_file: %s cannot be written", path);
    return at_place(conf->server.place, err);
}

void
ptn_begin_remove_pid(const struct ptn_conf *conf)
{
    const char *path = conf->server.pid_file;
    FILE *file = path ? fopen(path, "re") : NULL;
    long pid = 0;

    if (!file)
        return;
    if (fscanf(file, "%ld", &pid) != 1)
        pid = 0;
    fclose(file);
    if (pid == (long)getpid()) /* else another server has taken over */
        unlink(path);
}

/* A certificate that cannot be used keeps its listener closed at the start. A
 * listener that serves is not closed for it. */
static int
check_open(const struct ptn_plan *plan, struct ptn_error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct ptn_plan_listener *l = &plan->listeners[i];

        if (l->problem && ptn_heir_served(l->name))
            return ptn_error_set(err, PTN_ERR_CONFIG,
                                 "%s; listener %s would be closed by that",
                                 l->problem, l->name);
    }
    return 0;
}

int
ptn_begin_take_over(const struct ptn_conf *conf, const struct ptn_plan *plan,
                    struct ptn_control *control, struct ptn_error *err)
{
    struct ptn_error not_written = PTN_ERROR_INIT;

    if (check_open(plan, err) != 0 || ptn_heir_ready(err) != 0)
        return -1;
    ptn_control_settle(control);
    if (ptn_heir_is() && ptn_begin_write_pid(conf, &not_written) != 0)
        ptn_log_error(PTN_LOG_ERROR, "pid-file.not-written", &not_written);
    return 0;
}

void
ptn_begin_summarize(const struct ptn_plan *plan, unsigned workers,
                    char out[PTN_SUMMARY_SIZE])
{
    size_t closed = 0;

    for (size_t i = 0; i < plan->count; i++)
        closed += plan->listeners[i].problem ? 1 : 0;
    snprintf(out, PTN_SUMMARY_SIZE, "%zu listeners, %u worker%s",
             plan->count - closed, workers, workers == 1 ? "" : "s");
    if (closed > 0)
        snprintf(out + strlen(out), PTN_SUMMARY_SIZE - strlen(out),
                 "; %zu closed", closed);
}
