/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The descriptor, the options and the instance of the plugin. Everything but
 * the check of options happens in the envoy alone. Main thread.
 */
#include "inner.h"
#include "plugin.h"
#include <errno.h>
#include <postern/arena.h>
#include <stdio.h>
#include <strings.h>

enum {
    EAB_KEY_MAX = 4096, /* octets of the file */
};

#define ROW(field, ...) PTN_OPTION(struct acme_options, field, __VA_ARGS__)
static const struct ptn_option options[] = {
    ROW(directory, .type = PTN_OPT_STRING, .flags = PTN_OPT_REQUIRED,
        .doc = "the authority: the address of its directory, or "
               "letsencrypt, or letsencrypt-staging to try with"),
    ROW(contact, .type = PTN_OPT_STRINGS,
        .doc = "mail addresses that the authority may write to"),
    ROW(terms, .type = PTN_OPT_BOOL, .preset = "false",
        .doc = "you agree to the authority's terms of service; without, "
               "nothing is asked of it"),
    ROW(eab_kid, .type = PTN_OPT_STRING,
        .doc = "the identifier of the key that binds the account to one that "
               "you have with the authority, where it wants that"),
    ROW(eab_key_file, .type = PTN_OPT_PATH,
        .doc = "the file with that key, base64url; to be read by "
               "server.user alone"),
    ROW(challenges, .type = PTN_OPT_STRINGS, .preset = "http-01",
        .doc = "how to prove that a name is yours, the preferred first: "
               "http-01, tls-alpn-01, dns-01"),
    ROW(preferred_chain, .type = PTN_OPT_STRING,
        .doc = "common name of the issuer of the chain to choose, where there "
               "are several"),
    ROW(ca_file, .type = PTN_OPT_PATH,
        .doc = "who may have signed for the authority's own server, PEM; the "
               "default is whom the system trusts"),
    ROW(ari, .type = PTN_OPT_BOOL, .preset = "true",
        .doc = "renew when the authority suggests it, where it does "
               "(RFC 9773)"),
    ROW(renew_at, .type = PTN_OPT_INT, .preset = "66", .min = 10, .max = 95,
        .doc = "else after so many hundredths of a certificate's life"),
    ROW(patience, .type = PTN_OPT_DURATION, .preset = "10m", .min = 1000,
        .max = 3600000,
        .doc = "what the authority gets to look at one proof, and to issue"),
    PTN_OPTION_END,
};
#undef ROW

/* The directories of authorities that a word stands for. */
static const struct {
    const char *word, *url;
} authorities[] = {
    {"letsencrypt", "https://acme-v02.api.letsencrypt.org/directory"},
    {"letsencrypt-staging",
     "https://acme-staging-v02.api.letsencrypt.org/directory"},
};

/* --- what is wrong with the options --- */

static int
take_directory(struct acme_plugin *p, struct ptn_error *err)
{
    const char *said = p->options->directory ? p->options->directory : "";

    p->directory = said;
    for (size_t i = 0; i < PTN_COUNT(authorities); i++)
        if (strcmp(said, authorities[i].word) == 0)
            p->directory = authorities[i].url;
    if (strncmp(p->directory, "https://", 8) == 0 &&
        strlen(p->directory) < ACME_URL_MAX)
        return 0;
    return ptn_error_set(err, PTN_ERR_CONFIG,
                         "directory: \"%s\" is no https address, nor "
                         "\"letsencrypt\" or \"letsencrypt-staging\"",
                         said);
}

static int
take_challenge(struct acme_plugin *p, const char *word, struct ptn_error *err)
{
    for (size_t i = 0; i < ACME_CHALLENGES; i++) {
        if (strcmp(word, acme_challenge_names[i]) != 0)
            continue;
        for (size_t j = 0; j < p->order_count; j++)
            if (p->order[j] == (enum acme_challenge)i)
                return ptn_error_set(err, PTN_ERR_CONFIG,
                                     "challenges: %s stands there twice", word);
        p->order[p->order_count++] = (enum acme_challenge)i;
        return 0;
    }
    return ptn_error_set(err, PTN_ERR_CONFIG,
                         "challenges: \"%s\" is none of http-01, tls-alpn-01, "
                         "dns-01",
                         word);
}

static int
take_challenges(struct acme_plugin *p, struct ptn_error *err)
{
    const struct ptn_strings *said = &p->options->challenges;

    for (size_t i = 0; i < said->count; i++)
        if (take_challenge(p, said->items[i], err) != 0)
            return -1;
    if (p->order_count > 0)
        return 0;
    return ptn_error_set(err, PTN_ERR_CONFIG, "challenges: name at least one");
}

static int
check_options(struct acme_plugin *p, struct ptn_error *err)
{
    const struct acme_options *o = p->options;

    if (take_directory(p, err) != 0 || take_challenges(p, err) != 0)
        return -1;
    if (!o->eab_kid != !o->eab_key_file)
        return ptn_error_set(err, PTN_ERR_CONFIG,
                             "%s: is required with the other one",
                             o->eab_kid ? "eab_key_file" : "eab_kid");
    for (size_t i = 0; i < o->contact.count; i++)
        if (!strchr(o->contact.items[i], '@'))
            return ptn_error_set(err, PTN_ERR_CONFIG,
                                 "contact: \"%s\" is no mail address",
                                 o->contact.items[i]);
    return 0;
}

/* --- life --- */

static void
allow_paths(struct acme_plugin *p)
{
    const struct acme_options *o = p->options;
    struct ptn_buf http = PTN_BUF_INIT;

    ptn_buf_printf(&http, "%s/http", p->folder);
    ptn_host_allow_path(p->host, p->folder,
                        PTN_ACCESS_READ | PTN_ACCESS_WRITE | PTN_ACCESS_FOLDER);
    ptn_host_allow_path(p->host, ptn_buf_cstr(&http),
                        PTN_ACCESS_READ | PTN_ACCESS_WRITE | PTN_ACCESS_FOLDER);
    if (o->ca_file)
        ptn_host_allow_path(p->host, o->ca_file, PTN_ACCESS_READ);
    if (o->eab_key_file)
        ptn_host_allow_path(p->host, o->eab_key_file, PTN_ACCESS_READ);
    ptn_buf_free(&http);
}

static int
check(void *instance, const struct ptn_errand_certificate *certificate,
      struct ptn_error *err)
{
    const struct acme_plugin *p = instance;
    bool dns = false;

    if (!p->options->terms)
        return ptn_error_set(err, PTN_ERR_CONFIG,
                             "source: the authority %s has terms of service: "
                             "read them, and set acme.terms = true to agree",
                             p->directory);
    for (size_t i = 0; i < p->order_count; i++)
        dns = dns || p->order[i] == ACME_DNS_01;
    for (size_t i = 0; i < certificate->names.count; i++) {
        const char *name = certificate->names.items[i];

        if (!strchr(name, '.') || strchr(name, ':') ||
            !name[strspn(name, "0123456789.")])
            return ptn_error_set(err, PTN_ERR_CONFIG,
                                 "names: an authority signs for names of the "
                                 "DNS, not for \"%s\"",
                                 name);
        if (name[0] == '*' && !dns)
            return ptn_error_set(err, PTN_ERR_CONFIG,
                                 "names: \"%s\" needs \"dns-01\" in "
                                 "acme.challenges, and a program in "
                                 "envoy.hook that publishes its records",
                                 name);
    }
    return 0;
}

static const struct ptn_errand ops = {
    .size = sizeof ops,
    .name = ACME_ERRAND,
    .check = check,
    .run = acme_run,
};

static int
init(struct ptn_host *host, const void *read, void **instance,
     struct ptn_error *err)
{
    struct acme_plugin *p = ptn_alloc(sizeof *p);
    struct ptn_buf folder = PTN_BUF_INIT;
    enum ptn_role role = ptn_host_role(host);

    p->host = host;
    p->options = read;
    *instance = p;
    if (check_options(p, err) != 0)
        return -1;
    ptn_buf_printf(&folder, "%s/acme", ptn_host_state_dir(host));
    p->folder = ptn_strdup(ptn_buf_cstr(&folder));
    ptn_buf_free(&folder);
    if (role == PTN_ROLE_ENVOY || role == PTN_ROLE_CHECKER)
        allow_paths(p);
    ptn_host_provide(host, PTN_ERRAND_CONTRACT, PTN_ERRAND_VERSION, &ops, p);
    return 0;
}

/* Without the blanks around it. */
static int
read_eab_key(struct acme_plugin *p, struct ptn_error *err)
{
    const char *path = p->options->eab_key_file;
    char text[EAB_KEY_MAX];
    FILE *file = path ? fopen(path, "re") : NULL;
    size_t n;

    if (!path)
        return 0;
    if (!file)
        return ptn_error_errno(err, "eab_key_file: %s cannot be read", path);
    n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    text[strcspn(text, " \t\r\n")] = '\0';
    p->eab_key = ptn_strdup(text);
    ptn_wipe(text, sizeof text);
    return 0;
}

static int
start(void *instance, struct ptn_error *err)
{
    struct acme_plugin *p = instance;
    const struct acme_options *o = p->options;
    struct acme_warden warden = acme_link_warden(p);
    struct acme_responder responder = acme_link_responder(p);
    struct acme_settings settings = {
        .directory = p->directory,
        .ca_file = o->ca_file,
        .contact = o->contact,
        .terms = o->terms,
        .eab_kid = o->eab_kid,
        .preferred_chain = o->preferred_chain,
        .state = p->folder,
        .patience = (int64_t)o->patience / 1000,
    };

    if (ptn_host_role(p->host) != PTN_ROLE_ENVOY)
        return 0;
    if (read_eab_key(p, err) != 0)
        return -1;
    settings.eab_key = p->eab_key;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    p->client = acme_new(&settings, &warden, &responder);
    return 0;
}

static void
stop(void *instance)
{
    struct acme_plugin *p = instance;

    if (p->client) {
        acme_free(p->client);
        curl_global_cleanup();
    }
    if (p->eab_key)
        ptn_wipe(p->eab_key, strlen(p->eab_key));
    ptn_free(p->eab_key);
    ptn_free(p->folder);
    ptn_free(p);
}

static const struct ptn_contract provides[] = {
    {PTN_ERRAND_CONTRACT, PTN_ERRAND_VERSION},
    {NULL, 0},
};

PTN_MODULE_NOTE(acme, "1.0", "LGPL-2.1-or-later",
                PTN_NOTE_PROVIDES(PTN_ERRAND_CONTRACT, PTN_ERRAND_VERSION));

extern const struct ptn_module acme_LTX_postern_module;
PTN_API const struct ptn_module acme_LTX_postern_module = {
    PTN_MODULE_HEAD,
    .name = "acme",
    .version = "1.0",
    .license = "LGPL-2.1-or-later",
    .doc = "certificates from an authority, by ACME",
    .provides = provides,
    .options = options,
    .options_size = sizeof(struct acme_options),
    .init = init,
    .start = start,
    .stop = stop,
};
