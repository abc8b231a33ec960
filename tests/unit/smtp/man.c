/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * modules/smtp/postern-smtp.5 tells of every option, with its default.
 */
#include "tests/unit/smtp/fixture.h"
#include "tests/unit/stage/manpage.h"

static void
options_are_told(void **state)
{
    struct fixture f;
    struct ptn_buf page = PTN_BUF_INIT;
    (void)state;
    fixture_init(&f, SMTP_MX);
    fixture_open(&f);
    manpage_read("modules/smtp/postern-smtp.5", &page);
    unsigned rows = manpage_count(&page, smtp_LTX_postern_module.options) +
                    manpage_count(&page, f.st.protocol->options);
    assert_int_equal(manpage_entries(&page), rows);
    ptn_buf_free(&page);
    stage_close(&f.st);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
