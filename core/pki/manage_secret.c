/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Keys behind passphrases. A passphrase is stored nowhere. That a key and a
 * certificate are a pair is also known while the key is locked: its public
 * half stands in the meta part.
 */
#include "pki/manage_inner.h"
#include "pki/pem.h"

static void
wipe_free(struct ptn_buf *b)
{
    if (b->cap)
        ptn_wipe(b->data, b->cap);
    ptn_buf_free(b);
}

/* --- opening --- */

static enum ptn_cert_fault
open_with(const struct ptn_manage *m, struct ptn_slice key,
          struct ptn_slice passphrase, struct ptn_buf *out,
          struct ptn_error *err)
{
    struct ptn_tls_parsed_file file = {.size = sizeof file};
    enum ptn_tls_parsed parsed =
        m->ops->parse(m->instance, key, passphrase, &file, err);
    enum ptn_cert_fault result = PTN_CERT_GOOD;

    if (parsed == PTN_TLS_PARSED_WRONG_PASSPHRASE ||
        parsed == PTN_TLS_PARSED_NEEDS_PASSPHRASE)
        result = PTN_CERT_PASSPHRASE;
    else if (parsed == PTN_TLS_PARSED_UNSUPPORTED)
        result = PTN_CERT_UNSUPPORTED;
    else if (parsed != PTN_TLS_PARSED_GOOD || file.key.len == 0)
        result = PTN_CERT_TRUNCATED;
    else
        ptn_buf_addslice(out, ptn_buf_slice(&file.key));
    wipe_free(&file.key);
    ptn_buf_free(&file.certs);
    ptn_buf_free(&file.csr);
    return result;
}

static enum ptn_cert_fault
ask_and_open(const struct ptn_manage *m, const char *name, struct ptn_slice key,
             struct ptn_buf *out, struct ptn_buf *passphrase,
             struct ptn_error *err)
{
    struct ptn_buf what = PTN_BUF_INIT;
    enum ptn_cert_fault result = PTN_CERT_PASSPHRASE;

    ptn_buf_printf(&what, "the key of %s", name);
    if (!m->ask || m->ask(m->ask_arg, ptn_buf_cstr(&what), passphrase) != 0) {
        ptn_error_set(err, PTN_ERR_TLS,
                      "%s is encrypted, and no passphrase was given; use "
                      "--passphrase-file, or a terminal",
                      ptn_buf_cstr(&what));
    } else {
        result = open_with(m, key, ptn_buf_slice(passphrase), out, err);
        if (result == PTN_CERT_PASSPHRASE)
            ptn_manage_fault(result, err,
                             "this is not the passphrase of %s; nothing was "
                             "changed, try again",
                             ptn_buf_cstr(&what));
    }
    ptn_buf_free(&what);
    return result;
}

enum ptn_cert_fault
ptn_manage_unlock(const struct ptn_manage *m, const char *name,
                  struct ptn_slice key, struct ptn_buf *out,
                  struct ptn_buf *passphrase, struct ptn_error *err)
{
    if (!key.len)
        return ptn_manage_fault(PTN_CERT_UNKNOWN, err,
                                "\"%s\" has no key; ask for a request with a "
                                "new one: `posternctl cert csr --new-key`",
                                name);
    if (ptn_pki_pem_is_locked(key) && !m->ops->parse)
        return ptn_manage_fault(PTN_CERT_UNSUPPORTED, err,
                                "%s reads no encrypted keys; load another "
                                "provider of TLS",
                                m->ops->name);
    if (ptn_pki_pem_is_locked(key))
        return ask_and_open(m, name, key, out, passphrase, err);
    ptn_buf_addslice(out, key);
    return PTN_CERT_GOOD;
}

enum ptn_cert_fault
ptn_manage_key(const struct ptn_manage *m, const char *name,
               const struct ptn_parts *parts, struct ptn_buf *out,
               struct ptn_error *err)
{
    struct ptn_buf passphrase = PTN_BUF_INIT;
    enum ptn_cert_fault result =
        ptn_manage_unlock(m, name, ptn_buf_slice(&parts->part[PTN_PART_KEY]),
                          out, &passphrase, err);

    wipe_free(&passphrase);
    return result;
}

/* --- keeping --- */

/* Where the public half of a part's key stands. */
static const char *
meta_of(enum ptn_part part)
{
    return part == PTN_PART_KEY ? "public" : "next_public";
}

static int
lock(const struct ptn_manage *m, struct ptn_slice key,
     struct ptn_slice passphrase, struct ptn_buf *out, struct ptn_buf *mark,
     struct ptn_error *err)
{
    struct ptn_buf der = PTN_BUF_INIT;
    int result;

    if (!m->ops->key_encrypt || !m->ops->key_public)
        return ptn_error_set(err, PTN_ERR_TLS,
                             "%s encrypts no keys; load another provider of "
                             "TLS, or leave out --encrypt",
                             m->ops->name);
    result = m->ops->key_public(m->instance, key, &der, err);
    if (result == 0)
        result = m->ops->key_encrypt(m->instance, key, passphrase, out, err);
    ptn_base64_encode(mark, ptn_buf_slice(&der));
    ptn_buf_free(&der);
    return result;
}

enum ptn_cert_fault
ptn_manage_keep(const struct ptn_manage *m, struct ptn_change *change,
                enum ptn_part part, struct ptn_slice key,
                struct ptn_slice passphrase, struct ptn_error *err)
{
    struct ptn_buf locked = PTN_BUF_INIT, mark = PTN_BUF_INIT;
    enum ptn_cert_fault result = PTN_CERT_GOOD;

    if (!passphrase.len)
        ptn_change_set(change, part, key);
    else if (lock(m, key, passphrase, &locked, &mark, err) == 0)
        ptn_change_set(change, part, ptn_buf_slice(&locked));
    else
        result = PTN_CERT_UNSUPPORTED;
    ptn_meta_set(&change->parts, meta_of(part), ptn_buf_cstr(&mark));
    ptn_buf_free(&locked);
    ptn_buf_free(&mark);
    return result;
}

/* What is kept of a locked key's public half: by ptn_manage_keep, or, of one
 * that came otherwise, in the certificate beside it. */
static void
public_of(const struct ptn_manage *m, const struct ptn_parts *parts,
          enum ptn_part part, struct ptn_buf *out)
{
    struct ptn_slice crt = ptn_buf_slice(&parts->part[PTN_PART_CRT]);
    struct ptn_error ignored = PTN_ERROR_INIT;
    struct ptn_buf der = PTN_BUF_INIT;

    ptn_meta_get(parts, meta_of(part), out);
    if (!out->len && part == PTN_PART_KEY && crt.len &&
        m->ops->cert_public(m->instance, crt, &der, &ignored) == 0)
        ptn_base64_encode(out, ptn_buf_slice(&der));
    ptn_buf_free(&der);
}

bool
ptn_manage_fits(const struct ptn_manage *m, const struct ptn_parts *parts,
                enum ptn_part part, struct ptn_slice chain)
{
    struct ptn_slice key = ptn_buf_slice(&parts->part[part]);
    struct ptn_buf der = PTN_BUF_INIT, have = PTN_BUF_INIT, need = PTN_BUF_INIT;
    struct ptn_error ignored = PTN_ERROR_INIT;
    bool fits;

    if (!key.len)
        return false;
    if (!ptn_pki_pem_is_locked(key))
        return m->ops->pair_match(m->instance, chain, key, &ignored) == 0;
    if (!m->ops->cert_public ||
        m->ops->cert_public(m->instance, chain, &der, &ignored) != 0)
        return false;
    ptn_base64_encode(&need, ptn_buf_slice(&der));
    public_of(m, parts, part, &have);
    fits = have.len && ptn_slice_eq(ptn_buf_slice(&have), ptn_buf_slice(&need));
    ptn_buf_free(&der);
    ptn_buf_free(&have);
    ptn_buf_free(&need);
    return fits;
}
