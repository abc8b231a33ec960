/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sequence sets of IMAP. Pure functions on memory of the caller's arena;
 * any thread.
 */
#include "chars.h"

#include <postern/mail/set.h>
#include <stdlib.h>

/* How many ranges a set at the beginning of `text` can have at most. */
static size_t
count_ranges(struct ptn_slice text)
{
    size_t n = 1;

    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == ',')
            n++;
        else if (!ptn_is_digit((unsigned char)text.data[i]) &&
                 text.data[i] != ':' && text.data[i] != '*')
            break;
    }
    return n;
}

/* seq-number = nz-number / "*" */
static bool
read_number(struct ptn_slice text, size_t *at, uint32_t *out)
{
    size_t start = *at;
    uint64_t value;

    if (start < text.len && text.data[start] == '*') {
        *out = PTN_SET_STAR;
        *at = start + 1;
        return true;
    }
    while (*at < text.len && ptn_is_digit((unsigned char)text.data[*at]))
        ++*at;
    if (*at == start || text.data[start] == '0' ||
        !ptn_slice_to_u64(ptn_slice_sub(text, start, *at - start), UINT32_MAX,
                          &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

static bool
read_range(struct ptn_slice text, size_t *at, struct ptn_range *out)
{
    if (!read_number(text, at, &out->first))
        return false;
    out->last = out->first;
    if (*at == text.len || text.data[*at] != ':')
        return true;
    ++*at;
    return read_number(text, at, &out->last);
}

bool
ptn_set_parse(struct ptn_slice text, struct ptn_arena *arena,
              struct ptn_set *out, size_t *used)
{
    size_t most = count_ranges(text), at = 0;

    *out = (struct ptn_set){NULL, 0};
    if (most > PTN_SET_RANGES_MAX)
        return false;
    out->ranges = ptn_arena_alloc(arena, most * sizeof(*out->ranges));
    if (!out->ranges)
        return false;
    for (;; at++) {
        if (!read_range(text, &at, &out->ranges[out->count++]))
            return false;
        if (at == text.len || text.data[at] != ',')
            break;
    }
    *used = at;
    return true;
}

static int
compare_ranges(const void *a, const void *b)
{
    const struct ptn_range *one = a, *two = b;

    return (one->first > two->first) - (one->first < two->first);
}

void
ptn_set_resolve(struct ptn_set *set, uint32_t star)
{
    size_t n = 0;

    for (size_t i = 0; i < set->count; i++) {
        struct ptn_range r = set->ranges[i];

        r.first = r.first == PTN_SET_STAR ? star : r.first;
        r.last = r.last == PTN_SET_STAR ? star : r.last;
        if (r.first > r.last)
            r = (struct ptn_range){r.last, r.first};
        if (r.last)
            set->ranges[n++] = (struct ptn_range){r.first + !r.first, r.last};
    }
    set->count = n;
    if (!n)
        return;
    qsort(set->ranges, n, sizeof(*set->ranges), compare_ranges);
    n = 0;
    for (size_t i = 1; i < set->count; i++) {
        struct ptn_range *top = &set->ranges[n], *r = &set->ranges[i];

        if (top->last != UINT32_MAX && r->first > top->last + 1)
            set->ranges[++n] = *r;
        else if (r->last > top->last)
            top->last = r->last;
    }
    set->count = n + 1;
}

uint32_t
ptn_set_next(const struct ptn_set *set, uint32_t number)
{
    size_t low = 0, high = set->count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (set->ranges[mid].last < number)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == set->count)
        return 0;
    return set->ranges[low].first > number ? set->ranges[low].first : number;
}

bool
ptn_set_has(const struct ptn_set *set, uint32_t number)
{
    return number && ptn_set_next(set, number) == number;
}

static void
format_number(uint32_t number, struct ptn_buf *out)
{
    if (number == PTN_SET_STAR)
        ptn_buf_addc(out, '*');
    else
        ptn_buf_addu64(out, number);
}

static void
format_range(struct ptn_range r, bool first, struct ptn_buf *out)
{
    if (!first)
        ptn_buf_addc(out, ',');
    format_number(r.first, out);
    if (r.last == r.first)
        return;
    ptn_buf_addc(out, ':');
    format_number(r.last, out);
}

void
ptn_set_format(const struct ptn_set *set, struct ptn_buf *out)
{
    for (size_t i = 0; i < set->count; i++)
        format_range(set->ranges[i], i == 0, out);
}

void
ptn_set_format_numbers(const uint32_t *numbers, size_t count,
                       struct ptn_buf *out)
{
    for (size_t i = 0, n; i < count; i += n) {
        n = 1;
        while (i + n < count && numbers[i + n] == numbers[i] + n)
            n++;
        format_range((struct ptn_range){numbers[i], numbers[i + n - 1]}, i == 0,
                     out);
    }
}
