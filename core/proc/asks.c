/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Questions under way. The supervisor's one thread.
 *
 * The request is refused only when every worker that answered refused it: a
 * session that is to be kicked, say, is known to one of them.
 */
#include "proc/asks.h"
#include "base/clock.h"
#include "proc/plan.h"
#include <stdlib.h>

enum {
    RECORDS_MAX = 64 << 20, /* octets, of all workers */
};

struct ask {
    struct ptn_list link;
    struct ptn_control_call *call; /* NULL: `done` is who waits */
    void (*done)(void *arg, struct ptn_slice records);
    void *arg;
    struct ptn_buf records;
    unsigned id;
    uint64_t due;
    unsigned owing;   /* how many have not answered */
    unsigned workers; /* entries of `owes` */
    bool *owes;       /* by worker */
    bool fulfilled;   /* one did not refuse */
    struct ptn_error refused;
};

void
ptn_asks_init(struct ptn_asks *asks)
{
    ptn_list_init(&asks->open);
    asks->last_id = 0;
}

static void
release(struct ask *a)
{
    ptn_list_remove(&a->link);
    ptn_free(a->owes);
    ptn_buf_free(&a->records);
    ptn_free(a);
}

void
ptn_asks_deinit(struct ptn_asks *asks)
{
    while (!ptn_list_is_empty(&asks->open))
        release(PTN_CONTAINER(asks->open.next, struct ask, link));
}

static struct ask *
ask_new(struct ptn_asks *asks, unsigned workers, uint64_t patience)
{
    struct ask *a = ptn_alloc(sizeof *a);

    a->id = ++asks->last_id;
    a->due = ptn_clock_ms() + patience;
    a->workers = workers;
    a->owes = ptn_alloc(workers * sizeof *a->owes);
    ptn_list_add(&asks->open, &a->link);
    return a;
}

static bool
concerns(const struct ptn_crew *crew, unsigned number, enum ptn_message type,
         unsigned newest)
{
    const struct ptn_crew_worker *w = &crew->workers[number];

    if (type == PTN_MESSAGE_ASK)
        return ptn_crew_is_up(crew, number);
    return w->pid && w->phase == PTN_WORKER_SERVING && w->born < newest;
}

/* Whether somebody was reached. */
static bool
spread(struct ask *a, struct ptn_crew *crew, enum ptn_message type,
       struct ptn_slice request, unsigned newest)
{
    struct ptn_buf text = PTN_BUF_INIT;

    ptn_buf_adds(&text, "ask");
    ptn_record_addn(&text, "id", a->id);
    ptn_buf_addc(&text, '\n');
    ptn_buf_addslice(&text, request);
    for (unsigned i = 0; i < crew->count; i++) {
        a->owes[i] = concerns(crew, i, type, newest) &&
                     ptn_crew_send(crew, i, type, ptn_buf_slice(&text));
        a->owing += a->owes[i];
    }
    ptn_buf_free(&text);
    return a->owing > 0;
}

int
ptn_asks_begin(struct ptn_asks *asks, struct ptn_crew *crew,
               struct ptn_control_call *call, struct ptn_error *err)
{
    struct ask *a = ask_new(asks, crew->count, PTN_ASKS_PATIENCE_MS);

    a->call = call;
    if (spread(a, crew, PTN_MESSAGE_ASK, call->request, 0))
        return PTN_CONTROL_LATER;
    release(a);
    return ptn_error_set(err, PTN_ERR_INVALID, "no worker is ready");
}

unsigned
ptn_asks_reload(struct ptn_asks *asks, struct ptn_crew *crew, unsigned newest,
                struct ptn_slice names,
                void (*done)(void *arg, struct ptn_slice records), void *arg)
{
    struct ask *a = ask_new(asks, crew->count, PTN_ASKS_RELOAD_MS);
    unsigned told;

    a->done = done;
    a->arg = arg;
    (void)spread(a, crew, PTN_MESSAGE_RELOAD, names, newest);
    told = a->owing;
    if (told == 0)
        release(a);
    return told;
}

/* Done when nobody owes anything any more. */
static void
conclude(struct ask *a)
{
    bool refused = !a->fulfilled && a->refused.code != PTN_ERR_NONE;

    if (a->owing > 0)
        return;
    ptn_list_remove(&a->link); /* it may end others, or begin some */
    if (a->call) {
        ptn_buf_addslice(&a->call->out, ptn_buf_slice(&a->records));
        ptn_control_done(a->call, refused ? &a->refused : NULL);
    } else {
        a->done(a->arg, ptn_buf_slice(&a->records));
    }
    release(a);
}

static void
settle(struct ask *a, unsigned worker)
{
    if (worker >= a->workers || !a->owes[worker])
        return;
    a->owes[worker] = false;
    a->owing--;
    conclude(a);
}

static struct ask *
find(struct ptn_asks *asks, struct ptn_slice head)
{
    struct ptn_list *link = asks->open.next;
    char id[16];

    if (!ptn_record_get(head, "id", id, sizeof id))
        return NULL;
    for (; link != &asks->open; link = link->next) {
        struct ask *a = PTN_CONTAINER(link, struct ask, link);

        if (a->id == strtoul(id, NULL, 10))
            return a;
    }
    return NULL;
}

void
ptn_asks_take(struct ptn_asks *asks, unsigned worker, struct ptn_slice text)
{
    struct ptn_slice head = ptn_record_next(&text);
    struct ask *a = find(asks, head);
    char why[PTN_ERROR_TEXT_MAX], more[8];

    if (!a || worker >= a->workers || !a->owes[worker])
        return; /* it expired */
    /* One that was taken over may never come to an end. */
    if (a->records.len + text.len <= RECORDS_MAX)
        ptn_buf_addslice(&a->records, text);
    if (ptn_record_get(head, "more", more, sizeof more))
        return;
    if (!ptn_record_get(head, "refused", why, sizeof why))
        a->fulfilled = true;
    else if (a->refused.code == PTN_ERR_NONE)
        ptn_error_set(&a->refused, PTN_ERR_INVALID, "%s", why);
    settle(a, worker);
}

void
ptn_asks_lose(struct ptn_asks *asks, unsigned worker)
{
    struct ptn_list *link = asks->open.next;

    while (link != &asks->open) {
        struct ask *a = PTN_CONTAINER(link, struct ask, link);

        link = link->next;
        if (worker >= a->workers || !a->owes[worker])
            continue;
        settle(a, worker);
        link = asks->open.next; /* the list may be another by now */
    }
}

uint64_t
ptn_asks_due(const struct ptn_asks *asks)
{
    const struct ptn_list *link = asks->open.next;
    uint64_t earliest = 0;

    for (; link != &asks->open; link = link->next) {
        uint64_t due = PTN_CONTAINER(link, struct ask, link)->due;

        if (!earliest || due < earliest)
            earliest = due;
    }
    return earliest;
}

static void
expire(struct ask *a)
{
    for (unsigned i = 0; i < a->workers; i++) {
        if (!a->owes[i])
            continue;
        ptn_buf_adds(&a->records, "missing");
        ptn_record_addn(&a->records, "worker", i);
        ptn_buf_addc(&a->records, '\n');
    }
    a->owing = 0;
    conclude(a);
}

void
ptn_asks_expire(struct ptn_asks *asks)
{
    uint64_t now = ptn_clock_ms();
    struct ptn_list *link = asks->open.next;

    while (link != &asks->open) {
        struct ask *a = PTN_CONTAINER(link, struct ask, link);

        link = link->next;
        if (a->due > now)
            continue;
        expire(a);
        link = asks->open.next; /* the list may be another by now */
    }
}
