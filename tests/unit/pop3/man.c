/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * modules/pop3/postern-pop3.5 tells of every option, with its default.
 */
#include "tests/unit/pop3/fixture.h"
#include "tests/unit/stage/manpage.h"

static void
options_are_told(void **state)
{
    struct stage st;
    struct ptn_buf page = PTN_BUF_INIT;
    (void)state;
    fixture_open(&st);
    manpage_read("modules/pop3/postern-pop3.5", &page);
    assert_int_equal(manpage_entries(&page),
                     manpage_count(&page, st.protocol->options));
    ptn_buf_free(&page);
    stage_close(&st);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
