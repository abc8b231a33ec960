/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whom to visit, and the visits. What a listener chooses by name is worked
 * out here a second time, from what the certificates say (pki/index.h has
 * the rules), so that a fault there is seen.
 */
#include "proc/activation.h"
#include "proc/probe.h"
#include <arpa/inet.h>
#include <postern/arena.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    NAMES_MAX = 3, /* that one certificate is asked for by, on a listener */
    STEP_MS = 4000,
    TRIES = 3, /* to connect */
    PAUSE_MS = 100,
};

/* --- names --- */

/* The names of each certificate of a plan, with blanks between them. */
struct known {
    struct ptn_arena arena;
    struct ptn_map names;
};

static char *
keep(struct known *k, struct ptn_slice record, const char *key)
{
    char *text = ptn_arena_alloc(&k->arena, record.len + 1);

    return ptn_record_get(record, key, text, record.len + 1) ? text : NULL;
}

static void
learn(struct known *k, const struct ptn_plan *plan)
{
    struct ptn_slice rest =
        ptn_slice_of(plan->certificates ? plan->certificates : "");

    *k = (struct known){PTN_ARENA_INIT, PTN_MAP_INIT};
    while (rest.len > 0) {
        struct ptn_slice line = ptn_record_next(&rest);
        char *name = keep(k, line, "name"), *names = keep(k, line, "names");

        if (name && names)
            ptn_map_put(&k->names, ptn_slice_of(name), names);
    }
}

static void
forget(struct known *k)
{
    ptn_map_free(&k->names);
    ptn_arena_reset(&k->arena);
}

static bool
next_word(struct ptn_slice *list, char separator, struct ptn_slice *word)
{
    const char *end;

    if (list->len == 0)
        return false;
    end = memchr(list->data, separator, list->len);
    word->data = list->data;
    word->len = end ? (size_t)(end - list->data) : list->len;
    *list = ptn_slice_sub(*list, word->len + (end ? 1 : 0),
                          list->len - word->len - (end ? 1 : 0));
    return true;
}

static bool
has_word(struct ptn_slice list, char separator, struct ptn_slice wanted)
{
    struct ptn_slice word;

    while (next_word(&list, separator, &word))
        if (ptn_slice_caseeq(word, wanted))
            return true;
    return false;
}

/* The first certificate of the list that has the name as it stands here. */
static struct ptn_slice
first_with(const struct known *k, struct ptn_slice list, const char *name)
{
    struct ptn_slice one;

    while (next_word(&list, ',', &one)) {
        const char *names = ptn_map_get(&k->names, one);

        if (names && has_word(ptn_slice_of(names), ' ', ptn_slice_of(name)))
            return one;
    }
    return (struct ptn_slice){NULL, 0};
}

/* Whether a client that asks for the name, or for one that a wildcard stands
 * for, gets that certificate. */
static bool
is_chosen(const struct known *k, struct ptn_slice list, const char *asked,
          const char *pattern, const char *certificate)
{
    struct ptn_slice first = first_with(k, list, asked);

    if (first.len == 0 && pattern)
        first = first_with(k, list, pattern);
    return ptn_slice_eq(first, ptn_slice_of(certificate));
}

/* What a client would ask for to be shown that name; false: addresses are
 * not asked for (RFC 6066 section 3), and mail addresses are no hosts. */
static bool
to_ask(struct ptn_slice name, char pattern[PTN_LEDGER_NAME],
       char asked[PTN_LEDGER_NAME])
{
    struct in6_addr ip;
    bool is_wildcard = name.len > 2 && name.data[0] == '*';

    if (name.len == 0 || name.len > PTN_LEDGER_NAME - 4 ||
        memchr(name.data, '@', name.len))
        return false;
    snprintf(pattern, PTN_LEDGER_NAME, "%.*s", (int)name.len, name.data);
    snprintf(asked, PTN_LEDGER_NAME, "%s%s", is_wildcard ? "www" : "",
             pattern + is_wildcard);
    return inet_pton(AF_INET, asked, &ip) != 1 &&
           inet_pton(AF_INET6, asked, &ip) != 1;
}

/* --- whom to visit --- */

static void
add(struct ptn_activation *a, const struct ptn_plan_listener *l,
    const struct ptn_ledger_entry *e, const char *asked, bool everywhere)
{
    size_t count = everywhere ? l->address_count : 1;

    for (size_t i = 0; i < count && i < l->address_count; i++) {
        if (a->count == PTN_COUNT(a->targets))
            return;
        a->targets[a->count] =
            (struct ptn_target){l, &l->addresses[i], e, "", -1, PTN_ERROR_INIT};
        snprintf(a->targets[a->count++].asked, PTN_LEDGER_NAME, "%s", asked);
    }
}

/* One that no name leads to is shown to who asks for none, if it is the
 * first. Others, such as one beside another of a better key, only workers
 * can tell of. */
static void
add_all(struct ptn_activation *a, const struct known *k,
        const struct ptn_plan_listener *l, const struct ptn_ledger_entry *e,
        struct ptn_slice list)
{
    char pattern[PTN_LEDGER_NAME], asked[PTN_LEDGER_NAME];
    const char *names = ptn_map_get(&k->names, ptn_slice_of(e->name));
    struct ptn_slice rest = ptn_slice_of(names ? names : ""), word, first;
    unsigned most = memchr(list.data, ',', list.len) ? NAMES_MAX : 1;
    unsigned count = 0;

    while (count < most && next_word(&rest, ' ', &word))
        if (to_ask(word, pattern, asked) &&
            is_chosen(k, list, asked, pattern, e->name))
            add(a, l, e, asked, count++ == 0);
    if (count == 0 && next_word(&list, ',', &first) &&
        ptn_slice_eq(first, ptn_slice_of(e->name)))
        add(a, l, e, "", true);
}

static void
add_listeners(struct ptn_activation *a, struct known *k,
              const struct ptn_ledger_entry *e)
{
    for (size_t i = 0; i < a->plan->count; i++) {
        const struct ptn_plan_listener *l = &a->plan->listeners[i];
        struct ptn_slice list =
            ptn_slice_of(l->certificates ? l->certificates : "");

        if (!l->problem && has_word(list, ',', ptn_slice_of(e->name)))
            add_all(a, k, l, e, list);
    }
}

void
ptn_activation_plan(struct ptn_activation *a, const struct ptn_plan *plan,
                    const struct ptn_ledger *ledger)
{
    struct known k;
    size_t changed = 0, nth = 0, step;

    a->plan = plan;
    a->count = 0;
    learn(&k, plan);
    for (size_t i = 0; i < ledger->count; i++)
        changed += *ledger->all[i]->checked != '\0';
    step = changed / PTN_VISITS_MAX + 1; /* of many, some */
    for (size_t i = 0; i < ledger->count; i++)
        if (*ledger->all[i]->checked && nth++ % step == 0)
            add_listeners(a, &k, ledger->all[i]);
    forget(&k);
}

/* --- the visits --- */

static int
dial(struct ptn_target *t, struct ptn_shared *shared)
{
    uint16_t port;

    t->err = PTN_ERROR_INIT;
    t->fd = ptn_probe_socket(t->address, &port, &t->err);
    if (t->fd < 0)
        return -1;
    if (port)
        ptn_shared_visit(shared, port);
    if (ptn_probe_connect(t->fd, t->address, STEP_MS, &t->err) == 0)
        return 0;
    close(t->fd);
    t->fd = -1;
    return -1;
}

void
ptn_activation_dial(struct ptn_activation *a, struct ptn_shared *shared)
{
    const struct timespec pause = {0, PAUSE_MS * 1000000};

    for (size_t i = 0; i < a->count; i++)
        for (int n = 0; dial(&a->targets[i], shared) != 0 && n < TRIES; n++)
            (void)nanosleep(&pause, NULL);
}

static void
add_address(const struct ptn_address_conf *address, struct ptn_buf *out)
{
    char text[80];

    ptn_conf_address_text(address, text, sizeof text);
    ptn_record_add(out, "address", text);
}

static const struct ptn_listener_conf *
conf_of(const struct ptn_setup *setup, const char *name)
{
    for (size_t i = 0; i < setup->conf->listener_count; i++)
        if (strcmp(setup->conf->listeners[i].name, name) == 0)
            return &setup->conf->listeners[i];
    return NULL;
}

/* Compares what was shown with what is meant. */
static void
compare(const struct ptn_probe *probe, const struct ptn_target *t,
        struct ptn_slice chain, struct ptn_buf *out)
{
    struct ptn_tls_cert cert = {.not_before = 0};
    struct ptn_error err = PTN_ERROR_INIT;
    bool same;

    if (probe->ops->cert_parse(probe->instance, chain, &cert, &err) != 0) {
        ptn_record_add(out, "outcome", "other");
        ptn_record_add(out, "why", err.text);
        return;
    }
    same = strcmp(cert.fingerprint, t->certificate->checked) == 0;
    ptn_record_add(out, "outcome", same ? "same" : "other");
    ptn_record_add(out, "fingerprint", cert.fingerprint);
}

static void
visit(struct ptn_probe *probe, struct ptn_target *t, struct ptn_buf *out)
{
    struct ptn_probe_result seen = {.chain = PTN_BUF_INIT};
    int fd = t->fd;

    t->fd = -1;
    if (fd >= 0 && ptn_probe_look(probe, fd, &seen, &t->err) == 0) {
        compare(probe, t, ptn_buf_slice(&seen.chain), out);
    } else {
        bool failed =
            seen.stage == PTN_PROBE_TALKED && t->err.code == PTN_ERR_TLS;

        ptn_record_add(out, "outcome", failed ? "failed" : "away");
        ptn_record_add(out, "why", t->err.text);
    }
    ptn_buf_free(&seen.chain);
}

static void
look_at(const struct ptn_setup *setup, struct ptn_probe *probe,
        struct ptn_target *t, struct ptn_buf *out)
{
    ptn_buf_adds(out, "seen");
    ptn_record_add(out, "certificate", t->certificate->name);
    ptn_record_add(out, "meant", t->certificate->checked);
    ptn_record_add(out, "listener", t->listener->name);
    add_address(t->address, out);
    if (*t->asked)
        ptn_record_add(out, "asked", t->asked);
    probe->listener = conf_of(setup, t->listener->name);
    probe->server_name = *t->asked ? t->asked : NULL;
    if (probe->ops && probe->listener)
        visit(probe, t, out);
    else
        ptn_record_add(out, "outcome", "away");
    ptn_buf_addc(out, '\n');
}

void
ptn_activation_look(struct ptn_activation *a, const struct ptn_setup *setup,
                    struct ptn_buf *out)
{
    struct ptn_probe probe = {.step_ms = STEP_MS};
    const void *ops = NULL;

    (void)ptn_modules_find(setup->modules, PTN_TLS_CONTRACT, PTN_TLS_VERSION,
                           &ops, &probe.instance);
    probe.ops = ops;
    if (probe.ops && !(probe.ops->capability & PTN_TLS_CAP_CLIENT))
        probe.ops = NULL;
    for (size_t i = 0; i < a->count; i++) {
        look_at(setup, &probe, &a->targets[i], out);
        if (a->targets[i].fd >= 0)
            close(a->targets[i].fd);
    }
}
