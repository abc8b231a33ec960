/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The single process's envoy (envoy.h): executed, as a fork would have the
 * keys of this process in its memory; and the warden's part for it, on a
 * thread of its own. Main thread.
 */
#include "base/clock.h"
#include "proc/single_inner.h"
#include <errno.h>
#include <postern/log.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_due(void *arg);

static void
on_channel(void *arg)
{
    struct ptn_single *s = arg;
    struct pollfd polls[PTN_ENVOY_FDS];

    ptn_envoy_poll(&s->envoy.envoy, polls);
    polls[0].revents = POLLIN;
    ptn_envoy_receive(&s->envoy.envoy, polls);
    on_due(s);
}

static void
on_hook(void *arg)
{
    struct ptn_single *s = arg;

    ptn_hook_read(&s->envoy.envoy.hook);
    on_due(s);
}

/* Watches the descriptor that there is now, in place of what it was. */
static void
watch(struct ptn_single *s, struct ptn_single_watch *w, int fd,
      void (*fn)(void *arg))
{
    if (w->fd == fd)
        return;
    if (w->watch)
        ptn_host_unwatch_fd(w->watch);
    w->watch = fd < 0
                   ? NULL
                   : ptn_loop_watch_fd(ptn_worker_loop(s->worker), fd, fn, s);
    w->fd = fd;
}

/* Whatever may have changed is looked at again. */
static void
arm(struct ptn_single *s)
{
    struct ptn_single_envoy *e = &s->envoy;
    uint64_t due = ptn_envoy_due(&e->envoy), now = ptn_clock_ms();

    watch(s, &e->channel, e->envoy.channel, on_channel);
    watch(s, &e->hook, e->envoy.hook.output, on_hook);
    if (!due)
        ptn_alarm_clear(e->alarm);
    else
        ptn_alarm_set(e->alarm, due > now ? due - now : 0);
}

static void
on_due(void *arg)
{
    struct ptn_single *s = arg;

    ptn_envoy_do_due(&s->envoy.envoy);
    arm(s);
}

static void
bury(struct ptn_single *s, pid_t pid)
{
    int status;

    if (pid && waitpid(pid, &status, WNOHANG) == pid)
        (void)ptn_envoy_bury(&s->envoy.envoy, pid, status);
}

static void
on_child(void *arg, int number)
{
    struct ptn_single *s = arg;

    (void)number;
    /* Its descriptors may be closed and used again below. */
    watch(s, &s->envoy.channel, -1, on_channel);
    watch(s, &s->envoy.hook, -1, on_hook);
    bury(s, s->envoy.envoy.hook.pid);
    bury(s, s->envoy.envoy.pid);
    on_due(s);
}

/* The warden's end of its channel: a desk of this process. */
static int
meet(void *arg, int fd, struct ptn_error *err)
{
    const struct ptn_single *s = arg;
    int own = dup(fd);

    if (own < 0)
        return ptn_error_errno(err, "no channel to the envoy");
    return ptn_errand_desk_open(&s->envoy.office, own, err);
}

void
ptn_single_begin_envoy(struct ptn_single *s)
{
    struct ptn_single_envoy *e = &s->envoy;
    struct ptn_loop *loop = ptn_worker_loop(s->worker);

    if (!s->plan.envoy || !*s->plan.envoy)
        return;
    ptn_envoy_init(&e->envoy, NULL);
    e->envoy.executes = true;
    e->envoy.meet = meet;
    e->envoy.arg = s;
    e->office = ptn_setup_office(&s->setup);
    e->channel.fd = e->hook.fd = -1;
    e->alarm = ptn_alarm_new(loop, on_due, s);
    e->child = ptn_loop_signal(loop, SIGCHLD, on_child, s);
    ptn_envoy_employ(&e->envoy, s->setup.conf, s->plan.envoy);
    arm(s);
}

void
ptn_single_end_envoy(struct ptn_single *s)
{
    struct ptn_single_envoy *e = &s->envoy;

    if (!e->alarm)
        return;
    watch(s, &e->channel, -1, on_channel);
    watch(s, &e->hook, -1, on_hook);
    ptn_signal_free(e->child);
    ptn_alarm_free(e->alarm);
    e->alarm = NULL;
    ptn_envoy_free(&e->envoy);
}

int
ptn_single_ask_envoy(struct ptn_single *s, struct ptn_control_call *call,
                     struct ptn_error *err)
{
    int result;

    if (!s->envoy.alarm)
        return ptn_error_set(err, PTN_ERR_INVALID,
                             "no module obtains a certificate here");
    result = ptn_envoy_ask(&s->envoy.envoy, call, err);
    if (result == PTN_CONTROL_LATER) /* not from inside: call it soon */
        ptn_alarm_set(s->envoy.alarm, 0);
    return result;
}
