/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * `posternctl cert list`, `show` and `history`: the repository for people
 * and for programs.
 */
#include "posternctl/cert.h"
#include <time.h>

static int64_t
days_left(const struct ptn_tls_cert *facts)
{
    return (facts->not_after - (int64_t)time(NULL)) / 86400;
}

/* --- list --- */

struct listing {
    struct cert_office *office;
    struct ctl_table *table; /* NULL: json */
    struct ptn_json *json;
    struct ptn_error err;
};

static void
add_row(const struct listing *l, const char *name, const struct cert_view *v)
{
    char until[48] = "-", day[32];
    struct ptn_buf users = PTN_BUF_INIT, trouble = PTN_BUF_INIT;
    const char *state = "good";

    if (v->readable) {
        cert_day(v->facts.not_after, day);
        snprintf(until, sizeof until, "%.10s (%lld days)", day,
                 (long long)days_left(&v->facts));
    }
    ptn_buf_addslice(&users, ptn_buf_slice(&v->users));
    if (v->problem.code != PTN_ERR_NONE)
        state = v->problem.text;
    else if (users.len && cert_live_trouble(l->office, name, &trouble))
        state = ptn_buf_cstr(&trouble);
    ctl_table_row(
        l->table,
        (const char *[]){name, until, v->readable ? v->facts.issuer : "-",
                         users.len ? ptn_buf_cstr(&users) : "-", state});
    ptn_buf_free(&users);
    ptn_buf_free(&trouble);
}

static void
list_view(const struct listing *l, const char *name, struct cert_view *v)
{
    cert_look(&l->office->manage, name, v);
    if (l->table) {
        add_row(l, name, v);
    } else {
        ptn_json_object(l->json, NULL);
        cert_json(name, v, l->json);
        cert_json_files(l->office, name, v, l->json);
        ptn_json_end_object(l->json);
    }
    cert_forget(v);
}

/* What the configuration has files for is read from these. */
static void
list_one(void *arg, const char *name)
{
    struct listing *l = arg;
    const struct ptn_manage *m = &l->office->manage;
    struct cert_view v = {.readable = false};

    if (!ptn_manage_elsewhere(m, name) &&
        ptn_repository_read(m->repository, name, &v.parts, &l->err) == 0)
        list_view(l, name, &v);
}

static void
list_elsewhere(struct listing *l)
{
    const struct ptn_conf *conf = l->office->manage.conf;

    for (size_t i = 0; i < conf->cert_count; i++) {
        struct cert_view v = {.readable = false};

        if (conf->certs[i].cert_file &&
            cert_read_view(l->office, conf->certs[i].name, &v) == CTL_OK)
            list_view(l, conf->certs[i].name, &v);
    }
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
        result = cert_conclude(ctl, PTN_CERT_FAILED, &l.err);
    list_elsewhere(&l);
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
print_view(const char *name, struct cert_view *v)
{
    const struct ptn_tls_cert *f = &v->facts;
    char from[32], to[32];

    printf("name         %s\n", name);
    if (v->readable) {
        cert_day(f->not_before, from);
        cert_day(f->not_after, to);
        printf("names        %s\nsubject      %s\nissuer       %s%s\n"
               "valid        %s to %s UTC, %lld days left\n"
               "key          %s%s\nserial       %s\nfingerprint  %s\n",
               f->names, f->subject, f->issuer,
               f->self_signed ? " (self-signed)" : "", from, to,
               (long long)days_left(f), cert_type_word(f),
               v->encrypted ? ", encrypted" : "", f->serial, f->fingerprint);
    }
    printf("listeners    %s\n", v->users.len ? ptn_buf_cstr(&v->users) : "-");
    if (v->parts.part[PTN_PART_NEXT_CSR].len)
        puts("request      a new key waits for its certificate");
    printf("state        %s\n",
           v->problem.code == PTN_ERR_NONE ? "good" : v->problem.text);
}

/* Whoever manages them: they are not in the repository. */
static void
print_files(const struct cert_office *o, const char *name)
{
    const struct ptn_cert_conf *conf = ptn_manage_elsewhere(&o->manage, name);

    if (conf)
        printf("files        %s, %s\n", conf->cert_file, conf->key_file);
}

int
cert_show(const struct ctl *ctl)
{
    const char *name = ctl->words[0];
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_json json = PTN_JSON_INIT(&out);
    struct cert_view v = {.readable = false};
    struct cert_office o;
    int result = cert_open(ctl, &o);

    if (result != CTL_OK)
        return result;
    result = cert_read_view(&o, name, &v);
    if (result == CTL_OK) {
        cert_look(&o.manage, name, &v);
        if (ctl->json) {
            ptn_json_object(&json, NULL);
            cert_json(name, &v, &json);
            cert_json_files(&o, name, &v, &json);
            cert_errand_json(&o, name, &json);
            cert_live_json(&o, name, &json);
            ptn_json_end_object(&json);
            ctl_json_print(&out);
        } else {
            print_view(name, &v);
            print_files(&o, name);
            cert_errand_print(&o, name);
            cert_live_print(&o, name);
        }
    }
    cert_forget(&v);
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
        struct cert_view v = {.readable = false};

        result = ptn_repository_read_version(o->manage.repository, name,
                                             versions[i], &v.parts, err);
        cert_look(&o->manage, name, &v);
        if (v.readable) {
            cert_day(v.facts.not_before, from);
            cert_day(v.facts.not_after, to);
        }
        snprintf(number, sizeof number, "%u", versions[i]);
        ctl_table_row(&table,
                      (const char *[]){number, from, to,
                                       v.readable ? v.facts.issuer : "-",
                                       v.readable ? v.facts.fingerprint : "-"});
        ptn_json_object(&json, NULL);
        ptn_json_number(&json, "version", versions[i]);
        cert_json(name, &v, &json);
        ptn_json_end_object(&json);
        cert_forget(&v);
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
    struct cert_view v = {.readable = false};
    struct cert_office o;
    int result = cert_open(ctl, &o);

    if (result != CTL_OK)
        return result;
    result = cert_read(&o, ctl->words[0], &v.parts);
    if (result == CTL_OK && show_versions(ctl, &o, ctl->words[0], &err) != 0)
        result = cert_conclude(ctl, PTN_CERT_FAILED, &err);
    cert_forget(&v);
    cert_close(&o);
    return result;
}
