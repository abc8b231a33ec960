/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The `listeners` block, as far as core knows its settings. One thread.
 */
#include "conf/walk.h"

static void
read_listener_limits(struct ptn_conf *conf, struct ptn_listener_conf *l,
                     config_setting_t *listener, config_setting_t *root)
{
    const char *parent = ptn_conf_path(conf, "listeners", l->name);
    const char *path = ptn_conf_path(conf, parent, "limits");
    config_setting_t *group = ptn_conf_group(conf, parent, listener, "limits");
    config_setting_t *shared = config_setting_get_member(root, "limits");
    struct ptn_conf_known known = {{ptn_conf_limits_rows}, NULL};
    struct ptn_conf_block block = {conf, path, l->place, {group, NULL}};

    if (shared && config_setting_is_group(shared))
        block.layers[1] = shared;
    ptn_conf_fill(&block, ptn_conf_limits_rows, &l->limits);
    ptn_conf_check_keys(conf, path, group, &known);
    if (l->limits.output_low > l->limits.output_high)
        ptn_conf_error_at(conf, path, "output_low is above output_high");
}

static void
read_listener(struct ptn_conf *conf, config_setting_t *group,
              struct ptn_listener_conf *l, config_setting_t *root)
{
    const char *path;

    l->name =
        ptn_arena_dup(&conf->arena, ptn_slice_of(config_setting_name(group)));
    l->place = ptn_conf_setting_place(conf, group);
    path = ptn_conf_path(conf, "listeners", l->name);
    l->tls.mode = PTN_TLS_IMPLICIT; /* unless the file says another */
    l->broken = !config_setting_is_group(group);
    if (l->broken) {
        ptn_conf_error(conf, l->place, "%s: a group is needed: %s: { ... }",
                       path, l->name);
        return;
    }
    ptn_conf_fill(&(struct ptn_conf_block){conf, path, l->place, {group, NULL}},
                  ptn_conf_listener_rows, l);
    ptn_conf_read_tls(conf, l, group, root);
    read_listener_limits(conf, l, group, root);
}

void
ptn_conf_read_listeners(struct ptn_conf *conf, config_setting_t *root)
{
    config_setting_t *group = ptn_conf_group(conf, "", root, "listeners");
    size_t count = group ? (size_t)config_setting_length(group) : 0;

    ptn_conf_read_policies(conf, root);
    if (count == 0 && (group || !config_setting_get_member(root, "listeners")))
        ptn_conf_error_at(conf, "listeners", "at least one is needed");
    conf->listeners =
        ptn_arena_alloc(&conf->arena, (count + 1) * sizeof *conf->listeners);
    for (size_t i = 0; i < count; i++)
        read_listener(conf, config_setting_get_elem(group, (unsigned)i),
                      &conf->listeners[i], root);
    conf->listener_count = count;
}
