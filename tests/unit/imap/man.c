/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * modules/imap/postern-imap.5 tells of every option, with its default, and of
 * every capability that is announced.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the four above */
#include <cmocka.h>

#include "fake.h"
#include "imap.h"

#include "tests/unit/stage/manpage.h"

extern const struct ptn_module imap_LTX_postern_module;

static void
options_are_told(void **state)
{
    struct ptn_buf page = PTN_BUF_INIT;
    unsigned rows;

    (void)state;
    manpage_read("modules/imap/postern-imap.5", &page);
    rows = manpage_count(&page, imap_protocol.options) +
           manpage_count(&page, imap_LTX_postern_module.options);
    assert_int_equal(manpage_entries(&page), rows);
    ptn_buf_free(&page);
}

/* Fails at a word of the list that the page does not tell of. */
static unsigned
count_told(const char *page, char *words)
{
    unsigned count = 0;
    char line[100], *rest = NULL;

    for (char *word = strtok_r(words, " \r", &rest); word;
         word = strtok_r(NULL, " \r", &rest)) {
        if (strncmp(word, "APPENDLIMIT=", 12) == 0)
            word[11] = 0; /* with the listener's own number */
        snprintf(line, sizeof(line), "\n.It %s Ta ", word);
        if (strstr(page, line) == NULL)
            fail_msg("the manual page has no line: %s", line + 1);
        count++;
    }
    return count;
}

static void
capabilities_are_told(void **state)
{
    struct fake *s = fake_open();
    struct ptn_buf page = PTN_BUF_INIT;
    const char *entry;
    unsigned told, entries = 0;
    char words[1000];

    (void)state;
    manpage_read("modules/imap/postern-imap.5", &page);
    fake_say(s, "l LOGIN user1 secret\r\n");
    assert_int_equal(1, sscanf(fake_say(s, "a CAPABILITY\r\n"),
                               "* CAPABILITY IMAP4rev1 %999[^\r]", words));
    told = count_told(ptn_buf_cstr(&page), words);
    entry = strstr(ptn_buf_cstr(&page), "\n.Sh EXTENSIONS\n");
    while ((entry = strstr(entry + 1, "\n.It ")) && !strstr(entry, ".Bl -tag"))
        entries += strstr(entry, " Ta ") < strchr(entry + 1, '\n');
    assert_int_equal(entries, told + 1); /* and the heading */
    ptn_buf_free(&page);
    fake_close(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_told),
        cmocka_unit_test(capabilities_are_told),
    };

    return cmocka_run_group_tests_name("imap/man", tests, NULL, NULL);
}
