/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is wrong with a configuration, and what it says in effect. No server
 * is asked.
 */
#include "conf/conf.h"
#include "posternctl/ctl.h"
#include "proc/admin.h"

static int
check(const struct ctl *ctl)
{
    struct ptn_server_options options = {.config = ctl->config, .workers = -1};
    struct ptn_buf notes = PTN_BUF_INIT, out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);
    int status;

    if (!ctl->json)
        return ptn_server_check(&options);
    status = ptn_server_judge(&options, &notes);
    ctl_json_records(&json, NULL, "note", ptn_buf_slice(&notes));
    ctl_json_print(&out);
    ptn_buf_free(&notes);
    return status;
}

/* --- config show --- */

/* Takes a text in quotes off `at`, without them. */
static void
take_text(const char **at, struct ptn_buf *into)
{
    const char *p = *at + 1;

    into->len = 0;
    for (; *p && *p != '"'; p++) {
        if (*p == '\\' && p[1])
            ptn_buf_addc(into, *++p == 'n' ? '\n' : *p);
        else
            ptn_buf_addc(into, *p);
    }
    *at = p + (*p ? 1 : 0);
}

static void
json_texts(struct ptn_json *j, const char *text)
{
    struct ptn_buf one = PTN_BUF_INIT;

    ptn_json_array(j, "value");
    while ((text = strchr(text, '"'))) {
        take_text(&text, &one);
        ptn_json_text(j, NULL, ptn_buf_slice(&one));
    }
    ptn_json_end_array(j);
    ptn_buf_free(&one);
}

/* What the file would say, as JSON says it. */
static void
json_value(struct ptn_json *j, const struct ptn_conf_value *v)
{
    struct ptn_buf one = PTN_BUF_INIT;
    const char *text = v->text;

    if (v->flags & PTN_OPT_SECRET) {
        ptn_json_bool(j, "hidden", true);
    } else if (*text == '"') {
        take_text(&text, &one);
        ptn_json_text(j, "value", ptn_buf_slice(&one));
    } else if (*text == '[') {
        json_texts(j, text);
    } else if (*text == '(') { /* there is none */
        ptn_json_null(j, "value");
    } else { /* true, false or a number, which JSON says alike */
        ptn_json_raw(j, "value", text);
    }
    ptn_buf_free(&one);
}

static void
json_values(const struct ptn_conf *conf)
{
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);

    ptn_json_array(&json, NULL);
    for (size_t i = 0; i < conf->value_count; i++) {
        const struct ptn_conf_value *v = &conf->values[i];

        ptn_json_object(&json, NULL);
        ptn_json_text(&json, "path", ptn_slice_of(v->path));
        json_value(&json, v);
        if (v->place.file && v->place.line == 0) {
            ptn_json_text(&json, "from", ptn_slice_of(v->place.file));
        } else if (v->place.file) {
            ptn_json_text(&json, "file", ptn_slice_of(v->place.file));
            ptn_json_number(&json, "line", v->place.line);
        }
        ptn_json_bool(&json, "default", !v->place.file);
        ptn_json_end_object(&json);
    }
    ptn_json_end_array(&json);
    ctl_json_print(&out);
}

static int
show(const struct ctl *ctl)
{
    struct ptn_admin *admin = ptn_admin_open_values(ctl->config, stderr);

    if (!admin)
        return CTL_CONFIG;
    if (ctl->json)
        json_values(ptn_admin_conf(admin));
    else
        ptn_admin_print_values(admin, stdout);
    ptn_admin_close(admin);
    return CTL_OK;
}

const struct ctl_command ctl_config_commands[] = {
    {.words = "config", .doc = "the configuration file"},
    {.words = "config check",
     .fn = check,
     .flags = CTL_READS,
     .doc = "say everything that is wrong with the configuration",
     .example = "posternctl -c new.conf config check && posternctl reload"},
    {.words = "config show",
     .fn = show,
     .flags = CTL_READS,
     .doc = "the effective values and where each comes from",
     .about = "Each value with its file and line, or \"default\". Secrets are "
              "hidden.",
     .example = "posternctl config show | grep min_version"},
    {.words = NULL},
};
