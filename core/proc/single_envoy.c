/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The single process's side of its spawner (spawner.h), and the warden's part
 * for the envoy, on a thread of its own. Main thread.
 */
#include "proc/channels.h"
#include "proc/single_inner.h"
#include "proc/spawner.h"
#include <errno.h>
#include <postern/log.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int
say(const struct ptn_single *s, enum ptn_spawner_message type,
    struct ptn_slice text)
{
    struct ptn_buf message = PTN_BUF_INIT;
    ssize_t n;

    ptn_buf_addc(&message, (char)type);
    ptn_buf_addslice(&message, text);
    n = send(s->envoy.spawner, message.data, message.len,
             MSG_NOSIGNAL | MSG_DONTWAIT);
    ptn_buf_free(&message);
    return n < 0 ? -1 : 0;
}

static void
conclude(struct ptn_single *s, const char *problem)
{
    struct ptn_control_call *call = s->envoy.call;
    struct ptn_error err = PTN_ERROR_INIT;

    s->envoy.call = NULL;
    if (*problem)
        ptn_error_set(&err, PTN_ERR_TLS, "%s", problem);
    if (call)
        ptn_control_done(call, *problem ? &err : NULL);
}

static void
open_desk(const struct ptn_single *s, int ends[PTN_CHANNELS])
{
    struct ptn_error err = PTN_ERROR_INIT;
    int fd = dup(ends[0]);

    ptn_channels_close(ends);
    if (fd >= 0 && ptn_errand_desk_open(&s->envoy.office, fd, &err) != 0)
        ptn_log_error(PTN_LOG_ERROR, "warden.envoy-not-served", &err);
}

/* Nothing can begin another one from in here. */
static void
lose(struct ptn_single *s)
{
    ptn_log(PTN_LOG_ERROR, "spawner.gone",
            PTN_FS("hint", "certificates are obtained and renewed again once "
                           "the server has been restarted"));
    ptn_host_unwatch_fd(s->envoy.watch);
    s->envoy.watch = NULL;
    close(s->envoy.spawner);
    s->envoy.spawner = -1;
    s->envoy.pid = 0;
    conclude(s, "the process that starts the envoy has ended: restart the "
                "server");
}

static void
on_spawner(void *arg)
{
    struct ptn_single *s = arg;
    char message[PTN_ENVOY_MESSAGE_MAX + 2];
    int ends[PTN_CHANNELS];
    ssize_t n = ptn_channels_receive(s->envoy.spawner, message,
                                     sizeof message - 1, ends);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        lose(s);
        return;
    }
    message[n] = '\0';
    if (message[0] == PTN_SPAWNER_MEET && ends[0] >= 0)
        open_desk(s, ends);
    else if (message[0] == PTN_SPAWNER_REPORT)
        ptn_envoy_keep_report(&s->envoy.records, s->setup.conf,
                              ptn_slice_of(message + 1));
    else if (message[0] == PTN_SPAWNER_DONE)
        conclude(s, message + 1);
    else if (message[0] == PTN_SPAWNER_PID)
        s->envoy.pid = (pid_t)strtol(message + 1, NULL, 10);
}

void
ptn_single_begin_envoy(struct ptn_single *s)
{
    const char *modules = s->plan.envoy ? s->plan.envoy : "";

    s->envoy.office = ptn_setup_office(&s->setup);
    if (s->envoy.spawner >= 0) {
        s->envoy.watch = ptn_loop_watch_fd(ptn_worker_loop(s->worker),
                                           s->envoy.spawner, on_spawner, s);
        (void)say(s, PTN_SPAWNER_EMPLOY, ptn_slice_of(modules));
    } else if (*modules) {
        ptn_log(PTN_LOG_WARNING, "spawner.missing",
                PTN_FS("hint", "no certificate had a module as its source when "
                               "the server was started; restart it"));
    }
}

void
ptn_single_end_envoy(struct ptn_single *s)
{
    if (s->envoy.watch)
        ptn_host_unwatch_fd(s->envoy.watch);
    s->envoy.watch = NULL;
    conclude(s, "the server is stopping, or being replaced; ask again");
    ptn_buf_free(&s->envoy.records);
    if (s->envoy.spawner >= 0)
        close(s->envoy.spawner);
    s->envoy.spawner = -1;
}

int
ptn_single_ask_envoy(struct ptn_single *s, struct ptn_control_call *call,
                     struct ptn_error *err)
{
    if (s->envoy.spawner < 0)
        return ptn_error_set(err, PTN_ERR_INVALID,
                             "no module obtains a certificate here");
    if (s->envoy.call)
        return ptn_error_set(err, PTN_ERR_INVALID,
                             "the envoy is at work; ask again in a minute");
    if (say(s, PTN_SPAWNER_WISH, call->args) != 0)
        return ptn_error_errno(err, "the envoy cannot be asked");
    s->envoy.call = call;
    return PTN_CONTROL_LATER;
}

void
ptn_single_write_envoy(const struct ptn_single *s, struct ptn_buf *out)
{
    if (s->envoy.pid)
        ptn_status_write_process("envoy", s->envoy.pid, 0, out);
    ptn_buf_addslice(out, ptn_buf_slice(&s->envoy.records));
}
