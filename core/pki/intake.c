/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files are read by the provider; here is what to ask, and how their content
 * comes together. Keys and passphrases are wiped.
 */
#include "pki/intake.h"
#include "pki/manage_inner.h"

static void
wipe_free(struct ptn_buf *b)
{
    if (b->cap)
        ptn_wipe(b->data, b->cap);
    ptn_buf_free(b);
}

void
ptn_intake_free(struct ptn_intake *in)
{
    wipe_free(&in->key);
    wipe_free(&in->passphrase);
    ptn_buf_free(&in->certs);
    ptn_buf_free(&in->csr);
}

static void
free_parsed(struct ptn_tls_parsed_file *file)
{
    wipe_free(&file->key);
    ptn_buf_free(&file->certs);
    ptn_buf_free(&file->csr);
}

/* --- reading one --- */

struct reading {
    const struct ptn_manage *m;
    const char *label;
    struct ptn_slice data;
    struct ptn_tls_parsed_file file;
};

static enum ptn_tls_parsed
parse(struct reading *r, const struct ptn_buf *passphrase,
      struct ptn_error *err)
{
    free_parsed(&r->file);
    r->file = (struct ptn_tls_parsed_file){.size = sizeof r->file};
    return r->m->ops->parse(r->m->instance, r->data, ptn_buf_slice(passphrase),
                            &r->file, err);
}

static bool
is_locked(enum ptn_tls_parsed parsed)
{
    return parsed == PTN_TLS_PARSED_NEEDS_PASSPHRASE ||
           parsed == PTN_TLS_PARSED_WRONG_PASSPHRASE;
}

/* The passphrase of an earlier file has not opened it. */
static enum ptn_cert_fault
ask_and_parse(struct reading *r, struct ptn_buf *passphrase,
              enum ptn_tls_parsed *parsed, struct ptn_error *err)
{
    const struct ptn_manage *m = r->m;

    if (passphrase->cap)
        ptn_wipe(passphrase->data, passphrase->cap);
    passphrase->len = 0;
    if (!m->ask || m->ask(m->ask_arg, r->label, passphrase) != 0)
        return ptn_manage_fault(PTN_CERT_PASSPHRASE, err,
                                "%s is encrypted, and no passphrase was "
                                "given; use --passphrase-file, or a terminal",
                                r->label);
    *parsed = parse(r, passphrase, err);
    if (is_locked(*parsed))
        return ptn_manage_fault(PTN_CERT_PASSPHRASE, err,
                                "this is not the passphrase of %s; nothing "
                                "was changed, try again",
                                r->label);
    return PTN_CERT_GOOD;
}

static enum ptn_cert_fault
conclude(const struct reading *r, enum ptn_tls_parsed parsed,
         struct ptn_error *err)
{
    struct ptn_error cause = *err;

    if (parsed == PTN_TLS_PARSED_GOOD)
        return PTN_CERT_GOOD;
    if (parsed == PTN_TLS_PARSED_UNSUPPORTED)
        return ptn_manage_fault(PTN_CERT_UNSUPPORTED, err,
                                "%s: %s; what is supported is RSA, ECDSA with "
                                "P-256 or P-384, and Ed25519, in files "
                                "encrypted with AES or 3DES",
                                r->label, cause.text);
    return ptn_manage_fault(PTN_CERT_TRUNCATED, err,
                            "%s: %s; is it the right file, and all of it?",
                            r->label, cause.text);
}

/* --- what comes together --- */

static bool
is_same_key(const struct ptn_manage *m, const struct ptn_buf *a,
            const struct ptn_buf *b)
{
    struct ptn_buf publics[2] = {PTN_BUF_INIT, PTN_BUF_INIT};
    struct ptn_error ignored = PTN_ERROR_INIT;
    bool same =
        m->ops->key_public(m->instance, ptn_buf_slice(a), &publics[0],
                           &ignored) == 0 &&
        m->ops->key_public(m->instance, ptn_buf_slice(b), &publics[1],
                           &ignored) == 0 &&
        ptn_slice_eq(ptn_buf_slice(&publics[0]), ptn_buf_slice(&publics[1]));

    ptn_buf_free(&publics[0]);
    ptn_buf_free(&publics[1]);
    return same;
}

static enum ptn_cert_fault
add_parsed(const struct reading *r, struct ptn_intake *in,
           struct ptn_error *err)
{
    const struct ptn_tls_parsed_file *file = &r->file;

    if (file->key.len && in->key.len &&
        !is_same_key(r->m, &file->key, &in->key))
        return ptn_manage_fault(PTN_CERT_MISMATCH, err,
                                "%s has another key than the file before it: "
                                "give one of them",
                                r->label);
    if (file->key.len && !in->key.len)
        ptn_buf_addslice(&in->key, ptn_buf_slice(&file->key));
    if (file->certs.len)
        ptn_buf_printf(&in->certs, "%.*s\n", (int)file->certs.len,
                       file->certs.data);
    ptn_buf_addslice(&in->csr, ptn_buf_slice(&file->csr));
    return PTN_CERT_GOOD;
}

enum ptn_cert_fault
ptn_intake_add(const struct ptn_manage *m, const char *label,
               struct ptn_slice data, struct ptn_intake *in,
               struct ptn_error *err)
{
    struct reading r = {.m = m, .label = label, .data = data};
    enum ptn_cert_fault result = PTN_CERT_GOOD;
    enum ptn_tls_parsed parsed;

    if (!m->ops->parse || !m->ops->key_public)
        return ptn_manage_fault(PTN_CERT_UNSUPPORTED, err,
                                "%s reads no files of others; load another "
                                "provider of TLS",
                                m->ops->name);
    parsed = parse(&r, &in->passphrase, err);
    if (is_locked(parsed))
        result = ask_and_parse(&r, &in->passphrase, &parsed, err);
    if (result == PTN_CERT_GOOD)
        result = conclude(&r, parsed, err);
    if (result == PTN_CERT_GOOD)
        result = add_parsed(&r, in, err);
    free_parsed(&r.file);
    return result;
}
