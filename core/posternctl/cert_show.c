/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `posternctl cert list`, `show` and `history`: the repository for people
 * and for programs.
 */
#include "posternctl/cert.h"
#include <time.h>

/* What is known of one version of a certificate. */
struct view {
    struct ptn_parts parts;
    struct ptn_tls_cert facts;
    struct ptn_error problem; /* code 0: it can be served */
    struct ptn_buf users;
    bool readable; /* facts are there */
};

static void
look(const struct ptn_manage *m, const char *name, struct view *v)
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

static void
forget(struct view *v)
{
    ptn_parts_free(&v->parts);
    ptn_buf_free(&v->users);
}

static const char *
type_word(enum ptn_tls_key_type type)
{
    static const char *const words[] = {"ecdsa-p256", "ecdsa-p384", "rsa-2048",
                                        "rsa-3072",   "rsa-4096",   "ed25519",
                                        "other"};

    return words[type <= PTN_KEY_OTHER ? type : PTN_KEY_OTHER];
}

static void
day_of(int64_t seconds, char out[32])
{
    time_t when = (time_t)seconds;
    struct tm tm;

    if (!gmtime_r(&when, &tm) || strftime(out, 32, "%Y-%m-%d %H:%M", &tm) == 0)
        out[0] = '\0';
}

static int64_t
days_left(const struct ptn_tls_cert *facts)
{
    return (facts->not_after - (int64_t)time(NULL)) / 86400;
}

static void
json_of(const char *name, const struct view *v, struct ptn_json *j)
{
    const struct ptn_tls_cert *f = &v->facts;

    ptn_json_text(j, "name", ptn_slice_of(name));
    if (v->readable) {
        ptn_json_text(j, "names", ptn_slice_of(f->names));
        ptn_json_text(j, "subject", ptn_slice_of(f->subject));
        ptn_json_text(j, "issuer", ptn_slice_of(f->issuer));
        ptn_json_text(j, "serial", ptn_slice_of(f->serial));
        ptn_json_text(j, "fingerprint", ptn_slice_of(f->fingerprint));
        ptn_json_text(j, "key_type", ptn_slice_of(type_word(f->key_type)));
        ptn_json_number(j, "not_before", f->not_before);
        ptn_json_number(j, "not_after", f->not_after);
        ptn_json_bool(j, "self_signed", f->self_signed);
    }
    ptn_json_text(j, "listeners", ptn_buf_slice(&v->users));
    ptn_json_bool(j, "request_pending", v->parts.part[PTN_PART_NEXT_CSR].len);
    if (v->problem.code != PTN_ERR_NONE)
        ptn_json_text(j, "problem", ptn_slice_of(v->problem.text));
}

/* --- list --- */

struct listing {
    struct cert_office *office;
    struct ctl_table *table; /* NULL: json */
    struct ptn_json *json;
    struct ptn_error err;
};

static void
add_row(struct ctl_table *table, const char *name, const struct view *v)
{
    char until[48] = "-", day[32];
    struct ptn_buf users = PTN_BUF_INIT;

    if (v->readable) {
        day_of(v->facts.not_after, day);
        snprintf(until, sizeof until, "%.10s (%lld days)", day,
                 (long long)days_left(&v->facts));
    }
    ptn_buf_addslice(&users, ptn_buf_slice(&v->users));
    ctl_table_row(
        table, (const char *[]){
                   name, until, v->readable ? v->facts.issuer : "-",
                   users.len ? ptn_buf_cstr(&users) : "-",
                   v->problem.code == PTN_ERR_NONE ? "good" : v->problem.text});
    ptn_buf_free(&users);
}

static void
list_one(void *arg, const char *name)
{
    struct listing *l = arg;
    const struct ptn_manage *m = &l->office->manage;
    struct view v = {.readable = false};

    if (ptn_repository_read(m->repository, name, &v.parts, &l->err) != 0)
        return;
    look(m, name, &v);
    if (l->table) {
        add_row(l->table, name, &v);
    } else {
        ptn_json_object(l->json, NULL);
        json_of(name, &v, l->json);
        ptn_json_end_object(l->json);
    }
    forget(&v);
}

int
cert_list(const struct ctl *ctl)
{
    static const char *const titles[] = {"NAME", "UNTIL", "ISSUER", "LISTENERS",
                                         "STATE"};
    struct ctl_table table = {.columns = PTN_COUNT(titles)};
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);
    struct cert_office o;
    struct listing l = {&o, ctl->json ? NULL : &table, &json, PTN_ERROR_INIT};
    int result = cert_open(ctl, &o);

    if (result != CTL_OK)
        return result;
    ctl_table_row(&table, titles);
    ptn_json_array(&json, NULL);
    if (ptn_repository_each(o.manage.repository, list_one, &l, &l.err) != 0 ||
        l.err.code != PTN_ERR_NONE)
        result = cert_conclude(PTN_CERT_FAILED, &l.err);
    ptn_json_end_array(&json);
    if (ctl->json)
        ctl_json_print(&out);
    else
        ctl_table_print(&table);
    ctl_table_free(&table);
    ptn_buf_free(&out);
    cert_close(&o);
    return result;
}

/* --- show --- */

static void
print_view(const char *name, struct view *v)
{
    const struct ptn_tls_cert *f = &v->facts;
    char from[32], to[32];

    printf("name         %s\n", name);
    if (v->readable) {
        day_of(f->not_before, from);
        day_of(f->not_after, to);
        printf("names        %s\nsubject      %s\nissuer       %s%s\n"
               "valid        %s to %s UTC, %lld days left\n"
               "key          %s\nserial       %s\nfingerprint  %s\n",
               f->names, f->subject, f->issuer,
               f->self_signed ? " (self-signed)" : "", from, to,
               (long long)days_left(f), type_word(f->key_type), f->serial,
               f->fingerprint);
    }
    printf("listeners    %s\n", v->users.len ? ptn_buf_cstr(&v->users) : "-");
    if (v->parts.part[PTN_PART_NEXT_CSR].len)
        puts("request      a new key waits for its certificate");
    printf("state        %s\n",
           v->problem.code == PTN_ERR_NONE ? "good" : v->problem.text);
}

static int
is_there(const struct cert_office *o, const char *name, struct view *v)
{
    struct ptn_error err = PTN_ERROR_INIT;

    if (ptn_repository_is_name(name) &&
        ptn_repository_read(o->manage.repository, name, &v->parts, &err) != 0)
        return cert_conclude(PTN_CERT_FAILED, &err);
    if (v->parts.part[PTN_PART_CRT].len || v->parts.part[PTN_PART_CSR].len ||
        v->parts.part[PTN_PART_NEXT_CSR].len)
        return CTL_OK;
    ptn_error_set(&err, PTN_ERR_TLS,
                  "there is no certificate \"%s\"; `posternctl cert list` "
                  "shows those that are",
                  name);
    return cert_conclude(PTN_CERT_UNKNOWN, &err);
}

int
cert_show(const struct ctl *ctl)
{
    const char *name = ctl->words[0];
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);
    struct view v = {.readable = false};
    struct cert_office o;
    int result = cert_open(ctl, &o);

    if (result != CTL_OK)
        return result;
    result = is_there(&o, name, &v);
    if (result == CTL_OK) {
        look(&o.manage, name, &v);
        if (ctl->json) {
            ptn_json_object(&json, NULL);
            json_of(name, &v, &json);
            ptn_json_end_object(&json);
            ctl_json_print(&out);
        } else {
            print_view(name, &v);
        }
    }
    forget(&v);
    cert_close(&o);
    return result;
}

/* --- history --- */

static int
show_versions(const struct ctl *ctl, struct cert_office *o, const char *name,
              struct ptn_error *err)
{
    static const char *const titles[] = {"VERSION", "FROM", "UNTIL", "ISSUER",
                                         "FINGERPRINT"};
    struct ctl_table table = {.columns = PTN_COUNT(titles)};
    unsigned versions[PTN_REPOSITORY_HISTORY];
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);
    size_t count = 0;
    int result = ptn_repository_history(o->manage.repository, name, versions,
                                        &count, err);

    ctl_table_row(&table, titles);
    ptn_json_array(&json, NULL);
    for (size_t i = 0; i < count && result == 0; i++) {
        char number[16], from[32] = "-", to[32] = "-";
        struct view v = {.readable = false};

        result = ptn_repository_read_version(o->manage.repository, name,
                                             versions[i], &v.parts, err);
        look(&o->manage, name, &v);
        if (v.readable) {
            day_of(v.facts.not_before, from);
            day_of(v.facts.not_after, to);
        }
        snprintf(number, sizeof number, "%u", versions[i]);
        ctl_table_row(&table,
                      (const char *[]){number, from, to,
                                       v.readable ? v.facts.issuer : "-",
                                       v.readable ? v.facts.fingerprint : "-"});
        ptn_json_object(&json, NULL);
        ptn_json_number(&json, "version", versions[i]);
        json_of(name, &v, &json);
        ptn_json_end_object(&json);
        forget(&v);
    }
    ptn_json_end_array(&json);
    if (ctl->json)
        ctl_json_print(&out);
    else
        ctl_table_print(&table);
    ptn_buf_free(&out);
    ctl_table_free(&table);
    return result;
}

int
cert_history(const struct ctl *ctl)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct view v = {.readable = false};
    struct cert_office o;
    int result = cert_open(ctl, &o);

    if (result != CTL_OK)
        return result;
    result = is_there(&o, ctl->words[0], &v);
    if (result == CTL_OK && show_versions(ctl, &o, ctl->words[0], &err) != 0)
        result = cert_conclude(PTN_CERT_FAILED, &err);
    forget(&v);
    cert_close(&o);
    return result;
}
