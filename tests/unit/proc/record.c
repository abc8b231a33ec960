/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Records, and the plan that is made of them.
 */
#include "proc/plan.h"
#include <postern/arena.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
values_survive(void **state)
{
    static const char *const values[] = {
        "",          "plain",       "a=b",    "tab\there",
        "line\nend", "back\\slash", "\\t\\n", "\\",
    };
    char out[64];

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(values); i++) {
        struct ptn_buf line = PTN_BUF_INIT;

        ptn_buf_adds(&line, "kind");
        ptn_record_add(&line, "before", "x");
        ptn_record_add(&line, "key", values[i]);
        ptn_record_addn(&line, "number", 7);
        assert_null(memchr(line.data, '\n', line.len));
        assert_true(
            ptn_record_get(ptn_buf_slice(&line), "key", out, sizeof out));
        assert_string_equal(out, values[i]);
        assert_true(
            ptn_record_get(ptn_buf_slice(&line), "number", out, sizeof out));
        assert_string_equal(out, "7");
        ptn_buf_free(&line);
    }
}

static void
keys_are_whole(void **state)
{
    const struct ptn_slice line = PTN_SLICE("kind\tlonger=1\tkey=2");
    char out[3];

    (void)state;
    assert_false(ptn_record_get(line, "long", out, sizeof out));
    assert_false(ptn_record_get(line, "kind", out, sizeof out));
    assert_true(ptn_record_get(line, "key", out, sizeof out));
    assert_true(ptn_record_is(line, "kind"));
    assert_false(ptn_record_is(line, "kin"));
    assert_true(ptn_record_get(PTN_SLICE("k\ta=12345"), "a", out, sizeof out));
    assert_string_equal(out, "12"); /* cut, and terminated */
}

static void
lines_one_by_one(void **state)
{
    struct ptn_slice text = PTN_SLICE("a\n\nb");

    (void)state;
    assert_true(ptn_slice_eq(ptn_record_next(&text), PTN_SLICE("a")));
    assert_true(ptn_slice_eq(ptn_record_next(&text), PTN_SLICE("")));
    assert_true(ptn_slice_eq(ptn_record_next(&text), PTN_SLICE("b")));
    assert_int_equal(text.len, 0);
}

static void
plan_is_read(void **state)
{
    static const char text[] = "serves\tname=mx\tmodules=tls,store,x\n"
                               "address\tlistener=0\thost=*\tport=25\n"
                               "address\tlistener=0\thost=::1\tport=2525\n"
                               "listener\tname=mx\tgroup=main\tprotocol=x\n"
                               "address\tlistener=1\thost=127.0.0.1\tport=993\n"
                               "listener\tname=secure\tgroup=main\tprotocol=y\n"
                               "listener\tname=odd\tgroup=lab\tprotocol=z\n"
                               "state\tname=secure\tproblem=no\\tkey\n"
                               "state\tname=nobody\tproblem=of nobody\n"
                               "certificate\tname=default\n"
                               "serves\tname=secure\tmodules=store,y\n"
                               "serves\tname=odd\tmodules=z\n";
    struct ptn_plan plan;
    struct ptn_buf modules = PTN_BUF_INIT;

    (void)state;
    ptn_plan_read(&plan, PTN_SLICE(text));
    assert_int_equal(plan.count, 3);
    assert_string_equal(plan.listeners[0].name, "mx");
    assert_string_equal(plan.listeners[0].group, "main");
    assert_null(plan.listeners[0].problem);
    assert_int_equal(plan.listeners[0].address_count, 2);
    assert_string_equal(plan.listeners[0].addresses[1].host, "::1");
    assert_int_equal(plan.listeners[0].addresses[1].port, 2525);
    assert_string_equal(plan.listeners[1].problem, "no\tkey");
    assert_string_equal(plan.listeners[1].record,
                        "\tname=secure\tgroup=main\tprotocol=y");
    assert_string_equal(plan.certificates, "certificate\tname=default\n");
    assert_true(ptn_slice_eq(ptn_buf_slice(&plan.text), PTN_SLICE(text)));
    ptn_plan_modules(&plan, "main", &modules);
    assert_string_equal(ptn_buf_cstr(&modules), "tls,store,x,y");
    modules.len = 0;
    ptn_plan_modules(&plan, "lab", &modules);
    assert_string_equal(ptn_buf_cstr(&modules), "z");
    ptn_buf_free(&modules);
    ptn_plan_free(&plan);
}

/* Each worker tells of its own group. */
static void
plan_is_kept_up_to_date(void **state)
{
    struct ptn_plan plan;

    (void)state;
    ptn_plan_read(&plan, PTN_SLICE("listener\tname=a\tgroup=main\n"
                                   "listener\tname=b\tgroup=lab\n"
                                   "state\tname=b\tproblem=old\n"
                                   "certificate\tname=one\tnot_after=1\n"
                                   "certificate\tname=two\tnot_after=2\n"));
    ptn_plan_update(&plan, PTN_SLICE("state\tname=a\tproblem=new\n"
                                     "certificate\tname=two\tnot_after=3\n"
                                     "certificate\tname=tw\n"));
    assert_string_equal(plan.listeners[0].problem, "new");
    assert_string_equal(plan.listeners[1].problem, "old");
    assert_string_equal(plan.certificates,
                        "certificate\tname=two\tnot_after=3\n"
                        "certificate\tname=tw\n"
                        "certificate\tname=one\tnot_after=1\n");
    ptn_plan_update(&plan, PTN_SLICE("state\tname=b\n"));
    assert_null(plan.listeners[1].problem);
    assert_string_equal(plan.listeners[0].problem, "new");
    ptn_plan_free(&plan);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_survive),
        cmocka_unit_test(keys_are_whole),
        cmocka_unit_test(lines_one_by_one),
        cmocka_unit_test(plan_is_read),
        cmocka_unit_test(plan_is_kept_up_to_date),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
