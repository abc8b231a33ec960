/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What there is to know of one certificate of the repository, and how JSON
 * says it: all commands print the same members.
 */
#include "pki/pem.h"
#include "posternctl/cert.h"
#include <time.h>

void
cert_look(const struct ptn_manage *m, const char *name, struct cert_view *v)
{
    struct ptn_slice chain = ptn_buf_slice(&v->parts.part[PTN_PART_CRT]);
    struct ptn_error problem = PTN_ERROR_INIT;

    v->facts = (struct ptn_tls_cert){.not_before = 0};
    v->encrypted =
        ptn_pki_pem_is_locked(ptn_buf_slice(&v->parts.part[PTN_PART_KEY]));
    v->readable = chain.len && m->ops->cert_parse(m->instance, chain, &v->facts,
                                                  &problem) == 0;
    if (v->readable)
        (void)ptn_manage_check_parts(m, &v->parts, &problem);
    else if (!chain.len)
        ptn_error_set(&problem, PTN_ERR_TLS,
                      "it waits for the answer to its signing request");
    if (v->problem.code == PTN_ERR_NONE)
        v->problem = problem;
    ptn_manage_users(m, name, &v->users);
}

void
cert_forget(struct cert_view *v)
{
    ptn_parts_free(&v->parts);
    ptn_buf_free(&v->users);
}

const char *
cert_type_word(const struct ptn_tls_cert *facts)
{
    static const char *const words[] = {"ecdsa-p256", "ecdsa-p384", "rsa-2048",
                                        "rsa-3072",   "rsa-4096",   "ed25519"};

    return (size_t)facts->key_type < PTN_COUNT(words) ? words[facts->key_type]
                                                      : "other";
}

void
cert_day(int64_t seconds, char out[32])
{
    time_t when = (time_t)seconds;
    struct tm tm;

    if (!gmtime_r(&when, &tm) || strftime(out, 32, "%Y-%m-%d %H:%M", &tm) == 0)
        out[0] = '\0';
}

void
cert_json_words(struct ptn_json *j, const char *key, const char *text)
{
    ptn_json_array(j, key);
    for (;;) {
        size_t len;

        text += strspn(text, " ,");
        len = strcspn(text, " ,");
        if (len == 0)
            break;
        ptn_json_text(j, NULL, (struct ptn_slice){text, len});
        text += len;
    }
    ptn_json_end_array(j);
}

static void
json_facts(const struct ptn_tls_cert *f, struct ptn_json *j)
{
    cert_json_words(j, "names", f->names);
    ptn_json_text(j, "subject", ptn_slice_of(f->subject));
    ptn_json_text(j, "issuer", ptn_slice_of(f->issuer));
    ptn_json_text(j, "serial", ptn_slice_of(f->serial));
    ptn_json_text(j, "fingerprint", ptn_slice_of(f->fingerprint));
    ptn_json_text(j, "key_type", ptn_slice_of(cert_type_word(f)));
    if (f->key_bits)
        ptn_json_number(j, "key_bits", f->key_bits);
    ptn_json_number(j, "not_before", f->not_before);
    ptn_json_number(j, "not_after", f->not_after);
    ptn_json_bool(j, "self_signed", f->self_signed);
}

void
cert_json(const char *name, const struct cert_view *v, struct ptn_json *j)
{
    struct ptn_buf users = PTN_BUF_INIT;

    ptn_json_text(j, "name", ptn_slice_of(name));
    if (v->readable)
        json_facts(&v->facts, j);
    ptn_buf_addslice(&users, ptn_buf_slice(&v->users));
    cert_json_words(j, "listeners", ptn_buf_cstr(&users));
    ptn_json_bool(j, "encrypted", v->encrypted);
    ptn_json_bool(j, "request_pending", v->parts.part[PTN_PART_NEXT_CSR].len);
    if (v->problem.code != PTN_ERR_NONE)
        ptn_json_text(j, "problem", ptn_slice_of(v->problem.text));
    ptn_buf_free(&users);
}

void
cert_json_files(const struct cert_office *o, const char *name,
                const struct cert_view *v, struct ptn_json *j)
{
    static const struct {
        const char *key, *extension;
        enum ptn_part part;
    } files[] = {{"key", "key", PTN_PART_KEY},
                 {"certificate", "crt", PTN_PART_CRT},
                 {"request", "csr", PTN_PART_CSR},
                 {"next_key", "next.key", PTN_PART_NEXT_KEY},
                 {"next_request", "next.csr", PTN_PART_NEXT_CSR}};
    const struct ptn_cert_conf *conf = ptn_manage_elsewhere(&o->manage, name);
    struct ptn_buf path = PTN_BUF_INIT;

    ptn_json_object(j, "files");
    if (conf) {
        ptn_json_text(j, "key", ptn_slice_of(conf->key_file));
        ptn_json_text(j, "certificate", ptn_slice_of(conf->cert_file));
        ptn_json_end_object(j);
        return;
    }
    for (size_t i = 0; i < PTN_COUNT(files); i++) {
        if (!v->parts.part[files[i].part].len)
            continue;
        path.len = 0;
        ptn_buf_printf(&path, "%s/certs/%s.%s", o->manage.conf->server.state,
                       name, files[i].extension);
        ptn_json_text(j, files[i].key, ptn_buf_slice(&path));
    }
    ptn_json_end_object(j);
    ptn_buf_free(&path);
}
