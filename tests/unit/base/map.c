/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The map against a plain array that knows what should be in it, and the
 * hash against its authors' vectors.
 */
#include "base/map.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/siphash.h"
#include "tests/unit/base/test.h"
#include <stdio.h>

#define KEYS 300

struct model {
    char key[KEYS][8];
    int value[KEYS];
    bool in[KEYS];
    size_t count;
};

static void
check(const struct ptn_map *m, const struct model *model)
{
    const struct ptn_map_slot *slot;
    size_t at = 0, seen = 0;

    assert_int_equal(m->count, model->count);
    for (size_t i = 0; i < KEYS; i++) {
        const int *found = ptn_map_get(m, ptn_slice_of(model->key[i]));
        assert_ptr_equal(found, model->in[i] ? &model->value[i] : NULL);
    }
    while ((slot = ptn_map_next(m, &at))) {
        size_t i = (size_t)((int *)slot->value - model->value);
        assert_true(model->in[i]);
        assert_true(ptn_slice_eq(slot->key, ptn_slice_of(model->key[i])));
        seen++;
    }
    assert_int_equal(seen, model->count);
}

static void
test_random_changes(void **state)
{
    static struct model model;
    struct ptn_map m = PTN_MAP_INIT;
    unsigned random = 1;

    (void)state;
    for (size_t i = 0; i < KEYS; i++)
        snprintf(model.key[i], sizeof model.key[i], "k%zu", i);
    check(&m, &model);
    assert_null(ptn_map_remove(&m, PTN_SLICE("k0")));
    for (int round = 0; round < 20000; round++) {
        random = random * 1103515245 + 12345;
        size_t i = random >> 16 & 511;
        if (i >= KEYS)
            continue;
        struct ptn_slice key = ptn_slice_of(model.key[i]);
        void *before = model.in[i] ? &model.value[i] : NULL;
        bool put = (random >> 8 & 3) != 0;
        assert_ptr_equal(put ? ptn_map_put(&m, key, &model.value[i])
                             : ptn_map_remove(&m, key),
                         before);
        model.count += (size_t)(put && !before) - (size_t)(!put && before);
        model.in[i] = put;
        if (round % 100 == 0)
            check(&m, &model);
    }
    check(&m, &model);
    ptn_map_free(&m);
    assert_int_equal(m.count, 0);
}

static void
test_empty_key(void **state)
{
    struct ptn_map m = PTN_MAP_INIT;
    int one;

    (void)state;
    assert_null(ptn_map_put(&m, (struct ptn_slice){NULL, 0}, &one));
    assert_ptr_equal(ptn_map_get(&m, PTN_SLICE("")), &one);
    assert_null(ptn_map_get(&m, PTN_SLICE("\0")));
    ptn_map_free(&m);
}

/* Two maps hash differently: nobody can prepare collisions. */
static void
test_seeds_differ(void **state)
{
    struct ptn_map a = PTN_MAP_INIT, b = PTN_MAP_INIT;
    int one;

    (void)state;
    ptn_map_put(&a, PTN_SLICE("x"), &one);
    ptn_map_put(&b, PTN_SLICE("x"), &one);
    assert_memory_not_equal(a.seed, b.seed, sizeof a.seed);
    ptn_map_free(&a);
    ptn_map_free(&b);
}

/* From the appendix of the paper, and its reference's vectors. */
static void
test_siphash(void **state)
{
    static const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    unsigned char in[64];

    (void)state;
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (unsigned char)i;
    assert_true(ptn_siphash(key, in, 0) == 0x726fdb47dd0e0e31);
    assert_true(ptn_siphash(key, in, 1) == 0x74f839c593dc67fd);
    assert_true(ptn_siphash(key, in, 8) == 0x93f5f5799a932462);
    assert_true(ptn_siphash(key, in, 15) == 0xa129ca6149be45e5);
}

static void
test_list(void **state)
{
    struct ptn_list a, b, n[3];

    (void)state;
    ptn_list_init(&a);
    ptn_list_init(&b);
    assert_true(ptn_list_is_empty(&a));
    assert_null(ptn_list_take(&a));
    for (int i = 0; i < 3; i++)
        ptn_list_add(&a, &n[i]);
    ptn_list_remove(&n[1]);
    ptn_list_remove(&n[1]);
    ptn_list_move_all(&b, &a);
    ptn_list_add(&b, &n[1]);
    ptn_list_move_all(&a, &b);
    assert_true(ptn_list_is_empty(&a));
    assert_ptr_equal(ptn_list_take(&b), &n[1]);
    assert_ptr_equal(ptn_list_take(&b), &n[0]);
    assert_ptr_equal(ptn_list_take(&b), &n[2]);
    assert_null(ptn_list_take(&b));
}

static void
test_clock(void **state)
{
    uint64_t ms = ptn_clock_ms(), us = ptn_clock_us();

    (void)state;
    assert_true(us / 1000 >= ms && us / 1000 - ms < 1000);
    assert_true(ptn_clock_us() >= us);
    assert_true(ptn_clock_wall_ms() > INT64_C(1600000000000));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_changes), cmocka_unit_test(test_empty_key),
        cmocka_unit_test(test_seeds_differ),   cmocka_unit_test(test_siphash),
        cmocka_unit_test(test_list),           cmocka_unit_test(test_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
