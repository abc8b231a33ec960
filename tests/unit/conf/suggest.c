/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Suggestions for mistyped words, and numbers with units.
 */
#include "conf/suggest.h"
#include "conf/unit.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
distances(void **state)
{
    (void)state;
    assert_int_equal(ptn_suggest_distance("mode", "mode"), 0);
    assert_int_equal(ptn_suggest_distance("mod", "mode"), 1);
    assert_int_equal(ptn_suggest_distance("mdoe", "mode"), 1);
    assert_int_equal(ptn_suggest_distance("MODE", "mode"), 0);
    assert_int_equal(ptn_suggest_distance("", "mode"), 4);
    assert_int_equal(ptn_suggest_distance("kitten", "sitting"), 3);
    assert_int_equal(
        ptn_suggest_distance("a-word-that-is-longer-than-any-that-is-sensible"
                             "-in-a-configuration",
                             "a"),
        PTN_SUGGEST_FAR);
}

static const char *
best(const char *word)
{
    struct ptn_suggest s = ptn_suggest_begin(word);

    ptn_suggest_try(&s, "none");
    ptn_suggest_try(&s, "explicit");
    ptn_suggest_try(&s, "implicit");
    ptn_suggest_try(&s, "hostname");
    return s.best;
}

static void
suggestions(void **state)
{
    (void)state;
    assert_string_equal(best("explcit"), "explicit");
    assert_string_equal(best("imlpicit"), "implicit");
    assert_string_equal(best("host"), "hostname");
    assert_string_equal(best("nnoe"), "none");
    assert_null(best("off"));
    assert_null(best("x"));
    assert_null(best("postname-of-mine"));
}

static void
sizes(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {{"0", 0},           {"512", 512},
                {"4k", 4096},       {"4K", 4096},
                {"35M", 35 << 20},  {"2G", 2ull << 30},
                {"1T", 1ull << 40}, {"9223372036854775807", INT64_MAX}};
    static const char *const bad[] = {
        "",        "k", "-1", "4kk", "1.5M", "4 k", "4m", "9223372036854775808",
        "8388608T"};
    uint64_t value;

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(good); i++) {
        assert_true(ptn_unit_size(good[i].text, &value));
        assert_int_equal(value, good[i].value);
    }
    for (size_t i = 0; i < PTN_COUNT(bad); i++)
        assert_false(ptn_unit_size(bad[i], &value));
}

static void
times(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {{"0", 0},          {"250ms", 250},  {"30s", 30000},
                {"5m", 300000},    {"1h", 3600000}, {"7d", 604800000},
                {"2w", 1209600000}};
    static const char *const bad[] = {"",   "s",   "30",  "1.5h",
                                      "5M", "5 m", "-5s", "99999999999999999w"};
    uint64_t value;

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(good); i++) {
        assert_true(ptn_unit_duration(good[i].text, &value));
        assert_int_equal(value, good[i].value);
    }
    for (size_t i = 0; i < PTN_COUNT(bad); i++)
        assert_false(ptn_unit_duration(bad[i], &value));
}

/* What is printed reads back to the same value. */
static void
round_trips(void **state)
{
    static const uint64_t values[] = {
        0,          1,     512,   1023,     1024,      1025, 35u << 20,
        1ull << 40, 60000, 90000, 86400000, 604800001, 1000, 1209600000};
    struct ptn_buf text = PTN_BUF_INIT;
    uint64_t back;

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(values); i++) {
        text.len = 0;
        ptn_unit_add_size(&text, values[i]);
        assert_true(ptn_unit_size(ptn_buf_cstr(&text), &back));
        assert_int_equal(back, values[i]);
        text.len = 0;
        ptn_unit_add_duration(&text, values[i]);
        assert_true(ptn_unit_duration(ptn_buf_cstr(&text), &back));
        assert_int_equal(back, values[i]);
    }
    text.len = 0;
    ptn_unit_add_duration(&text, 90000);
    assert_string_equal(ptn_buf_cstr(&text), "90s");
    ptn_buf_free(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances),   cmocka_unit_test(suggestions),
        cmocka_unit_test(sizes),       cmocka_unit_test(times),
        cmocka_unit_test(round_trips),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
