/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Comparing and reading slices (postern/types.h). Pure functions, callable
 * from any thread. Locale is never asked: a protocol's letters are ASCII.
 */
#include <postern/types.h>

static unsigned char
fold(char c)
{
    unsigned char u = (unsigned char)c;
    return u >= 'A' && u <= 'Z' ? (unsigned char)(u + 32) : u;
}

bool
ptn_slice_eq(struct ptn_slice a, struct ptn_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool
ptn_slice_caseeq(struct ptn_slice a, struct ptn_slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (fold(a.data[i]) != fold(b.data[i]))
            return false;
    return true;
}

bool
ptn_slice_to_u64(struct ptn_slice s, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(s.data[i] - '0');
        if (digit > max || value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}
