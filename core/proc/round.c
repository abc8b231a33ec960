/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rounds. The supervisor's one thread; the visitor is a child, which loads
 * modules and so has nothing of the supervisor's.
 */
#include "proc/round.h"
#include "base/clock.h"
#include "proc/activation.h"
#include "proc/inner.h"
#include "proc/privileges.h"
#include "proc/sandbox.h"
#include <errno.h>
#include <limits.h>
#include <postern/log.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    NAMES_MAX = 65536,  /* octets: more changes are asked for as "all" */
    VISITS_MS = 120000, /* all of them may take so long */
    VISITS_MAX = 2,     /* before a verdict */
};

static void begin(struct ptn_supervisor *s);

void
ptn_round_init(struct ptn_round *r)
{
    *r = (struct ptn_round){.visitor = {.fd = -1}};
}

void
ptn_round_free(struct ptn_round *r)
{
    ptn_checker_free(&r->visitor);
    ptn_buf_free(&r->names);
    ptn_buf_free(&r->served);
}

/* --- in the visitor --- */

static int
write_all(int fd, struct ptn_slice text)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.data, text.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return PTN_EXIT_FAILED;
        text = ptn_slice_sub(text, (size_t)n, text.len - (size_t)n);
    }
    return PTN_EXIT_OK;
}

/* The modules of those listeners: their protocols, and TLS. */
static void
add_modules(const struct ptn_activation *a, struct ptn_buf *out)
{
    for (size_t i = 0; i < a->count; i++)
        ptn_plan_modules(a->plan, a->targets[i].listener->group, out);
}

/* Connections are made while nothing but the program's own code is here. */
static int
visit(const struct ptn_child *child, int fd, void *arg)
{
    struct ptn_supervisor *s = arg;
    struct ptn_activation *a = ptn_alloc(sizeof *a);
    struct ptn_buf modules = PTN_BUF_INIT, out = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_setup setup;

    ptn_supervisor_let_go_of_all(s);
    ptn_activation_plan(a, &s->current->plan, &s->ledger);
    if (a->count == 0)
        return PTN_EXIT_OK;
    ptn_activation_dial(a, s->crew.shared);
    add_modules(a, &modules);
    if (ptn_privileges_drop(child->conf->server.user, &err) != 0 ||
        ptn_sandbox_enter(child->conf, PTN_SANDBOX_CHECKER, &err) != 0) {
        ptn_log_error(PTN_LOG_ERROR, "activation.failed", &err);
        return PTN_EXIT_FAILED;
    }
    ptn_setup_load(&setup, ptn_conf_again(child->conf, 0), PTN_ROLE_CHECKER,
                   modules.len ? ptn_buf_cstr(&modules) : NULL);
    if (ptn_sandbox_confine(setup.conf, setup.modules, &err) != 0)
        ptn_log_error(PTN_LOG_ERROR, "activation.failed", &err);
    else
        ptn_activation_look(a, &setup, &out);
    return write_all(fd, ptn_buf_slice(&out));
}

/* --- verdicts --- */

static void
say(struct ptn_supervisor *s, enum ptn_warden_message type,
    const struct ptn_ledger_entry *e, const char *fingerprint)
{
    struct ptn_buf record = PTN_BUF_INIT;

    ptn_buf_adds(&record, "certificate");
    ptn_record_add(&record, "name", e->name);
    ptn_record_add(&record, "fingerprint", fingerprint);
    if (s->keepers.current)
        (void)ptn_warden_say(&s->keepers.current->warden, type,
                             ptn_buf_slice(&record));
    ptn_buf_free(&record);
}

static void
confirm(void *arg, const struct ptn_ledger_entry *e)
{
    say(arg, PTN_WARDEN_CONFIRM, e, e->fingerprint);
}

static void
restore(void *arg, const struct ptn_ledger_entry *e)
{
    say(arg, PTN_WARDEN_RESTORE, e, e->fingerprint);
}

/* --- rounds --- */

/* The warden that can be asked; 0: there is none at this moment. */
static pid_t
warden_of(const struct ptn_supervisor *s)
{
    const struct ptn_keeper *k = s->keepers.current;

    return k && k->warden.ready ? k->warden.pid : 0;
}

static void
conclude(struct ptn_supervisor *s)
{
    struct ptn_round *r = &s->round;

    ptn_shared_end_visits(s->crew.shared);
    ptn_checker_free(&r->visitor);
    ptn_buf_free(&r->names);
    ptn_buf_free(&r->served);
    r->phase = PTN_ROUND_RESTING;
    r->due = 0;
    if (r->again && s->phase == PTN_SUPERVISOR_SERVING && warden_of(s))
        begin(s); /* or else with the news of the next warden */
}

static void
judge(struct ptn_supervisor *s)
{
    const struct ptn_verdicts verdicts = {&s->ledger, confirm, restore, s};

    if (s->round.warden == 0 || s->round.warden != warden_of(s))
        s->round.again = true;
    else
        ptn_activation_judge(&verdicts, ptn_buf_slice(&s->round.served),
                             ptn_buf_slice(&s->round.visitor.text));
    conclude(s);
}

static void
send_visitor(struct ptn_supervisor *s)
{
    struct ptn_child child = ptn_supervisor_checker(s, s->current->conf);
    struct ptn_round *r = &s->round;
    struct ptn_error err = PTN_ERROR_INIT;

    ptn_shared_end_visits(s->crew.shared);
    ptn_checker_free(&r->visitor);
    r->visits++;
    r->phase = PTN_ROUND_VISITING;
    r->due = ptn_clock_ms() + VISITS_MS;
    if (ptn_checker_fork(&r->visitor, &child, "activation", visit, s, &err) ==
        0)
        return;
    ptn_log_error(PTN_LOG_ERROR, "activation.failed", &err);
    judge(s);
}

static void
come_home(struct ptn_supervisor *s)
{
    struct ptn_round *r = &s->round;

    if (r->visits < VISITS_MAX &&
        !ptn_activation_is_good(&s->ledger, ptn_buf_slice(&r->served),
                                ptn_buf_slice(&r->visitor.text)))
        send_visitor(s);
    else
        judge(s);
}

static void
refreshed(void *arg, struct ptn_slice records)
{
    struct ptn_supervisor *s = arg;

    if (s->round.phase != PTN_ROUND_REFRESHING)
        return; /* the server is stopping */
    ptn_buf_addslice(&s->round.served, records);
    send_visitor(s);
}

static void
begin(struct ptn_supervisor *s)
{
    struct ptn_round *r = &s->round;
    struct ptn_slice names;

    r->again = false;
    r->warden = warden_of(s);
    r->visits = 0;
    if (!s->keepers.current || ptn_ledger_check(&s->ledger, &r->names) == 0) {
        conclude(s);
        return;
    }
    r->phase = PTN_ROUND_REFRESHING;
    ptn_buf_adds(&r->names, "round");
    ptn_record_addn(&r->names, "number", s->keepers.current->warden.round);
    ptn_buf_addc(&r->names, '\n');
    names = ptn_buf_slice(&r->names);
    if (names.len > NAMES_MAX)
        names.len = 0;
    if (ptn_asks_reload(&s->asks, &s->crew, UINT_MAX, names, refreshed, s) == 0)
        refreshed(s, PTN_SLICE(""));
}

void
ptn_round_take_news(struct ptn_supervisor *s)
{
    struct ptn_keeper *k = s->keepers.current;
    bool changed;

    if (!k || k->warden.news.len == 0)
        return;
    if (k->warden.news_of_all)
        ptn_ledger_keep(&s->ledger, ptn_buf_slice(&k->warden.news));
    k->warden.news_of_all = false;
    changed = ptn_ledger_take(&s->ledger, ptn_buf_slice(&k->warden.news),
                              s->phase == PTN_SUPERVISOR_STARTING);
    ptn_buf_free(&k->warden.news);
    s->round.again = s->round.again || changed;
    if (!s->round.again || s->phase != PTN_SUPERVISOR_SERVING)
        return;
    if (s->round.phase == PTN_ROUND_RESTING)
        begin(s);
}

/* --- the visitor as a process --- */

int
ptn_round_fd(const struct ptn_supervisor *s)
{
    return s->round.visitor.fd;
}

void
ptn_round_read(struct ptn_supervisor *s)
{
    ptn_checker_read(&s->round.visitor);
    if (ptn_checker_is_done(&s->round.visitor))
        come_home(s);
}

bool
ptn_round_bury(struct ptn_supervisor *s, pid_t pid, int status)
{
    struct ptn_round *r = &s->round;

    if (r->phase != PTN_ROUND_VISITING ||
        !ptn_checker_bury(&r->visitor, pid, status))
        return false;
    if (WIFSIGNALED(status)) {
        const struct ptn_log_field fields[] = {
            PTN_FN("pid", pid), PTN_FN("signal", WTERMSIG(status)),
            PTN_FS("name", strsignal(WTERMSIG(status)))};

        ptn_reports_death(s->reports, pid, "activation.died", fields,
                          PTN_COUNT(fields));
    }
    if (ptn_checker_is_done(&r->visitor))
        come_home(s);
    return true;
}

void
ptn_round_do_due(struct ptn_supervisor *s)
{
    if (!s->round.due || s->round.due > ptn_clock_ms())
        return;
    s->round.visits = VISITS_MAX;
    judge(s); /* by what it has said so far */
}

void
ptn_round_end(struct ptn_supervisor *s)
{
    s->round.again = false;
    if (s->round.phase != PTN_ROUND_RESTING)
        conclude(s);
}
