/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Modified UTF-7, the form of mailbox names in IMAP4rev1 (RFC 3501 section
 * 5.1.3): printable ASCII stands for itself, "&-" for "&", and the rest is
 * "&", UTF-16 in base64 with "," for "/" and without padding, "-". Only the
 * canonical form of a name is accepted, so that no mailbox has two names.
 * Pure functions; any thread.
 */
#include "utf8.h"

#include <postern/mail/address.h>

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static bool
is_direct(uint32_t code)
{
    return code >= 0x20 && code <= 0x7e;
}

/* Takes one UTF-16 unit; `*high` keeps the first of a surrogate pair. */
static bool
take_unit(uint32_t unit, uint32_t *high, struct ptn_buf *out)
{
    bool low = unit >= 0xdc00 && unit <= 0xdfff;

    if (low != (*high != 0))
        return false;
    if (low) {
        unit = 0x10000 + ((*high - 0xd800) << 10) + (unit - 0xdc00);
        *high = 0;
    } else if (unit >= 0xd800 && unit <= 0xdbff) {
        *high = unit;
        return true;
    }
    if (is_direct(unit)) /* it had to stand for itself */
        return false;
    ptn_utf8_add(out, unit);
    return true;
}

/* The base64 between "&" and "-". */
static bool
decode_shifted(struct ptn_slice in, struct ptn_buf *out)
{
    uint32_t bits = 0, high = 0;
    unsigned count = 0;

    for (size_t i = 0; i < in.len; i++) {
        const char *digit = memchr(digits, in.data[i], 64);

        if (!digit)
            return false;
        bits = bits << 6 | (uint32_t)(digit - digits);
        count += 6;
        if (count < 16)
            continue;
        count -= 16;
        if (!take_unit(bits >> count & 0xffff, &high, out))
            return false;
        bits &= (1u << count) - 1;
    }
    /* What is left is padding: less than a digit, and zero. */
    return !high && count < 6 && !bits;
}

static bool
decode(struct ptn_slice in, struct ptn_buf *out)
{
    bool shifted = false; /* the text before this was base64 */

    for (size_t i = 0; i < in.len; i++) {
        const char *end;
        size_t len;

        if (in.data[i] != '&') {
            if (!is_direct((unsigned char)in.data[i]))
                return false;
            ptn_buf_addc(out, in.data[i]);
            shifted = false;
            continue;
        }
        end = memchr(in.data + i + 1, '-', in.len - i - 1);
        if (!end)
            return false;
        len = (size_t)(end - in.data) - i - 1;
        if (!len)
            ptn_buf_addc(out, '&');
        else if (shifted || !decode_shifted(ptn_slice_sub(in, i + 1, len), out))
            return false;
        shifted = len > 0;
        i += len + 1;
    }
    return true;
}

bool
ptn_mutf7_decode(struct ptn_slice in, struct ptn_buf *out)
{
    size_t before = out->len;

    if (decode(in, out))
        return true;
    out->len = before;
    return false;
}

/* --- encoding --- */

struct encoder {
    struct ptn_buf *out;
    uint32_t bits;
    unsigned count; /* of bits that wait */
    bool shifted;
};

static void
put_unit(struct encoder *e, uint32_t unit)
{
    e->bits = e->bits << 16 | unit;
    for (e->count += 16; e->count >= 6; e->count -= 6)
        ptn_buf_addc(e->out, digits[e->bits >> (e->count - 6) & 63]);
    e->bits &= (1u << e->count) - 1;
}

static void
put_shifted(struct encoder *e, uint32_t code)
{
    if (!e->shifted)
        ptn_buf_addc(e->out, '&');
    e->shifted = true;
    if (code < 0x10000) {
        put_unit(e, code);
        return;
    }
    code -= 0x10000;
    put_unit(e, 0xd800 + (code >> 10));
    put_unit(e, 0xdc00 + (code & 0x3ff));
}

static void
end_shift(struct encoder *e)
{
    if (!e->shifted)
        return;
    if (e->count)
        ptn_buf_addc(e->out, digits[e->bits << (6 - e->count) & 63]);
    ptn_buf_addc(e->out, '-');
    *e = (struct encoder){.out = e->out};
}

void
ptn_mutf7_encode(struct ptn_slice utf8, struct ptn_buf *out)
{
    struct encoder e = {.out = out};

    for (size_t i = 0, n; i < utf8.len; i += n) {
        uint32_t code = PTN_UTF8_REPLACEMENT;

        n = ptn_utf8_read(utf8.data + i, utf8.len - i, &code);
        n += !n; /* an octet that is not UTF-8 becomes the replacement */
        if (!is_direct(code)) {
            put_shifted(&e, code);
            continue;
        }
        end_shift(&e);
        ptn_buf_addc(out, (char)code);
        if (code == '&')
            ptn_buf_addc(out, '-');
    }
    end_shift(&e);
}
