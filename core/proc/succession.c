/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Another program takes over from this supervisor: see upgrade.h for how the
 * two speak. The supervisor's one thread.
 *
 *   NONE --asked--> STARTING --ready: workers retire--> SUCCEEDED --all
 *    ^                  |                                  sessions over: end
 *    +-- failed, died, time is up
 */
#include "base/clock.h"
#include "log/log.h"
#include "proc/inner.h"
#include "proc/notify.h"
#include <signal.h>
#include <unistd.h>

enum {
    START_MS = 180000, /* what another program gets to be ready */
};

static void
answer(struct ptn_succession *c, enum ptn_reload_outcome outcome,
       const char *text)
{
    struct ptn_control_call *call = c->call;

    c->call = NULL;
    c->due = 0;
    if (!call)
        return;
    (void)ptn_reload_take_notes(ptn_buf_slice(&c->upgrade.said), &call->out);
    ptn_reload_write_result(outcome, text, &call->out);
    ptn_control_done(call, NULL);
}

static void
fail(struct ptn_supervisor *s)
{
    struct ptn_succession *c = &s->succession;
    struct ptn_buf why = PTN_BUF_INIT;
    bool refused = ptn_upgrade_is_refused(&c->upgrade);

    ptn_upgrade_reason(&c->upgrade, &why);
    ptn_log(PTN_LOG_ERROR, "upgrade.failed", PTN_FS("why", ptn_buf_cstr(&why)));
    ptn_buf_adds(&why, "; this one goes on");
    answer(c, refused ? PTN_RELOAD_REFUSED : PTN_RELOAD_FAILED,
           ptn_buf_cstr(&why));
    ptn_buf_free(&why);
    ptn_upgrade_end(&c->upgrade);
    c->is_over = false;
    ptn_supervisor_notify_ready(s);
}

static void
retire_all(struct ptn_crew *c)
{
    for (unsigned i = 0; i < c->count; i++)
        if (c->workers[i].phase != PTN_WORKER_FREE &&
            c->workers[i].phase != PTN_WORKER_RETIRED)
            ptn_crew_retire(c, i);
}

/* The heir is ready. It accepts from the same sockets as soon as we say go;
 * who connects in between waits in their queues. */
static void
step_aside(struct ptn_supervisor *s)
{
    struct ptn_succession *c = &s->succession;
    char text[80];

    ptn_log(PTN_LOG_INFO, "upgrade.done", PTN_FN("pid", c->upgrade.pid),
            PTN_FN("took_ms", ptn_clock_ms() - c->began));
    snprintf(text, sizeof text, "process %ld has taken over",
             (long)c->upgrade.pid);
    answer(c, PTN_RELOAD_DONE, text);
    ptn_notify_main_pid(c->upgrade.pid);
    s->phase = PTN_SUPERVISOR_SUCCEEDED;
    ptn_envoy_dismiss(&s->envoy); /* the other one has its own */
    ptn_control_pass_on(s->control, c->upgrade.took_control);
    retire_all(&s->crew);
    ptn_sockets_close(&s->crew.sockets);
    ptn_upgrade_go(&c->upgrade);
}

int
ptn_succession_ask(struct ptn_supervisor *s, struct ptn_control_call *call,
                   struct ptn_error *err)
{
    struct ptn_succession *c = &s->succession;
    struct ptn_upgrade_params params = {
        .sockets = &s->crew.sockets,
        .plan = &s->current->plan,
        .tickets = &s->crew.tickets,
        .control_path = s->current->conf->server.control,
        .control = ptn_control_listener(s->control),
        .escrow = s->keepers.escrow,
    };
    int result;

    if (s->phase != PTN_SUPERVISOR_SERVING ||
        s->transition.phase != PTN_TRANSITION_NONE)
        return ptn_error_set(err, PTN_ERR_INVALID,
                             "the server is starting, reloading or stopping");
    result = ptn_upgrade_begin(&c->upgrade, &params, err);
    if (result != 0)
        return -1;
    ptn_log(PTN_LOG_INFO, "upgrade.begun", PTN_FN("pid", c->upgrade.pid));
    ptn_notify_reloading();
    c->call = call;
    c->began = ptn_clock_ms();
    c->due = c->began + START_MS;
    return PTN_CONTROL_LATER;
}

bool
ptn_succession_is_under_way(const struct ptn_supervisor *s)
{
    return s->succession.upgrade.pid != 0 && !s->succession.upgrade.serves;
}

void
ptn_succession_read(struct ptn_supervisor *s)
{
    struct ptn_succession *c = &s->succession;

    switch (ptn_upgrade_take(&c->upgrade)) {
    case PTN_UPGRADE_READY:
        if (s->phase == PTN_SUPERVISOR_SERVING)
            step_aside(s);
        break;
    case PTN_UPGRADE_STOP:
        ptn_supervisor_stop(s);
        break;
    case PTN_UPGRADE_FAILED:
        c->is_over = true; /* how it ended comes as a signal */
        if (!c->upgrade.pid)
            fail(s);
        break;
    default:
        break;
    }
}

bool
ptn_succession_bury(struct ptn_supervisor *s, pid_t pid, int status)
{
    struct ptn_succession *c = &s->succession;

    if (!ptn_upgrade_reaped(&c->upgrade, pid, status))
        return false;
    if (c->is_over)
        fail(s);
    return true;
}

void
ptn_succession_do_due(struct ptn_supervisor *s)
{
    struct ptn_succession *c = &s->succession;

    if (!c->due || c->due > ptn_clock_ms())
        return;
    c->due = 0;
    kill(c->upgrade.pid, SIGKILL); /* its death is what it says */
}

void
ptn_succession_end(struct ptn_supervisor *s)
{
    struct ptn_succession *c = &s->succession;

    if (ptn_succession_is_under_way(s))
        answer(c, PTN_RELOAD_FAILED, "the server is stopping");
    ptn_upgrade_end(&c->upgrade);
}
