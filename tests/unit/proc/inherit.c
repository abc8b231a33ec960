/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sockets that a service manager passes: each test forks a child that gets
 * them at the numbers from 3 on, and judges there.
 */
#include "proc/inherit.h"
#include "log/log.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A bound socket and its port. */
static int
bound(int family, bool only, uint16_t *port)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr *any =
        family == AF_INET ? (struct sockaddr *)&four : (struct sockaddr *)&six;
    socklen_t size = family == AF_INET ? sizeof four : sizeof six;
    int fd = socket(family, SOCK_STREAM, 0), value = only;

    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &value, sizeof value);
    assert_int_equal(bind(fd, any, size), 0);
    assert_int_equal(getsockname(fd, any, &size), 0);
    *port = ntohs(family == AF_INET ? four.sin_port : six.sin6_port);
    return fd;
}

static void
set_number(const char *name, long number)
{
    char text[24];

    snprintf(text, sizeof text, "%ld", number);
    setenv(name, text, 1);
}

/* Runs `judge` in a child that has the sockets and these names. */
static void
pass(const int *fds, int count, const char *names,
     bool (*judge)(void *arg, struct ptn_sockets *got,
                   const struct ptn_plan *plan),
     void *arg, const struct ptn_plan *plan)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        struct ptn_sockets got = {NULL, 0};
        int high[8];

        ptn_log_set_level(PTN_LOG_ERROR);
        for (int i = 0; i < count; i++)
            high[i] = fcntl(fds[i], F_DUPFD, 20);
        for (int i = 0; i < count; i++)
            dup2(high[i], 3 + i);
        set_number("LISTEN_PID", getpid());
        set_number("LISTEN_FDS", count);
        setenv("LISTEN_FDNAMES", names, 1);
        ptn_inherit(&got, plan);
        _exit(judge(arg, &got, plan) ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static struct ptn_plan_listener
listener(char *name, struct ptn_address_conf *addresses, size_t count)
{
    return (struct ptn_plan_listener){
        .name = name, .addresses = addresses, .address_count = count};
}

static bool
takes_two(void *arg, struct ptn_sockets *got, const struct ptn_plan *plan)
{
    (void)arg;
    (void)plan;
    return got->count == 2 && got->items[0].count == 1 &&
           got->items[0].fds[0] == 3 && got->items[0].given &&
           strcmp(got->items[0].address.host, "127.0.0.9") == 0 &&
           strcmp(got->items[1].address.host, "*") == 0 &&
           (fcntl(3, F_GETFD) & FD_CLOEXEC) &&
           (fcntl(3, F_GETFL) & O_NONBLOCK) && !getenv("LISTEN_FDS") &&
           !getenv("LISTEN_PID") && !getenv("LISTEN_FDNAMES");
}

/* The name decides, wherever it is bound; else the address. */
static void
by_name_and_address(void **state)
{
    uint16_t ports[2];
    int fds[] = {bound(AF_INET, false, &ports[0]),
                 bound(AF_INET6, false, &ports[1])};
    struct ptn_address_conf first = {"127.0.0.9", 1}, second = {"*", ports[1]};
    struct ptn_plan_listener all[] = {listener((char[]){"mx"}, &first, 1),
                                      listener((char[]){"imap"}, &second, 1)};
    struct ptn_plan plan = {.listeners = all, .count = 2};

    (void)state;
    pass(fds, 2, "mx:postern.socket", takes_two, NULL, &plan);
    close(fds[0]);
    close(fds[1]);
}

static bool
takes_all_into_one(void *arg, struct ptn_sockets *got,
                   const struct ptn_plan *plan)
{
    (void)arg;
    (void)plan;
    return got->count == 1 && got->items[0].count == 1 &&
           fcntl(4, F_GETFD) < 0 && fcntl(5, F_GETFD) < 0;
}

/* "*" is served by a socket of one family, too; what fits nothing, and what
 * is no TCP socket, is closed. */
static void
what_fits(void **state)
{
    uint16_t ports[2];
    int fds[] = {bound(AF_INET6, true, &ports[0]),
                 bound(AF_INET, false, &ports[1]),
                 socket(AF_UNIX, SOCK_STREAM, 0)};
    struct ptn_address_conf all = {"*", ports[0]};
    struct ptn_plan_listener one = listener((char[]){"mx"}, &all, 1);
    struct ptn_plan plan = {.listeners = &one, .count = 1};

    (void)state;
    pass(fds, 3, "", takes_all_into_one, NULL, &plan);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
}

static bool
takes_own(void *arg, struct ptn_sockets *got, const struct ptn_plan *plan)
{
    (void)arg;
    (void)plan;
    return got->count == 1 && got->items[0].count == 2 && !got->items[0].given;
}

/* From the manager's store: as if we had just bound them. */
static void
own_again(void **state)
{
    uint16_t port;
    int fd = bound(AF_INET, false, &port);
    int fds[] = {fd, fd};
    struct ptn_address_conf address = {"0.0.0.0", port};
    struct ptn_plan_listener one = listener((char[]){"mx"}, &address, 1);
    struct ptn_plan plan = {.listeners = &one, .count = 1};

    (void)state;
    pass(fds, 2, "@0.0.0.0.25:@0.0.0.0.25", takes_own, NULL, &plan);
    close(fd);
}

static void
meant_for_another(void **state)
{
    struct ptn_sockets got = {NULL, 0};
    struct ptn_plan plan = {.count = 0};

    (void)state;
    setenv("LISTEN_PID", "1", 1);
    setenv("LISTEN_FDS", "1", 1);
    ptn_inherit(&got, &plan);
    assert_int_equal(got.count, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_name_and_address),
        cmocka_unit_test(what_fits),
        cmocka_unit_test(own_again),
        cmocka_unit_test(meant_for_another),
    };

    return cmocka_run_group_tests_name("inherit", tests, NULL, NULL);
}
