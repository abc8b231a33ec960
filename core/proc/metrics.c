/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Metrics of the server as a whole. Reading them costs the workers nothing:
 * they are not asked. Main thread.
 */
#include "proc/metrics.h"
#include "base/clock.h"
#include "config.h"
#include <stdio.h>
#include <stdlib.h>

static const struct ptn_tally_family info = {
    "info", "The version that runs; always 1.", PTN_METRIC_GAUGE};
static const struct ptn_tally_family start_time = {
    "start_time_seconds", "When the server was started, seconds since 1970.",
    PTN_METRIC_GAUGE};
static const struct ptn_tally_family generation = {
    "config_generation", "How many configurations have taken effect.",
    PTN_METRIC_GAUGE};
static const struct ptn_tally_family listener_up = {
    "listener_up", "1 where the listener serves, 0 where it is closed.",
    PTN_METRIC_GAUGE};
static const struct ptn_tally_family expiry = {
    "certificate_expiry_timestamp_seconds",
    "When the certificate in use expires, seconds since 1970.",
    PTN_METRIC_GAUGE};
static const struct ptn_tally_family refused = {
    "certificate_refused",
    "1 where the files of a certificate are of no use: the one before is "
    "served, if there is one.",
    PTN_METRIC_GAUGE};
static const struct ptn_tally_family locked = {
    "certificate_locked",
    "1 where the key of a certificate waits for its passphrase.",
    PTN_METRIC_GAUGE};
static const struct ptn_tally_family alarm = {
    "certificate_alarm",
    "1 where a certificate was not seen to be served as it should be.",
    PTN_METRIC_GAUGE};
static const struct ptn_tally_family since = {
    "certificate_since_timestamp_seconds",
    "Since when the certificate is in use, seconds since 1970.",
    PTN_METRIC_GAUGE};
static const struct ptn_tally_family changes = {
    "certificate_changes_total",
    "Certificates that were replaced and seen to be served.",
    PTN_METRIC_COUNTER};
static const struct ptn_tally_family obtain_failures = {
    "certificate_obtain_failures",
    "Attempts to obtain the certificate from its authority that have failed "
    "in a row.",
    PTN_METRIC_GAUGE};
static const struct ptn_tally_family obtain_next = {
    "certificate_obtain_next_timestamp_seconds",
    "When the certificate is to be obtained next, seconds since 1970.",
    PTN_METRIC_GAUGE};
static const struct ptn_tally_family workers_up = {
    "workers", "Worker processes, by group and state.", PTN_METRIC_GAUGE};
static const struct ptn_tally_family restarts = {
    "worker_restarts_total", "Workers that were replaced, by group.",
    PTN_METRIC_COUNTER};
static const struct ptn_tally_family memory = {
    "process_resident_memory_bytes",
    "Resident memory of the processes that serve, by number.",
    PTN_METRIC_GAUGE};
static const struct ptn_tally_family lost = {
    "metrics_lost_total", "Metrics for which a process had no room.",
    PTN_METRIC_COUNTER};

static void
put_named(struct ptn_tally *t, const struct ptn_tally_family *family,
          const char *label, const char *value, uint64_t number)
{
    char labels[PTN_METRIC_LABELS_MAX] = "";

    ptn_metrics_label(labels, label, value);
    ptn_tally_put(t, family, labels, number);
}

static void
put_server(struct ptn_tally *t, const struct ptn_metrics_server *server)
{
    uint64_t up = (ptn_clock_ms() - server->started) / 1000;

    put_named(t, &info, "version", PACKAGE_VERSION, 1);
    ptn_tally_put(t, &start_time, "",
                  (uint64_t)ptn_clock_wall_ms() / 1000 - up);
    ptn_tally_put(t, &generation, "", server->generation);
}

static void
put_plan(struct ptn_tally *t, const struct ptn_plan *plan)
{
    struct ptn_slice rest =
        ptn_slice_of(plan->certificates ? plan->certificates : "");
    char name[PTN_METRIC_LABELS_MAX], when[24];

    for (size_t i = 0; i < plan->count; i++)
        put_named(t, &listener_up, "listener", plan->listeners[i].name,
                  plan->listeners[i].problem ? 0 : 1);
    while (rest.len > 0) {
        struct ptn_slice line = ptn_record_next(&rest);

        if (ptn_record_get(line, "name", name, sizeof name) &&
            ptn_record_get(line, "not_after", when, sizeof when))
            put_named(t, &expiry, "certificate", name,
                      strtoull(when, NULL, 10));
    }
}

static void
put_ledger(struct ptn_tally *t, const struct ptn_ledger *ledger)
{
    for (size_t i = 0; i < ledger->count; i++) {
        const struct ptn_ledger_entry *e = ledger->all[i];

        put_named(t, &refused, "certificate", e->name, e->refused ? 1 : 0);
        put_named(t, &locked, "certificate", e->name, e->locked ? 1 : 0);
        put_named(t, &alarm, "certificate", e->name,
                  e->state == PTN_LEDGER_ALARM ? 1 : 0);
        if (*e->fingerprint)
            put_named(t, &since, "certificate", e->name, (uint64_t)e->since);
    }
    ptn_tally_put(t, &changes, "", ledger->changes);
}

/* What the envoy has told (postern/errand.h). */
static void
put_errands(struct ptn_tally *t, struct ptn_slice records)
{
    char name[PTN_METRIC_LABELS_MAX], number[24];

    while (records.len > 0) {
        struct ptn_slice line = ptn_record_next(&records);

        if (!ptn_record_get(line, "name", name, sizeof name))
            continue;
        if (ptn_record_get(line, "failures", number, sizeof number))
            put_named(t, &obtain_failures, "certificate", name,
                      strtoull(number, NULL, 10));
        if (ptn_record_get(line, "next", number, sizeof number))
            put_named(t, &obtain_next, "certificate", name,
                      strtoull(number, NULL, 10));
    }
}

void
ptn_metrics_restarted(struct ptn_shared *shared, const char *group)
{
    put_named(shared->gone, &restarts, "group", group, 1);
}

static void
put_worker(struct ptn_tally *t, const struct ptn_status_worker *w)
{
    char labels[PTN_METRIC_LABELS_MAX] = "", number[16];

    ptn_metrics_label(labels, "group", w->group);
    ptn_tally_put(t, &restarts, labels, 0); /* so that there is one */
    ptn_metrics_label(labels, "state", w->state);
    ptn_tally_put(t, &workers_up, labels, 1);
    if (!w->pid)
        return;
    snprintf(number, sizeof number, "%u", w->number);
    put_named(t, &memory, "worker", number, ptn_status_resident(w->pid));
}

static void
put_lost(struct ptn_tally *t, const struct ptn_shared *shared)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < shared->workers + PTN_WARDEN_SLOTS; i++)
        sum += atomic_load(&ptn_shared_area(shared, i)->lost);
    ptn_tally_put(t, &lost, "", sum);
}

void
ptn_metrics_write(const struct ptn_metrics_server *server, struct ptn_buf *out)
{
    struct ptn_tally *t = ptn_tally_new();

    put_server(t, server);
    put_plan(t, server->plan);
    put_ledger(t, server->ledger);
    put_errands(t, server->errands);
    for (unsigned i = 0; i < server->count; i++)
        put_worker(t, &server->workers[i]);
    put_lost(t, server->shared);
    ptn_shared_sum(server->shared, t);
    ptn_tally_print(t, out);
    ptn_tally_free(t);
}
