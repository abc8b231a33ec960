/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The account with the authority (RFC 8555 section 7.3). Its key is the
 * warden's; its URL is in the state folder, so that a restart asks nothing.
 * One thread.
 */
#include "inner.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* "STATE/account.json" and a place to write it first. */
static void
account_paths(const struct acme *a, char path[4096], char fresh[4096])
{
    snprintf(path, 4096, "%s/account.json", a->settings.state);
    snprintf(fresh, 4096, "%s/account.json.new", a->settings.state);
}

/* What was kept, if it is of this authority and this key. */
static void
recall(struct acme *a)
{
    char path[4096], fresh[4096];
    json_t *kept;
    const char *url, *of, *key;

    account_paths(a, path, fresh);
    kept = json_load_file(path, 0, NULL);
    url = json_string_value(json_object_get(kept, "url"));
    of = json_string_value(json_object_get(kept, "directory"));
    key = json_string_value(json_object_get(kept, "thumbprint"));
    if (url && of && key && strcmp(of, a->settings.directory) == 0 &&
        strcmp(key, a->thumbprint) == 0)
        a->account = ptn_strdup(url);
    json_decref(kept);
}

static int
keep(const struct acme *a, struct acme_failure *failure)
{
    char path[4096], fresh[4096];
    json_t *kept =
        json_pack("{s:s, s:s, s:s}", "url", a->account, "directory",
                  a->settings.directory, "thumbprint", a->thumbprint);
    int result;

    account_paths(a, path, fresh);
    result = json_dump_file(kept, fresh, JSON_INDENT(2));
    json_decref(kept);
    if (result == 0)
        result = rename(fresh, path);
    if (result != 0)
        acme_fail(failure, "%s cannot be written: %s", path, strerror(errno));
    return result;
}

void
acme_account_forget(struct acme *a)
{
    char path[4096], fresh[4096];

    account_paths(a, path, fresh);
    unlink(path);
    ptn_free(a->account);
    a->account = NULL;
}

static json_t *
contacts(const struct acme *a)
{
    json_t *list = json_array();

    for (size_t i = 0; i < a->settings.contact.count; i++)
        json_array_append_new(
            list, json_sprintf("mailto:%s", a->settings.contact.items[i]));
    return list;
}

static json_t *
new_account(const struct acme *a, const char *url, struct acme_failure *failure)
{
    json_t *payload = json_pack("{s:b, s:o}", "termsOfServiceAgreed",
                                a->settings.terms, "contact", contacts(a));
    json_t *binding;

    if (!a->settings.eab_kid)
        return payload;
    binding = acme_binding(a, url, failure);
    if (!binding) {
        json_decref(payload);
        return NULL;
    }
    json_object_set_new(payload, "externalAccountBinding", binding);
    return payload;
}

static int
check_terms(const struct acme *a, struct acme_failure *failure)
{
    const json_t *meta = json_object_get(a->directory, "meta");
    const char *terms =
        json_string_value(json_object_get(meta, "termsOfService"));

    if (!terms || a->settings.terms)
        return 0;
    return acme_fail(failure,
                     "the authority has terms of service (%s): read them, and "
                     "set acme.terms = true to agree",
                     terms);
}

int
acme_account(struct acme *a, struct acme_failure *failure)
{
    struct acme_response r;
    json_t *payload;
    const char *url;
    int result;

    if (a->account)
        return 0;
    if (acme_directory(a, failure) != 0 || acme_jwk(a, failure) != 0)
        return -1;
    recall(a);
    if (a->account)
        return 0;
    url = acme_resource(a, "newAccount");
    payload =
        check_terms(a, failure) == 0 ? new_account(a, url, failure) : NULL;
    if (!payload)
        return -1;
    result = acme_post(a, url, payload, &r, failure);
    json_decref(payload);
    if (result == 0 && !r.location[0])
        result = acme_fail(failure, "the authority names no account URL");
    if (result == 0) {
        a->account = ptn_strdup(r.location);
        result = keep(a, failure);
    }
    acme_response_free(&r);
    return result;
}

void
acme_account_explain(struct acme *a, struct acme_failure *failure)
{
    struct acme_failure why = {.not_before = 0};
    struct acme_response r;
    json_t *account;
    const char *status;

    if (!a->account)
        return;
    account = acme_ask(a, a->account, NULL, &r, &why);
    acme_response_free(&r);
    status = json_string_value(json_object_get(account, "status"));
    /* RFC 8555 section 7.3.6: requests of such an account are refused. */
    if ((account && status && strcmp(status, "valid") != 0) ||
        (!account && strcmp(why.type, "unauthorized") == 0)) {
        acme_fail(failure,
                  "the authority has closed the account (%s): if another one "
                  "is to be made, remove accounts/acme.key from the folder of "
                  "the certificates and run `posternctl cert renew`",
                  status ? status : "deactivated or revoked");
        snprintf(failure->type, sizeof failure->type, "accountClosed");
    }
    json_decref(account);
}
