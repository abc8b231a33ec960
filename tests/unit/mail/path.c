/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of mail/path.c: RFC 5321 section 4.1.2.
 */
#include "tests/unit/mail/test.h"

#include <postern/mail/address.h>

/* What is read from `text`, formatted; "(refused)" when nothing is. */
static const char *
read_path(const char *text)
{
    static char result[600];
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_path path;
    size_t used = 0;

    if (!ptn_path_parse(ptn_slice_of(text), &path, &used))
        return "(refused)";
    assert_true(used <= strlen(text));
    assert_int_equal(text[used - 1], '>');
    ptn_path_format(&path, &out);
    assert_true(out.len < sizeof(result));
    memcpy(result, ptn_buf_cstr(&out), out.len + 1);
    ptn_buf_free(&out);
    return result;
}

static void
common_paths(void **state)
{
    (void)state;
    assert_string_equal(read_path("<joe@Example.ORG> SIZE=1"),
                        "joe@example.org");
    assert_string_equal(read_path("<>"), "");
    assert_string_equal(read_path("<a.b+c=d@x-y.example>"),
                        "a.b+c=d@x-y.example");
    assert_string_equal(read_path("<Joe@one.example>"), "Joe@one.example");
    assert_string_equal(read_path("<postMASTER>"), "postMASTER");
    assert_string_equal(read_path("<a@mail_1.example>"), "a@mail_1.example");
}

static void
null_path_is_told(void **state)
{
    struct ptn_path path;
    size_t used;

    (void)state;
    assert_true(ptn_path_parse(S("<> BODY=8BITMIME"), &path, &used));
    assert_true(path.null);
    assert_int_equal(used, 2);
    assert_true(ptn_path_parse(S("<a@b>x"), &path, &used));
    assert_false(path.null);
    assert_int_equal(used, 5);
}

/* RFC 5321 section 4.1.2: the same mailbox has one form. */
static void
needless_quotes_go(void **state)
{
    (void)state;
    assert_string_equal(read_path("<\"joe\"@x.example>"), "joe@x.example");
    assert_string_equal(read_path("<\"\\j\\o\\e\"@x.example>"),
                        "joe@x.example");
    assert_string_equal(read_path("<\"joe smith\"@x.example>"),
                        "\"joe smith\"@x.example");
    assert_string_equal(read_path("<\"a\\\"b\\\\c\"@x.example>"),
                        "\"a\\\"b\\\\c\"@x.example");
    assert_string_equal(read_path("<\"a@b\"@x.example>"), "\"a@b\"@x.example");
    assert_string_equal(read_path("<\"\"@x.example>"), "\"\"@x.example");
    assert_string_equal(read_path("<\".a\"@x.example>"), "\".a\"@x.example");
}

/* RFC 5321 appendix C. */
static void
source_routes_are_passed_over(void **state)
{
    (void)state;
    assert_string_equal(read_path("<@a.example,@b.example:joe@c.example>"),
                        "joe@c.example");
    assert_string_equal(read_path("<@a.example:joe@c.example>"),
                        "joe@c.example");
    assert_string_equal(read_path("<@a.example,joe@c.example>"), "(refused)");
    assert_string_equal(read_path("<@a.example,:joe@c.example>"), "(refused)");
    assert_string_equal(read_path("<@a.example>"), "(refused)");
}

/* RFC 5321 section 4.1.3. */
static void
address_literals(void **state)
{
    (void)state;
    assert_string_equal(read_path("<a@[192.0.2.1]>"), "a@[192.0.2.1]");
    assert_string_equal(read_path("<a@[IPv6:2001:DB8::1]>"),
                        "a@[ipv6:2001:db8::1]");
    assert_string_equal(read_path("<a@[x-tag:some]>"), "a@[x-tag:some]");
    assert_string_equal(read_path("<a@[192.0.2.256]>"), "(refused)");
    assert_string_equal(read_path("<a@[IPv6:2001::db8::1]>"), "(refused)");
    assert_string_equal(read_path("<a@[]>"), "(refused)");
    assert_string_equal(read_path("<a@[192.0.2.1>"), "(refused)");
    assert_string_equal(read_path("<a@[192.0.2.1]x>"), "(refused)");
}

static void
malformed_paths_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "<",
        "joe@x.example",
        "<joe@x.example",
        "<joe>",
        "<@>",
        "<joe@>",
        "<@x.example>",
        "<.joe@x>",
        "<joe.@x>",
        "<j..e@x>",
        "<joe@x..y>",
        "<joe@.x>",
        "<joe@x.>",
        "<joe@-x>",
        "<joe@x->",
        "<j oe@x>",
        "< joe@x>",
        "<joe@x >",
        "<joe@x y>",
        "<\"joe@x>",
        "<\"joe\\",
        "<\"a\"b@x>",
        "<a\"b\"@x>",
        "<a\x01@x>",
        "<a@\x7fx>",
        "<\"a\x01\"@x>",
        "<\"a\r\n\"@x>",
        "<a@b@c>",
        "<a(b)@c>",
        "<\xff@x>",
        "<a@\xc3>",
        "<a,b@c>",
        "<a@x.e\xc2\x85>",
    };

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(bad); i++)
        assert_string_equal(read_path(bad[i]), "(refused)");
}

static void
utf8_is_told(void **state)
{
    struct ptn_path path;
    size_t used;

    (void)state;
    assert_true(
        ptn_path_parse(S("<\xc3\xa9t\xc3\xa9@x.example>"), &path, &used));
    assert_true(path.utf8);
    assert_true(
        ptn_path_parse(S("<a@b\xc3\xbc\x63her.example>"), &path, &used));
    assert_true(path.utf8);
    assert_true(ptn_path_parse(S("<a@b.example>"), &path, &used));
    assert_false(path.utf8);
}

/* `n` times 'a'. */
static void
add_letters(struct ptn_buf *out, size_t n)
{
    memset(ptn_buf_reserve(out, n), 'a', n);
    out->len += n;
}

static bool
sized_path_is_read(size_t local, size_t label, size_t labels)
{
    struct ptn_buf text = PTN_BUF_INIT;
    struct ptn_path path;
    size_t used;
    bool ok;

    ptn_buf_addc(&text, '<');
    add_letters(&text, local);
    ptn_buf_addc(&text, '@');
    for (size_t i = 0; i < labels; i++) {
        if (i)
            ptn_buf_addc(&text, '.');
        add_letters(&text, label);
    }
    ptn_buf_addc(&text, '>');
    ok = ptn_path_parse(ptn_buf_slice(&text), &path, &used);
    ptn_buf_free(&text);
    return ok;
}

/* RFC 5321 section 4.5.3.1. */
static void
parts_have_limits(void **state)
{
    (void)state;
    assert_true(sized_path_is_read(PTN_LOCAL_PART_MAX, 10, 3));
    assert_false(sized_path_is_read(PTN_LOCAL_PART_MAX + 1, 10, 3));
    assert_true(sized_path_is_read(1, 63, 3));
    assert_false(sized_path_is_read(1, 64, 3));
    assert_true(sized_path_is_read(1, 61, 4));
    assert_false(sized_path_is_read(10, 61, 4));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(common_paths),
        cmocka_unit_test(null_path_is_told),
        cmocka_unit_test(needless_quotes_go),
        cmocka_unit_test(source_routes_are_passed_over),
        cmocka_unit_test(address_literals),
        cmocka_unit_test(malformed_paths_are_refused),
        cmocka_unit_test(utf8_is_told),
        cmocka_unit_test(parts_have_limits),
    };

    return cmocka_run_group_tests_name("mail/path", tests, NULL, NULL);
}
