/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Changes of certificates. Every path to a write goes through
 * ptn_manage_check. Keys are wiped from every buffer. One thread.
 */
#include "pki/manage.h"
#include "base/clock.h"
#include "pki/chain.h"
#include <assert.h>
#include <postern/arena.h>
#include <stdio.h>
#include <stdlib.h>

#define DAYS 397 /* what a name that the config does not have gets */

static void
wipe_free(struct ptn_buf *b)
{
    if (b->cap)
        ptn_wipe(b->data, b->cap);
    ptn_buf_free(b);
}

static const struct ptn_cert_conf *
find_conf(const struct ptn_manage *m, const char *name)
{
    for (size_t i = 0; i < m->conf->cert_count; i++)
        if (strcmp(m->conf->certs[i].name, name) == 0)
            return &m->conf->certs[i];
    return NULL;
}

struct ptn_cert_order
ptn_manage_preset(const struct ptn_manage *m, const char *name)
{
    const struct ptn_cert_conf *conf = find_conf(m, name);
    struct ptn_cert_order order = {
        {&m->conf->server.hostname, 1}, PTN_KEY_ECDSA_P256, DAYS};

    if (conf)
        order = (struct ptn_cert_order){conf->names,
                                        (enum ptn_tls_key_type)conf->key_type,
                                        (uint32_t)conf->days};
    return order;
}

static enum ptn_cert_fault
fault(enum ptn_cert_fault what, struct ptn_error *err, const char *fmt,
      const char *a, const char *b)
{
    struct ptn_buf text = PTN_BUF_INIT;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* our own texts */
    ptn_buf_printf(&text, fmt, a, b);
#pragma GCC diagnostic pop
    ptn_error_set(err, PTN_ERR_TLS, "%s", ptn_buf_cstr(&text));
    ptn_buf_free(&text);
    return what;
}

static bool
is_empty(const struct ptn_parts *parts)
{
    for (size_t i = 0; i < PTN_PARTS; i++)
        if (parts->part[i].len)
            return false;
    return true;
}

/* What there is of a name; UNKNOWN when that is nothing. */
static enum ptn_cert_fault
read_known(const struct ptn_manage *m, const char *name,
           struct ptn_parts *parts, struct ptn_error *err)
{
    if (!ptn_repository_is_name(name))
        return fault(PTN_CERT_UNKNOWN, err,
                     "\"%s\" cannot be a certificate's name: letters, digits, "
                     "\"-\" and \"_\", a letter first%s",
                     name, "");
    if (ptn_repository_read(m->repository, name, parts, err) != 0)
        return PTN_CERT_FAILED;
    if (is_empty(parts))
        return fault(PTN_CERT_UNKNOWN, err,
                     "there is no certificate \"%s\"; `posternctl cert list` "
                     "shows those that are%s",
                     name, "");
    return PTN_CERT_GOOD;
}

static enum ptn_cert_fault
write_parts(const struct ptn_manage *m, const char *name,
            const struct ptn_parts *parts, struct ptn_error *err)
{
    return ptn_repository_write(m->repository, name, parts, err) == 0
               ? PTN_CERT_GOOD
               : PTN_CERT_FAILED;
}

/* "key=value" lines that say where this version came from. */
static void
set_meta(struct ptn_parts *parts, const char *source,
         const struct ptn_strings *names)
{
    struct ptn_buf *meta = &parts->part[PTN_PART_META];

    meta->len = 0;
    ptn_buf_printf(meta, "source=%s\ncreated=%lld\n", source,
                   (long long)(ptn_clock_wall_ms() / 1000));
    for (size_t i = 0; names && i < names->count; i++)
        ptn_buf_printf(meta, "name=%s\n", names->items[i]);
}

/* --- checks --- */

static enum ptn_cert_fault
check_dates(const struct ptn_tls_cert *facts, struct ptn_error *err)
{
    int64_t now = ptn_clock_wall_ms() / 1000;

    if (facts->not_after <= now)
        return fault(PTN_CERT_EXPIRED, err,
                     "the certificate of %s has expired: get another from its "
                     "authority%s",
                     facts->subject, "");
    if (facts->not_before > now)
        return fault(PTN_CERT_NOT_YET_VALID, err,
                     "the certificate of %s is not valid yet: wait, or look "
                     "at this machine's clock%s",
                     facts->subject, "");
    return PTN_CERT_GOOD;
}

enum ptn_cert_fault
ptn_manage_check(const struct ptn_manage *m, struct ptn_slice chain,
                 struct ptn_slice key, struct ptn_error *err)
{
    struct ptn_tls_cert facts;

    if (m->ops->cert_parse(m->instance, chain, &facts, err) != 0)
        return PTN_CERT_TRUNCATED;
    if (m->ops->pair_match(m->instance, chain, key, err) != 0)
        return PTN_CERT_MISMATCH;
    return check_dates(&facts, err);
}

/* --- making --- */

static enum ptn_cert_fault
make_parts(const struct ptn_manage *m, const struct ptn_cert_order *order,
           struct ptn_parts *parts, struct ptn_error *err)
{
    struct ptn_tls_subject subject = {.names = order->names,
                                      .days = order->days};
    struct ptn_buf *part = parts->part;

    if (!part[PTN_PART_KEY].len &&
        m->ops->key_make(m->instance, order->type, &part[PTN_PART_KEY], err) !=
            0)
        return PTN_CERT_UNSUPPORTED;
    part[PTN_PART_CSR].len = part[PTN_PART_CRT].len = 0;
    if (m->ops->csr_make(m->instance, ptn_buf_slice(&part[PTN_PART_KEY]),
                         &subject, &part[PTN_PART_CSR], err) != 0 ||
        m->ops->self_sign(m->instance, ptn_buf_slice(&part[PTN_PART_KEY]),
                          &subject, &part[PTN_PART_CRT], err) != 0)
        return PTN_CERT_FAILED;
    set_meta(parts, "self-signed", &order->names);
    return PTN_CERT_GOOD;
}

static enum ptn_cert_fault
check_new(const struct ptn_manage *m, const char *name, struct ptn_error *err)
{
    struct ptn_parts there = {0};
    enum ptn_cert_fault result = read_known(m, name, &there, err);

    ptn_parts_free(&there);
    if (result == PTN_CERT_GOOD)
        return fault(PTN_CERT_DUPLICATE, err,
                     "there is a certificate \"%s\" already; choose another "
                     "name, or renew or remove it%s",
                     name, "");
    if (result == PTN_CERT_UNKNOWN && ptn_repository_is_name(name))
        return PTN_CERT_GOOD;
    return result;
}

enum ptn_cert_fault
ptn_manage_create(const struct ptn_manage *m, const char *name,
                  const struct ptn_cert_order *order, struct ptn_error *err)
{
    struct ptn_parts parts = {0};
    enum ptn_cert_fault result = check_new(m, name, err);

    if (result == PTN_CERT_GOOD)
        result = make_parts(m, order, &parts, err);
    if (result == PTN_CERT_GOOD)
        result =
            ptn_manage_check(m, ptn_buf_slice(&parts.part[PTN_PART_CRT]),
                             ptn_buf_slice(&parts.part[PTN_PART_KEY]), err);
    if (result == PTN_CERT_GOOD)
        result = write_parts(m, name, &parts, err);
    ptn_parts_free(&parts);
    return result;
}

/* --- requests --- */

static enum ptn_cert_fault
make_request(const struct ptn_manage *m, const char *name,
             struct ptn_parts *parts, bool new_key, struct ptn_error *err)
{
    struct ptn_cert_order order = ptn_manage_preset(m, name);
    struct ptn_tls_subject subject = {.names = order.names, .days = order.days};
    struct ptn_buf *key =
        &parts->part[new_key ? PTN_PART_NEXT_KEY : PTN_PART_KEY];
    struct ptn_buf *csr =
        &parts->part[new_key ? PTN_PART_NEXT_CSR : PTN_PART_CSR];

    if (new_key && !key->len &&
        m->ops->key_make(m->instance, order.type, key, err) != 0)
        return PTN_CERT_UNSUPPORTED;
    if (!key->len)
        return fault(PTN_CERT_UNKNOWN, err,
                     "\"%s\" has no key; ask for a request with a new one%s",
                     name, "");
    csr->len = 0;
    return m->ops->csr_make(m->instance, ptn_buf_slice(key), &subject, csr,
                            err) == 0
               ? PTN_CERT_GOOD
               : PTN_CERT_FAILED;
}

enum ptn_cert_fault
ptn_manage_request(const struct ptn_manage *m, const char *name, bool new_key,
                   struct ptn_buf *csr, struct ptn_error *err)
{
    struct ptn_parts parts = {0};
    enum ptn_cert_fault result = read_known(m, name, &parts, err);

    if (result == PTN_CERT_GOOD)
        result = make_request(m, name, &parts, new_key, err);
    if (result == PTN_CERT_GOOD)
        result = write_parts(m, name, &parts, err);
    if (result == PTN_CERT_GOOD)
        ptn_buf_addslice(
            csr, ptn_buf_slice(
                     &parts.part[new_key ? PTN_PART_NEXT_CSR : PTN_PART_CSR]));
    ptn_parts_free(&parts);
    return result;
}

/* --- import --- */

/* The key among those of the name that belongs to the chain, into `key`. */
static bool
find_key(const struct ptn_manage *m, const char *name,
         const struct ptn_parts *parts, struct ptn_slice chain,
         struct ptn_buf *key)
{
    static const enum ptn_part own[] = {PTN_PART_NEXT_KEY, PTN_PART_KEY};
    unsigned versions[PTN_REPOSITORY_HISTORY];
    struct ptn_error ignored = PTN_ERROR_INIT;
    bool found = false;
    size_t count = 0;

    for (size_t i = 0; i < PTN_COUNT(own) && !found; i++) {
        struct ptn_slice one = ptn_buf_slice(&parts->part[own[i]]);

        found = one.len &&
                m->ops->pair_match(m->instance, chain, one, &ignored) == 0;
        if (found)
            ptn_buf_addslice(key, one);
    }
    ptn_repository_history(m->repository, name, versions, &count, &ignored);
    while (count-- > 0 && !found) {
        struct ptn_parts old;

        if (ptn_repository_read_version(m->repository, name, versions[count],
                                        &old, &ignored) != 0)
            continue;
        found = m->ops->pair_match(m->instance, chain,
                                   ptn_buf_slice(&old.part[PTN_PART_KEY]),
                                   &ignored) == 0;
        if (found)
            ptn_buf_addslice(key, ptn_buf_slice(&old.part[PTN_PART_KEY]));
        ptn_parts_free(&old);
    }
    return found;
}

/* Puts chain and key in place; what was asked for has been answered. */
static void
take_pair(struct ptn_parts *parts, struct ptn_slice chain, struct ptn_slice key)
{
    struct ptn_buf *part = parts->part;

    if (ptn_slice_eq(key, ptn_buf_slice(&part[PTN_PART_NEXT_KEY]))) {
        part[PTN_PART_CSR].len = 0;
        ptn_buf_addslice(&part[PTN_PART_CSR],
                         ptn_buf_slice(&part[PTN_PART_NEXT_CSR]));
        part[PTN_PART_NEXT_KEY].len = part[PTN_PART_NEXT_CSR].len = 0;
    } else if (!ptn_slice_eq(key, ptn_buf_slice(&part[PTN_PART_KEY]))) {
        part[PTN_PART_CSR].len = 0; /* a request for another key */
    }
    part[PTN_PART_KEY].len = part[PTN_PART_CRT].len = 0;
    ptn_buf_addslice(&part[PTN_PART_KEY], key);
    ptn_buf_addslice(&part[PTN_PART_CRT], chain);
}

enum ptn_cert_fault
ptn_manage_import(const struct ptn_manage *m, const char *name,
                  struct ptn_slice chain, struct ptn_slice key,
                  struct ptn_error *err)
{
    struct ptn_parts parts = {0};
    struct ptn_buf own = PTN_BUF_INIT, ordered = PTN_BUF_INIT;
    enum ptn_cert_fault result = read_known(m, name, &parts, err);

    if (result == PTN_CERT_UNKNOWN && ptn_repository_is_name(name))
        result = PTN_CERT_GOOD; /* the first of its name */
    if (result == PTN_CERT_GOOD)
        result = ptn_chain_order(m, chain, key, &ordered, err);
    chain = ptn_buf_slice(&ordered);
    if (result == PTN_CERT_GOOD && key.len)
        ptn_buf_addslice(&own, key);
    else if (result == PTN_CERT_GOOD && !find_key(m, name, &parts, chain, &own))
        result = fault(PTN_CERT_MISMATCH, err,
                       "no key of \"%s\" belongs to this certificate: give "
                       "its key, too, or the name that its request was made "
                       "for%s",
                       name, "");
    if (result == PTN_CERT_GOOD)
        result = ptn_manage_check(m, chain, ptn_buf_slice(&own), err);
    if (result == PTN_CERT_GOOD) {
        take_pair(&parts, chain, ptn_buf_slice(&own));
        set_meta(&parts, "imported", NULL);
        result = write_parts(m, name, &parts, err);
    }
    wipe_free(&own);
    ptn_buf_free(&ordered);
    ptn_parts_free(&parts);
    return result;
}

/* --- the rest of a life --- */

enum ptn_cert_fault
ptn_manage_renew(const struct ptn_manage *m, const char *name,
                 struct ptn_error *err)
{
    struct ptn_cert_order order = ptn_manage_preset(m, name);
    struct ptn_parts parts = {0};
    struct ptn_tls_cert facts = {.self_signed = false};
    enum ptn_cert_fault result = read_known(m, name, &parts, err);

    if (result == PTN_CERT_GOOD &&
        m->ops->cert_parse(m->instance,
                           ptn_buf_slice(&parts.part[PTN_PART_CRT]), &facts,
                           err) != 0)
        result = PTN_CERT_TRUNCATED;
    if (result == PTN_CERT_GOOD && !facts.self_signed)
        result = fault(PTN_CERT_UNSUPPORTED, err,
                       "\"%s\" was signed by %s: run `posternctl cert csr`, "
                       "have that request signed, and import the answer",
                       name, facts.issuer);
    if (result == PTN_CERT_GOOD)
        result = make_parts(m, &order, &parts, err);
    if (result == PTN_CERT_GOOD)
        result = write_parts(m, name, &parts, err);
    ptn_parts_free(&parts);
    return result;
}

enum ptn_cert_fault
ptn_manage_rollback(const struct ptn_manage *m, const char *name,
                    unsigned version, struct ptn_error *err)
{
    struct ptn_parts parts = {0}, old = {0};
    unsigned versions[PTN_REPOSITORY_HISTORY];
    size_t count = 0;
    enum ptn_cert_fault result = read_known(m, name, &parts, err);

    if (result == PTN_CERT_GOOD && version == 0) {
        ptn_repository_history(m->repository, name, versions, &count, err);
        if (count == 0)
            result = fault(PTN_CERT_UNKNOWN, err,
                           "\"%s\" has no version before this one%s", name, "");
        else
            version = versions[count - 1];
    }
    if (result == PTN_CERT_GOOD &&
        ptn_repository_read_version(m->repository, name, version, &old, err) !=
            0)
        result = PTN_CERT_UNKNOWN;
    if (result == PTN_CERT_GOOD)
        result = ptn_manage_check(m, ptn_buf_slice(&old.part[PTN_PART_CRT]),
                                  ptn_buf_slice(&old.part[PTN_PART_KEY]), err);
    for (int i = PTN_PART_NEXT_KEY;
         i <= PTN_PART_NEXT_CSR && result == PTN_CERT_GOOD; i++)
        ptn_buf_addslice(&old.part[i], ptn_buf_slice(&parts.part[i]));
    if (result == PTN_CERT_GOOD)
        result = write_parts(m, name, &old, err);
    ptn_parts_free(&parts);
    ptn_parts_free(&old);
    return result;
}

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

static enum ptn_cert_fault
check_unused(const struct ptn_manage *m, const char *name,
             struct ptn_error *err)
{
    struct ptn_buf users = PTN_BUF_INIT;
    enum ptn_cert_fault result = PTN_CERT_GOOD;

    ptn_manage_users(m, name, &users);
    if (users.len)
        result = fault(PTN_CERT_IN_USE, err,
                       "\"%s\" is shown by the listener(s) %s: give them "
                       "another certificate first",
                       name, ptn_buf_cstr(&users));
    ptn_buf_free(&users);
    return result;
}

enum ptn_cert_fault
ptn_manage_remove(const struct ptn_manage *m, const char *name,
                  struct ptn_error *err)
{
    struct ptn_parts parts = {0};
    enum ptn_cert_fault result = read_known(m, name, &parts, err);

    ptn_parts_free(&parts);
    if (result == PTN_CERT_GOOD)
        result = check_unused(m, name, err);
    if (result == PTN_CERT_GOOD &&
        ptn_repository_remove(m->repository, name, err) != 0)
        result = PTN_CERT_FAILED;
    return result;
}

enum ptn_cert_fault
ptn_manage_rename(const struct ptn_manage *m, const char *from, const char *to,
                  struct ptn_error *err)
{
    struct ptn_parts parts = {0};
    enum ptn_cert_fault result = read_known(m, from, &parts, err);

    ptn_parts_free(&parts);
    if (result == PTN_CERT_GOOD)
        result = check_new(m, to, err);
    if (result == PTN_CERT_GOOD)
        result = check_unused(m, from, err);
    if (result == PTN_CERT_GOOD &&
        ptn_repository_rename(m->repository, from, to, err) != 0)
        result = PTN_CERT_FAILED;
    return result;
}
