/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The `tls` block of a listener. One thread.
 *
 * The rule that stands above all others here: no mistake turns TLS off. A
 * mode that is missing or misspelt is an error, and until that error has
 * ended the start, the listener counts as one that needs TLS.
 */
#include "conf/walk.h"

static const char *const tls_groups[] = {"legacy", NULL};

static bool
has_key(config_setting_t *group, const char *key)
{
    return group && config_setting_get_member(group, key);
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

/* Allowed, since somebody may have nothing else; but an exception for those
 * who need it does less harm. */
static void
warn_of_old_versions(struct ptn_conf *conf, const char *path,
                     const struct ptn_tls_conf *tls)
{
    ptn_conf_warn(conf, ptn_conf_path_place(conf, path),
                  "%s: speaks TLS 1.%d with everybody, which RFC 8996 forbids; "
                  "have \"legacy\" for the networks of those who need it",
                  path, tls->min_version - PTN_TLS_1_0);
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
                                   tls_groups};
    struct ptn_conf_block block = {conf, path, l->place, {group, NULL}};

    if (!group && has_key(listener, "tls"))
        return;
    if (group)
        block.place = ptn_conf_setting_place(conf, group);
    ptn_conf_use_policy(&block, policies);
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
    else if (l->tls.mode != PTN_TLS_NONE && l->tls.min_version < PTN_TLS_1_2)
        warn_of_old_versions(conf, path, &l->tls);
    ptn_conf_read_legacy(conf, path, group, &l->tls);
}
