/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of plugins/passwd/entry.c: the syntax of lines and names.
 */
#include "plugins/passwd/entry.h"
#include "tests/unit/passwd/fixture.h"

static bool
is(struct ptn_slice s, const char *text)
{
    return ptn_slice_eq(s, ptn_slice_of(text));
}

static void
fields_of_a_user(void **state)
{
    struct passwd_entry e;
    (void)state;
    assert_null(passwd_entry_parse(S("a@b:{PLAIN}x:1G"), &e));
    assert_true(is(e.name, "a@b"));
    assert_true(is(e.state, "{PLAIN}x"));
    assert_int_equal(e.quota, 1u << 30);
    assert_null(passwd_entry_parse(S("a@b:{PLAIN}x"), &e));
    assert_true(is(e.state, "{PLAIN}x"));
    assert_int_equal(e.quota, 0);
    assert_null(passwd_entry_parse(S(" a@b:{PLAIN}x: \r"), &e));
    assert_int_equal(e.quota, 0);
}

/* The quota begins at the last colon, so a password may hold colons. */
static void
colon_in_a_password(void **state)
{
    struct passwd_entry e;
    (void)state;
    assert_null(passwd_entry_parse(S("a:{PLAIN}x:y:"), &e));
    assert_true(is(e.state, "{PLAIN}x:y"));
    assert_non_null(passwd_entry_parse(S("a:{PLAIN}x:y"), &e));
}

static void
malformed_users(void **state)
{
    struct passwd_entry e;
    (void)state;
    assert_non_null(passwd_entry_parse(S("nothing"), &e));
    assert_non_null(passwd_entry_parse(S(""), &e));
    assert_non_null(passwd_entry_parse(S("a:b:-1"), &e));
    assert_non_null(passwd_entry_parse(S("a:b:1X"), &e));
    assert_non_null(passwd_entry_parse(S("a:b:G"), &e));
    assert_non_null(passwd_entry_parse(S("a:b:99999999999999999999"), &e));
}

static void
quotas(void **state)
{
    uint64_t q = 0;
    (void)state;
    assert_true(passwd_quota_parse(S("0"), &q));
    assert_int_equal(q, 0);
    assert_true(passwd_quota_parse(S("2k"), &q));
    assert_int_equal(q, 2048);
    assert_true(passwd_quota_parse(S("35M"), &q));
    assert_int_equal(q, 35u << 20);
    assert_true(passwd_quota_parse(S("3T"), &q));
    assert_int_equal(q, 3ull << 40);
    assert_false(passwd_quota_parse(S("9999999999G"), &q));
    assert_false(passwd_quota_parse(S(""), &q));
    assert_false(passwd_quota_parse(S("M"), &q));
}

static void
targets_of_an_alias(void **state)
{
    struct ptn_slice name, targets, one;
    (void)state;
    assert_null(passwd_alias_parse(S("team:  a@b ,c,d@e "), &name, &targets));
    assert_true(is(name, "team"));
    assert_true(passwd_target_next(&targets, &one));
    assert_true(is(one, "a@b"));
    assert_true(passwd_target_next(&targets, &one));
    assert_true(is(one, "c"));
    assert_true(passwd_target_next(&targets, &one));
    assert_true(is(one, "d@e"));
    assert_false(passwd_target_next(&targets, &one));
    assert_non_null(passwd_alias_parse(S("team"), &name, &targets));
    assert_non_null(passwd_alias_parse(S("team:"), &name, &targets));
    assert_non_null(passwd_alias_parse(S("team: a,,b"), &name, &targets));
}

static void
names(void **state)
{
    char out[PTN_USER_NAME_MAX + 1], longest[PTN_USER_NAME_MAX + 2];
    (void)state;
    assert_int_equal(passwd_name_fold(S("Bob"), "b.example", false, out), 13);
    assert_string_equal(out, "bob@b.example");
    assert_int_equal(passwd_name_fold(S("A@B"), "b.example", false, out), 3);
    assert_string_equal(out, "a@b");
    assert_int_equal(passwd_name_fold(S("@b"), NULL, true, out), 2);
    assert_int_equal(passwd_name_fold(S("@b"), NULL, false, out), 0);
    assert_int_equal(passwd_name_fold(S("a@"), NULL, true, out), 0);
    assert_int_equal(passwd_name_fold(S("a b"), NULL, false, out), 0);
    assert_int_equal(passwd_name_fold(S("a:b"), NULL, false, out), 0);
    assert_int_equal(passwd_name_fold(S("a,b"), NULL, false, out), 0);
    assert_int_equal(passwd_name_fold(S("a\0b"), NULL, false, out), 0);
    assert_int_equal(passwd_name_fold(S("#a"), NULL, false, out), 0);
    assert_int_equal(passwd_name_fold(S(""), NULL, false, out), 0);
    memset(longest, 'a', sizeof(longest));
    struct ptn_slice s = {longest, PTN_USER_NAME_MAX};
    assert_int_equal(passwd_name_fold(s, NULL, false, out), s.len);
    assert_int_equal(passwd_name_fold(s, "d", false, out), 0);
    s.len++;
    assert_int_equal(passwd_name_fold(s, NULL, false, out), 0);
}

static void
void_lines(void **state)
{
    (void)state;
    assert_true(passwd_line_is_void(S("")));
    assert_true(passwd_line_is_void(S(" \t\r")));
    assert_true(passwd_line_is_void(S("  # users")));
    assert_false(passwd_line_is_void(S("a:b")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_a_user),
        cmocka_unit_test(colon_in_a_password),
        cmocka_unit_test(malformed_users),
        cmocka_unit_test(quotas),
        cmocka_unit_test(targets_of_an_alias),
        cmocka_unit_test(names),
        cmocka_unit_test(void_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
