/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Memory for keys.
 */
#include "warden/secret.h"
#include <postern/buf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void
keeps_many(void **state)
{
    struct ptn_safe safe = PTN_SAFE_INIT;
    char *kept[500], text[64];

    (void)state;
    for (int i = 0; i < 500; i++) {
        snprintf(text, sizeof text, "secret number %d", i);
        kept[i] = ptn_safe_keep(&safe, ptn_slice_of(text));
    }
    for (int i = 0; i < 500; i++) {
        snprintf(text, sizeof text, "secret number %d", i);
        assert_memory_equal(kept[i], text, strlen(text));
    }
    ptn_safe_free(&safe);
    assert_null(safe.chunks);
}

static void
wipes_what_is_dropped(void **state)
{
    struct ptn_safe safe = PTN_SAFE_INIT;
    char *first = ptn_safe_keep(&safe, PTN_SLICE("first secret"));
    char *second = ptn_safe_keep(&safe, PTN_SLICE("second secret"));
    static const char zeros[12];

    (void)state;
    ptn_safe_drop(&safe, first, 12);
    assert_memory_equal(first, zeros, 12);
    assert_memory_equal(second, "second secret", 13);
    /* The last one takes its pages along. */
    ptn_safe_drop(&safe, second, 13);
    assert_null(safe.chunks);
}

static void
keeps_large_ones(void **state)
{
    struct ptn_safe safe = PTN_SAFE_INIT;
    struct ptn_buf large = PTN_BUF_INIT;
    char *small = ptn_safe_keep(&safe, PTN_SLICE("small")), *kept;

    (void)state;
    for (int i = 0; i < 200000; i++)
        ptn_buf_addc(&large, (char)('a' + i % 26));
    kept = ptn_safe_keep(&safe, ptn_buf_slice(&large));
    assert_memory_equal(kept, large.data, large.len);
    ptn_safe_drop(&safe, kept, large.len);
    assert_memory_equal(small, "small", 5);
    ptn_buf_free(&large);
    ptn_safe_free(&safe);
}

/* What smaps says of the pages: "dd" no core, "dc" no copy in a child. */
static bool
has_flag(const char *place, const char *flag)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    char line[512];
    bool inside = false, found = false;

    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long from, to;

        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            inside = (uintptr_t)place >= from && (uintptr_t)place < to;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, flag) != NULL;
    }
    if (maps)
        fclose(maps);
    return found;
}

static void
is_in_no_core_and_no_child(void **state)
{
    struct ptn_safe safe = PTN_SAFE_INIT;
    char *kept = ptn_safe_keep(&safe, PTN_SLICE("secret"));

    (void)state;
    assert_true(has_flag(kept, " dd"));
    assert_true(has_flag(kept, " dc"));
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
    /* Sanitizers lock nothing, and say they did. */
    assert_true(safe.unlocked || has_flag(kept, " lo"));
#endif
    ptn_safe_free(&safe);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_many),
        cmocka_unit_test(wipes_what_is_dropped),
        cmocka_unit_test(keeps_large_ones),
        cmocka_unit_test(is_in_no_core_and_no_child),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
