/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * TLS policies by name: those that operators describe in `policies`, and
 * three that Postern has. The latter are written in the language of the file
 * itself, so that nothing but their origin sets them apart. One thread.
 *
 * They follow, as postern.conf(5) says, too:
 *
 *   Mozilla's "Server Side TLS" guidelines, version 5.7 of 2023-05-15:
 *   modern, intermediate, and old, which is legacy here;
 *   RFC 9325 of November 2022, "Recommendations for Secure Use of TLS".
 *
 * Of Mozilla's lists, those suites are left out that have no elliptic curve
 * in their key exchange. Finite-field groups: RFC 9325 section 4.1 advises
 * against them (a client cannot refuse a weak one), and Mozilla's next
 * version drops them, too. Transport of the premaster secret by RSA: section
 * 4.1 again, and a key that is in the warden signs, but decrypts nothing.
 */
#include "conf/suggest.h"
#include "conf/walk.h"
#include <stdlib.h>

#define THREE "\"modern\", \"intermediate\" or \"legacy\""

#define SUITES                                                                 \
    "suites = \"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"                \
    "TLS_CHACHA20_POLY1305_SHA256\"; "
#define GROUPS "groups = \"X25519:P-256:P-384\"; "
#define CIPHERS                                                                \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"               \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"               \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define OLD_CIPHERS_SHA2_128 "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256"
#define OLD_CIPHERS_128 "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA"
#define OLD_CIPHERS_SHA2_256 "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384"
#define OLD_CIPHERS_256 "ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA"

static const char built_in[] =
    "modern: { min_version = \"1.3\"; max_version = \"1.3\"; " SUITES GROUPS
    "};"
    "intermediate: { min_version = \"1.2\"; max_version = \"1.3\"; " SUITES
        GROUPS "ciphers = \"" CIPHERS "\"; };"
    "legacy: { min_version = \"1.0\"; max_version = \"1.3\"; " SUITES GROUPS
    "ciphers = \"" CIPHERS ":" OLD_CIPHERS_SHA2_128 ":" OLD_CIPHERS_128
    ":" OLD_CIPHERS_SHA2_256 ":" OLD_CIPHERS_256 "\"; };";

const char ptn_conf_ciphers[] = CIPHERS;
const char ptn_conf_old_ciphers[] = OLD_CIPHERS_128 ":" OLD_CIPHERS_256;

const char *
ptn_conf_built_in_origin(const struct ptn_conf *conf,
                         const config_setting_t *setting)
{
    static const char *const origins[] = {
        "policy modern", "policy intermediate", "policy legacy"};
    const config_setting_t *root =
        conf->tree ? config_root_setting(&conf->tree->built_in) : NULL;
    const config_setting_t *policy = config_setting_parent(setting);

    if (!root || !policy || config_setting_parent(policy) != root)
        return NULL;
    return origins[config_setting_index(policy)];
}

void
ptn_conf_policies_init(struct ptn_conf_tree *tree)
{
    config_init(&tree->built_in);
    if (!config_read_string(&tree->built_in, built_in))
        abort(); /* a programmer's mistake, seen by every test */
}

static config_setting_t *
built_in_policy(const struct ptn_conf *conf, const char *name)
{
    return config_setting_get_member(config_root_setting(&conf->tree->built_in),
                                     name);
}

static void
suggest_from(struct ptn_suggest *s, config_setting_t *group)
{
    int count = group ? config_setting_length(group) : 0;

    for (int i = 0; i < count; i++)
        ptn_suggest_try(s, config_setting_name(
                               config_setting_get_elem(group, (unsigned)i)));
}

/* The built-in of that name; an error, and the default one, when there is
 * none. `own` are other policies that may be meant, or NULL. */
static config_setting_t *
named(struct ptn_conf *conf, const char *path, const char *name,
      config_setting_t *own, const char *remedy)
{
    config_setting_t *policy = built_in_policy(conf, name);
    struct ptn_suggest s;

    if (policy)
        return policy;
    s = ptn_suggest_begin(name);
    suggest_from(&s, own);
    suggest_from(&s, config_root_setting(&conf->tree->built_in));
    ptn_conf_error_name(conf, path, "policy", &s, remedy);
    return built_in_policy(conf, PTN_POLICY_DEFAULT);
}

static const char *
text_of(config_setting_t *group, const char *key)
{
    config_setting_t *setting =
        group ? config_setting_get_member(group, key) : NULL;

    return setting ? config_setting_get_string(setting) : NULL;
}

void
ptn_conf_use_policy(struct ptn_conf_block *block, config_setting_t *policies)
{
    struct ptn_conf *conf = block->conf;
    const char *name = text_of(block->layers[0], "policy");
    config_setting_t *own =
        name && policies ? config_setting_get_member(policies, name) : NULL;

    if (own) {
        /* What is wrong with it was noted there. */
        block->layers[1] = config_setting_is_group(own) ? own : NULL;
        name = text_of(block->layers[1], "based_on");
        name = name && built_in_policy(conf, name) ? name : NULL;
    }
    block->layers[2] = named(conf, ptn_conf_path(conf, block->path, "policy"),
                             name ? name : PTN_POLICY_DEFAULT, policies,
                             "say " THREE ", or describe it in \"policies\"");
}

static void
read_policy(struct ptn_conf *conf, config_setting_t *policies,
            config_setting_t *group)
{
    const char *name = config_setting_name(group);
    const char *path = ptn_conf_path(conf, "policies", name);
    struct ptn_conf_known known = {
        {ptn_conf_based_on_rows, ptn_conf_policy_rows}, NULL};
    struct ptn_conf_block block = {
        conf, path, ptn_conf_setting_place(conf, group), {group}};
    struct ptn_policy_conf policy = {NULL};
    struct ptn_tls_conf unused = {0};

    if (!ptn_conf_group(conf, "policies", policies, name))
        return;
    if (built_in_policy(conf, name))
        ptn_conf_error(conf, block.place,
                       "%s: Postern has a policy of that name; give yours "
                       "another, and begin it with based_on = \"%s\"",
                       path, name);
    ptn_conf_fill(&block, ptn_conf_based_on_rows, &policy);
    if (policy.based_on)
        named(conf, ptn_conf_path(conf, path, "based_on"), policy.based_on,
              NULL, "say " THREE);
    ptn_conf_fill(&block, ptn_conf_policy_rows, &unused);
    ptn_conf_check_keys(conf, path, group, &known);
}

void
ptn_conf_read_policies(struct ptn_conf *conf, config_setting_t *root)
{
    config_setting_t *policies = ptn_conf_group(conf, "", root, "policies");
    int count = policies ? config_setting_length(policies) : 0;
    bool record = conf->tree->record;

    /* A policy's values are shown with the listeners that use it. */
    conf->tree->record = false;
    for (int i = 0; i < count; i++)
        read_policy(conf, policies,
                    config_setting_get_elem(policies, (unsigned)i));
    conf->tree->record = record;
}
