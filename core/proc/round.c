/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rounds. The supervisor's one thread.
 */
#include "proc/round.h"
#include "base/clock.h"
#include "proc/inner.h"
#include <limits.h>
#include <postern/log.h>

enum {
    NAMES_MAX = 65536, /* octets: more changes are asked for as "all" */
};

static void begin(struct ptn_supervisor *s);

static void
conclude(struct ptn_supervisor *s)
{
    struct ptn_round *r = &s->round;

    r->phase = PTN_ROUND_RESTING;
    ptn_buf_free(&r->names);
    ptn_buf_free(&r->served);
    if (r->again && s->phase == PTN_SUPERVISOR_SERVING)
        begin(s);
}

static void
refreshed(void *arg, struct ptn_slice records)
{
    struct ptn_supervisor *s = arg;

    ptn_buf_addslice(&s->round.served, records);
    for (size_t i = 0; i < s->ledger.count; i++)
        if (s->ledger.all[i]->changed)
            ptn_ledger_judge(&s->ledger, s->ledger.all[i], PTN_LEDGER_LIVE,
                             NULL, NULL);
    ptn_log(PTN_LOG_INFO, "certificates.live",
            PTN_FN("took_ms", ptn_clock_ms() - s->round.began));
    conclude(s);
}

static void
add_names(struct ptn_supervisor *s)
{
    struct ptn_round *r = &s->round;

    for (size_t i = 0; i < s->ledger.count; i++) {
        if (!s->ledger.all[i]->changed)
            continue;
        ptn_buf_adds(&r->names, "certificate");
        ptn_record_add(&r->names, "name", s->ledger.all[i]->name);
        ptn_buf_addc(&r->names, '\n');
    }
}

static void
begin(struct ptn_supervisor *s)
{
    struct ptn_round *r = &s->round;

    r->again = false;
    r->phase = PTN_ROUND_REFRESHING;
    r->began = ptn_clock_ms();
    add_names(s);
    if (ptn_asks_reload(&s->asks, &s->crew, UINT_MAX, refreshed, s) == 0)
        refreshed(s, PTN_SLICE(""));
}

void
ptn_round_take_news(struct ptn_supervisor *s)
{
    struct ptn_keeper *k = s->keepers.current;
    bool changed;

    if (!k)
        return;
    changed = ptn_ledger_take(&s->ledger, ptn_buf_slice(&k->warden.news),
                              s->phase != PTN_SUPERVISOR_SERVING);
    ptn_buf_free(&k->warden.news);
    if (!changed)
        return;
    s->round.again = true;
    if (s->round.phase == PTN_ROUND_RESTING)
        begin(s);
}

void
ptn_round_free(struct ptn_round *r)
{
    ptn_buf_free(&r->names);
    ptn_buf_free(&r->served);
}
