/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Keeping and telling what is known of certificates. One thread.
 */
#include "proc/ledger.h"
#include "base/clock.h"
#include "proc/plan.h"
#include <stdio.h>
#include <stdlib.h>

static void
free_entry(struct ptn_ledger_entry *e)
{
    ptn_free(e->refused);
    ptn_free(e->why);
    ptn_free(e->where);
    ptn_free(e);
}

void
ptn_ledger_free(struct ptn_ledger *l)
{
    for (size_t i = 0; i < l->count; i++)
        free_entry(l->all[i]);
    ptn_free(l->all);
    ptn_map_free(&l->by_name);
    *l = PTN_LEDGER_INIT;
}

void
ptn_ledger_write_word(const struct ptn_keys_word *word, struct ptn_buf *out)
{
    ptn_buf_adds(out, "certificate");
    ptn_record_add(out, "name", word->name);
    if (*word->fingerprint) {
        ptn_record_add(out, "fingerprint", word->fingerprint);
        ptn_record_addn(out, "not_before", (uint64_t)word->not_before);
        ptn_record_addn(out, "not_after", (uint64_t)word->not_after);
        ptn_record_addn(out, "since", (uint64_t)word->since);
    }
    if (word->stapled_until)
        ptn_record_addn(out, "stapled_until", (uint64_t)word->stapled_until);
    if (word->refused)
        ptn_record_add(out, "refused", word->refused);
    if (word->locked)
        ptn_record_add(out, "locked", "yes");
    ptn_buf_addc(out, '\n');
}

struct ptn_ledger_entry *
ptn_ledger_find(const struct ptn_ledger *l, const char *name)
{
    return ptn_map_get(&l->by_name, ptn_slice_of(name));
}

static struct ptn_ledger_entry *
entry_of(struct ptn_ledger *l, const char *name)
{
    struct ptn_ledger_entry *e = ptn_ledger_find(l, name);

    if (e)
        return e;
    e = ptn_alloc(sizeof *e);
    snprintf(e->name, sizeof e->name, "%s", name);
    l->all = ptn_realloc(l->all, (l->count + 1) * sizeof *l->all);
    l->all[l->count++] = e;
    ptn_map_put(&l->by_name, ptn_slice_of(e->name), e);
    return e;
}

static void
replace(char **text, const char *by)
{
    ptn_free(*text);
    *text = by ? ptn_strdup(by) : NULL;
}

static int64_t
time_of(struct ptn_slice line, const char *key)
{
    char text[24];

    return ptn_record_get(line, key, text, sizeof text)
               ? strtoll(text, NULL, 10)
               : 0;
}

/* Another certificate than before; one that was asked for, to go back, is
 * known by that. */
static void
take_other(struct ptn_ledger_entry *e, const char *fingerprint)
{
    strcpy(e->fingerprint, fingerprint);
    e->restored = e->going_back && strcmp(fingerprint, e->last_good) == 0;
    e->going_back = false;
}

/* Whether it has changed, in a way that is to be looked at. */
static bool
take_line(struct ptn_ledger *l, struct ptn_slice line, bool first)
{
    char name[PTN_LEDGER_NAME], fingerprint[PTN_LEDGER_FINGERPRINT];
    char refused[PTN_ERROR_TEXT_MAX];
    struct ptn_ledger_entry *e;
    bool differs;

    if (!ptn_record_is(line, "certificate") ||
        !ptn_record_get(line, "name", name, sizeof name))
        return false;
    e = entry_of(l, name);
    replace(&e->refused,
            ptn_record_get(line, "refused", refused, sizeof refused) ? refused
                                                                     : NULL);
    e->locked = ptn_record_get(line, "locked", refused, sizeof refused);
    if (!ptn_record_get(line, "fingerprint", fingerprint, sizeof fingerprint))
        return false; /* nothing can be served */
    e->not_before = time_of(line, "not_before");
    e->not_after = time_of(line, "not_after");
    differs = strcmp(fingerprint, e->fingerprint) != 0;
    if (differs || e->since == 0)
        e->since = time_of(line, "since");
    if (first)
        strcpy(e->last_good, fingerprint);
    if (differs) {
        take_other(e, fingerprint);
    } else if (e->restored && !e->refused) { /* its files are back, too */
        e->restored = false;
        differs = true;
    }
    differs = differs || e->stapled_until != time_of(line, "stapled_until");
    e->stapled_until = time_of(line, "stapled_until");
    e->changed = e->changed || (differs && !first);
    return e->changed;
}

bool
ptn_ledger_take(struct ptn_ledger *l, struct ptn_slice news, bool first)
{
    bool changed = false;

    while (news.len > 0)
        changed = take_line(l, ptn_record_next(&news), first) || changed;
    return changed;
}

void
ptn_ledger_keep(struct ptn_ledger *l, struct ptn_slice all)
{
    char name[PTN_LEDGER_NAME];
    size_t kept = 0;

    for (size_t i = 0; i < l->count; i++)
        l->all[i]->told = false;
    while (all.len > 0) {
        struct ptn_slice line = ptn_record_next(&all);
        struct ptn_ledger_entry *e = NULL;

        if (ptn_record_get(line, "name", name, sizeof name))
            e = ptn_ledger_find(l, name);
        if (e)
            e->told = true;
    }
    for (size_t i = 0; i < l->count; i++) {
        struct ptn_ledger_entry *e = l->all[i];

        if (e->told) {
            l->all[kept++] = e;
            continue;
        }
        (void)ptn_map_remove(&l->by_name, ptn_slice_of(e->name));
        free_entry(e);
    }
    l->count = kept;
}

void
ptn_ledger_judge(struct ptn_ledger *l, struct ptn_ledger_entry *e,
                 enum ptn_ledger_state state, const char *why,
                 const char *where)
{
    e->state = state;
    e->changed = false;
    replace(&e->why, why);
    replace(&e->where, where);
    if (state == PTN_LEDGER_ALARM) {
        strcpy(e->alarm_of, e->checked);
        return;
    }
    if (state == PTN_LEDGER_LIVE)
        l->changes++;
    strcpy(e->last_good, e->fingerprint);
}

void
ptn_ledger_settle_back(struct ptn_ledger *l, struct ptn_ledger_entry *e,
                       const char *where)
{
    (void)l;
    e->changed = false;
    replace(&e->where, where);
}

size_t
ptn_ledger_check(struct ptn_ledger *l, struct ptn_buf *names)
{
    size_t count = 0;

    for (size_t i = 0; i < l->count; i++) {
        struct ptn_ledger_entry *e = l->all[i];

        if (!e->changed)
            continue;
        strcpy(e->checked, e->fingerprint);
        count++;
        ptn_buf_adds(names, "certificate");
        ptn_record_add(names, "name", e->name);
        ptn_buf_addc(names, '\n');
    }
    return count;
}

const char *
ptn_ledger_word(const struct ptn_ledger_entry *e)
{
    static const char *const words[] = {"", "live", "unseen", "alarm"};

    return e->changed ? "new" : words[e->state];
}

enum {
    DAY = 86400,
};

/* Days, rounded down, also of what has expired. */
static void
add_days(const struct ptn_ledger_entry *e, struct ptn_buf *out)
{
    int64_t left = e->not_after - ptn_clock_wall_ms() / 1000;
    int64_t days = left >= 0 ? left / DAY : -((-left + DAY - 1) / DAY);
    char text[24];

    snprintf(text, sizeof text, "%lld", (long long)days);
    ptn_record_add(out, "days_left", text);
}

static void
annotate(const struct ptn_ledger_entry *e, struct ptn_buf *out)
{
    const char *word = ptn_ledger_word(e);

    if (*e->fingerprint) {
        add_days(e, out);
        ptn_record_addn(out, "since", (uint64_t)e->since);
    }
    if (*word)
        ptn_record_add(out, "serving", word);
    if (e->stapled_until)
        ptn_record_addn(out, "stapled_until", (uint64_t)e->stapled_until);
    if (e->where)
        ptn_record_add(out, "where", e->where);
    if (e->refused)
        ptn_record_add(out, "refusal", e->refused);
    if (e->state == PTN_LEDGER_ALARM) {
        ptn_record_add(out, "alarm", e->why ? e->why : "");
        ptn_record_add(out, "alarm_of", e->alarm_of);
    } else if (e->why) {
        ptn_record_add(out, "unseen", e->why);
    }
}

void
ptn_ledger_answer(const struct ptn_ledger *l, struct ptn_slice args,
                  struct ptn_buf *out)
{
    const struct ptn_ledger_entry *e = NULL;
    char name[PTN_LEDGER_NAME];

    if (ptn_record_get(args, "name", name, sizeof name))
        e = ptn_ledger_find(l, name);
    if (!e)
        return;
    ptn_buf_adds(out, "certificate");
    ptn_record_add(out, "name", e->name);
    ptn_record_add(out, "meant", e->fingerprint);
    annotate(e, out);
    if (e->locked)
        ptn_record_add(out, "locked", "yes");
    ptn_buf_addc(out, '\n');
}

void
ptn_ledger_annotate(const struct ptn_ledger *l, struct ptn_slice records,
                    struct ptn_buf *out)
{
    char name[PTN_LEDGER_NAME];

    while (records.len > 0) {
        struct ptn_slice line = ptn_record_next(&records);
        const struct ptn_ledger_entry *e = NULL;

        if (ptn_record_get(line, "name", name, sizeof name))
            e = ptn_ledger_find(l, name);
        ptn_buf_addslice(out, line);
        if (e)
            annotate(e, out);
        ptn_buf_addc(out, '\n');
    }
}
