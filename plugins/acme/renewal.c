/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When to renew: the authority's own window (ARI, RFC 9773) where it has
 * one, else two thirds of the certificate's life; and how long to wait after
 * failures. One thread.
 */
#include "inner.h"
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#define LOOK_AGAIN_S (6 * 3600) /* RFC 9773 section 4.3.3, when not said */
#define LOOK_MIN_S 60
#define LOOK_MAX_S 86400
#define BACKOFF_FIRST_S 60
#define BACKOFF_MAX_S (12 * 3600) /* four tries of two a day: no limit near */

static X509 *
first_of(struct ptn_slice pem)
{
    BIO *in = BIO_new_mem_buf(pem.data, (int)pem.len);
    X509 *cert = PEM_read_bio_X509(in, NULL, NULL, (char[]){""});

    BIO_free(in);
    return cert;
}

/* RFC 9773 section 4.1: the content octets of the INTEGER, sign included. */
static void
add_serial(const X509 *cert, struct ptn_buf *id)
{
    unsigned char *der = NULL;
    int len = i2d_ASN1_INTEGER(
        (ASN1_INTEGER *)(uintptr_t)X509_get0_serialNumber(cert), &der);

    if (len > 2) /* tag and a length of one octet: serials are short */
        acme_base64url((struct ptn_slice){(char *)der + 2, (size_t)len - 2},
                       id);
    OPENSSL_free(der);
}

bool
acme_certificate_id(struct ptn_slice pem, struct ptn_buf *id)
{
    X509 *cert = first_of(pem);
    const ASN1_OCTET_STRING *key =
        cert ? X509_get0_authority_key_id(cert) : NULL;

    if (key) {
        acme_base64url(
            (struct ptn_slice){(const char *)ASN1_STRING_get0_data(key),
                               (size_t)ASN1_STRING_length(key)},
            id);
        ptn_buf_addc(id, '.');
        add_serial(cert, id);
    }
    X509_free(cert);
    return key != NULL;
}

static int64_t
seconds_of(const ASN1_TIME *time)
{
    struct tm tm = {0};

    return ASN1_TIME_to_tm(time, &tm) ? (int64_t)timegm(&tm) : 0;
}

/* RFC 3339, as the authority writes it: UTC. */
static int64_t
parse_time(const json_t *value)
{
    const char *text = json_string_value(value);
    struct tm tm = {0};
    char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;

    if (!rest)
        return 0;
    if (*rest == '.')
        for (rest++; *rest >= '0' && *rest <= '9'; rest++)
            continue;
    return strcmp(rest, "Z") == 0 || strcmp(rest, "+00:00") == 0
               ? (int64_t)timegm(&tm)
               : 0;
}

/* A number that is each certificate's own: so moments are spread, and stay
 * the same over restarts. */
static uint32_t
number_of(const X509 *cert)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    uint32_t number = 0;

    if (X509_digest(cert, EVP_sha256(), digest, &len))
        memcpy(&number, digest, sizeof number);
    return number;
}

/* A moment within; the same would be everybody's. */
static int64_t
moment_between(int64_t start, int64_t end, uint32_t number)
{
    if (end <= start)
        return start;
    return start + (int64_t)(number % (uint64_t)(end - start));
}

/* RFC 9773 section 4.2. -1: it says nothing that can be used. */
static int
ask_window(struct acme *a, const char *id, uint32_t number, int64_t *due,
           int64_t *wait)
{
    struct acme_failure ignored;
    struct ptn_buf url = PTN_BUF_INIT;
    struct acme_response r;
    json_t *answer, *window;
    int64_t start, end;
    int result;

    ptn_buf_printf(&url, "%s/%s", acme_resource(a, "renewalInfo"), id);
    result =
        acme_http(a, ACME_GET, ptn_buf_cstr(&url), PTN_SLICE(""), &r, &ignored);
    ptn_buf_free(&url);
    answer =
        result == 0 && r.status == 200
            ? json_loadb(r.body.data ? r.body.data : "", r.body.len, 0, NULL)
            : NULL;
    window = json_object_get(answer, "suggestedWindow");
    start = parse_time(json_object_get(window, "start"));
    end = parse_time(json_object_get(window, "end"));
    if (r.retry_after)
        *wait = r.retry_after;
    acme_response_free(&r);
    json_decref(answer);
    if (!start || end < start)
        return -1;
    *due = moment_between(start, end, number);
    return 0;
}

/* In the very form in which it is configured, wildcards included. */
static bool
has_name(const X509 *cert, const char *name)
{
    GENERAL_NAMES *all =
        X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    bool found = false;

    for (int i = 0; i < sk_GENERAL_NAME_num(all) && !found; i++) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(all, i);
        const ASN1_IA5STRING *text =
            one->type == GEN_DNS ? one->d.dNSName : NULL;

        found = text && strlen(name) == (size_t)ASN1_STRING_length(text) &&
                strncasecmp((const char *)ASN1_STRING_get0_data(text), name,
                            strlen(name)) == 0;
    }
    GENERAL_NAMES_free(all);
    return found;
}

/* So much of its life, and up to a fortieth of it earlier. */
static int64_t
part_of_life(const X509 *cert, unsigned percent)
{
    int64_t from = seconds_of(X509_get0_notBefore(cert));
    int64_t to = seconds_of(X509_get0_notAfter(cert));
    int64_t due = from + (to - from) * percent / 100;

    return moment_between(due - (to - from) / 40, due, number_of(cert));
}

int
acme_renewal(struct acme *a, struct ptn_slice pem,
             const struct acme_schedule *how, int64_t *due, int64_t *look_again,
             struct acme_failure *failure)
{
    struct acme_failure ignored;
    struct ptn_buf id = PTN_BUF_INIT;
    X509 *cert = first_of(pem);
    int64_t wait = LOOK_AGAIN_S;

    if (!cert)
        return acme_fail(failure, "the certificate cannot be read");
    *due = part_of_life(cert, how->percent);
    /* An authority that is away does not change what was planned. */
    if (how->ari && acme_directory(a, &ignored) == 0 &&
        acme_resource(a, "renewalInfo") && acme_certificate_id(pem, &id))
        (void)ask_window(a, ptn_buf_cstr(&id), number_of(cert), due, &wait);
    ptn_buf_free(&id);
    X509_free(cert);
    if (wait < LOOK_MIN_S)
        wait = LOOK_MIN_S;
    if (wait > LOOK_MAX_S)
        wait = LOOK_MAX_S;
    *look_again = (int64_t)time(NULL) + wait;
    return 0;
}

bool
acme_certificate_serves(struct ptn_slice pem, const struct ptn_strings *names)
{
    X509 *cert = first_of(pem);
    bool serves = cert && X509_NAME_cmp(X509_get_issuer_name(cert),
                                        X509_get_subject_name(cert)) != 0;

    for (size_t i = 0; serves && i < names->count; i++)
        serves = has_name(cert, names->items[i]);
    X509_free(cert);
    return serves;
}

int64_t
acme_backoff(unsigned n)
{
    int64_t wait = BACKOFF_FIRST_S;

    for (unsigned i = 1; i < n && wait < BACKOFF_MAX_S; i++)
        wait *= 4;
    return wait < BACKOFF_MAX_S ? wait : BACKOFF_MAX_S;
}
