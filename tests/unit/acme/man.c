/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * plugins/acme/postern-acme.5 tells of every option, with its default.
 */
#include <postern/module.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/stage/manpage.h"

extern const struct ptn_module acme_LTX_postern_module;

static void
options_are_told(void **state)
{
    struct ptn_buf page = PTN_BUF_INIT;

    (void)state;
    manpage_read("plugins/acme/postern-acme.5", &page);
    assert_int_equal(manpage_entries(&page),
                     manpage_count(&page, acme_LTX_postern_module.options));
    ptn_buf_free(&page);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
