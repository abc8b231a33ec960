/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sets of UIDs over many chunks, as runs and as bitmaps: what SELECT, the
 * first unseen message and EXPUNGE make of them.
 */
#include "rig.h"

#include <postern/mail/flags.h>
#include <stdlib.h>

#define MESSAGES 20000 /* five chunks */

struct view {
    struct rig *r;
    struct ptn_mailbox *m;
    bool there[MESSAGES + 1];
    unsigned seed;
};

/* Copies of one message are quickly made. */
static void
fill(struct view *v)
{
    static uint32_t uids[MESSAGES], out[MESSAGES];
    uint32_t have = 1;

    assert_int_equal(rig_deliver(v->r, USER, "x", NULL), PTN_OK);
    v->m = rig_mailbox(v->r, USER, "INBOX", NULL);
    for (uint32_t i = 0; i < MESSAGES; i++)
        uids[i] = i + 1;
    while (have < MESSAGES) {
        uint32_t n = have < MESSAGES - have ? have : MESSAGES - have;
        struct ptn_store_copy op = {
            .source = v->m,
            .uids = uids,
            .count = n,
            .user = USER,
            .target = INBOX,
            .out_uids = out,
        };

        rig_expect(&op.op);
        vault_store_ops.copy(&v->r->v, &op);
        assert_int_equal(rig_wait(&op.op), PTN_OK);
        assert_int_equal(out[0], have + 1);
        have += n;
    }
    memset(v->there, true, sizeof(v->there));
    v->there[0] = false;
}

static void
check(struct view *v)
{
    struct ptn_uidmap *uids = ptn_uidmap_new();
    struct ptn_mailbox *m = rig_mailbox(v->r, USER, "INBOX", uids);
    uint32_t count = 0, first = 0;

    for (uint32_t uid = 1; uid <= MESSAGES; uid++) {
        assert_int_equal(ptn_uidmap_has(uids, uid), v->there[uid]);
        count += v->there[uid];
        if (v->there[uid] && first == 0)
            first = uid;
    }
    assert_int_equal(ptn_uidmap_count(uids), count);
    assert_int_equal(rig_info(v->r, m).messages, count);
    assert_int_equal(rig_info(v->r, m).first_unseen, first);
    assert_int_equal(rig_info(v->r, m).recent, count);
    vault_mailbox_close(&v->r->v, m);
    ptn_uidmap_free(uids);
}

/* Marks first..last deleted and expunges what is so marked. */
static void
expunge(struct view *v, uint32_t first, uint32_t last, uint32_t step)
{
    static uint32_t uids[MESSAGES];
    struct ptn_store_flags op = {
        .mailbox = v->m,
        .uids = uids,
        .change = PTN_FLAGS_ADD,
        .system_flags = PTN_FLAG_DELETED,
        .unchanged_since = UINT64_MAX,
    };
    size_t expected = 0, removed;

    for (uint32_t uid = first; uid <= last; uid += step) {
        uids[op.count++] = uid;
        expected += v->there[uid];
        v->there[uid] = false;
    }
    rig_expect(&op.op);
    vault_store_ops.flags(&v->r->v, &op);
    assert_int_equal(rig_wait(&op.op), PTN_OK);
    assert_int_equal(op.changed, expected);
    assert_int_equal(rig_info(v->r, v->m).deleted, expected);
    assert_int_equal(rig_expunge(v->r, v->m, 0, &removed), PTN_OK);
    assert_int_equal(removed, expected);
}

static void
chunks_and_bitmaps(void **state)
{
    struct view *v = ptn_alloc(sizeof(*v));

    v->r = *state;
    fill(v);
    check(v);
    expunge(v, 4000, 4200, 1);   /* over a boundary */
    expunge(v, 8192, 12287, 1);  /* a whole chunk */
    expunge(v, 12288, 16000, 2); /* a bitmap */
    check(v);
    expunge(v, 1, 4095, 3);
    expunge(v, 12289, 16001, 2); /* and it is gone */
    expunge(v, 19990, MESSAGES, 1);
    check(v);
    vault_mailbox_close(&v->r->v, v->m);
    rig_check_recovery(v->r);
    v->m = rig_mailbox(v->r, USER, "INBOX", NULL);
    assert_int_equal(rig_info(v->r, v->m).recent, 0);
    vault_mailbox_close(&v->r->v, v->m);
    ptn_free(v);
}

/* Facts off the disk are held against their length, octet by octet. */
static void
facts_are_checked(void **state)
{
    union {
        struct vault_fact head;
        struct vault_fact_user user;
        struct vault_fact_box box;
        struct vault_fact_box_gone box_gone;
        struct vault_fact_name name;
        struct vault_fact_keyword keyword;
        struct vault_fact_content content;
        struct vault_fact_message message;
        struct vault_fact_flags flags;
        struct vault_fact_gone gone;
        struct vault_fact_segment_gone segment_gone;
        char room[128];
    } f;
    static const struct {
        uint16_t type;
        size_t least;
    } sizes[] = {
        {VAULT_FACT_USER, sizeof(f.user) + 8},
        {VAULT_FACT_BOX, sizeof(f.box)},
        {VAULT_FACT_BOX_GONE, sizeof(f.box_gone)},
        {VAULT_FACT_NAME, sizeof(f.name) + 8},
        {VAULT_FACT_KEYWORD, sizeof(f.keyword) + 8},
        {VAULT_FACT_CONTENT, sizeof(f.content)},
        {VAULT_FACT_MESSAGE, sizeof(f.message)},
        {VAULT_FACT_FLAGS, sizeof(f.flags)},
        {VAULT_FACT_GONE, sizeof(f.gone)},
        {VAULT_FACT_SEGMENT_GONE, sizeof(f.segment_gone)},
    };

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(sizes); i++) {
        for (uint32_t len = 0; len <= 128; len++) {
            memset(&f, 0, sizeof(f));
            f.head = (struct vault_fact){len, sizes[i].type, 0};
            assert_int_equal(vault_fact_valid(&f.head, sizeof(f)),
                             len >= sizes[i].least && len % 8 == 0);
            assert_false(len > 0 && vault_fact_valid(&f.head, len - 1));
        }
    }
    f.head = (struct vault_fact){64, VAULT_FACT_CONTENT, 0};
    f.content.envelope_len = f.content.structure_len = UINT32_MAX;
    f.content.parts_len = 2; /* the sum does not wrap */
    assert_false(vault_fact_valid(&f.head, sizeof(f)));
    f.head = (struct vault_fact){64, 99, 0};
    assert_false(vault_fact_valid(&f.head, sizeof(f)));
    memset(&f, 0, sizeof(f));
    f.head = (struct vault_fact){64, VAULT_FACT_KEYWORD, 0};
    f.keyword.number = PTN_KEYWORDS_MAX;
    assert_false(vault_fact_valid(&f.head, sizeof(f)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(chunks_and_bitmaps, rig_test_setup,
                                        rig_test_teardown),
        cmocka_unit_test(facts_are_checked),
    };

    return cmocka_run_group_tests_name("vault uidset", tests, NULL, NULL);
}
