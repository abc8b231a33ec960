/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sessions as a peer sees them: order, pipelining, jobs, events, limits,
 * faults, and how they end.
 */
#include "tests/unit/net/fixture.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void
test_dialogues(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    fixture_start(&f);
    PLAY(&f, "PING\r\nPING\r\nQUIT\r\n", "PONG\r\nPONG\r\nBYE\r\n");
    PLAY(&f, "BLOCK 5\r\nab\r\ncPING\r\nQUIT\r\n",
         "BLOCK 5 957\r\nPONG\r\nBYE\r\n");
    PLAY(&f, "BLOCK 0\r\nPING\r\nQUIT\r\n", "BLOCK 0 0\r\nPONG\r\nBYE\r\n");
    PLAY(&f, "TEXT 80\r\n..a\r\n.b\r\n.\r\nPING\r\nQUIT\r\n",
         "TEXT 7 247 0\r\nPONG\r\nBYE\r\n");
    PLAY(&f, "TEXT 80\r\n.\r\nQUIT\r\n", "TEXT 0 0 0\r\nBYE\r\n");
    PLAY(&f, "nonsense\r\nQUIT\r\n", "ERR\r\nBYE\r\n");
    PLAY(&f, "JOB 0\r\nPING\r\nJOB 0\r\nQUIT\r\n",
         "JOB ok\r\nPONG\r\nJOB ok\r\nBYE\r\n");
    fixture_stop(&f);
}

static void
test_faults(void **state)
{
    struct fixture f;
    char line[1000];

    (void)state;
    fixture_init(&f);
    f.conf.limits.max_line = 20;
    fixture_start(&f);
    PLAY(&f, "PING\nQUIT\r\n", "FAULT 4 PING PING\r\nBYE\r\n");
    PLAY(&f, "PI\0NG\r\nQUIT\r\n", "FAULT 2 PI I\r\nBYE\r\n");
    PLAY(&f, "PI\rNG\r\nQUIT\r\n", "FAULT 8 PI\rNG I\rNG\r\nBYE\r\n");
    PLAY(&f, "TEXT 10\r\na\nb\rc\r\n.\r\nQUIT\r\n", "TEXT 7 460 12\r\nBYE\r\n");
    PLAY(&f, "a23456789 123456789 {12}\r\nQUIT\r\n",
         "FAULT 1 a2345678 {12}\r\nBYE\r\n");
    memset(line, 'y', sizeof line);
    memcpy(line, "tag ", 4);
    memcpy(line + sizeof line - 8, "\r\nQUIT\r\n", 8);
    play(&f, line, sizeof line, "FAULT 1 tag yyyy yyyy\r\nBYE\r\n");
    fixture_stop(&f);
}

static void
test_line_without_end(void **state)
{
    struct fixture f;
    char *junk = malloc(1 << 20);
    int fd;

    (void)state;
    memset(junk, 'z', 1 << 20);
    fixture_init(&f);
    fixture_start(&f);
    fd = client_connect(&f);
    client_expect(fd, "HI\r\n");
    client_send(fd, junk, 1 << 20);
    client_say(fd, "\r\nPING\r\n");
    client_expect(fd, "FAULT 1 zzzzzzzz zzzz\r\nPONG\r\n");
    close(fd);
    fixture_stop(&f);
    free(junk);
}

static void
test_errors_end_it(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.conf.limits.max_errors = 3;
    fixture_start(&f);
    PLAY(&f, "x\r\ny\r\nPING\r\nz\r\n",
         "ERR\r\nERR\r\nPONG\r\nERR\r\nERRORS\r\n");
    int fd = client_connect(&f);
    client_say(fd, "x\r\ny\r\nz\r\nPING\r\n");
    client_expect(fd, "HI\r\nERR\r\nERR\r\nERR\r\nERRORS\r\n");
    client_expect_end(fd);
    close(fd);
    assert_true(atomic_load(&f.counters.peer_errors) >= 9);
    fixture_stop(&f);
}

/* Events come between commands: once for two posts, and not into a block. */
static void
test_posts(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    fixture_init(&f);
    fixture_start(&f);
    fd = client_connect(&f);
    client_say(fd, "POST\r\n");
    client_expect(fd, "HI\r\nPOSTED\r\n");
    client_say(fd, "POST\r\nBLOCK 3\r\na");
    usleep(20000);
    client_say(fd, "bc");
    client_expect(fd, "BLOCK 3 354\r\nPOSTED\r\n");
    client_say(fd, "POST\r\nJOB 20\r\n");
    client_expect(fd, "JOB ok\r\nPOSTED\r\n");
    close(fd);
    fixture_stop(&f);
}

/* A peer that leaves while its job runs costs nothing but the wait. */
static void
test_leaves_during_job(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    fixture_start(&f);
    for (int i = 0; i < 4; i++) {
        int fd = client_connect(&f);
        struct linger reset = {.l_onoff = 1, .l_linger = 0};
        client_expect(fd, "HI\r\n");
        client_say(fd, "JOB 50\r\n");
        usleep(5000);
        if (i % 2)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
    }
    for (int i = 0; i < 5000 && atomic_load(&f.closed) < 4; i++)
        usleep(1000);
    fixture_stop(&f);
    assert_int_equal(atomic_load(&f.closed), 4);
    /* A reset is noticed at once; who only says that no more comes may still
     * want the answer. */
    assert_int_equal(atomic_load(&f.cancelled), 2);
}

static void
test_full_lane(void **state)
{
    struct fixture f;
    int fds[8];
    char answer[16];
    unsigned full = 0;

    (void)state;
    fixture_init(&f);
    fixture_start(&f);
    for (size_t i = 0; i < 8; i++) {
        fds[i] = client_connect(&f);
        client_expect(fds[i], "HI\r\n");
        client_say(fds[i], "JOB 500\r\n");
    }
    for (size_t i = 0; i < 8; i++) {
        size_t n = client_read_all(fds[i], answer, 8, 5000);
        full += n == 8 && memcmp(answer, "JOB full", 8) == 0;
        close(fds[i]);
    }
    /* Two run, four wait; whether a thread takes one in time is its luck. */
    assert_in_range(full, 1, 4);
    fixture_stop(&f);
}

static void
test_peer_closes_after_quit(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    fixture_init(&f);
    fixture_start(&f);
    /* Half-closed: all that was asked is still answered. */
    fd = client_connect(&f);
    client_say(fd, "JOB 20\r\nPING\r\n");
    shutdown(fd, SHUT_WR);
    client_expect(fd, "HI\r\nJOB ok\r\nPONG\r\n");
    client_expect_end(fd);
    close(fd);
    /* Input behind QUIT does not destroy the last words. */
    fd = client_connect(&f);
    client_say(fd, "QUIT\r\nPING\r\nPING\r\n");
    client_expect(fd, "HI\r\nBYE\r\n");
    client_expect_end(fd);
    close(fd);
    fixture_stop(&f);
    assert_int_equal(atomic_load(&f.closed), 2);
}

static void
test_limits_on_connections(void **state)
{
    struct fixture f;
    int a, b, c;

    (void)state;
    fixture_init(&f);
    f.conf.limits.connections_per_address = 2;
    fixture_start(&f);
    a = client_connect(&f);
    b = client_connect(&f);
    client_expect(a, "HI\r\n");
    client_expect(b, "HI\r\n");
    c = client_connect(&f);
    client_expect(c, "BUSY\r\n");
    client_expect_end(c);
    close(c);
    client_say(a, "QUIT\r\n");
    client_expect(a, "BYE\r\n");
    client_expect_end(a);
    close(a);
    a = client_connect(&f);
    client_expect(a, "HI\r\n");
    assert_int_equal(atomic_load(&f.counters.refused), 1);
    close(a);
    close(b);
    fixture_stop(&f);
}

static void
test_memory(void **state)
{
    struct fixture f;
    int a, b;

    (void)state;
    fixture_init(&f);
    f.conf.memory = 1000000;
    fixture_start(&f);
    a = client_connect(&f);
    client_expect(a, "HI\r\n");
    client_say(a, "HOLD 1000001\r\nHOLD 900000\r\nHOLD 100000\r\n");
    client_expect(a, "FULL\r\nHELD\r\nFULL\r\n"); /* sessions count, too */
    b = client_connect(&f);
    client_expect(b, "HI\r\n");
    client_say(b, "HOLD 100000\r\n"); /* the budget is one for all */
    client_expect(b, "FULL\r\n");
    client_say(a, "RELEASE 900000\r\n");
    client_expect(a, "RELEASED\r\n");
    client_say(b, "HOLD 900000\r\nQUIT\r\n");
    client_expect(b, "HELD\r\nBYE\r\n");
    client_expect_end(b);
    client_say(a, "HOLD 900000\r\n"); /* what ended holds nothing */
    client_expect(a, "HELD\r\n");
    close(a);
    close(b);
    fixture_stop(&f);
}

/* With nothing left, those who come are told so; those who are there stay,
 * and the end of one makes room. */
static void
test_memory_refuses(void **state)
{
    struct fixture f;
    int a, b;

    (void)state;
    fixture_init(&f);
    f.conf.memory = 1; /* less than one session holds */
    fixture_start(&f);
    a = client_connect(&f);
    client_expect(a, "HI\r\n");
    client_say(a, "PING\r\n");
    client_expect(a, "PONG\r\n");
    b = client_connect(&f);
    client_expect(b, "MEMORY\r\n");
    client_expect_end(b);
    close(b);
    assert_int_equal(atomic_load(&f.counters.refused), 1);
    client_say(a, "QUIT\r\n");
    client_expect(a, "BYE\r\n");
    client_expect_end(a);
    close(a);
    b = client_connect(&f);
    client_expect(b, "HI\r\n");
    close(b);
    fixture_stop(&f);
}

/* Pieces of a line are no sign of life: its end has to come. */
static void
test_line_that_never_ends(void **state)
{
    struct fixture f;
    int slow, calm;

    (void)state;
    fixture_init(&f);
    f.conf.limits.command_timeout = 300;
    fixture_start(&f);
    slow = client_connect(&f);
    calm = client_connect(&f);
    client_expect(slow, "HI\r\n");
    client_expect(calm, "HI\r\n");
    for (int i = 0; i < 4; i++) {
        usleep(100000);
        if (send(slow, "x", 1, MSG_NOSIGNAL) != 1)
            break;
    }
    client_expect(slow, "TIMEOUT\r\n");
    client_expect_end(slow);
    client_say(calm, "PING\r\n"); /* silent for as long, inside no line */
    client_expect(calm, "PONG\r\n");
    close(slow);
    close(calm);
    fixture_stop(&f);
    assert_int_equal(atomic_load(&f.counters.timeouts), 1);
}

static void
test_timeout(void **state)
{
    struct fixture f;
    int idle, busy;

    (void)state;
    fixture_init(&f);
    f.conf.limits.idle_timeout = 600;
    fixture_start(&f);
    idle = client_connect(&f);
    busy = client_connect(&f);
    client_expect(idle, "HI\r\n");
    client_expect(busy, "HI\r\n");
    for (int i = 0; i < 20; i++) {
        usleep(50000);
        client_say(busy, "PING\r\n");
        client_expect(busy, "PONG\r\n");
    }
    client_expect(idle, "TIMEOUT\r\n");
    client_expect_end(idle);
    assert_int_equal(atomic_load(&f.counters.timeouts), 1);
    /* A job that lasts longer is no silence of the peer's. */
    client_say(busy, "JOB 1000\r\n");
    client_expect(busy, "JOB ok\r\n");
    close(idle);
    close(busy);
    fixture_stop(&f);
}

/* A line that never ends is silence, however many octets it has. */
static void
test_trickle(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    fixture_init(&f);
    f.conf.limits.idle_timeout = 600;
    fixture_start(&f);
    fd = client_connect(&f);
    client_expect(fd, "HI\r\n");
    for (int i = 0; i < 200 && !atomic_load(&f.counters.timeouts); i++) {
        client_say(fd, "x");
        usleep(20000);
    }
    client_expect(fd, "TIMEOUT\r\n");
    close(fd);
    /* The octets of a block are what was asked for. */
    fd = client_connect(&f);
    client_say(fd, "BLOCK 50\r\n");
    for (int i = 0; i < 50; i++) {
        usleep(20000);
        client_say(fd, "x");
    }
    client_expect(fd, "HI\r\nBLOCK 50 ");
    close(fd);
    fixture_stop(&f);
}

static void
test_stuck_module(void **state)
{
    struct fixture f;
    int fd;

    (void)state;
    fixture_init(&f);
    fixture_start(&f);
    fd = client_connect(&f);
    client_expect(fd, "HI\r\n");
    client_say(fd, "STUCK\r\n");
    client_expect_end(fd);
    close(fd);
    fixture_stop(&f);
}

static void
test_drain(void **state)
{
    struct fixture f;
    int idle, working, text, late;

    (void)state;
    fixture_init(&f);
    fixture_start(&f);
    idle = client_connect(&f);
    working = client_connect(&f);
    text = client_connect(&f);
    client_say(working, "JOB 100\r\n");
    client_say(text, "TEXT 80\r\nhalf");
    client_expect(idle, "HI\r\n");
    client_expect(working, "HI\r\n");
    client_expect(text, "HI\r\n");
    usleep(20000);
    fixture_drain(&f, 1500);
    client_expect(idle, "SHUTDOWN\r\n");
    client_expect_end(idle);
    client_expect(working, "JOB ok\r\nSHUTDOWN\r\n");
    client_expect_end(working);
    assert_false(atomic_load(&f.drained));
    late = client_connect(&f);
    client_expect(late, "GONE\r\n");
    client_expect_end(late);
    close(late);
    client_expect_end(text); /* cut off: it is in the middle of something */
    close(idle);
    close(working);
    close(text);
    fixture_stop(&f);
    assert_int_equal(atomic_load(&f.closed), 3);
}

/* Another worker has taken over the sockets. */
static void
test_retire(void **state)
{
    struct fixture f;
    int first, second, late;

    (void)state;
    fixture_init(&f);
    fixture_start(&f);
    first = client_connect(&f);
    second = client_connect(&f);
    client_expect(first, "HI\r\n");
    client_expect(second, "HI\r\n");
    fixture_retire(&f);
    usleep(50000);
    late = client_connect(&f); /* waits in the queue: for the other worker */
    client_say(first, "PING\r\nQUIT\r\n");
    client_expect(first, "PONG\r\nBYE\r\n");
    client_expect_end(first);
    client_say(second, "JOB 30\r\n");
    client_expect(second, "JOB ok\r\n");
    assert_false(atomic_load(&f.drained));
    assert_int_equal(recv(late, (char[1]){0}, 1, MSG_DONTWAIT), -1);
    client_say(second, "QUIT\r\n");
    client_expect(second, "BYE\r\n");
    client_expect_end(second);
    close(first);
    close(second);
    fixture_stop(&f);
    assert_int_equal(recv(late, (char[1]){0}, 1, MSG_DONTWAIT), -1);
    close(late);
    assert_int_equal(atomic_load(&f.closed), 2);
}

static void
test_retire_and_drain(void **state)
{
    struct fixture f;
    int idle;

    (void)state;
    fixture_init(&f);
    fixture_start(&f);
    idle = client_connect(&f);
    client_expect(idle, "HI\r\n");
    fixture_retire(&f);
    client_say(idle, "PING\r\n");
    client_expect(idle, "PONG\r\n");
    fixture_drain(&f, 1500);
    client_expect(idle, "SHUTDOWN\r\n");
    client_expect_end(idle);
    close(idle);
    fixture_stop(&f);
}

/* The output bound: what a peer does not read stops what it asked for. */
static void
test_slow_reader(void **state)
{
    struct fixture f;
    const size_t octets = 8u << 20;
    char *all = malloc(octets + 100);
    int fd;
    uint64_t sent;

    (void)state;
    fixture_init(&f);
    fixture_start(&f);
    fd = client_connect_narrow(&f);
    client_say(fd, "FLOOD 8388608\r\nPING\r\nQUIT\r\n");
    usleep(200000);
    sent = atomic_load(&f.counters.octets_out);
    assert_true(sent < octets / 2); /* the kernel's buffers, and no more */
    assert_int_equal(client_read_all(fd, all, octets + 100, 5000),
                     octets + strlen("HI\r\nPONG\r\nBYE\r\n"));
    all[octets + 15] = '\0';
    assert_string_equal(all + octets + 4, "PONG\r\nBYE\r\n");
    close(fd);
    fixture_stop(&f);
    free(all);
}

/* Commands of a peer that reads no answers stay where they are: in its own
 * memory, once the kernel's is full. */
static void
test_asks_and_never_reads(void **state)
{
    struct fixture f;
    static char asks[60000];
    size_t sent = 0;
    int fd;

    (void)state;
    for (size_t i = 0; i < sizeof asks; i += 6)
        memcpy(asks + i, "PING\r\n", 6);
    fixture_init(&f);
    fixture_start(&f);
    fd = client_connect_narrow(&f);
    for (int calm = 0; calm < 50 && sent < 64u << 20;) {
        ssize_t n = send(fd, asks, sizeof asks, MSG_DONTWAIT | MSG_NOSIGNAL);
        calm = n > 0 ? 0 : calm + 1;
        sent += n > 0 ? (size_t)n : 0;
        if (n <= 0)
            usleep(10000);
    }
    assert_true(sent < 64u << 20);
    assert_true(atomic_load(&f.counters.octets_in) < sent);
    close(fd);
    fixture_stop(&f);
}

/* A module that does not ask is_full: its session gets no more input. */
static void
test_rude_module(void **state)
{
    struct fixture f;
    const size_t octets = 6u << 20;
    char *all = malloc(octets + 100);
    int fd;

    (void)state;
    fixture_init(&f);
    fixture_start(&f);
    fd = client_connect(&f);
    client_say(fd, "RUDE 6291456\r\nQUIT\r\n");
    assert_int_equal(client_read_all(fd, all, octets + 100, 5000),
                     octets + strlen("HI\r\nBYE\r\n"));
    close(fd);
    fixture_stop(&f);
    /* And one whose peer reads nothing is ended by the time-out. */
    fixture_init(&f);
    f.conf.limits.idle_timeout = 200;
    fixture_start(&f);
    fd = client_connect(&f);
    client_say(fd, "RUDE 6291456\r\nQUIT\r\n");
    wait_counter(&f.counters.timeouts, 1);
    close(fd);
    fixture_stop(&f);
    free(all);
}

/* Without descriptors the listener rests, and goes on when there are. */
static void
test_no_descriptors(void **state)
{
    struct fixture f;
    struct rlimit before, few;
    int fds[8];
    char rest[16];

    (void)state;
    fixture_init(&f);
    fixture_start(&f);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    for (size_t i = 0; i < PTN_COUNT(fds); i++)
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    few = before;
    few.rlim_cur = (rlim_t)fds[PTN_COUNT(fds) - 1] + 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (size_t i = 0; i < PTN_COUNT(fds); i++)
        client_connect_as(&f, fds[i]);
    size_t greeted = 0;
    for (size_t i = 0; i < PTN_COUNT(fds); i++)
        greeted += client_read_all(fds[i], rest, 4, 100) == 4;
    assert_in_range(greeted, 1, 3);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    wait_counter(&f.counters.sessions_total, PTN_COUNT(fds));
    for (size_t i = 0; i < PTN_COUNT(fds); i++)
        close(fds[i]);
    fixture_stop(&f);
}

static void
test_many(void **state)
{
    struct fixture f;
    int fds[300];

    (void)state;
    fixture_init(&f);
    fixture_start(&f);
    for (size_t i = 0; i < PTN_COUNT(fds); i++)
        fds[i] = client_connect(&f);
    for (size_t i = 0; i < PTN_COUNT(fds); i++)
        client_say(fds[i], i % 3 ? "PING\r\nQUIT\r\n" : "PING\r\n");
    for (size_t i = 0; i < PTN_COUNT(fds); i++) {
        client_expect(fds[i], "HI\r\nPONG\r\n");
        close(fds[i]);
    }
    fixture_stop(&f);
    assert_int_equal(atomic_load(&f.closed), PTN_COUNT(fds));
    assert_int_equal(atomic_load(&f.counters.sessions_total), PTN_COUNT(fds));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dialogues),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_line_without_end),
        cmocka_unit_test(test_errors_end_it),
        cmocka_unit_test(test_posts),
        cmocka_unit_test(test_leaves_during_job),
        cmocka_unit_test(test_full_lane),
        cmocka_unit_test(test_peer_closes_after_quit),
        cmocka_unit_test(test_limits_on_connections),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_memory_refuses),
        cmocka_unit_test(test_line_that_never_ends),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_trickle),
        cmocka_unit_test(test_stuck_module),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_retire),
        cmocka_unit_test(test_retire_and_drain),
        cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_asks_and_never_reads),
        cmocka_unit_test(test_rude_module),
        cmocka_unit_test(test_no_descriptors),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
