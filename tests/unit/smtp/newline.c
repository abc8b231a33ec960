/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of modules/smtp/newline.c.
 */
#include "modules/smtp/newline.h"
#include "tests/unit/smtp/fixture.h"

static void
faults(void **state)
{
    (void)state;
    assert_int_equal(smtp_newline_faults(S(""), 10), 0);
    assert_int_equal(smtp_newline_faults(S("a\r\n.\r\nb"), 10), 0);
    assert_int_equal(smtp_newline_faults(S("a\nb"), 10), PTN_FAULT_BARE_LF);
    assert_int_equal(smtp_newline_faults(S("\n"), 10), PTN_FAULT_BARE_LF);
    assert_int_equal(smtp_newline_faults(S("a\rb"), 10), PTN_FAULT_BARE_CR);
    assert_int_equal(smtp_newline_faults(S("a\r"), 10), PTN_FAULT_BARE_CR);
    assert_int_equal(smtp_newline_faults(S("\r\r\n"), 10), PTN_FAULT_BARE_CR);
    assert_int_equal(smtp_newline_faults(S("a\0b\r\n"), 10), PTN_FAULT_NUL);
    assert_int_equal(smtp_newline_faults(S("12345678\r\n"), 9), 0);
    assert_int_equal(smtp_newline_faults(S("1234567890\r\n"), 9),
                     PTN_FAULT_LONG_LINE);
    assert_int_equal(smtp_newline_faults(S("1234567890"), 9),
                     PTN_FAULT_LONG_LINE);
}

static const char *
mended(struct ptn_slice text)
{
    static char copy[100];
    struct ptn_buf b = PTN_BUF_INIT;
    ptn_buf_addslice(&b, text);
    smtp_newline_mend(&b);
    strcpy(copy, ptn_buf_cstr(&b));
    ptn_buf_free(&b);
    return copy;
}

static void
mending(void **state)
{
    (void)state;
    assert_string_equal(mended(S("a\nb\r\nc\rd")), "a\r\nb\r\nc\r\nd");
    assert_string_equal(mended(S("\n\r\r\n")), "\r\n\r\n\r\n");
    assert_string_equal(mended(S("\n.\n")), "\r\n.\r\n");
    assert_string_equal(mended(S("plain")), "plain");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults),
        cmocka_unit_test(mending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
