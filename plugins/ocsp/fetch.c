/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One response of a responder, with libcurl: HTTP without redirections, and
 * bounds on time and on what comes back. What comes is checked elsewhere. The
 * envoy's thread.
 */
#include "ocsp.h"
#include <curl/curl.h>

static size_t
on_body(char *data, size_t size, size_t count, void *arg)
{
    struct ptn_buf *out = arg;

    if (size * count > OCSP_RESPONSE_MAX - out->len)
        return 0; /* ends the transfer */
    ptn_buf_add(out, data, size * count);
    return size * count;
}

static bool
set_up(CURL *curl, const char *url, struct ptn_slice request,
       struct curl_slist *fields, struct ptn_buf *out)
{
    return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)OCSP_FETCH_S) ==
               CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)request.len) ==
               CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.data) ==
               CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, out) == CURLE_OK;
}

static int
perform(CURL *curl, const char *url, struct ptn_error *err)
{
    CURLcode result = curl_easy_perform(curl);
    long status = 0;

    if (result != CURLE_OK)
        return ptn_error_set(err, PTN_ERR_SYSTEM, "%s: %s", url,
                             curl_easy_strerror(result));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        return ptn_error_set(err, PTN_ERR_SYSTEM, "%s answers with %ld", url,
                             status);
    return 0;
}

int
ocsp_fetch(const char *url, struct ptn_slice request, struct ptn_buf *response,
           struct ptn_error *err)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *fields =
        curl_slist_append(NULL, "Content-Type: application/ocsp-request");
    int result;

    if (!curl || !fields || !set_up(curl, url, request, fields, response))
        result = ptn_error_set(err, PTN_ERR_SYSTEM, "no memory for a request");
    else
        result = perform(curl, url, err);
    curl_slist_free_all(fields);
    curl_easy_cleanup(curl);
    return result;
}
