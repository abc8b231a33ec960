/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sockets: bound for all workers, kept over reloads, closed when nobody
 * wants them any more.
 */
#include "proc/socket.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

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

/* 0: somebody has accepted it into a queue. */
static int
try_connect(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int result = connect(fd, (struct sockaddr *)&a, sizeof a);

    close(fd);
    return result;
}

static bool
is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void
one_socket_a_worker(void **state)
{
    struct ptn_address_conf a = {"127.0.0.1", free_port()};
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_sockets ours = {0}, theirs = {0};
    struct ptn_buf mine = PTN_BUF_INIT;
    struct ptn_socket *list;
    int fds[3];

    (void)state;
    assert_int_equal(ptn_sockets_add(&ours, &a, 3, &err), 0);
    for (int i = 0; i < 3; i++) {
        fds[i] = ours.items[0].fds[i];
        assert_int_equal(listen(fds[i], 5), 0);
    }
    /* The port is ours, although SO_REUSEPORT would let anybody in. */
    assert_int_equal(ptn_sockets_add(&theirs, &a, 3, &err), -1);
    assert_non_null(strstr(err.text, "another server has it"));
    ptn_sockets_of(&ours, &a, 1, 3, &mine);
    assert_int_equal(mine.len, sizeof *list);
    list = (struct ptn_socket *)mine.data;
    assert_int_equal(list->fd, fds[1]);
    ptn_sockets_keep(&ours, list, 1);
    assert_false(is_open(fds[0]));
    assert_true(is_open(fds[1]));
    assert_false(is_open(fds[2]));
    close(fds[1]);
    ptn_buf_free(&mine);
    ptn_sockets_close(&theirs);
}

static void
all_addresses(void **state)
{
    struct ptn_address_conf all = {"*", free_port()};
    struct ptn_address_conf no = {"192.0.2.200", 4000};
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_sockets s = {0};

    (void)state;
    assert_int_equal(ptn_sockets_add(&s, &all, 1, &err), 0);
    /* Bound, and closed until somebody listens. */
    assert_int_equal(try_connect(all.port), -1);
    assert_int_equal(listen(s.items[0].fds[0], 5), 0);
    assert_int_equal(try_connect(all.port), 0);
    assert_int_equal(ptn_sockets_add(&s, &no, 1, &err), -1);
    assert_non_null(strstr(err.text, "no interface of this machine"));
    ptn_sockets_close(&s);
}

/* A reload: one address stays, one goes, one comes. */
static void
a_new_generation(void **state)
{
    struct ptn_address_conf stays = {"127.0.0.1", free_port()};
    struct ptn_address_conf goes = {"127.0.0.1", free_port()};
    struct ptn_address_conf comes = {"127.0.0.1", free_port()};
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_sockets s = {0};
    int fd, going;

    (void)state;
    assert_int_equal(ptn_sockets_add(&s, &stays, 2, &err), 0);
    assert_int_equal(ptn_sockets_add(&s, &goes, 2, &err), 0);
    ptn_sockets_commit(&s);
    fd = s.items[0].fds[0];
    going = s.items[1].fds[1];

    /* It fails: what it has bound is closed, and nothing else. */
    assert_int_equal(ptn_sockets_add(&s, &stays, 4, &err), 0);
    assert_int_equal(ptn_sockets_add(&s, &comes, 4, &err), 0);
    assert_int_equal(s.items[0].count, 4);
    ptn_sockets_rollback(&s);
    assert_int_equal(s.count, 2);
    assert_int_equal(s.items[0].count, 2);
    assert_true(is_open(going));

    /* It does not. */
    assert_int_equal(ptn_sockets_add(&s, &stays, 3, &err), 0);
    assert_int_equal(ptn_sockets_add(&s, &comes, 1, &err), 0);
    ptn_sockets_commit(&s);
    assert_int_equal(s.count, 2);
    assert_int_equal(s.items[0].fds[0], fd);
    assert_int_equal(s.items[0].count, 3);
    assert_false(is_open(going));
    ptn_sockets_close(&s);
    assert_int_equal(s.count, 0);
}

/* Fewer workers serve the sockets of more, so that no queue is lost. */
static void
fewer_workers(void **state)
{
    struct ptn_address_conf a = {"127.0.0.1", free_port()};
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_sockets s = {0};
    struct ptn_buf mine = PTN_BUF_INIT;
    struct ptn_socket *list;

    (void)state;
    assert_int_equal(ptn_sockets_add(&s, &a, 5, &err), 0);
    ptn_sockets_commit(&s);
    assert_int_equal(ptn_sockets_add(&s, &a, 2, &err), 0);
    ptn_sockets_commit(&s);
    ptn_sockets_of(&s, &a, 0, 2, &mine);
    ptn_sockets_of(&s, &a, 1, 2, &mine);
    list = (struct ptn_socket *)mine.data;
    assert_int_equal(mine.len / sizeof *list, 5);
    assert_int_equal(list[0].fd, s.items[0].fds[0]);
    assert_int_equal(list[2].fd, s.items[0].fds[4]);
    assert_int_equal(list[4].fd, s.items[0].fds[3]);
    ptn_buf_free(&mine);
    ptn_sockets_close(&s);
}

/* From "*" to one address of the same port: our own are in nobody's way. */
static void
from_all_to_one(void **state)
{
    struct ptn_address_conf all = {"*", free_port()};
    struct ptn_address_conf one = {"127.0.0.1", all.port};
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_sockets s = {0};

    (void)state;
    assert_int_equal(ptn_sockets_add(&s, &all, 1, &err), 0);
    ptn_sockets_commit(&s);
    assert_int_equal(listen(s.items[0].fds[0], 5), 0);
    assert_int_equal(ptn_sockets_add(&s, &one, 1, &err), 0);
    assert_int_equal(listen(s.items[1].fds[0], 5), 0);
    ptn_sockets_commit(&s);
    assert_int_equal(s.count, 1);
    assert_int_equal(try_connect(all.port), 0);
    ptn_sockets_close(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_socket_a_worker), cmocka_unit_test(all_addresses),
        cmocka_unit_test(a_new_generation),    cmocka_unit_test(fewer_workers),
        cmocka_unit_test(from_all_to_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
