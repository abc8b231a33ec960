/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The `tls` block of a listener, and the policies that several share. One
 * thread.
 *
 * The rule that stands above all others here: no mistake turns TLS off. A
 * mode that is missing or misspelt is an error, and until that error has
 * ended the start, the listener counts as one that needs TLS.
 */
#include "conf/suggest.h"
#include "conf/walk.h"

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
    ptn_conf_error_name(conf, ptn_conf_path(conf, path, "policy"), "policy", &s,
                        "describe it in \"policies\"");
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

/* What `client` needs, and what needs it. */
static void
check_client(struct ptn_conf *conf, const char *path,
             const struct ptn_tls_conf *tls)
{
    if (tls->client != PTN_TLS_PEER_IGNORED && !tls->client_ca)
        ptn_conf_error_at(conf, ptn_conf_path(conf, path, "client"),
                          "client_ca is needed with it: a file of the "
                          "authorities whose certificates are good");
    else if (tls->client == PTN_TLS_PEER_IGNORED &&
             (tls->client_ca || tls->client_crl || tls->client_map))
        ptn_conf_error_at(conf, path,
                          "client_ca, client_crl and client_map mean nothing "
                          "while client is \"none\"; set client to \"request\" "
                          "or \"require\"");
}

void
ptn_conf_read_tls(struct ptn_conf *conf, struct ptn_listener_conf *l,
                  config_setting_t *listener, config_setting_t *root)
{
    const char *parent = ptn_conf_path(conf, "listeners", l->name);
    const char *path = ptn_conf_path(conf, parent, "tls");
    config_setting_t *group = ptn_conf_group(conf, parent, listener, "tls");
    config_setting_t *policies = config_setting_get_member(root, "policies");
    struct ptn_conf_known known = {{ptn_conf_tls_rows, ptn_conf_policy_rows},
                                   NULL};
    struct ptn_conf_block block = {conf, path, l->place, {group, NULL}};

    if (!group && has_key(listener, "tls"))
        return;
    if (group)
        block.place = ptn_conf_setting_place(conf, group);
    block.layers[1] = find_policy(conf, path, group, policies);
    ptn_conf_fill(&block, ptn_conf_tls_rows, &l->tls);
    ptn_conf_fill(&block, ptn_conf_policy_rows, &l->tls);
    ptn_conf_check_keys(conf, path, group, &known);
    check_mode(conf, path, group, &l->tls);
    check_client(conf, path, &l->tls);
    /* The rows count from 0. */
    l->tls.min_version += PTN_TLS_1_0;
    l->tls.max_version += PTN_TLS_1_0;
    if (l->tls.min_version > l->tls.max_version)
        ptn_conf_error_at(conf, path, "min_version is newer than max_version");
}

void
ptn_conf_read_policies(struct ptn_conf *conf, config_setting_t *root)
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
