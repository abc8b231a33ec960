/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Signed requests: flattened JSON Web Signatures (RFC 7515) as RFC 8555
 * section 6.2 wants them. The signature is the warden's; digests, and the
 * MAC of an external binding, are OpenSSL's. One thread.
 */
#include "inner.h"
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdlib.h>

#define P256 32 /* octets of a coordinate */

/* RFC 7515 section 2: the other alphabet, no padding. */
void
acme_base64url(struct ptn_slice in, struct ptn_buf *out)
{
    size_t from = out->len;

    ptn_base64_encode(out, in);
    for (size_t i = from; i < out->len; i++)
        if (out->data[i] == '+')
            out->data[i] = '-';
        else if (out->data[i] == '/')
            out->data[i] = '_';
    while (out->len > from && out->data[out->len - 1] == '=')
        out->len--;
}

void
acme_digest(struct ptn_slice in, struct ptn_buf *out)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)in.data, in.len, digest);
    acme_base64url((struct ptn_slice){(char *)digest, sizeof digest}, out);
}

static json_t *
coordinate(const char *octets)
{
    struct ptn_buf text = PTN_BUF_INIT;
    json_t *value;

    acme_base64url((struct ptn_slice){octets, P256}, &text);
    value = json_string(ptn_buf_cstr(&text));
    ptn_buf_free(&text);
    return value;
}

int
acme_jwk(struct acme *a, struct acme_failure *failure)
{
    struct ptn_buf spki = PTN_BUF_INIT, digest = PTN_BUF_INIT;
    const char *point;
    char *canonical;

    if (a->jwk)
        return 0;
    if (a->warden.account(a->warden.arg, &spki, failure) != 0)
        return -1;
    /* RFC 5480: the point, uncompressed, is the end of it. */
    point = spki.data + spki.len - (2 * P256 + 1);
    if (spki.len < 2 * P256 + 1 || point[0] != 0x04) {
        ptn_buf_free(&spki);
        return acme_fail(failure, "the account's key is not a P-256 key");
    }
    /* RFC 7638 section 3.2: these members, in this order. */
    a->jwk =
        json_pack("{s:s, s:s, s:o, s:o}", "crv", "P-256", "kty", "EC", "x",
                  coordinate(point + 1), "y", coordinate(point + 1 + P256));
    canonical = json_dumps(a->jwk, JSON_COMPACT | JSON_SORT_KEYS);
    acme_digest(ptn_slice_of(canonical), &digest);
    a->thumbprint = ptn_strdup(ptn_buf_cstr(&digest));
    free(canonical);
    ptn_buf_free(&digest);
    ptn_buf_free(&spki);
    return 0;
}

static void
add_json64(const json_t *value, struct ptn_buf *out)
{
    char *text = json_dumps(value, JSON_COMPACT);

    acme_base64url(ptn_slice_of(text), out);
    free(text);
}

/* RFC 7518 section 3.4: R and S, each of its full length. */
static bool
unpack_signature(const struct ptn_buf *der, char out[2 * P256])
{
    const unsigned char *at = (const unsigned char *)der->data;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)der->len);
    bool fits = sig &&
                BN_bn2binpad(ECDSA_SIG_get0_r(sig), (unsigned char *)out,
                             P256) == P256 &&
                BN_bn2binpad(ECDSA_SIG_get0_s(sig), (unsigned char *)out + P256,
                             P256) == P256;

    ECDSA_SIG_free(sig);
    return fits;
}

static int
sign(const struct acme *a, struct ptn_slice input, struct ptn_buf *out,
     struct acme_failure *failure)
{
    struct ptn_buf der = PTN_BUF_INIT;
    char raw[2 * P256];
    int result = a->warden.sign(a->warden.arg, input, &der, failure);

    if (result == 0 && !unpack_signature(&der, raw))
        result = acme_fail(failure, "the warden's signature is malformed");
    if (result == 0)
        acme_base64url((struct ptn_slice){raw, sizeof raw}, out);
    ptn_buf_free(&der);
    return result;
}

/* {"protected": ..., "payload": ..., "signature": ...}; `input` is the first
 * two with a dot between them. */
static json_t *
assemble(const struct ptn_buf *input, struct ptn_buf *signature)
{
    const char *dot = memchr(input->data, '.', input->len);
    size_t at = (size_t)(dot - input->data);

    return json_pack("{s:s%, s:s%, s:s}", "protected", input->data, at,
                     "payload", dot + 1, input->len - at - 1, "signature",
                     ptn_buf_cstr(signature));
}

json_t *
acme_binding(const struct acme *a, const char *url,
             struct acme_failure *failure)
{
    struct ptn_buf input = PTN_BUF_INIT, key = PTN_BUF_INIT,
                   text = PTN_BUF_INIT, signature = PTN_BUF_INIT;
    unsigned char mac[SHA256_DIGEST_LENGTH];
    json_t *head = json_pack("{s:s, s:s, s:s}", "alg", "HS256", "kid",
                             a->settings.eab_kid, "url", url);
    json_t *result = NULL;

    /* From base64url, with or without its padding. */
    for (const char *c = a->settings.eab_key; *c && *c != '='; c++)
        ptn_buf_addc(&text, *c == '-' ? '+' : *c == '_' ? '/' : *c);
    while (text.len % 4)
        ptn_buf_addc(&text, '=');
    add_json64(head, &input);
    ptn_buf_addc(&input, '.');
    add_json64(a->jwk, &input);
    if (!ptn_base64_decode(&key, ptn_buf_slice(&text)) || key.len == 0) {
        acme_fail(failure, "acme.eab_key_file: not base64url");
    } else {
        HMAC(EVP_sha256(), key.data, (int)key.len,
             (const unsigned char *)input.data, input.len, mac, NULL);
        acme_base64url((struct ptn_slice){(char *)mac, sizeof mac}, &signature);
        result = assemble(&input, &signature);
    }
    if (key.cap)
        ptn_wipe(key.data, key.cap);
    if (text.cap)
        ptn_wipe(text.data, text.cap);
    json_decref(head);
    ptn_buf_free(&input);
    ptn_buf_free(&key);
    ptn_buf_free(&text);
    ptn_buf_free(&signature);
    return result;
}

static int
need_nonce(struct acme *a, struct acme_failure *failure)
{
    const char *url = acme_resource(a, "newNonce");
    struct acme_response r;
    int result;

    if (a->nonce.len)
        return 0;
    if (!url)
        return acme_fail(failure, "the authority offers no newNonce");
    result = acme_http(a, ACME_HEAD, url, PTN_SLICE(""), &r, failure);
    acme_response_free(&r);
    if (result == 0 && !a->nonce.len)
        result = acme_fail(failure, "the authority gives no nonce");
    return result;
}

/* RFC 8555 section 6.2: the URL inside, and jwk until there is an account. */
static json_t *
protected_header(struct acme *a, const char *url)
{
    json_t *head = json_pack("{s:s, s:s, s:s}", "alg", "ES256", "nonce",
                             ptn_buf_cstr(&a->nonce), "url", url);

    if (a->account)
        json_object_set_new(head, "kid", json_string(a->account));
    else
        json_object_set(head, "jwk", a->jwk);
    a->nonce.len = 0; /* section 6.5: each is for one request */
    return head;
}

static int
post_once(struct acme *a, const char *url, const json_t *payload,
          struct acme_response *out, struct acme_failure *failure)
{
    struct ptn_buf input = PTN_BUF_INIT, signature = PTN_BUF_INIT;
    json_t *head, *jws;
    char *body;
    int result;

    *out = (struct acme_response){.body = PTN_BUF_INIT};
    if (acme_jwk(a, failure) != 0 || need_nonce(a, failure) != 0)
        return -1;
    head = protected_header(a, url);
    add_json64(head, &input);
    json_decref(head);
    ptn_buf_addc(&input, '.');
    if (payload)
        add_json64(payload, &input);
    result = sign(a, ptn_buf_slice(&input), &signature, failure);
    if (result == 0) {
        jws = assemble(&input, &signature);
        body = json_dumps(jws, JSON_COMPACT);
        result = acme_http(a, ACME_POST, url, ptn_slice_of(body), out, failure);
        free(body);
        json_decref(jws);
    }
    ptn_buf_free(&input);
    ptn_buf_free(&signature);
    return result;
}

static bool
is_bad_nonce(const struct acme_response *r)
{
    struct acme_failure failure;

    if (r->status != 400)
        return false;
    acme_problem(r, NULL, &failure);
    return strcmp(failure.type, "badNonce") == 0;
}

int
acme_post(struct acme *a, const char *url, json_t *payload,
          struct acme_response *out, struct acme_failure *failure)
{
    for (int tries = 0;; tries++) {
        if (post_once(a, url, payload, out, failure) != 0)
            return -1;
        /* The refusal has brought a nonce that will do. */
        if (!is_bad_nonce(out) || tries >= ACME_NONCE_TRIES)
            break;
        acme_response_free(out);
    }
    if (out->status >= 200 && out->status < 300)
        return 0;
    return acme_problem(out, a->about, failure);
}

json_t *
acme_ask(struct acme *a, const char *url, json_t *payload,
         struct acme_response *out, struct acme_failure *failure)
{
    json_t *answer;

    if (acme_post(a, url, payload, out, failure) != 0)
        return NULL;
    answer = json_loadb(out->body.data ? out->body.data : "", out->body.len, 0,
                        NULL);
    if (!json_is_object(answer)) {
        json_decref(answer);
        acme_fail(failure, "the authority's answer at %s is not JSON", url);
        return NULL;
    }
    return answer;
}
