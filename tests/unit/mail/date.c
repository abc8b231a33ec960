/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of mail/date.c: RFC 5322 sections 3.3 and 4.3, RFC 3501 section 9.
 */
#include "tests/unit/mail/test.h"

#include <postern/mail/date.h>
#include <time.h>

static void
header_dates_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
        int32_t zone;
    } dates[] = {
        {"Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360},
        {"21 Nov 1997 09:55:06 -0600", 880127706, -360},
        {"21 nov 97 9:55:06 CST", 880127706, -360},
        {"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706, -360},
        {"Thu,\r\n  13\r\n Feb\r\n 1969\r\n 23:32\r\n -0330 (Newfoundland)",
         -27723480, -210},
        {"(a (nested \\) one)) Thu , 1 Jan 1970 00:00:00 GMT", 0, 0},
        {"Thu, 1 Jan 1970 01:00 +0100", 0, 60},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777, 0},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777, 0},
        {"6 November 1994 08:49:37 Z", 784111777, 0},
        {"6 Nov 1994 08:49:37", 784111777, 0},
        {"29 Feb 2000 12:00:00 PDT", 951850800, -420},
        {"31 Dec 2016 23:59:60 +0000", 1483228800, 0},
        {"1 Jan 49 00:00:00 UT", 2493072000, 0},
        {"1 Jan 50 00:00:00 UT", -631152000, 0},
        {"1 Jan 101 00:00:00 UT", 978307200, 0},
    };

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(dates); i++) {
        int64_t seconds = 1;
        int32_t zone = 1;

        assert_true(
            ptn_date_parse(ptn_slice_of(dates[i].text), &seconds, &zone));
        assert_int_equal(seconds, dates[i].seconds);
        assert_int_equal(zone, dates[i].zone);
    }
}

static void
what_is_no_date_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "yesterday",
        "Fri, Nov 21 1997 09:55:06",
        "32 Jan 2000 00:00:00 +0000",
        "30 Feb 2000 00:00:00 +0000",
        "29 Feb 1999 00:00:00 +0000",
        "0 Jan 2000 00:00:00 +0000",
        "1 Foo 2000 00:00:00 +0000",
        "1 Jan 2000",
        "1 Jan 2000 24:00:00 +0000",
        "1 Jan 2000 00:60:00 +0000",
        "1 Jan 2000 00:00:61 +0000",
        "1 Jan 2000 00:0",
        "1 Jan 2",
        "1 Ja",
        "(((",
    };
    int64_t seconds;
    int32_t zone;

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(bad); i++)
        assert_false(ptn_date_parse(ptn_slice_of(bad[i]), &seconds, &zone));
}

static void
dates_are_written(void **state)
{
    struct ptn_buf out = PTN_BUF_INIT;

    (void)state;
    ptn_date_format(880127706, -360, &out);
    assert_buf(&out, "Fri, 21 Nov 1997 09:55:06 -0600");
    ptn_date_format(0, 330, &out);
    assert_buf(&out, "Thu, 01 Jan 1970 05:30:00 +0530");
    ptn_date_format(-1, 0, &out);
    assert_buf(&out, "Wed, 31 Dec 1969 23:59:59 +0000");
    ptn_imap_datetime_format(837596665, -420, &out);
    assert_buf(&out, "17-Jul-1996 02:44:25 -0700");
    ptn_imap_datetime_format(INT64_MAX, INT32_MAX, &out);
    assert_int_equal(out.len, 26);
    out.len = 0;
    ptn_imap_datetime_format(INT64_MIN, INT32_MIN, &out);
    assert_int_equal(out.len, 26);
    ptn_buf_free(&out);
}

/* The C library is an independent judge of the calendar. */
static void
calendar_agrees_with_the_c_library(void **state)
{
    struct ptn_buf out = PTN_BUF_INIT;

    (void)state;
    for (int64_t t = -6000000000; t < 12000000000; t += 86400 * 13 + 3607) {
        time_t when = (time_t)t;
        char expected[64];
        struct tm tm;
        int64_t back;
        int32_t zone;

        gmtime_r(&when, &tm);
        strftime(expected, sizeof(expected), "%a, %d %b %Y %H:%M:%S +0000",
                 &tm);
        out.len = 0;
        ptn_date_format(t, 0, &out);
        assert_string_equal(ptn_buf_cstr(&out), expected);
        assert_true(ptn_date_parse(ptn_buf_slice(&out), &back, &zone));
        assert_int_equal(back, t);
    }
    ptn_buf_free(&out);
}

static void
imap_datetimes(void **state)
{
    static const char *const bad[] = {
        "",
        "17-Jul-1996",
        "17-Jul-1996 02:44:25",
        "17-Jul-1996 02:44 -0700",
        "17-Jul-1996 2:44:25 -0700",
        "17-Jul-1996 02:44:25 -0700 ",
        "17-Jul-96 02:44:25 -0700",
        " 17-Jul-1996 02:44:25 -0700",
        "17 Jul 1996 02:44:25 -0700",
        "17-Jul-1996 02:44:25 GMT",
        "31-Jun-1996 02:44:25 -0700",
        "17-Jul-1996 02:44:25 -0790",
    };
    int64_t seconds;
    int32_t zone;

    (void)state;
    assert_true(ptn_imap_datetime_parse(S("17-Jul-1996 02:44:25 -0700"),
                                        &seconds, &zone));
    assert_int_equal(seconds, 837596665);
    assert_int_equal(zone, -420);
    assert_true(ptn_imap_datetime_parse(S(" 7-jul-1996 02:44:25 +0000"),
                                        &seconds, &zone));
    assert_int_equal(seconds, 836707465);
    for (size_t i = 0; i < PTN_COUNT(bad); i++)
        assert_false(
            ptn_imap_datetime_parse(ptn_slice_of(bad[i]), &seconds, &zone));
}

static void
imap_dates(void **state)
{
    int32_t days;

    (void)state;
    assert_true(ptn_imap_date_parse(S("1-Jan-1970"), &days));
    assert_int_equal(days, 0);
    assert_true(ptn_imap_date_parse(S("17-JUL-1996"), &days));
    assert_int_equal(days, 9694);
    assert_true(ptn_imap_date_parse(S("31-Dec-1969"), &days));
    assert_int_equal(days, -1);
    assert_false(ptn_imap_date_parse(S("1-Jan-1970 "), &days));
    assert_false(ptn_imap_date_parse(S("\"1-Jan-1970\""), &days));
    assert_false(ptn_imap_date_parse(S("1-Jan-70"), &days));
    assert_false(ptn_imap_date_parse(S(""), &days));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_dates_are_read),
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(dates_are_written),
        cmocka_unit_test(calendar_agrees_with_the_c_library),
        cmocka_unit_test(imap_datetimes),
        cmocka_unit_test(imap_dates),
    };

    return cmocka_run_group_tests_name("mail/date", tests, NULL, NULL);
}
