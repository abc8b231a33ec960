/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Base64 (RFC 4648 section 4) for credentials and binary values. Strict,
 * because SASL tells a malformed answer from a wrong one: the length is a
 * multiple of four, padding stands only at the end, and the bits under the
 * padding are zero (section 3.5), so that one value has one spelling.
 */
#include <postern/buf.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define NOT_BASE64 64

static unsigned
digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0') + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : NOT_BASE64;
}

static void
encode_group(char *to, const unsigned char *from, size_t n)
{
    unsigned bits = (unsigned)from[0] << 16;

    if (n > 1)
        bits |= (unsigned)from[1] << 8;
    if (n > 2)
        bits |= from[2];
    to[0] = alphabet[bits >> 18 & 63];
    to[1] = alphabet[bits >> 12 & 63];
    to[2] = n > 1 ? alphabet[bits >> 6 & 63] : '=';
    to[3] = n > 2 ? alphabet[bits & 63] : '=';
}

void
ptn_base64_encode(struct ptn_buf *out, struct ptn_slice in)
{
    const unsigned char *from = (const unsigned char *)in.data;
    size_t groups = (in.len + 2) / 3;

    if (groups == 0)
        return;
    char *to = ptn_buf_reserve(out, groups * 4);
    for (size_t left = in.len; left > 0; to += 4, from += 3) {
        size_t n = left < 3 ? left : 3;
        encode_group(to, from, n);
        left -= n;
    }
    out->len += groups * 4;
}

/* Four digits, of which the last `pad` are '='. False if malformed. */
static bool
decode_group(const char *from, size_t pad, unsigned char *to)
{
    unsigned bits = 0;

    for (size_t i = 0; i < 4; i++) {
        unsigned v = i < 4 - pad ? digit_value(from[i]) : 0;
        if (v == NOT_BASE64)
            return false;
        bits = bits << 6 | v;
    }
    if ((pad == 1 && (bits & 0xff)) || (pad == 2 && (bits & 0xffff)))
        return false;
    to[0] = (unsigned char)(bits >> 16);
    if (pad < 2)
        to[1] = (unsigned char)(bits >> 8);
    if (pad < 1)
        to[2] = (unsigned char)bits;
    return true;
}

bool
ptn_base64_decode(struct ptn_buf *out, struct ptn_slice in)
{
    size_t pad = 0;

    if (in.len % 4 != 0)
        return false;
    if (in.len == 0)
        return true;
    if (in.data[in.len - 1] == '=')
        pad = in.data[in.len - 2] == '=' ? 2 : 1;
    unsigned char *to = (unsigned char *)ptn_buf_reserve(out, in.len / 4 * 3);
    for (size_t at = 0; at < in.len; at += 4, to += 3)
        if (!decode_group(in.data + at, at + 4 == in.len ? pad : 0, to))
            return false;
    out->len += in.len / 4 * 3 - pad;
    return true;
}
