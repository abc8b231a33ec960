/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Simple case folding (Unicode, CaseFolding.txt, status C and S) of the
 * alphabets that mail in mixed case is written in. Pure functions; any
 * thread.
 */
#include "fold.h"

#include "chars.h"
#include "utf8.h"

/* Capital letters first..last. Where `step` is 2 every second one of the
 * range is a capital, and its small letter follows it. */
struct fold_range {
    uint32_t first, last;
    int32_t delta;
    uint32_t step;
};

static const struct fold_range ranges[] = {
    {0x00b5, 0x00b5, 775, 1}, /* micro sign to mu */
    {0x00c0, 0x00d6, 32, 1},  /* A with grave to O with diaeresis */
    {0x00d8, 0x00de, 32, 1},  /* O with stroke to thorn */
    {0x0100, 0x012e, 1, 2},   /* Latin Extended-A */
    {0x0132, 0x0136, 1, 2},     {0x0139, 0x0147, 1, 2},
    {0x014a, 0x0176, 1, 2},     {0x0178, 0x0178, -121, 1},
    {0x0179, 0x017d, 1, 2},     {0x017f, 0x017f, -268, 1}, /* long s */
    {0x01cd, 0x01db, 1, 2},     {0x01de, 0x01ee, 1, 2},
    {0x01f8, 0x021e, 1, 2},     {0x0222, 0x0232, 1, 2},
    {0x0386, 0x0386, 38, 1}, /* Greek with tonos */
    {0x0388, 0x038a, 37, 1},    {0x038c, 0x038c, 64, 1},
    {0x038e, 0x038f, 63, 1},    {0x0391, 0x03a1, 32, 1},
    {0x03a3, 0x03ab, 32, 1},    {0x03c2, 0x03c2, 1, 1}, /* final sigma */
    {0x0400, 0x040f, 80, 1},                            /* Cyrillic */
    {0x0410, 0x042f, 32, 1},    {0x0460, 0x0480, 1, 2},
    {0x048a, 0x04be, 1, 2},     {0x04c0, 0x04c0, 15, 1},
    {0x04c1, 0x04cd, 1, 2},     {0x04d0, 0x052e, 1, 2},
    {0x0531, 0x0556, 48, 1},    /* Armenian */
    {0x1e00, 0x1e94, 1, 2},     /* Latin Extended Additional */
    {0x1e9e, 0x1e9e, -7615, 1}, /* capital sharp s */
    {0x1ea0, 0x1efe, 1, 2},
};

static uint32_t
fold(uint32_t code)
{
    size_t low = 0, high = PTN_COUNT(ranges);

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (ranges[mid].last < code)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == PTN_COUNT(ranges) || code < ranges[low].first ||
        (code - ranges[low].first) % ranges[low].step)
        return code;
    return (uint32_t)((int32_t)code + ranges[low].delta);
}

/* Whether the character at the end of the text may be cut. */
static bool
may_be_cut(struct ptn_slice text)
{
    unsigned char first = (unsigned char)text.data[0];
    size_t promised = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;

    return first >= 0xc2 && first <= 0xf4 && text.len < promised;
}

size_t
ptn_fold_add(struct ptn_buf *out, struct ptn_slice text, bool last)
{
    /* No capital's small letter takes more octets than 3 for 2. */
    char *start = ptn_buf_reserve(out, text.len + text.len / 2 + 4);
    char *to = start;
    size_t at = 0;

    while (at < text.len) {
        unsigned char c = (unsigned char)text.data[at];
        uint32_t code;
        size_t n;

        if (c < 0x80) {
            *to++ = ptn_to_lower((char)c);
            at++;
            continue;
        }
        n = ptn_utf8_read(text.data + at, text.len - at, &code);
        if (n) {
            to += ptn_utf8_write(fold(code), to);
            at += n;
        } else if (!last &&
                   may_be_cut(ptn_slice_sub(text, at, text.len - at))) {
            break;
        } else {
            *to++ = text.data[at++];
        }
    }
    out->len += (size_t)(to - start);
    return at;
}

bool
ptn_fold_has(struct ptn_slice folded, struct ptn_slice needle)
{
    if (needle.len > folded.len)
        return false;
    return !needle.len ||
           memmem(folded.data, folded.len, needle.data, needle.len);
}

static bool
equal_folded(const char *text, struct ptn_slice needle)
{
    for (size_t i = 0; i < needle.len; i++) {
        if (ptn_to_lower(text[i]) != needle.data[i])
            return false;
    }
    return true;
}

bool
ptn_fold_ascii_has(struct ptn_slice text, struct ptn_slice needle)
{
    const char *at = text.data, *end;

    if (needle.len > text.len)
        return false;
    if (!needle.len)
        return true;
    for (end = at + (text.len - needle.len); at <= end; at++) {
        if (ptn_to_lower(*at) == needle.data[0] && equal_folded(at, needle))
            return true;
    }
    return false;
}
