/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Mailboxes: create, delete, rename, subscribe, list; and what is refused:
 * names, quotas, limits.
 */
#include "rig.h"

#include <postern/mail/flags.h>
#include <stdio.h>

/* The list as text: "INBOX+s Drafts+s ..." (exists +, children /, s
 * subscribed). */
struct listing {
    struct ptn_buf text;
    unsigned stop_after;
};

static bool
add_entry(void *arg, const struct ptn_mailbox_entry *e)
{
    struct listing *l = arg;

    if (l->text.len > 0)
        ptn_buf_addc(&l->text, ' ');
    ptn_buf_addslice(&l->text, e->name);
    ptn_buf_adds(&l->text, e->exists ? "+" : "-");
    if (e->subscribed)
        ptn_buf_addc(&l->text, 's');
    if (e->has_children)
        ptn_buf_addc(&l->text, '/');
    return --l->stop_after > 0;
}

static void
assert_list(struct rig *r, const char *expected)
{
    struct listing l = {.text = PTN_BUF_INIT, .stop_after = 1000};

    assert_int_equal(vault_list(&r->v, USER, add_entry, &l), PTN_OK);
    assert_string_equal(ptn_buf_cstr(&l.text), expected);
    ptn_buf_free(&l.text);
}

static enum ptn_status
create(struct rig *r, const char *name)
{
    return rig_change(r, PTN_MAILBOX_CREATE, name, NULL);
}

static enum ptn_status
rename_to(struct rig *r, const char *name, const char *new_name)
{
    return rig_change(r, PTN_MAILBOX_RENAME, name, new_name);
}

#define INITIAL "INBOX+s Drafts+s Junk+s Sent+s Trash+s"

static void
creates_and_lists(void **state)
{
    struct rig *r = *state;
    struct listing l = {.text = PTN_BUF_INIT, .stop_after = 2};

    assert_list(r, INITIAL); /* as it will be */
    assert_int_equal(create(r, "a/b/c"), PTN_OK);
    assert_int_equal(create(r, "a/b/c"), PTN_EXISTS);
    assert_int_equal(create(r, "a"), PTN_EXISTS);
    assert_int_equal(create(r, "a-x"), PTN_OK);
    assert_int_equal(create(r, "a b"), PTN_OK);
    assert_list(r, "INBOX+s Drafts+s Junk+s Sent+s Trash+s "
                   "a+/ a/b+/ a/b/c+ a b+ a-x+");
    assert_int_equal(vault_list(&r->v, USER, add_entry, &l), PTN_OK);
    assert_string_equal(ptn_buf_cstr(&l.text), "INBOX+s Drafts+s");
    ptn_buf_free(&l.text);
    rig_check_recovery(r);
}

static void
deletes(void **state)
{
    struct rig *r = *state;
    struct ptn_mailbox *m;
    struct ptn_mailbox_info info;
    uint32_t validity;
    uint64_t usage;

    create(r, "a/b");
    rig_append(r, "a", "12345", 0, NULL);
    rig_append(r, "a/b", "123", 0, NULL);
    m = rig_mailbox(r, USER, "a", NULL);
    validity = rig_info(r, m).uidvalidity;
    assert_int_equal(rig_change(r, PTN_MAILBOX_DELETE, "a", NULL), PTN_OK);
    assert_int_equal(rig_change(r, PTN_MAILBOX_DELETE, "a", NULL),
                     PTN_NOTFOUND);
    assert_int_equal(rig_change(r, PTN_MAILBOX_DELETE, "INBOX", NULL),
                     PTN_DENIED);
    assert_list(r, INITIAL " a-/ a/b+");
    assert_int_equal(vault_info(&r->v, m, &info), PTN_NOTFOUND);
    assert_int_equal(rig_flags(r, m, 1, PTN_FLAGS_ADD, 1), PTN_NOTFOUND);
    assert_int_equal(vault_usage(&r->v, USER, &usage), PTN_OK);
    assert_int_equal(usage, 3);
    vault_mailbox_close(&r->v, m);
    /* The name again, with another UIDVALIDITY. */
    assert_int_equal(create(r, "a"), PTN_OK);
    m = rig_mailbox(r, USER, "a", NULL);
    assert_true(rig_info(r, m).uidvalidity > validity);
    assert_int_equal(rig_info(r, m).messages, 0);
    vault_mailbox_close(&r->v, m);
    rig_check_recovery(r);
}

static void
renames(void **state)
{
    struct rig *r = *state;
    struct ptn_mailbox *m;

    create(r, "a/b/c");
    create(r, "ab");
    create(r, "z");
    rig_append(r, "a/b", "x", 0, NULL);
    m = rig_mailbox(r, USER, "a/b", NULL);
    assert_int_equal(rename_to(r, "a", "z"), PTN_EXISTS);
    assert_int_equal(rename_to(r, "a", "a/x"), PTN_DENIED);
    assert_int_equal(rename_to(r, "nothing", "y"), PTN_NOTFOUND);
    assert_int_equal(rename_to(r, "a", "p/q"), PTN_OK);
    assert_list(r, INITIAL " ab+ p+/ p/q+/ p/q/b+/ p/q/b/c+ z+");
    /* The handle follows. */
    assert_int_equal(rig_info(r, m).messages, 1);
    assert_int_equal(rig_append(r, "p/q/b", "y", 0, NULL), PTN_OK);
    assert_int_equal(rig_info(r, m).messages, 2);
    vault_mailbox_close(&r->v, m);
    /* A parent that is a mere name takes its children along. */
    rig_change(r, PTN_MAILBOX_DELETE, "p/q", NULL);
    assert_int_equal(rename_to(r, "p/q", "n"), PTN_OK);
    assert_list(r, INITIAL " ab+ n-/ n/b+/ n/b/c+ p+ z+");
    rig_check_recovery(r);
}

/* RFC 3501 section 6.3.5. */
static void
renames_inbox(void **state)
{
    struct rig *r = *state;
    struct ptn_mailbox *inbox, *m;
    char *text;

    create(r, "INBOX/child");
    rig_deliver(r, USER, "one", NULL);
    rig_deliver(r, USER, "two", NULL);
    inbox = rig_mailbox(r, USER, "INBOX", NULL);
    rig_keyword(r, inbox, 2, PTN_FLAGS_ADD, "mark");
    assert_int_equal(rename_to(r, "INBOX", "old"), PTN_OK);
    assert_int_equal(rig_info(r, inbox).messages, 0);
    m = rig_mailbox(r, USER, "old", NULL);
    assert_int_equal(rig_info(r, m).messages, 2);
    text = rig_body(r, m, 2);
    assert_string_equal(text, "two");
    ptn_free(text);
    assert_list(r, "INBOX+s/ Drafts+s INBOX/child+ Junk+s Sent+s Trash+s "
                   "old+");
    assert_int_equal(rename_to(r, "INBOX", "empty"), PTN_OK);
    vault_mailbox_close(&r->v, m);
    vault_mailbox_close(&r->v, inbox);
    rig_check_recovery(r);
}

static void
subscribes(void **state)
{
    struct rig *r = *state;

    create(r, "a");
    assert_int_equal(rig_change(r, PTN_MAILBOX_SUBSCRIBE, "a", NULL), PTN_OK);
    assert_int_equal(rig_change(r, PTN_MAILBOX_SUBSCRIBE, "n/o", NULL), PTN_OK);
    assert_list(r, INITIAL " a+s n/o-s");
    /* A subscription outlives its mailbox, and stays with the name. */
    assert_int_equal(rename_to(r, "a", "b"), PTN_OK);
    assert_list(r, INITIAL " a-s b+ n/o-s");
    assert_int_equal(create(r, "n/p"), PTN_OK);
    assert_list(r, INITIAL " a-s b+ n+/ n/o-s n/p+");
    assert_int_equal(rig_change(r, PTN_MAILBOX_UNSUBSCRIBE, "a", NULL), PTN_OK);
    assert_int_equal(rig_change(r, PTN_MAILBOX_UNSUBSCRIBE, "n/o", NULL),
                     PTN_OK);
    assert_list(r, INITIAL " b+ n+/ n/p+");
    rig_check_recovery(r);
}

static void
refuses_names(void **state)
{
    struct rig *r = *state;
    char deep[100] = "", longest[400];
    struct ptn_mailbox *m;

    assert_int_equal(create(r, ""), PTN_DENIED);
    assert_int_equal(create(r, "/a"), PTN_DENIED);
    assert_int_equal(create(r, "a//b"), PTN_DENIED);
    assert_int_equal(create(r, "../a"), PTN_DENIED);
    assert_int_equal(create(r, "a\x01z"), PTN_DENIED);
    assert_int_equal(create(r, "a\xffz"), PTN_DENIED);
    for (int i = 0; i <= PTN_MAILBOX_DEPTH_MAX; i++)
        strcat(deep, i ? "/d" : "d");
    assert_int_equal(create(r, deep), PTN_DENIED);
    memset(longest, 'x', sizeof(longest));
    longest[PTN_MAILBOX_NAME_MAX + 1] = '\0';
    assert_int_equal(create(r, longest), PTN_DENIED);
    longest[PTN_MAILBOX_NAME_MAX] = '\0';
    assert_int_equal(create(r, longest), PTN_OK);
    /* Children that would be too long under the new name. */
    create(r, "p/child");
    longest[PTN_MAILBOX_NAME_MAX - 3] = '\0';
    assert_int_equal(rename_to(r, "p", longest), PTN_DENIED);
    m = rig_mailbox(r, USER, "p/child", NULL);
    assert_non_null(m);
    vault_mailbox_close(&r->v, m);
    assert_null(rig_mailbox(r, USER, "no", NULL));
    assert_int_equal(rig_append(r, "no", "x", 0, NULL), PTN_NOTFOUND);
}

static struct ptn_content
content(const char *text)
{
    return (struct ptn_content){.prefix = PTN_SLICE("P: 1\r\n"),
                                .body = ptn_slice_of(text)};
}

static void
keeps_quotas(void **state)
{
    struct rig *r = *state;
    struct ptn_content c = content("0123456789");
    struct ptn_store_target targets[3] = {
        {.user = "a@x", .quota = 20},
        {.user = "b@x", .quota = 15},
        {.user = "c@x"},
    };
    struct ptn_store_deliver op = {
        .content = &c, .targets = targets, .count = 3};
    uint64_t usage;

    rig_expect(&op.op);
    vault_store_ops.deliver(&r->v, &op);
    assert_int_equal(rig_wait(&op.op), PTN_OK);
    assert_int_equal(targets[0].status, PTN_OK);
    assert_int_equal(targets[1].status, PTN_OVERQUOTA);
    assert_int_equal(targets[2].status, PTN_OK);
    assert_int_equal(vault_usage(&r->v, "a@x", &usage), PTN_OK);
    assert_int_equal(usage, 16);
    assert_int_equal(vault_usage(&r->v, "b@x", &usage), PTN_OK);
    assert_int_equal(usage, 0);
    /* All or none: now a is over, too. */
    op.atomic = true;
    rig_expect(&op.op);
    vault_store_ops.deliver(&r->v, &op);
    assert_int_equal(rig_wait(&op.op), PTN_OVERQUOTA);
    assert_int_equal(targets[2].status, PTN_OK);
    assert_int_equal(vault_usage(&r->v, "c@x", &usage), PTN_OK);
    assert_int_equal(usage, 16);
    rig_check_recovery(r);
}

static void
keeps_quota_of_copies(void **state)
{
    struct rig *r = *state;
    struct ptn_mailbox *m;
    uint32_t uid = 1, out;
    struct ptn_store_copy op = {
        .uids = &uid,
        .count = 1,
        .user = USER,
        .quota = 15,
        .target = PTN_SLICE("Trash"),
        .out_uids = &out,
    };

    rig_deliver(r, USER, "0123456789", NULL);
    m = op.source = rig_mailbox(r, USER, "INBOX", NULL);
    rig_expect(&op.op);
    vault_store_ops.copy(&r->v, &op);
    assert_int_equal(rig_wait(&op.op), PTN_OVERQUOTA);
    op.move = true; /* needs no more than there is */
    rig_expect(&op.op);
    vault_store_ops.copy(&r->v, &op);
    assert_int_equal(rig_wait(&op.op), PTN_OK);
    assert_int_equal(out, 1);
    vault_mailbox_close(&r->v, m);
}

static void
limits_keywords(void **state)
{
    struct rig *r = *state;
    struct ptn_mailbox *m;
    char name[16], longest[PTN_KEYWORD_LEN_MAX + 2];
    struct ptn_message msg;

    rig_deliver(r, USER, "x", NULL);
    m = rig_mailbox(r, USER, "INBOX", NULL);
    for (unsigned i = 0; i < PTN_KEYWORDS_MAX; i++) {
        snprintf(name, sizeof(name), "k%u", i);
        assert_int_equal(rig_keyword(r, m, 1, PTN_FLAGS_ADD, name), PTN_OK);
    }
    assert_int_equal(rig_keyword(r, m, 1, PTN_FLAGS_ADD, "more"), PTN_LIMIT);
    assert_int_equal(rig_keyword(r, m, 1, PTN_FLAGS_ADD, "K63"), PTN_OK);
    assert_int_equal(rig_keyword(r, m, 1, PTN_FLAGS_REMOVE, "never"), PTN_OK);
    memset(longest, 'k', sizeof(longest));
    longest[PTN_KEYWORD_LEN_MAX + 1] = '\0';
    assert_int_equal(rig_keyword(r, m, 1, PTN_FLAGS_ADD, longest), PTN_LIMIT);
    assert_true(rig_fetch(r, m, 1, &msg));
    assert_true(msg.flags.keywords == UINT64_MAX);
    vault_mailbox_close(&r->v, m);
    rig_check_recovery(r);
}

/* One more than a user may have, counting the parents that would be made. */
static void
limits_mailboxes(void **state)
{
    struct rig *r = *state;
    struct vault_user u;
    struct vault_txn t;

    assert_int_equal(create(r, "a"), PTN_OK);
    vault_committer_stop(&r->v);
    vault_txn_init(&t, &r->v);
    assert_int_equal(vault_txn_begin(&t), 0);
    assert_int_equal(vault_get_counter(&r->v, t.txn, VAULT_COUNTER_USER, 1,
                                       (struct iovec){&u, sizeof(u)}),
                     0);
    assert_int_equal(u.boxes, 6);
    u.boxes = PTN_MAILBOXES_MAX - 1;
    assert_int_equal(vault_txn_put_counter(&t, VAULT_COUNTER_USER, 1,
                                           (struct iovec){&u, sizeof(u)}),
                     0);
    assert_int_equal(vault_index_commit(&r->v, t.txn), 0);
    t.txn = NULL;
    vault_txn_deinit(&t);
    assert_int_equal(vault_committer_start(&r->v, NULL), 0);
    assert_int_equal(create(r, "b/c"), PTN_LIMIT);
    assert_int_equal(create(r, "b"), PTN_OK);
    assert_int_equal(create(r, "c"), PTN_LIMIT);
}

static void
unchanged_since(void **state)
{
    struct rig *r = *state;
    struct ptn_mailbox *m;
    struct ptn_message one, two;
    uint32_t uids[] = {1, 2, 3};
    struct ptn_store_flags op = {
        .uids = uids,
        .count = 3,
        .change = PTN_FLAGS_ADD,
        .system_flags = PTN_FLAG_ANSWERED,
    };

    rig_deliver(r, USER, "x", NULL);
    rig_deliver(r, USER, "y", NULL);
    m = op.mailbox = rig_mailbox(r, USER, "INBOX", NULL);
    op.unchanged_since = rig_info(r, m).modseq;
    rig_flags(r, m, 1, PTN_FLAGS_ADD, PTN_FLAG_SEEN);
    rig_expect(&op.op);
    vault_store_ops.flags(&r->v, &op);
    assert_int_equal(rig_wait(&op.op), PTN_OK);
    assert_int_equal(op.changed, 1);
    rig_fetch(r, m, 1, &one);
    rig_fetch(r, m, 2, &two);
    assert_int_equal(one.flags.system, PTN_FLAG_SEEN);
    assert_int_equal(two.flags.system, PTN_FLAG_ANSWERED);
    assert_int_equal(two.modseq, op.modseq);
    assert_true(two.modseq > one.modseq);
    /* The same again changes nothing. */
    op.unchanged_since = UINT64_MAX;
    uids[0] = 2;
    op.count = 1;
    rig_expect(&op.op);
    vault_store_ops.flags(&r->v, &op);
    rig_wait(&op.op);
    assert_int_equal(op.changed, 0);
    assert_int_equal(rig_info(r, m).modseq, two.modseq);
    vault_mailbox_close(&r->v, m);
}

#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, rig_test_setup, rig_test_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(creates_and_lists), TEST(deletes),
        TEST(renames),           TEST(renames_inbox),
        TEST(subscribes),        TEST(refuses_names),
        TEST(keeps_quotas),      TEST(keeps_quota_of_copies),
        TEST(limits_keywords),   TEST(limits_mailboxes),
        TEST(unchanged_since),
    };

    return cmocka_run_group_tests_name("vault mailboxes", tests, NULL, NULL);
}
