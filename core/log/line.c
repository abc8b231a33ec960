/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writing `key=value`. A value may come from a peer: what could end the
 * line, look like another key, or move a terminal's cursor is escaped. A
 * value is quoted when it is empty or has a blank, '=' , '"' or '\'.
 * Octets over 0x7e stand as \xNN, also in good UTF-8: a log is read with
 * tools whose idea of a character nobody knows.
 */
#include "log/line.h"

void
ptn_log_line_add(struct ptn_log_line *line, struct ptn_slice text)
{
    size_t room = sizeof line->text - 1 - line->len;
    size_t n = text.len < room ? text.len : room;

    if (n)
        memcpy(line->text + line->len, text.data, n);
    line->len += n;
}

void
ptn_log_line_word(struct ptn_log_line *line, const char *word)
{
    ptn_log_line_add(line, PTN_SLICE(" "));
    ptn_log_line_add(line, ptn_slice_of(word));
}

static bool
is_plain(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '=';
}

static bool
needs_quotes(struct ptn_slice value)
{
    for (size_t i = 0; i < value.len; i++)
        if (!is_plain((unsigned char)value.data[i]))
            return true;
    return value.len == 0;
}

/* The spelling of one octet inside quotes; answers its length. */
static size_t
escape(unsigned char c, char out[5])
{
    static const char hex[] = "0123456789abcdef";

    if (c == '"' || c == '\\') {
        out[0] = '\\';
        out[1] = (char)c;
        return 2;
    }
    if (c >= ' ' && c < 0x7f) {
        out[0] = (char)c;
        return 1;
    }
    out[0] = '\\';
    if (c == '\n' || c == '\r' || c == '\t') {
        out[1] = c == '\n' ? 'n' : c == '\r' ? 'r' : 't';
        return 2;
    }
    out[1] = 'x';
    out[2] = hex[c >> 4];
    out[3] = hex[c & 15];
    return 4;
}

/* `room` has space for the quotes, "..." and a NUL at the least. */
static size_t
quote(struct ptn_slice value, char *out, size_t room)
{
    size_t at = 0;
    char one[5];

    out[at++] = '"';
    for (size_t i = 0; i < value.len; i++) {
        size_t n = escape((unsigned char)value.data[i], one);
        if (at + n + sizeof "...\"" > room) {
            memcpy(out + at, "...", 3);
            at += 3;
            break;
        }
        memcpy(out + at, one, n);
        at += n;
    }
    out[at++] = '"';
    return at;
}

void
ptn_log_value(struct ptn_slice value, char *out, size_t room)
{
    size_t len;

    if (room < 8) {
        if (room)
            out[0] = '\0';
        return;
    }
    if (needs_quotes(value) || value.len >= room) {
        len = quote(value, out, room);
    } else {
        len = value.len;
        memcpy(out, value.data, len);
    }
    out[len] = '\0';
}

void
ptn_log_line_number(struct ptn_log_line *line, int64_t number)
{
    char digits[20]; /* of 2^63, with a sign */
    size_t at = sizeof digits;
    uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;

    do
        digits[--at] = (char)('0' + left % 10);
    while (left /= 10);
    if (number < 0)
        digits[--at] = '-';
    ptn_log_line_add(line, (struct ptn_slice){digits + at, sizeof digits - at});
}

void
ptn_log_line_field(struct ptn_log_line *line, const struct ptn_log_field *field)
{
    char value[PTN_LOG_VALUE_MAX];

    ptn_log_line_word(line, field->key);
    ptn_log_line_add(line, PTN_SLICE("="));
    if (field->kind == PTN_FIELD_NUMBER) {
        ptn_log_line_number(line, field->number);
        return;
    }
    ptn_log_value(field->text, value, sizeof value);
    ptn_log_line_add(line, ptn_slice_of(value));
}

static void
add_digits(struct ptn_log_line *line, uint64_t number, size_t width)
{
    char digits[20];

    for (size_t i = width; i > 0; i--, number /= 10)
        digits[i - 1] = (char)('0' + number % 10);
    ptn_log_line_add(line, (struct ptn_slice){digits, width});
}

/* Years begin in March here, so that a leap day is the last one. 719468
 * days lie between 1 March of year 0 and 1970, 146097 in 400 years. */
static void
add_date(struct ptn_log_line *line, uint64_t days)
{
    uint64_t era = (days + 719468) / 146097;
    uint64_t day = (days + 719468) % 146097;
    uint64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    uint64_t month;

    day -= year * 365 + year / 4 - year / 100;
    month = (5 * day + 2) / 153; /* 0 is March; 153 days in five months */
    day -= (153 * month + 2) / 5;
    year += era * 400 + (month >= 10);
    month = month < 10 ? month + 3 : month - 9;
    add_digits(line, year, 4);
    ptn_log_line_add(line, PTN_SLICE("-"));
    add_digits(line, month, 2);
    ptn_log_line_add(line, PTN_SLICE("-"));
    add_digits(line, day + 1, 2);
}

void
ptn_log_line_time(struct ptn_log_line *line, int64_t wall_ms)
{
    uint64_t ms = wall_ms < 0 ? 0 : (uint64_t)wall_ms;
    uint64_t s = ms / 1000;

    add_date(line, s / 86400);
    ptn_log_line_add(line, PTN_SLICE("T"));
    add_digits(line, s / 3600 % 24, 2);
    ptn_log_line_add(line, PTN_SLICE(":"));
    add_digits(line, s / 60 % 60, 2);
    ptn_log_line_add(line, PTN_SLICE(":"));
    add_digits(line, s % 60, 2);
    ptn_log_line_add(line, PTN_SLICE("."));
    add_digits(line, ms % 1000, 3);
    ptn_log_line_add(line, PTN_SLICE("Z"));
}

void
ptn_log_line_text(struct ptn_log_line *line, const struct ptn_log_entry *entry,
                  int64_t wall_ms)
{
    if (wall_ms >= 0) {
        ptn_log_line_time(line, wall_ms);
        ptn_log_line_word(line, ptn_log_level_name(entry->level));
        ptn_log_line_add(line, PTN_SLICE(" "));
    }
    ptn_log_line_add(line, ptn_slice_of(entry->process));
    ptn_log_line_word(line, entry->event);
    for (size_t i = 0; i < entry->count; i++)
        ptn_log_line_field(line, &entry->fields[i]);
}
