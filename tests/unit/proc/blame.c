/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whose code an address is, with two modules whose functions are known.
 */
#include "proc/blame.h"
#include "module/registry.h"
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Functions are only looked at, never called. */
#define FUNCTION(type, address) ((type)(uintptr_t)(address))

typedef int (*start_fn)(void *, struct ptn_error *);
typedef void (*stop_fn)(void *);

static const struct {
    uint32_t size;
    void *words[3];
} one_ops = {sizeof one_ops, {(void *)0x11000, NULL, (void *)0x99999999}};

static void
test_blame(void **state)
{
    struct ptn_module one = {.name = "one",
                             .start = FUNCTION(start_fn, 0x10000),
                             .stop = FUNCTION(stop_fn, 0x30000)};
    struct ptn_module two = {.name = "two",
                             .start = FUNCTION(start_fn, 0x40000),
                             .stop = FUNCTION(stop_fn, 0x42000)};
    struct ptn_host hosts[] = {{.module = &one}, {.module = &two}};
    struct ptn_host *order[] = {&hosts[0], &hosts[1]};
    struct ptn_provided provided = {.ops = &one_ops, .provider = &hosts[0]};
    struct ptn_modules modules = {.hosts = hosts,
                                  .order = order,
                                  .count = 2,
                                  .ordered = 2,
                                  .provided = &provided,
                                  .provided_count = 1};

    (void)state;
    assert_null(ptn_blame_find(0x10000)); /* nothing is known yet */
    ptn_blame_learn(&modules, 0x8000, 0x80000);
    assert_string_equal(ptn_blame_find(0x10000), "one");
    assert_string_equal(ptn_blame_find(0x10abc), "one");
    assert_string_equal(ptn_blame_find(0x2ffff), "one"); /* between its own */
    assert_string_equal(ptn_blame_find(0x30fff), "one"); /* its last one */
    assert_null(ptn_blame_find(0x38000)); /* between the two, far from both */
    assert_string_equal(ptn_blame_find(0x3f001), "two"); /* its first one */
    assert_string_equal(ptn_blame_find(0x41000), "two");
    assert_null(ptn_blame_find(0x43000));
    assert_null(ptn_blame_find(0x9000));
    assert_null(ptn_blame_find(0));
    assert_null(ptn_blame_find(UINTPTR_MAX));
}

static void
test_files_of_their_own_are_not_learnt(void **state)
{
    struct ptn_module one = {.name = "one",
                             .start = FUNCTION(start_fn, 0x10000)};
    struct ptn_host host = {.module = &one}, *order[] = {&host};
    struct ptn_modules modules = {
        .hosts = &host, .order = order, .count = 1, .ordered = 1};

    (void)state;
    ptn_blame_learn(&modules, 0x20000, 0x30000);
    assert_null(ptn_blame_find(0x10000));
    assert_null(ptn_blame_find(0x20000));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blame),
        cmocka_unit_test(test_files_of_their_own_are_not_learnt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
