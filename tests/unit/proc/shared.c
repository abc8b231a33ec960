/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Ticket keys and counters in shared memory, and back-off.
 */
#include "proc/shared.h"
#include "proc/crew.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void
keys_rotate(void **state)
{
    uint8_t first[PTN_TICKET_KEYS * PTN_TLS_TICKET_KEY_SIZE];
    uint8_t then[sizeof first];
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_shared *shared = ptn_shared_new(2, 7, &err);

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
    struct ptn_shared *shared = ptn_shared_new(2, 7, &err);
    uint8_t keys[PTN_TICKET_KEYS * PTN_TLS_TICKET_KEY_SIZE];
    int status;
    pid_t pid;

    (void)state;
    assert_int_equal((uintptr_t)&shared->slots[1] % 64, 0);
    pid = fork();
    if (pid == 0) {
        ptn_count(&shared->slots[1].counters.sessions_total, 5);
        ptn_shared_tickets(shared, keys);
        _exit(keys[0] == shared->common->tickets[0] ? 0 : 1);
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
    assert_int_equal(ptn_crew_backoff(2), 0);
    assert_int_equal(ptn_crew_backoff(3), 50);
    assert_int_equal(ptn_crew_backoff(4), 100);
    for (unsigned i = 2; i < 100; i++) {
        assert_true(ptn_crew_backoff(i) >= last);
        last = ptn_crew_backoff(i);
    }
    assert_int_equal(last, 10000);
}

static void
counts_stay(void **state)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_shared *shared = ptn_shared_new(PTN_SLOTS_MAX, 1000, &err);
    struct ptn_counters *last = &shared->slots[PTN_SLOTS_MAX - 1].counters;

    (void)state;
    ptn_count(&last->sessions_total, 3);
    ptn_count(&last->octets_out, 7);
    ptn_shared_fold(shared, PTN_SLOTS_MAX - 1);
    assert_int_equal(last->sessions_total, 0);
    ptn_count(&last->sessions_total, 2);
    ptn_shared_fold(shared, PTN_SLOTS_MAX - 1);
    assert_int_equal(shared->past.sessions_total, 5);
    assert_int_equal(shared->past.octets_out, 7);
    ptn_shared_free(shared);
}

/* Where does a child that writes everywhere it can hurt the others? */
static void
worker_reaches_no_other(void **state)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_shared *shared = ptn_shared_new(3, 7, &err);
    uint8_t keys[PTN_TICKET_KEYS * PTN_TLS_TICKET_KEY_SIZE];
    int status;
    pid_t pid;

    (void)state;
    pid = fork();
    if (pid == 0) {
        ptn_shared_keep(shared, 1);
        memset(ptn_shared_area(shared, 1), 0xff, ptn_area_size());
        memset(shared->common, 0xff, sizeof *shared->common);
        memset(shared, 0xff, sizeof *shared);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(shared->workers, 3);
    assert_int_equal(ptn_shared_sessions(shared), 0);
    ptn_shared_tickets(shared, keys); /* odd for ever, and yet it returns */
    ptn_shared_fold(shared, 1);
    for (unsigned other = 0; other < 3; other += 2) {
        pid = fork();
        if (pid == 0) {
            signal(SIGSEGV, SIG_DFL);
            ptn_shared_keep(shared, 1);
            ptn_area_clear(ptn_shared_area(shared, other));
            _exit(0);
        }
        waitpid(pid, &status, 0);
        assert_true(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
    }
    ptn_shared_free(shared);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_rotate),
        cmocka_unit_test(children_see_it),
        cmocka_unit_test(backs_off),
        cmocka_unit_test(counts_stay),
        cmocka_unit_test(worker_reaches_no_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
