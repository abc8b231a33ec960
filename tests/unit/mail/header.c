/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of mail/header.c, words.c, charset.c and transfer.c: RFC 5322
 * section 2.2, RFC 2047, RFC 2045 section 6.
 */
#include "tests/unit/mail/test.h"

#include "charset.h"
#include "header.h"
#include "transfer.h"

static void
fields_are_told_apart(void **state)
{
    static const struct {
        const char *name, *value, *whole;
    } fields[] = {
        {"A", " one\r\n two", "A: one\r\n two\r\n"},
        {"B", "", "B \t:\r\n"},
        {"", "no colon here\r\n more", "no colon here\r\n more\r\n"},
        {"", ": no name", ": no name\r\n"},
        {"", "x y: z", "x y: z\r\n"},
        {"C", "d:e", "C:d:e\n"},
        {"D", "\r\n ", "D:\r\n \r\n"},
    };
    struct ptn_slice header = S("A: one\r\n two\r\nB \t:\r\n"
                                "no colon here\r\n more\r\n: no name\r\n"
                                "x y: z\r\nC:d:e\nD:\r\n \r\n\r\nE: body\r\n");
    struct ptn_header_field field;
    size_t at = 0;

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(fields); i++) {
        assert_true(ptn_header_next(header, &at, &field));
        assert_slice(field.name, fields[i].name);
        assert_slice(field.value, fields[i].value);
        assert_slice(field.whole, fields[i].whole);
    }
    assert_false(ptn_header_next(header, &at, &field));
    assert_int_equal(ptn_header_length(header), header.len - 9);
}

static void
ends_of_headers(void **state)
{
    (void)state;
    assert_int_equal(ptn_header_length(S("")), 0);
    assert_int_equal(ptn_header_length(S("\r\nbody")), 2);
    assert_int_equal(ptn_header_length(S("\nbody")), 1);
    assert_int_equal(ptn_header_length(S("A: b")), 4);
    assert_int_equal(ptn_header_length(S("A: b\r\n")), 6);
    assert_int_equal(ptn_header_length(S("A: b\r\n\r\n")), 8);
    assert_int_equal(ptn_header_length(S("A: b\n\nbody")), 6);
    assert_int_equal(ptn_header_length(S("A: b\r\n\r")), 7);
}

static void
first_field_of_a_name_counts(void **state)
{
    struct ptn_header header = {
        .source = {S("subject: one\r\nX: y\r\n"), S("Subject: two\r\n")}};

    (void)state;
    ptn_header_collect(&header);
    assert_slice(header.value[PTN_FIELD_SUBJECT], " one");
    assert_int_equal(header.repeated, 1 << PTN_FIELD_SUBJECT);
    assert_null(header.value[PTN_FIELD_FROM].data);
    assert_int_equal(ptn_field_of(S("CONTENT-ID")), PTN_FIELD_CONTENT_ID);
    assert_int_equal(ptn_field_of(S("Content-IE")), PTN_FIELD_OTHER);
}

static void
assert_decoded(const char *value, const char *expected)
{
    struct ptn_buf out = PTN_BUF_INIT;

    ptn_header_decode(ptn_slice_of(value), &out);
    assert_buf(&out, expected);
}

/* The examples of RFC 2047 section 8, and what real mail has. */
static void
encoded_words_are_decoded(void **state)
{
    (void)state;
    assert_decoded("(=?ISO-8859-1?Q?a?=)", "(a)");
    assert_decoded("(=?ISO-8859-1?Q?a?= b)", "(a b)");
    assert_decoded("(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)");
    assert_decoded("(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)");
    assert_decoded("(=?ISO-8859-1?Q?a?=\r\n =?ISO-8859-1?Q?b?=)", "(ab)");
    assert_decoded("(=?ISO-8859-1?Q?a_b?=)", "(a b)");
    assert_decoded("(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)");
    assert_decoded("=?utf-8?b?w6nDqA==?= x =?UTF-8*fr?Q?=c3=a9?=",
                   "\xc3\xa9\xc3\xa8 x \xc3\xa9");
    assert_decoded("=?iso-8859-1?q?=E9=DF?=", "\xc3\xa9\xc3\x9f");
    assert_decoded("=?koi8-r?B?8NLJ18XU?=",
                   "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82");
    assert_decoded("=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=",
                   "\xe6\x97\xa5\xe6\x9c\xac");
    /* a character across two words */
    assert_decoded("=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "\xc3\xa9");
}

static void
what_is_no_encoded_word_stays(void **state)
{
    (void)state;
    assert_decoded("", "");
    assert_decoded("  a\r\n b  ", "a b");
    assert_decoded("a = b =? c", "a = b =? c");
    assert_decoded("=?utf-8?x?abc?=", "=?utf-8?x?abc?=");
    assert_decoded("=?utf-8?q?abc", "=?utf-8?q?abc");
    assert_decoded("=?utf-8?q?abc?", "=?utf-8?q?abc?");
    assert_decoded("=?=?utf-8?q?abc?=", "=?abc");
    assert_decoded("=?none-such?q?a=E9?=", "a\xe9");
    assert_decoded("caf\xc3\xa9", "caf\xc3\xa9");
    assert_decoded("=?utf-8?q?"
                   "?= x",
                   " x");
}

static void
decode(char encoding, const char *text, size_t piece, struct ptn_buf *out)
{
    struct ptn_transfer t = {.encoding = encoding};
    struct ptn_slice rest = ptn_slice_of(text);

    while (rest.len) {
        size_t n = rest.len < piece ? rest.len : piece;

        ptn_transfer_decode(&t, ptn_slice_sub(rest, 0, n), out);
        rest = ptn_slice_sub(rest, n, rest.len - n);
    }
}

static void
transfer_encodings_in_pieces(void **state)
{
    static const struct {
        char encoding;
        const char *text, *expected;
    } pairs[] = {
        {'6', "YWJjZA==", "abcd"},
        {'6', "YWJj\r\nZGU=\r\n", "abcde"},
        {'6', "YQ==YmM=", "abc"},
        {'6', "Y*W\xff\x4a j", "abc"},
        {'6', "YWJ", "ab"},
        {'q', "a=20b=\r\nc=\nd", "a bcd"},
        {'q', "=41=4a=4Az", "AJJz"},
        {'q', "=4x=zz==41", "=4x=zz==41"},
        {'q', "a=", "a"},
        {'7', "=41", "=41"},
        {'?', "YQ==", "YQ=="},
    };

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(pairs); i++) {
        for (size_t piece = 1; piece < 10; piece++) {
            struct ptn_buf out = PTN_BUF_INIT;

            decode(pairs[i].encoding, pairs[i].text, piece, &out);
            assert_buf(&out, pairs[i].expected);
        }
    }
}

static void
convert(const char *charset, const char *text, size_t piece,
        const char *expected)
{
    struct ptn_slice rest = ptn_slice_of(text);
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_charset c;

    assert_true(ptn_charset_open(&c, ptn_slice_of(charset)));
    while (rest.len) {
        size_t n = rest.len < piece ? rest.len : piece;

        ptn_charset_convert(&c, ptn_slice_sub(rest, 0, n), &out);
        rest = ptn_slice_sub(rest, n, rest.len - n);
    }
    ptn_charset_close(&c);
    assert_buf(&out, expected);
}

static void
charsets_in_pieces(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 8; piece++) {
        convert("utf-8", "\xc3\xa9", piece, "\xc3\xa9");
        convert("ISO-8859-1", "\xe9z", piece, "\xc3\xa9z");
        convert("windows-1252", "\x80z", piece, "\xe2\x82\xacz");
        convert("gb2312", "\xc4\xe3\xba\xc3!", piece,
                "\xe4\xbd\xa0\xe5\xa5\xbd!");
        convert("gb2312", "\xc4\xff!", piece, "\xef\xbf\xbd\xef\xbf\xbd!");
    }
}

static void
names_that_are_no_charsets(void **state)
{
    static const char *const bad[] = {
        "",
        "x-none",
        "utf-8//IGNORE",
        "../../etc/passwd",
        "utf-8 ",
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"};

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(bad); i++) {
        struct ptn_charset c;

        assert_false(ptn_charset_open(&c, ptn_slice_of(bad[i])));
        ptn_charset_close(&c);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_told_apart),
        cmocka_unit_test(ends_of_headers),
        cmocka_unit_test(first_field_of_a_name_counts),
        cmocka_unit_test(encoded_words_are_decoded),
        cmocka_unit_test(what_is_no_encoded_word_stays),
        cmocka_unit_test(transfer_encodings_in_pieces),
        cmocka_unit_test(charsets_in_pieces),
        cmocka_unit_test(names_that_are_no_charsets),
    };

    return cmocka_run_group_tests_name("mail/header", tests, NULL, NULL);
}
