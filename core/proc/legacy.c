/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The exceptions for old clients, as the operator sees them. One thread.
 */
#include "proc/legacy.h"
#include "base/clock.h"
#include "proc/plan.h"
#include <postern/log.h>

enum {
    DAY = 86400
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

int64_t
ptn_legacy_announce(const struct ptn_conf *conf, int64_t since, int64_t now)
{
    int64_t soonest = INT64_MAX;

    for (size_t i = 0; i < conf->listener_count; i++) {
        const struct ptn_listener_conf *l = &conf->listeners[i];
        const struct ptn_tls_legacy_conf *x = l->tls.legacy;
        int64_t next;

        if (!x)
            continue;
        next = next_moment(x, since);
        /* At the start what is near is told, too, but not what is past: the
         * configuration's own warning says that. */
        if (since == 0 ? x->ends > now && x->ends - distances[0] * DAY <= now
                       : next != 0 && next <= now)
            tell(l, now);
        next = next_moment(x, now);
        if (next != 0 && next < soonest)
            soonest = next;
    }
    return soonest;
}
