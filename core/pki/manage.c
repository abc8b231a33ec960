/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Making keys, requests and self-signed certificates, and what all changes
 * share. Every path to a write goes through a check; keys are wiped from
 * every buffer. One thread.
 */
#include "base/clock.h"
#include "pki/manage_inner.h"
#include <stdarg.h>
#include <stdio.h>

#define DAYS 397 /* what a name that the config does not have gets */

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

enum ptn_cert_fault
ptn_manage_fault(enum ptn_cert_fault what, struct ptn_error *err,
                 const char *fmt, ...)
{
    struct ptn_buf text = PTN_BUF_INIT;
    va_list ap;

    va_start(ap, fmt);
    ptn_buf_vprintf(&text, fmt, ap);
    va_end(ap);
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

enum ptn_cert_fault
ptn_manage_read(const struct ptn_manage *m, const char *name,
                struct ptn_parts *parts, struct ptn_error *err)
{
    if (!ptn_repository_is_name(name))
        return ptn_manage_fault(
            PTN_CERT_UNKNOWN, err,
            "\"%s\" cannot be a certificate's name: 64 letters, digits, "
            "\"-\" and \"_\" at most, a letter first",
            name);
    if (ptn_repository_read(m->repository, name, parts, err) != 0)
        return PTN_CERT_FAILED;
    if (is_empty(parts))
        return ptn_manage_fault(
            PTN_CERT_UNKNOWN, err,
            "there is no certificate \"%s\"; `posternctl cert list` "
            "shows those that are",
            name);
    return PTN_CERT_GOOD;
}

enum ptn_cert_fault
ptn_manage_write(const struct ptn_manage *m, const char *name,
                 const struct ptn_parts *parts, struct ptn_error *err)
{
    return ptn_repository_write(m->repository, name, parts, err) == 0
               ? PTN_CERT_GOOD
               : PTN_CERT_FAILED;
}

void
ptn_manage_set_meta(struct ptn_parts *parts, const char *source,
                    const struct ptn_strings *names)
{
    struct ptn_buf *meta = &parts->part[PTN_PART_META];

    meta->len = 0;
    ptn_buf_printf(meta, "source=%s\ncreated=%lld\n", source,
                   (long long)(ptn_clock_wall_ms() / 1000));
    for (size_t i = 0; names && i < names->count; i++)
        ptn_buf_printf(meta, "name=%s\n", names->items[i]);
}

/* --- making --- */

enum ptn_cert_fault
ptn_manage_make(const struct ptn_manage *m, const struct ptn_cert_order *order,
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
    ptn_manage_set_meta(parts, "self-signed", &order->names);
    return PTN_CERT_GOOD;
}

enum ptn_cert_fault
ptn_manage_check_new(const struct ptn_manage *m, const char *name,
                     struct ptn_error *err)
{
    struct ptn_parts there = {0};
    enum ptn_cert_fault result = ptn_manage_read(m, name, &there, err);

    ptn_parts_free(&there);
    if (result == PTN_CERT_GOOD)
        return ptn_manage_fault(
            PTN_CERT_DUPLICATE, err,
            "there is a certificate \"%s\" already; choose another "
            "name, or renew or remove it",
            name);
    if (result == PTN_CERT_UNKNOWN && ptn_repository_is_name(name))
        return PTN_CERT_GOOD;
    return result;
}

enum ptn_cert_fault
ptn_manage_create(const struct ptn_manage *m, const char *name,
                  const struct ptn_cert_order *order, struct ptn_error *err)
{
    struct ptn_parts parts = {0};
    enum ptn_cert_fault result = ptn_manage_check_new(m, name, err);

    if (result == PTN_CERT_GOOD)
        result = ptn_manage_make(m, order, &parts, err);
    if (result == PTN_CERT_GOOD)
        result =
            ptn_manage_check(m, ptn_buf_slice(&parts.part[PTN_PART_CRT]),
                             ptn_buf_slice(&parts.part[PTN_PART_KEY]), err);
    if (result == PTN_CERT_GOOD)
        result = ptn_manage_write(m, name, &parts, err);
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
        return ptn_manage_fault(
            PTN_CERT_UNKNOWN, err,
            "\"%s\" has no key; ask for a request with a new one", name);
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
    enum ptn_cert_fault result = ptn_manage_read(m, name, &parts, err);

    if (result == PTN_CERT_GOOD)
        result = make_request(m, name, &parts, new_key, err);
    if (result == PTN_CERT_GOOD)
        result = ptn_manage_write(m, name, &parts, err);
    if (result == PTN_CERT_GOOD)
        ptn_buf_addslice(
            csr, ptn_buf_slice(
                     &parts.part[new_key ? PTN_PART_NEXT_CSR : PTN_PART_CSR]));
    ptn_parts_free(&parts);
    return result;
}
