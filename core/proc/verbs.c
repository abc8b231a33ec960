/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the supervisor answers on the control socket. Its one thread.
 */
#include "proc/answers.h"
#include "proc/inner.h"
#include "proc/logs.h"
#include "proc/metrics.h"
#include "proc/sandbox.h"
#include "proc/status.h"
#include <unistd.h>

/* One entry a slot that somebody has, or is to have; answers how many. */
static unsigned
describe_workers(const struct ptn_supervisor *s,
                 struct ptn_status_worker *workers)
{
    const struct ptn_crew *crew = &s->crew;
    unsigned count = 0;

    for (unsigned i = 0; i < crew->count; i++) {
        const struct ptn_crew_worker *w = &crew->workers[i];

        if (w->phase == PTN_WORKER_FREE)
            continue;
        workers[count++] =
            (struct ptn_status_worker){i,
                                       w->pid,
                                       w->started,
                                       w->restarts,
                                       w->group->name,
                                       w->born,
                                       ptn_crew_phase_name(w->phase)};
    }
    return count;
}

static int
do_status(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    const struct ptn_supervisor *s = arg;
    struct ptn_status_server server = {s->current->conf->file, "workers",
                                       s->started, s->current->number,
                                       &s->ledger};
    struct ptn_status_worker *workers =
        ptn_alloc((s->crew.count + 1) * sizeof *workers);
    unsigned count = describe_workers(s, workers);

    (void)err;
    ptn_status_write(&server, &s->current->plan, workers, count, s->crew.shared,
                     &call->out);
    ptn_free(workers);
    ptn_legacy_write_all(s->current->conf, &call->out);
    ptn_status_write_process("supervisor", getpid(), 0, &call->out);
    for (const struct ptn_keeper *k = s->keepers.all; k; k = k->next)
        if (k->warden.pid)
            ptn_status_write_process("warden", k->warden.pid,
                                     k->warden.restarts, &call->out);
    ptn_envoy_write(&s->envoy, &call->out);
    return 0;
}

static int
do_renew(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    struct ptn_supervisor *s = arg;

    if (ptn_envoy_wish(&s->envoy, call->args, err) != 0)
        return -1;
    s->renewal = call;
    return PTN_CONTROL_LATER;
}

static int
do_stop(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    (void)call;
    (void)err;
    ptn_supervisor_stop(arg);
    return 0;
}

static int
reload(struct ptn_supervisor *s, struct ptn_control_call *call, bool plan_only,
       struct ptn_error *err)
{
    if (s->phase != PTN_SUPERVISOR_SERVING || ptn_succession_is_under_way(s))
        return ptn_error_set(err, PTN_ERR_INVALID,
                             "the server is starting, stopping or being "
                             "replaced");
    ptn_transition_ask(s, call, plan_only);
    return PTN_CONTROL_LATER;
}

static int
do_reload(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    return reload(arg, call, false, err);
}

static int
do_reload_plan(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    return reload(arg, call, true, err);
}

static int
do_upgrade(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    return ptn_succession_ask(arg, call, err);
}

/* What the workers alone can answer. */
static int
pass_on(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    struct ptn_supervisor *s = arg;

    if (!ptn_answers_know(call->request))
        return ptn_control_unknown(call, err);
    return ptn_asks_begin(&s->asks, &s->crew, call, err);
}

static int
do_sandbox(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    struct ptn_supervisor *s = arg;

    (void)err;
    ptn_sandbox_write_own(&call->out);
    ptn_reports_write(s->reports, &call->out);
    return 0;
}

static int
do_log(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    if (ptn_logs_is_reopen(call->args)) {
        ptn_logs_reopen(arg);
        return 0;
    }
    return ptn_logs_answer(call->args, &call->out, err);
}

static int
do_certificate(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    const struct ptn_supervisor *s = arg;

    (void)err;
    ptn_ledger_answer(&s->ledger, call->args, &call->out);
    return 0;
}

static int
do_metrics(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    const struct ptn_supervisor *s = arg;
    struct ptn_metrics_server server = {
        .shared = s->crew.shared,
        .plan = &s->current->plan,
        .ledger = &s->ledger,
        .errands = ptn_buf_slice(&s->envoy.records),
        .started = s->started,
        .generation = s->current->number,
    };
    struct ptn_status_worker *workers =
        ptn_alloc((s->crew.count + 1) * sizeof *workers);

    (void)err;
    server.workers = workers;
    server.count = describe_workers(s, workers);
    ptn_metrics_write(&server, &call->out);
    ptn_free(workers);
    return 0;
}

static int
do_unlock(void *arg, struct ptn_control_call *call, struct ptn_error *err)
{
    struct ptn_supervisor *s = arg;

    return ptn_unlocks_ask(&s->unlocks, &s->keepers, call, err);
}

const struct ptn_control_verb ptn_supervisor_verbs[] = {
    {"status", do_status},
    {"stop", do_stop},
    {"reload", do_reload},
    {"reload-plan", do_reload_plan},
    {"upgrade", do_upgrade},
    {"sandbox", do_sandbox},
    {"log", do_log},
    {"metrics", do_metrics},
    {"certificate", do_certificate},
    {"unlock", do_unlock},
    {"renew", do_renew},
    {NULL, pass_on},
};
