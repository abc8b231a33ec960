/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the authority says went wrong (RFC 8555 section 6.7, RFC 7807), in
 * the operator's words: each known kind says what to do. Pure functions.
 */
#include "inner.h"
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

/* Names and addresses in it may be the authority's: nothing that could
 * mislead a terminal. */
static void
tame(struct acme_failure *f)
{
    for (char *c = f->text; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
}

int
acme_fail(struct acme_failure *failure, const char *fmt, ...)
{
    va_list ap;

    *failure = (struct acme_failure){.not_before = 0};
    va_start(ap, fmt);
    vsnprintf(failure->text, sizeof failure->text, fmt, ap);
    va_end(ap);
    tame(failure);
    return -1;
}

/* %s is the name that it is about. */
static const struct {
    const char *type, *words;
} kinds[] = {
    {"dns", "the authority cannot resolve %s: its DNS record is missing, or "
            "not visible from the internet"},
    {"caa", "the CAA record of %s forbids this authority to issue: add it "
            "there, or choose another authority"},
    {"incorrectResponse",
     "the authority reached %s and got a wrong answer: does the name lead to "
     "this server, and does nothing else answer there?"},
    {"unauthorized",
     "the authority did not find the proof at %s: does the name lead to this "
     "server, and does nothing else answer there?"},
    {"tls", "the authority's TLS connection to %s failed"},
    {"rejectedIdentifier",
     "the authority issues no certificates for %s, or its policy forbids it"},
    {"unsupportedIdentifier",
     "the authority issues no certificates for this kind of name: %s"},
    {"malformed", "the authority did not understand the request about %s"},
    {"accountDoesNotExist",
     "the authority does not know the account (any more); another is made "
     "at the next attempt"},
    {"externalAccountRequired",
     "the authority needs an external account binding: set acme.eab_kid and "
     "acme.eab_key_file as it has given them to you"},
    {"userActionRequired",
     "the authority has new terms of service: read them, and agree there%.0s"},
    {"invalidContact", "the authority refuses acme.contact"},
    {"unsupportedContact", "the authority refuses acme.contact"},
    {"badCSR", "the authority refuses the signing request for %s: perhaps "
               "the type of its key"},
    {"badPublicKey", "the authority refuses the key for %s: choose another "
                     "key_type"},
    {"badNonce", "the authority refuses each of its own nonces%.0s"},
    {"serverInternal", "the authority has an internal error"},
    {"orderNotReady", "the authority is not ready with the order for %s"},
};

static const char *
unreachable(enum acme_challenge type)
{
    switch (type) {
    case ACME_HTTP_01:
        return "the authority cannot reach port 80 of %s: open it in the "
               "firewall, and forward it to an acme_http listener";
    case ACME_TLS_ALPN_01:
        return "the authority cannot reach port 443 of %s with TLS: open it "
               "in the firewall, and have a listener with implicit TLS there";
    case ACME_DNS_01:
        break;
    }
    return "the authority cannot reach the name servers of %s";
}

static void
say_rate_limit(const char *about, int64_t seconds, struct acme_failure *f)
{
    char until[32] = "";
    time_t then = time(NULL) + (time_t)(seconds > 0 ? seconds : 3600);
    struct tm tm;

    if (gmtime_r(&then, &tm))
        strftime(until, sizeof until, "%Y-%m-%d %H:%M UTC", &tm);
    snprintf(f->text, sizeof f->text,
             "rate limit of the authority for %s until %s", about, until);
    tame(f);
    f->not_before = (int64_t)then;
}

/* Puts the authority's own detail behind our words. */
static void
add_detail(struct acme_failure *f, const char *detail)
{
    size_t at = strlen(f->text);

    if (!detail || at + 4 >= sizeof f->text)
        return;
    at += (size_t)snprintf(f->text + at, sizeof f->text - at, " (");
    for (; *detail && at + 2 < sizeof f->text; detail++)
        f->text[at++] = *detail < ' ' || *detail > '~' ? '?' : *detail;
    f->text[at++] = ')';
    f->text[at] = '\0';
}

static const char *
words_for(const char *type, enum acme_challenge challenge)
{
    if (strcmp(type, "connection") == 0)
        return unreachable(challenge);
    for (size_t i = 0; i < PTN_COUNT(kinds); i++)
        if (strcmp(kinds[i].type, type) == 0)
            return kinds[i].words;
    return "the authority refuses what was asked about %s";
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* our own table */
static void
say(struct acme_failure *f, const char *words, const char *about)
{
    snprintf(f->text, sizeof f->text, words, about);
    tame(f);
}
#pragma GCC diagnostic pop

static int
explain(json_t *problem, const char *about, enum acme_challenge challenge,
        struct acme_failure *f)
{
    static const char urn[] = "urn:ietf:params:acme:error:";
    const char *type = json_string_value(json_object_get(problem, "type"));
    const char *detail = json_string_value(json_object_get(problem, "detail"));

    *f = (struct acme_failure){.not_before = 0};
    if (type && strncmp(type, urn, sizeof urn - 1) == 0)
        snprintf(f->type, sizeof f->type, "%s", type + sizeof urn - 1);
    say(f, words_for(f->type, challenge), about ? about : "the account");
    add_detail(f, detail);
    return -1;
}

/* RFC 8555 section 6.7.1: the first subproblem names its identifier. */
static json_t *
first_subproblem(json_t *problem, const char **about)
{
    json_t *sub = json_array_get(json_object_get(problem, "subproblems"), 0);
    const char *name = json_string_value(
        json_object_get(json_object_get(sub, "identifier"), "value"));

    if (!sub || !name)
        return problem;
    *about = name;
    return sub;
}

int
acme_problem_json(json_t *problem, const char *about, enum acme_challenge type,
                  struct acme_failure *failure)
{
    json_t *first = first_subproblem(problem, &about);

    return explain(first, about, type, failure);
}

int
acme_problem(const struct acme_response *r, const char *about,
             struct acme_failure *failure)
{
    json_t *problem =
        json_loadb(r->body.data ? r->body.data : "", r->body.len, 0, NULL);
    json_t *first = first_subproblem(problem, &about);

    explain(first, about, ACME_HTTP_01, failure);
    if (!failure->type[0])
        acme_fail(failure,
                  r->status >= 500
                      ? "the authority has trouble (HTTP %ld)"
                      : "the authority answers with HTTP %ld, and no word of "
                        "ACME",
                  r->status);
    if (r->status == 429 || strcmp(failure->type, "rateLimited") == 0) {
        say_rate_limit(about ? about : "the account", r->retry_after, failure);
        add_detail(failure,
                   json_string_value(json_object_get(first, "detail")));
        snprintf(failure->type, sizeof failure->type, "rateLimited");
    }
    json_decref(problem);
    return -1;
}
