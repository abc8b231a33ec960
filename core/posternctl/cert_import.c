/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `posternctl cert import`: files of others become a pair of the repository.
 */
#include "pki/intake.h"
#include "posternctl/cert.h"

/* The options, in the order in which passphrases are asked for. */
static const char *const files[] = {"cert", "key", "chain"};

static int
read_one(struct cert_office *o, const char *path, struct ptn_intake *in)
{
    struct ptn_buf data = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    int result = cert_read_file(o->ctl, path, &data);

    if (result == CTL_OK)
        result = cert_conclude(
            o->ctl,
            ptn_intake_add(&o->manage,
                           strcmp(path, "-") == 0 ? "standard input" : path,
                           ptn_buf_slice(&data), in, &err),
            &err);
    cert_wipe(&data);
    return result;
}

static int
read_files(struct cert_office *o, struct ptn_intake *in)
{
    int result = CTL_OK;

    for (size_t i = 0; i < PTN_COUNT(files) && result == CTL_OK; i++) {
        const char *path = ctl_option(o->ctl, files[i]);

        if (path)
            result = read_one(o, path, in);
    }
    if (result == CTL_OK && !in->certs.len && !in->key.len)
        result = cert_refuse(o->ctl, PTN_CERT_UNSUPPORTED,
                             "this is a signing request: have an authority "
                             "sign it, and import what comes back");
    return result;
}

/* Standard input is read once. */
static int
check_options(const struct ctl *ctl)
{
    const char *options[] = {"cert", "key", "chain", "passphrase-file"};
    int given = 0, dashes = 0;

    for (size_t i = 0; i < PTN_COUNT(options); i++) {
        const char *path = ctl_option(ctl, options[i]);

        given += path && i < PTN_COUNT(files);
        dashes += path && strcmp(path, "-") == 0;
    }
    if (given == 0)
        return cert_refuse(ctl, CTL_USAGE,
                           "--cert FILE is needed, or --key FILE for a key "
                           "alone");
    if (dashes > 1)
        return cert_refuse(ctl, CTL_USAGE,
                           "only one option can be standard input");
    return CTL_OK;
}

/* What the key is kept behind: the passphrase that has opened it, or another
 * one; nothing without --encrypt. */
static int
choose_passphrase(struct cert_office *o, const struct ptn_intake *in,
                  struct ptn_buf *out)
{
    const char *name = o->ctl->words[0];

    if (!ctl_option(o->ctl, "encrypt")) {
        if (in->key.len && in->passphrase.len)
            ptn_buf_printf(&o->notes,
                           "the key of %s is kept without its passphrase, "
                           "readable for the server's warden alone; --encrypt "
                           "keeps it behind one\n",
                           name);
        return CTL_OK;
    }
    if (!in->passphrase.len)
        return cert_ask_new(o, name, out);
    ptn_buf_addslice(out, ptn_buf_slice(&in->passphrase));
    return CTL_OK;
}

static int
store(struct cert_office *o, const struct ptn_intake *in,
      const struct ptn_buf *passphrase)
{
    const char *name = o->ctl->words[0];
    const struct ptn_cert_import what = {
        .chain = ptn_buf_slice(&in->certs),
        .key = ptn_buf_slice(&in->key),
        .passphrase = ptn_buf_slice(passphrase),
        .replace = ctl_option(o->ctl, "replace") != NULL};
    struct ptn_error err = PTN_ERROR_INIT;
    enum ptn_cert_fault fault =
        in->certs.len
            ? ptn_manage_take(&o->manage, name, &what, &o->notes, &err)
            : ptn_manage_take_key(&o->manage, name, what.key, what.passphrase,
                                  &err);

    return cert_conclude(o->ctl, fault, &err);
}

static int
import(struct cert_office *o)
{
    struct ptn_intake in = PTN_INTAKE_INIT;
    struct ptn_buf passphrase = PTN_BUF_INIT;
    int result = read_files(o, &in);

    if (result == CTL_OK)
        result = choose_passphrase(o, &in, &passphrase);
    if (result == CTL_OK)
        result = store(o, &in, &passphrase);
    if (result == CTL_OK && !in.certs.len)
        ptn_buf_printf(&o->notes,
                       "a key alone: `posternctl cert csr %s` prints a "
                       "request for its certificate\n",
                       o->ctl->words[0]);
    if (result == CTL_OK)
        result = cert_changed(o, o->ctl->words[0], true);
    cert_wipe(&passphrase);
    ptn_intake_free(&in);
    return result;
}

int
cert_import(const struct ctl *ctl)
{
    struct cert_office o;
    int result = check_options(ctl);

    if (result == CTL_OK)
        result = cert_open(ctl, &o);
    if (result == CTL_OK) {
        result = import(&o);
        cert_close(&o);
    }
    return result;
}
