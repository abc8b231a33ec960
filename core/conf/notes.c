/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Errors and warnings about the operator's file. One thread.
 */
#include "conf/notes.h"
#include <postern/buf.h>
#include <stdlib.h>

struct ptn_conf_notes *
ptn_conf_notes_new(void)
{
    return ptn_alloc(sizeof(struct ptn_conf_notes));
}

void
ptn_conf_notes_free(struct ptn_conf_notes *notes)
{
    for (size_t i = 0; i < notes->count; i++)
        ptn_free(notes->items[i].text);
    ptn_free(notes->items);
    ptn_free(notes);
}

static bool
is_known(const struct ptn_conf_notes *notes, struct ptn_conf_place place,
         const char *text)
{
    for (size_t i = 0; i < notes->count; i++) {
        const struct ptn_conf_note *n = &notes->items[i];

        if (n->place.line == place.line && strcmp(n->text, text) == 0)
            return true;
    }
    return false;
}

static void PTN_PRINTF(4, 0)
    add(struct ptn_conf *conf, struct ptn_conf_place place, bool warning,
        const char *fmt, va_list ap)
{
    struct ptn_conf_notes *notes = conf->notes;
    struct ptn_buf text = PTN_BUF_INIT;

    if (!place.file)
        place = (struct ptn_conf_place){conf->file, 0};
    ptn_buf_vprintf(&text, fmt, ap);
    if (!is_known(notes, place, ptn_buf_cstr(&text))) {
        if (notes->count == notes->cap) {
            notes->cap = notes->cap ? notes->cap * 2 : 16;
            notes->items =
                ptn_realloc(notes->items, notes->cap * sizeof *notes->items);
        }
        notes->items[notes->count] = (struct ptn_conf_note){
            place, notes->count, warning, ptn_strdup(ptn_buf_cstr(&text))};
        notes->count++;
        notes->errors += warning ? 0 : 1;
    }
    ptn_buf_free(&text);
}

void
ptn_conf_error(struct ptn_conf *conf, struct ptn_conf_place place,
               const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(conf, place, false, fmt, ap);
    va_end(ap);
}

void
ptn_conf_warn(struct ptn_conf *conf, struct ptn_conf_place place,
              const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    add(conf, place, true, fmt, ap);
    va_end(ap);
}

bool
ptn_conf_is_noted(const struct ptn_conf *conf, struct ptn_conf_place place,
                  const char *path)
{
    size_t len = strlen(path);

    for (size_t i = 0; i < conf->notes->count; i++) {
        const struct ptn_conf_note *n = &conf->notes->items[i];

        if (n->place.line == place.line && strncmp(n->text, path, len) == 0 &&
            n->text[len] == ':')
            return true;
    }
    return false;
}

size_t
ptn_conf_errors(const struct ptn_conf *conf)
{
    return conf->notes->errors;
}

bool
ptn_conf_failed(const struct ptn_conf *conf)
{
    return conf->notes->errors > 0;
}

static int
compare(const void *a, const void *b)
{
    const struct ptn_conf_note *x = *(const struct ptn_conf_note *const *)a;
    const struct ptn_conf_note *y = *(const struct ptn_conf_note *const *)b;
    int order = strcmp(x->place.file, y->place.file);

    if (order == 0)
        order =
            (x->place.line > y->place.line) - (x->place.line < y->place.line);
    if (order == 0)
        order = x->order < y->order ? -1 : 1;
    return order;
}

void
ptn_conf_each_note(const struct ptn_conf *conf,
                   void (*fn)(void *arg, struct ptn_conf_place place,
                              bool warning, const char *text),
                   void *arg)
{
    const struct ptn_conf_notes *notes = conf->notes;
    const struct ptn_conf_note **order;

    if (notes->count == 0)
        return;
    order = ptn_alloc(notes->count * sizeof *order);
    for (size_t i = 0; i < notes->count; i++)
        order[i] = &notes->items[i];
    qsort(order, notes->count, sizeof *order, compare);
    for (size_t i = 0; i < notes->count; i++)
        fn(arg, order[i]->place, order[i]->warning, order[i]->text);
    ptn_free(order);
}

static void
print(void *arg, struct ptn_conf_place place, bool warning, const char *text)
{
    FILE *to = arg;

    fprintf(to, "%s:", place.file);
    if (place.line > 0)
        fprintf(to, "%d:", place.line);
    fprintf(to, " %s%s\n", warning ? "warning: " : "", text);
}

void
ptn_conf_print_notes(const struct ptn_conf *conf, FILE *to)
{
    ptn_conf_each_note(conf, print, to);
}
