/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Numbers with units. Pure functions, any thread.
 */
#include "conf/unit.h"

struct unit {
    const char *name;
    uint64_t factor;
};

/* Ascending; the first is what a number alone means. */
static const struct unit size_units[] = {
    {"", 1},           {"k", 1ull << 10}, {"M", 1ull << 20},
    {"G", 1ull << 30}, {"T", 1ull << 40},
};

static const struct unit time_units[] = {
    {"ms", 1},      {"s", 1000},     {"m", 60000},
    {"h", 3600000}, {"d", 86400000}, {"w", 604800000},
};

/* Splits "35M" into 35 and "M". */
static bool
parse(const char *text, uint64_t *number, const char **unit)
{
    size_t digits = strspn(text, "0123456789");

    *unit = text + digits;
    return ptn_slice_to_u64((struct ptn_slice){text, digits}, INT64_MAX,
                            number);
}

static bool
scale(uint64_t number, uint64_t factor, uint64_t *out)
{
    if (number > INT64_MAX / factor)
        return false;
    *out = number * factor;
    return true;
}

bool
ptn_unit_size(const char *text, uint64_t *out)
{
    uint64_t number;
    const char *unit;

    if (!parse(text, &number, &unit))
        return false;
    if (strcmp(unit, "K") == 0)
        unit = "k";
    for (size_t i = 0; i < PTN_COUNT(size_units); i++)
        if (strcmp(unit, size_units[i].name) == 0)
            return scale(number, size_units[i].factor, out);
    return false;
}

bool
ptn_unit_duration(const char *text, uint64_t *out)
{
    uint64_t number;
    const char *unit;

    if (!parse(text, &number, &unit))
        return false;
    if (number == 0 && !*unit)
        unit = "ms";
    for (size_t i = 0; i < PTN_COUNT(time_units); i++)
        if (strcmp(unit, time_units[i].name) == 0)
            return scale(number, time_units[i].factor, out);
    return false;
}

static void
add(struct ptn_buf *out, uint64_t value, const struct unit *units, size_t n)
{
    while (n > 1 && (value == 0 || value % units[n - 1].factor != 0))
        n--;
    ptn_buf_addu64(out, value / units[n - 1].factor);
    ptn_buf_adds(out, units[n - 1].name);
}

void
ptn_unit_add_size(struct ptn_buf *out, uint64_t octets)
{
    add(out, octets, size_units, PTN_COUNT(size_units));
}

void
ptn_unit_add_duration(struct ptn_buf *out, uint64_t ms)
{
    add(out, ms, time_units, PTN_COUNT(time_units));
}
