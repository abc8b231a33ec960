/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of the commands of modules/smtp: order, arguments, answers.
 */
#include "modules/smtp/tx.h"
#include "tests/unit/smtp/fixture.h"

#define EHLO_HEAD                                                              \
    "250-mail.example.test\r\n250-PIPELINING\r\n250-SIZE 1000000\r\n"          \
    "250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n"
#define EHLO_TAIL "250-LIMITS RCPTMAX=3\r\n250 CHUNKING"

static void
greeting_names_the_server(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f, SMTP_MX);
    fixture_open(&f);
    assert_reply(ptn_buf_cstr(&f.st.out),
                 "220 mail.example.test ESMTP Postern");
    stage_close(&f.st);
    fixture_init(&f, SMTP_LMTP);
    fixture_open(&f);
    assert_reply(ptn_buf_cstr(&f.st.out), "220 mail.example.test LMTP Postern");
    stage_close(&f.st);
}

static void
ehlo_announces_what_works(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f, SMTP_MX);
    fixture_open(&f);
    SAY(&f, "EHLO client.example", EHLO_HEAD EHLO_TAIL);
    f.st.tls_offered = true;
    SAY(&f, "ehlo [192.0.2.1]", EHLO_HEAD "250-STARTTLS\r\n" EHLO_TAIL);
    f.st.tls = true;
    f.st.may_auth = true;
    SAY(&f, "EHLO x", EHLO_HEAD "250-AUTH PLAIN LOGIN\r\n" EHLO_TAIL);
    f.options.max_transactions = 9;
    f.st.may_auth = false;
    SAY(&f, "EHLO x",
        EHLO_HEAD "250-LIMITS MAILMAX=9 RCPTMAX=3\r\n250 CHUNKING");
    SAY(&f, "HELO x", "250 mail.example.test");
    stage_close(&f.st);
}

/* The policy may allow it; port 25 takes no password in clear. */
static void
mx_has_no_auth_in_clear(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f, SMTP_MX);
    f.st.may_auth = true;
    fixture_open(&f);
    SAY(&f, "EHLO x", EHLO_HEAD EHLO_TAIL);
    SAY(&f, "AUTH PLAIN AGEAYg==", "538 5.7.11 Say STARTTLS first");
    stage_close(&f.st);
    fixture_init(&f, SMTP_SUBMISSION);
    f.st.may_auth = true;
    fixture_open(&f);
    SAY(&f, "EHLO x", EHLO_HEAD "250-AUTH PLAIN LOGIN\r\n" EHLO_TAIL);
    stage_close(&f.st);
}

static void
names_of_clients(void **state)
{
    static const char *const bad[] = {"EHLO",          "EHLO ",    "EHLO a b",
                                      "EHLO a(b)",     "EHLO <a>", "EHLO a\x7f",
                                      "EHLO \xc3\xb6", "HELO"};
    struct fixture f;
    (void)state;
    fixture_init(&f, SMTP_MX);
    fixture_open(&f);
    for (size_t i = 0; i < PTN_COUNT(bad); i++)
        assert_memory_equal(stage_line(&f.st, bad[i]), "501 5.5.4 ", 10);
    assert_int_equal(f.st.errors, PTN_COUNT(bad));
    SAY(&f, "MAIL FROM:<a@b.example>", "503 5.5.1 Say EHLO first");
    stage_close(&f.st);
}

static void
roles_have_their_hello(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f, SMTP_LMTP);
    fixture_open(&f);
    SAY(&f, "EHLO x", "500 5.5.1 Unknown command");
    SAY(&f, "HELO x", "500 5.5.1 Unknown command");
    SAY(&f, "MAIL FROM:<a@b.example>", "503 5.5.1 Say LHLO first");
    SAY(&f, "LHLO x", EHLO_HEAD EHLO_TAIL);
    SAY(&f, "AUTH PLAIN", "500 5.5.1 Unknown command");
    stage_close(&f.st);
    fixture_init(&f, SMTP_MX);
    fixture_open(&f);
    SAY(&f, "LHLO x", "500 5.5.1 Unknown command");
    stage_close(&f.st);
}

static void
order_of_commands(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, SMTP_MX);
    SAY(&f, "RCPT TO:<user1@example.test>", "503 5.5.1 Say MAIL first");
    SAY(&f, "DATA", "503 5.5.1 Say MAIL first");
    MAIL(&f);
    SAY(&f, "MAIL FROM:<a@b.example>",
        "503 5.5.1 A transaction is open; say RSET");
    SAY(&f, "DATA", "554 5.5.1 No valid recipients");
    RCPT(&f, "user1");
    SAY(&f, "DATA now", "501 5.5.4 DATA takes no parameter");
    SAY(&f, "RSET", "250 2.0.0 Ok");
    SAY(&f, "RCPT TO:<user1@example.test>", "503 5.5.1 Say MAIL first");
    MAIL(&f);
    assert_memory_equal(stage_line(&f.st, "EHLO y"), "250-", 4);
    SAY(&f, "RCPT TO:<user1@example.test>", "503 5.5.1 Say MAIL first");
    stage_close(&f.st);
}

static void
small_commands(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, SMTP_MX);
    SAY(&f, "NOOP", "250 2.0.0 Ok");
    SAY(&f, "noop whatever", "250 2.0.0 Ok");
    SAY(&f, "RSET x", "501 5.5.4 RSET takes no parameter");
    SAY(&f, "VRFY", "501 5.5.4 A name must follow");
    SAY(&f, "VRFY user1", "252 2.5.0 Cannot tell; try RCPT");
    SAY(&f, "EXPN team", "502 5.5.1 This command is not offered");
    SAY(&f, "TURN", "502 5.5.1 This command is not offered");
    SAY(&f, "HELP", "214 2.0.0 See RFC 5321");
    SAY(&f, "", "500 5.5.1 Unknown command");
    SAY(&f, " NOOP", "500 5.5.1 Unknown command");
    SAY(&f, "GET / HTTP/1.1", "500 5.5.1 Unknown command");
    SAY(&f, "QUIT now", "501 5.5.4 QUIT takes no parameter");
    assert_int_equal(f.st.result, PTN_DONE);
    SAY(&f, "QUIT  ", "221 2.0.0 Bye");
    assert_int_equal(f.st.result, PTN_CLOSE);
    stage_close(&f.st);
}

static void
parameters_of_mail(void **state)
{
    static const struct {
        const char *args, *answer;
    } cases[] = {
        {" SIZE=1000000", "250 2.1.0 Ok\r\n"},
        {" SIZE=1000001", "552 5.3.4 Message too big\r\n"},
        {" SIZE=99999999999999999999", "501 5.5.4 Malformed SIZE\r\n"},
        {" SIZE=x", "501 5.5.4 Malformed SIZE\r\n"},
        {" SIZE", "501 5.5.4 Malformed SIZE\r\n"},
        {" BODY=8bitmime size=1", "250 2.1.0 Ok\r\n"},
        {" BODY=7BIT", "250 2.1.0 Ok\r\n"},
        {" BODY=BINARYMIME", "501 5.5.4 BODY is 7BIT or 8BITMIME\r\n"},
        {" AUTH=<>", "250 2.1.0 Ok\r\n"},
        {" AUTH=a+3x", "501 5.5.4 Malformed AUTH\r\n"},
        {" SIZE=1 SIZE=2", "501 5.5.4 A parameter twice\r\n"},
        {" SMTPUTF8", "555 5.5.4 Unknown parameter\r\n"},
        {"SIZE=1", "501 5.5.4 Malformed parameter\r\n"},
    };
    struct fixture f;
    char line[200];
    (void)state;
    fixture_start(&f, SMTP_MX);
    for (size_t i = 0; i < PTN_COUNT(cases); i++) {
        snprintf(line, sizeof(line), "MAIL FROM:<a@b.example>%s",
                 cases[i].args);
        assert_string_equal(stage_line(&f.st, line), cases[i].answer);
        stage_line(&f.st, "RSET");
    }
    SAY(&f, "MAIL FROM:<>", "250 2.1.0 Ok");
    SAY(&f, "RSET", "250 2.0.0 Ok");
    SAY(&f, "MAIL FROM:<postmaster>",
        "501 5.1.7 The sender address needs a domain");
    stage_close(&f.st);
}

static void
recipients(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, SMTP_MX);
    MAIL(&f);
    SAY(&f, "RCPT TO:<who@elsewhere.example>",
        "550 5.7.1 Relaying denied: not a domain of this server");
    SAY(&f, "RCPT TO:<user1@[127.0.0.1]>",
        "550 5.7.1 Relaying denied: not a domain of this server");
    SAY(&f, "RCPT TO:<nobody@example.test>", "550 5.1.1 No such mailbox here");
    SAY(&f, "RCPT TO:<>", "501 5.1.3 A recipient cannot be empty");
    SAY(&f, "RCPT TO:<user1>", "501 5.1.3 Malformed address");
    SAY(&f, "RCPT TO:<user1@example.test> NOTIFY=NEVER",
        "555 5.5.4 Unknown parameter");
    SAY(&f, "RCPT user1@example.test", "501 5.5.4 TO:<address> must follow");
    SAY(&f, "RCPT TO:<pOSTmaster>", "250 2.1.5 Ok");
    SAY(&f, "RCPT TO:<USER2@EXAMPLE.TEST>", "250 2.1.5 Ok");
    RCPT(&f, "team");
    SAY(&f, "RCPT TO:<user3@example.test>", "452 4.5.3 Too many recipients");
    stage_close(&f.st);
}

/* A delivery has at most PTN_STORE_RECIPIENTS_MAX accounts. */
static void
aliases_of_many(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, SMTP_MX);
    MAIL(&f);
    RCPT(&f, "many");
    SAY(&f, "RCPT TO:<many@example.test>",
        "452 4.5.3 Too many mailboxes for one message");
    RCPT(&f, "user1");
    assert_memory_equal(fixture_text(&f, "A: b\r\n", 0), "250 ", 4);
    stage_close(&f.st);
}

static void
lookups_on_a_lane(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, SMTP_MX);
    f.st.directory_slow = true;
    MAIL(&f);
    RCPT(&f, "user1");
    SAY(&f, "RCPT TO:<nobody@example.test>", "550 5.1.1 No such mailbox here");
    f.st.lane_full = true;
    SAY(&f, "RCPT TO:<user2@example.test>",
        "451 4.3.2 Too busy, try again later");
    f.st.lane_full = false;
    f.st.directory_status = PTN_TEMPFAIL;
    SAY(&f, "RCPT TO:<user2@example.test>",
        "451 4.3.0 Cannot look up the recipient, try again later");
    f.st.directory_status = PTN_DENIED;
    SAY(&f, "RCPT TO:<user2@example.test>",
        "550 5.2.1 This mailbox takes no mail");
    f.st.directory_status = PTN_PERMFAIL;
    SAY(&f, "RCPT TO:<user2@example.test>",
        "550 5.3.5 This address is not configured right");
    f.st.cancel = true;
    stage_line(&f.st, "RCPT TO:<user2@example.test>");
    stage_close(&f.st);
}

static void
quota_is_looked_at_early(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, SMTP_MX);
    f.st.quota = 1500; /* of which 1,000 are used */
    SAY(&f, "MAIL FROM:<a@b.example> SIZE=501", "250 2.1.0 Ok");
    SAY(&f, "RCPT TO:<user2@example.test>", "452 4.2.2 Mailbox full");
    SAY(&f, "RCPT TO:<team@example.test>", "452 4.2.2 Mailbox full");
    /* However often it is asked for, it is not kept. */
    size_t used = smtp_state(f.st.session)->tx->arena.used;
    for (int i = 0; i < 100; i++)
        SAY(&f, "RCPT TO:<user2@example.test>", "452 4.2.2 Mailbox full");
    assert_int_equal(smtp_state(f.st.session)->tx->arena.used, used);
    RCPT(&f, "user1");
    SAY(&f, "RSET", "250 2.0.0 Ok");
    SAY(&f, "MAIL FROM:<a@b.example> SIZE=500", "250 2.1.0 Ok");
    RCPT(&f, "user2");
    SAY(&f, "RSET", "250 2.0.0 Ok");
    SAY(&f, "MAIL FROM:<a@b.example> SIZE=1501", "250 2.1.0 Ok");
    SAY(&f, "RCPT TO:<user2@example.test>",
        "552 5.2.2 The message is bigger than the mailbox");
    stage_close(&f.st);
}

static void
submission_wants_its_own_sender(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f, SMTP_SUBMISSION);
    fixture_open(&f);
    stage_line(&f.st, "EHLO x");
    SAY(&f, "MAIL FROM:<user1@example.test>", "530 5.7.0 Authenticate first");
    f.st.user = "user1@example.test";
    SAY(&f, "MAIL FROM:<User1@Example.TEST>", "250 2.1.0 Ok");
    SAY(&f, "RCPT TO:<who@elsewhere.example>",
        "550 5.7.1 Relaying denied: not a domain of this server");
    SAY(&f, "RSET", "250 2.0.0 Ok");
    SAY(&f, "MAIL FROM:<team@example.test>", "250 2.1.0 Ok");
    SAY(&f, "RSET", "250 2.0.0 Ok");
    SAY(&f, "MAIL FROM:<>", "250 2.1.0 Ok");
    SAY(&f, "RSET", "250 2.0.0 Ok");
    SAY(&f, "MAIL FROM:<user2@example.test>",
        "553 5.7.1 This sender address is not yours");
    SAY(&f, "RCPT TO:<user1@example.test>", "503 5.5.1 Say MAIL first");
    f.st.directory_status = PTN_TEMPFAIL;
    SAY(&f, "MAIL FROM:<team@example.test>",
        "451 4.3.0 Cannot look up the sender, try again later");
    f.st.lane_full = true;
    SAY(&f, "MAIL FROM:<team@example.test>",
        "451 4.3.2 Too busy, try again later");
    stage_close(&f.st);
}

static void
transactions_are_counted(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, SMTP_MX);
    f.options.max_transactions = 2;
    for (int i = 0; i < 2; i++) {
        MAIL(&f);
        SAY(&f, "RSET", "250 2.0.0 Ok");
    }
    SAY(&f, "MAIL FROM:<a@b.example>",
        "421 4.7.0 Too many messages in a session, closing");
    assert_int_equal(f.st.result, PTN_CLOSE);
    stage_close(&f.st);
}

/* RFC 3207 section 4.2. */
static void
tls_forgets(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f, SMTP_MX);
    f.st.tls_offered = true;
    fixture_open(&f);
    SAY(&f, "STARTTLS now", "501 5.5.4 STARTTLS takes no parameter");
    stage_line(&f.st, "EHLO x");
    MAIL(&f);
    SAY(&f, "STARTTLS", "220 2.0.0 Go ahead");
    assert_true(f.st.tls_started);
    f.st.tls = true;
    assert_string_equal(stage_event(&f.st, PTN_EVENT_TLS), "");
    SAY(&f, "RCPT TO:<user1@example.test>", "503 5.5.1 Say MAIL first");
    SAY(&f, "MAIL FROM:<a@b.example>", "503 5.5.1 Say EHLO first");
    SAY(&f, "STARTTLS", "503 5.5.1 TLS is there already");
    stage_close(&f.st);
    fixture_start(&f, SMTP_MX);
    SAY(&f, "STARTTLS", "502 5.5.1 STARTTLS is not offered");
    stage_close(&f.st);
}

/* RFC 3207 section 4: what a policy that demands TLS lets through. */
static void
tls_demanded(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f, SMTP_MX);
    f.st.tls_offered = f.st.must_tls = f.st.may_auth = true;
    fixture_open(&f);
    assert_memory_equal(stage_line(&f.st, "EHLO x"), "250-", 4);
    SAY(&f, "MAIL FROM:<a@b.example>", "530 5.7.0 Say STARTTLS first");
    SAY(&f, "AUTH PLAIN", "530 5.7.0 Say STARTTLS first");
    SAY(&f, "VRFY x", "530 5.7.0 Say STARTTLS first");
    SAY(&f, "NOOP", "250 2.0.0 Ok");
    SAY(&f, "STARTTLS", "220 2.0.0 Go ahead");
    stage_close(&f.st);
}

static void
events_and_faults(void **state)
{
    struct fixture f;
    (void)state;
    fixture_start(&f, SMTP_MX);
    assert_reply(stage_fault(&f.st, PTN_FAULT_LONG_LINE),
                 "500 5.5.2 Line too long");
    assert_reply(stage_fault(&f.st, PTN_FAULT_NUL),
                 "501 5.5.2 NUL in a command");
    assert_memory_equal(stage_fault(&f.st, PTN_FAULT_BARE_LF), "501 5.5.2", 9);
    assert_int_equal(f.st.result, PTN_DONE);
    assert_reply(stage_event(&f.st, PTN_EVENT_TIMEOUT),
                 "421 4.4.2 Timeout, closing");
    assert_int_equal(f.st.result, PTN_CLOSE);
    assert_memory_equal(stage_event(&f.st, PTN_EVENT_ERRORS), "421 4.7.0", 9);
    assert_int_equal(f.st.result, PTN_CLOSE);
    assert_memory_equal(stage_event(&f.st, PTN_EVENT_SHUTDOWN), "421 4.3.2", 9);
    assert_int_equal(f.st.result, PTN_CLOSE);
    assert_memory_equal(f.st.protocol->refuse(PTN_REFUSE_CONNECTIONS), "421 ",
                        4);
    assert_memory_equal(f.st.protocol->refuse(PTN_REFUSE_SHUTDOWN), "421 ", 4);
    stage_close(&f.st);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greeting_names_the_server),
        cmocka_unit_test(ehlo_announces_what_works),
        cmocka_unit_test(mx_has_no_auth_in_clear),
        cmocka_unit_test(names_of_clients),
        cmocka_unit_test(roles_have_their_hello),
        cmocka_unit_test(order_of_commands),
        cmocka_unit_test(small_commands),
        cmocka_unit_test(parameters_of_mail),
        cmocka_unit_test(recipients),
        cmocka_unit_test(aliases_of_many),
        cmocka_unit_test(lookups_on_a_lane),
        cmocka_unit_test(quota_is_looked_at_early),
        cmocka_unit_test(submission_wants_its_own_sender),
        cmocka_unit_test(transactions_are_counted),
        cmocka_unit_test(tls_forgets),
        cmocka_unit_test(tls_demanded),
        cmocka_unit_test(events_and_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
