/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writing and reading the plan. Main threads.
 */
#include "proc/plan.h"
#include "base/map.h"
#include <postern/directory.h>
#include <postern/errand.h>
#include <postern/ocsp.h>
#include <stdlib.h>

static const char *const modes[] = {"none", "explicit", "implicit"};
static const char *const requires[] = {"never", "auth", "always"};

static void
add_joined(struct ptn_buf *out, const char *key,
           const struct ptn_strings *items)
{
    struct ptn_buf text = PTN_BUF_INIT;

    for (size_t i = 0; i < items->count; i++)
        ptn_buf_printf(&text, "%s%s", i > 0 ? "," : "", items->items[i]);
    ptn_record_add(out, key, ptn_buf_cstr(&text));
    ptn_buf_free(&text);
}

void
ptn_plan_add_addresses(struct ptn_buf *out, const struct ptn_listener_conf *l)
{
    struct ptn_buf text = PTN_BUF_INIT;

    for (size_t i = 0; i < l->address_count; i++) {
        char one[80];

        ptn_conf_address_text(&l->addresses[i], one, sizeof one);
        ptn_buf_printf(&text, "%s%s", i > 0 ? "," : "", one);
    }
    ptn_record_add(out, "addresses", ptn_buf_cstr(&text));
    ptn_buf_free(&text);
}

static void
write_listener(const struct ptn_listener_conf *l, size_t index,
               struct ptn_buf *out)
{
    for (size_t i = 0; i < l->address_count; i++) {
        ptn_buf_adds(out, "address");
        ptn_record_addn(out, "listener", index);
        ptn_record_add(out, "host", l->addresses[i].host);
        ptn_record_addn(out, "port", l->addresses[i].port);
        ptn_buf_addc(out, '\n');
    }
    ptn_buf_adds(out, "listener");
    ptn_record_add(out, "name", l->name);
    ptn_record_add(out, "group", l->group);
    ptn_record_add(out, "protocol", l->protocol->name);
    ptn_plan_add_addresses(out, l);
    ptn_record_add(out, "tls", modes[l->tls.mode]);
    if (l->tls.mode == PTN_TLS_EXPLICIT)
        ptn_record_add(out, "require", requires[l->tls.require]);
    if (l->tls.mode != PTN_TLS_NONE)
        add_joined(out, "certificates", &l->tls.certificates);
    ptn_buf_addc(out, '\n');
}

static void
write_certificate(void *arg, const char *name, const struct ptn_tls_cert *cert,
                  const struct ptn_error *problem)
{
    struct ptn_buf *out = arg;

    ptn_buf_adds(out, "certificate");
    ptn_record_add(out, "name", name);
    if (cert) {
        ptn_record_addn(out, "not_after", (uint64_t)cert->not_after);
        ptn_record_add(out, "self_signed", cert->self_signed ? "yes" : "no");
        ptn_record_add(out, "fingerprint", cert->fingerprint);
        ptn_record_add(out, "names", cert->names);
    }
    if (problem)
        ptn_record_add(out, "problem", problem->text);
    if (problem && problem->code == PTN_ERR_LOCKED)
        ptn_record_add(out, "locked", "yes");
    ptn_buf_addc(out, '\n');
}

static void
add_problem(const struct ptn_error *problem, struct ptn_buf *out)
{
    struct ptn_buf text = PTN_BUF_INIT;

    if (problem->file)
        ptn_buf_printf(&text, "%s:%d: ", problem->file, problem->line);
    ptn_buf_adds(&text, problem->text);
    ptn_record_add(out, "problem", ptn_buf_cstr(&text));
    if (problem->code == PTN_ERR_LOCKED)
        ptn_record_add(out, "locked", "yes");
    ptn_buf_free(&text);
}

void
ptn_plan_write_state(const struct ptn_setup *setup, struct ptn_buf *out)
{
    for (size_t i = 0; i < setup->conf->listener_count; i++) {
        const struct ptn_listener_conf *l = &setup->conf->listeners[i];
        const struct ptn_error *problem = ptn_setup_problem(setup, l);

        ptn_buf_adds(out, "state");
        ptn_record_add(out, "name", l->name);
        if (problem)
            add_problem(problem, out);
        ptn_buf_addc(out, '\n');
    }
    if (setup->pki)
        ptn_pki_each(setup->pki, write_certificate, out);
}

/* Who is of use to the warden. */
static void
write_warden(const struct ptn_setup *setup, struct ptn_buf *out)
{
    const char *const contracts[] = {
        PTN_TLS_CONTRACT, PTN_DIRECTORY_CONTRACT, "postern.sasl",
        ptn_conf_staples(setup->conf) ? PTN_OCSP_CONTRACT : NULL, NULL};
    struct ptn_buf names = PTN_BUF_INIT;

    ptn_modules_closure(setup->modules, contracts, NULL, &names);
    ptn_buf_adds(out, "warden");
    ptn_record_add(out, "modules", ptn_buf_cstr(&names));
    ptn_buf_addc(out, '\n');
    ptn_buf_free(&names);
}

static void
write_envoy(const struct ptn_setup *setup, struct ptn_buf *out)
{
    static const char *const contracts[] = {PTN_ERRAND_CONTRACT, NULL};
    struct ptn_buf names = PTN_BUF_INIT;

    if (ptn_conf_has_errands(setup->conf))
        ptn_modules_closure(setup->modules, contracts, NULL, &names);
    ptn_buf_adds(out, "envoy");
    ptn_record_add(out, "modules", ptn_buf_cstr(&names));
    ptn_buf_addc(out, '\n');
    ptn_buf_free(&names);
}

void
ptn_plan_write(const struct ptn_setup *setup, struct ptn_buf *out)
{
    write_warden(setup, out);
    write_envoy(setup, out);
    for (size_t i = 0; i < setup->conf->listener_count; i++)
        write_listener(&setup->conf->listeners[i], i, out);
    ptn_plan_write_state(setup, out);
}

static size_t
get_number(struct ptn_slice line, const char *key)
{
    char text[24];

    if (!ptn_record_get(line, key, text, sizeof text))
        return SIZE_MAX;
    return (size_t)strtoull(text, NULL, 10);
}

/* A copy of what follows the first word. */
static char *
copy_fields(struct ptn_slice line)
{
    const char *tab = memchr(line.data, '\t', line.len);
    struct ptn_buf copy = PTN_BUF_INIT;

    ptn_buf_add(&copy, tab, line.len - (size_t)(tab - line.data));
    (void)ptn_buf_cstr(&copy);
    return copy.data;
}

static char *
copy_value(struct ptn_slice line, const char *key)
{
    char text[PTN_ERROR_TEXT_MAX + 256];

    return ptn_record_get(line, key, text, sizeof text) ? ptn_strdup(text)
                                                        : ptn_strdup("");
}

/* The same for a value that may be as long as its line. */
static char *
copy_long(struct ptn_slice line, const char *key)
{
    char *text = ptn_alloc(line.len + 1);

    (void)ptn_record_get(line, key, text, line.len + 1);
    return text;
}

/* Listeners are numbered by their lines; an address comes before its
 * listener's line. */
static struct ptn_plan_listener *
listener_at(struct ptn_plan *plan, size_t index)
{
    while (plan->count <= index) {
        plan->listeners = ptn_realloc(
            plan->listeners, (plan->count + 1) * sizeof *plan->listeners);
        plan->listeners[plan->count++] = (struct ptn_plan_listener){0};
    }
    return &plan->listeners[index];
}

static void
read_address(struct ptn_plan *plan, struct ptn_slice line)
{
    struct ptn_plan_listener *l =
        listener_at(plan, get_number(line, "listener"));
    struct ptn_address_conf *a;

    l->addresses = ptn_realloc(l->addresses,
                               (l->address_count + 1) * sizeof *l->addresses);
    a = &l->addresses[l->address_count++];
    if (!ptn_record_get(line, "host", a->host, sizeof a->host))
        a->host[0] = '\0';
    a->port = (uint16_t)get_number(line, "port");
}

/* What stands in the second field, as it is. */
static struct ptn_slice
second(struct ptn_slice line)
{
    const char *tab = memchr(line.data, '\t', line.len), *next;
    size_t from = tab ? (size_t)(tab - line.data) + 1 : line.len;
    struct ptn_slice rest = ptn_slice_sub(line, from, line.len - from);

    next = rest.len ? memchr(rest.data, '\t', rest.len) : NULL;
    return next ? ptn_slice_sub(rest, 0, (size_t)(next - rest.data)) : rest;
}

static struct ptn_plan_listener *
find_listener(const struct ptn_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->count; i++)
        if (strcmp(plan->listeners[i].name, name) == 0)
            return &plan->listeners[i];
    return NULL;
}

const struct ptn_plan_listener *
ptn_plan_find(const struct ptn_plan *plan, const char *name)
{
    return find_listener(plan, name);
}

static void
update_listener(struct ptn_plan *plan, struct ptn_slice line)
{
    char name[256], text[PTN_ERROR_TEXT_MAX + 256];
    struct ptn_plan_listener *l;

    if (!ptn_record_get(line, "name", name, sizeof name))
        return;
    l = find_listener(plan, name);
    if (!l)
        return;
    ptn_free(l->problem);
    l->locked = ptn_record_get(line, "locked", name, sizeof name);
    l->problem = ptn_record_get(line, "problem", text, sizeof text)
                     ? ptn_strdup(text)
                     : NULL;
}

enum {
    CERTIFICATES_MAX = 16 << 20, /* octets that workers tell of certificates */
};

/* Those that are told of replace those of the same name. */
static void
update_certificates(struct ptn_plan *plan, struct ptn_slice told)
{
    struct ptn_buf certificates = PTN_BUF_INIT;
    struct ptn_slice known =
        ptn_slice_of(plan->certificates ? plan->certificates : "");
    struct ptn_map names = PTN_MAP_INIT;

    if (known.len > CERTIFICATES_MAX)
        known.len = 0; /* no worker of ours invents so many names */
    while (told.len > 0) {
        struct ptn_slice line = ptn_record_next(&told);

        if (!ptn_record_is(line, "certificate"))
            continue;
        ptn_buf_addslice(&certificates, line);
        ptn_buf_addc(&certificates, '\n');
        (void)ptn_map_put(&names, second(line), plan);
    }
    while (known.len > 0) {
        struct ptn_slice line = ptn_record_next(&known);

        if (ptn_map_get(&names, second(line)))
            continue;
        ptn_buf_addslice(&certificates, line);
        ptn_buf_addc(&certificates, '\n');
    }
    ptn_map_free(&names);
    ptn_free(plan->certificates);
    (void)ptn_buf_cstr(&certificates);
    plan->certificates = certificates.data;
}

void
ptn_plan_update(struct ptn_plan *plan, struct ptn_slice state)
{
    struct ptn_slice rest = state;

    while (rest.len > 0) {
        struct ptn_slice line = ptn_record_next(&rest);

        if (ptn_record_is(line, "state"))
            update_listener(plan, line);
    }
    update_certificates(plan, state);
}

static void
read_line(struct ptn_plan *plan, struct ptn_slice line, size_t *next)
{
    struct ptn_plan_listener *l;

    if (ptn_record_is(line, "address")) {
        read_address(plan, line);
    } else if (ptn_record_is(line, "warden")) {
        plan->warden = copy_long(line, "modules");
    } else if (ptn_record_is(line, "envoy")) {
        plan->envoy = copy_long(line, "modules");
    } else if (ptn_record_is(line, "listener")) {
        l = listener_at(plan, (*next)++);
        l->record = copy_fields(line);
        l->name = copy_value(line, "name");
        l->group = copy_value(line, "group");
        l->certificates = copy_long(line, "certificates");
    }
}

/* `serves` lines may stand before the listeners that they are about. */
static void
read_modules(struct ptn_plan *plan, struct ptn_slice text)
{
    char name[256];

    while (text.len > 0) {
        struct ptn_slice line = ptn_record_next(&text);
        struct ptn_plan_listener *l;

        if (!ptn_record_is(line, "serves") ||
            !ptn_record_get(line, "name", name, sizeof name))
            continue;
        l = find_listener(plan, name);
        if (l && !l->modules)
            l->modules = copy_long(line, "modules");
    }
}

void
ptn_plan_read(struct ptn_plan *plan, struct ptn_slice text)
{
    struct ptn_slice rest = text;
    size_t next = 0;

    *plan = (struct ptn_plan){0};
    ptn_buf_addslice(&plan->text, text);
    while (rest.len > 0)
        read_line(plan, ptn_record_next(&rest), &next);
    read_modules(plan, text);
    ptn_plan_update(plan, text);
}

/* Appends the words of `list` that are not in `out` yet. */
static void
merge(const char *list, struct ptn_buf *out)
{
    while (*list) {
        size_t len = strcspn(list, ",");
        struct ptn_slice word = {list, len};
        struct ptn_slice have = ptn_buf_slice(out);
        bool known = false;

        while (have.len > 0 && !known) {
            const char *comma = memchr(have.data, ',', have.len);
            size_t n = comma ? (size_t)(comma - have.data) : have.len;

            known = ptn_slice_eq(ptn_slice_sub(have, 0, n), word);
            n += comma ? 1 : 0;
            have = ptn_slice_sub(have, n, have.len - n);
        }
        if (!known)
            ptn_buf_printf(out, "%s%.*s", out->len ? "," : "", (int)len, list);
        list += len + (list[len] == ',');
    }
}

void
ptn_plan_modules(const struct ptn_plan *plan, const char *group,
                 struct ptn_buf *out)
{
    for (size_t i = 0; i < plan->count; i++)
        if (strcmp(plan->listeners[i].group, group) == 0 &&
            plan->listeners[i].modules)
            merge(plan->listeners[i].modules, out);
}

void
ptn_plan_free(struct ptn_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        ptn_free(plan->listeners[i].record);
        ptn_free(plan->listeners[i].problem);
        ptn_free(plan->listeners[i].name);
        ptn_free(plan->listeners[i].group);
        ptn_free(plan->listeners[i].certificates);
        ptn_free(plan->listeners[i].modules);
        ptn_free(plan->listeners[i].addresses);
    }
    ptn_free(plan->listeners);
    ptn_free(plan->certificates);
    ptn_free(plan->warden);
    ptn_free(plan->envoy);
    ptn_buf_free(&plan->text);
}
