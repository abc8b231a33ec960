/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Dialogues that need more than one session, a slow client, or a store out
 * of order; plain ones are in tests/protocol/imap.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the four above */
#include <cmocka.h>

#include "fake.h"
#include "imap.h"

#include <stdio.h>
#include <stdlib.h>

#define LOGIN "l LOGIN user1 secret\r\n"
#define SELECT "s SELECT INBOX\r\n"

static int
setup(void **state)
{
    struct fake *s = fake_open();

    fake_say(s, LOGIN);
    *state = s;
    return 0;
}

static int
teardown(void **state)
{
    fake_close(*state);
    return 0;
}

static struct fake *
second(struct fake *s, const char *first_words)
{
    struct fake *t = fake_join(s);

    fake_say(t, LOGIN);
    fake_say(t, first_words);
    return t;
}

static void
has(const char *answer, const char *part)
{
    assert_non_null(answer);
    if (strstr(answer, part) == NULL)
        fail_msg("no \"%s\" in:\n%s", part, answer);
}

static void
has_not(const char *answer, const char *part)
{
    if (strstr(answer, part))
        fail_msg("\"%s\" in:\n%s", part, answer);
}

static void
append(struct fake *s, const char *text)
{
    char command[512];

    snprintf(command, sizeof(command), "p APPEND INBOX {%zu+}\r\n%s\r\n",
             strlen(text), text);
    has(fake_say(s, command), "p OK [APPENDUID 1 ");
}

static void
append_many(struct fake *s, int count)
{
    for (int i = 0; i < count; i++)
        append(s, "Subject: x\r\n\r\nbody\r\n");
}

/* --- several sessions --- */

/* RFC 3501 section 7.4.1: no EXPUNGE while FETCH, STORE or SEARCH. */
static void
expunge_waits_for_its_time(void **state)
{
    struct fake *s = *state, *t;
    const char *answer;

    append_many(s, 3);
    fake_say(s, SELECT);
    t = second(s, SELECT);
    fake_say(t, "a STORE 2 +FLAGS (\\Deleted)\r\n");
    has(fake_say(t, "b EXPUNGE\r\n"), "* 2 EXPUNGE\r\n");
    answer = fake_say(s, "c FETCH 1:3 (UID)\r\n");
    has_not(answer, "EXPUNGE\r\n");
    has(answer, "* 3 FETCH (UID 3)\r\n");
    has(answer, "c NO [EXPUNGEISSUED]");
    has_not(fake_say(s, "d SEARCH 1:3\r\n"), " EXPUNGE\r\n");
    has(fake_say(s, "e STORE 3 +FLAGS (\\Seen)\r\n"), "* 3 FETCH (FLAGS");
    answer = fake_say(s, "f UID FETCH 1:* FLAGS\r\n");
    has(answer, "* 2 EXPUNGE\r\n"); /* allowed with UID, at its end */
    has(answer, "* 3 FETCH (FLAGS (\\Seen \\Recent) UID 3)\r\n");
    has(fake_say(s, "g FETCH 2 UID\r\n"), "* 2 FETCH (UID 3)\r\n");
    fake_close(t);
}

static void
flags_of_others_are_told_once(void **state)
{
    struct fake *s = *state, *t;

    append_many(s, 2);
    fake_say(s, SELECT);
    t = second(s, SELECT);
    fake_say(t, "a STORE 1 FLAGS (\\Flagged $New)\r\n");
    has(fake_say(s, "b NOOP\r\n"), "* FLAGS (\\Answered \\Flagged \\Deleted "
                                   "\\Seen \\Draft $New)\r\n"
                                   "* OK [PERMANENTFLAGS ");
    assert_string_equal(fake_say(s, "c NOOP\r\n"), "c OK NOOP completed\r\n");
    /* Its own change, silent, is no news to itself, but to the other. */
    assert_string_equal(fake_say(s, "d STORE 2 +FLAGS.SILENT (\\Answered)\r\n"),
                        "d OK STORE completed\r\n");
    has(fake_say(t, "e CHECK\r\n"), "* 2 FETCH (UID 2 FLAGS (\\Answered))\r\n");
    fake_close(t);
}

/* A message that came and went between two commands leaves no trace. */
static void
short_lives_leave_no_trace(void **state)
{
    struct fake *s = *state, *t;

    append_many(s, 1);
    fake_say(s, SELECT);
    t = second(s, SELECT);
    append_many(t, 2);
    fake_say(t, "a STORE 2 +FLAGS (\\Deleted)\r\nb EXPUNGE\r\n");
    assert_string_equal(fake_say(s, "c NOOP\r\n"),
                        "* 2 EXISTS\r\n* 2 RECENT\r\nc OK NOOP completed\r\n");
    has(fake_say(s, "d FETCH 2 UID\r\n"), "* 2 FETCH (UID 3)");
    fake_close(t);
}

static void
idle_tells_at_once(void **state)
{
    struct fake *s = *state, *t;
    const char *answer;

    append_many(s, 1);
    fake_say(s, SELECT);
    assert_string_equal(fake_say(s, "i IDLE\r\n"), "+ idling\r\n");
    t = second(s, SELECT);
    append_many(t, 1);
    has(fake_say(s, ""), "* 2 EXISTS\r\n");
    fake_say(t, "a STORE 1 +FLAGS (\\Deleted)\r\nb EXPUNGE\r\n");
    answer = fake_say(s, "");
    has(answer, "* 1 FETCH (UID 1 FLAGS (\\Deleted \\Recent))\r\n"
                "* 1 EXPUNGE\r\n");
    has(fake_say(s, "done\r\n"), "i OK IDLE completed\r\n");
    append_many(t, 1); /* no watch any more */
    assert_string_equal(fake_say(s, ""), "");
    has(fake_say(s, "j IDLE\r\n"), "* 2 EXISTS\r\n");
    has(fake_say(s, "k NOOP\r\n"), "j BAD expected DONE\r\n");
    fake_close(t);
}

/* RFC 2180 section 3.3. */
static void
deleted_mailbox_ends_the_session(void **state)
{
    struct fake *s = *state, *t;

    fake_say(s, "a CREATE box\r\n");
    t = second(s, "b SELECT box\r\n");
    has(fake_say(s, "c DELETE box\r\n"), "c OK");
    has(fake_say(t, "d NOOP\r\n"), "d OK NOOP completed\r\n* BYE ");
    assert_true(fake_closed(t));
    fake_close(t);
    /* One's own is only left. */
    fake_say(s, "e CREATE own\r\nf SELECT own\r\n");
    has(fake_say(s, "g DELETE own\r\n"), "g OK");
    has(fake_say(s, "h FETCH 1 FLAGS\r\n"), "h BAD not allowed now");
}

static void
recent_is_for_the_first(void **state)
{
    struct fake *s = *state, *t;

    append_many(s, 1);
    has(fake_say(s, "a EXAMINE INBOX\r\n"), "* 1 RECENT\r\n");
    has(fake_say(s, SELECT), "* 1 RECENT\r\n");
    has(fake_say(s, "b FETCH 1 FLAGS\r\n"), "(FLAGS (\\Recent))");
    t = second(s, "");
    has(fake_say(t, SELECT), "* 0 RECENT\r\n");
    has(fake_say(t, "c FETCH 1 FLAGS\r\n"), "(FLAGS ())");
    fake_close(t);
}

/* RFC 7162 section 3.1.3: a condition keeps others' changes. */
static void
conditional_store_keeps_others_changes(void **state)
{
    struct fake *s = *state, *t;
    const char *answer;

    append_many(s, 3); /* modseqs 2, 3, 4 */
    fake_say(s, SELECT);
    t = second(s, SELECT);
    fake_say(t, "a STORE 2 +FLAGS (\\Flagged)\r\n"); /* 5 */
    answer = fake_say(s, "b STORE 1:3 (UNCHANGEDSINCE 4) FLAGS.SILENT "
                         "(\\Deleted)\r\n");
    assert_string_equal(
        answer, "* OK [HIGHESTMODSEQ 4] modseqs are told from now on\r\n"
                "* 1 FETCH (MODSEQ (6))\r\n"
                "* 3 FETCH (MODSEQ (6))\r\n"
                "* 2 FETCH (UID 2 FLAGS (\\Flagged \\Recent) MODSEQ (5))\r\n"
                "b OK [MODIFIED 2] some were changed by others\r\n");
    has(fake_say(s, "c FETCH 1:3 (UID) (CHANGEDSINCE 5)\r\n"),
        "* 1 FETCH (UID 1 MODSEQ (6))\r\n* 3 FETCH (UID 3 MODSEQ (6))\r\nc OK");
    /* What is filtered out is not read, so it is not \\Seen either. */
    has_not(fake_say(s, "d FETCH 2 BODY[] (CHANGEDSINCE 5)\r\n"), "* 2");
    has_not(fake_say(s, "e FETCH 2 FLAGS\r\n"), "Seen");
    has(fake_say(t, "f NOOP\r\n"), "* 1 FETCH (UID 1 FLAGS (\\Deleted))\r\n");
    fake_close(t);
}

/* --- slow clients, slow disks --- */

static void
count_messages(const char *answer, unsigned expected)
{
    unsigned n = 0;

    while ((answer = strstr(answer, " FETCH (")) != NULL) {
        answer++;
        n++;
    }
    assert_int_equal(n, expected);
}

static void
long_answers_stop_and_go_on(void **state)
{
    struct fake *s = *state;
    const char *answer;

    append_many(s, 4400); /* more than the chunks of a turn */
    fake_say(s, SELECT);
    fake_high(s, 100);
    answer = fake_say(s, "a FETCH 1:* (UID FLAGS INTERNALDATE ENVELOPE)\r\n");
    count_messages(answer, 4400);
    has(answer, "a OK FETCH completed\r\n");
    answer = fake_say(s, "b FETCH 1:* (BODY[] BODY[HEADER.FIELDS (x)])\r\n");
    count_messages(answer, 4400);
    has(answer, "* 4400 FETCH (BODY[] {20}\r\nSubject: x\r\n\r\nbody\r\n "
                "BODY[HEADER.FIELDS (x)] {2}\r\n\r\n FLAGS (\\Seen \\Recent)"
                ")\r\nb OK");
    count_messages(fake_say(s, "c UID STORE 1:* FLAGS (\\Draft)\r\n"), 4400);
    has(fake_say(s, "d UID FETCH 1:4294967295 UID\r\n"), "* 4400 FETCH");
}

static void
cold_bodies_come_from_a_lane(void **state)
{
    struct fake *s = *state;
    const char *answer;

    append_many(s, 2);
    fake_say(s, SELECT);
    ptn_test_store(s->test)->cold = true;
    answer = fake_say(s, "a FETCH 1:2 (BODY.PEEK[] "
                         "BODY.PEEK[HEADER.FIELDS (SUBJECT)] UID)\r\n");
    has(answer, "* 2 FETCH (BODY[] {20}\r\nSubject: x\r\n\r\nbody\r\n "
                "BODY[HEADER.FIELDS (SUBJECT)] {14}\r\nSubject: x\r\n\r\n "
                "UID 2)\r\na OK FETCH completed\r\n");
    has(fake_say(s, "b SEARCH BODY ody\r\n"), "* SEARCH 1 2\r\n");
    ptn_test_refuse_jobs(s->test, 0, 1000);
    has(fake_say(s, "c SEARCH BODY ody\r\n"), "c NO [UNAVAILABLE]");
    fake_say(s, "d FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]\r\n");
    assert_true(fake_closed(s)); /* it had begun to answer */
}

static void
large_messages_are_scanned_on_a_lane(void **state)
{
    struct fake *s = *state;
    size_t size = 300 * 1024;
    char *message = malloc(size + 1), head[64];

    memset(message, 'x', size);
    message[size] = 0;
    memcpy(message, "Subject: big\r\n\r\n", 16);
    snprintf(head, sizeof(head), "a APPEND INBOX {%zu}\r\n", size);
    assert_string_equal(fake_say(s, head), "+ go ahead\r\n");
    has(fake_say(s, message), "");
    has(fake_say(s, "\r\n"), "a OK [APPENDUID 1 1]");
    fake_say(s, SELECT);
    has(fake_say(s, "b FETCH 1 ENVELOPE\r\n"), "\"big\"");
    assert_true(strlen(fake_say(s, "c FETCH 1 BODY.PEEK[]\r\n")) > size);
    ptn_test_store(s->test)->cold = true;
    assert_true(strlen(fake_say(s, "d FETCH 1 BODY.PEEK[]\r\n")) > size);
    free(message);
}

/* --- a store that says no --- */

static void
failures_have_their_codes(void **state)
{
    static const struct {
        enum ptn_status status;
        const char *code;
    } rows[] = {
        {PTN_TEMPFAIL, " NO [UNAVAILABLE]"}, {PTN_PERMFAIL, " NO [SERVERBUG]"},
        {PTN_OVERQUOTA, " NO [OVERQUOTA]"},  {PTN_LIMIT, " NO [LIMIT]"},
        {PTN_DENIED, " NO [CANNOT]"},
    };
    static const char *const commands[] = {
        "a CREATE x\r\n",
        "a STORE 1 FLAGS (\\Seen)\r\n",
        "a EXPUNGE\r\n",
        "a COPY 1 INBOX\r\n",
        "a APPEND INBOX {5+}\r\nhello\r\n",
    };
    struct fake *s = *state;

    append_many(s, 1);
    fake_say(s, SELECT);
    for (size_t i = 0; i < PTN_COUNT(rows); i++)
        for (size_t k = 0; k < PTN_COUNT(commands); k++) {
            ptn_test_store(s->test)->operation = rows[i].status;
            has(fake_say(s, commands[k]), rows[i].code);
        }
    /* What can be read is still read: only \Seen cannot be set. */
    has(fake_say(s, "b FETCH 1 BODY[TEXT]\r\n"),
        "* 1 FETCH (BODY[TEXT] {6}\r\nbody\r\n)\r\nb OK");
}

/* --- literals --- */

static void
refused_literals_are_never_commands(void **state)
{
    struct fake *s = *state;
    const char *answer;

    /* One that is waited for: no go-ahead. */
    answer = fake_say(s, "a SELECT {4294967296}\r\nb NOOP\r\n");
    has(answer, "a BAD [TOOBIG]");
    has(answer, "b OK NOOP");
    has_not(answer, "+");
    /* One that comes at once is read over. */
    answer = fake_say(s, "c NONSENSE {8+}\r\nd NOOP\r\n {3+}\r\ne \r\r\n"
                         "f NOOP\r\n");
    has(answer, "c BAD unknown command\r\n");
    has(answer, "f OK NOOP");
    has_not(answer, "d OK");
    answer = fake_say(s, "g APPEND INBOX {1048577+}\r\n");
    has(answer, "g NO [TOOBIG]");
    for (int i = 0; i < 65536; i++)
        assert_string_equal(fake_say(s, "012345678 NOOP\r\n"), "");
    has(fake_say(s, "x\r\nh NOOP\r\n"), "h OK NOOP");
    /* And one without end is the end. */
    has(fake_say(s, "i SELECT {99999999999999999999999+}\r\n"), "* BYE ");
    assert_true(fake_closed(s));
}

static void
strangers_cannot_make_us_hold(void **state)
{
    struct fake *s = *state, *t = fake_join(s);
    const char *answer = fake_say(t, "a APPEND INBOX {100}\r\n");

    has(answer, "a BAD log in first\r\n");
    has_not(answer, "+");
    has(fake_say(t, "b LOGIN {9000}\r\n"), "b BAD [TOOBIG]");
    has(fake_say(t, "c LOGIN {5}\r\n"), "+ go ahead\r\n");
    has(fake_say(t, "user1 {6}\r\n"), "+ go ahead\r\n");
    has(fake_say(t, "secret\r\n"), "c OK [CAPABILITY ");
    fake_close(t);
}

static void
uploads_are_counted(void **state)
{
    struct fake *s = *state, *t[4];

    for (size_t i = 0; i < 4; i++) {
        t[i] = second(s, "");
        has(fake_say(t[i], "a APPEND INBOX {1048576}\r\n"), "+ go ahead");
    }
    has(fake_say(s, "b APPEND INBOX {1}\r\n"), "b NO [UNAVAILABLE]");
    for (size_t i = 0; i < 4; i++)
        fake_close(t[i]);
    has(fake_say(s, "c APPEND INBOX {1}\r\n"), "+ go ahead");
    has(fake_say(s, "x\r\n"), "c OK");
}

static void
lines_that_are_no_lines(void **state)
{
    struct fake *s = *state;
    static char line[IMAP_LINE_MAX + 100];

    memset(line, 'a', sizeof(line));
    memcpy(line, "t1 NOOP ", 8);
    memcpy(line + sizeof(line) - 3, "\r\n", 3);
    has(fake_say(s, line), "t1 BAD [TOOBIG] line too long\r\n");
    has(fake_say(s, "a NOOP\r\n"), "a OK");
    memcpy(line + sizeof(line) - 14, "{11+}", 5);
    memcpy(line + sizeof(line) - 9, "\r\nx NO", 7);
    fake_feed(s, line, sizeof(line) - 3);
    has_not(fake_say(s, "OP\r\nxxx\r\nb NOOP\r\n"), "x OK");
    has(fake_feed(s, "c NO\0OP\r\n", 9), "c BAD NUL in a line\r\n");
    assert_int_equal(fake_errors(s), 3 * 2 - 3);
}

/* --- TLS --- */

static void
before_tls_there_is_little_to_do(void **state)
{
    struct fake *s = *state, *t = fake_join_strict(s);

    has(fake_say(t, "a CAPABILITY\r\n"), " STARTTLS LOGINDISABLED\r\n");
    has(fake_say(t, "b LOGIN user1 secret\r\n"), "b NO [PRIVACYREQUIRED]");
    has(fake_say(t, "c AUTHENTICATE PLAIN\r\n"), "c NO [PRIVACYREQUIRED]");
    has(fake_say(t, "d ID NIL\r\n"), "d NO [PRIVACYREQUIRED]");
    has(fake_say(t, "e NOOP\r\n"), "e OK");
    has(fake_say(t, "f STARTTLS\r\ng LOGIN a b\r\n"), "f OK begin TLS");
    assert_true(ptn_test_start_tls(t->peer));
    has(fake_say(t, "h CAPABILITY\r\n"), "ENABLE AUTH=PLAIN AUTH=LOGIN\r\n");
    has(fake_say(t, "i STARTTLS\r\n"), "i BAD TLS is in use already");
    has(fake_say(t, "j LOGIN user1 secret\r\n"), "j OK");
    has(fake_say(t, "k STARTTLS\r\n"), "k BAD not allowed now");
    fake_close(t);
}

static void
sasl_has_its_outcomes(void **state)
{
    struct fake *s = *state, *t = fake_join(s);

    assert_string_equal(fake_say(t, "a AUTHENTICATE plain\r\n"), "+ \r\n");
    has(fake_say(t, "*\r\n"), "a BAD");
    fake_say(t, "b AUTHENTICATE PLAIN\r\n");
    has(fake_say(t, "!!\r\n"), "b BAD malformed");
    fake_say(t, "b2 AUTHENTICATE PLAIN\r\n");
    has(fake_feed(t, "x\0y\r\n", 5), "b2 BAD authentication cancelled");
    has(fake_say(t, "c AUTHENTICATE GSSAPI\r\n"), "c NO [CANNOT]");
    has(fake_say(t, "d AUTHENTICATE PLAIN AHVzZXIxAHdyb25n\r\n"),
        "d NO [AUTHENTICATIONFAILED]");
    has(fake_say(t, "e AUTHENTICATE PLAIN \r\n"), "e BAD");
    has(fake_say(t, "f AUTHENTICATE PLAIN AHVzZXIxAHNlY3JldA==\r\n"), "f OK");
    fake_close(t);
}

static void
events_say_goodbye(void **state)
{
    struct fake *s = *state, *t = second(s, SELECT "i IDLE\r\n");

    ptn_test_sleep(t->test, 1799000);
    assert_false(fake_closed(t));
    ptn_test_sleep(t->test, 600000); /* the wheel is coarse so late */
    has(fake_say(t, ""), "* BYE ");
    assert_true(fake_closed(t));
    fake_close(t);
    t = second(s, SELECT "i IDLE\r\n");
    ptn_test_drain(t->test, 1000);
    has(fake_say(t, ""), "* BYE ");
    assert_true(fake_closed(t));
    fake_close(t);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(expunge_waits_for_its_time),
        T(flags_of_others_are_told_once),
        T(short_lives_leave_no_trace),
        T(idle_tells_at_once),
        T(deleted_mailbox_ends_the_session),
        T(recent_is_for_the_first),
        T(conditional_store_keeps_others_changes),
        T(long_answers_stop_and_go_on),
        T(cold_bodies_come_from_a_lane),
        T(large_messages_are_scanned_on_a_lane),
        T(failures_have_their_codes),
        T(refused_literals_are_never_commands),
        T(strangers_cannot_make_us_hold),
        T(uploads_are_counted),
        T(lines_that_are_no_lines),
        T(before_tls_there_is_little_to_do),
        T(sasl_has_its_outcomes),
        T(events_say_goodbye),
    };

    return cmocka_run_group_tests_name("imap/dialogue", tests, NULL, NULL);
}
