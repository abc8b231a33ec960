/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of mail/set.c: RFC 3501 section 9, "sequence-set".
 */
#include "tests/unit/mail/test.h"

#include <postern/mail/set.h>

/* The set in `text` resolved with `star`, formatted and freed. */
static void
assert_resolved(const char *text, uint32_t star, const char *expected)
{
    struct ptn_arena arena = PTN_ARENA_INIT;
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_set set;
    size_t used;

    assert_true(ptn_set_parse(ptn_slice_of(text), &arena, &set, &used));
    assert_int_equal(used, strlen(text));
    ptn_set_resolve(&set, star);
    ptn_set_format(&set, &out);
    assert_buf(&out, expected);
    ptn_arena_reset(&arena);
}

static void
sets_are_put_in_order(void **state)
{
    (void)state;
    assert_resolved("1", 9, "1");
    assert_resolved("*", 9, "9");
    assert_resolved("1:*", 9, "1:9");
    assert_resolved("*:1", 9, "1:9");
    assert_resolved("559:*", 23, "23:559");
    assert_resolved("2,4:7,9,12:*", 15, "2,4:7,9,12:15");
    assert_resolved("7:5,1,2,3", 9, "1:3,5:7");
    assert_resolved("1:5,2:3,4:9", 9, "1:9");
    assert_resolved("3,3,3", 9, "3");
    assert_resolved("4294967295,4294967294", 9, "4294967294:4294967295");
    assert_resolved("4294967295,1:4294967295", 9, "1:4294967295");
}

static void
star_of_an_empty_mailbox_is_nothing(void **state)
{
    (void)state;
    assert_resolved("*", 0, "");
    assert_resolved("1:*", 0, "1");
    assert_resolved("*:*,5", 0, "5");
}

static void
reading_stops_behind_the_set(void **state)
{
    struct ptn_arena arena = PTN_ARENA_INIT;
    struct ptn_set set;
    size_t used;

    (void)state;
    assert_true(ptn_set_parse(S("1:3,* FLAGS"), &arena, &set, &used));
    assert_int_equal(used, 5);
    assert_int_equal(set.count, 2);
    assert_true(ptn_set_parse(S("12)"), &arena, &set, &used));
    assert_int_equal(used, 2);
    ptn_arena_reset(&arena);
}

static void
malformed_sets_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "0",
        "01",
        ",",
        "1,",
        ",1",
        "1:",
        ":1",
        "a",
        "-1",
        "1,,2",
        "1:,2",
        "4294967296",
        "1:0",
        " 1",
        "$",
        "1:99999999999999999999",
    };
    struct ptn_arena arena = PTN_ARENA_INIT;
    struct ptn_set set;
    size_t used;

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(bad); i++)
        assert_false(ptn_set_parse(ptn_slice_of(bad[i]), &arena, &set, &used));
    ptn_arena_reset(&arena);
}

static void
sets_have_a_limit(void **state)
{
    struct ptn_arena arena = PTN_ARENA_INIT, tiny = {NULL, 0, 64};
    struct ptn_buf text = PTN_BUF_INIT;
    struct ptn_set set;
    size_t used;

    (void)state;
    ptn_buf_addc(&text, '1');
    for (int i = 1; i < PTN_SET_RANGES_MAX; i++)
        ptn_buf_adds(&text, ",1");
    assert_true(ptn_set_parse(ptn_buf_slice(&text), &arena, &set, &used));
    assert_false(ptn_set_parse(ptn_buf_slice(&text), &tiny, &set, &used));
    ptn_buf_adds(&text, ",1");
    assert_false(ptn_set_parse(ptn_buf_slice(&text), &arena, &set, &used));
    ptn_buf_free(&text);
    ptn_arena_reset(&arena);
    ptn_arena_reset(&tiny);
}

static void
members_are_found(void **state)
{
    struct ptn_arena arena = PTN_ARENA_INIT;
    struct ptn_set set;
    size_t used;

    (void)state;
    assert_true(ptn_set_parse(S("9,2:4,20:*"), &arena, &set, &used));
    ptn_set_resolve(&set, 22);
    for (uint32_t n = 0; n < 30; n++) {
        bool in = (n >= 2 && n <= 4) || n == 9 || (n >= 20 && n <= 22);

        assert_int_equal(ptn_set_has(&set, n), in);
    }
    assert_int_equal(ptn_set_next(&set, 1), 2);
    assert_int_equal(ptn_set_next(&set, 3), 3);
    assert_int_equal(ptn_set_next(&set, 5), 9);
    assert_int_equal(ptn_set_next(&set, 23), 0);
    ptn_arena_reset(&arena);
}

static void
numbers_become_ranges(void **state)
{
    static const uint32_t numbers[] = {4, 5, 6, 9, 8, 10, 11, 11};
    struct ptn_buf out = PTN_BUF_INIT;

    (void)state;
    ptn_set_format_numbers(numbers, PTN_COUNT(numbers), &out);
    assert_buf(&out, "4:6,9,8,10:11,11");
    ptn_set_format_numbers(numbers, 0, &out);
    assert_buf(&out, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_are_put_in_order),
        cmocka_unit_test(star_of_an_empty_mailbox_is_nothing),
        cmocka_unit_test(reading_stops_behind_the_set),
        cmocka_unit_test(malformed_sets_are_refused),
        cmocka_unit_test(sets_have_a_limit),
        cmocka_unit_test(members_are_found),
        cmocka_unit_test(numbers_become_ranges),
    };

    return cmocka_run_group_tests_name("mail/set", tests, NULL, NULL);
}
