/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * plugins/vault/postern-vault.5 tells of every option, with its default.
 */
#include "rig.h"

#include "tests/unit/stage/manpage.h"

static void
options_are_told(void **state)
{
    struct ptn_buf page = PTN_BUF_INIT;

    (void)state;
    manpage_read("plugins/vault/postern-vault.5", &page);
    assert_int_equal(manpage_entries(&page),
                     manpage_count(&page, vault_option_rows));
    ptn_buf_free(&page);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_told),
    };

    return cmocka_run_group_tests_name("vault man", tests, NULL, NULL);
}
