/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tests of mail/uidmap.c: every answer is compared with a plain array.
 */
#include "tests/unit/mail/test.h"

#include <postern/mail/uidmap.h>

#define SPAN 9000u /* several blocks */

/* The set, the simple way. */
struct model {
    bool in[SPAN + 2];
};

static void
check(const struct ptn_uidmap *m, const struct model *model)
{
    uint32_t seq = 0, last = 0, next = 0;

    for (uint32_t uid = 1; uid <= SPAN; uid++) {
        if (!model->in[uid]) {
            assert_false(ptn_uidmap_has(m, uid));
            assert_int_equal(ptn_uidmap_seq(m, uid), 0);
            continue;
        }
        seq++;
        last = uid;
        assert_true(ptn_uidmap_has(m, uid));
        assert_int_equal(ptn_uidmap_seq(m, uid), seq);
        assert_int_equal(ptn_uidmap_uid(m, seq), uid);
    }
    assert_int_equal(ptn_uidmap_count(m), seq);
    assert_int_equal(ptn_uidmap_last(m), last);
    assert_int_equal(ptn_uidmap_uid(m, seq + 1), 0);
    assert_int_equal(ptn_uidmap_uid(m, 0), 0);
    for (uint32_t uid = SPAN; uid; uid--) {
        if (model->in[uid])
            next = uid;
        assert_int_equal(ptn_uidmap_next(m, uid), next);
    }
}

/* The same numbers in every run. */
static uint32_t
draw(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % below;
}

static void
add(struct ptn_uidmap *m, struct model *model, uint32_t first, uint32_t last)
{
    ptn_uidmap_add(m, first, last);
    for (uint32_t uid = first; uid <= last; uid++)
        model->in[uid] = true;
}

static void
empty_set_has_nothing(void **state)
{
    struct ptn_uidmap *m = ptn_uidmap_new();
    static const struct model none;

    (void)state;
    check(m, &none);
    assert_false(ptn_uidmap_remove(m, 1));
    assert_int_equal(ptn_uidmap_next(m, 0), 0);
    ptn_uidmap_free(m);
    ptn_uidmap_free(NULL);
}

static void
runs_join_and_split(void **state)
{
    struct ptn_uidmap *m = ptn_uidmap_new();
    static struct model model;

    (void)state;
    memset(&model, 0, sizeof(model));
    add(m, &model, 10, 20);
    add(m, &model, 22, 30);
    add(m, &model, 21, 21);
    add(m, &model, 5, 40);
    add(m, &model, 7, 7);
    check(m, &model);
    for (uint32_t uid = 5; uid <= 40; uid += 7) {
        assert_true(ptn_uidmap_remove(m, uid));
        assert_false(ptn_uidmap_remove(m, uid));
        model.in[uid] = false;
        check(m, &model);
    }
    ptn_uidmap_clear(m);
    memset(&model, 0, sizeof(model));
    check(m, &model);
    ptn_uidmap_free(m);
}

static void
every_second_gone_and_back(void **state)
{
    struct ptn_uidmap *m = ptn_uidmap_new();
    static struct model model;

    (void)state;
    memset(&model, 0, sizeof(model));
    add(m, &model, 1, SPAN);
    for (uint32_t uid = 1; uid <= SPAN; uid += 2) {
        assert_true(ptn_uidmap_remove(m, uid));
        model.in[uid] = false;
    }
    check(m, &model);
    for (uint32_t uid = 1; uid <= SPAN; uid += 2)
        add(m, &model, uid, uid);
    check(m, &model);
    for (uint32_t uid = SPAN; uid; uid--) {
        assert_true(ptn_uidmap_remove(m, uid));
        model.in[uid] = false;
    }
    check(m, &model);
    ptn_uidmap_free(m);
}

static void
random_changes_agree_with_the_model(void **state)
{
    static struct model model;

    (void)state;
    for (uint32_t seed = 1; seed <= 12; seed++) {
        struct ptn_uidmap *m = ptn_uidmap_new();
        uint32_t random = seed;

        memset(&model, 0, sizeof(model));
        for (int step = 0; step < 4000; step++) {
            uint32_t uid = 1 + draw(&random, SPAN);
            uint32_t most = draw(&random, 8) ? 3 : 3000;
            uint32_t last = uid + draw(&random, most);

            if (last > SPAN)
                last = SPAN;
            if (draw(&random, 3)) {
                assert_int_equal(ptn_uidmap_remove(m, uid), model.in[uid]);
                model.in[uid] = false;
            } else {
                add(m, &model, uid, last);
            }
            if (step % 400 == 0)
                check(m, &model);
        }
        check(m, &model);
        ptn_uidmap_free(m);
    }
}

static void
largest_uids_are_members_like_others(void **state)
{
    struct ptn_uidmap *m = ptn_uidmap_new();

    (void)state;
    ptn_uidmap_add(m, UINT32_MAX - 3000, UINT32_MAX);
    assert_int_equal(ptn_uidmap_count(m), 3001);
    assert_int_equal(ptn_uidmap_last(m), UINT32_MAX);
    for (uint32_t uid = UINT32_MAX; uid > UINT32_MAX - 3000; uid -= 2)
        assert_true(ptn_uidmap_remove(m, uid));
    assert_int_equal(ptn_uidmap_count(m), 1501);
    assert_int_equal(ptn_uidmap_last(m), UINT32_MAX - 1);
    ptn_uidmap_add(m, UINT32_MAX, UINT32_MAX);
    assert_int_equal(ptn_uidmap_next(m, UINT32_MAX), UINT32_MAX);
    assert_int_equal(ptn_uidmap_seq(m, UINT32_MAX), 1502);
    ptn_uidmap_free(m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_set_has_nothing),
        cmocka_unit_test(runs_join_and_split),
        cmocka_unit_test(every_second_gone_and_back),
        cmocka_unit_test(random_changes_agree_with_the_model),
        cmocka_unit_test(largest_uids_are_members_like_others),
    };

    return cmocka_run_group_tests_name("mail/uidmap", tests, NULL, NULL);
}
