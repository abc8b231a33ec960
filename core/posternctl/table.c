/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tables for people.
 */
#include "posternctl/ctl.h"

/* What peers and workers have said must not speak to the terminal. */
static char *
printable(const char *text)
{
    char *copy = ptn_strdup(text);

    for (char *c = copy; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    return copy;
}

void
ctl_table_row(struct ctl_table *t, const char *const *cells)
{
    for (size_t i = 0; i < t->columns; i++) {
        if (t->count == t->cap) {
            t->cap = t->cap ? t->cap * 2 : 32;
            t->cells = ptn_realloc(t->cells, t->cap * sizeof *t->cells);
        }
        t->cells[t->count++] = printable(cells[i]);
    }
}

static size_t
width_of(const struct ctl_table *t, size_t column)
{
    size_t width = 0;

    for (size_t i = column; i < t->count; i += t->columns)
        if (strlen(t->cells[i]) > width)
            width = strlen(t->cells[i]);
    return width;
}

void
ctl_table_print(const struct ctl_table *t)
{
    size_t *widths = ptn_alloc(t->columns * sizeof *widths);

    for (size_t i = 0; i < t->columns; i++)
        widths[i] = width_of(t, i);
    for (size_t i = 0; i < t->count; i++) {
        size_t column = i % t->columns;

        if (column + 1 == t->columns)
            printf("%s\n", t->cells[i]);
        else
            printf("%-*s  ", (int)widths[column], t->cells[i]);
    }
    ptn_free(widths);
}

void
ctl_table_free(struct ctl_table *t)
{
    for (size_t i = 0; i < t->count; i++)
        ptn_free(t->cells[i]);
    ptn_free(t->cells);
}
