/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of POP3 after login: lists, messages, deletions, and what happens
 * when other sessions remove mail meanwhile.
 */
#include "tests/unit/pop3/fixture.h"

static void
numbers_and_sizes(void **state)
{
    struct stage st;
    (void)state;
    fixture_start(&st);
    SAY(&st, "STAT", "+OK 3 53");
    SAY(&st, "LIST", "+OK 3 messages\r\n1 12\r\n2 20\r\n3 21\r\n.");
    SAY(&st, "LIST 2", "+OK 2 20");
    SAY(&st, "UIDL", "+OK 3 messages\r\n1 7.11\r\n2 7.12\r\n3 7.13\r\n.");
    SAY(&st, "UIDL 3", "+OK 3 7.13");
    SAY(&st, "NOOP", "+OK");
    SAY(&st, "STAT x", "-ERR STAT takes no parameter");
    stage_close(&st);
}

static void
wrong_numbers(void **state)
{
    static const char *const bad[] = {
        "LIST 0",  "LIST 4",  "UIDL 4",  "RETR 4",   "DELE 0",
        "TOP 4 1", "LIST -1", "RETR",    "RETR x",   "DELE",
        "TOP 1",   "TOP",     "TOP 1 x", "RETR 1 2", "LIST 4294967297"};
    struct stage st;
    (void)state;
    fixture_start(&st);
    for (size_t i = 0; i < PTN_COUNT(bad); i++)
        assert_memory_equal(stage_line(&st, bad[i]), "-ERR ", 5);
    assert_int_equal(st.errors, PTN_COUNT(bad));
    stage_close(&st);
}

/* RFC 1939 section 3: dots are doubled, and the text ends with a line end. */
static void
messages(void **state)
{
    struct stage st;
    (void)state;
    fixture_start(&st);
    SAY(&st, "RETR 1", "+OK 12 octets\r\nA: 1\r\n\r\nxy\r\n.");
    SAY(&st, "RETR 2", "+OK 20 octets\r\nB: 2\r\n\r\n..dot\r\n...\r\n\r\n.");
    SAY(&st, "RETR 3",
        "+OK 21 octets\r\nC: 3\r\n\r\n1\r\n2\r\n3\r\n4\r\n..\r\n.");
    stage_close(&st);
}

static void
tops(void **state)
{
    struct stage st;
    (void)state;
    fixture_start(&st);
    SAY(&st, "TOP 3 0", "+OK The top follows\r\nC: 3\r\n\r\n.");
    SAY(&st, "TOP 3 2", "+OK The top follows\r\nC: 3\r\n\r\n1\r\n2\r\n.");
    SAY(&st, "TOP 1 99", "+OK The top follows\r\nA: 1\r\n\r\nxy\r\n.");
    SAY(&st, "TOP 2 1", "+OK The top follows\r\nB: 2\r\n\r\n..dot\r\n.");
    stage_close(&st);
}

static void
marks(void **state)
{
    struct stage st;
    (void)state;
    fixture_start(&st);
    SAY(&st, "DELE 2", "+OK Deleted at QUIT");
    SAY(&st, "DELE 2", "-ERR The message is deleted");
    SAY(&st, "RETR 2", "-ERR The message is deleted");
    SAY(&st, "STAT", "+OK 2 33");
    SAY(&st, "LIST", "+OK 2 messages\r\n1 12\r\n3 21\r\n.");
    SAY(&st, "UIDL", "+OK 2 messages\r\n1 7.11\r\n3 7.13\r\n.");
    SAY(&st, "RSET", "+OK 3 messages, 53 octets");
    SAY(&st, "STAT", "+OK 3 53");
    SAY(&st, "QUIT", "+OK Bye");
    assert_string_equal(st.expunged, "");
    stage_close(&st);
}

static void
quit_removes(void **state)
{
    struct stage st;
    (void)state;
    fixture_start(&st);
    SAY(&st, "DELE 3", "+OK Deleted at QUIT");
    SAY(&st, "DELE 1", "+OK Deleted at QUIT");
    SAY(&st, "QUIT", "+OK Bye");
    assert_int_equal(st.result, PTN_CLOSE);
    assert_string_equal(st.expunged, "11 13 ");
    stage_close(&st);
}

/* RFC 1939 section 6: without QUIT nothing is removed. */
static void
end_without_quit(void **state)
{
    struct stage st;
    (void)state;
    fixture_start(&st);
    SAY(&st, "DELE 1", "+OK Deleted at QUIT");
    stage_event(&st, PTN_EVENT_TIMEOUT);
    stage_close(&st);
    assert_string_equal(st.expunged, "");
}

static void
update_fails(void **state)
{
    struct stage st;
    (void)state;
    fixture_start(&st);
    SAY(&st, "DELE 1", "+OK Deleted at QUIT");
    st.expunge_status = PTN_TEMPFAIL;
    assert_memory_equal(stage_line(&st, "QUIT"), "-ERR [SYS/TEMP] ", 16);
    assert_int_equal(st.result, PTN_CLOSE);
    stage_close(&st);
    fixture_start(&st);
    SAY(&st, "DELE 1", "+OK Deleted at QUIT");
    st.open_status = PTN_TEMPFAIL;
    assert_memory_equal(stage_line(&st, "QUIT"), "-ERR [SYS/TEMP] ", 16);
    stage_close(&st);
    fixture_start(&st);
    SAY(&st, "DELE 1", "+OK Deleted at QUIT");
    st.cancel = true;
    assert_string_equal(stage_line(&st, "QUIT"), "");
    stage_close(&st);
}

/* INBOX was deleted and made anew: its UIDs mean other messages. */
static void
another_mailbox_is_not_touched(void **state)
{
    struct stage st;
    (void)state;
    fixture_start(&st);
    SAY(&st, "DELE 1", "+OK Deleted at QUIT");
    st.uidvalidity++;
    assert_memory_equal(stage_line(&st, "QUIT"), "-ERR [SYS/TEMP] ", 16);
    assert_string_equal(st.expunged, "");
    stage_close(&st);
}

static void
removed_by_others(void **state)
{
    static const char gone[] =
        "-ERR The message was removed by another session";
    struct stage st;
    (void)state;
    fixture_start(&st);
    st.messages[1].gone = true;
    assert_memory_equal(stage_line(&st, "RETR 2"), gone, strlen(gone));
    assert_memory_equal(stage_line(&st, "TOP 2 0"), gone, strlen(gone));
    assert_memory_equal(stage_line(&st, "LIST 2"), gone, strlen(gone));
    assert_memory_equal(stage_line(&st, "DELE 2"), gone, strlen(gone));
    SAY(&st, "LIST", "+OK 3 messages\r\n1 12\r\n3 21\r\n.");
    SAY(&st, "UIDL 2", "+OK 2 7.12");
    SAY(&st, "RETR 3",
        "+OK 21 octets\r\nC: 3\r\n\r\n1\r\n2\r\n3\r\n4\r\n..\r\n.");
    assert_int_equal(st.errors, 0);
    stage_close(&st);
}

static void
store_out_of_order(void **state)
{
    struct stage st;
    (void)state;
    fixture_start(&st);
    st.body_status = PTN_PERMFAIL;
    assert_memory_equal(stage_line(&st, "RETR 1"), "-ERR [SYS/PERM] ", 16);
    st.body_status = PTN_OK;
    st.read_fails = true;
    stage_line(&st, "RETR 1");
    assert_int_equal(st.result, PTN_CLOSE); /* octets were promised */
    st.fetch_status = PTN_TEMPFAIL;
    assert_memory_equal(stage_line(&st, "LIST 1"), "-ERR [SYS/TEMP] ", 16);
    stage_line(&st, "LIST");
    assert_int_equal(st.result, PTN_CLOSE);
    stage_close(&st);
}

/* A slow reader gets the same, piece by piece. */
static void
back_pressure(void **state)
{
    struct stage st;
    (void)state;
    fixture_start(&st);
    st.full = true;
    SAY(&st, "LIST", "+OK 3 messages\r\n1 12\r\n2 20\r\n3 21\r\n.");
    assert_false(st.full);
    st.full = true;
    SAY(&st, "UIDL", "+OK 3 messages\r\n1 7.11\r\n2 7.12\r\n3 7.13\r\n.");
    stage_close(&st);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_sizes),
        cmocka_unit_test(wrong_numbers),
        cmocka_unit_test(messages),
        cmocka_unit_test(tops),
        cmocka_unit_test(marks),
        cmocka_unit_test(quit_removes),
        cmocka_unit_test(end_without_quit),
        cmocka_unit_test(update_fails),
        cmocka_unit_test(another_mailbox_is_not_touched),
        cmocka_unit_test(removed_by_others),
        cmocka_unit_test(store_out_of_order),
        cmocka_unit_test(back_pressure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
