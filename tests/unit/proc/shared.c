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
    uint8_t first[PTN_TICKET_RING_SIZE], then[PTN_TICKET_RING_SIZE];
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_tickets tickets = PTN_TICKETS_INIT;

    (void)state;
    memcpy(first, ptn_tickets_of(&tickets, "main", &err), sizeof first);
    /* Three keys, all different. */
    assert_memory_not_equal(first, first + PTN_TLS_TICKET_KEY_SIZE,
                            PTN_TLS_TICKET_KEY_SIZE);
    assert_int_equal(ptn_tickets_rotate(&tickets, &err), 0);
    memcpy(then, ptn_tickets_of(&tickets, "main", &err), sizeof then);
    assert_memory_equal(then + PTN_TLS_TICKET_KEY_SIZE, first,
                        2 * PTN_TLS_TICKET_KEY_SIZE);
    assert_memory_not_equal(then, first, PTN_TLS_TICKET_KEY_SIZE);
    ptn_tickets_free(&tickets);
}

static void
groups_have_their_own(void **state)
{
    uint8_t lab[PTN_TICKET_RING_SIZE], zero[PTN_TICKET_RING_SIZE] = {0};
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_tickets tickets = PTN_TICKETS_INIT;

    (void)state;
    memcpy(lab, ptn_tickets_of(&tickets, "lab", &err), sizeof lab);
    assert_memory_not_equal(ptn_tickets_of(&tickets, "main", &err), lab,
                            sizeof lab);
    assert_memory_equal(ptn_tickets_of(&tickets, "lab", &err), lab, sizeof lab);
    ptn_tickets_put(&tickets, "lab", zero);
    ptn_tickets_put(&tickets, "more", lab);
    assert_int_equal(tickets.count, 3);
    assert_memory_equal(ptn_tickets_of(&tickets, "lab", &err), zero,
                        sizeof zero);
    assert_memory_equal(ptn_tickets_of(&tickets, "more", &err), lab,
                        sizeof lab);
    ptn_tickets_free(&tickets);
    assert_int_equal(tickets.count, 0);
}

static void
children_see_it(void **state)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_shared *shared = ptn_shared_new(2, 7, &err);
    uint8_t ring[PTN_TICKET_RING_SIZE], keys[PTN_TICKET_RING_SIZE];
    int status;
    pid_t pid;

    (void)state;
    memset(ring, 7, sizeof ring);
    assert_int_equal((uintptr_t)&shared->slots[1] % 64, 0);
    ptn_shared_give_tickets(shared, 1, ring);
    pid = fork();
    if (pid == 0) {
        ptn_count(&shared->slots[1].counters.sessions_total, 5);
        ptn_shared_keep(shared, 1);
        ptn_shared_tickets(shared, 1, keys);
        _exit(memcmp(keys, ring, sizeof keys) == 0 ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(shared->slots[1].counters.sessions_total, 5);
    assert_int_equal(shared->slots[0].counters.sessions_total, 0);
    ptn_shared_fold(shared, 1); /* the next one there begins with nothing */
    memset(ring, 0, sizeof ring);
    ptn_shared_tickets(shared, 1, keys);
    assert_memory_equal(keys, ring, sizeof keys);
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
    uint8_t keys[PTN_TICKET_RING_SIZE];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int status;
    pid_t pid;

    (void)state;
    pid = fork();
    if (pid == 0) {
        ptn_shared_keep(shared, 1);
        memset(ptn_shared_area(shared, 1), 0xff,
               (ptn_area_size() + page) / page * page);
        memset(shared->common, 0xff, sizeof *shared->common);
        memset(shared, 0xff, sizeof *shared);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(shared->workers, 3);
    assert_int_equal(ptn_shared_sessions(shared), 0);
    ptn_shared_tickets(shared, 1, keys); /* odd for ever, and yet it returns */
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
        pid = fork();
        if (pid == 0) {
            signal(SIGSEGV, SIG_DFL);
            ptn_shared_keep(shared, 1);
            ptn_shared_tickets(shared, other, keys);
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
        cmocka_unit_test(groups_have_their_own),
        cmocka_unit_test(children_see_it),
        cmocka_unit_test(backs_off),
        cmocka_unit_test(counts_stay),
        cmocka_unit_test(worker_reaches_no_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
