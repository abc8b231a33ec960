/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The growable buffer (postern/buf.h). Grows by half of what it has, so
 * that appending is linear in all, and begins small, because most answers
 * are. Invariant: len <= cap, and data is NULL exactly while cap is 0.
 */
#include <assert.h>
#include <postern/arena.h>
#include <postern/buf.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST 128

void
ptn_buf_free(struct ptn_buf *b)
{
    free(b->data);
    *b = PTN_BUF_INIT;
}

static void
grow(struct ptn_buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap + b->cap / 2 : BUF_FIRST;

    if (cap < need)
        cap = need;
    b->data = ptn_realloc(b->data, cap);
    b->cap = cap;
}

char *
ptn_buf_reserve(struct ptn_buf *b, size_t more)
{
    assert(more <= SIZE_MAX / 4 && b->len <= b->cap);
    if (more > b->cap - b->len || !b->data)
        grow(b, b->len + more);
    return b->data + b->len;
}

void
ptn_buf_add(struct ptn_buf *b, const void *data, size_t len)
{
    if (len == 0)
        return;
    memcpy(ptn_buf_reserve(b, len), data, len);
    b->len += len;
}

void
ptn_buf_addc(struct ptn_buf *b, char c)
{
    *ptn_buf_reserve(b, 1) = c;
    b->len++;
}

void
ptn_buf_adds(struct ptn_buf *b, const char *text)
{
    ptn_buf_add(b, text, strlen(text));
}

void
ptn_buf_addslice(struct ptn_buf *b, struct ptn_slice s)
{
    ptn_buf_add(b, s.data, s.len);
}

void
ptn_buf_addu64(struct ptn_buf *b, uint64_t value)
{
    char digits[20]; /* 2^64 - 1 has 20 of them */
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    ptn_buf_add(b, digits + at, sizeof digits - at);
}

void
ptn_buf_printf(struct ptn_buf *b, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    ptn_buf_vprintf(b, fmt, ap);
    va_end(ap);
}

void
ptn_buf_vprintf(struct ptn_buf *b, const char *fmt, va_list ap)
{
    va_list again;

    va_copy(again, ap);
    char *at = ptn_buf_reserve(b, BUF_FIRST);
    int n = vsnprintf(at, b->cap - b->len, fmt, ap);
    assert(n >= 0);
    if ((size_t)n >= b->cap - b->len) {
        at = ptn_buf_reserve(b, (size_t)n + 1);
        vsnprintf(at, (size_t)n + 1, fmt, again);
    }
    b->len += (size_t)n;
    va_end(again);
}

void
ptn_buf_consume(struct ptn_buf *b, size_t n)
{
    assert(n <= b->len);
    if (n == 0)
        return;
    b->len -= n;
    if (b->len)
        memmove(b->data, b->data + n, b->len);
}

const char *
ptn_buf_cstr(struct ptn_buf *b)
{
    *ptn_buf_reserve(b, 1) = '\0';
    return b->data;
}
