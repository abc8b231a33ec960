/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What each listener's TLS is made of: from the files, and as a client sees
 * it. The tool's one thread.
 */
#include "base/clock.h"
#include "pki/pem.h"
#include "proc/inspect.h"
#include "proc/legacy.h"
#include "proc/plan.h"
#include "proc/probe.h"
#include <limits.h>
#include <stdio.h>

#define PEM_BEGIN "-----BEGIN CERTIFICATE-----"
#define ROOTS "/etc/ssl/certs/ca-certificates.crt"
#define FILE_MAX (4u << 20)

struct report {
    struct ptn_setup *setup;
    const struct ptn_tls_ops *ops;
    void *instance;
    struct ptn_buf *out;
    int problems;
};

/* --- files --- */

static int
read_file(const char *path, struct ptn_buf *out)
{
    FILE *file = fopen(path, "re");
    size_t n = 1;

    if (!file)
        return -1;
    while (n > 0 && out->len < FILE_MAX) {
        n = fread(ptn_buf_reserve(out, 8192), 1, 8192, file);
        out->len += n;
    }
    fclose(file);
    return 0;
}

static const char *
path_of(const struct report *r, const struct ptn_cert_conf *c, bool key,
        char into[PATH_MAX])
{
    const char *own = key ? c->key_file : c->cert_file;

    if (own)
        return own;
    snprintf(into, PATH_MAX, "%s/certs/%s.%s", r->setup->conf->server.state,
             c->name, key ? "key" : "crt");
    return into;
}

/* The next certificate of a text, and the rest behind its beginning. */
static bool
next_pem(struct ptn_slice *rest, struct ptn_slice *one)
{
    const char *at = rest->len ? memmem(rest->data, rest->len, PEM_BEGIN,
                                        sizeof PEM_BEGIN - 1)
                               : NULL;
    size_t from;

    if (!at)
        return false;
    from = (size_t)(at - rest->data);
    *one = ptn_slice_sub(*rest, from, rest->len - from);
    from += sizeof PEM_BEGIN - 1;
    *rest = ptn_slice_sub(*rest, from, rest->len - from);
    return true;
}

/* Whether a root of the system has that name; true, too, where the system
 * has no list. */
static bool
is_root(const struct report *r, const char *issuer)
{
    struct ptn_buf roots = PTN_BUF_INIT;
    struct ptn_slice rest, one;
    struct ptn_tls_cert cert;
    bool found = read_file(ROOTS, &roots) != 0;

    rest = ptn_buf_slice(&roots);
    while (!found && next_pem(&rest, &one))
        found = r->ops->cert_parse(r->instance, one, &cert, NULL) == 0 &&
                strcmp(cert.subject, issuer) == 0;
    ptn_buf_free(&roots);
    return found;
}

/* "self-signed", "complete", "incomplete" or "disordered". */
static const char *
judge_chain(const struct report *r, struct ptn_slice pem)
{
    struct ptn_tls_cert before = {.not_before = 0}, cert;
    struct ptn_slice one;
    size_t count = 0;

    while (next_pem(&pem, &one)) {
        if (r->ops->cert_parse(r->instance, one, &cert, NULL) != 0)
            return "disordered";
        if (count++ > 0 && strcmp(before.issuer, cert.subject) != 0)
            return "disordered";
        before = cert;
    }
    if (strcmp(before.issuer, before.subject) == 0)
        return count == 1 ? "self-signed" : "complete";
    return is_root(r, before.issuer) ? "complete" : "incomplete";
}

/* --- one certificate --- */

static void
add_problem(struct report *r, const char *text)
{
    ptn_record_add(r->out, "problem", text);
    r->problems++;
}

static const char *
problem_of(const struct ptn_tls_cert *cert, const char *chain)
{
    int64_t now = ptn_clock_wall_ms() / 1000;

    if (now > cert->not_after)
        return "it has expired";
    if (now < cert->not_before)
        return "it is not valid yet";
    if (strcmp(chain, "incomplete") == 0)
        return "its chain is not complete: put the intermediate certificates "
               "behind it into the file";
    if (strcmp(chain, "disordered") == 0)
        return "its file is not a chain: the leaf comes first, then who has "
               "signed it";
    return NULL;
}

static void
write_facts(struct report *r, struct ptn_slice pem, struct ptn_slice key)
{
    static const char *const types[] = {"p256",    "p384",    "rsa2048",
                                        "rsa3072", "rsa4096", "ed25519"};
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_tls_cert cert;
    const char *chain, *problem;

    if (r->ops->cert_parse(r->instance, pem, &cert, &err) != 0) {
        add_problem(r, err.text);
        return;
    }
    chain = judge_chain(r, pem);
    problem = problem_of(&cert, chain);
    ptn_record_add(r->out, "names", cert.names);
    ptn_record_addn(r->out, "not_after", (uint64_t)cert.not_after);
    if ((size_t)cert.key_type < PTN_COUNT(types))
        ptn_record_add(r->out, "key", types[cert.key_type]);
    ptn_record_add(r->out, "self_signed", cert.self_signed ? "yes" : "no");
    ptn_record_add(r->out, "chain", chain);
    ptn_record_add(r->out, "fingerprint", cert.fingerprint);
    if (ptn_pki_pem_is_locked(key)) {
        ptn_record_add(r->out, "match", "encrypted");
    } else if (key.len > 0) {
        bool match = r->ops->pair_match(r->instance, pem, key, &err) == 0;

        ptn_record_add(r->out, "match", match ? "yes" : "no");
        problem = match ? problem : err.text;
    } else {
        ptn_record_add(r->out, "match", "unknown");
    }
    if (problem)
        add_problem(r, problem);
}

static void
write_certificate(struct report *r, const struct ptn_listener_conf *l,
                  const struct ptn_cert_conf *c, struct ptn_buf *pem)
{
    struct ptn_buf key = PTN_BUF_INIT;
    char path[PATH_MAX];

    ptn_buf_adds(r->out, "shown");
    ptn_record_add(r->out, "listener", l->name);
    ptn_record_add(r->out, "certificate", c->name);
    (void)read_file(path_of(r, c, true, path), &key);
    if (read_file(path_of(r, c, false, path), pem) == 0)
        write_facts(r, ptn_buf_slice(pem), ptn_buf_slice(&key));
    else if (c->cert_file)
        add_problem(r, "its file cannot be read");
    else
        ptn_record_add(r->out, "chain", "will be made");
    ptn_buf_addc(r->out, '\n');
    if (key.len > 0)
        ptn_wipe(key.data, key.cap);
    ptn_buf_free(&key);
}

/* --- as a client sees it --- */

/* A name to ask for: the first that the configuration says, else the
 * certificate itself; one that a wildcard stands for, too. */
static const char *
name_to_ask(const struct report *r, const struct ptn_cert_conf *c,
            struct ptn_slice pem, char into[300])
{
    const char *name = c->names.count ? c->names.items[0] : NULL;
    struct ptn_tls_cert cert;

    if (!name && r->ops->cert_parse(r->instance, pem, &cert, NULL) == 0)
        name = cert.names;
    if (!name || !*name)
        return NULL;
    snprintf(into, 300, "%s%.*s", *name == '*' ? "www" : "",
             (int)strcspn(name, " ") - (*name == '*'),
             *name == '*' ? name + 1 : name);
    return into;
}

/* Whether clients without a certificate are treated as the file says. */
static void
judge_client(struct report *r, const struct ptn_listener_conf *l,
             const struct ptn_probe_result *seen)
{
    bool refused = seen->client == PTN_PROBE_REFUSED;

    if (seen->client == PTN_PROBE_NOT_TRIED)
        return;
    ptn_record_add(r->out, "without_certificate",
                   refused ? "refused" : "let in");
    if (!refused && l->tls.client == PTN_TLS_PEER_REQUIRED)
        add_problem(r, "it lets clients in that have no certificate; reload");
    if (refused && l->tls.client != PTN_TLS_PEER_REQUIRED)
        add_problem(r, "it refuses clients that have no certificate; reload");
}

static void
compare(struct report *r, struct ptn_slice meant, struct ptn_slice shown)
{
    struct ptn_tls_cert a, b;
    bool same;

    if (r->ops->cert_parse(r->instance, shown, &b, NULL) != 0) {
        add_problem(r, "what it shows is no certificate");
        return;
    }
    same = r->ops->cert_parse(r->instance, meant, &a, NULL) == 0 &&
           strcmp(a.fingerprint, b.fingerprint) == 0;
    ptn_record_add(r->out, "fingerprint", b.fingerprint);
    ptn_record_add(r->out, "same", same ? "yes" : "no");
    if (!same)
        add_problem(r, "it shows another certificate than the one in the "
                       "file; reload, unless another one of the listener is "
                       "for that name, too");
}

static void
probe(struct report *r, const struct ptn_listener_conf *l,
      const struct ptn_cert_conf *c, struct ptn_slice meant)
{
    char name[300];
    struct ptn_probe probe = {.ops = r->ops,
                              .instance = r->instance,
                              .listener = l,
                              .server_name = name_to_ask(r, c, meant, name)};
    struct ptn_probe_result seen = {.chain = PTN_BUF_INIT};
    struct ptn_error err = PTN_ERROR_INIT;

    ptn_buf_adds(r->out, "probed");
    ptn_record_add(r->out, "listener", l->name);
    ptn_record_add(r->out, "certificate", c->name);
    if (probe.server_name)
        ptn_record_add(r->out, "asked", probe.server_name);
    if (ptn_probe_run(&probe, &seen, &err) == 0) {
        ptn_record_add(r->out, "version", seen.version);
        ptn_record_add(r->out, "cipher", seen.cipher);
        if (*seen.group)
            ptn_record_add(r->out, "group", seen.group);
        judge_client(r, l, &seen);
        if (seen.chain.len > 0)
            compare(r, meant, ptn_buf_slice(&seen.chain));
    } else {
        add_problem(r, err.text);
    }
    ptn_buf_addc(r->out, '\n');
    ptn_buf_free(&seen.chain);
}

/* --- listeners --- */

static void
write_clients(struct report *r, const struct ptn_tls_conf *tls)
{
    static const char *const words[] = {
        [PTN_TLS_PEER_IGNORED] = "not asked",
        [PTN_TLS_PEER_REQUESTED] = "request",
        [PTN_TLS_PEER_REQUIRED] = "require",
    };

    ptn_record_add(r->out, "client", words[tls->client]);
    if (tls->client_ca)
        ptn_record_add(r->out, "client_ca", tls->client_ca);
    if (tls->client_crl)
        ptn_record_add(r->out, "client_crl", tls->client_crl);
    if (tls->client_map)
        ptn_record_add(r->out, "client_map", tls->client_map);
}

static void
write_listener(struct report *r, const struct ptn_listener_conf *l)
{
    static const char *const modes[] = {"none", "explicit", "implicit"};
    static const char *const requires[] = {"never", "auth", "always"};
    static const char *const versions[] = {
        [PTN_TLS_1_0] = "1.0",
        [PTN_TLS_1_1] = "1.1",
        [PTN_TLS_1_2] = "1.2",
        [PTN_TLS_1_3] = "1.3",
    };
    const struct ptn_tls_conf *tls = &l->tls;

    ptn_buf_adds(r->out, "tls");
    ptn_record_add(r->out, "listener", l->name);
    ptn_record_add(r->out, "protocol", l->protocol->name);
    ptn_record_add(r->out, "mode", modes[tls->mode]);
    if (tls->mode == PTN_TLS_EXPLICIT)
        ptn_record_add(r->out, "require", requires[tls->require]);
    if (tls->mode != PTN_TLS_NONE) {
        ptn_record_add(r->out, "min", versions[tls->min_version]);
        ptn_record_add(r->out, "max", versions[tls->max_version]);
        ptn_record_add(r->out, "policy", tls->policy);
        write_clients(r, tls);
        ptn_record_add(r->out, "tickets", tls->tickets ? "yes" : "no");
    }
    ptn_buf_addc(r->out, '\n');
}

static void
inspect(struct report *r, const struct ptn_listener_conf *l, bool online)
{
    write_listener(r, l);
    ptn_legacy_write(l, r->out);
    if (l->tls.mode == PTN_TLS_NONE)
        return;
    for (size_t i = 0; i < l->tls.certificates.count; i++) {
        struct ptn_buf pem = PTN_BUF_INIT;

        write_certificate(r, l, l->tls.certs[i], &pem);
        if (online)
            probe(r, l, l->tls.certs[i], ptn_buf_slice(&pem));
        ptn_buf_free(&pem);
    }
}

int
ptn_inspect_tls(struct ptn_setup *setup, const char *listener, bool online,
                struct ptn_buf *out)
{
    struct report r = {.setup = setup, .out = out};
    const void *ops = NULL;
    bool found = !listener;

    (void)ptn_modules_find(setup->modules, PTN_TLS_CONTRACT, PTN_TLS_VERSION,
                           &ops, &r.instance);
    r.ops = ops;
    for (size_t i = 0; i < setup->conf->listener_count; i++) {
        const struct ptn_listener_conf *l = &setup->conf->listeners[i];

        if (listener && strcmp(l->name, listener) != 0)
            continue;
        found = true;
        inspect(&r, l, online);
    }
    return found ? r.problems : -1;
}
