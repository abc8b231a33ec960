/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of modules/smtp/deliver.c: what goes to the store, and what each of
 * its answers becomes.
 */
#include "tests/unit/smtp/fixture.h"

#define TEXT "Subject: hi\r\nDate: Fri, 21 Nov 1997 09:55:06 -0600\r\n\r\nx\r\n"

static const char *
prefix(struct fixture *f)
{
    return ptn_buf_cstr(&f->st.delivery.prefix);
}

static void
all_in_one(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, SMTP_MX);
    MAIL(&f);
    RCPT(&f, "team");
    RCPT(&f, "user2"); /* twice, and kept once */
    RCPT(&f, "user3");
    assert_reply(fixture_text(&f, TEXT, 0), "250 2.0.0 Ok, it is stage1.1");
    assert_true(f.st.delivery.atomic);
    assert_string_equal(
        ptn_buf_cstr(&f.st.delivery.users),
        "user1@example.test user2@example.test user3@example.test ");
    assert_string_equal(ptn_buf_cstr(&f.st.delivery.body), TEXT);
    stage_close(&f.st);
}

/* RFC 5321 section 4.4: the trace; no recipient learns of another. */
static void
trace_fields(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, SMTP_MX);
    f.st.tls = true;
    MAIL(&f);
    RCPT(&f, "user1");
    fixture_text(&f, TEXT, 0);
    assert_memory_equal(prefix(&f),
                        "Return-Path: <sender@elsewhere.example>\r\n"
                        "Received: from x ",
                        58);
    assert_non_null(strstr(prefix(&f), "[192.0.2.7]"));
    assert_non_null(strstr(prefix(&f), "by mail.example.test"));
    assert_non_null(strstr(prefix(&f), "with ESMTPS"));
    assert_non_null(strstr(prefix(&f), "TLS_AES_128_GCM_SHA256"));
    assert_non_null(strstr(prefix(&f), "stage1.1"));
    assert_non_null(strstr(prefix(&f), "for <user1@example.test>"));
    MAIL(&f);
    RCPT(&f, "user1");
    RCPT(&f, "user2");
    fixture_text(&f, TEXT, 0);
    assert_null(strstr(prefix(&f), "user1"));
    assert_null(strstr(prefix(&f), "Message-ID"));
    stage_close(&f.st);
}

/* RFC 6409 section 8: what the submitter forgot, and nothing else. */
static void
submission_completes(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, SMTP_SUBMISSION);
    SAY(&f, "MAIL FROM:<user1@example.test>", "250 2.1.0 Ok");
    RCPT(&f, "user2");
    assert_memory_equal(fixture_text(&f, TEXT, 0), "250 ", 4);
    assert_non_null(strstr(prefix(&f), "with ESMTPA"));
    assert_non_null(strstr(prefix(&f), "\r\nMessage-ID: <"));
    assert_null(strstr(prefix(&f), "\r\nDate: "));
    stage_close(&f.st);
}

static void
one_failure_fails_all(void **state)
{
    static const struct {
        enum ptn_status status;
        const char *answer;
    } cases[] = {
        {PTN_OVERQUOTA, "452 4.2.2 "}, {PTN_TEMPFAIL, "451 4.3.0 "},
        {PTN_LIMIT, "452 4.3.1 "},     {PTN_PERMFAIL, "554 5.3.0 "},
        {PTN_NOTFOUND, "550 5.1.1 "},  {PTN_DENIED, "550 5.2.1 "},
    };
    struct fixture f;
    (void)state;
    fixture_start(&f, SMTP_MX);
    for (size_t i = 0; i < PTN_COUNT(cases); i++) {
        f.st.deliver_status[2] = cases[i].status;
        MAIL(&f);
        RCPT(&f, "user1");
        RCPT(&f, "user2");
        assert_memory_equal(fixture_text(&f, TEXT, 0), cases[i].answer, 10);
        assert_true(f.st.delivery.atomic);
    }
    stage_close(&f.st);
}

/* RFC 2033 section 4.2. */
static void
lmtp_answers_each(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, SMTP_LMTP);
    MAIL(&f);
    SAY(&f, "DATA", "503 5.5.1 No valid recipients");
    RCPT(&f, "user1");
    SAY(&f, "RCPT TO:<nobody@example.test>", "550 5.1.1 No such mailbox here");
    RCPT(&f, "user2");
    RCPT(&f, "team");
    f.st.deliver_status[2] = PTN_OVERQUOTA;
    assert_reply(fixture_text(&f, TEXT, 0),
                 "250 2.0.0 <user1@example.test> Ok\r\n"
                 "452 4.2.2 <user2@example.test> Mailbox full\r\n"
                 "452 4.2.2 <team@example.test> Mailbox full");
    assert_false(f.st.delivery.atomic);
    assert_non_null(strstr(prefix(&f), "with LMTP"));
    stage_close(&f.st);
}

static void
lmtp_refuses_each(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, SMTP_LMTP);
    MAIL(&f);
    RCPT(&f, "user1");
    RCPT(&f, "user2");
    assert_reply(fixture_text(&f, TEXT, PTN_FAULT_BARE_LF),
                 "550 5.6.11 The message holds a CR or LF alone\r\n"
                 "550 5.6.11 The message holds a CR or LF alone");
    MAIL(&f);
    RCPT(&f, "user1");
    RCPT(&f, "user2");
    stage_line(&f.st, "BDAT 3 LAST");
    assert_reply(stage_block(&f.st, "x\r\n", 3, true, 0),
                 "250 2.0.0 <user1@example.test> Ok\r\n"
                 "250 2.0.0 <user2@example.test> Ok");
    stage_close(&f.st);
}

/* Big messages are scanned on a lane, or here when it is full. */
static void
big_message(void **state)
{
    struct fixture f;
    struct ptn_buf text = PTN_BUF_INIT;
    (void)state;
    fixture_start(&f, SMTP_MX);
    ptn_buf_adds(&text, TEXT);
    while (text.len < 300000)
        ptn_buf_adds(&text, "0123456789012345678901234567890123456789\r\n");
    for (int i = 0; i < 2; i++) {
        f.st.lane_full = i == 1;
        MAIL(&f);
        RCPT(&f, "user1");
        assert_memory_equal(fixture_text(&f, ptn_buf_cstr(&text), 0), "250 ",
                            4);
        assert_int_equal(f.st.delivery.body.len, text.len);
    }
    ptn_buf_free(&text);
    stage_close(&f.st);
}

/* The client is gone before the store has answered. */
static void
cancelled(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, SMTP_MX);
    MAIL(&f);
    RCPT(&f, "user1");
    f.st.cancel = true;
    assert_string_equal(fixture_text(&f, TEXT, 0), "");
    stage_close(&f.st);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_in_one),
        cmocka_unit_test(trace_fields),
        cmocka_unit_test(submission_completes),
        cmocka_unit_test(one_failure_fails_all),
        cmocka_unit_test(lmtp_answers_each),
        cmocka_unit_test(lmtp_refuses_each),
        cmocka_unit_test(big_message),
        cmocka_unit_test(cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
