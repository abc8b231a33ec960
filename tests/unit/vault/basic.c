/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The store's operations, one after the other, and what reading says then.
 */
#include "rig.h"

#include <postern/mail/flags.h>
#include <stdio.h>

static void
delivers_and_reads(void **state)
{
    struct rig *r = *state;
    struct ptn_uidmap *uids = ptn_uidmap_new();
    struct ptn_mailbox_info info;
    struct ptn_mailbox *m;
    struct ptn_message msg;
    uint32_t uid;
    char *text;

    assert_int_equal(rig_deliver(r, USER, "Subject: a\r\n\r\nb\r\n", &uid),
                     PTN_OK);
    assert_int_equal(uid, 1);
    assert_int_equal(rig_deliver(r, USER, "second\r\n", &uid), PTN_OK);
    assert_int_equal(uid, 2);
    m = rig_mailbox(r, USER, "INBOX", uids);
    assert_non_null(m);
    assert_int_equal(ptn_uidmap_count(uids), 2);
    info = rig_info(r, m);
    assert_int_equal(info.messages, 2);
    assert_int_equal(info.uidnext, 3);
    assert_int_equal(info.unseen, 2);
    assert_int_equal(info.first_unseen, 1);
    assert_int_equal(info.recent, 2);
    assert_int_equal(info.size, 17 + 8);
    assert_true(rig_fetch(r, m, 2, &msg));
    assert_int_equal(msg.size, 8);
    text = rig_body(r, m, 1);
    assert_string_equal(text, "Subject: a\r\n\r\nb\r\n");
    ptn_free(text);
    vault_mailbox_close(&r->v, m);
    ptn_uidmap_free(uids);
}

static void
changes_flags(void **state)
{
    struct rig *r = *state;
    struct ptn_mailbox *m;
    struct ptn_message msg;
    struct ptn_mailbox_info info;

    rig_deliver(r, USER, "a", NULL);
    rig_deliver(r, USER, "b", NULL);
    m = rig_mailbox(r, USER, "INBOX", NULL);
    assert_int_equal(rig_flags(r, m, 1, PTN_FLAGS_ADD, PTN_FLAG_SEEN), PTN_OK);
    assert_int_equal(rig_keyword(r, m, 1, PTN_FLAGS_ADD, "$Forwarded"), PTN_OK);
    assert_int_equal(rig_keyword(r, m, 2, PTN_FLAGS_ADD, "$forwarded"), PTN_OK);
    assert_true(rig_fetch(r, m, 1, &msg));
    assert_int_equal(msg.flags.system, PTN_FLAG_SEEN);
    assert_int_equal(msg.flags.keywords, 1);
    info = rig_info(r, m);
    assert_int_equal(info.unseen, 1);
    assert_int_equal(info.first_unseen, 2);
    assert_int_equal(info.keyword_count, 1);
    assert_true(ptn_slice_eq(info.keywords[0], PTN_SLICE("$Forwarded")));
    assert_int_equal(rig_flags(r, m, 1, PTN_FLAGS_SET, PTN_FLAG_DELETED),
                     PTN_OK);
    assert_true(rig_fetch(r, m, 1, &msg));
    assert_int_equal(msg.flags.system, PTN_FLAG_DELETED);
    assert_int_equal(msg.flags.keywords, 0);
    assert_int_equal(rig_info(r, m).deleted, 1);
    assert_int_equal(rig_flags(r, m, 1, PTN_FLAGS_REMOVE, PTN_FLAG_DELETED),
                     PTN_OK);
    assert_int_equal(rig_info(r, m).deleted, 0);
    vault_mailbox_close(&r->v, m);
    rig_check_recovery(r);
}

static void
expunges(void **state)
{
    struct rig *r = *state;
    struct ptn_mailbox *m;
    struct ptn_message msg;
    struct ptn_body *body;
    uint64_t size;
    size_t removed;
    char octet;

    for (int i = 0; i < 10; i++)
        rig_deliver(r, USER, "x", NULL);
    m = rig_mailbox(r, USER, "INBOX", NULL);
    assert_int_equal(vault_body_open(&r->v, m, 3, &body, &size), PTN_OK);
    for (uint32_t uid = 3; uid <= 6; uid++)
        rig_flags(r, m, uid, PTN_FLAGS_ADD, PTN_FLAG_DELETED);
    assert_int_equal(rig_expunge(r, m, 0, &removed), PTN_OK);
    assert_int_equal(removed, 4);
    assert_false(rig_fetch(r, m, 3, &msg));
    assert_true(rig_fetch(r, m, 7, &msg));
    assert_int_equal(rig_info(r, m).messages, 6);
    assert_int_equal(rig_info(r, m).deleted, 0);
    /* Open before, readable after. */
    assert_int_equal(vault_body_read(&r->v, body, 0, &octet, 1, false), 1);
    assert_int_equal(octet, 'x');
    vault_body_close(&r->v, body);
    assert_int_equal(rig_expunge(r, m, 10, &removed), PTN_OK);
    assert_int_equal(removed, 1);
    rig_deliver(r, USER, "y", NULL);
    assert_true(rig_fetch(r, m, 11, &msg)); /* never 10 again */
    vault_mailbox_close(&r->v, m);
    rig_check_recovery(r);
}

static void
copies_and_moves(void **state)
{
    struct rig *r = *state;
    struct ptn_mailbox *inbox, *trash;
    struct ptn_message msg;
    uint64_t usage;
    uint32_t uid;
    char *text;

    rig_deliver(r, USER, "12345", NULL);
    rig_deliver(r, USER, "1234567", NULL);
    inbox = rig_mailbox(r, USER, "INBOX", NULL);
    trash = rig_mailbox(r, USER, "Trash", NULL);
    rig_keyword(r, inbox, 2, PTN_FLAGS_ADD, "one");
    rig_keyword(r, inbox, 1, PTN_FLAGS_ADD, "two");
    assert_int_equal(rig_copy(r, inbox, 1, "Trash", false, &uid), PTN_OK);
    assert_int_equal(uid, 1);
    assert_true(rig_fetch(r, trash, 1, &msg));
    assert_int_equal(msg.flags.keywords, 1); /* "two" is the first there */
    assert_int_equal(vault_usage(&r->v, USER, &usage), PTN_OK);
    assert_int_equal(usage, 17);
    assert_int_equal(rig_copy(r, inbox, 2, "Trash", true, &uid), PTN_OK);
    assert_int_equal(uid, 2);
    assert_false(rig_fetch(r, inbox, 2, &msg));
    assert_int_equal(rig_copy(r, inbox, 2, "Trash", true, &uid), PTN_OK);
    assert_int_equal(uid, 0);
    assert_int_equal(rig_copy(r, inbox, 1, "Nowhere", false, &uid),
                     PTN_NOTFOUND);
    rig_expunge(r, inbox, 1, NULL);
    text = rig_body(r, trash, 1);
    assert_string_equal(text, "12345");
    ptn_free(text);
    vault_mailbox_close(&r->v, inbox);
    vault_mailbox_close(&r->v, trash);
    rig_check_recovery(r);
}

static void
shows_users_without_mail(void **state)
{
    struct rig *r = *state;
    struct ptn_mailbox *m = rig_mailbox(r, "new@example.test", "INBOX", NULL);
    struct ptn_mailbox_info before, after;
    struct ptn_message msg;

    assert_non_null(m);
    before = rig_info(r, m);
    assert_int_equal(before.messages, 0);
    assert_int_equal(before.uidnext, 1);
    assert_int_equal(rig_flags(r, m, 1, PTN_FLAGS_ADD, 1), PTN_NOTFOUND);
    rig_deliver(r, "new@example.test", "x", NULL);
    after = rig_info(r, m);
    assert_int_equal(after.messages, 1);
    assert_int_equal(after.uidvalidity, before.uidvalidity);
    assert_true(rig_fetch(r, m, 1, &msg));
    vault_mailbox_close(&r->v, m);
    assert_null(rig_mailbox(r, "new@example.test", "Other", NULL));
    assert_null(rig_mailbox(r, "else@example.test", "Other", NULL));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(delivers_and_reads, rig_test_setup,
                                        rig_test_teardown),
        cmocka_unit_test_setup_teardown(changes_flags, rig_test_setup,
                                        rig_test_teardown),
        cmocka_unit_test_setup_teardown(expunges, rig_test_setup,
                                        rig_test_teardown),
        cmocka_unit_test_setup_teardown(copies_and_moves, rig_test_setup,
                                        rig_test_teardown),
        cmocka_unit_test_setup_teardown(shows_users_without_mail,
                                        rig_test_setup, rig_test_teardown),
    };

    return cmocka_run_group_tests_name("vault", tests, NULL, NULL);
}
