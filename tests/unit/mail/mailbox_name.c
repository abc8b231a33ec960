/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of mail/mailbox_name.c.
 */
#include "tests/unit/mail/test.h"

#include <postern/mail/address.h>
#include <postern/mail/store.h>

static void
names_that_can_be(void **state)
{
    static const char *const good[] = {
        "INBOX", "a",   "a/b",  "Sent Messages", "...", "a/.b",
        "..a",   "a\"", "a\\b", "~/x",           "#x",  "\xc3\xa9/\xe2\x98\xba",
    };

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(good); i++)
        assert_true(ptn_mailbox_name_valid(ptn_slice_of(good[i])));
}

static void
names_that_cannot_be(void **state)
{
    static const char *const bad[] = {
        "",   "/",    "/a",   "a/",    "a//b",     ".",
        "..", "a/..", "../a", "a/./b", "a\nb",     "a\x7f",
        "a*", "a%b",  "\xff", "a\xc3", "\xc2\x85", "\xe2\x80\xa8",
    };

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(bad); i++)
        assert_false(ptn_mailbox_name_valid(ptn_slice_of(bad[i])));
    assert_false(ptn_mailbox_name_valid(S("a\0b")));
}

static void
names_have_limits(void **state)
{
    char name[PTN_MAILBOX_NAME_MAX + 1];
    struct ptn_slice all = {name, sizeof(name)};

    (void)state;
    memset(name, 'x', sizeof(name));
    assert_false(ptn_mailbox_name_valid(all));
    all.len--;
    assert_true(ptn_mailbox_name_valid(all));
    for (size_t i = 0; i < PTN_MAILBOX_DEPTH_MAX - 1; i++)
        name[2 * i + 1] = '/';
    assert_true(ptn_mailbox_name_valid(all));
    name[2 * PTN_MAILBOX_DEPTH_MAX - 1] = '/';
    assert_false(ptn_mailbox_name_valid(all));
}

static bool
match(const char *pattern, const char *name)
{
    return ptn_mailbox_name_match(ptn_slice_of(pattern), ptn_slice_of(name));
}

/* RFC 3501 section 6.3.8. */
static void
patterns_match(void **state)
{
    (void)state;
    assert_true(match("*", "a/b/c"));
    assert_true(match("*", ""));
    assert_true(match("", ""));
    assert_false(match("", "a"));
    assert_true(match("%", "a"));
    assert_false(match("%", "a/b"));
    assert_true(match("%/%", "a/b"));
    assert_false(match("%/%", "a/b/c"));
    assert_true(match("a%c", "abc"));
    assert_true(match("a%c", "ac"));
    assert_false(match("a%c", "a/c"));
    assert_true(match("a*c", "a/b/c"));
    assert_true(match("a*b%", "a/b/b"));
    assert_false(match("a*b%", "a/b/c"));
    assert_true(match("%*", "a/b"));
    assert_true(match("*%", "a/b"));
    assert_true(match("a/*", "a/b"));
    assert_false(match("a/*", "a"));
    assert_true(match("a", "a"));
    assert_false(match("a", "A"));
    assert_false(match("ab", "a"));
    assert_false(match("a", "ab"));
    assert_true(match("%b%/%d", "abb/cd"));
}

static void
inbox_matches_in_any_case(void **state)
{
    (void)state;
    assert_true(match("inbox", "INBOX"));
    assert_true(match("InB%", "INBOX"));
    assert_true(match("inbox/x", "INBOX/x"));
    assert_false(match("inbox/X", "INBOX/x"));
    assert_false(match("inboxes", "INBOXES"));
    assert_false(match("a/inbox", "a/INBOX"));
}

/* A pattern that takes exponential time with naive backtracking. */
static void
hostile_pattern_ends(void **state)
{
    struct ptn_buf pattern = PTN_BUF_INIT;
    char name[PTN_MAILBOX_NAME_MAX];

    (void)state;
    memset(name, 'a', sizeof(name));
    for (int i = 0; i < 100; i++)
        ptn_buf_adds(&pattern, "*a%");
    ptn_buf_adds(&pattern, "b");
    assert_false(ptn_mailbox_name_match(ptn_buf_slice(&pattern),
                                        (struct ptn_slice){name, 255}));
    pattern.len--;
    assert_true(ptn_mailbox_name_match(ptn_buf_slice(&pattern),
                                       (struct ptn_slice){name, 255}));
    ptn_buf_free(&pattern);
}

/* One of half a megabyte, as long as a command can make it: a walk over the
 * name for each wildcard would take minutes here. */
static void
wildcards_in_a_row_are_one(void **state)
{
    struct ptn_buf pattern = PTN_BUF_INIT;
    char name[PTN_MAILBOX_NAME_MAX];

    (void)state;
    memset(name, 'a', sizeof(name));
    name[100] = '/';
    ptn_buf_adds(&pattern, "a");
    for (int i = 0; i < 250000; i++)
        ptn_buf_adds(&pattern, "%*");
    for (int i = 0; i < 2000; i++)
        assert_true(ptn_mailbox_name_match(ptn_buf_slice(&pattern),
                                           (struct ptn_slice){name, 255}));
    ptn_buf_free(&pattern);
    assert_true(match("a%%", "ab"));
    assert_false(match("a%%", "a/b"));
    assert_true(match("a%*", "a/b"));
    assert_true(match("a*%", "a/b"));
    assert_false(match("%%x", "a/b"));
    assert_true(match("%%/%%b", "a/b"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_can_be),
        cmocka_unit_test(names_that_cannot_be),
        cmocka_unit_test(names_have_limits),
        cmocka_unit_test(patterns_match),
        cmocka_unit_test(inbox_matches_in_any_case),
        cmocka_unit_test(hostile_pattern_ends),
        cmocka_unit_test(wildcards_in_a_row_are_one),
    };

    return cmocka_run_group_tests_name("mail/mailbox_name", tests, NULL, NULL);
}
