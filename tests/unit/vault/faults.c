/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every call that can fail, failing: for each N the Nth one of a scenario.
 * What was refused has changed nothing, what was acknowledged is there, the
 * next operation works, and recovery from the log agrees.
 */
#include "rig.h"

#include <postern/mail/flags.h>
#include <stdio.h>

#define MESSAGES 6

/* What a client was told. */
struct told {
    uint32_t uids[MESSAGES];
    unsigned count;
    bool flagged, expunged, copied;
};

static void
scenario(struct rig *r, struct ptn_mailbox *m, struct told *t)
{
    uint32_t uid;

    for (unsigned i = 0; i < MESSAGES - 1; i++) {
        if (rig_deliver(r, USER, "a message\r\n", &uid) == PTN_OK)
            t->uids[t->count++] = uid;
    }
    if (t->count == 0)
        return;
    t->flagged =
        rig_flags(r, m, t->uids[0], PTN_FLAGS_ADD, PTN_FLAG_FLAGGED) == PTN_OK;
    t->expunged = t->count > 1 && rig_expunge(r, m, t->uids[1], NULL) == PTN_OK;
    t->copied = rig_copy(r, m, t->uids[0], "Trash", false, &uid) == PTN_OK;
}

static void
check(struct rig *r, const struct told *t)
{
    struct ptn_mailbox *m = rig_mailbox(r, USER, "INBOX", NULL);
    struct ptn_mailbox *trash = rig_mailbox(r, USER, "Trash", NULL);
    struct ptn_message msg;
    unsigned there = 0;

    for (unsigned i = 0; i < t->count; i++) {
        bool gone = i == 1 && t->expunged;
        char *text = rig_body(r, m, t->uids[i]);

        assert_int_equal(rig_fetch(r, m, t->uids[i], &msg), !gone);
        assert_int_equal(text != NULL, !gone);
        if (text)
            assert_string_equal(text, "a message\r\n");
        if (i == 0)
            assert_int_equal(msg.flags.system != 0, t->flagged);
        there += !gone;
        ptn_free(text);
    }
    assert_int_equal(rig_info(r, m).messages, there);
    assert_int_equal(rig_info(r, trash).messages, t->copied);
    vault_mailbox_close(&r->v, m);
    vault_mailbox_close(&r->v, trash);
}

/* The store works on: the next UID is above all that were told. */
static void
go_on(struct rig *r, struct told *t)
{
    uint32_t uid;

    assert_int_equal(rig_deliver(r, USER, "a message\r\n", &uid), PTN_OK);
    for (unsigned i = 0; i < t->count; i++)
        assert_true(uid > t->uids[i]);
    t->uids[t->count++] = uid;
}

/* False when the scenario has fewer than `nth` such calls. */
static bool
run_with_fault(unsigned calls, unsigned nth)
{
    struct rig r;
    struct told t = {0};
    struct ptn_mailbox *m;
    bool failed;

    rig_setup(&r);
    m = rig_mailbox(&r, USER, "INBOX", NULL);
    rig_fail(calls, nth);
    scenario(&r, m, &t);
    failed = rig_failed();
    rig_fail(0, 0);
    check(&r, &t);
    go_on(&r, &t);
    check(&r, &t);
    vault_mailbox_close(&r.v, m);
    rig_check_recovery(&r);
    check(&r, &t);
    rig_teardown(&r);
    return failed;
}

static void
run_all(unsigned calls, unsigned at_least)
{
    unsigned nth = 1;

    while (run_with_fault(calls, nth))
        nth++;
    assert_true(nth > at_least);
}

static void
write_fails(void **state)
{
    (void)state;
    run_all(RIG_PWRITEV, 8);
}

static void
write_is_short(void **state)
{
    (void)state;
    run_all(RIG_SHORT, 8);
}

static void
sync_fails(void **state)
{
    (void)state;
    run_all(RIG_FDATASYNC, 8);
}

static void
folder_sync_fails(void **state)
{
    (void)state;
    run_all(RIG_FSYNC, 1);
}

static void
index_put_fails(void **state)
{
    (void)state;
    run_all(RIG_PUT, 50);
}

static void
index_commit_fails(void **state)
{
    (void)state;
    run_all(RIG_COMMIT, 8);
}

/* Two faults: the one, and that it cannot be taken back. */
static void
cleaning_up_fails(void **state)
{
    (void)state;
    for (unsigned nth = 1; nth < 8; nth++) {
        assert_true(run_with_fault(RIG_COMMIT | RIG_TRUNCATE, nth));
        assert_true(run_with_fault(RIG_PWRITEV | RIG_TRUNCATE, nth));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_fails),
        cmocka_unit_test(write_is_short),
        cmocka_unit_test(sync_fails),
        cmocka_unit_test(folder_sync_fails),
        cmocka_unit_test(index_put_fails),
        cmocka_unit_test(index_commit_fails),
        cmocka_unit_test(cleaning_up_fails),
    };

    return cmocka_run_group_tests_name("vault faults", tests, NULL, NULL);
}
