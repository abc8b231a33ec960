/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of DATA and BDAT: what content is taken, and what is not.
 */
#include "tests/unit/smtp/fixture.h"
#include <time.h>

#define TEXT "Subject: hi\r\n\r\nbody\r\n"

static void
begin(struct fixture *f)
{
    MAIL(f);
    RCPT(f, "user1");
}

static void
refused(struct fixture *f, const char *text, unsigned faults,
        const char *answer)
{
    unsigned calls = f->st.delivery.calls;
    begin(f);
    assert_string_equal(fixture_text(f, text, faults), answer);
    assert_int_equal(f->st.delivery.calls, calls);
    SAY(f, "RCPT TO:<user1@example.test>", "503 5.5.1 Say MAIL first");
}

/* No smuggling: a text with a line end that is none is not taken. */
static void
bare_newlines_are_refused(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, SMTP_MX);
    refused(&f, "a\nb\r\n", PTN_FAULT_BARE_LF,
            "550 5.6.11 The message holds a CR or LF alone\r\n");
    refused(&f, "a\rb\r\n", PTN_FAULT_BARE_CR,
            "550 5.6.11 The message holds a CR or LF alone\r\n");
    refused(&f, "a\r\n", PTN_FAULT_NUL,
            "550 5.6.11 The message holds a NUL\r\n");
    refused(&f, "a\r\n", PTN_FAULT_LONG_LINE,
            "550 5.6.0 A line of the message is too long\r\n");
    stage_close(&f.st);
}

static void
bare_newlines_are_mended(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, SMTP_MX);
    f.options.bare_newlines = SMTP_NEWLINES_ACCEPT;
    begin(&f);
    assert_memory_equal(fixture_text(&f, "a\nb\r\n.\r\nc\r\n",
                                     PTN_FAULT_BARE_LF | PTN_FAULT_BARE_CR),
                        "250 2.0.0 ", 10);
    assert_string_equal(ptn_buf_cstr(&f.st.delivery.body),
                        "a\r\nb\r\n.\r\nc\r\n");
    refused(&f, "a\r\n", PTN_FAULT_NUL,
            "550 5.6.11 The message holds a NUL\r\n");
    stage_close(&f.st);
}

static void
too_big(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, SMTP_MX);
    f.options.max_message_size = 30;
    begin(&f);
    stage_line(&f.st, "DATA");
    assert_string_equal(stage_block(&f.st, TEXT, strlen(TEXT), false, 0), "");
    assert_string_equal(stage_block(&f.st, TEXT, strlen(TEXT), false, 0), "");
    assert_string_equal(stage_block(&f.st, "x", 1, false, 0), "");
    assert_string_equal(stage_block(&f.st, "", 0, true, 0),
                        "552 5.3.4 Message too big\r\n");
    assert_int_equal(f.st.delivery.calls, 0);
    struct smtp *smtp = f.st.instance;
    assert_int_equal(smtp->inflight, 0);
    stage_close(&f.st);
}

static void
too_much_at_once(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, SMTP_MX);
    f.module_options.inflight = 10;
    struct smtp *smtp = f.st.instance;
    begin(&f);
    stage_line(&f.st, "DATA");
    stage_block(&f.st, "0123456789", 10, false, 0);
    assert_int_equal(smtp->inflight, 10);
    stage_block(&f.st, "x\r\n", 3, false, 0);
    assert_int_equal(smtp->inflight, 0);
    assert_memory_equal(stage_block(&f.st, "", 0, true, 0), "452 4.3.1 ", 10);
    begin(&f);
    smtp->inflight = 10; /* somebody else's */
    assert_memory_equal(stage_line(&f.st, "DATA"), "452 4.3.1 ", 10);
    assert_false(f.st.wants_text);
    smtp->inflight = 0;
    assert_memory_equal(fixture_text(&f, "a\r\n", 0), "250 ", 4);
    assert_int_equal(smtp->inflight, 0);
    stage_close(&f.st);
}

/* Slow senders of large messages leave room for small ones. */
static void
hogs_leave_room(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, SMTP_MX);
    f.module_options.inflight = 100;
    struct smtp *smtp = f.st.instance;
    smtp->inflight = 60; /* somebody else's */
    begin(&f);
    stage_line(&f.st, "DATA");
    stage_block(&f.st, "01234567890123456789", 20, false, 0);
    assert_int_equal(smtp->inflight, 80);
    stage_block(&f.st, "x\r\n", 3, false, 0);
    assert_int_equal(smtp->inflight, 60);
    assert_memory_equal(stage_block(&f.st, "", 0, true, 0), "452 4.3.1 ", 10);
    begin(&f);
    assert_memory_equal(fixture_text(&f, "small\r\n", 0), "250 ", 4);
    smtp->inflight = 0; /* alone, it may have all */
    begin(&f);
    stage_line(&f.st, "DATA");
    stage_block(&f.st, "01234567890123456789", 20, false, 0);
    stage_block(&f.st, "0123456789012345678901234567890123456789", 40, false,
                0);
    assert_int_equal(smtp->inflight, 60);
    assert_memory_equal(stage_block(&f.st, "\r\n", 2, true, 0), "250 ", 4);
    stage_close(&f.st);
}

static void
circles(void **state)
{
    struct fixture f;
    struct ptn_buf text = PTN_BUF_INIT;
    (void)state;
    fixture_start(&f, SMTP_MX);
    f.options.max_hops = 5;
    for (int i = 0; i < 5; i++)
        ptn_buf_adds(&text, "Received: x\r\n");
    begin(&f);
    assert_memory_equal(fixture_text(&f, ptn_buf_cstr(&text), 0), "250 ", 4);
    ptn_buf_adds(&text, "Received: x\r\n\r\n");
    refused(&f, ptn_buf_cstr(&text), 0,
            "554 5.4.6 Too many hops: the message goes in a circle\r\n");
    ptn_buf_free(&text);
    stage_close(&f.st);
}

static void
late(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, SMTP_MX);
    begin(&f);
    stage_line(&f.st, "DATA");
    assert_int_equal(f.st.timeout, 300000);
    stage_block(&f.st, "a", 1, false, 0);
    f.options.message_timeout = 0;
    struct timespec nap = {0, 20000000};
    nanosleep(&nap, NULL);
    assert_memory_equal(stage_block(&f.st, "b", 1, false, 0), "421 4.4.2 ", 10);
    assert_int_equal(f.st.result, PTN_CLOSE);
    stage_close(&f.st);
}

static void
chunks(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, SMTP_MX);
    begin(&f);
    assert_string_equal(stage_line(&f.st, "BDAT 13"), "");
    assert_true(f.st.wants_block);
    assert_int_equal(f.st.block_size, 13);
    assert_reply(stage_block(&f.st, "Subject: hi\r\n", 13, true, 0),
                 "250 2.0.0 13 octets received");
    SAY(&f, "RCPT TO:<user2@example.test>", "503 5.5.1 The message has begun");
    SAY(&f, "DATA", "503 5.5.1 Not after BDAT");
    stage_line(&f.st, "bdat 4 last");
    assert_string_equal(stage_block(&f.st, "\r\n", 2, false, 0), "");
    assert_memory_equal(stage_block(&f.st, ".x", 2, true, 0), "250 ", 4);
    /* Not binary, so it ends with a line end; no dot is special. */
    assert_string_equal(ptn_buf_cstr(&f.st.delivery.body),
                        "Subject: hi\r\n\r\n.x\r\n");
    begin(&f);
    stage_line(&f.st, "BDAT 5");
    stage_block(&f.st, "a\r\nb\r", 5, true, 0);
    stage_line(&f.st, "BDAT 1 LAST");
    assert_memory_equal(stage_block(&f.st, "\n", 1, true, 0), "250 ", 4);
    begin(&f);
    stage_line(&f.st, "BDAT 0 LAST");
    assert_memory_equal(stage_block(&f.st, "", 0, true, 0), "250 ", 4);
    stage_close(&f.st);
}

/* What follows a refused BDAT is still octets, never commands. */
static void
chunks_refused(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, SMTP_MX);
    assert_string_equal(stage_line(&f.st, "BDAT 6 LAST"), "");
    assert_true(f.st.wants_block);
    SAY(&f, "NOOP", "250 2.0.0 Ok");
    stage_line(&f.st, "BDAT 6 LAST");
    assert_reply(stage_block(&f.st, "QUIT\r\n", 6, true, 0),
                 "503 5.5.1 Say MAIL first");
    MAIL(&f);
    stage_line(&f.st, "BDAT 2 LAST");
    assert_reply(stage_block(&f.st, "\r\n", 2, true, 0),
                 "554 5.5.1 No valid recipients");
    RCPT(&f, "user1");
    stage_line(&f.st, "BDAT 4 LAST");
    assert_memory_equal(stage_block(&f.st, "a\nb\n", 4, true, 0), "550 5.6.11",
                        10);
    f.options.max_message_size = 3;
    begin(&f);
    stage_line(&f.st, "BDAT 2");
    stage_block(&f.st, "ab", 2, true, 0);
    stage_line(&f.st, "BDAT 2");
    assert_memory_equal(stage_block(&f.st, "cd", 2, true, 0), "552 5.3.4 ", 10);
    stage_line(&f.st, "BDAT 0 LAST");
    assert_memory_equal(stage_block(&f.st, "", 0, true, 0), "552 5.3.4 ", 10);
    stage_close(&f.st);
}

static void
chunks_that_end_it(void **state)
{
    static const char *const bad[] = {"BDAT", "BDAT x", "BDAT -1",
                                      "BDAT 3 FIRST", "BDAT 99999999999999"};
    (void)state;
    for (size_t i = 0; i < PTN_COUNT(bad); i++) {
        struct fixture f;
        fixture_start(&f, SMTP_MX);
        begin(&f);
        assert_int_equal(stage_line(&f.st, bad[i])[0], '5');
        assert_int_equal(f.st.result, PTN_CLOSE);
        stage_close(&f.st);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bare_newlines_are_refused),
        cmocka_unit_test(bare_newlines_are_mended),
        cmocka_unit_test(too_big),
        cmocka_unit_test(too_much_at_once),
        cmocka_unit_test(hogs_leave_room),
        cmocka_unit_test(circles),
        cmocka_unit_test(late),
        cmocka_unit_test(chunks),
        cmocka_unit_test(chunks_refused),
        cmocka_unit_test(chunks_that_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
