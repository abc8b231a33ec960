/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/base/test.h"
#include <postern/arena.h>

static void
test_pieces(void **state)
{
    struct ptn_arena a = PTN_ARENA_INIT;
    unsigned char *pieces[500];

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(pieces); i++) {
        size_t size = (i * 37) % 900;
        pieces[i] = ptn_arena_alloc(&a, size);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        for (size_t at = 0; at < size; at++)
            assert_int_equal(pieces[i][at], 0);
        memset(pieces[i], (int)i, size);
    }
    for (size_t i = 0; i < PTN_COUNT(pieces); i++)
        for (size_t at = 0; at < (i * 37) % 900; at++)
            assert_int_equal(pieces[i][at], i & 255);
    ptn_arena_reset(&a);
    assert_null(a.chunk);
    assert_int_equal(a.used, 0);
    ptn_arena_reset(&a);
}

static void
test_large(void **state)
{
    struct ptn_arena a = PTN_ARENA_INIT;
    char *small = ptn_arena_alloc(&a, 10);
    char *large = ptn_arena_alloc(&a, 1000000);
    char *next = ptn_arena_alloc(&a, 10);

    (void)state;
    memset(large, 'x', 1000000);
    /* The chunk that has room is still the one that is used. */
    assert_int_equal(next - small, 16);
    ptn_arena_reset(&a);
}

static void
test_limit(void **state)
{
    struct ptn_arena a = PTN_ARENA_INIT;

    (void)state;
    a.limit = 100;
    assert_null(ptn_arena_alloc(&a, 101));
    assert_non_null(ptn_arena_alloc(&a, 60));
    assert_null(ptn_arena_alloc(&a, 60));
    assert_null(ptn_arena_dup(&a, PTN_SLICE("0123456789012345678901234567890"
                                            "0123456789")));
    assert_non_null(ptn_arena_alloc(&a, 30));
    ptn_arena_reset(&a);
    assert_int_equal(a.limit, 100);
    assert_non_null(ptn_arena_alloc(&a, 90));
    ptn_arena_reset(&a);
}

static void
test_dup(void **state)
{
    struct ptn_arena a = PTN_ARENA_INIT;

    (void)state;
    assert_string_equal(ptn_arena_dup(&a, PTN_SLICE("word")), "word");
    assert_string_equal(ptn_arena_dup(&a, (struct ptn_slice){NULL, 0}), "");
    ptn_arena_reset(&a);
}

static void
test_heap(void **state)
{
    char *p = ptn_alloc(0), *s = ptn_strdup("text");

    (void)state;
    assert_non_null(p);
    assert_string_equal(s, "text");
    s = ptn_realloc(s, 1000);
    assert_string_equal(s, "text");
    ptn_free(p);
    ptn_free(s);
    ptn_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces), cmocka_unit_test(test_large),
        cmocka_unit_test(test_limit),  cmocka_unit_test(test_dup),
        cmocka_unit_test(test_heap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
