/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The configuration as text: effective values with their origin, and option
 * rows for the man pages. One thread.
 */
#include "conf/walk.h"
#include <stdlib.h>

void
ptn_conf_print_values(const struct ptn_conf *conf, FILE *to)
{
    for (size_t i = 0; i < conf->value_count; i++) {
        const struct ptn_conf_value *v = &conf->values[i];

        fprintf(to, "%s = %s;", v->path, v->text);
        if (v->place.file && v->place.line == 0)
            fprintf(to, "  # %s\n", v->place.file);
        else if (v->place.file)
            fprintf(to, "  # %s:%d\n", v->place.file, v->place.line);
        else
            fprintf(to, "  # default\n");
    }
}

static const char *const type_names[] = {
    [PTN_OPT_BOOL] = "boolean",  [PTN_OPT_INT] = "integer",
    [PTN_OPT_SIZE] = "size",     [PTN_OPT_DURATION] = "time",
    [PTN_OPT_STRING] = "string", [PTN_OPT_PATH] = "path",
    [PTN_OPT_CHOICE] = "choice", [PTN_OPT_STRINGS] = "list",
};

static void
print_type(const struct ptn_option *row, FILE *to)
{
    if (row->type != PTN_OPT_CHOICE) {
        fputs(type_names[row->type], to);
        return;
    }
    for (int i = 0; row->choices[i]; i++)
        fprintf(to, "%s\"%s\"", i > 0 ? ", " : "", row->choices[i]);
}

/* A macro's argument in mdoc(7): quotes are doubled inside of quotes. */
static void
print_quoted(const char *text, FILE *to)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputs(*text == '"' ? "\"" : "\\", to);
        fputc(*text, to);
    }
}

/* One option in mdoc(7): name, type, default; then its meaning. */
static void
print_row(const struct ptn_option *row, FILE *to)
{
    const char *doc = row->doc ? row->doc : "";
    size_t len = strlen(doc);
    char *facts;
    size_t size;
    FILE *line = open_memstream(&facts, &size);

    print_type(row, line);
    if (row->flags & PTN_OPT_REQUIRED)
        fputs("; required", line);
    else if (row->preset && row->preset[0] == '/')
        fputs("; default set at build time", line);
    else if (row->preset && *row->preset)
        fprintf(line, "; default %s", row->preset);
    if (row->flags & PTN_OPT_EXACT)
        fputs("; to change it, restart", line);
    fclose(line);
    fprintf(to, ".It Va %s Pq \"", row->name);
    print_quoted(facts, to);
    fprintf(to, "\"\n%s%s\n", doc, len && doc[len - 1] == '.' ? "" : ".");
    free(facts);
}

void
ptn_conf_print_rows(const char *path, const struct ptn_option *rows, FILE *to)
{
    if (!rows || !rows->name)
        return;
    fprintf(to, ".Ss %s\n.Bl -tag -width Ds\n", path);
    for (; rows->name; rows++)
        print_row(rows, to);
    fputs(".El\n", to);
}

void
ptn_conf_print_core_rows(FILE *to)
{
    ptn_conf_print_rows("server", ptn_conf_server_rows, to);
    ptn_conf_print_rows("groups.NAME", ptn_conf_group_rows, to);
    ptn_conf_print_rows("certificates.NAME", ptn_conf_cert_rows, to);
    ptn_conf_print_rows("listeners.NAME", ptn_conf_listener_rows, to);
    ptn_conf_print_rows("listeners.NAME.tls", ptn_conf_tls_rows, to);
    ptn_conf_print_rows("listeners.NAME.tls and policies.NAME",
                        ptn_conf_policy_rows, to);
    ptn_conf_print_rows("policies.NAME", ptn_conf_based_on_rows, to);
    ptn_conf_print_rows("listeners.NAME.tls.legacy", ptn_conf_legacy_rows, to);
    ptn_conf_print_rows("auth", ptn_conf_auth_rows, to);
    ptn_conf_print_rows("envoy", ptn_conf_envoy_rows, to);
    ptn_conf_print_rows("listeners.NAME.limits and limits",
                        ptn_conf_limits_rows, to);
}
