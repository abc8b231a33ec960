/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Certificates that a module of the server obtains from an authority: how it
 * stands with them, which the running server alone knows, and having one
 * obtained now.
 */
#include "posternctl/cert.h"
#include "proc/control.h"
#include "proc/plan.h"
#include <unistd.h>

static const struct ptn_cert_conf *
find(const struct cert_office *o, const char *name)
{
    const struct ptn_conf *conf = o->manage.conf;

    for (size_t i = 0; i < conf->cert_count; i++)
        if (strcmp(conf->certs[i].name, name) == 0)
            return &conf->certs[i];
    return NULL;
}

const char *
cert_errand_source(const struct cert_office *o, const char *name)
{
    const struct ptn_cert_conf *conf = find(o, name);

    return conf && ptn_cert_is_fetched(conf) ? conf->source : NULL;
}

/* What the server says of the name, into `out`; false: nothing, or there is
 * no server. */
static bool
ask(const struct cert_office *o, const char *name, struct ptn_buf *out)
{
    struct ptn_buf path = PTN_BUF_INIT, answer = PTN_BUF_INIT;
    struct ptn_error ignored = PTN_ERROR_INIT;
    struct ptn_slice rest;
    char other[80];

    if (ptn_admin_control(o->ctl->config, &path, stderr) == 0 &&
        access(ptn_buf_cstr(&path), F_OK) == 0)
        (void)ptn_control_ask(ptn_buf_cstr(&path), "status", &answer, &ignored);
    rest = ptn_buf_slice(&answer);
    while (rest.len > 0 && out->len == 0) {
        struct ptn_slice line = ptn_record_next(&rest);

        if (ptn_record_is(line, "errand") &&
            ptn_record_get(line, "name", other, sizeof other) &&
            strcmp(other, name) == 0)
            ptn_buf_addslice(out, line);
    }
    ptn_buf_free(&path);
    ptn_buf_free(&answer);
    return out->len > 0;
}

void
cert_errand_print(const struct cert_office *o, const char *name)
{
    const char *source = cert_errand_source(o, name);
    struct ptn_buf record = PTN_BUF_INIT;
    char *cell = ptn_alloc(CTL_CELL_MAX);

    if (source)
        printf("source       %s\n", source);
    if (source && ask(o, name, &record)) {
        struct ptn_slice line = ptn_buf_slice(&record);

        printf("last attempt %s\n", ctl_field(line, "last", cell));
        printf("next attempt %s\n", ctl_field(line, "next", cell));
        if (ptn_record_get(line, "problem", cell, CTL_CELL_MAX))
            printf("problem      %s\n", cell);
    }
    ptn_free(cell);
    ptn_buf_free(&record);
}

void
cert_errand_json(const struct cert_office *o, const char *name,
                 struct ptn_json *json)
{
    const char *source = cert_errand_source(o, name);
    struct ptn_buf record = PTN_BUF_INIT;

    if (!source)
        return;
    ptn_json_text(json, "source", ptn_slice_of(source));
    if (ask(o, name, &record))
        ctl_json_record(json, "errand", ptn_buf_slice(&record));
    ptn_buf_free(&record);
}

int
cert_errand_renew(const struct cert_office *o, const char *name, bool force)
{
    struct ptn_buf path = PTN_BUF_INIT, answer = PTN_BUF_INIT,
                   request = PTN_BUF_INIT;
    struct ptn_error err = PTN_ERROR_INIT;
    int result = CTL_OK;

    ptn_buf_adds(&request, "renew");
    ptn_record_add(&request, "name", name);
    if (force)
        ptn_record_add(&request, "force", "yes");
    if (ptn_admin_control(o->ctl->config, &path, stderr) != 0)
        result = CTL_CONFIG;
    else if (ptn_control_ask(ptn_buf_cstr(&path), ptn_buf_cstr(&request),
                             &answer, &err) != 0)
        result = cert_refuse(o->ctl, err.number ? CTL_UNAVAILABLE : CTL_FAILED,
                             "%s%s", err.text,
                             err.number ? ": the server has to run, as it is "
                                          "who asks the authority"
                                        : "");
    ptn_buf_free(&path);
    ptn_buf_free(&answer);
    ptn_buf_free(&request);
    return result;
}
