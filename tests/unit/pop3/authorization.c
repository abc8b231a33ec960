/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of POP3 before login: modules/pop3/cmd_auth.c.
 */
#include "tests/unit/pop3/fixture.h"

#define CAPA_HEAD                                                              \
    "+OK Capabilities follow\r\nTOP\r\nUIDL\r\nRESP-CODES\r\n"                 \
    "AUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE NEVER\r\nLOGIN-DELAY 0\r\n"
#define CAPA_TAIL "IMPLEMENTATION Postern\r\n."

static void
greeting(void **state)
{
    struct stage st;
    (void)state;
    fixture_open(&st);
    assert_reply(ptn_buf_cstr(&st.out), "+OK mail.example.test POP3 Postern");
    stage_close(&st);
}

static void
capabilities(void **state)
{
    struct stage st;
    (void)state;
    fixture_open(&st);
    SAY(&st, "CAPA", CAPA_HEAD "USER\r\nSASL PLAIN LOGIN\r\n" CAPA_TAIL);
    st.may_auth = false;
    st.tls_offered = true;
    SAY(&st, "capa", CAPA_HEAD "STLS\r\n" CAPA_TAIL);
    st.may_auth = true;
    fixture_login(&st);
    SAY(&st, "CAPA", CAPA_HEAD CAPA_TAIL);
    stage_close(&st);
}

static void
only_what_is_allowed_before_login(void **state)
{
    static const char *const later[] = {"STAT", "LIST", "RETR 1", "DELE 1",
                                        "NOOP", "RSET", "UIDL",   "TOP 1 0"};
    struct stage st;
    (void)state;
    fixture_open(&st);
    for (size_t i = 0; i < PTN_COUNT(later); i++)
        SAY(&st, later[i], "-ERR Log in first");
    SAY(&st, "HELLO", "-ERR Unknown command");
    SAY(&st, "", "-ERR Unknown command");
    assert_int_equal(st.errors, PTN_COUNT(later) + 2);
    SAY(&st, "QUIT", "+OK Bye");
    assert_int_equal(st.result, PTN_CLOSE);
    stage_close(&st);
}

static void
user_and_pass(void **state)
{
    struct stage st;
    (void)state;
    fixture_open(&st);
    SAY(&st, "PASS x", "-ERR Say USER first");
    SAY(&st, "USER", "-ERR A name must follow");
    SAY(&st, "USER user1", "+OK Now PASS");
    st.outcomes[0] = PTN_AUTH_FAILED;
    SAY(&st, "PASS wrong", "-ERR [AUTH] Wrong name or password");
    SAY(&st, "PASS secret", "-ERR Say USER first");
    SAY(&st, "USER somebody", "+OK Now PASS");
    SAY(&st, "USER user1", "+OK Now PASS");
    st.outcomes[1] = PTN_AUTH_OK;
    assert_int_equal(st.timeout, 0);
    SAY(&st, "PASS  two words ", "+OK 0 messages, 0 octets");
    assert_int_equal(st.timeout, 600000); /* RFC 1939 section 3 */
    SAY(&st, "USER user1", "-ERR You are logged in already");
    SAY(&st, "STLS", "-ERR You are logged in already");
    stage_close(&st);
}

static void
no_password_in_clear(void **state)
{
    struct stage st;
    (void)state;
    fixture_open(&st);
    st.may_auth = false;
    SAY(&st, "USER user1", "-ERR Say STLS first");
    SAY(&st, "AUTH PLAIN", "-ERR Say STLS first");
    stage_close(&st);
}

static void
sasl(void **state)
{
    struct stage st;
    (void)state;
    fixture_open(&st);
    SAY(&st, "AUTH", "+OK\r\nPLAIN\r\nLOGIN\r\n.");
    st.outcomes[0] = PTN_AUTH_CHALLENGE;
    st.outcomes[1] = PTN_AUTH_CHALLENGE;
    SAY(&st, "AUTH LOGIN", "+ UGFzc3dvcmQ6");
    SAY(&st, "*", "-ERR Cancelled");
    SAY(&st, "AUTH LOGIN", "+ UGFzc3dvcmQ6");
    assert_reply(stage_fault(&st, PTN_FAULT_LONG_LINE), "-ERR Cancelled");
    st.outcomes[2] = PTN_AUTH_CHALLENGE;
    st.outcomes[3] = PTN_AUTH_OK;
    stage_line(&st, "AUTH LOGIN");
    SAY(&st, "QUIT", "+OK 0 messages, 0 octets"); /* a response */
    stage_close(&st);
    fixture_open(&st);
    st.outcomes[0] = PTN_AUTH_OK;
    SAY(&st, "AUTH PLAIN AHVzZXIxAHNlY3JldA==", "+OK 0 messages, 0 octets");
    stage_close(&st);
}

static void
outcomes(void **state)
{
    static const struct {
        enum ptn_auth outcome;
        const char *answer;
        enum ptn_result result;
    } cases[] = {
        {PTN_AUTH_FAILED, "-ERR [AUTH] ", PTN_DONE},
        {PTN_AUTH_TEMPFAIL, "-ERR [SYS/TE", PTN_DONE},
        {PTN_AUTH_NO_MECHANISM, "-ERR This me", PTN_DONE},
        {PTN_AUTH_NEEDS_TLS, "-ERR Say STL", PTN_DONE},
        {PTN_AUTH_MALFORMED, "-ERR Malform", PTN_DONE},
        {PTN_AUTH_THROTTLED, "-ERR [SYS/TE", PTN_CLOSE},
    };
    struct stage st;
    (void)state;
    fixture_open(&st);
    for (size_t i = 0; i < PTN_COUNT(cases); i++) {
        st.outcomes[st.outcome] = cases[i].outcome;
        assert_memory_equal(stage_line(&st, "AUTH PLAIN AA=="), cases[i].answer,
                            12);
        assert_int_equal(st.result, cases[i].result);
    }
    stage_close(&st);
}

static void
stls_forgets_the_user(void **state)
{
    struct stage st;
    (void)state;
    fixture_open(&st);
    SAY(&st, "STLS", "-ERR STLS is not offered");
    st.tls_offered = true;
    SAY(&st, "STLS now", "-ERR STLS takes no parameter");
    SAY(&st, "USER user1", "+OK Now PASS");
    SAY(&st, "STLS", "+OK Go ahead");
    assert_true(st.tls_started);
    st.tls = true;
    assert_string_equal(stage_event(&st, PTN_EVENT_TLS), "");
    SAY(&st, "PASS secret", "-ERR Say USER first");
    SAY(&st, "STLS", "-ERR TLS is there already");
    stage_close(&st);
}

static void
mailbox_out_of_order(void **state)
{
    struct stage st;
    (void)state;
    fixture_open(&st);
    st.outcomes[0] = PTN_AUTH_OK;
    st.open_status = PTN_TEMPFAIL;
    stage_line(&st, "USER user1");
    assert_memory_equal(stage_line(&st, "PASS x"), "-ERR [SYS/TEMP] ", 16);
    assert_int_equal(st.result, PTN_CLOSE);
    stage_close(&st);
}

static void
events_and_faults(void **state)
{
    struct stage st;
    (void)state;
    fixture_open(&st);
    assert_reply(stage_fault(&st, PTN_FAULT_LONG_LINE), "-ERR Line too long");
    assert_memory_equal(stage_fault(&st, PTN_FAULT_NUL), "-ERR ", 5);
    assert_int_equal(st.result, PTN_DONE);
    /* RFC 1939 section 3: closed without a word. */
    assert_string_equal(stage_event(&st, PTN_EVENT_TIMEOUT), "");
    assert_int_equal(st.result, PTN_CLOSE);
    assert_memory_equal(stage_event(&st, PTN_EVENT_ERRORS), "-ERR ", 5);
    assert_memory_equal(stage_event(&st, PTN_EVENT_SHUTDOWN), "-ERR [SYS", 9);
    assert_int_equal(st.result, PTN_CLOSE);
    assert_memory_equal(st.protocol->refuse(PTN_REFUSE_CONNECTIONS), "-ERR ",
                        5);
    stage_close(&st);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greeting),
        cmocka_unit_test(capabilities),
        cmocka_unit_test(only_what_is_allowed_before_login),
        cmocka_unit_test(user_and_pass),
        cmocka_unit_test(no_password_in_clear),
        cmocka_unit_test(sasl),
        cmocka_unit_test(outcomes),
        cmocka_unit_test(stls_forgets_the_user),
        cmocka_unit_test(mailbox_out_of_order),
        cmocka_unit_test(events_and_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
