/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The names of certificates: which can be one, which a request has to have,
 * and which a listener is asked for.
 */
#include "pki/identity.h"
#include "pki/manage_inner.h"
#include <arpa/inet.h>
#include <postern/arena.h>

#define DAYS 397 /* what a name that the config does not have gets */
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

const struct ptn_cert_conf *
ptn_manage_conf(const struct ptn_manage *m, const char *name)
{
    for (size_t i = 0; i < m->conf->cert_count; i++)
        if (strcmp(m->conf->certs[i].name, name) == 0)
            return &m->conf->certs[i];
    return NULL;
}

const struct ptn_cert_conf *
ptn_manage_elsewhere(const struct ptn_manage *m, const char *name)
{
    const struct ptn_cert_conf *conf = ptn_manage_conf(m, name);

    return conf && conf->cert_file ? conf : NULL;
}

bool
ptn_manage_says_names(const struct ptn_manage *m,
                      const struct ptn_cert_conf *conf)
{
    return conf && conf->names.count > 0 &&
           conf->names.items[0] != m->conf->server.hostname;
}

struct ptn_cert_order
ptn_manage_preset(const struct ptn_manage *m, const char *name)
{
    const struct ptn_cert_conf *conf = ptn_manage_conf(m, name);
    struct ptn_cert_order order = {.names = {&m->conf->server.hostname, 1},
                                   .type = PTN_KEY_ECDSA_P256,
                                   .days = DAYS};

    if (conf)
        order = (struct ptn_cert_order){
            .names = conf->names,
            .type = (enum ptn_tls_key_type)conf->key_type,
            .days = (uint32_t)conf->days};
    return order;
}

/* --- what can be one --- */

/* RFC 1123 section 2.1; "_" is in the names of some machines. */
static bool
is_label(const char *label, size_t len)
{
    return len > 0 && len <= 63 && label[0] != '-' && label[len - 1] != '-' &&
           strspn(label, LETTERS DIGITS "-_") >= len;
}

static bool
is_host_name(const char *name)
{
    const char *last = name;
    size_t len;

    if (strlen(name) > PTN_TLS_NAME_MAX)
        return false;
    for (const char *at = name;; at += len + 1) {
        len = strcspn(at, ".");
        if (!is_label(at, len))
            return false;
        last = at;
        if (!at[len])
            break;
    }
    return strspn(last, DIGITS) < strlen(last); /* else a broken address */
}

int
ptn_manage_check_name(const char *name, struct ptn_error *err)
{
    const char *at = strchr(name, '@');
    struct in6_addr ip;

    for (const char *c = name; *c; c++)
        if ((unsigned char)*c >= 0x80)
            return ptn_error_set(err, PTN_ERR_INVALID,
                                 "\"%s\" is not ASCII: write it as "
                                 "certificates have it, with \"xn--\" (idn2 "
                                 "tells how)",
                                 name);
    if (inet_pton(AF_INET, name, &ip) == 1 ||
        inet_pton(AF_INET6, name, &ip) == 1 ||
        (at && at > name && is_host_name(at + 1)) ||
        is_host_name(strncmp(name, "*.", 2) == 0 ? name + 2 : name))
        return 0;
    return ptn_error_set(err, PTN_ERR_INVALID,
                         "\"%s\" is no host name, no address and no mail "
                         "address; a host name's first label may be \"*\"",
                         name);
}

/* --- what a request has to say --- */

static size_t
split(char *text, const char **items, size_t max)
{
    size_t count = 0;
    char *save = NULL;

    for (char *one = strtok_r(text, " ", &save); one && count < max;
         one = strtok_r(NULL, " ", &save))
        items[count++] = one;
    return count;
}

void
ptn_recall_begin(const struct ptn_manage *m, const char *name,
                 const struct ptn_parts *parts, struct ptn_recall *out)
{
    const struct ptn_cert_conf *conf = ptn_manage_conf(m, name);
    struct ptn_slice crt = ptn_buf_slice(&parts->part[PTN_PART_CRT]);
    struct ptn_tls_cert facts = {.not_before = 0};
    struct ptn_error ignored = PTN_ERROR_INIT;
    bool known =
        crt.len && m->ops->cert_parse(m->instance, crt, &facts, &ignored) == 0;

    *out = (struct ptn_recall){.order = ptn_manage_preset(m, name)};
    ptn_meta_get(parts, "subject", &out->subject);
    if (out->subject.len)
        out->order.subject = ptn_buf_cstr(&out->subject);
    if (known && !conf && facts.key_type != PTN_KEY_OTHER)
        out->order.type = facts.key_type;
    if (ptn_manage_says_names(m, conf))
        return;
    ptn_meta_get(parts, "name", &out->names);
    if (!out->names.len && known)
        ptn_buf_adds(&out->names, facts.names);
    if (!out->names.len)
        return;
    (void)ptn_buf_cstr(&out->names);
    out->items = ptn_alloc(PTN_CERT_NAMES_MAX * sizeof *out->items);
    out->order.names = (struct ptn_strings){
        out->items, split(out->names.data, out->items, PTN_CERT_NAMES_MAX)};
}

void
ptn_recall_free(struct ptn_recall *recall)
{
    ptn_buf_free(&recall->names);
    ptn_buf_free(&recall->subject);
    ptn_free(recall->items);
}

/* --- what a listener is asked for --- */

void
ptn_manage_users(const struct ptn_manage *m, const char *name,
                 struct ptn_buf *out)
{
    for (size_t i = 0; i < m->conf->listener_count; i++) {
        const struct ptn_listener_conf *l = &m->conf->listeners[i];

        for (size_t j = 0; j < l->tls.certificates.count; j++)
            if (l->tls.mode != PTN_TLS_NONE &&
                strcmp(l->tls.certificates.items[j], name) == 0) {
                ptn_buf_adds(out, out->len ? ", " : "");
                ptn_buf_adds(out, l->name);
                break;
            }
    }
}

static void
note_missing(const struct ptn_manage *m, const struct ptn_listener_conf *l,
             const char *name, const struct ptn_tls_cert *facts,
             struct ptn_buf *notes)
{
    const struct ptn_cert_conf *conf = ptn_manage_conf(m, name);
    struct ptn_strings wanted = {&m->conf->server.hostname, 1};

    if (ptn_manage_says_names(m, conf))
        wanted = conf->names;
    else if (strcmp(l->tls.certificates.items[0], name) != 0)
        return; /* clients that ask for the server's name get the first */
    for (size_t i = 0; i < wanted.count; i++)
        if (!ptn_identity_covers(facts, wanted.items[i]))
            ptn_buf_printf(notes,
                           "listener %s is asked for %s, which is not among "
                           "the certificate's names (%s)\n",
                           l->name, wanted.items[i],
                           *facts->names ? facts->names : "it has none");
}

void
ptn_manage_note_names(const struct ptn_manage *m, const char *name,
                      const struct ptn_tls_cert *facts, struct ptn_buf *notes)
{
    for (size_t i = 0; i < m->conf->listener_count; i++) {
        const struct ptn_listener_conf *l = &m->conf->listeners[i];
        bool shows = false;

        for (size_t j = 0; j < l->tls.certificates.count; j++)
            shows = shows || strcmp(l->tls.certificates.items[j], name) == 0;
        if (shows && l->tls.mode != PTN_TLS_NONE)
            note_missing(m, l, name, facts, notes);
    }
}
