/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/base/test.h"
#include <errno.h>
#include <postern/error.h>

static void
test_set(void **state)
{
    struct ptn_error err = {.code = PTN_ERR_TLS, .number = 9, .line = 8};

    (void)state;
    assert_int_equal(ptn_error_set(&err, PTN_ERR_CONFIG, "no %s", "door"), -1);
    assert_int_equal(err.code, PTN_ERR_CONFIG);
    assert_int_equal(err.number, 0);
    assert_int_equal(err.line, 0);
    assert_string_equal(err.text, "no door");
    assert_int_equal(ptn_error_set(NULL, PTN_ERR_CONFIG, "nobody"), -1);
}

static void
test_errno(void **state)
{
    struct ptn_error err = PTN_ERROR_INIT;

    (void)state;
    errno = ENOENT;
    assert_int_equal(ptn_error_errno(&err, "open %s", "x"), -1);
    assert_int_equal(err.code, PTN_ERR_SYSTEM);
    assert_int_equal(err.number, ENOENT);
    assert_string_equal(err.text, "open x: No such file or directory");
    assert_int_equal(errno, ENOENT);
    assert_int_equal(ptn_error_errno(NULL, "nobody"), -1);
}

static void
test_prefix(void **state)
{
    struct ptn_error err = PTN_ERROR_INIT;

    (void)state;
    ptn_error_set(&err, PTN_ERR_CONFIG, "no door");
    err.file = "f";
    assert_int_equal(ptn_error_prefix(&err, "house %d", 3), -1);
    assert_string_equal(err.text, "house 3: no door");
    assert_string_equal(err.file, "f");
    assert_int_equal(ptn_error_prefix(NULL, "nobody"), -1);
}

/* Whatever its length, a text stays inside and ends. */
static void
test_cut(void **state)
{
    struct {
        struct ptn_error err;
        char guard[8];
    } x = {.guard = "guarded"};
    char text[1000];

    (void)state;
    for (size_t len = PTN_ERROR_TEXT_MAX - 8; len < PTN_ERROR_TEXT_MAX + 8;
         len++) {
        memset(text, 'x', len);
        text[len] = '\0';
        errno = ENOENT;
        ptn_error_errno(&x.err, "%s", text);
        assert_true(strlen(x.err.text) < sizeof x.err.text);
        ptn_error_prefix(&x.err, "%s", text);
        assert_true(strlen(x.err.text) < sizeof x.err.text);
        assert_memory_equal(x.err.text, text, PTN_ERROR_TEXT_MAX - 9);
    }
    ptn_error_set(&x.err, PTN_ERR_LIMIT, "%s", "end");
    for (int i = 0; i < 200; i++)
        ptn_error_prefix(&x.err, "level %d", i);
    assert_true(strlen(x.err.text) < sizeof x.err.text);
    assert_string_equal(x.guard, "guarded");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_errno),
        cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
