/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The module acme_http as a client sees it: requests good and bad, whole and
 * in pieces. What it says of a file, tests/integration/test_acme_http.py sees:
 * here there are none.
 */
#include <postern/test.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/stage/manpage.h"

extern const struct ptn_module acme_http_LTX_postern_module;

#define CHALLENGE "/.well-known/acme-challenge/"
#define TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"

static const struct ptn_module *const modules[] = {
    &acme_http_LTX_postern_module, NULL};

static const struct ptn_test_params plain = {
    .config = "listeners: { web: { protocol = \"acme_http\";"
              " listen = [ \"127.0.0.1:80\" ]; tls: { mode = \"none\"; };"
              " limits: { max_line = \"512\"; }; }; };",
    .modules = modules};
static const struct ptn_test_params elsewhere = {
    .config =
        "listeners: { web: { protocol = \"acme_http\";"
        " redirect = \"https://www.example.org/\";"
        " listen = [ \"127.0.0.1:80\" ]; tls: { mode = \"none\"; }; }; };",
    .modules = modules};

/* The answer to what a client says: its status line, and whether it is the
 * last word. */
static void
check(const struct ptn_test_params *params, const char *request,
      const char *status)
{
    struct ptn_test *t = ptn_test_new(params, NULL);
    struct ptn_test_peer *peer;
    const char *answer;

    assert_non_null(t);
    peer = ptn_test_connect(t, "web");
    answer = ptn_test_say(peer, request);
    if (strncmp(answer, "HTTP/1.1 ", 9) != 0 ||
        strncmp(answer + 9, status, strlen(status)) != 0)
        fail_msg("%s\nis answered by\n%s\nnot by %s", request, answer, status);
    assert_non_null(strstr(answer, "\r\nConnection: close\r\n"));
    assert_true(ptn_test_is_closed(peer));
    ptn_test_free(t);
}

#define HOST " HTTP/1.1\r\nHost: mail.example.org\r\n\r\n"

static void
answers(void **state)
{
    static const struct {
        const char *request, *status;
    } cases[] = {
        {"GET " CHALLENGE TOKEN HOST, "404"}, /* no such file */
        {"GET / HTTP/1.0\r\n\r\n", "404"},
        {"HEAD /" HOST, "404"},
        {"GET http://mail.example.org/x" HOST, "404"},
        {"GET http://mail.example.org" HOST, "404"},
        {"\r\n\r\nGET /" HOST, "404"},
        {"GET / HTTP/1.7\r\nhOsT: a\r\n\r\n", "404"},
        {"POST /" HOST, "405"},
        {"PROPFIND /" HOST, "405"},
        {"get /" HOST, "405"},
        {"GET / HTTP/2.0\r\n\r\n", "505"},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
        {"GET / HTTP/1.1\r\n\r\n", "400"}, /* RFC 9112 section 3.2 */
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
        {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\n: a\r\n\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost\r\n\r\n", "400"},
        {"GET /\r\n\r\n", "400"},
        {"GET  / HTTP/1.1\r\n\r\n", "400"},
        {"GET / HTTP/1.1 \r\n\r\n", "400"},
        {"GET / http/1.1\r\n\r\n", "400"},
        {"GET x" HOST, "400"},
        {"GET *" HOST, "400"},
        {"GET /\x80" HOST, "400"},
        {"GET /\x01" HOST, "400"},
        {"GET / HTTP/1.1\nHost: a\n\n", "400"}, /* LF alone */
        {"\x16\x03\x01\r\n", "400"},            /* TLS */
        {"EHLO a\r\n", "400"},
    };

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(cases); i++)
        check(&plain, cases[i].request, cases[i].status);
}

/* No token is a way to another file. */
static void
tokens(void **state)
{
    static const char *const bad[] = {
        "",     ".",   "..", "../account.key", "%2e%2e/x", "a/b", "a.b",
        "a%62", "a?b", "a~", TOKEN TOKEN TOKEN};
    char request[600];

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(bad); i++) {
        struct ptn_test *t = ptn_test_new(&plain, NULL);
        struct ptn_test_peer *peer = ptn_test_connect(t, "web");

        snprintf(request, sizeof request, "GET " CHALLENGE "%s" HOST, bad[i]);
        assert_non_null(strstr(ptn_test_say(peer, request), " 404 "));
        assert_int_equal(ptn_test_jobs(t), 0); /* no file was looked for */
        ptn_test_free(t);
    }
}

static void
limits(void **state)
{
    struct ptn_buf request = PTN_BUF_INIT;

    (void)state;
    ptn_buf_adds(&request, "GET /");
    for (int i = 0; i < 600; i++)
        ptn_buf_addc(&request, 'x');
    ptn_buf_adds(&request, HOST);
    check(&plain, ptn_buf_cstr(&request), "414");
    request.len = 0;
    ptn_buf_adds(&request, "GET / HTTP/1.1\r\nX: ");
    for (int i = 0; i < 600; i++)
        ptn_buf_addc(&request, 'x');
    ptn_buf_adds(&request, "\r\n\r\n");
    check(&plain, ptn_buf_cstr(&request), "431");
    request.len = 0;
    ptn_buf_adds(&request, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < 101; i++)
        ptn_buf_adds(&request, "X: y\r\n");
    check(&plain, ptn_buf_cstr(&request), "431");
    ptn_buf_free(&request);
}

static void
redirects(void **state)
{
    struct ptn_test *t = ptn_test_new(&elsewhere, NULL);
    struct ptn_test_peer *peer = ptn_test_connect(t, "web");
    const char *answer = ptn_test_say(peer, "GET /a?b=c" HOST);

    (void)state;
    assert_non_null(strstr(answer, "HTTP/1.1 301 "));
    assert_non_null(
        strstr(answer, "\r\nLocation: https://www.example.org/a?b=c\r\n"));
    ptn_test_free(t);
    check(&elsewhere, "GET " CHALLENGE TOKEN HOST, "404");
    check(&elsewhere, "GET " CHALLENGE "a.b" HOST, "404");
    check(&elsewhere, "POST /a" HOST, "405");
}

static void
bad_redirects(void **state)
{
    static const char *const bad[] = {
        "www.example.org",    "", "/x", "https:/x", "ftp://x", "https://a b",
        "https://a\\r\\nX: y"};
    char config[400];

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(bad); i++) {
        struct ptn_buf problems = PTN_BUF_INIT;
        struct ptn_test_params params = {config, modules, 0, false};

        snprintf(config, sizeof config,
                 "listeners: { web: { protocol = \"acme_http\"; redirect = "
                 "\"%s\"; listen = [ \"127.0.0.1:80\" ]; "
                 "tls: { mode = \"none\"; }; }; };",
                 bad[i]);
        assert_null(ptn_test_new(&params, &problems));
        assert_non_null(strstr(ptn_buf_cstr(&problems), "is no URL"));
        ptn_buf_free(&problems);
    }
}

static void
timeouts_and_ends(void **state)
{
    struct ptn_test *t = ptn_test_new(&plain, NULL);
    struct ptn_test_peer *slow = ptn_test_connect(t, "web");
    struct ptn_test_peer *silent = ptn_test_connect(t, "web");
    struct ptn_test_peer *cut = ptn_test_connect(t, "web");

    (void)state;
    assert_string_equal(ptn_test_say(slow, "GET / HTTP/1.1\r\nX: y\r\n"), "");
    assert_string_equal(ptn_test_say(silent, ""), "");
    ptn_test_hold_jobs(t, true);
    ptn_test_say(cut, "GET " CHALLENGE TOKEN HOST);
    ptn_test_cut(cut); /* its job comes back cancelled */
    ptn_test_hold_jobs(t, false);
    ptn_test_sleep(t, 400000);
    assert_non_null(strstr(ptn_test_say(slow, ""), "HTTP/1.1 408 "));
    assert_non_null(strstr(ptn_test_say(silent, ""), "HTTP/1.1 408 "));
    ptn_test_refuse_jobs(t, 0, 1);
    slow = ptn_test_connect(t, "web");
    assert_non_null(strstr(ptn_test_say(slow, "GET " CHALLENGE TOKEN HOST),
                           "HTTP/1.1 503 "));
    ptn_test_free(t);
}

static void
pieces(void **state)
{
    struct ptn_buf answer = PTN_BUF_INIT;

    (void)state;
    ptn_test_replay(&plain, "web",
                    PTN_SLICE("GET " CHALLENGE TOKEN
                              " HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"),
                    &answer);
    assert_non_null(strstr(ptn_buf_cstr(&answer), "HTTP/1.1 404 "));
    ptn_buf_free(&answer);
}

static void
page_tells_of_the_option(void **state)
{
    struct ptn_buf page = PTN_BUF_INIT;

    (void)state;
    manpage_read("modules/acme_http/postern-acme_http.5", &page);
    assert_int_equal(manpage_entries(&page), 1);
    assert_non_null(strstr(ptn_buf_cstr(&page), "\n.It Cm redirect\n"));
    ptn_buf_free(&page);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(tokens),
        cmocka_unit_test(limits),
        cmocka_unit_test(redirects),
        cmocka_unit_test(bad_redirects),
        cmocka_unit_test(timeouts_and_ends),
        cmocka_unit_test(pieces),
        cmocka_unit_test(page_tells_of_the_option),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
