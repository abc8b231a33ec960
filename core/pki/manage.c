/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Making keys, requests and self-signed certificates. Every path to a write
 * goes through a check; keys are wiped from every buffer. One thread.
 */
#include "pki/manage_inner.h"
#include "pki/pem.h"
#include <stdarg.h>

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

static void
wipe_free(struct ptn_buf *b)
{
    if (b->cap)
        ptn_wipe(b->data, b->cap);
    ptn_buf_free(b);
}

static struct ptn_tls_subject
subject_of(const struct ptn_cert_order *order)
{
    return (struct ptn_tls_subject){
        .names = order->names, .days = order->days, .subject = order->subject};
}

/* What a provider says of a key that it does not sign with. */
static enum ptn_cert_fault
not_signed(const struct ptn_error *err)
{
    return err->code == PTN_ERR_LIMIT ? PTN_CERT_WEAK : PTN_CERT_FAILED;
}

/* --- making --- */

enum ptn_cert_fault
ptn_manage_sign(const struct ptn_manage *m, const struct ptn_cert_order *order,
                struct ptn_slice key, struct ptn_parts *parts,
                struct ptn_error *err)
{
    struct ptn_tls_subject subject = subject_of(order);
    struct ptn_buf *csr = &parts->part[PTN_PART_CSR];
    struct ptn_buf *crt = &parts->part[PTN_PART_CRT];

    csr->len = crt->len = 0;
    if (m->ops->csr_make(m->instance, key, &subject, csr, err) != 0 ||
        m->ops->self_sign(m->instance, key, &subject, crt, err) != 0)
        return not_signed(err);
    ptn_meta_begin(parts, "self-signed");
    ptn_meta_set(parts, "subject", order->subject);
    ptn_meta_set_names(parts, &order->names);
    return PTN_CERT_GOOD;
}

/* All of a new name, for a key that is there. */
static enum ptn_cert_fault
make_all(const struct ptn_manage *m, const struct ptn_cert_order *order,
         struct ptn_slice key, struct ptn_change *change, struct ptn_error *err)
{
    enum ptn_cert_fault result =
        ptn_manage_sign(m, order, key, &change->parts, err);

    if (result == PTN_CERT_GOOD)
        result = ptn_manage_keep(m, change, PTN_PART_KEY, key,
                                 order->passphrase, err);
    if (result == PTN_CERT_GOOD)
        result = ptn_manage_check_parts(m, &change->parts, err);
    if (result == PTN_CERT_GOOD)
        result = ptn_change_commit(m, change, err);
    return result;
}

enum ptn_cert_fault
ptn_manage_create(const struct ptn_manage *m, const char *name,
                  const struct ptn_cert_order *order, struct ptn_error *err)
{
    struct ptn_buf key = PTN_BUF_INIT;
    struct ptn_change change;
    enum ptn_cert_fault result = ptn_change_begin_new(m, name, &change, err);

    if (result == PTN_CERT_GOOD &&
        m->ops->key_make(m->instance, order->type, &key, err) != 0)
        result = PTN_CERT_UNSUPPORTED;
    if (result == PTN_CERT_GOOD)
        result = make_all(m, order, ptn_buf_slice(&key), &change, err);
    wipe_free(&key);
    ptn_change_free(&change);
    return result;
}

/* The key that is there, or a new one. */
static enum ptn_cert_fault
any_key(const struct ptn_manage *m, const struct ptn_cert_order *order,
        struct ptn_change *change, struct ptn_buf *key, struct ptn_error *err)
{
    const struct ptn_slice none = {NULL, 0};

    if (change->parts.part[PTN_PART_KEY].len)
        return ptn_manage_key(m, change->name, &change->parts, key, err);
    if (m->ops->key_make(m->instance, order->type, key, err) != 0)
        return PTN_CERT_UNSUPPORTED;
    return ptn_manage_keep(m, change, PTN_PART_KEY, ptn_buf_slice(key), none,
                           err);
}

enum ptn_cert_fault
ptn_manage_sign_anew(const struct ptn_manage *m, struct ptn_change *change,
                     struct ptn_error *err)
{
    struct ptn_buf key = PTN_BUF_INIT;
    struct ptn_recall recall;
    enum ptn_cert_fault result;

    ptn_recall_begin(m, change->name, &change->parts, &recall);
    result = any_key(m, &recall.order, change, &key, err);
    if (result == PTN_CERT_GOOD)
        result = ptn_manage_sign(m, &recall.order, ptn_buf_slice(&key),
                                 &change->parts, err);
    if (result == PTN_CERT_GOOD)
        result = ptn_manage_check_parts(m, &change->parts, err);
    if (result == PTN_CERT_GOOD)
        result = ptn_change_commit(m, change, err);
    wipe_free(&key);
    ptn_recall_free(&recall);
    return result;
}

/* --- requests --- */

/* The next key, made unless it is there, behind the passphrase of the one in
 * use if that is behind one. */
static enum ptn_cert_fault
next_key(const struct ptn_manage *m, const struct ptn_cert_order *order,
         struct ptn_change *change, struct ptn_buf *key, struct ptn_error *err)
{
    const struct ptn_buf *part = change->parts.part;
    struct ptn_slice now = ptn_buf_slice(&part[PTN_PART_KEY]);
    struct ptn_slice next = ptn_buf_slice(&part[PTN_PART_NEXT_KEY]);
    struct ptn_buf passphrase = PTN_BUF_INIT, old = PTN_BUF_INIT;
    enum ptn_cert_fault result = PTN_CERT_GOOD;

    if (next.len) {
        result =
            ptn_manage_unlock(m, change->name, next, key, &passphrase, err);
        wipe_free(&passphrase);
        return result;
    }
    if (ptn_pki_pem_is_locked(now))
        result =
            ptn_manage_unlock(m, change->name, now, &old, &passphrase, err);
    if (result == PTN_CERT_GOOD &&
        m->ops->key_make(m->instance, order->type, key, err) != 0)
        result = PTN_CERT_UNSUPPORTED;
    if (result == PTN_CERT_GOOD)
        result =
            ptn_manage_keep(m, change, PTN_PART_NEXT_KEY, ptn_buf_slice(key),
                            ptn_buf_slice(&passphrase), err);
    wipe_free(&passphrase);
    wipe_free(&old);
    return result;
}

static enum ptn_cert_fault
make_request(const struct ptn_manage *m, const struct ptn_cert_order *order,
             struct ptn_slice key, struct ptn_buf *csr, struct ptn_error *err)
{
    struct ptn_tls_subject subject = subject_of(order);

    csr->len = 0;
    return m->ops->csr_make(m->instance, key, &subject, csr, err) == 0
               ? PTN_CERT_GOOD
               : PTN_CERT_FAILED;
}

enum ptn_cert_fault
ptn_manage_request(const struct ptn_manage *m, const char *name, bool new_key,
                   struct ptn_buf *csr, struct ptn_error *err)
{
    struct ptn_buf key = PTN_BUF_INIT, *part;
    struct ptn_recall recall;
    struct ptn_change change;
    enum ptn_cert_fault result = ptn_change_begin(m, name, &change, err);

    ptn_recall_begin(m, name, &change.parts, &recall);
    part = &change.parts.part[new_key ? PTN_PART_NEXT_CSR : PTN_PART_CSR];
    if (result == PTN_CERT_GOOD)
        result = new_key ? next_key(m, &recall.order, &change, &key, err)
                         : ptn_manage_key(m, name, &change.parts, &key, err);
    if (result == PTN_CERT_GOOD)
        result = make_request(m, &recall.order, ptn_buf_slice(&key), part, err);
    if (result == PTN_CERT_GOOD)
        result = ptn_change_commit(m, &change, err);
    if (result == PTN_CERT_GOOD)
        ptn_buf_addslice(csr, ptn_buf_slice(part));
    wipe_free(&key);
    ptn_recall_free(&recall);
    ptn_change_free(&change);
    return result;
}

/* --- a key of the operator's own --- */

/* Another key for a name that is there: it waits for its certificate. What is
 * known of a key alone comes from a certificate made for it. */
static enum ptn_cert_fault
take_next(const struct ptn_manage *m, const struct ptn_cert_order *order,
          struct ptn_change *change, struct ptn_slice key,
          struct ptn_error *err)
{
    struct ptn_parts trial = {0};
    struct ptn_slice crt;
    enum ptn_cert_fault result = ptn_manage_sign(m, order, key, &trial, err);

    crt = ptn_buf_slice(&trial.part[PTN_PART_CRT]);
    if (result == PTN_CERT_GOOD)
        result = ptn_manage_check(m, crt, key, err);
    if (result == PTN_CERT_GOOD &&
        !ptn_manage_fits(m, &change->parts, PTN_PART_KEY, crt)) {
        ptn_change_set(change, PTN_PART_NEXT_CSR,
                       ptn_buf_slice(&trial.part[PTN_PART_CSR]));
        result = ptn_manage_keep(m, change, PTN_PART_NEXT_KEY, key,
                                 order->passphrase, err);
        if (result == PTN_CERT_GOOD)
            result = ptn_change_commit(m, change, err);
    }
    ptn_parts_free(&trial);
    return result;
}

enum ptn_cert_fault
ptn_manage_take_key(const struct ptn_manage *m, const char *name,
                    struct ptn_slice key, struct ptn_slice passphrase,
                    struct ptn_error *err)
{
    struct ptn_recall recall;
    struct ptn_change change;
    enum ptn_cert_fault result = ptn_change_begin(m, name, &change, err);

    ptn_recall_begin(m, name, &change.parts, &recall);
    recall.order.passphrase = passphrase;
    if (result == PTN_CERT_UNKNOWN && ptn_repository_is_name(name))
        result = make_all(m, &recall.order, key, &change, err);
    else if (result == PTN_CERT_GOOD)
        result = take_next(m, &recall.order, &change, key, err);
    ptn_recall_free(&recall);
    ptn_change_free(&change);
    return result;
}
