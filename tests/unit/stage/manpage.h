/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Compares a manual page with the option rows of a module: each option is
 * told, with its default, and nothing else is.
 */
#ifndef TESTS_UNIT_STAGE_MANPAGE_H
#define TESTS_UNIT_STAGE_MANPAGE_H

#include <postern/buf.h>
#include <postern/option.h>
#include <stdio.h>
#include <stdlib.h>

static inline void
manpage_read(const char *path, struct ptn_buf *text)
{
    char name[4096];
    const char *top = getenv("top_srcdir");
    snprintf(name, sizeof(name), "%s/%s", top ? top : "..", path);
    FILE *f = fopen(name, "r");
    assert_non_null(f);
    for (int c; (c = getc(f)) != EOF;)
        ptn_buf_addc(text, (char)c);
    fclose(f);
}

/* How many of the page's options the rows have; fails at one it lacks. */
static inline unsigned
manpage_count(struct ptn_buf *page, const struct ptn_option *rows)
{
    unsigned count = 0;
    char line[200];
    for (; rows->name; rows++, count++) {
        if (rows->preset)
            snprintf(line, sizeof(line), "\n.It Cm %s No = Qq %s\n", rows->name,
                     rows->preset);
        else
            snprintf(line, sizeof(line), "\n.It Cm %s\n", rows->name);
        if (!strstr(ptn_buf_cstr(page), line))
            fail_msg("the manual page has no line: %s", line + 1);
    }
    return count;
}

/* Entries of the section OPTIONS. */
static inline unsigned
manpage_entries(struct ptn_buf *page)
{
    unsigned count = 0;
    const char *at = strstr(ptn_buf_cstr(page), "\n.Sh OPTIONS\n");
    assert_non_null(at);
    const char *end = strstr(at + 1, "\n.Sh ");
    while ((at = strstr(at + 1, "\n.It Cm ")) && at < end)
        count++;
    return count;
}

#endif
