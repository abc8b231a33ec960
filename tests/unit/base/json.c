/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of base/json.c: commas, escapes, and octets that are not UTF-8.
 */
#include "base/json.h"
#include "tests/unit/base/test.h"

static void
test_structure(void **state)
{
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_json j = PTN_JSON_INIT(&out);

    (void)state;
    ptn_json_object(&j, NULL);
    ptn_json_number(&j, "a", -1);
    ptn_json_array(&j, "b");
    ptn_json_text(&j, NULL, PTN_SLICE("x"));
    ptn_json_object(&j, NULL);
    ptn_json_end_object(&j);
    ptn_json_array(&j, NULL);
    ptn_json_end_array(&j);
    ptn_json_bool(&j, NULL, true);
    ptn_json_null(&j, NULL);
    ptn_json_end_array(&j);
    ptn_json_number(&j, "c", INT64_MAX);
    ptn_json_end_object(&j);
    assert_string_equal(ptn_buf_cstr(&out),
                        "{\"a\": -1, \"b\": [\"x\", {}, [], true, null], "
                        "\"c\": 9223372036854775807}");
    ptn_buf_free(&out);
}

static void
expect(struct ptn_slice text, const char *json)
{
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_json j = PTN_JSON_INIT(&out);

    ptn_json_text(&j, NULL, text);
    assert_string_equal(ptn_buf_cstr(&out), json);
    ptn_buf_free(&out);
}

static void
test_text(void **state)
{
    (void)state;
    expect(PTN_SLICE(""), "\"\"");
    expect(PTN_SLICE("a\"\\/\x7f\t\0z"),
           "\"a\\\"\\\\/\\u007f\\u0009\\u0000z\"");
    /* two, three and four octets, and the last character of all */
    expect(PTN_SLICE("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf"),
           "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\"");
}

/* RFC 3629 section 4 */
static void
test_not_utf8(void **state)
{
    static const struct ptn_slice bad[] = {
        {"\x80", 1},             /* goes on, but nothing has begun */
        {"\xc0\xaf", 2},         /* '/' in two octets */
        {"\xe0\x9f\xbf", 3},     /* two would do */
        {"\xed\xa0\x80", 3},     /* a surrogate */
        {"\xf0\x8f\xbf\xbf", 4}, /* three would do */
        {"\xf4\x90\x80\x80", 4}, /* beyond U+10FFFF */
        {"\xf5\x80\x80\x80", 4},
        {"\xe2\x82", 2},
        {"\xff", 1},
    };

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(bad); i++) {
        struct ptn_buf out = PTN_BUF_INIT, want = PTN_BUF_INIT;
        struct ptn_json j = PTN_JSON_INIT(&out);

        ptn_json_text(&j, NULL, bad[i]);
        ptn_buf_addc(&want, '"');
        for (size_t n = 0; n < bad[i].len; n++)
            ptn_buf_adds(&want, "\\ufffd");
        ptn_buf_addc(&want, '"');
        assert_string_equal(ptn_buf_cstr(&out), ptn_buf_cstr(&want));
        ptn_buf_free(&out);
        ptn_buf_free(&want);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_structure),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_not_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
