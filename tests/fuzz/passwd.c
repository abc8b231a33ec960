/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Fuzz target: a line of the users' or the aliases' file, and a name as
 * somebody may type it.
 */
#include "plugins/passwd/entry.h"
#include "plugins/passwd/secret.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_name(struct ptn_slice text)
{
    char out[PTN_USER_NAME_MAX + 1];
    size_t n = passwd_name_fold(text, "example.test", true, out);
    assert(n <= PTN_USER_NAME_MAX);
    if (n == 0)
        return;
    assert(strlen(out) == n && strchr(out, '@') && !strchr(out, ':'));
    char again[PTN_USER_NAME_MAX + 1];
    struct ptn_slice folded = {out, n};
    assert(passwd_name_fold(folded, NULL, true, again) == n);
    assert(memcmp(out, again, n) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ptn_slice text = {(const char *)data, size}, name, targets, one;
    struct passwd_entry entry;
    if (passwd_line_is_void(text))
        return 0;
    check_name(text);
    if (!passwd_entry_parse(text, &entry)) {
        check_name(entry.name);
        (void)passwd_secret_check(entry.state);
    }
    if (!passwd_alias_parse(text, &name, &targets))
        while (passwd_target_next(&targets, &one))
            check_name(one);
    return 0;
}
