/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What there is to know of one certificate of the repository, and how JSON
 * says it: all commands print the same members.
 */
#include "posternctl/cert.h"
#include <time.h>

void
cert_look(const struct ptn_manage *m, const char *name, struct cert_view *v)
{
    struct ptn_slice chain = ptn_buf_slice(&v->parts.part[PTN_PART_CRT]);

    v->problem = PTN_ERROR_INIT;
    v->readable = chain.len && m->ops->cert_parse(m->instance, chain, &v->facts,
                                                  &v->problem) == 0;
    if (v->readable)
        (void)ptn_manage_check(
            m, chain, ptn_buf_slice(&v->parts.part[PTN_PART_KEY]), &v->problem);
    else if (!chain.len)
        ptn_error_set(&v->problem, PTN_ERR_TLS,
                      "it waits for the answer to its signing request");
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

/* What stands between any of `separators`, as an array. */
static void
json_list(struct ptn_json *j, const char *key, const char *text,
          const char *separators)
{
    ptn_json_array(j, key);
    for (;;) {
        size_t len;

        text += strspn(text, separators);
        len = strcspn(text, separators);
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
    json_list(j, "names", f->names, " ");
    ptn_json_text(j, "subject", ptn_slice_of(f->subject));
    ptn_json_text(j, "issuer", ptn_slice_of(f->issuer));
    ptn_json_text(j, "serial", ptn_slice_of(f->serial));
    ptn_json_text(j, "fingerprint", ptn_slice_of(f->fingerprint));
    ptn_json_text(j, "key_type", ptn_slice_of(cert_type_word(f)));
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
    json_list(j, "listeners", ptn_buf_cstr(&users), ", ");
    ptn_json_bool(j, "request_pending", v->parts.part[PTN_PART_NEXT_CSR].len);
    if (v->problem.code != PTN_ERR_NONE)
        ptn_json_text(j, "problem", ptn_slice_of(v->problem.text));
    ptn_buf_free(&users);
}
