/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Both sides of an upgrade. This program executes itself: what it does as a
 * heir is its first argument.
 */
#include "proc/upgrade.h"
#include "conf/diff.h"
#include "proc/heir.h"
#include "proc/plan.h"
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    SOCKETS = 70, /* more than one message holds */
};

static const uint8_t ring[PTN_TICKET_RING_SIZE] = "a secret";
static char *self;

/* --- the heir --- */

static int
serve(void)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_sockets got;
    struct ptn_tickets tickets;

    ptn_heir_take_sockets(&got);
    if (ptn_heir_is_check() || got.count != 2 || got.items[0].count != 1 ||
        got.items[1].count != SOCKETS || !got.items[1].given ||
        got.items[0].given ||
        strcmp(got.items[1].address.host, "127.0.0.1") != 0)
        return 10;
    ptn_heir_take_tickets(&tickets);
    if (tickets.count != 2 || strcmp(tickets.rings[1].group, "lab") != 0 ||
        memcmp(tickets.rings[1].keys, ring, sizeof ring) != 0)
        return 11;
    ptn_tickets_free(&tickets);
    for (unsigned i = 0; i < got.items[1].count; i++)
        if (listen(got.items[1].fds[i], 1) != 0)
            return 12;
    if (getenv("LISTEN_FDS") || getenv(PTN_HANDOVER_VARIABLE) ||
        getenv("POSTERN_SANDBOX") || !getenv("KEPT"))
        return 13;
    ptn_sockets_close(&got);
    if (ptn_heir_take_control("/else/where") != -1 ||
        ptn_heir_take_control("/run/control") != -1)
        return 14;
    if (!ptn_heir_served("pop") || ptn_heir_served("po") ||
        ptn_heir_served("mx"))
        return 17;
    ptn_heir_refused(3);
    if (ptn_heir_ready(&err) != 0)
        return 15;
    ptn_heir_stop();
    return 0;
}

static int
check(void)
{
    struct ptn_buf text = PTN_BUF_INIT;
    char mark[PTN_MARK_SIZE];

    ptn_effective_mark(PTN_SLICE("password"), mark);
    ptn_buf_adds(&text, "value\tpath=secret");
    ptn_record_add(&text, "mark", mark);
    ptn_buf_adds(&text, "\nchecked\tstatus=0\n");
    ptn_heir_say(ptn_buf_slice(&text));
    ptn_buf_free(&text);
    return ptn_heir_is_check() ? 0 : 10;
}

static int
be_heir(const char *what)
{
    struct ptn_error err = PTN_ERROR_INIT;

    if (ptn_heir_begin(&err) != 0 || !ptn_heir_is())
        return 9;
    if (strcmp(what, "serve") == 0)
        return serve();
    if (strcmp(what, "check") == 0)
        return check();
    if (strcmp(what, "fail") == 0) {
        ptn_heir_fail("no such thing");
        ptn_heir_fail("nor another");
        return 78;
    }
    if (strcmp(what, "die") == 0)
        raise(SIGKILL);
    return ptn_heir_ready(&err) == 0 ? 0 : 16;
}

/* --- the running server --- */

static enum ptn_upgrade_event
wait_event(struct ptn_upgrade *u)
{
    enum ptn_upgrade_event event = PTN_UPGRADE_NOTHING;

    while (event == PTN_UPGRADE_NOTHING) {
        struct pollfd p = {u->channel, POLLIN, 0};

        assert_int_equal(poll(&p, 1, 60000), 1);
        event = ptn_upgrade_take(u);
    }
    return event;
}

static void
reap(struct ptn_upgrade *u, int expected)
{
    pid_t pid = u->pid;
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_false(ptn_upgrade_reaped(u, pid + 1, status));
    assert_true(ptn_upgrade_reaped(u, pid, status));
    assert_int_equal(status, expected);
}

static void
begin(struct ptn_upgrade *u, const char *what, const struct ptn_sockets *s)
{
    static char *argv[3];
    static const struct ptn_sockets none = {NULL, 0};
    static char mx[] = "mx", pop[] = "pop";
    static struct ptn_plan_listener listeners[] = {{.name = mx, .problem = mx},
                                                   {.name = pop}};
    struct ptn_plan plan = {.listeners = listeners, .count = s ? 2 : 1};
    struct ptn_tickets tickets = PTN_TICKETS_INIT;
    struct ptn_upgrade_params params = {
        .sockets = s ? s : &none,
        .plan = &plan,
        .tickets = &tickets,
        .control_path = "/run/control",
        .control = 0,
        .escrow = -1,
        .check = strcmp(what, "check") == 0,
    };
    struct ptn_error err = PTN_ERROR_INIT;

    ptn_tickets_put(&tickets, "main", ring);
    ptn_tickets_put(&tickets, "lab", ring);
    argv[0] = self;
    argv[1] = (char *)what;
    ptn_upgrade_remember(argv);
    setenv("LISTEN_FDS", "1", 1);
    setenv("KEPT", "yes", 1);
    assert_int_equal(ptn_upgrade_begin(u, &params, &err), 0);
    /* One at a time. */
    assert_int_equal(ptn_upgrade_begin(u, &params, &err), -1);
    ptn_tickets_free(&tickets);
}

static int
bound(void)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    return fd;
}

static void
takes_over(void **state)
{
    struct ptn_upgrade u = PTN_UPGRADE_INIT;
    struct ptn_address_conf one = {"*", 25}, many = {"127.0.0.1", 1};
    struct ptn_sockets s = {NULL, 0};

    (void)state;
    ptn_sockets_adopt(&s, &one, bound(), false);
    for (int i = 0; i < SOCKETS; i++)
        ptn_sockets_adopt(&s, &many, bound(), true);
    begin(&u, "serve", &s);
    assert_int_equal(wait_event(&u), PTN_UPGRADE_READY);
    assert_false(u.took_control);
    assert_int_equal(ptn_upgrade_refused(&u), 3);
    ptn_upgrade_go(&u);
    assert_int_equal(wait_event(&u), PTN_UPGRADE_STOP);
    assert_int_equal(wait_event(&u), PTN_UPGRADE_GONE);
    reap(&u, 0);
    ptn_upgrade_end(&u);
    ptn_sockets_close(&s);
}

static void
checks(void **state)
{
    struct ptn_upgrade u = PTN_UPGRADE_INIT;
    char mark[PTN_MARK_SIZE];

    (void)state;
    begin(&u, "check", NULL);
    assert_int_equal(wait_event(&u), PTN_UPGRADE_CHECKED);
    /* Secrets compare as if one process had read both. */
    ptn_effective_mark(PTN_SLICE("password"), mark);
    assert_non_null(strstr(ptn_buf_cstr(&u.said), mark));
    reap(&u, 0);
    ptn_upgrade_end(&u);
}

static void
expect_failure(const char *what, int status, const char *why)
{
    struct ptn_upgrade u = PTN_UPGRADE_INIT;
    struct ptn_buf text = PTN_BUF_INIT;

    begin(&u, what, NULL);
    assert_int_equal(wait_event(&u), PTN_UPGRADE_FAILED);
    reap(&u, status);
    ptn_upgrade_reason(&u, &text);
    assert_string_equal(ptn_buf_cstr(&text), why);
    ptn_buf_free(&text);
    ptn_upgrade_end(&u);
}

static void
fails(void **state)
{
    (void)state;
    expect_failure("fail", 78 << 8,
                   "no such thing; nor another; it ended with status 78");
    expect_failure("die", SIGKILL, "it died of signal 9 (Killed)");
}

static void
is_not_there(void **state)
{
    char *right = self;

    (void)state;
    self = (char[]){"/nowhere/at/all"};
    expect_failure("serve", 127 << 8, "it cannot be executed");
    self = right;
}

/* Who is not told to go on does not serve. */
static void
is_ended(void **state)
{
    struct ptn_upgrade u = PTN_UPGRADE_INIT;
    int status;
    pid_t pid;

    (void)state;
    begin(&u, "wait", NULL);
    assert_int_equal(wait_event(&u), PTN_UPGRADE_READY);
    pid = u.pid;
    ptn_upgrade_end(&u);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 16 << 8);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_over), cmocka_unit_test(checks),
        cmocka_unit_test(fails),      cmocka_unit_test(is_not_there),
        cmocka_unit_test(is_ended),
    };

    if (argc > 1 && getenv(PTN_HANDOVER_VARIABLE))
        return be_heir(argv[1]);
    self = argv[0];
    return cmocka_run_group_tests_name("upgrade", tests, NULL, NULL);
}
