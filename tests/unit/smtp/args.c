/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of modules/smtp/args.c.
 */
#include "modules/smtp/args.h"
#include "tests/unit/smtp/fixture.h"

static const char *
path(const char *args, const char *word)
{
    struct ptn_path p;
    struct ptn_slice rest = {NULL, 0};
    return smtp_path_read(ptn_slice_of(args), word, &p, &rest);
}

static void
paths(void **state)
{
    (void)state;
    assert_null(path("FROM:<a@b.example>", "FROM:"));
    assert_null(path("from:<>", "FROM:"));
    assert_null(path("FROM: <a@b.example> SIZE=3", "FROM:"));
    assert_non_null(path("FROM <a@b.example>", "FROM:"));
    assert_non_null(path("FROM:a@b.example", "FROM:"));
    assert_non_null(path("FROM:", "FROM:"));
    assert_non_null(path("", "FROM:"));
    assert_non_null(path("TO:<a@b.example", "TO:"));
    assert_memory_equal(path("TO:<a b@c>", "TO:"), "501 5.1.3", 9);
    assert_memory_equal(path("FROM:<a b@c>", "FROM:"), "501 5.1.7", 9);
    assert_memory_equal(path("TO:<j\xc3\xb6rg@c.example>", "TO:"), "553 5.6.7",
                        9);
}

static void
params(void **state)
{
    struct ptn_slice rest = S(" SIZE=10  BODY=8BITMIME X-A ");
    struct smtp_param p;
    (void)state;
    assert_int_equal(smtp_param_next(&rest, &p), 1);
    assert_true(ptn_slice_eq(p.name, S("SIZE")));
    assert_true(ptn_slice_eq(p.value, S("10")));
    assert_int_equal(smtp_param_next(&rest, &p), 1);
    assert_true(ptn_slice_eq(p.value, S("8BITMIME")));
    assert_int_equal(smtp_param_next(&rest, &p), 1);
    assert_true(ptn_slice_eq(p.name, S("X-A")));
    assert_null(p.value.data);
    assert_int_equal(smtp_param_next(&rest, &p), 0);
}

static void
malformed_params(void **state)
{
    static const char *const bad[] = {
        "SIZE=1",  " =1",    " SIZE=",  " A=b=c", " -A=1",
        " A=\x01", " A\xff", " A=\xff", " <a>"};
    (void)state;
    for (size_t i = 0; i < PTN_COUNT(bad); i++) {
        struct ptn_slice rest = ptn_slice_of(bad[i]);
        struct smtp_param p;
        assert_int_equal(smtp_param_next(&rest, &p), -1);
    }
}

static void
xtext(void **state)
{
    (void)state;
    assert_true(smtp_xtext_valid(S("<>")));
    assert_true(smtp_xtext_valid(S("e+3Dmc2@example.com")));
    assert_false(smtp_xtext_valid(S("")));
    assert_false(smtp_xtext_valid(S("a+3")));
    assert_false(smtp_xtext_valid(S("a+3d")));
    assert_false(smtp_xtext_valid(S("a=b")));
    assert_false(smtp_xtext_valid(S("a b")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),
        cmocka_unit_test(params),
        cmocka_unit_test(malformed_params),
        cmocka_unit_test(xtext),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
