/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The `listeners` block with its TLS settings, and what binding it to the
 * loaded modules finds. One thread.
 *
 * The rule that stands above all others here: no mistake turns TLS off. A
 * mode that is missing or misspelt is an error, and until that error has
 * ended the start, the listener counts as one that needs TLS.
 */
#include "base/map.h"
#include "conf/suggest.h"
#include "conf/walk.h"

static const char *const listener_groups[] = {"tls", "limits", NULL};

static bool
has_key(config_setting_t *group, const char *key)
{
    return group && config_setting_get_member(group, key);
}

/* The group of `policies` that the listener names, or NULL. */
static config_setting_t *
find_policy(struct ptn_conf *conf, const char *path, config_setting_t *tls,
            config_setting_t *policies)
{
    config_setting_t *setting =
        tls ? config_setting_get_member(tls, "policy") : NULL;
    const char *name = setting ? config_setting_get_string(setting) : NULL;
    config_setting_t *policy =
        name && policies ? config_setting_get_member(policies, name) : NULL;
    struct ptn_suggest s;

    if (!name || policy)
        return policy;
    s = ptn_suggest_begin(name);
    for (int i = 0; policies && i < config_setting_length(policies); i++)
        ptn_suggest_try(&s, config_setting_name(config_setting_get_elem(
                                policies, (unsigned)i)));
    if (s.best)
        ptn_conf_error(conf, ptn_conf_setting_place(conf, setting),
                       "%s.policy: there is no policy \"%s\"; did you mean "
                       "\"%s\"?",
                       path, name, s.best);
    else
        ptn_conf_error(conf, ptn_conf_setting_place(conf, setting),
                       "%s.policy: there is no policy \"%s\"; describe it in "
                       "\"policies\"",
                       path, name);
    return NULL;
}

/* Settings beside `mode` that the mode makes meaningless are mistakes of
 * somebody who wanted TLS. */
static void
check_mode(struct ptn_conf *conf, const char *path, config_setting_t *group,
           const struct ptn_tls_conf *tls)
{
    int count = group ? config_setting_length(group) : 0;

    for (int i = 0; tls->mode == PTN_TLS_NONE && i < count; i++) {
        config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
        const char *key = config_setting_name(setting);

        if (strcmp(key, "mode") != 0)
            ptn_conf_error(conf, ptn_conf_setting_place(conf, setting),
                           "%s.%s: means nothing with mode \"none\"; remove "
                           "it, or choose \"explicit\" or \"implicit\"",
                           path, key);
    }
    if (tls->mode == PTN_TLS_IMPLICIT && has_key(group, "require") &&
        has_key(group, "mode"))
        ptn_conf_error(conf,
                       ptn_conf_setting_place(
                           conf, config_setting_get_member(group, "require")),
                       "%s.require: means nothing with mode \"implicit\", "
                       "which is always TLS; remove it",
                       path);
}

static void
read_tls(struct ptn_conf *conf, struct ptn_listener_conf *l,
         config_setting_t *listener, config_setting_t *root)
{
    const char *path =
        ptn_conf_path(conf, ptn_conf_path(conf, "listeners", l->name), "tls");
    config_setting_t *group = ptn_conf_group(conf, path, listener, "tls");
    config_setting_t *policies = config_setting_get_member(root, "policies");
    struct ptn_conf_known known = {{ptn_conf_tls_rows, ptn_conf_policy_rows},
                                   NULL};
    struct ptn_conf_block block = {conf, path, l->place, {group, NULL}};

    if (group)
        block.place = ptn_conf_setting_place(conf, group);
    block.layers[1] = find_policy(conf, path, group, policies);
    l->tls.mode = PTN_TLS_IMPLICIT; /* unless the file says another */
    ptn_conf_fill(&block, ptn_conf_tls_rows, &l->tls);
    ptn_conf_fill(&block, ptn_conf_policy_rows, &l->tls);
    ptn_conf_check_keys(conf, path, group, &known);
    check_mode(conf, path, group, &l->tls);
    /* The rows count from 0. */
    l->tls.min_version += PTN_TLS_1_0;
    l->tls.max_version += PTN_TLS_1_0;
    if (l->tls.min_version > l->tls.max_version)
        ptn_conf_error(conf, block.place,
                       "%s: min_version is newer than max_version", path);
}

static void
read_listener_limits(struct ptn_conf *conf, struct ptn_listener_conf *l,
                     config_setting_t *listener, config_setting_t *root)
{
    const char *path = ptn_conf_path(
        conf, ptn_conf_path(conf, "listeners", l->name), "limits");
    config_setting_t *group = ptn_conf_group(conf, path, listener, "limits");
    config_setting_t *shared = config_setting_get_member(root, "limits");
    struct ptn_conf_known known = {{ptn_conf_limits_rows}, NULL};
    struct ptn_conf_block block = {conf, path, l->place, {group, NULL}};

    if (shared && config_setting_is_group(shared))
        block.layers[1] = shared;
    ptn_conf_fill(&block, ptn_conf_limits_rows, &l->limits);
    ptn_conf_check_keys(conf, path, group, &known);
    if (l->limits.output_low > l->limits.output_high)
        ptn_conf_error(conf, block.place, "%s: output_low is above output_high",
                       path);
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
    l->tls.mode = PTN_TLS_IMPLICIT;
    if (!config_setting_is_group(group)) {
        ptn_conf_error(conf, l->place, "%s: a group is needed: %s: { ... }",
                       path, l->name);
        return;
    }
    ptn_conf_fill(&(struct ptn_conf_block){conf, path, l->place, {group, NULL}},
                  ptn_conf_listener_rows, l);
    read_tls(conf, l, group, root);
    read_listener_limits(conf, l, group, root);
}

static void
read_policies(struct ptn_conf *conf, config_setting_t *root)
{
    config_setting_t *policies = ptn_conf_group(conf, "", root, "policies");
    int count = policies ? config_setting_length(policies) : 0;
    bool record = conf->tree->record;

    /* A policy's values are shown with the listeners that use it. */
    conf->tree->record = false;
    for (int i = 0; i < count; i++) {
        config_setting_t *group =
            config_setting_get_elem(policies, (unsigned)i);
        const char *name = config_setting_name(group);
        const char *path = ptn_conf_path(conf, "policies", name);
        struct ptn_conf_known known = {{ptn_conf_policy_rows}, NULL};
        struct ptn_tls_conf unused = {0};

        if (!ptn_conf_group(conf, "policies", policies, name))
            continue;
        ptn_conf_fill(
            &(struct ptn_conf_block){
                conf, path, ptn_conf_setting_place(conf, group), {group, NULL}},
            ptn_conf_policy_rows, &unused);
        ptn_conf_check_keys(conf, path, group, &known);
    }
    conf->tree->record = record;
}

void
ptn_conf_read_listeners(struct ptn_conf *conf, config_setting_t *root)
{
    config_setting_t *group = ptn_conf_group(conf, "", root, "listeners");
    size_t count = group ? (size_t)config_setting_length(group) : 0;

    read_policies(conf, root);
    if (count == 0)
        ptn_conf_error(conf,
                       group ? ptn_conf_setting_place(conf, group)
                             : (struct ptn_conf_place){NULL, 0},
                       "listeners: at least one is needed");
    conf->listeners =
        ptn_arena_alloc(&conf->arena, (count + 1) * sizeof *conf->listeners);
    for (size_t i = 0; i < count; i++)
        read_listener(conf, config_setting_get_elem(group, (unsigned)i),
                      &conf->listeners[i], root);
    conf->listener_count = count;
}

static void
note_protocol(struct ptn_conf *conf, const struct ptn_listener_conf *l,
              const struct ptn_conf_services *services)
{
    struct ptn_suggest s = ptn_suggest_begin(l->protocol_name);

    if (services->incomplete)
        return;
    for (size_t i = 0; i < services->protocol_count; i++)
        ptn_suggest_try(&s, services->protocols[i].ops->name);
    if (s.best)
        ptn_conf_error(conf, l->place,
                       "listeners.%s.protocol: unknown protocol \"%s\"; did "
                       "you mean \"%s\"?",
                       l->name, l->protocol_name, s.best);
    else
        ptn_conf_error(conf, l->place,
                       "listeners.%s.protocol: unknown protocol \"%s\"; no "
                       "module in \"load\" provides it",
                       l->name, l->protocol_name);
}

static const struct ptn_conf_protocol *
find_protocol(const struct ptn_conf_services *services, const char *name)
{
    for (size_t i = 0; i < services->protocol_count; i++)
        if (strcmp(services->protocols[i].ops->name, name) == 0)
            return &services->protocols[i];
    return NULL;
}

/* The protocol's own rows in the listener's block. */
static void
read_protocol_rows(struct ptn_conf *conf, struct ptn_listener_conf *l,
                   config_setting_t *group)
{
    const char *path = ptn_conf_path(conf, "listeners", l->name);
    const struct ptn_option *rows = l->protocol->options;
    struct ptn_conf_known known = {{ptn_conf_listener_rows, rows},
                                   listener_groups};
    struct ptn_error err = PTN_ERROR_INIT;
    void *options = ptn_arena_alloc(&conf->arena, l->protocol->options_size);

    ptn_conf_fill(&(struct ptn_conf_block){conf, path, l->place, {group, NULL}},
                  rows, options);
    ptn_conf_check_keys(conf, path, group, &known);
    l->protocol_options = options;
    if (l->protocol->check && !ptn_conf_failed(conf) &&
        l->protocol->check(options, &err) != 0)
        ptn_conf_error(conf, l->place, "%s: %s", path, err.text);
}

static const struct {
    int version;
    unsigned capability;
    const char *name;
} versions[] = {
    {PTN_TLS_1_0, PTN_TLS_CAP_1_0, "1.0"},
    {PTN_TLS_1_1, PTN_TLS_CAP_1_1, "1.1"},
    {PTN_TLS_1_2, PTN_TLS_CAP_1_2, "1.2"},
    {PTN_TLS_1_3, PTN_TLS_CAP_1_3, "1.3"},
};

static void
check_capability(struct ptn_conf *conf, const struct ptn_listener_conf *l,
                 const struct ptn_conf_services *services)
{
    const struct ptn_tls_conf *tls = &l->tls;
    unsigned has = services->capability;

    for (size_t i = 0; i < PTN_COUNT(versions); i++)
        if (versions[i].version >= tls->min_version &&
            versions[i].version <= tls->max_version &&
            !(has & versions[i].capability))
            ptn_conf_error(conf, l->place,
                           "listeners.%s.tls: %s cannot do TLS %s; set "
                           "min_version and max_version accordingly",
                           l->name, services->tls_name, versions[i].name);
    if (tls->certificates.count > 1 && !(has & PTN_TLS_CAP_SNI))
        ptn_conf_error(conf, l->place,
                       "listeners.%s.tls.certificates: %s cannot choose by "
                       "server name; name one certificate",
                       l->name, services->tls_name);
    if (tls->alpn_strict && !(has & PTN_TLS_CAP_ALPN))
        ptn_conf_error(conf, l->place,
                       "listeners.%s.tls.alpn_strict: %s cannot do ALPN",
                       l->name, services->tls_name);
    for (size_t i = 0; i < tls->certificates.count; i++)
        if (tls->certs[i] && tls->certs[i]->key_type == PTN_KEY_ED25519 &&
            !(has & PTN_TLS_CAP_ED25519))
            ptn_conf_error(conf, tls->certs[i]->place,
                           "certificates.%s.key_type: %s cannot do ed25519",
                           tls->certs[i]->name, services->tls_name);
}

static void
bind_listener(struct ptn_conf *conf, struct ptn_listener_conf *l,
              config_setting_t *group, const struct ptn_conf_services *services)
{
    const struct ptn_conf_protocol *p = NULL;

    if (l->protocol_name) {
        p = find_protocol(services, l->protocol_name);
        if (!p)
            note_protocol(conf, l, services);
    }
    if (p) {
        l->protocol = p->ops;
        l->protocol_instance = p->instance;
        l->host = p->host;
        read_protocol_rows(conf, l, group);
    }
    if (l->tls.mode == PTN_TLS_NONE)
        return;
    if (services->has_tls)
        check_capability(conf, l, services);
    else if (!services->incomplete)
        ptn_conf_error(conf, l->place,
                       "listeners.%s.tls: no module in \"load\" provides TLS "
                       "(postern.tls); add one",
                       l->name);
}

void
ptn_conf_bind(struct ptn_conf *conf, const struct ptn_conf_services *services)
{
    config_setting_t *root = config_root_setting(&conf->tree->config);
    config_setting_t *group =
        root ? config_setting_get_member(root, "listeners") : NULL;

    for (size_t i = 0; i < conf->listener_count; i++)
        bind_listener(conf, &conf->listeners[i],
                      config_setting_get_elem(group, (unsigned)i), services);
    ptn_conf_read_addresses(conf);
}
