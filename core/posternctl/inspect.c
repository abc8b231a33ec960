/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A configuration's modules, and the TLS of its listeners.
 */
#include "posternctl/ctl.h"
#include "proc/admin.h"
#include "proc/plan.h"

static const struct ctl_view module_view = {
    .kind = "module",
    .titles = {"MODULE", "VERSION", "LICENCE", "ABI", "NEEDS", "PROVIDES"},
    .keys = {"name", "version", "license", "abi", "needs", "provides"},
    .columns = 6};
static const struct ctl_view use_view = {
    .kind = "uses",
    .titles = {"LISTENER", "PROTOCOL", "TLS BY", "MODULES"},
    .keys = {"listener", "protocol", "tls", "modules"},
    .columns = 4};
static const struct ctl_view tls_view = {
    .kind = "tls",
    .titles = {"LISTENER", "PROTOCOL", "TLS", "REQUIRE", "FROM", "TO", "POLICY",
               "CLIENT CERTIFICATES", "SIGNED BY"},
    .keys = {"listener", "protocol", "mode", "require", "min", "max", "policy",
             "client", "client_ca"},
    .columns = 9};
static const struct ctl_view legacy_view = {
    .kind = "legacy",
    .titles = {"LISTENER", "ALSO SPEAKS", "WITH", "UNTIL", "IN FORCE"},
    .keys = {"listener", "versions", "networks", "until", "in_force"},
    .columns = 5};
static const struct ctl_view shown_view = {
    .kind = "shown",
    .titles = {"LISTENER", "CERTIFICATE", "EXPIRES", "KEY", "MATCHES", "CHAIN",
               "NAMES"},
    .keys = {"listener", "certificate", "not_after", "key", "match", "chain",
             "names"},
    .columns = 7};
static const struct ctl_view probed_view = {
    .kind = "probed",
    .titles = {"LISTENER", "CERTIFICATE", "ASKED FOR", "VERSION", "CIPHER",
               "WITHOUT CERTIFICATE", "AS MEANT"},
    .keys = {"listener", "certificate", "asked", "version", "cipher",
             "without_certificate", "same"},
    .columns = 7};

struct section {
    const char *key; /* in JSON */
    const struct ctl_view *view;
};

static void
print_sections(const struct ctl *ctl, const struct section *sections,
               struct ptn_slice records)
{
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);

    if (ctl->json)
        ptn_json_object(&json, NULL);
    for (const struct section *s = sections; s->key; s++) {
        if (ctl->json) {
            ctl_json_records(&json, s->key, s->view->kind, records);
        } else {
            if (s != sections)
                putchar('\n');
            ctl_view_print(s->view, records);
        }
    }
    if (ctl->json) {
        ptn_json_end_object(&json);
        ctl_json_print(&out);
    }
}

/* Only what is about the module: itself, and the listeners that it is at work
 * for. False: there is no such module. */
static bool
keep_module(const char *name, struct ptn_buf *records)
{
    char *text = ptn_alloc(records->len + 1), *save, *word;
    struct ptn_slice rest = ptn_buf_slice(records);
    struct ptn_buf kept = PTN_BUF_INIT;
    bool found = false;

    while (rest.len > 0) {
        struct ptn_slice line = ptn_record_next(&rest);
        bool is_module = ptn_record_is(line, "module");
        bool keep = false;

        if (!ptn_record_get(line, is_module ? "name" : "modules", text,
                            records->len + 1))
            continue;
        for (word = strtok_r(text, ",", &save); word && !keep;
             word = strtok_r(NULL, ",", &save))
            keep = strcmp(word, name) == 0;
        found = found || (keep && is_module);
        if (keep)
            ptn_buf_printf(&kept, "%.*s\n", (int)line.len, line.data);
    }
    ptn_free(text);
    ptn_buf_free(records);
    *records = kept;
    return found;
}

static int
modules(const struct ctl *ctl)
{
    const char *name = ctl->count > 0 ? ctl->words[0] : NULL;
    int status = CTL_OK;
    static const struct section sections[] = {
        {"modules", &module_view}, {"listeners", &use_view}, {NULL, NULL}};
    struct ptn_admin *admin = ptn_admin_open(ctl->config, stderr);
    struct ptn_buf records = PTN_BUF_INIT;

    if (!admin)
        return CTL_CONFIG;
    ptn_admin_modules(admin, &records);
    if (name && !keep_module(name, &records)) {
        fprintf(stderr, "posternctl: no module \"%s\" is loaded\n", name);
        status = CTL_USAGE;
    } else {
        print_sections(ctl, sections, ptn_buf_slice(&records));
    }
    ptn_buf_free(&records);
    ptn_admin_close(admin);
    return status;
}

/* What is wrong, a line each; with JSON it stands in the records. */
static void
print_problems(struct ptn_slice records)
{
    char *cell = ptn_alloc(CTL_CELL_MAX), *problem = ptn_alloc(CTL_CELL_MAX);

    while (records.len > 0) {
        struct ptn_slice line = ptn_record_next(&records);

        if (!ptn_record_get(line, "problem", problem, CTL_CELL_MAX))
            continue;
        printf("listener %s", ctl_field(line, "listener", cell));
        printf(", certificate %s%s: %s\n", ctl_field(line, "certificate", cell),
               ptn_record_is(line, "probed") ? ", online" : "", problem);
    }
    ptn_free(cell);
    ptn_free(problem);
}

static bool
has_record(struct ptn_slice records, const char *kind)
{
    while (records.len > 0)
        if (ptn_record_is(ptn_record_next(&records), kind))
            return true;
    return false;
}

static void
print_report(const struct ctl *ctl, struct ptn_slice records)
{
    struct section sections[5] = {{"listeners", &tls_view}};
    size_t count = 1;

    if (ctl->json || has_record(records, "legacy"))
        sections[count++] = (struct section){"legacy", &legacy_view};
    sections[count++] = (struct section){"certificates", &shown_view};
    if (ctl_option(ctl, "online"))
        sections[count++] = (struct section){"online", &probed_view};
    print_sections(ctl, sections, records);
    if (!ctl->json)
        print_problems(records);
}

static int
tls_report(const struct ctl *ctl)
{
    const char *listener = ctl->count > 0 ? ctl->words[0] : NULL;
    struct ptn_admin *admin = ptn_admin_open(ctl->config, stderr);
    struct ptn_buf records = PTN_BUF_INIT;
    int problems;

    if (!admin)
        return CTL_CONFIG;
    problems =
        ptn_admin_tls(admin, listener, ctl_option(ctl, "online"), &records);
    if (problems < 0)
        fprintf(stderr, "posternctl: there is no listener \"%s\"\n", listener);
    else
        print_report(ctl, ptn_buf_slice(&records));
    ptn_buf_free(&records);
    ptn_admin_close(admin);
    return problems < 0 ? CTL_USAGE : problems > 0 ? CTL_FAILED : CTL_OK;
}

const struct ctl_command ctl_inspect_commands[] = {
    {.words = "modules",
     .fn = modules,
     .flags = CTL_READS,
     .arguments = "[MODULE]",
     .doc = "what is loaded, what each needs and provides, and for whom",
     .about = "Contracts are names with versions. The second table has, for "
              "each listener, the\nTLS library and all modules that are at "
              "work for it. With --json also the files.",
     .example = "posternctl modules"},
    {.words = "tls", .doc = "encryption of listeners"},
    {.words = "tls report",
     .fn = tls_report,
     .flags = CTL_READS,
     .arguments = "[LISTENER]",
     .doc = "modes, versions and certificates, and what is wrong with them",
     .about = "From the configuration and its files. A chain is complete when "
              "it ends at a root\nof the system. Where the key is not "
              "readable, whether it matches is unknown.",
     .options =
         (const struct ctl_option[]){
             {"online", NULL,
              "also connect to each, and compare what is shown"},
             {NULL, NULL, NULL}},
     .exits = (const struct ctl_exit[]){{CTL_FAILED, "something is wrong"},
                                        {0, NULL}},
     .example = "posternctl tls report --online"},
    {.words = NULL},
};
