/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates. Pure
 * functions; any thread.
 */
#include "utf8.h"

#include <postern/mail/address.h>

/* How many octets a first octet promises; 0 where it cannot be one. */
static size_t
sequence_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t
ptn_utf8_read(const char *text, size_t len, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)text[0];
    size_t n = sequence_length(first);
    uint32_t value;

    if (!n || n > len)
        return 0;
    value = n == 1 ? first : first & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        unsigned char c = (unsigned char)text[i];

        if ((c & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (c & 0x3f);
    }
    if (value < least[n] || value > 0x10ffff ||
        (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *code = value;
    return n;
}

size_t
ptn_utf8_write(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

void
ptn_utf8_add(struct ptn_buf *out, uint32_t code)
{
    char octets[4];

    ptn_buf_add(out, octets, ptn_utf8_write(code, octets));
}

bool
ptn_utf8_valid(struct ptn_slice text)
{
    uint32_t code;

    for (size_t i = 0, n; i < text.len; i += n) {
        n = ptn_utf8_read(text.data + i, text.len - i, &code);
        if (!n)
            return false;
    }
    return true;
}
