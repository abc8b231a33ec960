/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `posternctl cert export`: what other programs are to have, in the format
 * that they read. A key that is kept behind a passphrase never leaves without
 * one.
 */
#include "pki/pem.h"
#include "posternctl/cert.h"

enum format {
    FORMAT_PEM,
    FORMAT_DER,
    FORMAT_PKCS12
};

static const char *const formats[] = {"pem", "der", "pkcs12"};

struct outgoing {
    enum format format;
    struct ptn_buf key, chain; /* PEM */
    struct ptn_buf data;       /* of the binary formats */
};

static int
parse_format(const struct ctl *ctl, enum format *out)
{
    const char *word = ctl_option(ctl, "format");

    *out = FORMAT_PEM;
    for (size_t i = 0; word && i < PTN_COUNT(formats); i++)
        if (strcmp(formats[i], word) == 0) {
            *out = (enum format)i;
            word = NULL;
        }
    if (word)
        return cert_refuse(ctl, CTL_USAGE, "--format is pem, der or pkcs12");
    if (*out == FORMAT_DER && ctl_option(ctl, "key"))
        return cert_refuse(ctl, CTL_USAGE,
                           "DER has the certificate alone: take pem or pkcs12 "
                           "for the key");
    return CTL_OK;
}

/* As it is kept; behind the passphrase of --passphrase-file, unless it is
 * behind its own already. */
static int
take_key(const struct cert_office *o, const struct ptn_parts *parts,
         struct outgoing *out)
{
    const struct ptn_tls_ops *ops = o->manage.ops;
    struct ptn_slice key = ptn_buf_slice(&parts->part[PTN_PART_KEY]);
    struct ptn_error err = PTN_ERROR_INIT;

    if (!ctl_option(o->ctl, "key"))
        return CTL_OK;
    if (!key.len)
        return cert_refuse(o->ctl, PTN_CERT_UNKNOWN, "\"%s\" has no key",
                           o->ctl->words[0]);
    if (!o->passphrase.len || ptn_pki_pem_is_locked(key)) {
        ptn_buf_addslice(&out->key, key);
        return CTL_OK;
    }
    if (!ops->key_encrypt)
        return cert_refuse(o->ctl, PTN_CERT_UNSUPPORTED, "%s encrypts no keys",
                           ops->name);
    if (ops->key_encrypt(o->manage.instance, key, ptn_buf_slice(&o->passphrase),
                         &out->key, &err) == 0)
        return CTL_OK;
    return cert_refuse(o->ctl, PTN_CERT_UNSUPPORTED, "%s", err.text);
}

/* Behind the passphrase that the key has, or a new one. */
static int
make_pkcs12(const struct cert_office *o, const struct ptn_parts *parts,
            struct outgoing *out)
{
    const struct ptn_tls_ops *ops = o->manage.ops;
    struct ptn_buf key = PTN_BUF_INIT, passphrase = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    const char *name = o->ctl->words[0];
    int result;

    if (!ops->pkcs12_make)
        return cert_refuse(o->ctl, PTN_CERT_UNSUPPORTED,
                           "%s makes no PKCS#12 files", ops->name);
    result = cert_conclude(
        o->ctl,
        ptn_manage_unlock(&o->manage, name,
                          ptn_buf_slice(&parts->part[PTN_PART_KEY]), &key,
                          &passphrase, &err),
        &err);
    if (result == CTL_OK && !passphrase.len)
        result = cert_ask_new(o, "the new file", &passphrase);
    if (result == CTL_OK &&
        ops->pkcs12_make(o->manage.instance, ptn_buf_slice(&out->chain),
                         ptn_buf_slice(&key), ptn_buf_slice(&passphrase), name,
                         &out->data, &err) != 0)
        result = cert_refuse(o->ctl, CTL_FAILED, "%s", err.text);
    cert_wipe(&key);
    cert_wipe(&passphrase);
    return result;
}

static int
collect(const struct cert_office *o, const struct ptn_parts *parts,
        struct outgoing *out)
{
    if (!parts->part[PTN_PART_CRT].len)
        return cert_refuse(o->ctl, PTN_CERT_UNKNOWN,
                           "\"%s\" has no certificate yet; it waits for the "
                           "answer to its signing request",
                           o->ctl->words[0]);
    ptn_buf_addslice(&out->chain, ptn_buf_slice(&parts->part[PTN_PART_CRT]));
    if (out->format == FORMAT_PKCS12)
        return make_pkcs12(o, parts, out);
    if (out->format == FORMAT_PEM)
        return take_key(o, parts, out);
    return ptn_pki_pem_decode(ptn_buf_slice(&out->chain), &out->data)
               ? CTL_OK
               : cert_refuse(o->ctl, PTN_CERT_TRUNCATED,
                             "the stored certificate is damaged; import it "
                             "again");
}

static void
print_json(const struct ctl *ctl, const struct outgoing *from)
{
    struct ptn_buf out = PTN_BUF_INIT, text = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);

    ptn_json_object(&json, NULL);
    ptn_json_text(&json, "name", ptn_slice_of(ctl->words[0]));
    ptn_json_text(&json, "format", ptn_slice_of(formats[from->format]));
    if (from->format == FORMAT_PEM) {
        if (from->key.len)
            ptn_json_text(&json, "key", ptn_buf_slice(&from->key));
        ptn_json_text(&json, "chain", ptn_buf_slice(&from->chain));
    } else {
        ptn_base64_encode(&text, ptn_buf_slice(&from->data));
        ptn_json_text(&json, "data", ptn_buf_slice(&text));
    }
    ptn_json_end_object(&json);
    puts(ptn_buf_cstr(&out));
    cert_wipe(&out);
    cert_wipe(&text);
}

static int
print(const struct ctl *ctl, struct outgoing *from)
{
    if (ctl->json)
        print_json(ctl, from);
    else if (from->format != FORMAT_PEM)
        return cert_print_binary(ctl, &from->data);
    else
        printf("%s%s", ptn_buf_cstr(&from->key), ptn_buf_cstr(&from->chain));
    return CTL_OK;
}

int
cert_export(const struct ctl *ctl)
{
    struct outgoing out = {.format = FORMAT_PEM};
    struct ptn_parts parts = {0};
    struct cert_office o;
    int result = parse_format(ctl, &out.format);

    if (result != CTL_OK)
        return result;
    result = cert_open(ctl, &o);
    if (result != CTL_OK)
        return result;
    result = cert_read(&o, ctl->words[0], &parts);
    if (result == CTL_OK)
        result = collect(&o, &parts, &out);
    if (result == CTL_OK)
        result = print(ctl, &out);
    cert_wipe(&out.key);
    cert_wipe(&out.data);
    ptn_buf_free(&out.chain);
    ptn_parts_free(&parts);
    cert_close(&o);
    return result;
}
