/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a value looks like in a line, and that no value can forge one.
 */
#include "log/line.h"
#include "tests/unit/base/test.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SINK(file)                                                             \
    ((struct ptn_log_sink){PTN_LOG_TO_FILE, PTN_LOG_AS_TEXT, (file), 0})

static void
expect(struct ptn_slice value, const char *text)
{
    char out[64];

    ptn_log_value(value, out, sizeof out);
    assert_string_equal(out, text);
}

static void
test_values(void **state)
{
    (void)state;
    expect(PTN_SLICE("plain-1.2:x/y@z"), "plain-1.2:x/y@z");
    expect(PTN_SLICE(""), "\"\"");
    expect(PTN_SLICE("two words"), "\"two words\"");
    expect(PTN_SLICE("a=b"), "\"a=b\"");
    expect(PTN_SLICE("say \"x\\y\""), "\"say \\\"x\\\\y\\\"\"");
    expect(PTN_SLICE("a\r\nforged event"), "\"a\\r\\nforged event\"");
    expect(PTN_SLICE("\x1b[2J\0\x7f\xc3\xa4\t"),
           "\"\\x1b[2J\\x00\\x7f\\xc3\\xa4\\t\"");
}

static void
test_numbers(void **state)
{
    static const int64_t numbers[] = {0, 7, -1, 1000, INT64_MAX, INT64_MIN};
    struct ptn_log_line line = {.len = 0};

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(numbers); i++)
        ptn_log_line_field(&line, &PTN_FN("n", numbers[i]));
    line.text[line.len] = '\0';
    assert_string_equal(line.text, " n=0 n=7 n=-1 n=1000 n=9223372036854775807 "
                                   "n=-9223372036854775808");
}

/* The C library is the judge, over four hundred years. */
static void
test_time(void **state)
{
    (void)state;
    for (int64_t s = 0; s < 86400LL * 365 * 400; s += 86400LL * 13 + 7919) {
        struct ptn_log_line line = {.len = 0};
        time_t t = (time_t)s;
        char theirs[32];
        struct tm tm;

        gmtime_r(&t, &tm);
        strftime(theirs, sizeof theirs, "%Y-%m-%dT%H:%M:%S.042Z", &tm);
        ptn_log_line_time(&line, s * 1000 + 42);
        line.text[line.len] = '\0';
        assert_string_equal(line.text, theirs);
    }
}

static void
test_cut(void **state)
{
    char value[200], out[66];

    (void)state;
    memset(out, '#', sizeof out);
    memset(value, 'v', sizeof value);
    for (size_t len = 0; len < sizeof value; len++) {
        ptn_log_value((struct ptn_slice){value, len}, out, 64);
        assert_true(strlen(out) < 64);
        assert_int_equal(out[64], '#');
    }
    assert_string_equal(out + strlen(out) - 4, "...\"");
    memset(value, '\n', sizeof value);
    ptn_log_value((struct ptn_slice){value, sizeof value}, out, 64);
    assert_true(strlen(out) < 64);
    ptn_log_value(PTN_SLICE("xyz"), out, 1);
    assert_string_equal(out, "");
}

/* Writes through a file, as the server does. */
static void
test_file(void **state)
{
    char path[] = "/tmp/ptn-log-XXXXXX", text[8192];
    struct ptn_error err = PTN_ERROR_INIT;
    char big[600];

    (void)state;
    close(mkstemp(path));
    assert_int_equal(ptn_log_open(&SINK(path), &err), 0);
    ptn_log_set_process("worker-0");
    ptn_log(PTN_LOG_DEBUG, "not.shown", PTN_FN("n", 1));
    ptn_log(PTN_LOG_INFO, "test.event", PTN_FS("who", "x y"), PTN_FN("n", -5));
    memset(big, 'b', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    struct ptn_log_field many[20];
    for (size_t i = 0; i < PTN_COUNT(many); i++)
        many[i] = PTN_FS("k", big);
    ptn_log_fields(PTN_LOG_ERROR, "big", many, PTN_COUNT(many));
    ptn_error_set(&err, PTN_ERR_CONFIG, "no door");
    err.file = "postern.conf";
    err.line = 7;
    ptn_log_error(PTN_LOG_WARNING, "conf.bad", &err);
    assert_int_equal(ptn_log_open(&SINK("/nonexistent/folder/log"), &err), -1);
    assert_int_equal(ptn_log_open(NULL, &err), 0);

    FILE *f = fopen(path, "r");
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    unlink(path);
    char *end = strchr(text, '\n');
    assert_int_equal(text[4], '-');
    assert_int_equal(text[23], 'Z');
    *end = '\0';
    assert_string_equal(text + 24,
                        " info worker-0 test.event who=\"x y\" n=-5");
    char *second = end + 1;
    end = strchr(second, '\n');
    assert_int_equal(end - second, PTN_LOG_LINE_MAX - 1);
    assert_non_null(strstr(end, " warning worker-0 conf.bad error=\"no door\" "
                                "file=postern.conf line=7\n"));
}

/* After a rotation the same path is a new file. */
static void
test_reopen(void **state)
{
    char path[] = "/tmp/ptn-log-XXXXXX";
    struct ptn_error err = PTN_ERROR_INIT;
    struct stat st;

    (void)state;
    close(mkstemp(path));
    assert_int_equal(ptn_log_open(&SINK(path), &err), 0);
    unlink(path);
    ptn_log(PTN_LOG_ERROR, "lost", PTN_FN("n", 1));
    assert_int_equal(ptn_log_open(&SINK(path), &err), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 0);
    ptn_log(PTN_LOG_ERROR, "kept", PTN_FN("n", 1));
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size > 30);
    assert_int_equal(ptn_log_open(NULL, &err), 0);
    unlink(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_time),   cmocka_unit_test(test_cut),
        cmocka_unit_test(test_file),   cmocka_unit_test(test_reopen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
