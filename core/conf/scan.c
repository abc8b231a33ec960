/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A look at the text before libconfig parses it, for what that library
 * rejects with too few words or accepts and changes. It knows brackets,
 * names, numbers, strings and comments, nothing of what they mean. One
 * thread.
 */
#include "conf/source.h"
#include <stdlib.h>

enum {
    NESTING_MAX = 16
};

struct name {
    struct ptn_slice text;
    int line;
};

/* A group, list or array that is open; frame 0 is the file itself. */
struct frame {
    char opener;
    struct name name; /* of the setting whose value it is */
    struct name *names;
    size_t count, cap;
};

struct scan {
    struct ptn_conf *conf;
    const struct ptn_conf_source *src;
    const char *p, *end;
    int line;
    struct name pending; /* the last name seen, until a separator */
    bool remembered;     /* it is in its frame's names */
    struct frame frames[NESTING_MAX + 1];
    size_t depth;
    bool parseable;
};

static struct ptn_conf_place
here(const struct scan *s, int line)
{
    return ptn_conf_source_place(s->src, line);
}

/* "listeners.lab.port": the open groups and then `last`. */
static void
add_path(const struct scan *s, struct ptn_slice last, struct ptn_buf *out)
{
    for (size_t i = 1; i <= s->depth; i++) {
        ptn_buf_addslice(out, s->frames[i].name.text);
        if (s->frames[i].name.text.len > 0 && last.len > 0)
            ptn_buf_addc(out, '.');
    }
    ptn_buf_addslice(out, last);
}

static int
compare_names(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    size_t n = x->text.len < y->text.len ? x->text.len : y->text.len;
    int order = memcmp(x->text.data, y->text.data, n);

    if (order == 0)
        order = (x->text.len > y->text.len) - (x->text.len < y->text.len);
    return order != 0 ? order : x->line - y->line;
}

static void
report_twice(struct scan *s, const struct name *first, const struct name *again)
{
    struct ptn_buf path = PTN_BUF_INIT;
    struct ptn_conf_place place = here(s, first->line);
    struct ptn_conf_place second = here(s, again->line);

    add_path(s, again->text, &path);
    if (strcmp(place.file, second.file) == 0)
        ptn_conf_error(s->conf, second, "%s: given twice; first in line %d",
                       ptn_buf_cstr(&path), place.line);
    else
        ptn_conf_error(s->conf, second, "%s: given twice; first in %s:%d",
                       ptn_buf_cstr(&path), place.file, place.line);
    ptn_buf_free(&path);
    s->parseable = false;
}

/* Settings of the frame on top that were given twice; then drops it. */
static void
close_frame(struct scan *s)
{
    struct frame *f = &s->frames[s->depth];
    size_t first = 0;

    if (f->count > 1)
        qsort(f->names, f->count, sizeof *f->names, compare_names);
    for (size_t i = 1; i < f->count; i++) {
        if (ptn_slice_eq(f->names[first].text, f->names[i].text))
            report_twice(s, &f->names[first], &f->names[i]);
        else
            first = i;
    }
    ptn_free(f->names);
    if (s->depth > 0)
        s->depth--;
}

static void
remember_name(struct scan *s)
{
    struct frame *f = &s->frames[s->depth];

    if (s->pending.text.len == 0 || s->remembered)
        return;
    s->remembered = true;
    if (f->count == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 16;
        f->names = ptn_realloc(f->names, f->cap * sizeof *f->names);
    }
    f->names[f->count++] = s->pending;
}

static void
open_bracket(struct scan *s, char c)
{
    if (s->depth == NESTING_MAX) {
        ptn_conf_error(s->conf, here(s, s->line),
                       "groups are nested more than %d deep", NESTING_MAX);
        s->parseable = false;
        s->p = s->end;
        return;
    }
    s->depth++;
    s->frames[s->depth] =
        (struct frame){.opener = c, .name = {s->pending.text, s->line}};
    s->pending.text.len = 0;
}

static void
close_bracket(struct scan *s, char c)
{
    char opener = s->frames[s->depth].opener;
    char expected = opener == '{' ? '}' : opener == '(' ? ')' : ']';

    s->pending.text.len = 0;
    if (s->depth > 0 && c == expected) {
        close_frame(s);
        return;
    }
    if (s->depth == 0)
        ptn_conf_error(s->conf, here(s, s->line),
                       "\"%c\" closes nothing; one too many?", c);
    else
        ptn_conf_error(s->conf, here(s, s->line),
                       "\"%c\" cannot close the \"%c\" of line %d", c, opener,
                       here(s, s->frames[s->depth].name.line).line);
    s->parseable = false;
    s->p = s->end; /* whatever follows would be misread */
}

/* At the opening quote. */
static void
skip_string(struct scan *s)
{
    int first = s->line;

    for (s->p++; s->p < s->end && *s->p != '"'; s->p++) {
        if (*s->p == '\n')
            s->line++;
        if (*s->p != '\\' || s->p + 1 == s->end)
            continue;
        s->p++;
        if (s->end - s->p >= 3 && strncmp(s->p, "x00", 3) == 0)
            ptn_conf_error(s->conf, here(s, s->line),
                           "a string cannot hold NUL (\\x00)");
    }
    if (s->p < s->end) {
        s->p++;
        return;
    }
    ptn_conf_error(s->conf, here(s, first), "this string is never closed");
    s->parseable = false;
}

static void
skip_line(struct scan *s)
{
    while (s->p < s->end && *s->p != '\n')
        s->p++;
}

static void
skip_comment(struct scan *s)
{
    int first = s->line;

    for (s->p += 2; s->end - s->p >= 2; s->p++) {
        if (s->p[0] == '*' && s->p[1] == '/') {
            s->p += 2;
            return;
        }
        if (*s->p == '\n')
            s->line++;
    }
    s->p = s->end;
    ptn_conf_error(s->conf, here(s, first), "this comment is never closed");
    s->parseable = false;
}

static bool
is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '*';
}

/* Whether libconfig keeps the integer as it is written. */
static bool
fits(struct ptn_slice digits, bool negative)
{
    uint64_t value, max = negative ? (1u << 31) : (1u << 31) - 1;
    char *end;

    while (digits.len > 0 && digits.data[digits.len - 1] == 'L')
        digits.len--;
    if (digits.len > 2 && (digits.data[1] == 'x' || digits.data[1] == 'X')) {
        value = strtoull(digits.data, &end, 16);
        return digits.len <= 18 && value <= max;
    }
    if (digits.len == 0 || memchr(digits.data, '.', digits.len) ||
        memchr(digits.data, 'e', digits.len))
        return true; /* a float: of the wrong type anyway */
    return ptn_slice_to_u64(digits, max, &value);
}

static void
check_number(struct scan *s)
{
    struct ptn_buf path = PTN_BUF_INIT;
    const char *from = s->p;
    bool negative = *from == '-';
    struct ptn_slice digits;

    for (s->p++; s->p < s->end && (is_word(*s->p) || *s->p == '.');)
        s->p++;
    digits = (struct ptn_slice){from, (size_t)(s->p - from)};
    if (*from == '-' || *from == '+')
        digits = ptn_slice_sub(digits, 1, digits.len - 1);
    if (fits(digits, negative))
        return;
    add_path(s, s->pending.text, &path);
    ptn_conf_error(s->conf, here(s, s->line),
                   "%s: %.*s does not fit in 32 bits; write sizes and times "
                   "as strings with a unit, such as \"4G\"",
                   ptn_buf_cstr(&path), (int)(s->p - from), from);
    ptn_buf_free(&path);
}

static void
take_name(struct scan *s)
{
    const char *from = s->p;

    while (s->p < s->end && is_word(*s->p))
        s->p++;
    s->remembered = false;
    s->pending = (struct name){{from, (size_t)(s->p - from)}, s->line};
}

static void
step(struct scan *s)
{
    char c = *s->p;
    char next = s->end - s->p > 1 ? s->p[1] : '\0';

    if (c == '#' || (c == '/' && next == '/')) {
        skip_line(s);
    } else if (c == '/' && next == '*') {
        skip_comment(s);
    } else if (c == '"') {
        skip_string(s);
    } else if ((c >= '0' && c <= '9') || c == '-' || c == '+') {
        check_number(s);
    } else if (is_word(c)) {
        take_name(s);
    } else {
        s->p++;
        if (c == '\n')
            s->line++;
        else if (c == '=' || c == ':')
            remember_name(s);
        else if (c == ';')
            s->pending.text.len = 0;
        else if (c == '{' || c == '(' || c == '[')
            open_bracket(s, c);
        else if (c == '}' || c == ')' || c == ']')
            close_bracket(s, c);
    }
}

bool
ptn_conf_scan(struct ptn_conf *conf, const struct ptn_conf_source *src)
{
    struct scan s = {
        .conf = conf,
        .src = src,
        .p = src->text.data,
        .end = src->text.data + src->text.len,
        .line = 1,
        .parseable = true,
    };

    while (s.p < s.end)
        step(&s);
    if (s.depth > 0 && s.parseable) {
        const struct frame *f = &s.frames[s.depth];

        ptn_conf_error(conf, here(&s, f->name.line),
                       "this \"%c\" is never closed", f->opener);
        s.parseable = false;
    }
    for (bool more = true; more;) {
        more = s.depth > 0;
        close_frame(&s);
    }
    return s.parseable;
}
