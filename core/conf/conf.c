/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A config generation from its file: the order of the steps, core's own
 * simple blocks, and the blocks of modules. One thread while it is built;
 * constant after ptn_conf_finish.
 */
#include "conf/conf.h"
#include "conf/diff.h"
#include "conf/notes.h"
#include "conf/suggest.h"
#include "conf/walk.h"
#include <stdlib.h>
#include <sys/utsname.h>

enum {
    LOAD_MAX = 256
};

static bool
is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

const char *
ptn_conf_host_name(struct ptn_conf *conf, struct ptn_conf_place place,
                   const char *path, const char *text)
{
    char *name = ptn_arena_dup(&conf->arena, ptn_slice_of(text));
    bool good = *name && *name != '.' && strlen(name) <= 253;

    for (char *p = name; *p; p++) {
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
        good = good && (is_name_char(*p) || (unsigned char)*p >= 0x80) &&
               (p[0] != '.' || p[1] != '.');
    }
    if (!good)
        ptn_conf_error(conf, place, "%s: \"%s\" is not a host name", path,
                       text);
    return name;
}

static void
read_names(struct ptn_conf *conf, config_setting_t *server)
{
    struct ptn_server_conf *s = &conf->server;
    config_setting_t *setting =
        server ? config_setting_get_member(server, "domains") : NULL;
    const char **domains =
        ptn_arena_alloc(&conf->arena, (s->domains.count + 1) * sizeof *domains);
    struct utsname system;

    for (size_t i = 0; i < s->domains.count; i++)
        domains[i] =
            ptn_conf_host_name(conf, ptn_conf_setting_place(conf, setting),
                               "server.domains", s->domains.items[i]);
    s->domains.items = domains;
    if (!s->hostname && uname(&system) == 0)
        s->hostname =
            ptn_arena_dup(&conf->arena, ptn_slice_of(system.nodename));
    if (server)
        setting = config_setting_get_member(server, "hostname");
    s->hostname =
        ptn_conf_host_name(conf,
                           setting ? ptn_conf_setting_place(conf, setting)
                                   : (struct ptn_conf_place){NULL, 0},
                           "server.hostname", s->hostname);
}

static void
read_server(struct ptn_conf *conf, config_setting_t *root)
{
    config_setting_t *group = ptn_conf_group(conf, "", root, "server");
    struct ptn_conf_known known = {{ptn_conf_server_rows}, NULL};
    struct ptn_conf_block block = {conf, "server", {NULL, 0}, {group, NULL}};

    ptn_conf_fill(&block, ptn_conf_server_rows, &conf->server);
    ptn_conf_check_keys(conf, "server", group, &known);
    read_names(conf, group);
    ptn_conf_read_log(conf, group);
    conf->server.place = ptn_conf_block_place(conf, "server");
    if (!conf->server.warden_user ||
        conf->server.processes == PTN_PROCESSES_SINGLE)
        conf->server.warden_user = conf->server.user;
    if (!conf->server.control)
        conf->server.control = ptn_conf_path_in_state(conf, "run/control");
}

const char *
ptn_conf_path_in_state(struct ptn_conf *conf, const char *name)
{
    struct ptn_buf path = PTN_BUF_INIT;
    const char *result;

    ptn_buf_printf(&path, "%s/%s", conf->server.state, name);
    result = ptn_arena_dup(&conf->arena, ptn_buf_slice(&path));
    ptn_buf_free(&path);
    return result;
}

static void
read_limits(struct ptn_conf *conf, config_setting_t *root)
{
    config_setting_t *group = ptn_conf_group(conf, "", root, "limits");
    struct ptn_conf_known known = {{ptn_conf_limits_rows}, NULL};
    struct ptn_conf_block block = {conf, "limits", {NULL, 0}, {group, NULL}};

    ptn_conf_fill(&block, ptn_conf_limits_rows, &conf->limits);
    ptn_conf_check_keys(conf, "limits", group, &known);
}

static void
read_auth(struct ptn_conf *conf, config_setting_t *root)
{
    config_setting_t *group = ptn_conf_group(conf, "", root, "auth");
    struct ptn_conf_known known = {{ptn_conf_auth_rows}, NULL};
    struct ptn_conf_block block = {conf, "auth", {NULL, 0}, {group, NULL}};

    ptn_conf_fill(&block, ptn_conf_auth_rows, &conf->auth);
    ptn_conf_check_keys(conf, "auth", group, &known);
    if (conf->auth.delay > conf->auth.max_delay)
        ptn_conf_error_at(conf, "auth", "delay is above max_delay");
}

static void
read_envoy(struct ptn_conf *conf, config_setting_t *root)
{
    config_setting_t *group = ptn_conf_group(conf, "", root, "envoy");
    struct ptn_conf_known known = {{ptn_conf_envoy_rows}, NULL};
    struct ptn_conf_block block = {conf, "envoy", {NULL, 0}, {group, NULL}};

    ptn_conf_fill(&block, ptn_conf_envoy_rows, &conf->envoy);
    ptn_conf_check_keys(conf, "envoy", group, &known);
}

static void
check_load_names(struct ptn_conf *conf)
{
    for (size_t i = 0; i < conf->load.count; i++) {
        const char *name = conf->load.items[i];

        if (!*name || strlen(name) > 64 ||
            name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")])
            ptn_conf_error(conf, conf->load_place,
                           "load: \"%s\" is not a module's name (a-z, 0-9 and "
                           "_); folders come from server.module_path",
                           name);
        for (size_t j = 0; j < i; j++)
            if (strcmp(name, conf->load.items[j]) == 0)
                ptn_conf_error(conf, conf->load_place,
                               "load: \"%s\" is given twice", name);
    }
}

static void
read_load(struct ptn_conf *conf, config_setting_t *root)
{
    static const struct ptn_option row = {.name = "load",
                                          .type = PTN_OPT_STRINGS};
    config_setting_t *setting = config_setting_get_member(root, "load");
    struct ptn_buf why = PTN_BUF_INIT;

    if (!setting) {
        ptn_conf_error(conf, conf->load_place,
                       "load: is required: the modules to load, as "
                       "[ \"...\", \"...\" ]");
        return;
    }
    conf->load_place = ptn_conf_setting_place(conf, setting);
    if (ptn_conf_value(conf, &row, setting, &conf->load, &why))
        check_load_names(conf);
    else
        ptn_conf_error(conf, conf->load_place, "load: %s", ptn_buf_cstr(&why));
    ptn_buf_free(&why);
}

static bool
parse(struct ptn_conf *conf)
{
    struct ptn_conf_tree *tree = conf->tree;
    struct ptn_conf_place place;

    if (!ptn_conf_scan(conf, tree->source))
        return false;
    if (config_read_string(&tree->config, tree->source->text.data))
        return true;
    place =
        ptn_conf_source_place(tree->source, config_error_line(&tree->config));
    ptn_conf_error(conf, place,
                   "%s; look here and just before for a missing \";\", "
                   "\"=\", \",\" or quote",
                   config_error_text(&tree->config));
    return false;
}

static struct ptn_conf *
begin(const char *file, unsigned flags)
{
    struct ptn_conf *conf = ptn_alloc(sizeof *conf);

    conf->file = ptn_arena_dup(&conf->arena, ptn_slice_of(file));
    conf->notes = ptn_conf_notes_new();
    conf->tree = ptn_alloc(sizeof *conf->tree);
    conf->tree->record = (flags & PTN_CONF_RECORD) != 0;
    conf->tree->source = &conf->tree->own;
    config_init(&conf->tree->config);
    ptn_conf_policies_init(conf->tree);
    return conf;
}

static void
read_core_blocks(struct ptn_conf *conf)
{
    config_setting_t *root = config_root_setting(&conf->tree->config);

    read_server(conf, root);
    read_load(conf, root);
    read_auth(conf, root);
    read_envoy(conf, root);
    read_limits(conf, root);
    ptn_conf_read_groups(conf, root);
    ptn_conf_read_certs(conf, root);
    ptn_conf_read_listeners(conf, root);
    ptn_conf_link_certs(conf);
    ptn_conf_link_groups(conf);
}

static void
mark(struct ptn_conf *conf)
{
    _Static_assert(sizeof conf->text_mark >= PTN_MARK_SIZE, "text_mark");
    ptn_effective_mark(ptn_buf_slice(&conf->tree->source->text),
                       conf->text_mark);
}

struct ptn_conf *
ptn_conf_read(const char *file, unsigned flags)
{
    struct ptn_conf *conf = begin(file, flags);

    if (ptn_conf_source_read(conf, &conf->tree->own)) {
        mark(conf);
        conf->tree->parsed = parse(conf);
    }
    if (conf->tree->parsed)
        read_core_blocks(conf);
    return conf;
}

struct ptn_conf *
ptn_conf_read_text(const char *name, struct ptn_slice text, unsigned flags)
{
    struct ptn_conf *conf = begin(name, flags);

    ptn_conf_source_set(&conf->tree->own, conf->file, text);
    conf->tree->parsed = parse(conf);
    if (conf->tree->parsed)
        read_core_blocks(conf);
    return conf;
}

struct ptn_conf *
ptn_conf_again(const struct ptn_conf *first, unsigned flags)
{
    struct ptn_conf *conf = begin(first->file, flags);

    conf->tree->source = first->tree->source;
    memcpy(conf->text_mark, first->text_mark, sizeof conf->text_mark);
    conf->tree->parsed = parse(conf);
    if (conf->tree->parsed)
        read_core_blocks(conf);
    return conf;
}

bool
ptn_conf_has_changed(const struct ptn_conf *first)
{
    struct ptn_conf *now = begin(first->file, 0);
    bool changed = true;

    if (ptn_conf_source_read(now, &now->tree->own)) {
        mark(now);
        changed = strcmp(now->text_mark, first->text_mark) != 0;
    }
    ptn_conf_free(now);
    return changed;
}

void
ptn_conf_free(struct ptn_conf *conf)
{
    if (conf->tree)
        ptn_conf_finish(conf);
    ptn_conf_notes_free(conf->notes);
    ptn_free(conf->values);
    ptn_arena_reset(&conf->arena);
    ptn_free(conf);
}

void *
ptn_conf_block(struct ptn_conf *conf, const char *name,
               const struct ptn_option *rows, size_t size)
{
    struct ptn_conf_tree *tree = conf->tree;
    config_setting_t *root = config_root_setting(&tree->config);
    config_setting_t *group = ptn_conf_group(conf, "", root, name);
    struct ptn_conf_known known = {{rows}, NULL};
    struct ptn_conf_block block = {conf, name, {NULL, 0}, {group, NULL}};
    void *out = ptn_arena_alloc(&conf->arena, size);

    if (group)
        block.place = ptn_conf_setting_place(conf, group);
    tree->blocks = ptn_realloc(tree->blocks,
                               (tree->block_count + 1) * sizeof *tree->blocks);
    tree->blocks[tree->block_count++] = name;
    ptn_conf_fill(&block, rows, out);
    ptn_conf_check_keys(conf, name, group, &known);
    return out;
}

struct ptn_conf_place
ptn_conf_block_place(const struct ptn_conf *conf, const char *name)
{
    config_setting_t *root = config_root_setting(&conf->tree->config);
    config_setting_t *group = config_setting_get_member(root, name);

    if (!group)
        return (struct ptn_conf_place){conf->file, 0};
    return ptn_conf_setting_place(conf, group);
}

/* The name of a module that could own the block, loaded or not. */
static bool
is_in_load(const struct ptn_conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->load.count; i++)
        if (strcmp(conf->load.items[i], name) == 0)
            return true;
    return false;
}

static void
check_top_level(struct ptn_conf *conf, config_setting_t *setting)
{
    const char *name = config_setting_name(setting);
    struct ptn_suggest s = ptn_suggest_begin(name);
    struct ptn_conf_place place = ptn_conf_setting_place(conf, setting);

    if (is_in_load(conf, name))
        return;
    for (const char *const *core = ptn_conf_core_blocks; *core; core++) {
        if (strcmp(*core, name) == 0)
            return;
        ptn_suggest_try(&s, *core);
    }
    for (size_t i = 0; i < conf->tree->block_count; i++)
        ptn_suggest_try(&s, conf->tree->blocks[i]);
    if (s.best)
        ptn_conf_error(conf, place, "%s: unknown key; did you mean \"%s\"?",
                       name, s.best);
    else
        ptn_conf_error(conf, place,
                       "%s: unknown key; if these are a module's options, "
                       "add \"%s\" to \"load\"",
                       name, name);
}

void
ptn_conf_finish(struct ptn_conf *conf)
{
    struct ptn_conf_tree *tree = conf->tree;
    config_setting_t *root = config_root_setting(&tree->config);
    int count = tree->parsed ? config_setting_length(root) : 0;

    for (int i = 0; i < count; i++)
        check_top_level(conf, config_setting_get_elem(root, (unsigned)i));
    config_destroy(&tree->config);
    config_destroy(&tree->built_in);
    ptn_conf_source_free(&tree->own);
    ptn_free(tree->blocks);
    ptn_free(tree);
    conf->tree = NULL;
}
