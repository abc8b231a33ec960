/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From an authority's problem documents (RFC 8555 section 6.7) to the words
 * that an operator reads.
 */
#include "tests/unit/acme/fixture.h"
#include <time.h>

#define URN "urn:ietf:params:acme:error:"

static struct acme_failure
explain(const char *type, const char *detail, enum acme_challenge challenge)
{
    struct acme_failure failure;
    json_t *problem =
        json_pack("{s:s+, s:s}", "type", URN, type, "detail", detail);

    assert_int_equal(
        acme_problem_json(problem, "mx.example.test", challenge, &failure), -1);
    json_decref(problem);
    return failure;
}

static void
test_words(void **state)
{
    static const struct {
        const char *type;
        enum acme_challenge challenge;
        const char *words;
    } all[] = {
        {"dns", ACME_HTTP_01, "cannot resolve mx.example.test"},
        {"caa", ACME_HTTP_01, "CAA record of mx.example.test forbids"},
        {"connection", ACME_HTTP_01, "port 80 of mx.example.test"},
        {"connection", ACME_TLS_ALPN_01, "port 443 of mx.example.test"},
        {"connection", ACME_DNS_01, "name servers of mx.example.test"},
        {"unauthorized", ACME_HTTP_01, "proof at mx.example.test"},
        {"incorrectResponse", ACME_HTTP_01, "wrong answer"},
        {"rejectedIdentifier", ACME_HTTP_01, "policy forbids"},
        {"userActionRequired", ACME_HTTP_01, "new terms of service"},
        {"externalAccountRequired", ACME_HTTP_01, "acme.eab_kid"},
        {"badCSR", ACME_HTTP_01, "signing request"},
        {"neverHeardOf", ACME_HTTP_01, "refuses what was asked"},
    };

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(all); i++) {
        struct acme_failure f =
            explain(all[i].type, "because", all[i].challenge);

        if (!strstr(f.text, all[i].words))
            fail_msg("%s: %s", all[i].type, f.text);
        assert_non_null(strstr(f.text, "(because)"));
        assert_string_equal(f.type, all[i].type);
    }
}

/* It is shown on terminals. */
static void
test_detail_is_harmless(void **state)
{
    char many[4096];
    struct acme_failure f;

    (void)state;
    f = explain("dns",
                "a\x1b[2Jb\nc\xc2\x9b"
                "d%s%n",
                ACME_HTTP_01);
    for (const char *c = f.text; *c; c++)
        assert_true(*c >= ' ' && *c <= '~');
    assert_non_null(strstr(f.text, "d%s%n"));
    memset(many, 'x', sizeof many - 1);
    many[sizeof many - 1] = '\0';
    f = explain("dns", many, ACME_HTTP_01);
    assert_true(strlen(f.text) < sizeof f.text);
}

static struct acme_failure
refused(long status, const char *body, int64_t retry)
{
    struct acme_response r = {.status = status, .retry_after = retry};
    struct acme_failure failure;

    ptn_buf_adds(&r.body, body);
    assert_int_equal(acme_problem(&r, NULL, &failure), -1);
    acme_response_free(&r);
    return failure;
}

static void
test_rate_limit(void **state)
{
    int64_t now = (int64_t)time(NULL);
    struct acme_failure f = refused(
        429, "{\"type\":\"" URN "rateLimited\",\"detail\":\"too many\"}", 7200);

    (void)state;
    assert_string_equal(f.type, "rateLimited");
    assert_in_range(f.not_before, now + 7200, now + 7260);
    assert_non_null(strstr(f.text, "rate limit"));
    assert_non_null(strstr(f.text, "too many"));
    /* Without Retry-After: an hour; and whatever its status is. */
    f = refused(400, "{\"type\":\"" URN "rateLimited\"}", 0);
    assert_in_range(f.not_before, now + 3600, now + 3660);
}

/* RFC 8555 section 6.7.1. */
static void
test_subproblem(void **state)
{
    struct acme_failure f = refused(
        403,
        "{\"type\":\"" URN "malformed\",\"detail\":\"some\",\"subproblems\":"
        "[{\"type\":\"" URN "caa\",\"detail\":\"no\",\"identifier\":"
        "{\"type\":\"dns\",\"value\":\"b.example.test\"}}]}",
        0);

    (void)state;
    assert_string_equal(f.type, "caa");
    assert_non_null(strstr(f.text, "b.example.test"));
}

/* What else of it is the authority's own: names, and addresses. */
static void
test_names_are_harmless(void **state)
{
    struct acme_failure f = refused(
        429,
        "{\"type\":\"" URN "rateLimited\",\"subproblems\":[{\"type\":\"" URN
        "rateLimited\",\"identifier\":{\"value\":\"\\u001b[2J\\n\"}}]}",
        0);

    (void)state;
    assert_non_null(strstr(f.text, "?[2J?"));
    assert_null(strpbrk(f.text, "\x1b\n"));
    acme_fail(&f, "at %s", "https://a/\x1b]0;x\x07");
    assert_string_equal(f.text, "at https://a/?]0;x?");
}

static void
test_no_problem_document(void **state)
{
    static const char *const bodies[] = {
        "", "<html>", "[]", "{\"type\":1}", "{\"subproblems\":{}}", "null"};

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(bodies); i++) {
        struct acme_failure f = refused(503, bodies[i], 0);

        assert_non_null(strstr(f.text, "HTTP 503"));
        assert_int_equal(f.not_before, 0);
        f = refused(404, bodies[i], 0);
        assert_non_null(strstr(f.text, "HTTP 404"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_detail_is_harmless),
        cmocka_unit_test(test_rate_limit),
        cmocka_unit_test(test_subproblem),
        cmocka_unit_test(test_names_are_harmless),
        cmocka_unit_test(test_no_problem_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
