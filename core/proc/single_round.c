/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Certificates that change in the single process: read on a lane, taken over
 * on the loop in steps, between which sessions are served, and looked at by
 * a visitor on a lane (activation.h). Main thread, but for that.
 *
 *   keys_read --> refreshed --> visit (lane) --> visited: a verdict
 */
#include "base/clock.h"
#include "proc/activation.h"
#include "proc/single_inner.h"
#include <postern/log.h>

enum {
    VISITS_MAX = 2, /* before a verdict */
};

struct ptn_single_round {
    struct ptn_single *s;
    struct ptn_reading *reading;
    bool reload_reads; /* a reload waits for certificates */
    bool under_way, again, ending;
    unsigned visits, refused;
    struct ptn_buf names, served, seen;
    struct ptn_job job;
    struct ptn_activation activation;
};

static void begin(struct ptn_single_round *r);

/* --- news --- */

static void
add_word(void *arg, const struct ptn_keys_word *word)
{
    ptn_ledger_write_word(word, arg);
}

/* Whether a certificate is another one than before. */
static bool
take_news(struct ptn_single *s, bool first)
{
    struct ptn_buf news = PTN_BUF_INIT;
    bool changed;

    (void)ptn_keys_each_news(s->setup.keys, first, add_word, &news);
    changed = ptn_ledger_take(&s->ledger, ptn_buf_slice(&news), first);
    ptn_buf_free(&news);
    return changed;
}

/* --- verdicts --- */

static void
confirm(void *arg, const struct ptn_ledger_entry *e)
{
    struct ptn_single *s = arg;

    ptn_keys_confirm(s->setup.keys, e->name, e->fingerprint);
}

static void
restore(void *arg, const struct ptn_ledger_entry *e)
{
    struct ptn_single *s = arg;

    ptn_reading_restore(s->round->reading, e->name, e->fingerprint);
}

static void
conclude(struct ptn_single_round *r)
{
    const struct ptn_verdicts verdicts = {&r->s->ledger, confirm, restore,
                                          r->s};

    ptn_activation_judge(&verdicts, ptn_buf_slice(&r->served),
                         ptn_buf_slice(&r->seen));
    ptn_buf_free(&r->names);
    ptn_buf_free(&r->served);
    ptn_buf_free(&r->seen);
    r->under_way = false;
    if (r->again)
        begin(r);
}

/* --- the visitor --- */

/* On a lane: blocks. */
static void
visit(struct ptn_job *job)
{
    struct ptn_single_round *r =
        PTN_CONTAINER(job, struct ptn_single_round, job);

    ptn_activation_dial(&r->activation, r->s->shared);
    ptn_activation_look(&r->activation, &r->s->setup, &r->seen);
}

static void send_visitor(struct ptn_single_round *r);

static enum ptn_result
visited(struct ptn_session *session, struct ptn_job *job)
{
    struct ptn_single_round *r =
        PTN_CONTAINER(job, struct ptn_single_round, job);

    (void)session;
    ptn_shared_end_visits(r->s->shared);
    r->under_way = false;
    if (r->ending)
        return PTN_DONE;
    r->under_way = true;
    if (r->visits < VISITS_MAX &&
        !ptn_activation_is_good(&r->s->ledger, ptn_buf_slice(&r->served),
                                ptn_buf_slice(&r->seen)))
        send_visitor(r);
    else
        conclude(r);
    return PTN_DONE;
}

static void
send_visitor(struct ptn_single_round *r)
{
    struct ptn_single *s = r->s;

    r->visits++;
    r->seen.len = 0;
    ptn_activation_plan(&r->activation, &s->plan, &s->ledger);
    r->job = (struct ptn_job){.run = visit, .done = visited};
    if (r->activation.count == 0 ||
        ptn_loop_submit(ptn_worker_loop(s->worker), PTN_LANE_SLOW, &r->job) !=
            0)
        conclude(r);
}

/* --- rounds --- */

static void
refreshed(void *arg, unsigned refused)
{
    struct ptn_single *s = arg;
    struct ptn_single_round *r = s->round;

    ptn_single_refresh_plan(s);
    if (!r) /* another process has taken over */
        return;
    if (r->under_way && r->visits == 0) {
        ptn_activation_write_served(&s->setup, ptn_buf_slice(&r->names), 0,
                                    &r->served);
        send_visitor(r);
    }
    if (!r->reload_reads)
        return;
    r->reload_reads = false;
    ptn_single_reloaded(s, refused + r->refused);
}

static void
begin(struct ptn_single_round *r)
{
    struct ptn_single *s = r->s;

    r->again = false;
    r->visits = 0;
    if (ptn_ledger_check(&s->ledger, &r->names) == 0)
        return;
    r->under_way = true;
    ptn_buf_adds(&r->names, "round");
    ptn_record_addn(&r->names, "number", ptn_keys_round(s->setup.keys));
    ptn_buf_addc(&r->names, '\n');
    ptn_worker_refresh(s->worker, ptn_buf_slice(&r->names), refreshed, s);
}

static void
keys_read(void *arg, bool asked)
{
    struct ptn_single *s = arg;
    struct ptn_single_round *r = s->round;
    bool changed = take_news(s, false);

    r->refused = ptn_keys_refused(s->setup.keys);
    ptn_single_unlocked(s);
    ptn_keys_prune(s->setup.keys, ptn_clock_ms());
    r->again = r->again || changed;
    r->reload_reads = r->reload_reads || asked;
    if (asked) /* clients' files, too */
        ptn_worker_refresh(s->worker, PTN_SLICE(""), refreshed, s);
    if (r->again && !r->under_way)
        begin(r);
}

void
ptn_single_read(struct ptn_single *s)
{
    if (s->round)
        ptn_reading_ask(s->round->reading);
    else
        ptn_single_reloaded(s, 0);
}

void
ptn_single_read_marked(struct ptn_single *s)
{
    ptn_reading_go(s->round->reading);
}

void
ptn_single_watch(struct ptn_single *s)
{
    if (!s->setup.keys)
        return;
    s->round = ptn_alloc(sizeof *s->round);
    s->round->s = s;
    (void)take_news(s, true);
    s->round->reading = ptn_reading_new(ptn_worker_loop(s->worker),
                                        s->setup.keys, keys_read, s);
}

void
ptn_single_unwatch(struct ptn_single *s)
{
    struct ptn_single_round *r = s->round;

    if (!r)
        return;
    r->ending = true;
    ptn_reading_free(r->reading);
    if (r->under_way)
        ptn_loop_finish(ptn_worker_loop(s->worker));
    ptn_buf_free(&r->names);
    ptn_buf_free(&r->served);
    ptn_buf_free(&r->seen);
    ptn_free(r);
    s->round = NULL;
}
