/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Ticket keys in shared memory, back-off, and sockets.
 */
#include "proc/shared.h"
#include "proc/crew.h"
#include "proc/socket.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void
keys_rotate(void **state)
{
    uint8_t first[PTN_TICKET_KEYS * PTN_TLS_TICKET_KEY_SIZE];
    uint8_t then[sizeof first];
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_shared *shared = ptn_shared_new(2, &err);

    (void)state;
    assert_non_null(shared);
    ptn_shared_tickets(shared, first);
    /* Three keys, all different. */
    assert_memory_not_equal(first, first + PTN_TLS_TICKET_KEY_SIZE,
                            PTN_TLS_TICKET_KEY_SIZE);
    assert_int_equal(ptn_shared_rotate(shared, &err), 0);
    ptn_shared_tickets(shared, then);
    assert_memory_equal(then + PTN_TLS_TICKET_KEY_SIZE, first,
                        2 * PTN_TLS_TICKET_KEY_SIZE);
    assert_memory_not_equal(then, first, PTN_TLS_TICKET_KEY_SIZE);
    ptn_shared_free(shared);
}

static void
children_see_it(void **state)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_shared *shared = ptn_shared_new(2, &err);
    uint8_t keys[PTN_TICKET_KEYS * PTN_TLS_TICKET_KEY_SIZE];
    int status;
    pid_t pid;

    (void)state;
    assert_int_equal((uintptr_t)&shared->slots[1] % 64, 0);
    pid = fork();
    if (pid == 0) {
        ptn_count(&shared->slots[1].counters.sessions_total, 5);
        ptn_shared_tickets(shared, keys);
        _exit(keys[0] == shared->tickets[0] ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(shared->slots[1].counters.sessions_total, 5);
    assert_int_equal(shared->slots[0].counters.sessions_total, 0);
    ptn_shared_free(shared);
}

static void
backs_off(void **state)
{
    uint64_t last = 0;

    (void)state;
    assert_int_equal(ptn_crew_backoff(0), 0);
    assert_int_equal(ptn_crew_backoff(1), 0);
    assert_int_equal(ptn_crew_backoff(2), 100);
    assert_int_equal(ptn_crew_backoff(3), 200);
    for (unsigned i = 2; i < 100; i++) {
        assert_true(ptn_crew_backoff(i) >= last);
        last = ptn_crew_backoff(i);
    }
    assert_int_equal(last, 10000);
}

static uint16_t
free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    close(fd);
    return ntohs(a.sin_port);
}

static void
one_socket_a_worker(void **state)
{
    struct ptn_address_conf a = {"127.0.0.1", free_port()};
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_sockets ours, theirs;

    (void)state;
    ptn_sockets_init(&ours, 3);
    ptn_sockets_init(&theirs, 3);
    assert_int_equal(ptn_sockets_add(&ours, 0, &a, &err), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(listen(ours.items[0].fds[i], 5), 0);
    /* The port is ours, although SO_REUSEPORT would let anybody in. */
    assert_int_equal(ptn_sockets_add(&theirs, 0, &a, &err), -1);
    assert_non_null(strstr(err.text, "another server has it"));
    ptn_sockets_keep(&ours, 1);
    assert_int_equal(ours.items[0].fds[0], -1);
    assert_int_not_equal(ours.items[0].fds[1], -1);
    ptn_sockets_close(&ours);
    ptn_sockets_close(&theirs);
}

static void
all_addresses(void **state)
{
    struct ptn_address_conf all = {"*", free_port()};
    struct ptn_address_conf no = {"192.0.2.200", 4000};
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(all.port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_sockets s;
    int client = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    ptn_sockets_init(&s, 1);
    assert_int_equal(ptn_sockets_add(&s, 0, &all, &err), 0);
    /* Bound, and closed until somebody listens. */
    assert_int_equal(connect(client, (struct sockaddr *)&a, sizeof a), -1);
    assert_int_equal(listen(s.items[0].fds[0], 5), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(ptn_sockets_add(&s, 1, &no, &err), -1);
    assert_non_null(strstr(err.text, "no interface of this machine"));
    close(client);
    ptn_sockets_close(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_rotate),   cmocka_unit_test(children_see_it),
        cmocka_unit_test(backs_off),     cmocka_unit_test(one_socket_a_worker),
        cmocka_unit_test(all_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
