/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The option tables of postern.conf(5) are those of the schema rows. With
 * --print it prints what belongs between the page's two marks.
 */
#include "conf/conf.h"
#include <postern/buf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static char *
slurp(const char *name)
{
    const char *top = getenv("top_srcdir");
    struct ptn_buf text = PTN_BUF_INIT;
    char path[4096];
    FILE *file;
    size_t n;

    snprintf(path, sizeof path, "%s/%s", top ? top : ".", name);
    file = fopen(path, "r");
    assert_non_null(file);
    do {
        n = fread(ptn_buf_reserve(&text, 4096), 1, 4096, file);
        text.len += n;
    } while (n > 0);
    fclose(file);
    (void)ptn_buf_cstr(&text);
    return text.data;
}

static void
page_is_up_to_date(void **state)
{
    static const char begin[] = ".\\\" rows: begin\n";
    char *page = slurp("core/conf/postern.conf.5");
    char *from = strstr(page, begin), *to, *rows;
    size_t size;
    FILE *stream = open_memstream(&rows, &size);

    (void)state;
    assert_non_null(from);
    from += strlen(begin);
    to = strstr(from, ".\\\" rows: end\n");
    assert_non_null(to);
    *to = '\0';
    ptn_conf_print_core_rows(stream);
    fclose(stream);
    assert_string_equal(from, rows);
    free(rows);
    ptn_free(page);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(page_is_up_to_date)};

    if (argc > 1 && strcmp(argv[1], "--print") == 0) {
        ptn_conf_print_core_rows(stdout);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
