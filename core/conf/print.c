/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The configuration as text: effective values with their origin, and option
 * rows for the man pages. One thread.
 */
#include "conf/walk.h"

void
ptn_conf_print_values(const struct ptn_conf *conf, FILE *to)
{
    for (size_t i = 0; i < conf->value_count; i++) {
        const struct ptn_conf_value *v = &conf->values[i];

        fprintf(to, "%s = %s;", v->path, v->text);
        if (v->place.file)
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
        fprintf(to, "%s%s", i > 0 ? " | " : "", row->choices[i]);
}

/* One option in man(7): name and type, default, meaning. */
static void
print_row(const char *path, const struct ptn_option *row, FILE *to)
{
    fprintf(to, ".TP\n.BR %s%s%s \" (", path, *path ? "." : "", row->name);
    print_type(row, to);
    if (row->flags & PTN_OPT_REQUIRED)
        fputs("; required", to);
    else if (row->preset && *row->preset)
        fprintf(to, "; %s", row->preset);
    fprintf(to, ")\"\n%s.\n", row->doc ? row->doc : "");
}

void
ptn_conf_print_rows(const char *path, const struct ptn_option *rows, FILE *to)
{
    for (; rows && rows->name; rows++)
        print_row(path, rows, to);
}

void
ptn_conf_print_core_rows(FILE *to)
{
    ptn_conf_print_rows("server", ptn_conf_server_rows, to);
    ptn_conf_print_rows("limits", ptn_conf_limits_rows, to);
    ptn_conf_print_rows("certificates.NAME", ptn_conf_cert_rows, to);
    ptn_conf_print_rows("policies.NAME", ptn_conf_policy_rows, to);
    ptn_conf_print_rows("listeners.NAME", ptn_conf_listener_rows, to);
    ptn_conf_print_rows("listeners.NAME.tls", ptn_conf_tls_rows, to);
}
