/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/unit/base/test.h"
#include <postern/buf.h>
#include <stdlib.h>

static void
expect(struct ptn_buf *b, const char *text)
{
    assert_int_equal(b->len, strlen(text));
    assert_string_equal(ptn_buf_cstr(b), text);
    assert_int_equal(b->len, strlen(text));
}

static void
test_append(void **state)
{
    struct ptn_buf b = PTN_BUF_INIT;

    (void)state;
    ptn_buf_add(&b, NULL, 0);
    ptn_buf_addslice(&b, (struct ptn_slice){NULL, 0});
    assert_null(b.data);
    ptn_buf_adds(&b, "a");
    ptn_buf_addc(&b, 'b');
    ptn_buf_addslice(&b, PTN_SLICE("cd"));
    ptn_buf_addu64(&b, 0);
    ptn_buf_addu64(&b, UINT64_MAX);
    ptn_buf_printf(&b, "<%s %d>", "x", -1);
    expect(&b, "abcd018446744073709551615<x -1>");
    ptn_buf_free(&b);
    assert_null(b.data);
    assert_int_equal(b.cap, 0);
}

static void
test_grows(void **state)
{
    struct ptn_buf b = PTN_BUF_INIT;
    size_t moves = 0, cap = 0;

    (void)state;
    for (size_t i = 0; i < 1000000; i++) {
        ptn_buf_addc(&b, (char)i);
        assert_true(b.len <= b.cap);
        moves += b.cap != cap;
        cap = b.cap;
    }
    assert_in_range(moves, 10, 30); /* geometric */
    for (size_t i = 0; i < b.len; i++)
        assert_true(b.data[i] == (char)i);
    ptn_buf_free(&b);
    ptn_buf_reserve(&b, 5000);
    assert_true(b.cap >= 5000 && b.cap < 8000);
    ptn_buf_free(&b);
}

static void
test_printf_of_any_length(void **state)
{
    char text[700];

    (void)state;
    for (size_t len = 0; len < sizeof text; len++) {
        struct ptn_buf b = PTN_BUF_INIT;
        memset(text, 'p', len);
        text[len] = '\0';
        ptn_buf_adds(&b, "1");
        ptn_buf_printf(&b, "%s", text);
        ptn_buf_printf(&b, "%s", "");
        assert_int_equal(b.len, len + 1);
        assert_memory_equal(b.data + 1, text, len);
        ptn_buf_free(&b);
    }
}

static void
test_consume(void **state)
{
    struct ptn_buf b = PTN_BUF_INIT;

    (void)state;
    ptn_buf_consume(&b, 0);
    ptn_buf_adds(&b, "hello");
    ptn_buf_consume(&b, 2);
    expect(&b, "llo");
    ptn_buf_consume(&b, 3);
    expect(&b, "");
    ptn_buf_free(&b);
}

static void
test_wipe(void **state)
{
    char secret[] = "password";

    (void)state;
    ptn_wipe(secret, 4);
    assert_memory_equal(secret, "\0\0\0\0word", 8);
    ptn_wipe(NULL, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_grows),
        cmocka_unit_test(test_printf_of_any_length),
        cmocka_unit_test(test_consume),
        cmocka_unit_test(test_wipe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
