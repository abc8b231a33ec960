/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the service manager hears: the test is the manager, with a socket of
 * its own.
 */
#include "proc/notify.h"
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

struct manager {
    int fd;
    char folder[64], path[96], text[512];
    int fds[8];
    size_t count;
};

static int
set_up(void **state)
{
    struct manager *m = ptn_alloc(sizeof *m);
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    strcpy(m->folder, "/tmp/postern-notify-XXXXXX");
    assert_non_null(mkdtemp(m->folder));
    snprintf(m->path, sizeof m->path, "%s/socket", m->folder);
    strcpy(name.sun_path, m->path);
    m->fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(bind(m->fd, (struct sockaddr *)&name, sizeof name), 0);
    setenv("NOTIFY_SOCKET", m->path, 1);
    *state = m;
    return 0;
}

static int
tear_down(void **state)
{
    struct manager *m = *state;

    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    close(m->fd);
    unlink(m->path);
    rmdir(m->folder);
    ptn_free(m);
    return 0;
}

/* The next datagram: its text, and how many descriptors came with it. */
static const char *
hear(struct manager *m)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof m->fds)];
    } control;
    struct iovec data = {m->text, sizeof m->text - 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    struct pollfd p = {m->fd, POLLIN, 0};
    struct cmsghdr *head;
    ssize_t n;

    m->count = 0;
    if (poll(&p, 1, 0) != 1)
        return NULL;
    n = recvmsg(m->fd, &message, 0);
    assert_true(n > 0);
    m->text[n] = '\0';
    head = CMSG_FIRSTHDR(&message);
    if (head) {
        m->count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(m->fds, CMSG_DATA(head), m->count * sizeof(int));
        for (size_t i = 0; i < m->count; i++)
            close(m->fds[i]);
    }
    return m->text;
}

static void
states(void **state)
{
    struct manager *m = *state;

    ptn_notify_ready("5 listeners");
    assert_string_equal(hear(m), "READY=1\nSTATUS=5 listeners");
    ptn_notify_status("a\nMAINPID=1");
    assert_string_equal(hear(m), "STATUS=a");
    ptn_notify_main_pid(4711);
    assert_string_equal(hear(m), "MAINPID=4711");
    ptn_notify_stopping();
    assert_string_equal(hear(m), "STOPPING=1");
    ptn_notify_alive();
    assert_string_equal(hear(m), "WATCHDOG=1");
    ptn_notify_reloading();
    assert_memory_equal(hear(m), "RELOADING=1\nMONOTONIC_USEC=", 27);
    assert_true(strtoull(m->text + 27, NULL, 10) > 0);
    assert_null(hear(m));
}

static void
watchdog(void **state)
{
    char pid[24];

    (void)state;
    assert_int_equal(ptn_notify_watchdog_ms(), 0);
    setenv("WATCHDOG_USEC", "3000000", 1);
    assert_int_equal(ptn_notify_watchdog_ms(), 1500);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(ptn_notify_watchdog_ms(), 0);
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(ptn_notify_watchdog_ms(), 1500);
    setenv("WATCHDOG_USEC", "often", 1);
    assert_int_equal(ptn_notify_watchdog_ms(), 0);
}

static void
sockets(void **state)
{
    int fds[3] = {dup(0), dup(0), dup(0)};
    struct ptn_bound items[] = {
        {.address = {"*", 25}, .fds = fds, .count = 2},
        {.address = {"::1", 143}, .fds = fds + 2, .count = 1},
        {.address = {"127.0.0.1", 110}, .fds = fds, .count = 1, .given = true},
    };
    struct ptn_sockets all = {items, 3};
    struct manager *m = *state;

    ptn_notify_store(&all);
    assert_string_equal(hear(m), "FDSTORE=1\nFDNAME=@*.25");
    assert_int_equal(m->count, 2);
    assert_string_equal(hear(m), "FDSTORE=1\nFDNAME=@..1.143");
    assert_int_equal(m->count, 1);
    assert_null(hear(m));
    /* What is there is not stored again; one more is, one less goes. */
    ptn_notify_store(&all);
    assert_null(hear(m));
    items[0].fds = fds;
    items[0].count = 3;
    all.count = 1;
    ptn_notify_store(&all);
    assert_string_equal(hear(m), "FDSTORE=1\nFDNAME=@*.25");
    assert_int_equal(m->count, 1);
    assert_string_equal(hear(m), "FDSTOREREMOVE=1\nFDNAME=@..1.143");
    assert_null(hear(m));
    /* One from before, which no listener wants any more. */
    ptn_notify_stored("@*.99");
    ptn_notify_store(&all);
    assert_string_equal(hear(m), "FDSTOREREMOVE=1\nFDNAME=@*.99");
    assert_null(hear(m));
    ptn_notify_stored_at(&(struct ptn_address_conf){"::", 7});
    ptn_notify_store(&all);
    assert_string_equal(hear(m), "FDSTOREREMOVE=1\nFDNAME=@...7");
    for (size_t i = 0; i < 3; i++)
        close(fds[i]);
}

static void
nobody(void **state)
{
    struct ptn_sockets none = {NULL, 0};
    struct manager *m = *state;

    unsetenv("NOTIFY_SOCKET");
    ptn_notify_ready("");
    ptn_notify_store(&none);
    setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
    ptn_notify_ready("");
    assert_null(hear(m));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(states, set_up, tear_down),
        cmocka_unit_test_setup_teardown(watchdog, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sockets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
