/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of mail/flags.c.
 */
#include "tests/unit/mail/test.h"

#include <postern/mail/flags.h>

static void
names_of_flags_go_both_ways(void **state)
{
    (void)state;
    for (uint32_t bit = 1; bit <= PTN_FLAG_DRAFT; bit <<= 1) {
        const char *name = ptn_flag_name(bit);

        assert_non_null(name);
        assert_int_equal(ptn_flag_parse(ptn_slice_of(name)), bit);
    }
    assert_int_equal(ptn_flag_parse(S("\\sEEN")), PTN_FLAG_SEEN);
    assert_int_equal(ptn_flag_parse(S("\\ANSWERED")), PTN_FLAG_ANSWERED);
}

static void
what_is_no_flag_has_no_bit(void **state)
{
    (void)state;
    assert_int_equal(ptn_flag_parse(S("\\Recent")), 0);
    assert_int_equal(ptn_flag_parse(S("Seen")), 0);
    assert_int_equal(ptn_flag_parse(S("\\Seen2")), 0);
    assert_int_equal(ptn_flag_parse(S("")), 0);
    assert_null(ptn_flag_name(0));
    assert_null(ptn_flag_name(3));
}

static void
keywords_are_atoms(void **state)
{
    char longest[PTN_KEYWORD_LEN_MAX + 1];

    (void)state;
    assert_true(ptn_keyword_valid(S("$Forwarded")));
    assert_true(ptn_keyword_valid(S("NonJunk")));
    assert_true(ptn_keyword_valid(S("a}b")));
    assert_false(ptn_keyword_valid(S("")));
    assert_false(ptn_keyword_valid(S("\\Seen")));
    assert_false(ptn_keyword_valid(S("two words")));
    assert_false(ptn_keyword_valid(S("a]b")));
    assert_false(ptn_keyword_valid(S("a\0b")));
    assert_false(ptn_keyword_valid(S("caf\xc3\xa9")));
    memset(longest, 'k', sizeof(longest));
    assert_true(
        ptn_keyword_valid((struct ptn_slice){longest, PTN_KEYWORD_LEN_MAX}));
    assert_false(
        ptn_keyword_valid((struct ptn_slice){longest, sizeof(longest)}));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_flags_go_both_ways),
        cmocka_unit_test(what_is_no_flag_has_no_bit),
        cmocka_unit_test(keywords_are_atoms),
    };

    return cmocka_run_group_tests_name("mail/flags", tests, NULL, NULL);
}
