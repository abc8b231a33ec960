/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Listeners against what is loaded: their protocols and those protocols'
 * own settings, and what the TLS provider can do. One thread.
 */
#include "conf/suggest.h"
#include "conf/walk.h"

static const char *const listener_groups[] = {"tls", "limits", NULL};

/* "listeners.NAME.key" */
static const char *
setting_of(struct ptn_conf *conf, const struct ptn_listener_conf *l,
           const char *key)
{
    return ptn_conf_path(conf, ptn_conf_path(conf, "listeners", l->name), key);
}

static void
note_protocol(struct ptn_conf *conf, const struct ptn_listener_conf *l,
              const struct ptn_conf_services *services)
{
    struct ptn_suggest s = ptn_suggest_begin(l->protocol_name);

    for (size_t i = 0; i < services->protocol_count; i++)
        ptn_suggest_try(&s, services->protocols[i].ops->name);
    ptn_conf_error_name(conf, setting_of(conf, l, "protocol"), "protocol", &s,
                        "no module in \"load\" provides it");
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
    size_t errors = ptn_conf_errors(conf);

    ptn_conf_fill(&(struct ptn_conf_block){conf, path, l->place, {group, NULL}},
                  rows, options);
    ptn_conf_check_keys(conf, path, group, &known);
    l->protocol_options = options;
    if (l->protocol->check && ptn_conf_errors(conf) == errors &&
        l->protocol->check(options, &err) != 0)
        ptn_conf_error_at(conf, path, "%s", err.text);
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
check_versions(struct ptn_conf *conf, const struct ptn_listener_conf *l,
               const struct ptn_conf_services *services)
{
    for (size_t i = 0; i < PTN_COUNT(versions); i++)
        if (versions[i].version >= l->tls.min_version &&
            versions[i].version <= l->tls.max_version &&
            !(services->capability & versions[i].capability))
            ptn_conf_error_at(conf, setting_of(conf, l, "tls"),
                              "%s cannot do TLS %s; set min_version and "
                              "max_version accordingly",
                              services->tls_name, versions[i].name);
}

/* The same for the exception for old clients. */
static void
check_legacy(struct ptn_conf *conf, const struct ptn_listener_conf *l,
             const struct ptn_conf_services *services)
{
    for (size_t i = 0; l->tls.legacy && i < PTN_COUNT(versions); i++)
        if (versions[i].version >= l->tls.legacy->min_version &&
            versions[i].version < l->tls.min_version &&
            !(services->capability & versions[i].capability))
            ptn_conf_error_at(conf, setting_of(conf, l, "tls.legacy.versions"),
                              "%s cannot do TLS %s", services->tls_name,
                              versions[i].name);
}

static void
check_capability(struct ptn_conf *conf, const struct ptn_listener_conf *l,
                 const struct ptn_conf_services *services)
{
    const struct ptn_tls_conf *tls = &l->tls;
    unsigned has = services->capability;

    check_versions(conf, l, services);
    check_legacy(conf, l, services);
    if (tls->certificates.count > 1 && !(has & PTN_TLS_CAP_SNI))
        ptn_conf_error_at(conf, setting_of(conf, l, "tls.certificates"),
                          "%s cannot choose by server name; name one",
                          services->tls_name);
    if (tls->client != PTN_TLS_PEER_IGNORED &&
        !(has & PTN_TLS_CAP_CLIENT_CERTS))
        ptn_conf_error_at(conf, setting_of(conf, l, "tls.client"),
                          "%s cannot ask for client certificates",
                          services->tls_name);
    if (tls->client_crl && !(has & PTN_TLS_CAP_CRL))
        ptn_conf_error_at(conf, setting_of(conf, l, "tls.client_crl"),
                          "%s cannot use revocation lists", services->tls_name);
    if (tls->alpn_strict && !(has & PTN_TLS_CAP_ALPN))
        ptn_conf_error_at(conf, setting_of(conf, l, "tls.alpn_strict"),
                          "%s cannot do ALPN", services->tls_name);
    for (size_t i = 0; i < tls->certificates.count; i++)
        if (tls->certs[i] && tls->certs[i]->key_type == PTN_KEY_ED25519 &&
            !(has & PTN_TLS_CAP_ED25519))
            ptn_conf_error(conf, tls->certs[i]->place,
                           "certificates.%s.key_type: %s cannot do ed25519",
                           tls->certs[i]->name, services->tls_name);
}

static void
bind_protocol(struct ptn_conf *conf, struct ptn_listener_conf *l,
              config_setting_t *group, const struct ptn_conf_services *services)
{
    const struct ptn_conf_protocol *p =
        find_protocol(services, l->protocol_name);

    if (p) {
        l->protocol = p->ops;
        l->protocol_instance = p->instance;
        l->host = p->host;
        read_protocol_rows(conf, l, group);
    } else if (!services->incomplete) {
        note_protocol(conf, l, services);
    }
}

static void
bind_listener(struct ptn_conf *conf, struct ptn_listener_conf *l,
              config_setting_t *group, const struct ptn_conf_services *services)
{
    if (l->broken)
        return;
    if (l->protocol_name)
        bind_protocol(conf, l, group, services);
    if (l->tls.mode == PTN_TLS_NONE)
        return;
    if (services->has_tls)
        check_capability(conf, l, services);
    else if (!services->incomplete)
        ptn_conf_error_at(conf, setting_of(conf, l, "tls"),
                          "no module in \"load\" provides TLS; add one");
}

static bool
is_loopback(const struct ptn_address_conf *a)
{
    return strncmp(a->host, "127.", 4) == 0 || strcmp(a->host, "::1") == 0;
}

/* Allowed, since the network may be a private one; but nobody should do it
 * without having been told. */
static void
warn_of_clear_logins(struct ptn_conf *conf, const struct ptn_listener_conf *l)
{
    bool clear =
        l->tls.mode == PTN_TLS_NONE || (l->tls.mode == PTN_TLS_EXPLICIT &&
                                        l->tls.require == PTN_REQUIRE_NEVER);
    const struct ptn_protocol *p = l->protocol;

    if (!clear || l->broken || !p || !PTN_HAS(p, struct ptn_protocol, login) ||
        !p->login)
        return;
    for (size_t i = 0; i < l->address_count; i++)
        if (!is_loopback(&l->addresses[i])) {
            ptn_conf_warn(conf, l->place,
                          "listeners.%s.tls: lets passwords cross the network "
                          "in clear; have mode \"implicit\", or \"explicit\" "
                          "with require \"auth\", or listen on 127.0.0.1 "
                          "alone",
                          l->name);
            return;
        }
}

static void
note_source(struct ptn_conf *conf, const char *path, const char *source,
            const struct ptn_conf_services *services)
{
    struct ptn_suggest s = ptn_suggest_begin(source);

    ptn_suggest_try(&s, "file");
    ptn_suggest_try(&s, "self-signed");
    for (size_t i = 0; i < services->errands.count; i++)
        ptn_suggest_try(&s, services->errands.items[i]);
    if (s.best)
        ptn_conf_error_at(conf, path, "\"%s\": did you mean \"%s\"?", source,
                          s.best);
    else
        ptn_conf_error_at(conf, path,
                          "no loaded module obtains certificates by \"%s\"; "
                          "add one to \"load\"",
                          source);
}

/* Whether the module that is to obtain it is there, and can. */
static void
bind_source(struct ptn_conf *conf, const struct ptn_cert_conf *cert,
            const struct ptn_conf_services *services)
{
    const char *at = ptn_conf_path(
        conf, ptn_conf_path(conf, "certificates", cert->name), "source");
    struct ptn_error err = PTN_ERROR_INIT;
    size_t i = 0;

    if (!ptn_cert_is_fetched(cert))
        return;
    while (i < services->errands.count &&
           strcmp(services->errands.items[i], cert->source) != 0)
        i++;
    if (i == services->errands.count) {
        if (!services->incomplete)
            note_source(conf, at, cert->source, services);
    } else if (services->check_errand &&
               services->check_errand(services->errand_arg, i, cert, &err) !=
                   0) {
        ptn_conf_error(conf, cert->place, "certificates.%s: %s", cert->name,
                       err.text);
    }
}

/* Whether somebody can check what is to be stapled, and staple it. */
static void
bind_ocsp(struct ptn_conf *conf, const struct ptn_cert_conf *cert,
          const struct ptn_conf_services *services)
{
    const char *at = ptn_conf_path(
        conf, ptn_conf_path(conf, "certificates", cert->name), "ocsp");

    if (cert->ocsp == PTN_OCSP_OFF || services->incomplete)
        return;
    if (!services->has_ocsp)
        ptn_conf_error_at(conf, at,
                          "no module in \"load\" checks OCSP responses; add "
                          "\"ocsp\"");
    if (services->has_tls && !(services->capability & PTN_TLS_CAP_STAPLE))
        ptn_conf_error_at(conf, at, "%s cannot staple", services->tls_name);
}

void
ptn_conf_bind(struct ptn_conf *conf, const struct ptn_conf_services *services)
{
    config_setting_t *root = config_root_setting(&conf->tree->config);
    config_setting_t *group = config_setting_get_member(root, "listeners");

    /* By name: a worker has the listeners of its group alone. */
    for (size_t i = 0; i < conf->listener_count; i++)
        bind_listener(conf, &conf->listeners[i],
                      config_setting_get_member(group, conf->listeners[i].name),
                      services);
    for (size_t i = 0; i < conf->cert_count; i++)
        bind_source(conf, &conf->certs[i], services);
    for (size_t i = 0; i < conf->cert_count; i++)
        bind_ocsp(conf, &conf->certs[i], services);
    ptn_conf_read_addresses(conf);
    for (size_t i = 0; i < conf->listener_count; i++)
        warn_of_clear_logins(conf, &conf->listeners[i]);
}
