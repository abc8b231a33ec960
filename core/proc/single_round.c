/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Certificates that change in the single process: read on a lane, taken over
 * on the loop in steps, between which sessions are served. Main thread.
 */
#include "base/clock.h"
#include "proc/single_inner.h"
#include <postern/log.h>

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

/* --- rounds --- */

static void
refreshed(void *arg, unsigned refused)
{
    struct ptn_single *s = arg;

    ptn_single_refresh_plan(s);
    for (size_t i = 0; i < s->ledger.count; i++)
        if (s->ledger.all[i]->changed)
            ptn_ledger_judge(&s->ledger, s->ledger.all[i], PTN_LEDGER_LIVE,
                             NULL, NULL);
    if (!s->reload_reads)
        return;
    s->reload_reads = false;
    ptn_single_reloaded(s, refused + ptn_keys_refused(s->setup.keys));
}

static void
keys_read(void *arg, bool asked)
{
    struct ptn_single *s = arg;
    bool changed = take_news(s, false);

    ptn_keys_prune(s->setup.keys, ptn_clock_ms());
    s->reload_reads = s->reload_reads || asked;
    if (changed || asked)
        ptn_worker_refresh(s->worker, refreshed, s);
}

void
ptn_single_read(struct ptn_single *s)
{
    if (s->reading)
        ptn_reading_ask(s->reading);
    else
        ptn_single_reloaded(s, 0);
}

void
ptn_single_watch(struct ptn_single *s)
{
    if (!s->setup.keys)
        return;
    (void)take_news(s, true);
    s->reading = ptn_reading_new(ptn_worker_loop(s->worker), s->setup.keys,
                                 keys_read, s);
}

void
ptn_single_unwatch(struct ptn_single *s)
{
    ptn_reading_free(s->reading);
    s->reading = NULL;
}
