/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The exception for old clients: `tls.legacy` of a listener. It names the
 * versions, from where, and until when; who asks from elsewhere, or later,
 * gets what the listener's policy says. One thread.
 */
#include "base/clock.h"
#include "conf/walk.h"
#include <stdlib.h>
#include <time.h>

enum {
    DAY = 86400
};

/* "1.0" or "TLSv1.0"; 0: neither that nor one of the others. */
static int
version_of(const char *text)
{
    static const char *const names[] = {"1.0", "1.1", "1.2"};

    if (strncmp(text, "TLSv", 4) == 0)
        text += 4;
    for (size_t i = 0; i < PTN_COUNT(names); i++)
        if (strcmp(text, names[i]) == 0)
            return PTN_TLS_1_0 + (int)i;
    return 0;
}

/* The versions that are spoken lie side by side: libraries know the oldest
 * and the newest of them alone. */
static void
check_gaps(struct ptn_conf *conf, const char *path,
           const struct ptn_tls_conf *tls, unsigned named)
{
    for (int v = tls->legacy->min_version; v < tls->min_version; v++)
        if (!(named & 1u << (v - PTN_TLS_1_0)))
            ptn_conf_error_at(conf, path,
                              "has to name \"TLSv1.%d\", too: it lies between "
                              "versions that are spoken",
                              v - PTN_TLS_1_0);
}

static void
read_versions(struct ptn_conf *conf, const char *path,
              const struct ptn_tls_conf *tls, struct ptn_tls_legacy_conf *x)
{
    unsigned named = 0;

    for (size_t i = 0; i < x->versions.count; i++) {
        const char *text = x->versions.items[i];
        int version = version_of(text);

        if (version == 0) {
            ptn_conf_error_at(conf, path,
                              "\"%s\" is not possible here; say \"TLSv1.0\", "
                              "\"TLSv1.1\" or \"TLSv1.2\"",
                              text);
            return;
        }
        named |= 1u << (version - PTN_TLS_1_0);
        if (version < x->min_version)
            x->min_version = version;
    }
    if (x->min_version == tls->min_version)
        ptn_conf_error_at(conf, path,
                          "needs at least one that is older than min_version");
    else
        check_gaps(conf, path, tls, named);
}

static void
read_networks(struct ptn_conf *conf, const char *path,
              struct ptn_tls_legacy_conf *x)
{
    struct ptn_cidr *list =
        ptn_arena_alloc(&conf->arena, (x->networks.count + 1) * sizeof *list);

    for (size_t i = 0; i < x->networks.count; i++) {
        const char *wrong = ptn_cidr_parse(x->networks.items[i], &list[i]);

        if (wrong)
            ptn_conf_error_at(conf, path, "\"%s\": %s", x->networks.items[i],
                              wrong);
    }
    if (x->networks.count == 0)
        ptn_conf_error_at(conf, path, "at least one is needed");
    x->cidrs = list;
}

/* A day of the calendar counts to its end; with a time, it is that moment.
 * Both are UTC: nobody has to know the server's zone to read the file. */
static bool
parse_until(const char *text, int64_t *end)
{
    struct tm tm = {.tm_isdst = 0}, day;
    const char *rest = strptime(text, "%Y-%m-%d", &tm);
    bool has_time = rest && *rest == 'T';

    if (!rest || rest - text != 10)
        return false;
    if (has_time)
        rest = strptime(rest, "T%H:%M:%SZ", &tm);
    if (!rest || *rest)
        return false;
    day = tm;
    *end = (int64_t)timegm(&tm) + (has_time ? 0 : DAY);
    return day.tm_mday == tm.tm_mday; /* no 31st of February */
}

static void
read_until(struct ptn_conf *conf, const char *path,
           struct ptn_tls_legacy_conf *x)
{
    int64_t now = ptn_clock_wall_ms() / 1000;

    if (!x->until)
        return;
    if (!parse_until(x->until, &x->ends))
        ptn_conf_error_at(conf, path,
                          "\"%s\" is not a day; write it as \"2027-01-31\", or "
                          "with a time (UTC) as \"2027-01-31T12:00:00Z\"",
                          x->until);
    else if (now >= x->ends)
        ptn_conf_warn(conf, ptn_conf_path_place(conf, path),
                      "%s: %s is past, so this exception is none any more; "
                      "remove it",
                      path, x->until);
}

/* What can be spoken with the older versions comes behind the rest. */
static void
widen_ciphers(struct ptn_conf *conf, const struct ptn_tls_conf *tls,
              struct ptn_tls_legacy_conf *x)
{
    bool old = x->min_version < PTN_TLS_1_2;
    struct ptn_buf list = PTN_BUF_INIT;

    ptn_buf_printf(&list, "%s%s%s",
                   tls->ciphers ? tls->ciphers : ptn_conf_ciphers,
                   old ? ":" : "", old ? ptn_conf_old_ciphers : "");
    x->ciphers = ptn_arena_dup(&conf->arena, ptn_buf_slice(&list));
    ptn_buf_free(&list);
}

void
ptn_conf_read_legacy(struct ptn_conf *conf, const char *parent,
                     config_setting_t *tls_group, struct ptn_tls_conf *tls)
{
    const char *path = ptn_conf_path(conf, parent, "legacy");
    config_setting_t *group = ptn_conf_group(conf, parent, tls_group, "legacy");
    struct ptn_conf_known known = {{ptn_conf_legacy_rows}, NULL};
    struct ptn_conf_block block = {conf, path, {NULL, 0}, {group}};
    struct ptn_tls_legacy_conf *x;
    size_t errors = ptn_conf_errors(conf);

    if (!group || tls->mode == PTN_TLS_NONE)
        return;
    block.place = ptn_conf_setting_place(conf, group);
    x = ptn_arena_alloc(&conf->arena, sizeof *x);
    x->min_version = tls->min_version;
    tls->legacy = x;
    ptn_conf_fill(&block, ptn_conf_legacy_rows, x);
    ptn_conf_check_keys(conf, path, group, &known);
    if (ptn_conf_errors(conf) == errors)
        read_versions(conf, ptn_conf_path(conf, path, "versions"), tls, x);
    if (ptn_conf_errors(conf) == errors)
        read_networks(conf, ptn_conf_path(conf, path, "networks"), x);
    read_until(conf, ptn_conf_path(conf, path, "until"), x);
    widen_ciphers(conf, tls, x);
}
