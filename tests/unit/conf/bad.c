/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Broken configurations, and what is said of each. Every bad/NAME.conf ends
 * with the exact output expected, in lines that begin with "#= ". The
 * loaded modules are stand-ins: a module "store" with a block, a protocol
 * "echo" with options of its own, a protocol "other" with usual ports, and a
 * TLS provider that lacks some things.
 */
#include "conf/conf.h"
#include "tests/unit/conf/fixture.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* The lines "#= TEXT" of a file, without their beginning. */
static char *
expected(const char *file)
{
    struct ptn_buf out = PTN_BUF_INIT;
    FILE *from = fopen(file, "r");
    char line[1024];

    assert_non_null(from);
    while (fgets(line, sizeof line, from))
        if (strncmp(line, "#= ", 3) == 0)
            ptn_buf_adds(&out, line + 3);
    fclose(from);
    (void)ptn_buf_cstr(&out);
    return out.data;
}

static void
check(void **state)
{
    const char *file = *state;
    char *said = fixture_notes(file);
    char *wanted = expected(file);

    if (getenv("PTN_PRINT"))
        fprintf(stderr, "== %s\n%s", file, said);
    assert_string_not_equal(wanted, "");
    assert_string_equal(said, wanted);
    free(said);
    ptn_free(wanted);
}

static int
is_conf(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 5 && strcmp(entry->d_name + len - 5, ".conf") == 0;
}

int
main(void)
{
    const char *top = getenv("top_srcdir");
    char folder[4096];
    struct dirent **entries;
    struct CMUnitTest *tests;
    int count, failed;

    snprintf(folder, sizeof folder, "%s/tests/unit/conf/bad", top ? top : ".");
    if (chdir(folder) != 0)
        return 99;
    count = scandir(".", &entries, is_conf, alphasort);
    if (count < 140)
        return 99;
    tests = ptn_alloc((size_t)count * sizeof *tests);
    for (int i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){.name = entries[i]->d_name,
                                       .test_func = check,
                                       .initial_state = entries[i]->d_name};
    failed = _cmocka_run_group_tests("bad", tests, (size_t)count, NULL, NULL);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    ptn_free(tests);
    return failed;
}
