/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What comes of an activation: what workers say of themselves and what
 * visitors saw, certificate by certificate. Main thread; the first function
 * a worker's.
 */
#include "proc/activation.h"
#include <postern/log.h>
#include <stdio.h>

/* --- in a worker --- */

struct served {
    struct ptn_map *wanted; /* names; NULL: all */
    unsigned worker;
    struct ptn_buf *out;
};

static void
write_served(void *arg, const char *name, const struct ptn_tls_cert *cert,
             const struct ptn_error *problem)
{
    struct served *s = arg;

    (void)problem;
    if (!ptn_map_get(s->wanted, ptn_slice_of(name)))
        return;
    ptn_buf_adds(s->out, "serves");
    ptn_record_add(s->out, "certificate", name);
    ptn_record_add(s->out, "fingerprint", cert ? cert->fingerprint : "");
    ptn_record_addn(s->out, "worker", s->worker);
    ptn_buf_addc(s->out, '\n');
}

void
ptn_activation_write_served(const struct ptn_setup *setup,
                            struct ptn_slice names, unsigned worker,
                            struct ptn_buf *out)
{
    struct ptn_arena arena = PTN_ARENA_INIT;
    struct ptn_map wanted = PTN_MAP_INIT;
    struct served s = {&wanted, worker, out};
    char name[PTN_LEDGER_NAME];

    if (!setup->pki)
        return;
    while (names.len > 0) {
        struct ptn_slice line = ptn_record_next(&names);
        char *kept;

        if (!ptn_record_get(line, "name", name, sizeof name))
            continue;
        kept = ptn_arena_dup(&arena, ptn_slice_of(name));
        ptn_map_put(&wanted, ptn_slice_of(kept), kept);
    }
    ptn_pki_each(setup->pki, write_served, &s);
    ptn_map_free(&wanted);
    ptn_arena_reset(&arena);
}

/* --- in the main process --- */

/* What is known of one certificate, while it is judged. */
struct finding {
    struct ptn_ledger_entry *entry;
    unsigned same, differs, away;
    struct ptn_buf why, where;
};

struct findings {
    struct ptn_map by_name; /* -> struct finding */
    struct finding *all;
    size_t count;
};

static void
gather(struct findings *f, const struct ptn_ledger *ledger)
{
    f->by_name = PTN_MAP_INIT;
    f->all = ptn_alloc((ledger->count + 1) * sizeof *f->all);
    f->count = 0;
    for (size_t i = 0; i < ledger->count; i++) {
        struct finding *one = &f->all[f->count];

        if (!*ledger->all[i]->checked)
            continue;
        one->entry = ledger->all[i];
        ptn_map_put(&f->by_name, ptn_slice_of(one->entry->name), one);
        f->count++;
    }
}

static struct finding *
find(const struct findings *f, struct ptn_slice record)
{
    char name[PTN_LEDGER_NAME];

    return ptn_record_get(record, "certificate", name, sizeof name)
               ? ptn_map_get(&f->by_name, ptn_slice_of(name))
               : NULL;
}

/* The first reason is told. */
static void note(struct finding *f, const char *fmt, ...) PTN_PRINTF(2, 3);
static void
note(struct finding *f, const char *fmt, ...)
{
    char text[PTN_ERROR_TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (f->why.len == 0)
        ptn_buf_adds(&f->why, text);
}

static void
take_served(const struct findings *all, struct ptn_slice record)
{
    char fingerprint[PTN_LEDGER_FINGERPRINT] = "", worker[16] = "?";
    struct finding *f = find(all, record);

    if (!f)
        return;
    (void)ptn_record_get(record, "fingerprint", fingerprint,
                         sizeof fingerprint);
    (void)ptn_record_get(record, "worker", worker, sizeof worker);
    if (strcmp(fingerprint, f->entry->checked) == 0)
        return;
    f->differs++;
    note(f, "worker %s did not take it; the log says why", worker);
}

static void
add_where(struct finding *f, const char *listener)
{
    struct ptn_slice rest = ptn_buf_slice(&f->where);

    while (rest.len > 0) {
        const char *comma = memmem(rest.data, rest.len, ", ", 2);
        size_t len = comma ? (size_t)(comma - rest.data) : rest.len;

        if (ptn_slice_eq((struct ptn_slice){rest.data, len},
                         ptn_slice_of(listener)))
            return;
        len += comma ? 2 : 0;
        rest = ptn_slice_sub(rest, len, rest.len - len);
    }
    ptn_buf_printf(&f->where, "%s%s", f->where.len ? ", " : "", listener);
}

static void
take_seen(const struct findings *all, struct ptn_slice record)
{
    char listener[256] = "", outcome[16] = "", asked[PTN_LEDGER_NAME] = "";
    char other[PTN_LEDGER_FINGERPRINT] = "", why[PTN_ERROR_TEXT_MAX] = "";
    struct finding *f = find(all, record);

    if (!f)
        return;
    (void)ptn_record_get(record, "listener", listener, sizeof listener);
    (void)ptn_record_get(record, "outcome", outcome, sizeof outcome);
    (void)ptn_record_get(record, "asked", asked, sizeof asked);
    (void)ptn_record_get(record, "fingerprint", other, sizeof other);
    (void)ptn_record_get(record, "why", why, sizeof why);
    if (strcmp(outcome, "same") == 0) {
        f->same++;
        add_where(f, listener);
    } else if (strcmp(outcome, "other") == 0) {
        f->differs++;
        note(f,
             "listener %s shows another certificate (%.16s...) to who asks "
             "for %s",
             listener, *other ? other : why, *asked ? asked : "no name");
    } else if (strcmp(outcome, "failed") == 0) {
        f->differs++;
        note(f, "listener %s: %s", listener, why);
    } else {
        f->away++;
        note(f, "listener %s: %s", listener, why);
    }
}

static void
take_all(const struct findings *f, struct ptn_slice records)
{
    while (records.len > 0) {
        struct ptn_slice line = ptn_record_next(&records);

        if (ptn_record_is(line, "serves"))
            take_served(f, line);
        else if (ptn_record_is(line, "seen"))
            take_seen(f, line);
    }
}

/* The alarm that there is stays when the one before is not seen, either. */
static void
raise_alarm(const struct ptn_verdicts *v, struct finding *f)
{
    struct ptn_ledger_entry *e = f->entry;

    ptn_log(PTN_LOG_ERROR, "certificate.alarm", PTN_FS("certificate", e->name),
            PTN_FS("fingerprint", e->checked),
            PTN_FS("why", ptn_buf_cstr(&f->why)),
            PTN_FS("hint", e->restored
                               ? "nor is the one before; who else has the port?"
                               : "it is not served as it should be; the one "
                                 "before is, if there is one"));
    if (e->restored) {
        ptn_ledger_settle_back(v->ledger, e, NULL);
        return;
    }
    ptn_ledger_judge(v->ledger, e, PTN_LEDGER_ALARM, ptn_buf_cstr(&f->why),
                     NULL);
    e->going_back = true;
    v->restore(v->arg, e);
}

static void
tell_live(const struct finding *f)
{
    const struct ptn_ledger_entry *e = f->entry;

    ptn_log(PTN_LOG_INFO, "certificate.live", PTN_FS("certificate", e->name),
            PTN_FS("fingerprint", e->checked),
            PTN_FS("on", *e->where ? e->where : "(workers say so)"));
}

static void
judge(const struct ptn_verdicts *v, struct finding *f)
{
    struct ptn_ledger_entry *e = f->entry;
    const char *where = f->where.len ? ptn_buf_cstr(&f->where) : "";

    if (f->differs > 0) {
        raise_alarm(v, f);
        return;
    }
    if (e->restored) { /* what the alarm is about still is not served */
        ptn_ledger_settle_back(v->ledger, e, where);
    } else if (f->same == 0 && f->away > 0) {
        ptn_log(PTN_LOG_WARNING, "certificate.not-seen",
                PTN_FS("certificate", e->name),
                PTN_FS("why", ptn_buf_cstr(&f->why)));
        ptn_ledger_judge(v->ledger, e, PTN_LEDGER_UNSEEN, ptn_buf_cstr(&f->why),
                         NULL);
    } else {
        ptn_ledger_judge(v->ledger, e, PTN_LEDGER_LIVE, NULL, where);
        tell_live(f);
    }
    v->confirm(v->arg, e);
}

void
ptn_activation_judge(const struct ptn_verdicts *v, struct ptn_slice served,
                     struct ptn_slice seen)
{
    struct findings all;

    gather(&all, v->ledger);
    take_all(&all, served);
    take_all(&all, seen);
    for (size_t i = 0; i < all.count; i++) {
        struct finding *f = &all.all[i];

        /* What has changed meanwhile is the next round's. */
        if (strcmp(f->entry->checked, f->entry->fingerprint) == 0)
            judge(v, f);
        f->entry->checked[0] = '\0';
        ptn_buf_free(&f->why);
        ptn_buf_free(&f->where);
    }
    ptn_map_free(&all.by_name);
    ptn_free(all.all);
}

bool
ptn_activation_is_good(const struct ptn_ledger *ledger, struct ptn_slice served,
                       struct ptn_slice seen)
{
    struct findings all;
    bool good = true;

    gather(&all, ledger);
    take_all(&all, served);
    take_all(&all, seen);
    for (size_t i = 0; i < all.count; i++) {
        good = good && all.all[i].differs == 0 && all.all[i].away == 0;
        ptn_buf_free(&all.all[i].why);
        ptn_buf_free(&all.all[i].where);
    }
    ptn_map_free(&all.by_name);
    ptn_free(all.all);
    return good;
}
