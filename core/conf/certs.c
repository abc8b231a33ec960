/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The `certificates` block, and which of them listeners name. One thread.
 */
#include "base/map.h"
#include "conf/suggest.h"
#include "conf/unit.h"
#include "conf/walk.h"
#include <arpa/inet.h>

bool
ptn_cert_is_fetched(const struct ptn_cert_conf *cert)
{
    return cert->source && strcmp(cert->source, "file") != 0 &&
           strcmp(cert->source, "self-signed") != 0;
}

bool
ptn_conf_has_errands(const struct ptn_conf *conf)
{
    for (size_t i = 0; i < conf->cert_count; i++)
        if (ptn_cert_is_fetched(&conf->certs[i]) ||
            conf->certs[i].ocsp == PTN_OCSP_FETCH)
            return true;
    return false;
}

bool
ptn_conf_staples(const struct ptn_conf *conf)
{
    for (size_t i = 0; i < conf->cert_count; i++)
        if (conf->certs[i].ocsp != PTN_OCSP_OFF)
            return true;
    return false;
}

/* What is said must fit the files that are named. */
static void
check_source(struct ptn_conf *conf, const struct ptn_cert_conf *cert,
             const char *path)
{
    const char *at = ptn_conf_path(conf, path, "source");
    struct ptn_conf_place place;

    if (!cert->source) /* thousands may say nothing: no place is looked for */
        return;
    place = ptn_conf_path_place(conf, at);
    if (strcmp(cert->source, "file") == 0 && !cert->cert_file)
        ptn_conf_error(conf, place, "%s: \"file\" needs cert_file and key_file",
                       at);
    else if (strcmp(cert->source, "file") != 0 && cert->cert_file)
        ptn_conf_error(conf, place,
                       "%s: with cert_file the source is \"file\"; remove "
                       "one of both",
                       at);
}

/* Where the response is, for all who look for it. */
static void
check_ocsp(struct ptn_conf *conf, struct ptn_cert_conf *cert, const char *path)
{
    struct ptn_buf name = PTN_BUF_INIT;

    if (cert->ocsp == PTN_OCSP_FILE && !cert->ocsp_file)
        ptn_conf_error_at(conf, ptn_conf_path(conf, path, "ocsp"),
                          "\"file\" needs ocsp_file");
    else if (cert->ocsp != PTN_OCSP_FILE && cert->ocsp_file)
        ptn_conf_error_at(conf, ptn_conf_path(conf, path, "ocsp_file"),
                          "means nothing without ocsp = \"file\"");
    if (cert->ocsp != PTN_OCSP_FETCH)
        return;
    ptn_buf_printf(&name, "ocsp/%s.der", cert->name);
    cert->ocsp_file = ptn_conf_path_in_state(conf, ptn_buf_cstr(&name));
    ptn_buf_free(&name);
}

/* One of the two that is wrong is missing, too, and that is no news. */
static bool
is_noted(struct ptn_conf *conf, const char *path, const char *key)
{
    const char *at = ptn_conf_path(conf, path, key);

    return ptn_conf_is_noted(conf, ptn_conf_path_place(conf, at), at);
}

static void
check_cert(struct ptn_conf *conf, struct ptn_cert_conf *cert, const char *path)
{
    if (cert->cert_file && !cert->key_file && !is_noted(conf, path, "key_file"))
        ptn_conf_error(conf, cert->place,
                       "%s.key_file: is required with cert_file", path);
    if (cert->key_file && !cert->cert_file &&
        !is_noted(conf, path, "cert_file"))
        ptn_conf_error(conf, cert->place,
                       "%s.cert_file: is required with key_file", path);
    if (strchr(cert->name, '*'))
        ptn_conf_error(conf, cert->place,
                       "%s: a certificate's own name cannot have \"*\" in it; "
                       "its host names stand in \"names\"",
                       path);
    check_source(conf, cert, path);
    check_ocsp(conf, cert, path);
    if (!cert->cert_file != !cert->key_file)
        cert->cert_file = cert->key_file = NULL; /* half a pair is none */
}

/* No shell looks for it. */
static void
check_command(struct ptn_conf *conf, const struct ptn_cert_conf *cert,
              const char *path)
{
    const char *at = ptn_conf_path(conf, path, "passphrase_command");

    if (cert->passphrase_command.count > 0 &&
        cert->passphrase_command.items[0][0] != '/')
        ptn_conf_error(conf, ptn_conf_path_place(conf, at),
                       "%s: \"%s\" is no absolute path: name the program as "
                       "\"/...\", and each argument as a string of its own",
                       at, cert->passphrase_command.items[0]);
}

/* Host names as in a certificate, whose first label may be "*", and
 * addresses. */
static void
check_names(struct ptn_conf *conf, struct ptn_cert_conf *cert, const char *path,
            const config_setting_t *group)
{
    const char *at = ptn_conf_path(conf, path, "names");
    const config_setting_t *list = config_setting_get_member(group, "names");
    struct ptn_conf_place place =
        ptn_conf_setting_place(conf, list ? list : group);

    for (size_t i = 0; i < cert->names.count; i++) {
        const char *name = cert->names.items[i];
        struct in6_addr ip;

        if (inet_pton(AF_INET6, name, &ip) != 1)
            ptn_conf_host_name(conf, place, at,
                               strncmp(name, "*.", 2) == 0 ? name + 2 : name);
    }
}

/* A certificate that says no names is for the server's own. */
static void
preset_names(struct ptn_conf *conf, struct ptn_cert_conf *cert)
{
    const char **items;

    if (cert->names.count > 0)
        return;
    items = ptn_arena_alloc(&conf->arena, sizeof *items);
    items[0] = conf->server.hostname;
    cert->names = (struct ptn_strings){items, 1};
}

/* Of the server's list once. */
static void
note_no_time(struct ptn_conf *conf, const char *at, const char *text)
{
    struct ptn_conf_place place = ptn_conf_path_place(conf, at);

    if (!ptn_conf_is_noted(conf, place, at))
        ptn_conf_error(conf, place,
                       "%s: \"%s\" is no time; write it like \"14d\"", at,
                       text);
}

/* Its own, or the server's, where they stand. */
static void
read_warnings(struct ptn_conf *conf, struct ptn_cert_conf *cert,
              const char *path)
{
    bool own = cert->expiry_warnings.count > 0;
    const char *at =
        ptn_conf_path(conf, own ? path : "server", "expiry_warnings");
    int64_t *distances;

    if (!own)
        cert->expiry_warnings = conf->server.expiry_warnings;
    distances = ptn_arena_alloc(
        &conf->arena, (cert->expiry_warnings.count + 1) * sizeof *distances);
    for (size_t i = 0; i < cert->expiry_warnings.count; i++) {
        uint64_t ms = 0;

        if (!ptn_unit_duration(cert->expiry_warnings.items[i], &ms))
            note_no_time(conf, at, cert->expiry_warnings.items[i]);
        distances[i] = (int64_t)(ms / 1000);
    }
    cert->distances = distances;
}

static void
read_cert(struct ptn_conf *conf, config_setting_t *group,
          struct ptn_cert_conf *cert)
{
    const char *path;
    struct ptn_conf_known known = {{ptn_conf_cert_rows}, NULL};

    cert->name =
        ptn_arena_dup(&conf->arena, ptn_slice_of(config_setting_name(group)));
    cert->place = ptn_conf_setting_place(conf, group);
    path = ptn_conf_path(conf, "certificates", cert->name);
    if (!config_setting_is_group(group)) {
        ptn_conf_error(conf, cert->place, "%s: a group is needed: %s: { ... }",
                       path, cert->name);
        return;
    }
    ptn_conf_fill(
        &(struct ptn_conf_block){conf, path, cert->place, {group, NULL}},
        ptn_conf_cert_rows, cert);
    ptn_conf_check_keys(conf, path, group, &known);
    check_cert(conf, cert, path);
    check_command(conf, cert, path);
    check_names(conf, cert, path, group);
    preset_names(conf, cert);
    read_warnings(conf, cert, path);
}

void
ptn_conf_read_certs(struct ptn_conf *conf, config_setting_t *root)
{
    config_setting_t *group = ptn_conf_group(conf, "", root, "certificates");
    size_t count = group ? (size_t)config_setting_length(group) : 0;

    /* One more, for an implicit `default`. */
    conf->certs =
        ptn_arena_alloc(&conf->arena, (count + 1) * sizeof *conf->certs);
    for (size_t i = 0; i < count; i++)
        read_cert(conf, config_setting_get_elem(group, (unsigned)i),
                  &conf->certs[i]);
    conf->cert_count = count;
}

static void
add_default(struct ptn_conf *conf, struct ptn_map *names)
{
    struct ptn_cert_conf *cert = &conf->certs[conf->cert_count++];

    cert->name = "default";
    ptn_conf_fill(
        &(struct ptn_conf_block){
            conf, "certificates.default", {conf->file, 0}, {NULL, NULL}},
        ptn_conf_cert_rows, cert);
    cert->place = (struct ptn_conf_place){conf->file, 0};
    preset_names(conf, cert);
    read_warnings(conf, cert, "certificates.default");
    ptn_map_put(names, PTN_SLICE("default"), cert);
}

static void
note_unknown(struct ptn_conf *conf, const char *path, const char *name)
{
    struct ptn_suggest s = ptn_suggest_begin(name);

    for (size_t i = 0; i < conf->cert_count; i++)
        ptn_suggest_try(&s, conf->certs[i].name);
    ptn_conf_error_name(conf, path, "certificate", &s,
                        "describe it in \"certificates\"");
}

static void
link_listener(struct ptn_conf *conf, struct ptn_listener_conf *l,
              struct ptn_map *names)
{
    struct ptn_tls_conf *tls = &l->tls;
    const char *parent = ptn_conf_path(conf, "listeners", l->name);
    const char *path = ptn_conf_path(conf, parent, "tls.certificates");

    tls->certs = ptn_arena_alloc(&conf->arena, (tls->certificates.count + 1) *
                                                   sizeof *tls->certs);
    for (size_t i = 0; i < tls->certificates.count; i++) {
        const char *name = tls->certificates.items[i];

        tls->certs[i] = ptn_map_get(names, ptn_slice_of(name));
        if (!tls->certs[i] && strcmp(name, "default") == 0) {
            add_default(conf, names);
            tls->certs[i] = ptn_map_get(names, ptn_slice_of(name));
        }
        if (!tls->certs[i])
            note_unknown(conf, path, name);
    }
    if (tls->certificates.count == 0 && tls->min_version != 0)
        ptn_conf_error_at(conf, path, "TLS needs at least one");
}

void
ptn_conf_link_certs(struct ptn_conf *conf)
{
    struct ptn_map names = PTN_MAP_INIT;

    for (size_t i = 0; i < conf->cert_count; i++)
        ptn_map_put(&names, ptn_slice_of(conf->certs[i].name), &conf->certs[i]);
    for (size_t i = 0; i < conf->listener_count; i++)
        if (conf->listeners[i].tls.mode != PTN_TLS_NONE &&
            !conf->listeners[i].broken)
            link_listener(conf, &conf->listeners[i], &names);
    ptn_map_free(&names);
}
