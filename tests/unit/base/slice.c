/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/base/test.h"
#include <postern/types.h>

static const struct ptn_slice empty = {NULL, 0};

static void
test_equal(void **state)
{
    (void)state;
    assert_true(ptn_slice_eq(empty, PTN_SLICE("")));
    assert_true(ptn_slice_eq(PTN_SLICE("a\0b"), PTN_SLICE("a\0b")));
    assert_false(ptn_slice_eq(PTN_SLICE("a\0b"), PTN_SLICE("a\0c")));
    assert_false(ptn_slice_eq(PTN_SLICE("ab"), PTN_SLICE("a")));
}

static void
test_fold(void **state)
{
    (void)state;
    assert_true(ptn_slice_caseeq(PTN_SLICE("QuiT"), PTN_SLICE("qUIt")));
    assert_false(ptn_slice_caseeq(PTN_SLICE("[x]"), PTN_SLICE("{x}")));
    assert_false(ptn_slice_caseeq(PTN_SLICE("@"), PTN_SLICE("`")));
    /* Letters of Latin-1 and UTF-8 are octets here. */
    assert_false(ptn_slice_caseeq(PTN_SLICE("\xc4"), PTN_SLICE("\xe4")));
    assert_true(ptn_slice_caseeq(empty, empty));
}

static void
test_number(void **state)
{
    static const char *const bad[] = {"",   "-1",  "+1", " 1",
                                      "1 ", "0x1", "1a", "18446744073709551616",
                                      "/",  ":"};
    uint64_t n = 77;

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(bad); i++) {
        assert_false(ptn_slice_to_u64(ptn_slice_of(bad[i]), UINT64_MAX, &n));
        assert_int_equal(n, 77);
    }
    assert_true(
        ptn_slice_to_u64(PTN_SLICE("18446744073709551615"), UINT64_MAX, &n));
    assert_true(n == UINT64_MAX);
    assert_true(ptn_slice_to_u64(PTN_SLICE("0099"), 99, &n));
    assert_int_equal(n, 99);
    assert_false(ptn_slice_to_u64(PTN_SLICE("100"), 99, &n));
    assert_false(ptn_slice_to_u64(PTN_SLICE("5"), 4, &n));
    assert_true(ptn_slice_to_u64(PTN_SLICE("0"), 0, &n));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_fold),
        cmocka_unit_test(test_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
