/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The TLS driver and the listener's policy, with a provider that can be
 * spoken by hand: fixture.h has its records.
 */
#include "tests/unit/net/fixture.h"
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void
start(struct fixture *f, enum ptn_tls_mode mode, enum ptn_tls_require require)
{
    fixture_init(f);
    f->conf.tls.mode = (int)mode;
    f->conf.tls.require = (int)require;
    fixture_start(f);
}

static void
client_expect_close_notify(int fd)
{
    char rest[8] = "xxxx";

    assert_int_equal(client_read_all(fd, rest, sizeof rest, 5000), 2);
    assert_memory_equal(rest, "\0\0", 2);
}

static void
test_implicit(void **state)
{
    struct fixture f;
    char wire[100];
    size_t len;
    int fd;

    (void)state;
    start(&f, PTN_TLS_IMPLICIT, PTN_REQUIRE_AUTH);
    fd = client_connect(&f);
    client_say(fd, "HEL");
    usleep(5000);
    client_say(fd, "LO\n");
    client_expect(fd, FAKE_TLS_ANSWER);
    client_expect_tls(fd, "HI\r\n");
    client_say_tls(fd, "PING\r\nPI");
    client_expect_tls(fd, "PONG\r\n");
    client_say_tls(fd, "NG\r\n");
    client_expect_tls(fd, "PONG\r\n");
    for (int i = 0; i < 5000 && fake_tls_trims() < 3; i++)
        usleep(1000); /* it rests once what we have read was sent */
    assert_int_equal(fake_tls_trims(), 3);
    /* Two records at once: the second waits for the job, decrypted. */
    len = fake_tls_record("STARTTLS\r\nJOB 20\r\n", 18, wire);
    len += fake_tls_record("QUIT\r\n", 6, wire + len);
    client_send(fd, wire, len);
    client_expect_tls(fd, "NO\r\n");
    client_expect_tls(fd, "JOB ok\r\nBYE\r\n");
    client_expect_close_notify(fd);
    close(fd);
    assert_int_equal(atomic_load(&f.counters.handshakes), 1);
    fixture_stop(&f);
}

/* The same a few octets at a time: records cut anywhere. */
static void
test_cut_records(void **state)
{
    struct fixture f;
    char wire[200];
    size_t len;

    (void)state;
    start(&f, PTN_TLS_IMPLICIT, PTN_REQUIRE_AUTH);
    memcpy(wire, FAKE_TLS_HELLO, 6);
    len = 6 + fake_tls_record("PING\r\n", 6, wire + 6);
    len += fake_tls_record("BLOCK 3\r\nabcQ", 13, wire + len);
    len += fake_tls_record("UIT\r\n", 5, wire + len);
    for (size_t piece = 1; piece < len; piece++) {
        int fd = client_connect(&f);
        for (size_t at = 0; at < len; at += piece) {
            client_send(fd, wire + at, piece < len - at ? piece : len - at);
            if (piece < 4)
                usleep(200);
        }
        char got[200] = "";
        size_t n = client_read_all(fd, got, sizeof got, 5000);
        /* How the answers share records depends on how they were cut. */
        assert_memory_equal(got, FAKE_TLS_ANSWER, 6);
        assert_in_range(n, 6 + 4 + 6 + 13 + 5 + 2 * 2, 6 + 28 + 5 * 2 + 2);
        close(fd);
    }
    fixture_stop(&f);
}

static void
test_starttls(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    start(&f, PTN_TLS_EXPLICIT, PTN_REQUIRE_AUTH);
    fd = client_connect(&f);
    client_expect(fd, "HI\r\n");
    client_say(fd, "PING\r\nSTARTTLS\r\n");
    client_expect(fd, "PONG\r\nGO\r\n");
    client_say(fd, FAKE_TLS_HELLO);
    client_expect(fd, FAKE_TLS_ANSWER);
    client_expect_tls(fd, "TLS\r\n");
    client_say_tls(fd, "PING\r\n");
    client_expect_tls(fd, "PONG\r\n");
    close(fd);
    fixture_stop(&f);
}

/* RFC 3207 section 6: what came in clear behind the command is nobody's. */
static void
test_injection(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    start(&f, PTN_TLS_EXPLICIT, PTN_REQUIRE_AUTH);
    fd = client_connect(&f);
    client_expect(fd, "HI\r\n");
    client_say(fd, "STARTTLS\r\nPING\r\nPI");
    client_expect(fd, "GO\r\n");
    client_say(fd, FAKE_TLS_HELLO);
    client_expect(fd, FAKE_TLS_ANSWER);
    client_expect_tls(fd, "TLS\r\n");
    client_say_tls(fd, "PING\r\n");
    client_expect_tls(fd, "PONG\r\n");
    close(fd);
    /* What comes a moment later is no handshake: the end. */
    fd = client_connect(&f);
    client_expect(fd, "HI\r\n");
    client_say(fd, "STARTTLS\r\n");
    client_expect(fd, "GO\r\n");
    client_say(fd, "PING\r\n" FAKE_TLS_HELLO);
    client_expect(fd, "alert\n");
    client_expect_end(fd);
    close(fd);
    assert_int_equal(atomic_load(&f.counters.handshake_failures), 1);
    fixture_stop(&f);
    assert_int_equal(atomic_load(&f.closed), 2);
}

static void
test_policy_requires_tls(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    start(&f, PTN_TLS_EXPLICIT, PTN_REQUIRE_AUTH);
    fd = client_connect(&f);
    client_expect(fd, "HI\r\n");
    client_say(fd, "LOGIN ann secret\r\nAUTH PLAIN AGFubgBzZWNyZXQ=\r\n");
    client_expect(fd, "AUTH 5\r\nAUTH 5\r\n"); /* PTN_AUTH_NEEDS_TLS */
    client_say(fd, "STARTTLS\r\n");
    client_expect(fd, "GO\r\n");
    client_say(fd, FAKE_TLS_HELLO);
    client_expect(fd, FAKE_TLS_ANSWER);
    client_expect_tls(fd, "TLS\r\n");
    client_say_tls(fd, "LOGIN ann secret\r\n");
    client_expect_tls(fd, "AUTH 0\r\n");
    close(fd);
    fixture_stop(&f);
}

static void
test_policy_never(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    start(&f, PTN_TLS_EXPLICIT, PTN_REQUIRE_NEVER);
    fd = client_connect(&f);
    client_expect(fd, "HI\r\n");
    client_say(fd, "LOGIN ann secret\r\nSTARTTLS\r\n");
    client_expect(fd, "AUTH 0\r\nGO\r\n");
    client_say(fd, FAKE_TLS_HELLO);
    client_expect(fd, FAKE_TLS_ANSWER);
    client_expect_tls(fd, "TLS\r\n");
    /* Who somebody was in clear is forgotten. */
    client_say_tls(fd, "LOGIN ann secret\r\n");
    client_expect_tls(fd, "AUTH 0\r\n");
    close(fd);
    fixture_stop(&f);
}

static void
test_no_tls_on_none(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    start(&f, PTN_TLS_NONE, PTN_REQUIRE_AUTH);
    fd = client_connect(&f);
    client_say(fd, "STARTTLS\r\nPING\r\n");
    client_expect(fd, "HI\r\nNO\r\nPONG\r\n");
    close(fd);
    fixture_stop(&f);
}

static void
test_failing_handshakes(void **state)
{
    struct fixture f;
    int fd, silent;

    (void)state;
    fixture_init(&f);
    f.conf.tls.mode = PTN_TLS_IMPLICIT;
    f.conf.limits.handshake_timeout = 150;
    fixture_start(&f);
    silent = client_connect(&f);
    fd = client_connect(&f);
    client_say(fd, "GET / HTTP/1.0\r\n\r\n");
    client_expect(fd, "alert\n");
    client_expect_end(fd);
    close(fd);
    fd = client_connect(&f);
    client_say(fd, "HE");
    shutdown(fd, SHUT_WR);
    client_expect_end(fd);
    close(fd);
    client_expect_end(silent);
    close(silent);
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    fd = client_connect(&f);
    client_say(fd, "HE");
    usleep(5000);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
    wait_counter(&f.counters.handshake_failures, 4);
    fixture_stop(&f);
    assert_int_equal(atomic_load(&f.closed), 0); /* none was ever opened */
}

/* A slow reader over TLS: bounded, and complete in the end. */
static void
test_slow_reader(void **state)
{
    struct fixture f;
    const size_t octets = 2u << 20, room = octets * 2;
    char *all = malloc(room);
    int fd;

    (void)state;
    start(&f, PTN_TLS_IMPLICIT, PTN_REQUIRE_AUTH);
    fd = client_connect_narrow(&f);
    client_say(fd, FAKE_TLS_HELLO);
    client_expect(fd, FAKE_TLS_ANSWER);
    client_say_tls(fd, "FLOOD 2097152\r\nQUIT\r\n");
    usleep(100000);
    size_t got = client_read_all(fd, all, room, 5000), plain = 0;
    for (size_t at = 0; at + 2 <= got;) {
        size_t len =
            (size_t)((unsigned char)all[at] << 8 | (unsigned char)all[at + 1]);
        plain += len;
        at += len + 2;
    }
    assert_int_equal(plain, octets + strlen("HI\r\nBYE\r\n"));
    close(fd);
    fixture_stop(&f);
    free(all);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_implicit),
        cmocka_unit_test(test_cut_records),
        cmocka_unit_test(test_starttls),
        cmocka_unit_test(test_injection),
        cmocka_unit_test(test_policy_requires_tls),
        cmocka_unit_test(test_policy_never),
        cmocka_unit_test(test_no_tls_on_none),
        cmocka_unit_test(test_failing_handshakes),
        cmocka_unit_test(test_slow_reader),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
