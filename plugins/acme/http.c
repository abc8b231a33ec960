/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Requests to the authority, with libcurl: HTTPS alone, no redirection, and
 * bounds on time and on what comes back. One thread.
 */
#include "inner.h"
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

enum {
    NONCE_MAX = 512, /* octets */
};

/* Where the pieces of one answer go. */
struct receiving {
    struct acme *client;
    struct acme_response *out;
};

void
acme_response_free(struct acme_response *r)
{
    ptn_buf_free(&r->body);
}

static size_t
on_body(char *data, size_t size, size_t count, void *arg)
{
    struct acme_response *r = ((struct receiving *)arg)->out;

    if (size * count > ACME_BODY_MAX - r->body.len)
        return 0; /* ends the transfer */
    ptn_buf_add(&r->body, data, size * count);
    return size * count;
}

/* The value of the header, when the line is of that name. */
static bool
is_header(struct ptn_slice line, const char *name, struct ptn_slice *value)
{
    size_t len = strlen(name);

    if (line.len <= len || strncasecmp(line.data, name, len) != 0 ||
        line.data[len] != ':')
        return false;
    *value = ptn_slice_sub(line, len + 1, line.len - len - 1);
    while (value->len && isspace((unsigned char)value->data[0]))
        *value = ptn_slice_sub(*value, 1, value->len - 1);
    while (value->len && isspace((unsigned char)value->data[value->len - 1]))
        value->len--;
    return true;
}

/* Of an address that goes into requests and files: printable, and what we
 * would follow. */
static bool
is_url(struct ptn_slice text)
{
    static const char scheme[] = "https://";

    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    return text.len > sizeof scheme && text.len < ACME_URL_MAX &&
           strncasecmp(text.data, scheme, sizeof scheme - 1) == 0;
}

static void
copy_url(struct ptn_slice from, char out[ACME_URL_MAX])
{
    if (!is_url(from))
        return;
    memcpy(out, from.data, from.len);
    out[from.len] = '\0';
}

/* RFC 8555 section 7.4.2: <URL>;rel="alternate" */
static void
take_link(struct acme_response *r, struct ptn_slice value)
{
    const char *end = memchr(value.data, '>', value.len);
    struct ptn_buf text = PTN_BUF_INIT;

    ptn_buf_addslice(&text, value);
    if (value.len > 2 && value.data[0] == '<' && end &&
        r->alternate_count < ACME_ALTERNATES &&
        strstr(ptn_buf_cstr(&text), "rel=\"alternate\""))
        copy_url(ptn_slice_sub(value, 1, (size_t)(end - value.data) - 1),
                 r->alternates[r->alternate_count++]);
    ptn_buf_free(&text);
}

/* RFC 9110 section 10.2.3: seconds, or a date. */
static int64_t
parse_retry(struct ptn_slice value)
{
    uint64_t seconds;
    char text[64];
    time_t then;

    if (ptn_slice_to_u64(value, INT32_MAX, &seconds))
        return (int64_t)seconds < ACME_RETRY_MAX_S ? (int64_t)seconds
                                                   : ACME_RETRY_MAX_S;
    if (value.len >= sizeof text)
        return 0;
    memcpy(text, value.data, value.len);
    text[value.len] = '\0';
    then = curl_getdate(text, NULL);
    if (then <= time(NULL))
        return 0;
    return then - time(NULL) < ACME_RETRY_MAX_S ? (int64_t)(then - time(NULL))
                                                : ACME_RETRY_MAX_S;
}

/* RFC 8555 section 6.5.1: base64url; others MUST be ignored. */
static bool
is_nonce(struct ptn_slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.data[i];

        if (c > '~' || !(isalnum(c) || c == '-' || c == '_'))
            return false;
    }
    return value.len > 0 && value.len <= NONCE_MAX;
}

static size_t
on_header(char *data, size_t size, size_t count, void *arg)
{
    struct receiving *to = arg;
    struct ptn_slice line = {data, size * count}, value;

    if (is_header(line, "Replay-Nonce", &value)) {
        to->client->nonce.len = 0;
        if (is_nonce(value))
            ptn_buf_addslice(&to->client->nonce, value);
    } else if (is_header(line, "Location", &value)) {
        copy_url(value, to->out->location);
    } else if (is_header(line, "Retry-After", &value)) {
        to->out->retry_after = parse_retry(value);
    } else if (is_header(line, "Link", &value)) {
        take_link(to->out, value);
    }
    return line.len;
}

static void
set_limits(CURL *curl, const struct acme_settings *settings)
{
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)ACME_CONNECT_S);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)ACME_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    /* RFC 8555 section 6.1 asks for both. */
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "postern-acme libcurl");
    if (settings->ca_file)
        curl_easy_setopt(curl, CURLOPT_CAINFO, settings->ca_file);
}

int
acme_http(struct acme *a, enum acme_method method, const char *url,
          struct ptn_slice body, struct acme_response *out,
          struct acme_failure *failure)
{
    struct receiving to = {a, out};
    struct curl_slist *headers = NULL;
    char why[CURL_ERROR_SIZE] = "";
    CURLcode result;

    *out = (struct acme_response){.body = PTN_BUF_INIT};
    curl_easy_reset(a->curl);
    set_limits(a->curl, &a->settings);
    curl_easy_setopt(a->curl, CURLOPT_URL, url);
    curl_easy_setopt(a->curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(a->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(a->curl, CURLOPT_WRITEDATA, &to);
    curl_easy_setopt(a->curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(a->curl, CURLOPT_HEADERDATA, &to);
    if (method == ACME_HEAD)
        curl_easy_setopt(a->curl, CURLOPT_NOBODY, 1L);
    if (method == ACME_POST) {
        headers =
            curl_slist_append(headers, "Content-Type: application/jose+json");
        curl_easy_setopt(a->curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(a->curl, CURLOPT_POSTFIELDSIZE, (long)body.len);
        curl_easy_setopt(a->curl, CURLOPT_POSTFIELDS, body.data);
    }
    result = curl_easy_perform(a->curl);
    curl_slist_free_all(headers);
    if (result == CURLE_OK) {
        curl_easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &out->status);
        return 0;
    }
    if (result == CURLE_WRITE_ERROR) /* on_body has had enough */
        return acme_fail(failure,
                         "the authority answers at %s with more than "
                         "1 MiB",
                         url);
    return acme_fail(failure, "the authority does not answer at %s: %s", url,
                     why[0] ? why : curl_easy_strerror(result));
}
