/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of mail/address_list.c, imap_text.c and param.c: RFC 5322 section
 * 3.4 and appendix A, RFC 3501 sections 4.3 and 7.4.2, RFC 2231.
 */
#include "tests/unit/mail/test.h"

#include "address_list.h"
#include "imap_text.h"
#include "param.h"
#include <postern/mail/message.h>

static void
assert_addresses(const char *value, const char *expected)
{
    struct ptn_buf out = PTN_BUF_INIT, scratch = PTN_BUF_INIT;
    struct ptn_address_writer w = {&out, &scratch, 0};

    ptn_address_list_add(&w, ptn_slice_of(value));
    ptn_address_list_end(&w);
    assert_buf(&out, expected);
    ptn_buf_free(&scratch);
}

/* RFC 5322 appendices A.1 to A.6. */
static void
addresses_of_the_rfc(void **state)
{
    (void)state;
    assert_addresses("John Doe <jdoe@machine.example>",
                     "((\"John Doe\" NIL \"jdoe\" \"machine.example\"))");
    assert_addresses(
        "\"Joe Q. Public\" <john.q.public@example.com>",
        "((\"Joe Q. Public\" NIL \"john.q.public\" \"example.com\"))");
    assert_addresses("Mary Smith <mary@x.test>, jdoe@example.org, "
                     "Who? <one@y.test>",
                     "((\"Mary Smith\" NIL \"mary\" \"x.test\")"
                     "(NIL NIL \"jdoe\" \"example.org\")"
                     "(\"Who?\" NIL \"one\" \"y.test\"))");
    assert_addresses("<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" "
                     "<sysservices@example.net>",
                     "((NIL NIL \"boss\" \"nil.test\")"
                     "(\"Giant; \\\"Big\\\" Box\" NIL \"sysservices\" "
                     "\"example.net\"))");
    assert_addresses("A Group:Ed Jones <c@a.test>,joe@where.test;",
                     "((NIL NIL \"A Group\" NIL)"
                     "(\"Ed Jones\" NIL \"c\" \"a.test\")"
                     "(NIL NIL \"joe\" \"where.test\")(NIL NIL NIL NIL))");
    assert_addresses("Undisclosed recipients:;",
                     "((NIL NIL \"Undisclosed recipients\" NIL)"
                     "(NIL NIL NIL NIL))");
    assert_addresses("Mary Smith <@node.test:mary@example.net>, , "
                     "jdoe@test  . example",
                     "((\"Mary Smith\" NIL \"mary\" \"example.net\")"
                     "(NIL NIL \"jdoe\" \"test.example\"))");
}

static void
comments_and_quotes(void **state)
{
    (void)state;
    assert_addresses("joe@x (Joe \\) (the) one)",
                     "((\"Joe ) (the) one\" NIL \"joe\" \"x\"))");
    assert_addresses("(ignored) Joe <j@x> (also)",
                     "((\"Joe\" NIL \"j\" \"x\"))");
    assert_addresses("\"a\r\n b\" <\"odd \\\"local\"@x>",
                     "((\"a b\" NIL \"odd \\\"local\" \"x\"))");
    assert_addresses("caf\xc3\xa9 <c@x>",
                     "(({5}\r\ncaf\xc3\xa9 NIL \"c\" \"x\"))");
}

static void
broken_addresses_give_something(void **state)
{
    (void)state;
    assert_addresses("", "NIL");
    assert_addresses(" \r\n ", "NIL");
    assert_addresses("<>", "NIL");
    assert_addresses(",,;:>)", "NIL");
    assert_addresses("(only a comment", "NIL");
    assert_addresses("joe", "((NIL NIL \"joe\" \"\"))");
    assert_addresses("@x", "((NIL NIL \"\" \"x\"))");
    assert_addresses("Joe <j@x", "((\"Joe\" NIL \"j\" \"x\"))");
    assert_addresses("<a@b, c@d>", "((NIL NIL \"a\" \"b\")"
                                   "(NIL NIL \"c\" \"d\"))");
    assert_addresses("\"never ends", "((NIL NIL \"never ends\" \"\"))");
    assert_addresses("G: a@b", "((NIL NIL \"G\" NIL)(NIL NIL \"a\" \"b\")"
                               "(NIL NIL NIL NIL))");
    assert_addresses("a\\", "((NIL NIL \"a\\\\\" \"\"))");
}

static void
lists_have_a_limit(void **state)
{
    struct ptn_buf value = PTN_BUF_INIT, out = PTN_BUF_INIT;
    struct ptn_buf scratch = PTN_BUF_INIT;
    struct ptn_address_writer w = {&out, &scratch, 0};

    (void)state;
    for (int i = 0; i < PTN_ADDRESSES_MAX + 100; i++)
        ptn_buf_adds(&value, "a@b,");
    ptn_address_list_add(&w, ptn_buf_slice(&value));
    assert_int_equal(w.count, PTN_ADDRESSES_MAX);
    ptn_buf_free(&value);
    ptn_buf_free(&out);
    ptn_buf_free(&scratch);
}

static void
strings_are_written(void **state)
{
    struct ptn_buf out = PTN_BUF_INIT;

    (void)state;
    ptn_imap_add_string(&out, S("a\"b\\c"));
    assert_buf(&out, "\"a\\\"b\\\\c\"");
    ptn_imap_add_string(&out, S("a\r\n b\0c"));
    assert_buf(&out, "\"a bc\"");
    ptn_imap_add_string(&out, S("\xe9\r\n\"\0x"));
    assert_buf(&out, "{3}\r\n\xe9\"x");
    ptn_imap_add_nstring(&out, S("  "));
    assert_buf(&out, "\"\"");
    ptn_imap_add_nstring(&out, (struct ptn_slice){NULL, 0});
    assert_buf(&out, "NIL");
}

static void
values_are_read(void **state)
{
    struct ptn_slice text = S(" NIL \"a\\\"b\" ({2}\r\n)( (x)) 12)");
    struct ptn_imap_reader r = {text.data, text.data + text.len};
    struct ptn_slice value;

    (void)state;
    assert_true(ptn_imap_read_value(&r, &value));
    assert_slice(value, "NIL");
    assert_true(ptn_imap_read_value(&r, &value));
    assert_slice(value, "\"a\\\"b\"");
    assert_true(ptn_imap_read_value(&r, &value));
    assert_slice(value, "({2}\r\n)( (x))");
    assert_true(ptn_imap_read_value(&r, &value));
    assert_slice(value, "12");
    assert_false(ptn_imap_read_value(&r, &value));
    assert_int_equal(ptn_imap_read(&r, &value), PTN_IMAP_CLOSE);
    assert_int_equal(ptn_imap_read(&r, &value), PTN_IMAP_END);
}

static void
assert_params(const char *value, const char *expected)
{
    struct ptn_buf out = PTN_BUF_INIT, scratch = PTN_BUF_INIT;
    struct ptn_slice type, subtype;
    struct ptn_params params;

    assert_true(
        ptn_content_type_parse(ptn_slice_of(value), &type, &subtype, &params));
    assert_slice(type, "a");
    assert_slice(subtype, "b");
    ptn_params_write(&params, &scratch, &out);
    assert_buf(&out, expected);
    ptn_buf_free(&scratch);
}

static void
parameters_are_written(void **state)
{
    (void)state;
    assert_params("a/b", "NIL");
    assert_params(" a / b ; x = y ;; z=\"1 \\\"2\" (c) ; q",
                  "(\"x\" \"y\" \"z\" \"1 \\\"2\")");
    assert_params("a/b; name=with blanks.txt; x=1",
                  "(\"name\" \"with blanks.txt\" \"x\" \"1\")");
    /* RFC 2231 sections 3 and 4 */
    assert_params("a/b; URL*1=\"cs.utk.edu\"; URL*0=\"ftp://\"",
                  "(\"URL\" \"ftp://cs.utk.edu\")");
    assert_params("a/b; t*0*=us-ascii'en'This%20is; t*1*=%20%2A; t*2=\"it's\"",
                  "(\"t*\" \"us-ascii'en'This%20is%20%2Ait%27s\")");
    assert_params("a/b; t*1=lost; u*=x'y'%41",
                  "(\"t*1\" \"lost\" \"u*\" \"x'y'%41\")");
}

static void
assert_value(const char *value, const char *name, const char *expected)
{
    struct ptn_buf out = PTN_BUF_INIT;
    struct ptn_slice type, subtype;
    struct ptn_params params;

    assert_true(
        ptn_content_type_parse(ptn_slice_of(value), &type, &subtype, &params));
    assert_int_equal(ptn_params_get(&params, ptn_slice_of(name), &out),
                     expected != NULL);
    assert_buf(&out, expected ? expected : "");
}

static void
parameters_are_found(void **state)
{
    (void)state;
    assert_value("a/b; BOUNDARY=\"x y\"", "boundary", "x y");
    assert_value("a/b; boundary*0=x; boundary*1=y", "boundary", "xy");
    assert_value("a/b; n*=utf-8''a%20%zz%4", "n", "a %zz%4");
    assert_value("a/b; n*=no apostrophes%21", "n", "no apostrophes!");
    assert_value("a/b; n*1=x", "n", NULL);
    assert_value("a/b", "n", NULL);
}

static void
types_that_are_none(void **state)
{
    static const char *const bad[] = {"",    "a",    "a/",   "/b",
                                      "a b", ";x=y", "(a/b)"};
    struct ptn_slice type, subtype;
    struct ptn_params params;

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(bad); i++) {
        params.count = 5;
        assert_false(ptn_content_type_parse(ptn_slice_of(bad[i]), &type,
                                            &subtype, &params));
        assert_int_equal(params.count, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_the_rfc),
        cmocka_unit_test(comments_and_quotes),
        cmocka_unit_test(broken_addresses_give_something),
        cmocka_unit_test(lists_have_a_limit),
        cmocka_unit_test(strings_are_written),
        cmocka_unit_test(values_are_read),
        cmocka_unit_test(parameters_are_written),
        cmocka_unit_test(parameters_are_found),
        cmocka_unit_test(types_that_are_none),
    };

    return cmocka_run_group_tests_name("mail/address_list", tests, NULL, NULL);
}
