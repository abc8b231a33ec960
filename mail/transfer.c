/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Base64 and quoted-printable as mail has them: with line breaks anywhere
 * and damage here and there. For looking into messages, not for giving
 * them out. Not thread-safe on one decoder; no state otherwise.
 */
#include "transfer.h"

#include "chars.h"

static int
digit_value(unsigned char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (ptn_is_digit(c))
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 2045 section 6.8: all other characters are ignored. "=" ends a run of
 * digits, and what comes behind it begins anew. */
static void
decode_base64(struct ptn_transfer *t, struct ptn_slice text,
              struct ptn_buf *out)
{
    char *start = ptn_buf_reserve(out, text.len), *at = start;

    for (size_t i = 0; i < text.len; i++) {
        int value = digit_value((unsigned char)text.data[i]);

        if (text.data[i] == '=')
            t->count = 0;
        if (value < 0)
            continue;
        t->bits = t->bits << 6 | (uint32_t)value;
        /* The second digit completes the first octet, and so on. */
        if (t->count)
            *at++ = (char)(t->bits >> (6 - 2 * t->count));
        t->count = (t->count + 1) % 4;
    }
    out->len += (size_t)(at - start);
}

/* Takes the next character of an "=XY" or "=" CRLF. */
static void
continue_escape(struct ptn_transfer *t, char c, struct ptn_buf *out)
{
    int high, low;

    t->held[t->held_len++] = c;
    if (t->held_len == 2 && c == '\n')
        t->held_len = 0; /* a soft line break */
    if (t->held_len < 3)
        return;
    t->held_len = 0;
    if (t->held[1] == '\r' && c == '\n')
        return;
    high = ptn_hex_value((unsigned char)t->held[1]);
    low = ptn_hex_value((unsigned char)c);
    if (high >= 0 && low >= 0)
        ptn_buf_addc(out, (char)(high << 4 | low));
    else
        ptn_buf_add(out, t->held, 3);
}

static void
decode_quoted_printable(struct ptn_transfer *t, struct ptn_slice text,
                        struct ptn_buf *out)
{
    while (text.len) {
        const char *escape;
        size_t plain;

        if (t->held_len) {
            continue_escape(t, text.data[0], out);
            text = ptn_slice_sub(text, 1, text.len - 1);
            continue;
        }
        escape = memchr(text.data, '=', text.len);
        plain = escape ? (size_t)(escape - text.data) : text.len;
        ptn_buf_add(out, text.data, plain);
        if (escape)
            t->held[t->held_len++] = text.data[plain++];
        text = ptn_slice_sub(text, plain, text.len - plain);
    }
}

void
ptn_transfer_decode(struct ptn_transfer *t, struct ptn_slice text,
                    struct ptn_buf *out)
{
    if (t->encoding == '6')
        decode_base64(t, text, out);
    else if (t->encoding == 'q')
        decode_quoted_printable(t, text, out);
    else
        ptn_buf_addslice(out, text);
}
