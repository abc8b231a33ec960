/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The `groups` block: worker processes that serve some of the listeners.
 * One thread.
 *
 * Group `main` always is there, and is the first; its workers are those of
 * server.workers.
 */
#include "conf/suggest.h"
#include "conf/walk.h"
#include <sched.h>

static void
read_group(struct ptn_conf *conf, config_setting_t *setting,
           struct ptn_group_conf *g)
{
    bool is_main = strcmp(g->name, PTN_GROUP_MAIN) == 0;
    struct ptn_conf_known known = {{ptn_conf_group_rows}, NULL};
    const char *path = ptn_conf_path(conf, "groups", g->name);
    struct ptn_conf_block block = {conf, path, g->place, {setting, NULL}};

    if (!config_setting_is_group(setting)) {
        ptn_conf_error(conf, g->place, "%s: a group is needed: %s: { ... }",
                       path, g->name);
        return;
    }
    if (is_main && config_setting_get_member(setting, "workers"))
        ptn_conf_error_at(conf, ptn_conf_path(conf, path, "workers"),
                          "those of this group are server.workers; say it "
                          "there");
    /* The first row is `workers`. */
    ptn_conf_fill(&block, ptn_conf_group_rows + (is_main ? 1 : 0), g);
    ptn_conf_check_keys(conf, path, setting, &known);
}

static bool
is_main(config_setting_t *setting)
{
    return strcmp(config_setting_name(setting), PTN_GROUP_MAIN) == 0;
}

void
ptn_conf_read_groups(struct ptn_conf *conf, config_setting_t *root)
{
    config_setting_t *block = ptn_conf_group(conf, "", root, "groups");
    int count = block ? config_setting_length(block) : 0;
    size_t next = 1;

    conf->groups = ptn_arena_alloc(&conf->arena,
                                   ((size_t)count + 1) * sizeof *conf->groups);
    conf->groups[0].name = PTN_GROUP_MAIN;
    conf->groups[0].place = conf->server.place;
    for (int i = 0; i < count; i++) {
        config_setting_t *setting = config_setting_get_elem(block, (unsigned)i);
        struct ptn_group_conf *g = &conf->groups[is_main(setting) ? 0 : next++];

        g->name = ptn_arena_dup(&conf->arena,
                                ptn_slice_of(config_setting_name(setting)));
        g->place = ptn_conf_setting_place(conf, setting);
        read_group(conf, setting, g);
    }
    conf->group_count = next;
}

const struct ptn_group_conf *
ptn_conf_find_group(const struct ptn_conf *conf, const char *name)
{
    for (size_t i = 0; i < conf->group_count; i++)
        if (strcmp(conf->groups[i].name, name) == 0)
            return &conf->groups[i];
    return NULL;
}

static void
check_group_of(struct ptn_conf *conf, struct ptn_listener_conf *l, bool *used)
{
    const struct ptn_group_conf *g = ptn_conf_find_group(conf, l->group);
    struct ptn_suggest s = ptn_suggest_begin(l->group);
    const char *path = ptn_conf_path(conf, "listeners", l->name);

    if (g) {
        used[g - conf->groups] = true;
        return;
    }
    for (size_t i = 0; i < conf->group_count; i++)
        ptn_suggest_try(&s, conf->groups[i].name);
    ptn_conf_error_name(conf, ptn_conf_path(conf, path, "group"), "group", &s,
                        "describe it in \"groups\"");
}

void
ptn_conf_link_groups(struct ptn_conf *conf)
{
    bool *used = ptn_arena_alloc(&conf->arena, conf->group_count);

    for (size_t i = 0; i < conf->listener_count; i++)
        if (!conf->listeners[i].broken)
            check_group_of(conf, &conf->listeners[i], used);
    for (size_t i = 1; i < conf->group_count; i++) {
        const struct ptn_group_conf *g = &conf->groups[i];

        if (conf->server.processes == PTN_PROCESSES_SINGLE)
            ptn_conf_warn(conf, g->place,
                          "groups.%s: has no effect, as server.processes is "
                          "\"single\"",
                          g->name);
        else if (!used[i])
            ptn_conf_warn(conf, g->place,
                          "groups.%s: no listener is in it, so it gets no "
                          "workers",
                          g->name);
    }
}

unsigned
ptn_conf_group_workers(const struct ptn_conf *conf,
                       const struct ptn_group_conf *group)
{
    bool is_main_group = group == &conf->groups[0];
    int64_t count = is_main_group ? conf->server.workers : group->workers;
    cpu_set_t cores;

    if (count > 0)
        return (unsigned)count;
    if (sched_getaffinity(0, sizeof cores, &cores) != 0)
        return 1;
    return (unsigned)CPU_COUNT(&cores);
}

void
ptn_conf_keep_group(struct ptn_conf *conf, const char *name)
{
    size_t kept = 0;

    for (size_t i = 0; i < conf->listener_count; i++)
        if (strcmp(conf->listeners[i].group, name) == 0)
            conf->listeners[kept++] = conf->listeners[i];
    conf->listener_count = kept;
}
