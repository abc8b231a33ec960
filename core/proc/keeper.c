/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Wardens of several generations. The supervisor's one thread.
 */
#include "proc/keeper.h"
#include "log/log.h"
#include <signal.h>
#include <unistd.h>

void
ptn_keepers_init(struct ptn_keepers *ks)
{
    *ks = (struct ptn_keepers){.escrow = -1};
}

void
ptn_keepers_let_go(struct ptn_keepers *ks)
{
    for (struct ptn_keeper *k = ks->all; k; k = k->next)
        ptn_warden_free(&k->warden);
    if (ks->escrow >= 0)
        close(ks->escrow);
    ks->escrow = -1;
}

static void
release(struct ptn_keepers *ks, struct ptn_keeper *k)
{
    struct ptn_keeper **at = &ks->all;

    while (*at != k)
        at = &(*at)->next;
    *at = k->next;
    if (ks->current == k)
        ks->current = NULL;
    ptn_warden_free(&k->warden);
    ptn_generation_unref(k->generation);
    ptn_free(k);
}

void
ptn_keepers_free(struct ptn_keepers *ks)
{
    while (ks->all)
        release(ks, ks->all);
    ptn_keepers_let_go(ks);
}

struct ptn_keeper *
ptn_keeper_new(struct ptn_keepers *ks, struct ptn_generation *generation)
{
    struct ptn_keeper *k = ptn_alloc(sizeof *k);

    k->generation = ptn_generation_ref(generation);
    k->id = ++ks->last_id;
    ptn_warden_init(&k->warden, generation->conf, generation->plan.warden,
                    ks->reports);
    k->warden.let_go = ks->let_go;
    k->warden.arg = ks->arg;
    k->warden.logs = ks->crew->again;
    k->warden.escrow = ks->escrow;
    k->warden.shared = ks->crew->shared;
    k->warden.slot = ptn_shared_warden(ks->crew->shared, k->id);
    k->next = ks->all;
    ks->all = k;
    return k;
}

void
ptn_keeper_open(struct ptn_keeper *k, struct ptn_crew_worker *worker,
                int ends[PTN_CHANNELS])
{
    struct ptn_error err = PTN_ERROR_INIT;

    worker->warden = k->id;
    if (ptn_warden_open(&k->warden, worker->group->name, ends, &err) != 0)
        ptn_log_error(PTN_LOG_WARNING, "worker.without-warden", &err);
}

/* A living worker gets channels, instead of those that it has. */
static void
introduce(struct ptn_keepers *ks, struct ptn_keeper *k, unsigned number)
{
    int ends[PTN_CHANNELS];

    if (!ks->crew->workers[number].pid)
        return;
    ptn_keeper_open(k, &ks->crew->workers[number], ends);
    if (ends[PTN_CHANNEL_SIGN] >= 0)
        (void)ptn_crew_send_channels(ks->crew, number, PTN_MESSAGE_WARDEN,
                                     ends);
    ptn_channels_close(ends);
}

void
ptn_keeper_take_over(struct ptn_keepers *ks, struct ptn_keeper *k)
{
    struct ptn_keeper *before = ks->current;

    ks->current = k;
    for (unsigned i = 0; i < ks->crew->count; i++)
        if (ks->crew->workers[i].phase != PTN_WORKER_RETIRED &&
            ks->crew->workers[i].warden != k->id)
            introduce(ks, k, i);
    if (!before)
        return;
    ptn_warden_retire(&before->warden);
    if (!before->warden.pid)
        release(ks, before);
}

void
ptn_keeper_dismiss(struct ptn_keepers *ks, struct ptn_keeper *k)
{
    k->warden.retired = true;
    k->warden.due = 0;
    if (k->warden.pid)
        kill(k->warden.pid, SIGKILL);
    else
        release(ks, k);
}

/* --- what is due --- */

void
ptn_keepers_do_due(struct ptn_keepers *ks)
{
    for (struct ptn_keeper *k = ks->all; k; k = k->next)
        ptn_warden_fork_due(&k->warden);
}

uint64_t
ptn_keepers_due(const struct ptn_keepers *ks)
{
    uint64_t earliest = 0;

    for (const struct ptn_keeper *k = ks->all; k; k = k->next)
        if (k->warden.due && (!earliest || k->warden.due < earliest))
            earliest = k->warden.due;
    return earliest;
}

void
ptn_keepers_watch(struct ptn_keepers *ks, uint64_t limit)
{
    for (struct ptn_keeper *k = ks->all; k; k = k->next)
        ptn_warden_watch(&k->warden, limit);
}

/* --- what they say --- */

unsigned
ptn_keepers_count(const struct ptn_keepers *ks)
{
    unsigned count = 0;

    for (const struct ptn_keeper *k = ks->all; k; k = k->next)
        count++;
    return count;
}

void
ptn_keepers_poll(const struct ptn_keepers *ks, struct pollfd *polls)
{
    for (const struct ptn_keeper *k = ks->all; k; k = k->next)
        *polls++ = (struct pollfd){k->warden.channel, POLLIN, 0};
}

/* Whoever has asked its predecessor asks the one that replaces it. */
static void
introduce_again(struct ptn_keepers *ks, struct ptn_keeper *k)
{
    for (unsigned i = 0; i < ks->crew->count; i++)
        if (ks->crew->workers[i].warden == k->id)
            introduce(ks, k, i);
}

int
ptn_keepers_receive(struct ptn_keepers *ks, const struct pollfd *polls)
{
    int said = 0;

    for (struct ptn_keeper *k = ks->all; k; k = k->next, polls++) {
        bool replaces = k->warden.again;
        int message;

        if (!(polls->revents & POLLIN))
            continue;
        message = ptn_warden_receive(&k->warden);
        if (message == PTN_WARDEN_COMMAND ||
            (message == PTN_WARDEN_VERDICT && k == ks->current))
            ks->asked(ks->arg, k, message, ptn_buf_slice(&k->warden.said));
        else if (message == PTN_WARDEN_READY && replaces)
            introduce_again(ks, k);
        else if (message == PTN_WARDEN_READY || k == ks->current)
            said = message;
    }
    return said;
}

enum ptn_keeper_death
ptn_keepers_bury(struct ptn_keepers *ks, pid_t pid, int status)
{
    struct ptn_keeper *k = ks->all;
    bool failed;

    while (k && !ptn_warden_reap(&k->warden, pid, status))
        k = k->next;
    if (!k)
        return PTN_KEEPER_OTHER;
    ptn_shared_fold(ks->crew->shared, k->warden.slot);
    failed = !k->warden.again && !k->warden.retired;
    if (k->warden.due == 0)
        release(ks, k);
    return failed ? PTN_KEEPER_FAILED : PTN_KEEPER_AGAIN;
}
