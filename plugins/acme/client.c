/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A client, and what the authority offers it. One thread.
 */
#include "inner.h"
#include <stdlib.h>

const char *const acme_challenge_names[ACME_CHALLENGES] = {
    "http-01", "tls-alpn-01", "dns-01"};

struct acme *
acme_new(const struct acme_settings *settings, const struct acme_warden *warden,
         const struct acme_responder *responder)
{
    struct acme *a = ptn_alloc(sizeof *a);

    a->settings = *settings;
    a->warden = *warden;
    a->responder = *responder;
    a->curl = curl_easy_init();
    return a;
}

void
acme_free(struct acme *a)
{
    curl_easy_cleanup(a->curl);
    json_decref(a->directory);
    json_decref(a->jwk);
    ptn_free(a->thumbprint);
    ptn_free(a->account);
    ptn_buf_free(&a->nonce);
    ptn_free(a);
}

int
acme_directory(struct acme *a, struct acme_failure *failure)
{
    static const char *const needed[] = {"newNonce", "newAccount", "newOrder"};
    struct acme_response r;
    int result;

    if (a->directory)
        return 0;
    result = acme_http(a, ACME_GET, a->settings.directory, PTN_SLICE(""), &r,
                       failure);
    if (result == 0 && r.status != 200)
        result = acme_problem(&r, NULL, failure);
    if (result == 0)
        a->directory =
            json_loadb(r.body.data ? r.body.data : "", r.body.len, 0, NULL);
    acme_response_free(&r);
    for (size_t i = 0; result == 0 && i < PTN_COUNT(needed); i++)
        if (!acme_resource(a, needed[i]))
            result = acme_fail(failure,
                               "acme.directory: what answers at %s is no ACME "
                               "authority (no \"%s\")",
                               a->settings.directory, needed[i]);
    if (result != 0) {
        json_decref(a->directory);
        a->directory = NULL;
    }
    return result;
}

const char *
acme_resource(const struct acme *a, const char *name)
{
    return json_string_value(json_object_get(a->directory, name));
}
