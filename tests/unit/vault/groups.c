/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Many operations at once: they share commits, keep their order, and one
 * that cannot succeed refuses none but itself.
 */
#include "rig.h"

#include <postern/mail/flags.h>
#include <stdio.h>
#include <stdlib.h>

#define MANY 300

static const struct ptn_content one_octet = {.body = {"x", 1}};

struct batch {
    struct ptn_store_deliver ops[MANY];
    struct ptn_store_target targets[MANY];
};

static struct batch *
deliver_many(struct rig *r, const char *user)
{
    struct batch *b = ptn_alloc(sizeof(*b));

    for (unsigned i = 0; i < MANY; i++) {
        b->targets[i].user = user;
        b->ops[i].content = &one_octet;
        b->ops[i].targets = &b->targets[i];
        b->ops[i].count = 1;
        rig_expect(&b->ops[i].op);
        vault_store_ops.deliver(&r->v, &b->ops[i]);
    }
    return b;
}

static unsigned
wait_many(struct batch *b, enum ptn_status status)
{
    unsigned n = 0;

    for (unsigned i = 0; i < MANY; i++)
        n += rig_wait(&b->ops[i].op) == status;
    return n;
}

/* The first commit has one or a few; while it is made, the others gather. */
static void
gather_in_groups(void **state)
{
    struct rig *r = *state;
    struct batch *b;

    rig_close(r);
    r->options.commit_delay = 20;
    rig_open(r);
    rig_count_syncs(true);
    b = deliver_many(r, USER);
    assert_int_equal(wait_many(b, PTN_OK), MANY);
    assert_true(rig_count_syncs(false) < 10);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(b->targets[i].uid, i + 1); /* in order */
    ptn_free(b);
    rig_check_recovery(r);
}

/* Each of these depends on the one before, all are under way at once. */
static void
keep_their_order(void **state)
{
    struct rig *r = *state;
    uint32_t uid = 1, out = 0;
    struct ptn_store_target target = {.user = USER};
    struct ptn_store_deliver deliver = {
        .content = &one_octet, .targets = &target, .count = 1};
    struct ptn_store_mailbox create = {
        .change = PTN_MAILBOX_CREATE, .user = USER, .name = PTN_SLICE("made")};
    struct ptn_store_flags flags = {.uids = &uid,
                                    .count = 1,
                                    .change = PTN_FLAGS_ADD,
                                    .system_flags = PTN_FLAG_FLAGGED,
                                    .unchanged_since = UINT64_MAX};
    struct ptn_store_copy copy = {.uids = &uid,
                                  .count = 1,
                                  .user = USER,
                                  .target = PTN_SLICE("made"),
                                  .move = true,
                                  .out_uids = &out};
    struct ptn_message m;
    struct ptn_mailbox *made;

    rig_deliver(r, USER, "x", NULL);
    flags.mailbox = copy.source = rig_mailbox(r, USER, "INBOX", NULL);
    rig_expect(&deliver.op);
    rig_expect(&create.op);
    rig_expect(&flags.op);
    rig_expect(&copy.op);
    vault_store_ops.deliver(&r->v, &deliver);
    uid = 2;
    vault_store_ops.flags(&r->v, &flags);
    vault_store_ops.change(&r->v, &create);
    vault_store_ops.copy(&r->v, &copy);
    assert_int_equal(rig_wait(&copy.op), PTN_OK);
    assert_int_equal(rig_wait(&deliver.op), PTN_OK);
    assert_int_equal(rig_wait(&flags.op), PTN_OK);
    assert_int_equal(rig_wait(&create.op), PTN_OK);
    assert_int_equal(out, 1);
    made = rig_mailbox(r, USER, "made", NULL);
    assert_true(rig_fetch(r, made, 1, &m));
    assert_int_equal(m.flags.system, PTN_FLAG_FLAGGED);
    vault_mailbox_close(&r->v, made);
    vault_mailbox_close(&r->v, flags.mailbox);
}

/* The index has lost one user's INBOX: an operation on it cannot succeed,
 * and the group that it is in is tried again one by one. */
static void
one_refuses_itself_alone(void **state)
{
    struct rig *r = *state;
    struct ptn_store_target target = {.user = "broken@example.test"};
    struct ptn_store_deliver bad = {
        .content = &one_octet, .targets = &target, .count = 1};
    struct vault_name name = {0};
    struct vault_key key;
    struct vault_txn t;
    struct batch *b;

    rig_deliver(r, "broken@example.test", "x", NULL);
    vault_committer_stop(&r->v);
    vault_txn_init(&t, &r->v);
    assert_int_equal(vault_txn_begin(&t), 0);
    assert_int_equal(vault_get_name(&r->v, t.txn, 1, INBOX, &name), 0);
    key = vault_key2(VAULT_COUNTER_BOX, name.box);
    assert_int_equal(vault_txn_del(&t, VAULT_COUNTERS, &key), 0);
    assert_int_equal(vault_index_commit(&r->v, t.txn), 0);
    t.txn = NULL;
    vault_txn_deinit(&t);
    r->options.commit_delay = 20;
    assert_int_equal(vault_committer_start(&r->v, NULL), 0);
    rig_expect(&bad.op);
    vault_store_ops.deliver(&r->v, &bad);
    b = deliver_many(r, USER);
    assert_int_equal(rig_wait(&bad.op), PTN_PERMFAIL);
    assert_int_equal(wait_many(b, PTN_OK), MANY);
    ptn_free(b);
}

/* A group whose write fails once succeeds when tried again. */
static void
passing_faults_are_not_told(void **state)
{
    static const unsigned calls[] = {RIG_PWRITEV, RIG_FDATASYNC, RIG_COMMIT,
                                     RIG_PUT};
    struct rig *r = *state;
    struct batch *b;

    rig_deliver(r, USER, "x", NULL);
    rig_close(r);
    r->options.commit_delay = 20;
    rig_open(r);
    for (size_t i = 0; i < PTN_COUNT(calls); i++) {
        rig_fail(calls[i], 1);
        b = deliver_many(r, USER);
        assert_true(wait_many(b, PTN_OK) >= MANY - 1);
        assert_true(rig_failed());
        ptn_free(b);
    }
    rig_check_recovery(r);
}

static void
limits_recipients(void **state)
{
    struct rig *r = *state;
    static struct ptn_store_target targets[PTN_STORE_RECIPIENTS_MAX + 1];
    static char names[PTN_STORE_RECIPIENTS_MAX + 1][32];
    struct ptn_store_deliver op = {
        .content = &one_octet, .targets = targets, .count = PTN_COUNT(targets)};
    struct ptn_mailbox *m;
    uint64_t usage;

    for (unsigned i = 0; i < PTN_COUNT(targets); i++) {
        snprintf(names[i], sizeof(names[i]), "many%u@example.test", i);
        targets[i].user = names[i];
    }
    rig_expect(&op.op);
    vault_store_ops.deliver(&r->v, &op);
    assert_int_equal(rig_wait(&op.op), PTN_LIMIT);
    assert_int_equal(vault_usage(&r->v, names[0], &usage), PTN_OK);
    assert_int_equal(usage, 0);
    op.count--;
    rig_expect(&op.op);
    vault_store_ops.deliver(&r->v, &op);
    assert_int_equal(rig_wait(&op.op), PTN_OK);
    m = rig_mailbox(r, names[op.count - 1], "INBOX", NULL);
    assert_int_equal(rig_info(r, m).messages, 1);
    vault_mailbox_close(&r->v, m);
    rig_check_recovery(r);
}

/* One content for all of them, until the last has removed it. */
static void
recipients_share_content(void **state)
{
    struct rig *r = *state;
    struct ptn_store_target targets[2] = {{.user = "a@x"}, {.user = "b@x"}};
    struct ptn_content c = {.prefix = PTN_SLICE("Head: 1\r\n\r\n"),
                            .body = PTN_SLICE("text\r\n")};
    struct ptn_store_deliver op = {
        .content = &c, .targets = targets, .count = 2};
    struct ptn_mailbox *a, *b;
    struct vault_place place;
    struct vault_reader *reader;
    char *text;

    rig_expect(&op.op);
    vault_store_ops.deliver(&r->v, &op);
    assert_int_equal(rig_wait(&op.op), PTN_OK);
    assert_int_equal(vault_read_begin(&r->v, &reader), 0);
    assert_int_equal(vault_get_place(&r->v, reader->txn, 1, &place), 0);
    assert_int_equal(place.refs, 2);
    vault_read_end(&r->v, reader);
    a = rig_mailbox(r, "a@x", "INBOX", NULL);
    b = rig_mailbox(r, "b@x", "INBOX", NULL);
    rig_expunge(r, a, 1, NULL);
    text = rig_body(r, b, 1);
    assert_string_equal(text, "Head: 1\r\n\r\ntext\r\n");
    ptn_free(text);
    rig_expunge(r, b, 1, NULL);
    assert_int_equal(vault_read_begin(&r->v, &reader), 0);
    assert_int_equal(vault_get_place(&r->v, reader->txn, 1, &place),
                     MDB_NOTFOUND);
    vault_read_end(&r->v, reader);
    vault_mailbox_close(&r->v, a);
    vault_mailbox_close(&r->v, b);
}

static void *
session_main(void *arg)
{
    struct rig *r = arg;

    for (int i = 0; i < 100; i++) {
        struct ptn_mailbox *m = rig_mailbox(r, USER, "INBOX", NULL);
        uint32_t uid;

        assert_int_equal(rig_deliver(r, USER, "x", &uid), PTN_OK);
        assert_int_equal(rig_flags(r, m, uid, PTN_FLAGS_ADD, PTN_FLAG_SEEN),
                         PTN_OK);
        rig_info(r, m);
        vault_mailbox_close(&r->v, m);
    }
    return NULL;
}

/* Reading and writing from many threads, while the map grows. */
static void
threads_read_and_write(void **state)
{
    struct rig *r = *state;
    pthread_t threads[8];
    struct ptn_mailbox *m;

    for (size_t i = 0; i < PTN_COUNT(threads); i++)
        pthread_create(&threads[i], NULL, session_main, r);
    for (size_t i = 0; i < PTN_COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    m = rig_mailbox(r, USER, "INBOX", NULL);
    assert_int_equal(rig_info(r, m).messages, 800);
    assert_int_equal(rig_info(r, m).unseen, 0);
    vault_mailbox_close(&r->v, m);
    rig_check_recovery(r);
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, rig_test_setup, rig_test_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(gather_in_groups),         TEST(keep_their_order),
        TEST(one_refuses_itself_alone), TEST(passing_faults_are_not_told),
        TEST(limits_recipients),        TEST(recipients_share_content),
        TEST(threads_read_and_write),
    };

    return cmocka_run_group_tests_name("vault groups", tests, NULL, NULL);
}
