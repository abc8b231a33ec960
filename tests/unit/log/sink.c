/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * JSON lines, and what syslog and journald get: a socket of the test stands
 * for theirs.
 */
#include "log/line.h"
#include "tests/unit/base/test.h"
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

struct far_end {
    int fd;
    struct sockaddr_un address;
    char text[16384];
    ssize_t len;
};

static void
far_begin(struct far_end *f)
{
    struct timeval patience = {10, 0};

    f->address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(f->address.sun_path, sizeof f->address.sun_path,
             "/tmp/ptn-log-%ld", (long)getpid());
    unlink(f->address.sun_path);
    f->fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(
        bind(f->fd, (struct sockaddr *)&f->address, sizeof f->address), 0);
    setsockopt(f->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

static void
far_take(struct far_end *f)
{
    f->len = recv(f->fd, f->text, sizeof f->text - 1, 0);
    assert_true(f->len > 0);
    f->text[f->len] = '\0';
}

static void
far_end(struct far_end *f)
{
    close(f->fd);
    unlink(f->address.sun_path);
}

static void
open_sink(enum ptn_log_target target, enum ptn_log_format format,
          const char *path)
{
    struct ptn_log_sink sink = {target, format, path, 2};
    struct ptn_error err = PTN_ERROR_INIT;

    assert_int_equal(ptn_log_open(&sink, &err), 0);
}

static void
test_time(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } moments[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {951782399999, "2000-02-28T23:59:59.999Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {951868800001, "2000-03-01T00:00:00.001Z"},
        {1704067199000, "2023-12-31T23:59:59.000Z"},
        {1709164800000, "2024-02-29T00:00:00.000Z"},
        {4107542399000, "2100-02-28T23:59:59.000Z"},
        {4107542400000, "2100-03-01T00:00:00.000Z"},
    };

    (void)state;
    for (size_t i = 0; i < PTN_COUNT(moments); i++) {
        struct ptn_log_line line = {.len = 0};

        ptn_log_line_time(&line, moments[i].ms);
        line.text[line.len] = '\0';
        assert_string_equal(line.text, moments[i].text);
    }
}

static const char *
json_of(struct ptn_log_line *line, const struct ptn_log_field *fields,
        size_t count, int64_t ms)
{
    struct ptn_log_entry entry = {PTN_LOG_WARNING, "worker-0", "a.b", fields,
                                  count};

    ptn_log_line_json(line, &entry, ms);
    assert_true(line->len < sizeof line->text);
    line->text[line->len] = '\0';
    return line->text;
}

static void
test_json(void **state)
{
    struct ptn_log_field fields[] = {
        PTN_FN("n", -5), PTN_FS("q", "say \"x\\y\"\r\n\x01"),
        PTN_F("raw", PTN_SLICE("\xff\xc3\xa4\xc3")), PTN_FS("empty", "")};
    struct ptn_log_line line;

    (void)state;
    assert_string_equal(
        json_of(&line, fields, PTN_COUNT(fields), 0),
        "{\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"warning\","
        "\"process\":\"worker-0\",\"event\":\"a.b\",\"n\":-5,"
        "\"q\":\"say \\\"x\\\\y\\\"\\u000d\\u000a\\u0001\","
        "\"raw\":\"\\ufffd\xc3\xa4\\ufffd\",\"empty\":\"\"}");
    assert_string_equal(json_of(&line, NULL, 0, -1),
                        "{\"process\":\"worker-0\",\"event\":\"a.b\"}");
}

/* However long the fields are: an object that ends. */
static void
test_json_is_cut(void **state)
{
    struct ptn_log_field many[40];
    struct ptn_log_line line;
    char big[700];

    (void)state;
    memset(big, '"', sizeof big);
    for (size_t len = 1; len <= sizeof big; len += 3) {
        for (size_t i = 0; i < PTN_COUNT(many); i++)
            many[i] = PTN_F("k", ((struct ptn_slice){big, len}));
        json_of(&line, many, PTN_COUNT(many), 0);
        assert_int_equal(line.text[line.len - 1], '}');
        assert_true(line.len <= PTN_LOG_LINE_MAX - 1);
    }
    assert_non_null(strstr(line.text, "...\""));
    assert_non_null(strstr(line.text, "\"cut\":true}"));
}

static void
test_syslog(void **state)
{
    struct far_end f;
    char expected[200];

    (void)state;
    far_begin(&f);
    ptn_log_set_process("worker-0");
    open_sink(PTN_LOG_TO_SYSLOG, PTN_LOG_AS_TEXT, f.address.sun_path);
    ptn_log(PTN_LOG_WARNING, "a.b", PTN_FS("who", "x y"), PTN_FN("n", 3));
    far_take(&f);
    snprintf(expected, sizeof expected,
             "<20>postern[%ld]: worker-0 a.b who=\"x y\" n=3", (long)getpid());
    assert_string_equal(f.text, expected);
    open_sink(PTN_LOG_TO_SYSLOG, PTN_LOG_AS_JSON, f.address.sun_path);
    ptn_log(PTN_LOG_ERROR, "a.b", PTN_FN("n", 3));
    far_take(&f);
    snprintf(expected, sizeof expected,
             "<19>postern[%ld]: {\"process\":\"worker-0\",\"event\":\"a.b\","
             "\"n\":3}",
             (long)getpid());
    assert_string_equal(f.text, expected);
    far_end(&f);
    assert_int_equal(ptn_log_open(NULL, NULL), 0);
}

/* The value of a field, of either form; its length, or -1. */
static ssize_t
find_field(const struct far_end *f, const char *key, const char **value)
{
    size_t len = strlen(key);
    const char *at = f->text, *end = f->text + f->len;

    while (at < end) {
        const char *stop = at + strcspn(at, "=\n");
        const char *from = stop + 1;
        uint64_t size = 0;

        if (*stop == '=') {
            size = strcspn(from, "\n");
        } else {
            for (size_t i = 0; i < 8; i++)
                size |= (uint64_t)(unsigned char)from[i] << (8 * i);
            from += 8;
        }
        assert_true(from + size < end && from[size] == '\n');
        if ((size_t)(stop - at) == len && memcmp(at, key, len) == 0) {
            *value = from;
            return (ssize_t)size;
        }
        at = from + size + 1;
    }
    return -1;
}

static void
expect_field(const struct far_end *f, const char *key, const char *text)
{
    const char *value;
    ssize_t len = find_field(f, key, &value);

    if (len != (ssize_t)strlen(text) || memcmp(value, text, (size_t)len) != 0)
        fail_msg("%s is not \"%s\" in: %s", key, text, f->text);
}

static void
test_journald(void **state)
{
    struct far_end f;
    const char *value;
    char big[9000];

    (void)state;
    memset(big, 'x', sizeof big);
    far_begin(&f);
    open_sink(PTN_LOG_TO_JOURNALD, PTN_LOG_AS_TEXT, f.address.sun_path);
    ptn_log(PTN_LOG_INFO, "a.b", PTN_FS("two-words", "x\nPRIORITY=0"),
            PTN_FN("n", -1));
    far_take(&f);
    expect_field(&f, "PRIORITY", "6");
    expect_field(&f, "SYSLOG_IDENTIFIER", "postern");
    expect_field(&f, "MESSAGE",
                 "worker-0 a.b two-words=\"x\\nPRIORITY=0\" n=-1");
    expect_field(&f, "POSTERN_EVENT", "a.b");
    expect_field(&f, "POSTERN_PROCESS", "worker-0");
    expect_field(&f, "POSTERN_TWO_WORDS", "x\nPRIORITY=0");
    expect_field(&f, "POSTERN_N", "-1");
    ptn_log(PTN_LOG_INFO, "a.b", PTN_F("k", ((struct ptn_slice){big, 9000})),
            PTN_F("l", ((struct ptn_slice){big, 9000})),
            PTN_F("m", ((struct ptn_slice){big, 9000})), PTN_FN("n", 2));
    far_take(&f);
    assert_int_equal(find_field(&f, "POSTERN_K", &value), PTN_LOG_LINE_MAX);
    assert_int_equal(find_field(&f, "POSTERN_M", &value), -1);
    expect_field(&f, "POSTERN_N", "2");
    far_end(&f);
    assert_int_equal(ptn_log_open(NULL, NULL), 0);
}

/* Nobody there, then somebody: what was lost is counted. */
static void
test_lost(void **state)
{
    struct far_end f;

    (void)state;
    far_begin(&f);
    far_end(&f);
    open_sink(PTN_LOG_TO_SYSLOG, PTN_LOG_AS_TEXT, f.address.sun_path);
    for (int i = 0; i < 3; i++)
        ptn_log(PTN_LOG_ERROR, "a.b", PTN_FN("n", i));
    far_begin(&f);
    ptn_log(PTN_LOG_ERROR, "back", PTN_FN("n", 3));
    far_take(&f);
    assert_non_null(strstr(f.text, "worker-0 back n=3"));
    far_take(&f);
    assert_non_null(strstr(f.text, "worker-0 log.lost lines=3"));
    far_end(&f);
    assert_int_equal(ptn_log_open(NULL, NULL), 0);
}

/* A reader that sleeps delays nobody for long. */
static void
test_full(void **state)
{
    struct far_end f;

    (void)state;
    far_begin(&f);
    open_sink(PTN_LOG_TO_SYSLOG, PTN_LOG_AS_TEXT, f.address.sun_path);
    for (int i = 0; i < 20000; i++) /* more than any queue holds */
        ptn_log(PTN_LOG_ERROR, "a.b", PTN_FN("n", i));
    for (int i = 0; i < 5; i++)
        far_take(&f);
    ptn_log(PTN_LOG_ERROR, "back", PTN_FN("n", 3));
    while (!strstr(f.text, "log.lost"))
        far_take(&f);
    far_end(&f);
    assert_int_equal(ptn_log_open(NULL, NULL), 0);
}

static void
test_levels(void **state)
{
    enum ptn_log_level level;
    atomic_int place = 0;

    (void)state;
    assert_true(ptn_log_level_of("debug", &level));
    assert_int_equal(level, PTN_LOG_DEBUG);
    assert_false(ptn_log_level_of("loud", &level));
    assert_string_equal(ptn_log_level_name(PTN_LOG_ERROR), "error");
    ptn_log_set_level(PTN_LOG_WARNING);
    ptn_log_share_level(&place);
    assert_int_equal(place, PTN_LOG_WARNING);
    assert_false(ptn_log_wants(PTN_LOG_INFO));
    place = PTN_LOG_DEBUG;
    assert_true(ptn_log_wants(PTN_LOG_DEBUG));
    assert_int_equal(ptn_log_get_level(), PTN_LOG_DEBUG);
    atomic_store(&place, -1); /* by somebody who has no good in mind */
    assert_true(ptn_log_wants(PTN_LOG_ERROR));
    assert_int_equal(ptn_log_get_level(), PTN_LOG_ERROR);
    atomic_store(&place, INT32_MAX);
    assert_string_equal(ptn_log_level_name(ptn_log_get_level()), "debug");
    ptn_log_share_level(NULL); /* `place` ends here */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time),        cmocka_unit_test(test_json),
        cmocka_unit_test(test_json_is_cut), cmocka_unit_test(test_syslog),
        cmocka_unit_test(test_journald),    cmocka_unit_test(test_lost),
        cmocka_unit_test(test_full),        cmocka_unit_test(test_levels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
