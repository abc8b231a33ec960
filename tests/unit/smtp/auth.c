/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of AUTH (RFC 4954): what each outcome of core is answered with.
 */
#include "tests/unit/smtp/fixture.h"

static void
start(struct fixture *f)
{
    fixture_init(f, SMTP_SUBMISSION);
    f->st.may_auth = true;
    fixture_open(f);
    stage_line(&f->st, "EHLO x");
}

static void
outcomes(void **state)
{
    static const struct {
        enum ptn_auth outcome;
        const char *answer;
        enum ptn_result result;
    } cases[] = {
        {PTN_AUTH_FAILED, "535 5.7.8 ", PTN_DONE},
        {PTN_AUTH_TEMPFAIL, "454 4.7.0 ", PTN_DONE},
        {PTN_AUTH_NO_MECHANISM, "504 5.5.4 ", PTN_DONE},
        {PTN_AUTH_NEEDS_TLS, "538 5.7.11", PTN_DONE},
        {PTN_AUTH_MALFORMED, "501 5.5.2 ", PTN_DONE},
        {PTN_AUTH_THROTTLED, "421 4.7.0 ", PTN_CLOSE},
    };
    struct fixture f;
    (void)state;
    start(&f);
    for (size_t i = 0; i < PTN_COUNT(cases); i++) {
        f.st.outcomes[f.st.outcome] = cases[i].outcome;
        assert_memory_equal(stage_line(&f.st, "AUTH PLAIN AGEAYg=="),
                            cases[i].answer, 10);
        assert_int_equal(f.st.result, cases[i].result);
    }
    stage_close(&f.st);
}

static void
exchange(void **state)
{
    struct fixture f;
    (void)state;
    start(&f);
    f.st.outcomes[0] = f.st.outcomes[1] = PTN_AUTH_CHALLENGE;
    f.st.outcomes[2] = PTN_AUTH_OK;
    SAY(&f, "AUTH LOGIN", "334 UGFzc3dvcmQ6");
    SAY(&f, "QUIT", "334 UGFzc3dvcmQ6"); /* a response, not a command */
    SAY(&f, "c2VjcmV0", "235 2.7.0 Welcome");
    SAY(&f, "AUTH PLAIN", "503 5.5.1 You are authenticated already");
    SAY(&f, "MAIL FROM:<user1@example.test>", "250 2.1.0 Ok");
    stage_close(&f.st);
}

static void
cancelled(void **state)
{
    struct fixture f;
    (void)state;
    start(&f);
    SAY(&f, "AUTH", "501 5.5.4 A mechanism must follow");
    f.st.outcomes[0] = f.st.outcomes[1] = PTN_AUTH_CHALLENGE;
    stage_line(&f.st, "AUTH LOGIN");
    SAY(&f, "*", "501 5.7.0 Cancelled");
    SAY(&f, "NOOP", "250 2.0.0 Ok");
    stage_line(&f.st, "AUTH LOGIN");
    assert_reply(stage_fault(&f.st, PTN_FAULT_LONG_LINE),
                 "500 5.5.6 SASL response too long");
    SAY(&f, "NOOP", "250 2.0.0 Ok");
    stage_close(&f.st);
}

static void
out_of_place(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f, SMTP_SUBMISSION);
    fixture_open(&f);
    SAY(&f, "AUTH PLAIN", "503 5.5.1 Say EHLO first");
    stage_line(&f.st, "HELO x");
    SAY(&f, "AUTH PLAIN", "503 5.5.1 Say EHLO first");
    stage_line(&f.st, "EHLO x");
    SAY(&f, "AUTH PLAIN", "538 5.7.11 Say STARTTLS first");
    f.st.tls = true;
    SAY(&f, "AUTH PLAIN", "502 5.5.1 AUTH is not offered");
    stage_close(&f.st);
    fixture_start(&f, SMTP_MX);
    f.st.tls = f.st.may_auth = true;
    MAIL(&f);
    SAY(&f, "AUTH PLAIN", "503 5.5.1 Not inside of a transaction");
    stage_close(&f.st);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcomes),
        cmocka_unit_test(exchange),
        cmocka_unit_test(cancelled),
        cmocka_unit_test(out_of_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
