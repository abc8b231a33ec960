/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One run: each certificate that is due, one after the other, and when to
 * come again. What happened is in a file, a report and the log. One thread.
 *
 *            no good certificate, or renewal is due
 *   resting ----------------------------------------> attempt
 *      ^  ^                                            |  |
 *      |  +---- stored: due again by its own window ---+  |
 *      +------- failed: back-off, or the limit's end -----+
 */
#include "inner.h"
#include "plugin.h"
#include <errno.h>
#include <postern/log.h>
#include <stdio.h>
#include <time.h>

enum {
    FAR_S = 86400, /* the longest without a look */
};

/* One certificate in hand. */
struct task {
    struct acme_plugin *plugin;
    const struct ptn_errand_certificate *certificate;
    struct acme_state state;
    struct ptn_buf chain; /* what is served now */
    bool serves;          /* and is what the configuration wants */
    int64_t now;
};

static void
keep(const struct task *t)
{
    if (acme_state_write(t->plugin->folder, t->certificate->name, &t->state) !=
        0)
        ptn_log(PTN_LOG_ERROR, "acme.state-not-written",
                PTN_FS("certificate", t->certificate->name),
                PTN_FS("folder", t->plugin->folder),
                PTN_FS("error", strerror(errno)));
}

/* --- when --- */

/* The authority is asked for its window when that is due, and not at each
 * start: what it said is remembered with the certificate's id. */
static void
plan(struct task *t)
{
    const struct acme_options *o = t->plugin->options;
    struct acme_schedule how = {(unsigned)o->renew_at, o->ari};
    struct acme_failure failure;
    struct ptn_buf id = PTN_BUF_INIT;
    bool known;

    (void)acme_certificate_id(ptn_buf_slice(&t->chain), &id);
    known = strcmp(t->state.id, ptn_buf_cstr(&id)) == 0 && t->state.due;
    if (!known || t->now >= t->state.look_again) {
        if (acme_renewal(t->plugin->client, ptn_buf_slice(&t->chain), &how,
                         &t->state.due, &t->state.look_again, &failure) != 0)
            t->state.due = t->now;
        snprintf(t->state.id, sizeof t->state.id, "%s", ptn_buf_cstr(&id));
        keep(t);
    }
    ptn_buf_free(&id);
}

/* The moment of the next attempt. */
static int64_t
due(const struct task *t)
{
    int64_t moment = t->serves ? t->state.due : t->now;

    if (t->state.failures > 0 && t->state.next > moment)
        moment = t->state.next;
    return t->state.limited > moment ? t->state.limited : moment;
}

static int64_t
look(const struct task *t)
{
    int64_t moment = due(t);

    if (t->serves && t->state.look_again < moment)
        moment = t->state.look_again;
    return moment < t->now + FAR_S ? moment : t->now + FAR_S;
}

static int
open_task(struct task *t, struct acme_plugin *p,
          const struct ptn_errand_certificate *certificate,
          struct ptn_error *err)
{
    *t = (struct task){.plugin = p,
                       .certificate = certificate,
                       .chain = PTN_BUF_INIT,
                       .now = (int64_t)time(NULL)};
    p->certificate = certificate;
    acme_state_read(p->folder, certificate->name, p->directory, &t->state);
    if (ptn_errand_chain(p->host, certificate, &t->chain, err) != 0)
        return -1;
    t->serves =
        acme_certificate_serves(ptn_buf_slice(&t->chain), &certificate->names);
    if (t->serves)
        plan(t);
    return 0;
}

static void
report(const struct task *t)
{
    struct ptn_errand_report said = {
        .size = sizeof said,
        .last = t->state.last,
        .next = due(t),
        .failures = t->state.failures,
    };

    if (t->state.problem[0])
        said.problem = t->state.problem;
    else if (!t->serves)
        said.problem = "until it is obtained, a self-signed one stands in";

    ptn_errand_report(t->plugin->host, t->certificate, &said);
}

/* --- an attempt --- */

static void
ordered(void *arg)
{
    keep(arg);
}

static void
succeed(struct task *t)
{
    struct acme_state fresh = {.last = t->now};

    memcpy(fresh.directory, t->state.directory, sizeof fresh.directory);
    t->state = fresh;
    ptn_log(PTN_LOG_INFO, "acme.obtained",
            PTN_FS("certificate", t->certificate->name));
}

static void
fail(struct task *t, const struct acme_failure *failure)
{
    struct acme_state *s = &t->state;

    s->last = t->now;
    s->failures++;
    s->next = t->now + acme_backoff(s->failures);
    s->limited = failure->not_before > t->now ? failure->not_before : 0;
    snprintf(s->problem, sizeof s->problem, "%s", failure->text);
    ptn_log(PTN_LOG_ERROR, "acme.failed",
            PTN_FS("certificate", t->certificate->name),
            PTN_FS("problem", failure->text), PTN_FN("failures", s->failures),
            PTN_FN("next_in_s", due(t) - t->now));
}

static int
attempt(struct task *t, struct acme_failure *failure)
{
    struct ptn_buf id = PTN_BUF_INIT;
    struct acme_wanted wanted = {
        .name = t->certificate->name,
        .names = t->certificate->names,
        .ordered = ordered,
        .arg = t,
    };
    int result;

    memcpy(wanted.order, t->state.order, sizeof wanted.order);
    if (t->serves && acme_resource(t->plugin->client, "renewalInfo") &&
        acme_certificate_id(ptn_buf_slice(&t->chain), &id))
        wanted.replaces = ptn_buf_cstr(&id);
    ptn_log(PTN_LOG_INFO, "acme.begins",
            PTN_FS("certificate", t->certificate->name),
            PTN_FS("directory", t->plugin->directory));
    result = acme_obtain(t->plugin->client, &wanted, failure);
    memcpy(t->state.order, wanted.order, sizeof t->state.order);
    ptn_buf_free(&id);
    return result;
}

/* Obtains it, and looks at what there is then. */
static int
do_task(struct task *t, struct acme_failure *failure)
{
    struct ptn_error err = PTN_ERROR_INIT;
    int result = attempt(t, failure);

    t->now = (int64_t)time(NULL);
    if (result != 0) {
        fail(t, failure);
        keep(t);
        return -1;
    }
    succeed(t);
    t->chain.len = 0;
    if (ptn_errand_chain(t->plugin->host, t->certificate, &t->chain, &err) == 0)
        t->serves = acme_certificate_serves(ptn_buf_slice(&t->chain),
                                            &t->certificate->names);
    if (t->serves)
        plan(t);
    keep(t);
    return 0;
}

/* --- wishes --- */

static int
refuse_limited(const struct task *t, struct ptn_error *err)
{
    time_t until = (time_t)t->state.limited;
    char text[32] = "";
    struct tm tm;

    if (gmtime_r(&until, &tm))
        strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm);
    return ptn_error_set(err, PTN_ERR_LIMIT,
                         "the authority's rate limit ends at %s; --force asks "
                         "it all the same (%s)",
                         text, t->state.problem);
}

static int
grant(struct task *t, const struct ptn_errand_wish *wish, struct ptn_error *err)
{
    struct acme_failure failure;

    if (!wish->force && t->state.limited > t->now)
        return refuse_limited(t, err);
    if (do_task(t, &failure) == 0)
        return 0;
    return ptn_error_set(err, PTN_ERR_TLS, "%s", failure.text);
}

/* --- the run --- */

static void
sooner(int64_t *next, int64_t moment)
{
    if (!*next || moment < *next)
        *next = moment;
}

static int
run_one(struct acme_plugin *p, const struct ptn_errand_certificate *certificate,
        const struct ptn_errand_wish *wish, int64_t *next,
        struct ptn_error *err)
{
    struct acme_failure failure;
    struct ptn_error problem = PTN_ERROR_INIT;
    struct task t;
    bool wished = wish && strcmp(wish->certificate, certificate->name) == 0;
    int result = 0;

    if (open_task(&t, p, certificate, &problem) != 0) {
        ptn_log_error(PTN_LOG_ERROR, "acme.no-chain", &problem);
        sooner(next, t.now + acme_backoff(1));
        if (wished)
            *err = problem;
        ptn_buf_free(&t.chain);
        return wished ? -1 : 0;
    }
    report(&t);
    if (wished)
        result = grant(&t, wish, err);
    else if (!wish && due(&t) <= t.now)
        (void)do_task(&t, &failure);
    report(&t);
    sooner(next, look(&t));
    ptn_buf_free(&t.chain);
    return result;
}

int
acme_run(void *instance, const struct ptn_errand_wish *wish, int64_t *next,
         struct ptn_error *err)
{
    struct acme_plugin *p = instance;
    const struct ptn_errand_certificate *certificate;
    int result = 0;

    *next = 0;
    for (size_t i = 0;
         (certificate = ptn_errand_certificate(p->host, ACME_ERRAND, i)); i++)
        if (run_one(p, certificate, wish, next, err) != 0)
            result = -1;
    return result;
}
