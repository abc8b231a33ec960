/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From the names to the chain (RFC 8555 section 7.4):
 *
 *   newOrder -> pending --each authorization valid--> ready --finalize-->
 *               processing -> valid -> certificate -> warden
 *
 * One thread; waits between looks are bounded in number and length.
 */
#include "inner.h"
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <postern/log.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

/* --- waiting --- */

static void
rest(int64_t seconds)
{
    if (seconds < ACME_POLL_MIN_S)
        seconds = ACME_POLL_MIN_S;
    if (seconds > ACME_POLL_MAX_S)
        seconds = ACME_POLL_MAX_S;
    sleep((unsigned)seconds);
}

static const char *
status_of(const json_t *object)
{
    const char *status = json_string_value(json_object_get(object, "status"));

    return status ? status : "";
}

/* Looks at an order or an authorization until its status is none of the two;
 * NULL with `failure`. */
static json_t *
await_change(struct acme *a, const char *url, const char *unless,
             const char *nor, struct acme_failure *failure)
{
    int64_t patience =
        a->settings.patience ? a->settings.patience : ACME_PATIENCE_S;

    for (time_t end = time(NULL) + (time_t)patience; time(NULL) < end;) {
        struct acme_response r;
        json_t *now = acme_ask(a, url, NULL, &r, failure);
        int64_t wait = r.retry_after;

        acme_response_free(&r);
        if (!now || (strcmp(status_of(now), unless) != 0 &&
                     strcmp(status_of(now), nor) != 0))
            return now;
        json_decref(now);
        rest(wait);
    }
    acme_fail(failure, "the authority does not come to an end with %s", url);
    return NULL;
}

/* --- one authorization --- */

/* RFC 8555 section 8: base64url alone, so that it is safe as a file's name. */
static bool
is_token(const char *token)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
                                   "nopqrstuvwxyz0123456789-_";
    size_t len = token ? strlen(token) : 0;

    return len > 0 && len <= 128 && strspn(token, alphabet) == len;
}

static bool
is_kind(const json_t *challenge, enum acme_challenge kind)
{
    const char *name = json_string_value(json_object_get(challenge, "type"));

    return name && strcmp(name, acme_challenge_names[kind]) == 0;
}

/* Of those that both sides can do, the one that we like best; NULL. */
static json_t *
choose(const struct acme *a, const json_t *authorization,
       enum acme_challenge *type)
{
    json_t *best = NULL, *one;
    unsigned best_rank = 0;
    size_t i;

    json_array_foreach(json_object_get(authorization, "challenges"), i, one)
    {
        for (int kind = 0; kind < ACME_CHALLENGES; kind++) {
            unsigned rank =
                a->responder.rank(a->responder.arg, (enum acme_challenge)kind);

            if (!rank || !is_kind(one, (enum acme_challenge)kind) ||
                (best && rank >= best_rank))
                continue;
            best = one;
            best_rank = rank;
            *type = (enum acme_challenge)kind;
        }
    }
    return best;
}

/* Tells the authority to look, and waits until it has. */
static int
be_looked_at(struct acme *a, const char *url, const char *challenge,
             const struct acme_answer *answer, struct acme_failure *failure)
{
    struct acme_response r;
    json_t *empty = json_object(), *now, *one;
    int result = acme_post(a, challenge, empty, &r, failure);
    size_t i;

    json_decref(empty);
    acme_response_free(&r);
    now = result == 0 ? await_change(a, url, "pending", "processing", failure)
                      : NULL;
    if (!now)
        return -1;
    if (strcmp(status_of(now), "valid") == 0) {
        json_decref(now);
        return 0;
    }
    acme_fail(failure, "the authority did not accept the proof for %s",
              answer->name);
    json_array_foreach(json_object_get(now, "challenges"), i, one)
    {
        json_t *error = json_object_get(one, "error");

        if (error)
            acme_problem_json(error, answer->name, answer->type, failure);
    }
    json_decref(now);
    return -1;
}

static int
answer_one(struct acme *a, const char *url, const char *name,
           const json_t *challenge, enum acme_challenge type,
           struct acme_failure *failure)
{
    const char *token = json_string_value(json_object_get(challenge, "token"));
    const char *where = json_string_value(json_object_get(challenge, "url"));
    struct ptn_buf proof = PTN_BUF_INIT, digest = PTN_BUF_INIT;
    struct acme_answer answer = {.type = type, .name = name, .token = token};
    int result;

    if (!is_token(token) || !where)
        return acme_fail(failure, "the authority's challenge is malformed");
    /* RFC 8555 section 8.1. */
    ptn_buf_printf(&proof, "%s.%s", token, a->thumbprint);
    acme_digest(ptn_buf_slice(&proof), &digest);
    answer.proof = ptn_buf_cstr(&proof);
    answer.digest = ptn_buf_cstr(&digest);
    result = a->responder.show(a->responder.arg, &answer, failure);
    if (result == 0) {
        result = be_looked_at(a, url, where, &answer, failure);
        a->responder.hide(a->responder.arg, &answer);
    }
    ptn_buf_free(&proof);
    ptn_buf_free(&digest);
    return result;
}

/* A proof is given for names that we want, and for no others. */
static bool
is_wanted(const struct acme_wanted *wanted, const char *name)
{
    for (size_t i = 0; name && i < wanted->names.count; i++) {
        const char *one = wanted->names.items[i];

        if (strcasecmp(strncmp(one, "*.", 2) == 0 ? one + 2 : one, name) == 0)
            return true;
    }
    return false;
}

static int
authorize(struct acme *a, const struct acme_wanted *wanted, const char *url,
          struct acme_failure *failure)
{
    struct acme_response r;
    json_t *now = acme_ask(a, url, NULL, &r, failure), *challenge;
    enum acme_challenge type = ACME_HTTP_01;
    const char *name;
    int result = 0;

    acme_response_free(&r);
    if (!now)
        return -1;
    name = json_string_value(
        json_object_get(json_object_get(now, "identifier"), "value"));
    challenge = choose(a, now, &type);
    if (strcmp(status_of(now), "valid") == 0)
        result = 0; /* proven in an earlier order */
    else if (!is_wanted(wanted, name))
        result = acme_fail(failure, "the authority wants proof of a name that "
                                    "was not asked for");
    else if (!challenge)
        result = acme_fail(
            failure,
            "no way to prove that %s is ours: the authority offers none of "
            "acme.challenges for it (a wildcard needs dns-01)",
            name);
    else
        result = answer_one(a, url, name, challenge, type, failure);
    json_decref(now);
    return result;
}

/* --- the order --- */

static json_t *
new_order(const struct acme_wanted *wanted)
{
    json_t *list = json_array(), *order;

    for (size_t i = 0; i < wanted->names.count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "type", "dns",
                                              "value", wanted->names.items[i]));
    order = json_pack("{s:o}", "identifiers", list);
    if (wanted->replaces)
        json_object_set_new(order, "replaces", json_string(wanted->replaces));
    return order;
}

/* RFC 9773 section 5: an authority may refuse `replaces`, and then an order
 * without it is still one. */
static json_t *
place_order(struct acme *a, const struct acme_wanted *wanted, char *url,
            struct acme_failure *failure)
{
    json_t *payload = new_order(wanted), *order;
    struct acme_response r;

    order = acme_ask(a, acme_resource(a, "newOrder"), payload, &r, failure);
    if (!order && wanted->replaces &&
        (strcmp(failure->type, "alreadyReplaced") == 0 ||
         strcmp(failure->type, "malformed") == 0)) {
        acme_response_free(&r);
        json_object_del(payload, "replaces");
        order = acme_ask(a, acme_resource(a, "newOrder"), payload, &r, failure);
    }
    memcpy(url, r.location, sizeof r.location);
    acme_response_free(&r);
    json_decref(payload);
    if (order && !url[0]) {
        json_decref(order);
        acme_fail(failure, "the authority names no order URL");
        return NULL;
    }
    return order;
}

static int
authorize_all(struct acme *a, const struct acme_wanted *wanted,
              const json_t *order, struct acme_failure *failure)
{
    const json_t *list = json_object_get(order, "authorizations");
    size_t i;
    json_t *url;

    if (json_array_size(list) > wanted->names.count)
        return acme_fail(failure, "the authority wants more proofs than there "
                                  "are names");
    json_array_foreach(list, i, url)
    {
        if (!json_is_string(url) ||
            authorize(a, wanted, json_string_value(url), failure) != 0)
            return -1;
    }
    return 0;
}

static int
finalize(struct acme *a, const struct acme_wanted *wanted, const json_t *order,
         struct acme_failure *failure)
{
    const char *url = json_string_value(json_object_get(order, "finalize"));
    struct ptn_buf csr = PTN_BUF_INIT, text = PTN_BUF_INIT;
    struct acme_response r;
    json_t *payload;
    int result;

    if (!url)
        return acme_fail(failure, "the authority's order is malformed");
    result = a->warden.request(a->warden.arg, wanted->name, &wanted->names,
                               &csr, failure);
    if (result == 0) {
        acme_base64url(ptn_buf_slice(&csr), &text);
        payload = json_pack("{s:s}", "csr", ptn_buf_cstr(&text));
        result = acme_post(a, url, payload, &r, failure);
        acme_response_free(&r);
        json_decref(payload);
    }
    ptn_buf_free(&csr);
    ptn_buf_free(&text);
    return result;
}

/* --- the chain --- */

/* Whether the last certificate of the chain was issued by that name. */
static bool
is_from(struct ptn_slice pem, const char *issuer)
{
    BIO *in = BIO_new_mem_buf(pem.data, (int)pem.len);
    X509 *last = NULL, *next;
    char name[256] = "";

    while ((next = PEM_read_bio_X509(in, NULL, NULL, (char[]){""}))) {
        X509_free(last);
        last = next;
    }
    if (last)
        X509_NAME_get_text_by_NID(X509_get_issuer_name(last), NID_commonName,
                                  name, sizeof name);
    X509_free(last);
    BIO_free(in);
    return strcmp(name, issuer) == 0;
}

/* Puts the alternate that the operator prefers in place of the first chain,
 * where there is one (RFC 8555 section 7.4.2). */
static int
prefer(struct acme *a, struct acme_response *first,
       struct acme_failure *failure)
{
    const char *issuer = a->settings.preferred_chain;

    if (!issuer || is_from(ptn_buf_slice(&first->body), issuer))
        return 0;
    for (size_t i = 0; i < first->alternate_count; i++) {
        struct acme_response other;

        if (acme_post(a, first->alternates[i], NULL, &other, failure) != 0) {
            acme_response_free(&other);
            return -1;
        }
        if (is_from(ptn_buf_slice(&other.body), issuer)) {
            struct ptn_buf chain = other.body;

            other.body = first->body;
            first->body = chain;
            acme_response_free(&other);
            return 0;
        }
        acme_response_free(&other);
    }
    return 0; /* none: the authority's own choice is good, too */
}

static int
download(struct acme *a, const struct acme_wanted *wanted, const json_t *order,
         struct acme_failure *failure)
{
    const char *url = json_string_value(json_object_get(order, "certificate"));
    struct acme_response r;
    int result;

    if (!url)
        return acme_fail(failure, "the authority's order has no certificate");
    result = acme_post(a, url, NULL, &r, failure);
    if (result == 0)
        result = prefer(a, &r, failure);
    if (result == 0)
        result = a->warden.store(a->warden.arg, wanted->name,
                                 ptn_buf_slice(&r.body), failure);
    acme_response_free(&r);
    return result;
}

static int
invalid(const json_t *order, struct acme_failure *failure)
{
    json_t *error = json_object_get(order, "error");

    if (error)
        return acme_problem_json(error, NULL, ACME_HTTP_01, failure);
    return acme_fail(failure, "the authority has ended the order (%s)",
                     status_of(order));
}

/* From an order whose names are proven to the end. */
static int
complete(struct acme *a, const struct acme_wanted *wanted, const char *url,
         struct acme_failure *failure)
{
    json_t *order = await_change(a, url, "pending", "pending", failure);
    int result = order ? 0 : -1;

    if (result == 0 && strcmp(status_of(order), "ready") == 0)
        result = finalize(a, wanted, order, failure);
    if (result == 0 && strcmp(status_of(order), "valid") != 0) {
        json_decref(order);
        order = await_change(a, url, "processing", "ready", failure);
        result = order ? 0 : -1;
    }
    if (result == 0 && strcmp(status_of(order), "valid") != 0)
        result = invalid(order, failure);
    if (result == 0)
        result = download(a, wanted, order, failure);
    json_decref(order);
    return result;
}

/* An order that was placed before a restart, if it is still good for
 * something; NULL. */
static json_t *
resume(struct acme *a, const struct acme_wanted *wanted)
{
    static const char *const good[] = {"pending", "ready", "processing",
                                       "valid"};
    struct acme_failure ignored;
    struct acme_response r;
    json_t *order;

    if (!wanted->order[0])
        return NULL;
    order = acme_ask(a, wanted->order, NULL, &r, &ignored);
    acme_response_free(&r);
    for (size_t i = 0; order && i < PTN_COUNT(good); i++)
        if (strcmp(status_of(order), good[i]) == 0)
            return order;
    json_decref(order);
    return NULL;
}

static json_t *
begin_order(struct acme *a, struct acme_wanted *wanted,
            struct acme_failure *failure)
{
    json_t *order = resume(a, wanted);

    if (order)
        return order;
    order = place_order(a, wanted, wanted->order, failure);
    if (!order)
        wanted->order[0] = '\0';
    if (wanted->ordered)
        wanted->ordered(wanted->arg);
    return order;
}

static int
try(struct acme *a, struct acme_wanted *wanted, struct acme_failure *failure)
{
    json_t *order;
    int result;

    if (acme_directory(a, failure) != 0 || acme_account(a, failure) != 0)
        return -1;
    a->about = wanted->names.items[0];
    order = begin_order(a, wanted, failure);
    result = order ? authorize_all(a, wanted, order, failure) : -1;
    json_decref(order);
    if (result == 0)
        result = complete(a, wanted, wanted->order, failure);
    a->about = NULL;
    return result;
}

int
acme_obtain(struct acme *a, struct acme_wanted *wanted,
            struct acme_failure *failure)
{
    int result = try(a, wanted, failure);

    /* RFC 8555 section 7.3: it has forgotten the account, or has another
     * data base: with the same key, another is made. Once. */
    if (result != 0 && strcmp(failure->type, "accountDoesNotExist") == 0) {
        acme_account_forget(a);
        ptn_log(PTN_LOG_WARNING, "acme.account-again",
                PTN_FS("directory", a->settings.directory),
                PTN_FS("why", failure->text));
        result = try(a, wanted, failure);
    }
    if (result != 0 && strcmp(failure->type, "unauthorized") == 0)
        acme_account_explain(a, failure);
    /* An order that has failed is of no more use; one that nobody could be
     * asked about is. */
    if (result == 0 || failure->type[0])
        wanted->order[0] = '\0';
    return result;
}
