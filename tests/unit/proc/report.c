/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reports of crashes: a child that really crashes, the socket that its
 * report comes through, and what becomes of it as log fields.
 */
#include "proc/report.h"
#include "log/log.h"
#include "proc/crash.h"
#include "proc/symbol.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int report_crash_here(int *nowhere);
static int (*volatile crash)(int *) = report_crash_here;

/* Not inlined, so that it has a frame of its own; and no checker is to be
 * faster than the processor. */
__attribute__((no_sanitize("undefined"))) static int
report_crash_here(int *nowhere)
{
    *(volatile int *)nowhere = 1;
    return *nowhere;
}

/* Runs `act` in a child, and answers the signal that it died of. */
static int
die(struct ptn_reports *reports, void (*act)(void), pid_t *pid)
{
    static const struct ptn_strings none = {NULL, 0};
    int status;

    *pid = fork();
    assert_true(*pid >= 0);
    if (*pid == 0) {
        ptn_crash_watch(ptn_reports_leave(reports), "child", "/none", &none);
        ptn_crash_map(NULL);
        act();
        _exit(0);
    }
    assert_int_equal(waitpid(*pid, &status, 0), *pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void
act_crash(void)
{
    crash(NULL);
}

static void
act_abort(void)
{
    abort();
}

/* What the log says of the death of `pid`. */
static void
logged(struct ptn_reports *reports, pid_t pid, char *text, size_t size)
{
    const char *file = "report.log";
    struct ptn_log_sink sink = {.target = PTN_LOG_TO_FILE, .path = file};
    struct ptn_log_field first = PTN_FN("pid", pid);
    struct ptn_error err = PTN_ERROR_INIT;
    FILE *f;
    size_t n;

    unlink(file);
    assert_int_equal(ptn_log_open(&sink, &err), 0);
    ptn_reports_death(reports, pid, "test.died", &first, 1);
    assert_int_equal(ptn_log_open(NULL, &err), 0);
    f = fopen(file, "re");
    assert_non_null(f);
    n = fread(text, 1, size - 1, f);
    text[n] = '\0';
    fclose(f);
    unlink(file);
}

static void
test_crash_is_reported_with_its_function(void **state)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_reports *reports = ptn_reports_new(&err);
    char text[8192];
    pid_t pid;

    (void)state;
    assert_non_null(reports);
    assert_int_equal(die(reports, act_crash, &pid), SIGSEGV);
    logged(reports, pid, text, sizeof text);
    assert_non_null(strstr(text, "test.died pid="));
    assert_non_null(strstr(text, " address=0x0 f0="));
    assert_non_null(strstr(text, " report_crash_here\""));
    assert_null(strstr(text, "plugin="));
    logged(reports, pid, text, sizeof text); /* once */
    assert_null(strstr(text, "f0="));
    ptn_reports_free(reports);
}

static void
test_several_children_are_told_apart(void **state)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_reports *reports = ptn_reports_new(&err);
    char text[8192];
    pid_t first, second;

    (void)state;
    assert_int_equal(die(reports, act_abort, &first), SIGABRT);
    assert_int_equal(die(reports, act_crash, &second), SIGSEGV);
    ptn_reports_take(reports);
    logged(reports, second, text, sizeof text);
    assert_non_null(strstr(text, " report_crash_here\""));
    logged(reports, first, text, sizeof text);
    assert_null(strstr(text, " report_crash_here\""));
    assert_non_null(strstr(text, " act_abort\""));
    logged(reports, getpid(), text, sizeof text); /* it said nothing */
    assert_null(strstr(text, "f0="));
    ptn_reports_free(reports);
}

/* Texts that do not end, and too many frames. */
static void
test_a_report_that_lies_is_harmless(void **state)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_reports *reports = ptn_reports_new(&err);
    struct ptn_report report;
    char text[8192];
    int fd, status;
    pid_t pid;

    (void)state;
    memset(&report, 'x', sizeof report);
    report.kind = PTN_REPORT_CRASH;
    report.frames[1].path[0] = '/';
    pid = fork();
    if (pid == 0) {
        fd = ptn_reports_leave(reports);
        _exit(write(fd, &report, 3) == 3 &&
                      write(fd, &report, sizeof report) == sizeof report
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    logged(reports, pid, text, sizeof text);
    assert_non_null(strstr(text, " plugin=xxx"));
    assert_non_null(strstr(text, " f15=xxx"));
    ptn_reports_free(reports);
}

static void
test_symbols(void **state)
{
    char name[64];

    (void)state;
    assert_false(ptn_symbol_find("/nonexistent", 1, name, sizeof name));
    assert_false(ptn_symbol_find("/dev/null", 1, name, sizeof name));
    assert_int_equal(mkfifo("report.fifo", 0600), 0); /* does not wait */
    assert_false(ptn_symbol_find("report.fifo", 1, name, sizeof name));
    unlink("report.fifo");
    assert_false(ptn_symbol_find("/etc/passwd", 1, name, sizeof name));
    assert_false(ptn_symbol_find("/proc/self/exe", 1, name, sizeof name));
}

/* A child that never stops to report stops neither us nor the log. */
static void
test_a_flood_ends(void **state)
{
    struct ptn_error err = PTN_ERROR_INIT;
    struct ptn_reports *reports = ptn_reports_new(&err);
    struct ptn_report report = {.kind = PTN_REPORT_DENIED};
    struct ptn_log_sink sink = {.target = PTN_LOG_TO_FILE,
                                .path = "report.log"};
    struct stat st;
    pid_t pid;
    int fd;

    (void)state;
    strcpy(report.frames[0].path, "/no/such/file");
    report.count = 1;
    assert_int_equal(ptn_log_open(&sink, &err), 0);
    pid = fork();
    if (pid == 0) {
        fd = ptn_reports_leave(reports);
        for (;;)
            (void)!write(fd, &report, sizeof report);
    }
    for (int i = 0; i < 20; i++)
        ptn_reports_take(reports); /* returns */
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(ptn_log_open(NULL, &err), 0);
    assert_int_equal(stat("report.log", &st), 0);
    assert_in_range(st.st_size, 0, 256 << 10);
    unlink("report.log");
    ptn_reports_free(reports);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash_is_reported_with_its_function),
        cmocka_unit_test(test_several_children_are_told_apart),
        cmocka_unit_test(test_a_report_that_lies_is_harmless),
        cmocka_unit_test(test_a_flood_ends),
        cmocka_unit_test(test_symbols),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
