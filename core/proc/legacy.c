/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The exceptions for old clients, as the operator sees them. One thread.
 */
#include "proc/legacy.h"
#include "base/clock.h"
#include "proc/plan.h"
#include <postern/log.h>

enum {
    HOUR = 3600,
    DAY = 24 * HOUR,
};

/* Days before the end that are worth a line each. */
static const int64_t distances[] = {30, 14, 7, 1};

static void
add_list(struct ptn_buf *out, const char *key, const struct ptn_strings *list)
{
    struct ptn_buf text = PTN_BUF_INIT;

    for (size_t i = 0; i < list->count; i++)
        ptn_buf_printf(&text, "%s%s", i ? "," : "", list->items[i]);
    ptn_record_add(out, key, ptn_buf_cstr(&text));
    ptn_buf_free(&text);
}

void
ptn_legacy_write(const struct ptn_listener_conf *l, struct ptn_buf *out)
{
    const struct ptn_tls_legacy_conf *x = l->tls.legacy;

    if (!x)
        return;
    ptn_buf_adds(out, "legacy");
    ptn_record_add(out, "listener", l->name);
    add_list(out, "versions", &x->versions);
    add_list(out, "networks", &x->networks);
    ptn_record_add(out, "until", x->until);
    ptn_record_add(out, "in_force",
                   ptn_clock_wall_ms() / 1000 < x->ends ? "yes" : "no");
    ptn_buf_addc(out, '\n');
}

void
ptn_legacy_write_all(const struct ptn_conf *conf, struct ptn_buf *out)
{
    for (size_t i = 0; i < conf->listener_count; i++)
        ptn_legacy_write(&conf->listeners[i], out);
}

/* The next moment after `now` that is worth a line; 0: none. */
static int64_t
next_moment(const struct ptn_tls_legacy_conf *x, int64_t now)
{
    for (size_t i = 0; i < PTN_COUNT(distances); i++)
        if (x->ends - distances[i] * DAY > now)
            return x->ends - distances[i] * DAY;
    return x->ends > now ? x->ends : 0;
}

static void
tell(const struct ptn_listener_conf *l, int64_t now)
{
    const struct ptn_tls_legacy_conf *x = l->tls.legacy;

    if (now >= x->ends)
        ptn_log(PTN_LOG_WARNING, "tls.legacy-ended",
                PTN_FS("listener", l->name), PTN_FS("until", x->until),
                PTN_FS("remedy", "remove tls.legacy"));
    else
        ptn_log(PTN_LOG_WARNING, "tls.legacy-ends", PTN_FS("listener", l->name),
                PTN_FS("until", x->until),
                PTN_FN("hours", (uint64_t)((x->ends - now) / 3600)));
}

/* Whether the time from `since` to `now` has brought something to tell. A
 * first look tells what is near; what is past, the configuration's own
 * warning says. */
static bool
is_news(const struct ptn_tls_legacy_conf *x, int64_t since, int64_t now)
{
    int64_t moment = next_moment(x, since);

    if (since == 0)
        return now >= x->ends - distances[0] * DAY && now < x->ends;
    return moment != 0 && moment <= now;
}

void
ptn_legacy_look(struct ptn_legacy_watch *watch, const struct ptn_conf *conf,
                unsigned generation)
{
    int64_t now = ptn_clock_wall_ms() / 1000;

    if (watch->generation != generation)
        *watch = (struct ptn_legacy_watch){.generation = generation};
    watch->due = 0;
    for (size_t i = 0; i < conf->listener_count; i++) {
        const struct ptn_listener_conf *l = &conf->listeners[i];
        int64_t next;

        if (!l->tls.legacy)
            continue;
        if (is_news(l->tls.legacy, watch->since, now))
            tell(l, now);
        next = next_moment(l->tls.legacy, now);
        if (next == 0)
            continue;
        next = next - now < HOUR ? next - now : HOUR;
        if (!watch->due || ptn_clock_ms() + (uint64_t)next * 1000 < watch->due)
            watch->due = ptn_clock_ms() + (uint64_t)next * 1000;
    }
    watch->since = now;
}
