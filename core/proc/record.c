/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lines of fields. Pure functions, any thread.
 */
#include "proc/plan.h"

static void
add_key(struct ptn_buf *out, const char *key)
{
    ptn_buf_addc(out, '\t');
    ptn_buf_adds(out, key);
    ptn_buf_addc(out, '=');
}

void
ptn_record_add(struct ptn_buf *out, const char *key, const char *value)
{
    add_key(out, key);
    for (; *value; value++) {
        if (*value == '\t' || *value == '\n' || *value == '\\') {
            ptn_buf_addc(out, '\\');
            ptn_buf_addc(out, *value == '\t'   ? 't'
                              : *value == '\n' ? 'n'
                                               : '\\');
        } else {
            ptn_buf_addc(out, *value);
        }
    }
}

void
ptn_record_addn(struct ptn_buf *out, const char *key, uint64_t value)
{
    add_key(out, key);
    ptn_buf_addu64(out, value);
}

static char
unescaped(char c)
{
    return c == 't' ? '\t' : c == 'n' ? '\n' : c;
}

static void
copy_value(struct ptn_slice value, char *out, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < value.len && n + 1 < size; i++) {
        char c = value.data[i];

        if (c == '\\' && i + 1 < value.len)
            c = unescaped(value.data[++i]);
        out[n++] = c;
    }
    out[n] = '\0';
}

bool
ptn_record_get(struct ptn_slice line, const char *key, char *out, size_t size)
{
    size_t len = strlen(key);

    while (line.len > 0) {
        const char *tab = memchr(line.data, '\t', line.len);
        size_t n = tab ? (size_t)(tab - line.data) : line.len;

        if (n > len && memcmp(line.data, key, len) == 0 &&
            line.data[len] == '=') {
            copy_value(ptn_slice_sub(line, len + 1, n - len - 1), out, size);
            return true;
        }
        n += tab ? 1 : 0;
        line = ptn_slice_sub(line, n, line.len - n);
    }
    return false;
}

struct ptn_slice
ptn_record_next(struct ptn_slice *text)
{
    const char *lf = text->len ? memchr(text->data, '\n', text->len) : NULL;
    size_t n = lf ? (size_t)(lf - text->data) : text->len;
    struct ptn_slice line = {text->data, n};

    n += lf ? 1 : 0;
    *text = ptn_slice_sub(*text, n, text->len - n);
    return line;
}

bool
ptn_record_is(struct ptn_slice line, const char *kind)
{
    size_t len = strlen(kind);

    return line.len >= len && memcmp(line.data, kind, len) == 0 &&
           (line.len == len || line.data[len] == '\t');
}
