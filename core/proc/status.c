/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The state of a server as records. Main thread.
 */
#include "proc/status.h"
#include "base/clock.h"
#include "config.h"
#include <stdio.h>
#include <unistd.h>

uint64_t
ptn_status_resident(pid_t pid)
{
    unsigned long long pages = 0;
    char path[64];
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/statm", (long)pid);
    file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%*u %llu", &pages) != 1)
        pages = 0;
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void
write_listeners(const struct ptn_plan *plan, struct ptn_buf *out)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct ptn_plan_listener *l = &plan->listeners[i];

        ptn_buf_adds(out, "listener");
        ptn_buf_adds(out, l->record);
        ptn_record_add(out, "state",
                       !l->problem ? "ready"
                       : l->locked ? "locked"
                                   : "closed");
        if (l->problem)
            ptn_record_add(out, "problem", l->problem);
        ptn_buf_addc(out, '\n');
    }
}

static void
add_counter(struct ptn_buf *out, const char *key,
            const _Atomic uint64_t *counter)
{
    ptn_record_addn(out, key,
                    atomic_load_explicit(counter, memory_order_relaxed));
}

static void
write_worker(const struct ptn_status_worker *w, const struct ptn_counters *c,
             struct ptn_buf *out)
{
    ptn_buf_adds(out, "worker");
    ptn_record_addn(out, "number", w->number);
    ptn_record_addn(out, "pid", (uint64_t)w->pid);
    ptn_record_add(out, "group", w->group);
    ptn_record_add(out, "state", w->state);
    ptn_record_addn(out, "generation", w->generation);
    ptn_record_addn(out, "uptime_ms", w->pid ? ptn_clock_ms() - w->started : 0);
    ptn_record_addn(out, "restarts", w->restarts);
    ptn_record_addn(out, "memory", ptn_status_resident(w->pid));
    add_counter(out, "sessions", &c->sessions_open);
    add_counter(out, "total", &c->sessions_total);
    add_counter(out, "refused", &c->refused);
    add_counter(out, "handshakes", &c->handshakes);
    add_counter(out, "resumed", &c->handshakes_resumed);
    add_counter(out, "handshake_failures", &c->handshake_failures);
    add_counter(out, "auth_ok", &c->auth_ok);
    add_counter(out, "auth_failed", &c->auth_failed);
    add_counter(out, "timeouts", &c->timeouts);
    ptn_buf_addc(out, '\n');
}

void
ptn_status_write_process(const char *role, pid_t pid, uint64_t restarts,
                         struct ptn_buf *out)
{
    ptn_buf_adds(out, "process");
    ptn_record_add(out, "role", role);
    ptn_record_addn(out, "pid", (uint64_t)pid);
    ptn_record_addn(out, "restarts", restarts);
    ptn_record_addn(out, "memory", ptn_status_resident(pid));
    ptn_buf_addc(out, '\n');
}

void
ptn_status_write(const struct ptn_status_server *server,
                 const struct ptn_plan *plan,
                 const struct ptn_status_worker *workers, unsigned count,
                 const struct ptn_shared *shared, struct ptn_buf *out)
{
    ptn_buf_adds(out, "server");
    ptn_record_add(out, "version", PACKAGE_VERSION);
    ptn_record_addn(out, "pid", (uint64_t)getpid());
    ptn_record_addn(out, "uptime_ms", ptn_clock_ms() - server->started);
    ptn_record_add(out, "processes", server->processes);
    ptn_record_addn(out, "generation", server->generation);
    ptn_record_add(out, "config", server->config);
    ptn_buf_addc(out, '\n');
    write_listeners(plan, out);
    if (plan->certificates)
        ptn_ledger_annotate(server->ledger, ptn_slice_of(plan->certificates),
                            out);
    for (unsigned i = 0; i < count; i++)
        write_worker(&workers[i], &shared->slots[workers[i].number].counters,
                     out);
}
