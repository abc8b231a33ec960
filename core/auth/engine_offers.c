/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which mechanisms there are, and which of them are offered: those that the
 * config wants and some account has a hash for, which the directory is asked
 * about again and again. Loop thread, but for run_refresh.
 */
#include "auth/engine_inner.h"

#define REFRESH_MS 2000 /* between two looks at the directory */

/* Those that bind to TLS have to be asked for: clients that choose them and
 * know no binding of TLS 1.3 (mutt with GNU SASL 2.2) fail, and try nothing
 * else. */
static bool
is_wanted(const struct ptn_engine *e, const struct ptn_mechanism *m)
{
    const struct ptn_strings *wanted = &e->p.conf->auth.mechanisms;

    for (size_t i = 0; i < wanted->count; i++)
        if (ptn_slice_caseeq(ptn_slice_of(wanted->items[i]),
                             ptn_slice_of(m->name)))
            return true;
    return wanted->count == 0 && !m->bindings;
}

static void
add_mechanism(struct ptn_engine *e, const struct ptn_mechanism *m)
{
    if (e->mechanism_count < PTN_COUNT(e->mechanisms) &&
        strlen(m->name) <= PTN_SASL_MECHANISM_MAX && is_wanted(e, m))
        e->mechanisms[e->mechanism_count++] = *m;
}

static void
list_mechanisms(struct ptn_engine *e)
{
    static const struct ptn_mechanism external = {
        "EXTERNAL", PTN_MECHANISM_EXTERNAL, 0, 0, true};
    static const struct ptn_mechanism clear[] = {
        {"PLAIN", PTN_MECHANISM_PLAIN, 0, 0, false},
        {"LOGIN", PTN_MECHANISM_LOGIN, 0, 0, false},
    };
    const struct ptn_sasl_mechanism *m =
        e->p.sasl ? e->p.sasl->mechanisms : NULL;

    add_mechanism(e, &external);
    for (; m && m->name; m++)
        add_mechanism(e,
                      &(struct ptn_mechanism){m->name, PTN_MECHANISM_PROVIDED,
                                              m->bindings, m->verifier, false});
    for (size_t i = 0; i < PTN_COUNT(clear); i++)
        add_mechanism(e, &clear[i]);
}

static bool
is_ready(const struct ptn_engine *e, const struct ptn_mechanism *m)
{
    return (m->verifier & ~e->hashes) == 0;
}

static void
offer(struct ptn_engine *e)
{
    struct ptn_auth_service *s = &e->service;

    s->offer_count = 0;
    for (size_t i = 0; i < e->mechanism_count; i++) {
        const struct ptn_mechanism *m = &e->mechanisms[i];
        struct ptn_auth_offer *o = &s->offers[s->offer_count];

        if (!is_ready(e, m))
            continue;
        *o = (struct ptn_auth_offer){.bindings = m->bindings,
                                     .client = m->client};
        strncpy(o->name, m->name, PTN_SASL_MECHANISM_MAX);
        s->offer_count++;
    }
}

/* May block. */
static unsigned
ask_hashes(const struct ptn_engine *e)
{
    const struct ptn_directory_ops *d = e->p.directory;

    if (!PTN_HAS(d, struct ptn_directory_ops, scram_hashes) || !d->scram ||
        !d->scram_hashes)
        return 0;
    return d->scram_hashes(e->p.directory_instance);
}

void
ptn_engine_list(struct ptn_engine *e)
{
    list_mechanisms(e);
    if (e->p.sasl)
        e->hashes = ask_hashes(e);
    e->refreshed = ptn_loop_now(e->p.loop);
    offer(e);
}

struct refresh {
    struct ptn_job job;
    struct ptn_engine *engine;
    unsigned hashes;
};

static void
run_refresh(struct ptn_job *job)
{
    struct refresh *r = PTN_CONTAINER(job, struct refresh, job);

    r->hashes = ask_hashes(r->engine);
}

static void
tell_change(struct ptn_engine *e)
{
    struct ptn_list *link = e->watches.next;

    for (; link != &e->watches; link = link->next) {
        struct ptn_engine_watch *w =
            PTN_CONTAINER(link, struct ptn_engine_watch, link);
        w->changed(w);
    }
}

static enum ptn_result
on_refreshed(struct ptn_session *s, struct ptn_job *job)
{
    struct refresh *r = PTN_CONTAINER(job, struct refresh, job);
    struct ptn_engine *e = r->engine;
    bool changed = r->hashes != e->hashes;

    (void)s;
    e->refreshing = false;
    e->hashes = r->hashes;
    ptn_free(r);
    if (changed) {
        offer(e);
        tell_change(e);
    }
    return PTN_DONE;
}

void
ptn_engine_refresh(struct ptn_engine *e)
{
    uint64_t now = ptn_loop_now(e->p.loop);
    struct refresh *r;

    if (e->refreshing || now - e->refreshed < REFRESH_MS || !e->p.sasl)
        return;
    r = ptn_alloc(sizeof *r);
    r->engine = e;
    r->job.run = run_refresh;
    r->job.done = on_refreshed;
    e->refreshed = now;
    e->refreshing = ptn_loop_submit(e->p.loop, PTN_LANE_DISK, &r->job) == 0;
    if (!e->refreshing)
        ptn_free(r);
}

const struct ptn_mechanism *
ptn_engine_find(const struct ptn_engine *e, const struct ptn_auth_start *start)
{
    unsigned bound = 0;

    for (unsigned i = 0; i < PTN_BINDINGS; i++)
        if (start->bindings[i].len > 0)
            bound |= 1u << i;
    for (size_t i = 0; i < e->mechanism_count; i++) {
        const struct ptn_mechanism *m = &e->mechanisms[i];

        if (ptn_slice_caseeq(start->mechanism, ptn_slice_of(m->name)))
            return is_ready(e, m) && (!m->bindings || (m->bindings & bound)) &&
                           (!m->client || start->client.len > 0)
                       ? m
                       : NULL;
    }
    return NULL;
}

bool
ptn_engine_offers_plus(const struct ptn_engine *e,
                       const struct ptn_mechanism *m)
{
    size_t len = strlen(m->name);

    if (m->bindings)
        return true;
    for (size_t i = 0; i < e->mechanism_count; i++)
        if (e->mechanisms[i].bindings && is_ready(e, &e->mechanisms[i]) &&
            strncmp(e->mechanisms[i].name, m->name, len) == 0)
            return true;
    return false;
}
