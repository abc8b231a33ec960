/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Operations at random, held against a simple model, with small segments
 * that are compacted all the time. Then the index that recovery makes must
 * be the one that is there, octet for octet.
 */
#include "rig.h"

#include <postern/mail/flags.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOXES 4
#define UIDS 4096
#define STEPS 1500

struct model_message {
    bool there;
    uint32_t flags;
    uint32_t body; /* its number */
};

struct model {
    struct rig *r;
    unsigned seed;
    uint32_t bodies;
    struct ptn_mailbox *boxes[BOXES];
    uint32_t next[BOXES];
    struct model_message messages[BOXES][UIDS];
};

static const char *const names[BOXES] = {"INBOX", "Trash", "a", "a/b"};

static unsigned
roll(struct model *m, unsigned sides)
{
    m->seed = m->seed * 1103515245u + 12345u;
    return (m->seed >> 16) % sides;
}

/* A body that tells its number; sizes from some octets to some thousands. */
static char *
body_of(uint32_t number)
{
    size_t len = 20 + number * 37 % 3000;
    char *text = ptn_alloc(len + 1);
    int n = snprintf(text, len, "body %u ", number);

    memset(text + n, 'a' + (int)(number % 26), len - (size_t)n);
    return text;
}

static void
add_message(struct model *m, unsigned box, uint32_t uid,
            struct model_message message)
{
    assert_int_equal(uid, m->next[box]);
    m->messages[box][uid] = message;
    m->next[box]++;
}

static void
step_append(struct model *m, unsigned box)
{
    struct model_message new = {true, roll(m, 32), m->bodies++};
    char *text = body_of(new.body);
    uint32_t uid;

    assert_int_equal(rig_append(m->r, names[box], text, new.flags, &uid),
                     PTN_OK);
    add_message(m, box, uid, new);
    ptn_free(text);
}

static void
step_flags(struct model *m, unsigned box, uint32_t uid)
{
    struct model_message *x = &m->messages[box][uid];
    uint32_t flags = roll(m, 32);
    enum ptn_flag_change change = roll(m, 3);

    assert_int_equal(rig_flags(m->r, m->boxes[box], uid, change, flags),
                     PTN_OK);
    if (change == PTN_FLAGS_SET)
        x->flags = flags;
    else if (change == PTN_FLAGS_ADD)
        x->flags |= flags;
    else
        x->flags &= ~flags;
}

static void
step_expunge_all(struct model *m, unsigned box)
{
    size_t removed, expected = 0;

    for (uint32_t uid = 1; uid < m->next[box]; uid++) {
        struct model_message *x = &m->messages[box][uid];

        if (x->there && (x->flags & PTN_FLAG_DELETED)) {
            x->there = false;
            expected++;
        }
    }
    assert_int_equal(rig_expunge(m->r, m->boxes[box], 0, &removed), PTN_OK);
    assert_int_equal(removed, expected);
}

static void
step_expunge(struct model *m, unsigned box, uint32_t uid)
{
    size_t removed;

    assert_int_equal(rig_expunge(m->r, m->boxes[box], uid, &removed), PTN_OK);
    assert_int_equal(removed, m->messages[box][uid].there);
    m->messages[box][uid].there = false;
}

static void
step_copy(struct model *m, unsigned box, uint32_t uid, bool move)
{
    struct model_message x = m->messages[box][uid];
    unsigned to = roll(m, BOXES);
    uint32_t new_uid;

    assert_int_equal(
        rig_copy(m->r, m->boxes[box], uid, names[to], move, &new_uid), PTN_OK);
    assert_int_equal(new_uid != 0, x.there);
    if (!x.there)
        return;
    if (move)
        m->messages[box][uid].there = false;
    add_message(m, to, new_uid, x);
}

static void
step(struct model *m)
{
    unsigned box = roll(m, BOXES), what = roll(m, 100);
    uint32_t uid = m->next[box] > 1 ? 1 + roll(m, m->next[box] - 1) : 0;

    if (uid == 0 || what < 40)
        step_append(m, box);
    else if (what < 60)
        step_flags(m, box, uid);
    else if (what < 62)
        step_expunge_all(m, box);
    else if (what < 85)
        step_expunge(m, box, uid);
    else
        step_copy(m, box, uid, what < 92);
}

static void
check_message(struct model *m, unsigned box, uint32_t uid)
{
    const struct model_message *x = &m->messages[box][uid];
    struct ptn_message is;
    char *text, *expected;

    assert_int_equal(rig_fetch(m->r, m->boxes[box], uid, &is), x->there);
    if (!x->there)
        return;
    assert_int_equal(is.flags.system, x->flags);
    text = rig_body(m->r, m->boxes[box], uid);
    expected = body_of(x->body);
    assert_non_null(text);
    assert_string_equal(text, expected);
    ptn_free(text);
    ptn_free(expected);
}

static void
check_box(struct model *m, unsigned box)
{
    struct ptn_mailbox_info info = rig_info(m->r, m->boxes[box]);
    uint32_t messages = 0, unseen = 0, deleted = 0;

    for (uint32_t uid = 1; uid < m->next[box]; uid++) {
        const struct model_message *x = &m->messages[box][uid];

        check_message(m, box, uid);
        messages += x->there;
        unseen += x->there && !(x->flags & PTN_FLAG_SEEN);
        deleted += x->there && (x->flags & PTN_FLAG_DELETED);
    }
    assert_int_equal(info.messages, messages);
    assert_int_equal(info.unseen, unseen);
    assert_int_equal(info.deleted, deleted);
    assert_int_equal(info.uidnext, m->next[box]);
}

static void
open_boxes(struct model *m)
{
    for (unsigned i = 0; i < BOXES; i++) {
        m->boxes[i] = rig_mailbox(m->r, USER, names[i], NULL);
        assert_non_null(m->boxes[i]);
    }
}

static void
close_boxes(struct model *m)
{
    for (unsigned i = 0; i < BOXES; i++)
        vault_mailbox_close(&m->r->v, m->boxes[i]);
}

static void
check_all(struct model *m)
{
    for (unsigned i = 0; i < BOXES; i++)
        check_box(m, i);
    close_boxes(m);
    rig_check_recovery(m->r);
    open_boxes(m);
    for (unsigned i = 0; i < BOXES; i++)
        check_box(m, i);
}

static void
run(struct rig *r, unsigned seed)
{
    struct model *m = ptn_alloc(sizeof(*m));

    m->r = r;
    m->seed = seed;
    assert_int_equal(rig_change(r, PTN_MAILBOX_CREATE, "a/b", NULL), PTN_OK);
    for (unsigned i = 0; i < BOXES; i++)
        m->next[i] = 1;
    open_boxes(m);
    for (unsigned i = 1; i <= STEPS; i++) {
        step(m);
        if (i % (STEPS / 3) == 0)
            check_all(m);
    }
    close_boxes(m);
    ptn_free(m);
}

static void
without_compaction(void **state)
{
    run(*state, 1);
}

static void
with_compaction(void **state)
{
    struct rig *r = *state;

    rig_close(r);
    r->options.segment_size = 64 << 10;
    r->options.compact_below = 90;
    rig_open(r);
    for (unsigned seed = 2; seed < 5; seed++) {
        run(r, seed);
        rig_close(r);
        rig_remove(r->dir);
        assert_int_equal(mkdir(r->dir, 0700), 0);
        rig_open(r);
    }
}

static bool
is_there(struct rig *r, unsigned segment)
{
    char name[64], path[160];

    snprintf(name, sizeof(name), "segments/%08u.log", segment);
    rig_path(r, name, path, sizeof(path));
    return access(path, F_OK) == 0;
}

/* Compaction goes on in the background; a minute is for slow machines. */
static void
wait_until_gone(struct rig *r, unsigned segment)
{
    for (int i = 0; i < 60000 && is_there(r, segment); i++)
        usleep(1000);
    assert_false(is_there(r, segment));
}

/* The space comes back, what is kept moves, and a body that was open before
 * is read from the file that is gone. */
static void
gives_space_back(void **state)
{
    struct rig *r = *state;
    struct ptn_mailbox *m;
    struct ptn_body *body;
    char *text = body_of(80), read[4096];
    uint64_t size;

    rig_close(r);
    r->options.segment_size = 64 << 10;
    r->options.compact_below = 60;
    rig_open(r);
    for (int i = 0; i < 100; i++)
        rig_deliver(r, USER, text, NULL);
    m = rig_mailbox(r, USER, "INBOX", NULL);
    assert_true(is_there(r, 1) && is_there(r, 5));
    assert_int_equal(vault_body_open(&r->v, m, 2, &body, &size), PTN_OK);
    for (uint32_t uid = 1; uid < 100; uid++) {
        if (uid != 3)
            rig_expunge(r, m, uid, NULL);
    }
    for (unsigned segment = 1; segment <= 3; segment++)
        wait_until_gone(r, segment);
    assert_int_equal(vault_body_read(&r->v, body, 0, read, sizeof(read), false),
                     size);
    assert_memory_equal(read, text, size);
    vault_body_close(&r->v, body);
    ptn_free(text);
    text = rig_body(r, m, 3);
    assert_memory_equal(read, text, size);
    ptn_free(text);
    vault_mailbox_close(&r->v, m);
    rig_check_recovery(r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_compaction, rig_test_setup,
                                        rig_test_teardown),
        cmocka_unit_test_setup_teardown(with_compaction, rig_test_setup,
                                        rig_test_teardown),
        cmocka_unit_test_setup_teardown(gives_space_back, rig_test_setup,
                                        rig_test_teardown),
    };

    return cmocka_run_group_tests_name("vault soak", tests, NULL, NULL);
}
