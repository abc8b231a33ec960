/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Authentication as a peer sees it: exchanges, their faults, and what
 * guessing costs. The numbers are those of enum ptn_auth.
 */
#include "base/clock.h"
#include "tests/unit/net/fixture.h"
#include <stdio.h>
#include <unistd.h>

static void
test_plain(void **state)
{
    struct fixture f;

    fixture_init(&f);
    f.far = *state != NULL;
    fixture_start(&f);
    static const struct {
        const char *in, *out;
    } cases[] = {
        /* \0ann\0secret, at once and when asked */
        {"AUTH PLAIN AGFubgBzZWNyZXQ=\r\nQUIT\r\n", "AUTH 0\r\nBYE\r\n"},
        {"AUTH plain\r\nAGFubgBzZWNyZXQ=\r\nQUIT\r\n",
         "+\r\nAUTH 0\r\nBYE\r\n"},
        /* as itself, spelt both ways; as somebody else */
        {"AUTH PLAIN YW5uAGFubgBzZWNyZXQ=\r\nQUIT\r\n", "AUTH 0\r\nBYE\r\n"},
        {"AUTH PLAIN YW5uQGV4YW1wbGUudGVzdABhbm4Ac2VjcmV0\r\nQUIT\r\n",
         "AUTH 0\r\nBYE\r\n"},
        {"AUTH PLAIN Ym9iAGFubgBzZWNyZXQ=\r\nQUIT\r\n", "AUTH 2\r\nBYE\r\n"},
        /* malformed: not base64, one NUL, an empty name, empty */
        {"AUTH PLAIN !!!!\r\nQUIT\r\n", "AUTH 6\r\nBYE\r\n"},
        {"AUTH PLAIN AGFubg==\r\nQUIT\r\n", "AUTH 6\r\nBYE\r\n"},
        {"AUTH PLAIN AABzZWNyZXQ=\r\nQUIT\r\n", "AUTH 6\r\nBYE\r\n"},
        {"AUTH PLAIN =\r\nQUIT\r\n", "AUTH 6\r\nBYE\r\n"},
        {"AUTH PLAIN\r\n*\r\nPING\r\nQUIT\r\n",
         "+\r\nAUTH 7\r\nPONG\r\nBYE\r\n"},
        {"AUTH GSSAPI\r\nQUIT\r\n", "AUTH 4\r\nBYE\r\n"},
        /* "broken": the directory is out of order */
        {"AUTH PLAIN AGJyb2tlbgBzZWNyZXQ=\r\nQUIT\r\n", "AUTH 3\r\nBYE\r\n"},
        /* a second time, once authenticated */
        {"LOGIN ann secret\r\nLOGIN ann secret\r\nQUIT\r\n",
         "AUTH 0\r\nAUTH 4\r\nBYE\r\n"},
    };
    for (size_t i = 0; i < PTN_COUNT(cases); i++) {
        int fd = client_connect(&f);
        client_expect(fd, "HI\r\n");
        client_say(fd, cases[i].in);
        client_expect(fd, cases[i].out);
        client_expect_end(fd);
        close(fd);
    }
    fixture_stop(&f);
}

static void
test_login_mechanism(void **state)
{
    struct fixture f;

    fixture_init(&f);
    f.far = *state != NULL;
    fixture_start(&f);
    PLAY(&f, "AUTH LOGIN\r\nYW5u\r\nc2VjcmV0\r\nQUIT\r\n",
         "+VXNlcm5hbWU6\r\n+UGFzc3dvcmQ6\r\nAUTH 0\r\nBYE\r\n");
    PLAY(&f, "AUTH LOGIN YW5u\r\nc2VjcmV0\r\nQUIT\r\n",
         "+UGFzc3dvcmQ6\r\nAUTH 0\r\nBYE\r\n");
    PLAY(&f, "AUTH LOGIN\r\n\r\nQUIT\r\n",
         "+VXNlcm5hbWU6\r\nAUTH 6\r\nBYE\r\n");
    fixture_stop(&f);
}

static void
test_delay_and_throttle(void **state)
{
    struct fixture f;
    uint64_t began = ptn_clock_ms();
    int fd;

    fixture_init(&f);
    f.far = *state != NULL;
    fixture_start(&f);
    fd = client_connect(&f);
    client_say(fd, "LOGIN ann wrong\r\nLOGIN bob secret\r\n"
                   "LOGIN ann wrong\r\nLOGIN ann secret\r\n");
    client_expect(fd, "HI\r\nAUTH 2\r\n");
    assert_in_range(ptn_clock_ms() - began, 50, 20000);
    client_expect(fd, "AUTH 2\r\nAUTH 8\r\nAUTH 8\r\n");
    assert_in_range(ptn_clock_ms() - began, 50 * 3, 60000);
    close(fd);
    assert_int_equal(atomic_load(&f.counters.auth_failed), 3);
    /* A server that goes away does not wait for a delay. */
    fd = client_connect(&f);
    client_say(fd, "LOGIN ann wrong\r\n");
    client_expect(fd, "HI\r\n");
    usleep(50000);
    fixture_stop(&f);
    close(fd);
}

static void
test_leaves_while_delayed(void **state)
{
    struct fixture f;
    int fd;

    fixture_init(&f);
    f.far = *state != NULL;
    fixture_start(&f);
    for (int i = 0; i < 3; i++) {
        fd = client_connect(&f);
        client_say(fd, i ? "LOGIN ann wrong\r\n" : "AUTH PLAIN\r\n");
        usleep(20000);
        close(fd);
    }
    fixture_stop(&f);
    assert_int_equal(atomic_load(&f.closed), 3);
}

static void
test_limits(void **state)
{
    struct fixture f;
    char line[2100];
    int fd;

    fixture_init(&f);
    f.far = *state != NULL;
    f.conf.limits.max_line = 20000;
    f.conf.limits.auth_attempts = 9;
    fixture_start(&f);
    fd = client_connect(&f);
    client_expect(fd, "HI\r\n");
    memset(line, 'a', sizeof line);
    memcpy(line, "LOGIN ", 6);
    memcpy(line + 400, " secret\r\n", 10); /* a name of 394 octets */
    client_say(fd, line);
    client_expect(fd, "AUTH 2\r\n");
    client_say(fd, "AUTH PLAIN ");
    memset(line, 'A', sizeof line);
    for (int i = 0; i < 6; i++)
        client_send(fd, line, sizeof line);
    client_say(fd, "\r\nPING\r\n");
    client_expect(fd, "AUTH 6\r\nPONG\r\n");
    close(fd);
    fixture_stop(&f);
}

static void
test_without_directory(void **state)
{
    struct fixture f;

    fixture_init(&f);
    f.far = *state != NULL;
    f.no_directory = true;
    fixture_start(&f);
    PLAY(&f, "LOGIN ann secret\r\nQUIT\r\n", "AUTH 4\r\nBYE\r\n");
    fixture_stop(&f);
}

static int
far(void **state)
{
    static bool is_far = true;

    *state = &is_far;
    return 0;
}

/* Each case with the engine here, and with it behind a channel. */
#define CASE(name) cmocka_unit_test(name), cmocka_unit_test_setup(name, far)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_plain),
        CASE(test_login_mechanism),
        CASE(test_delay_and_throttle),
        CASE(test_leaves_while_delayed),
        CASE(test_limits),
        CASE(test_without_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
