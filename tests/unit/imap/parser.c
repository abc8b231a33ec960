/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The argument grammar: what each rule takes, and what it refuses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the four above */
#include <cmocka.h>

#include "format.h"
#include "parser.h"

static struct ptn_arena arena;

static struct imap_cursor
at(const char *text)
{
    return (struct imap_cursor){
        .p = text, .end = text + strlen(text), .arena = &arena};
}

static int
clean(void **state)
{
    (void)state;
    ptn_arena_reset(&arena);
    return 0;
}

static void
assert_slice(struct ptn_slice s, const char *text)
{
    assert_int_equal(s.len, strlen(text));
    assert_memory_equal(s.data, text, s.len);
}

/* --- strings --- */

static void
takes_strings(void **state)
{
    static const struct {
        const char *text, *value, *rest;
    } rows[] = {
        {"INBOX x", "INBOX", " x"},
        {"\"a b\"", "a b", ""},
        {"\"\"", "", ""},
        {"\"a\\\"b\\\\\"", "a\"b\\", ""},
        {"{3}\r\na\"b)", "a\"b", ")"},
        {"{3+}\r\n{5}", "{5}", ""},
        {"{0}\r\n", "", ""},
        {"a]b", "a]b", ""},
    };
    struct ptn_slice value;

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(rows); i++) {
        struct imap_cursor in = at(rows[i].text);

        assert_true(imap_parse_astring(&in, &value));
        assert_slice(value, rows[i].value);
        assert_string_equal(in.p, rows[i].rest);
    }
}

static void
refuses_strings(void **state)
{
    static const char *const rows[] = {
        "",
        "(",
        "\"abc",
        "\"a\\b\"",
        "\"a\r\nb\"",
        "{4}\r\nabc",
        "{-1}\r\n",
        "{}\r\n",
        "{3}abc",
        "{3",
        "{4294967296}\r\n",
        "*",
        "\"a\\",
        "\x80",
        "{99999999999999999999}\r\n",
    };
    struct ptn_slice value;

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(rows); i++) {
        struct imap_cursor in = at(rows[i]);

        assert_false(imap_parse_astring(&in, &value));
        assert_non_null(in.error);
        assert_false(in.refused);
    }
}

static void
refuses_nul_in_literal(void **state)
{
    static const char text[] = "{3}\r\na\0b";
    struct imap_cursor in = {text, text + sizeof(text) - 1, &arena, NULL, 0};
    struct ptn_slice value;

    (void)state;
    assert_false(imap_parse_astring(&in, &value));
}

static void
escapes_respect_the_limit(void **state)
{
    struct imap_cursor in = at("\"aaaa\\\\aaaa\"");
    struct ptn_slice value;

    (void)state;
    arena.limit = 4;
    assert_false(imap_parse_astring(&in, &value));
    arena.limit = 0;
}

/* --- numbers and sets --- */

static void
takes_numbers(void **state)
{
    uint32_t n;
    struct imap_cursor in = at("4294967295)");

    (void)state;
    assert_true(imap_parse_nz_number(&in, &n));
    assert_int_equal(n, UINT32_MAX);
    assert_true(imap_next_is(&in, ')'));
    in = at("4294967296");
    assert_false(imap_parse_number(&in, &n));
    in = at("x");
    assert_false(imap_parse_number(&in, &n));
    in = at("0");
    assert_false(imap_parse_nz_number(&in, &n));
    in = at("0");
    assert_true(imap_parse_number(&in, &n));
}

static void
takes_sets(void **state)
{
    struct imap_cursor in = at("1:3,7:* FLAGS");
    struct ptn_slice set;

    (void)state;
    assert_true(imap_parse_set(&in, &set));
    assert_slice(set, "1:3,7:*");
    in = at("FLAGS");
    assert_false(imap_parse_set(&in, &set));
}

/* --- names --- */

static void
mailbox_names_become_utf8(void **state)
{
    static const struct {
        const char *text, *name;
    } rows[] = {
        {"inbox", "INBOX"},     {"\"InBox/Sub\"", "INBOX/Sub"},
        {"inboxes", "inboxes"}, {"Entw&APw-rfe", "Entw\xc3\xbcrfe"},
        {"\"a/b/\"", "a/b"},
    };
    struct ptn_slice name;

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(rows); i++) {
        struct imap_cursor in = at(rows[i].text);

        assert_true(imap_parse_mailbox(&in, &name));
        assert_slice(name, rows[i].name);
    }
}

static void
impossible_names_are_refused_not_bad(void **state)
{
    static const char *const rows[] = {
        "\"\"", "..",   "a/../b",      "\"/a\"", "a//b",        "\"a*b\"",
        "&AP",  "&APw", "{3}\r\na\nb", "\"/\"",  "{1}\r\n\xff", "&AGE-",
    };
    struct ptn_slice name;

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(rows); i++) {
        struct imap_cursor in = at(rows[i]);

        assert_false(imap_parse_mailbox(&in, &name));
        assert_true(in.refused);
        assert_ptr_equal(strstr(in.error, "[CANNOT]"), in.error);
    }
}

/* --- flags --- */

static void
takes_flags(void **state)
{
    struct imap_flag_list flags;
    struct imap_cursor in = at("(\\seen $Label1 \\DELETED junk)");

    (void)state;
    assert_true(imap_parse_flags(&in, false, &flags));
    assert_int_equal(flags.system, PTN_FLAG_SEEN | PTN_FLAG_DELETED);
    assert_int_equal(flags.keyword_count, 2);
    assert_slice(flags.keywords[1], "junk");
    in = at("()");
    assert_true(imap_parse_flags(&in, false, &flags));
    assert_int_equal(flags.keyword_count, 0);
    in = at("\\Seen \\Draft");
    assert_true(imap_parse_flags(&in, true, &flags));
    assert_int_equal(flags.system, PTN_FLAG_SEEN | PTN_FLAG_DRAFT);
}

static void
refuses_flags(void **state)
{
    static const char *const rows[] = {
        "\\Seen", "(\\Recent)", "(\\Nonsense)", "(a",
        "(a  b)", "(a b]c)",    "(\\)",         "(\"a\")",
    };
    struct imap_flag_list flags;

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(rows); i++) {
        struct imap_cursor in = at(rows[i]);

        assert_false(imap_parse_flags(&in, false, &flags));
    }
}

static void
counts_keywords(void **state)
{
    struct imap_flag_list flags;
    struct imap_cursor in;
    char text[4 * (IMAP_KEYWORDS_MAX + 2)] = "(";

    (void)state;
    for (int i = 0; i <= IMAP_KEYWORDS_MAX; i++)
        strcat(text, i ? " a" : "a");
    strcat(text, ")");
    in = at(text);
    assert_false(imap_parse_flags(&in, false, &flags));
    assert_string_equal(in.error, "too many keywords");
}

/* --- what goes out --- */

static void
strings_are_quoted_or_literals(void **state)
{
    static const struct {
        const char *value, *wire;
    } rows[] = {
        {"INBOX", "INBOX"},
        {"a b", "\"a b\""},
        {"", "\"\""},
        {"nil", "\"nil\""},
        {"a\"\\", "\"a\\\"\\\\\""},
        {"a\nb", "{3}\r\na\nb"},
        {"100%", "\"100%\""},
    };
    struct ptn_buf out = PTN_BUF_INIT;

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(rows); i++) {
        out.len = 0;
        imap_put_astring(&out, ptn_slice_of(rows[i].value));
        assert_string_equal(ptn_buf_cstr(&out), rows[i].wire);
    }
    ptn_buf_free(&out);
}

static void
numbers_and_counts(void **state)
{
    struct ptn_buf out = PTN_BUF_INIT;
    char digits[IMAP_DIGITS_MAX + 1] = "";

    (void)state;
    *imap_digits(digits, UINT64_MAX) = 0;
    assert_string_equal(digits, "18446744073709551615");
    imap_put_count(&out, 0, "EXISTS");
    imap_put_fetch(&out, 4294967295);
    imap_put_system_flags(&out, PTN_FLAG_ANSWERED | PTN_FLAG_DRAFT);
    assert_string_equal(ptn_buf_cstr(&out), "* 0 EXISTS\r\n"
                                            "* 4294967295 FETCH ("
                                            "\\Answered \\Draft");
    out.len = 0;
    imap_put_mailbox(&out, PTN_SLICE("a&\xc3\xbc"));
    assert_string_equal(ptn_buf_cstr(&out), "a&-&APw-");
    ptn_buf_free(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(takes_strings, clean),
        cmocka_unit_test_teardown(refuses_strings, clean),
        cmocka_unit_test_teardown(refuses_nul_in_literal, clean),
        cmocka_unit_test_teardown(escapes_respect_the_limit, clean),
        cmocka_unit_test_teardown(takes_numbers, clean),
        cmocka_unit_test_teardown(takes_sets, clean),
        cmocka_unit_test_teardown(mailbox_names_become_utf8, clean),
        cmocka_unit_test_teardown(impossible_names_are_refused_not_bad, clean),
        cmocka_unit_test_teardown(takes_flags, clean),
        cmocka_unit_test_teardown(refuses_flags, clean),
        cmocka_unit_test_teardown(counts_keywords, clean),
        cmocka_unit_test_teardown(strings_are_quoted_or_literals, clean),
        cmocka_unit_test_teardown(numbers_and_counts, clean),
    };

    return cmocka_run_group_tests_name("imap/parser", tests, NULL, NULL);
}
