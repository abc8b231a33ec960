/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Dates, without the C library's clock and locale: a day is a number, and
 * the calendar is arithmetic (Gregorian, also before it was invented). Pure
 * functions; any thread.
 */
#include "cfws.h"
#include "chars.h"

#include <postern/mail/date.h>

#define DAY_SECONDS 86400
#define ZONE_MAX (99 * 60 + 59) /* what four digits can say */

static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char day_names[] = "ThuFriSatSunMonTueWed"; /* 1970 on a Thu */

struct civil {
    int64_t year;
    int month, day; /* 1.. */
};

/* Days since 1970-01-01. Years are counted from March, so that the leap day
 * is a year's last, and in cycles of 400 years, which repeat. */
static int64_t
days_from_civil(struct civil c)
{
    int64_t y = c.year - (c.month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year =
        (153 * (c.month + (c.month > 2 ? -3 : 9)) + 2) / 5 + c.day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
           719468;
}

static struct civil
civil_from_days(int64_t days)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day = z - era * 146097;
    int64_t y = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t of_year = day - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * of_year + 2) / 153;
    struct civil c;

    c.day = (int)(of_year - (153 * m + 2) / 5 + 1);
    c.month = (int)(m < 10 ? m + 3 : m - 9);
    c.year = y + era * 400 + (c.month <= 2);
    return c;
}

static bool
civil_valid(struct civil c)
{
    return c.month >= 1 && c.month <= 12 && c.day >= 1 && c.day <= 31 &&
           civil_from_days(days_from_civil(c)).day == c.day;
}

/* --- reading --- */

/* A place in a text. Each reader moves it only when it succeeds. */
struct cursor {
    const char *at, *end;
};

static bool
read_char(struct cursor *c, char want)
{
    if (c->at == c->end || *c->at != want)
        return false;
    c->at++;
    return true;
}

/* `least` to `most` digits. */
static bool
read_number(struct cursor *c, int least, int most, int *out)
{
    int value = 0, n = 0;

    while (n < most && c->at + n < c->end &&
           ptn_is_digit((unsigned char)c->at[n]))
        value = value * 10 + (c->at[n++] - '0');
    if (n < least)
        return false;
    c->at += n;
    *out = value;
    return true;
}

/* One of the three-letter names in `names`: its index, or -1. */
static int
read_name(struct cursor *c, const char *names)
{
    if (c->end - c->at < 3)
        return -1;
    for (int i = 0; names[i]; i += 3) {
        if (ptn_slice_caseeq((struct ptn_slice){c->at, 3},
                             (struct ptn_slice){names + i, 3})) {
            c->at += 3;
            return i / 3;
        }
    }
    return -1;
}

static void
skip_blanks(struct cursor *c)
{
    c->at = ptn_cfws_end(c->at, c->end);
}

/* hh:mm[:ss] as seconds of the day. */
static bool
read_time(struct cursor *c, bool seconds_needed, int *out)
{
    int hour, minute, second = 0;

    if (!read_number(c, seconds_needed ? 2 : 1, 2, &hour))
        return false;
    skip_blanks(c);
    if (!read_char(c, ':'))
        return false;
    skip_blanks(c);
    if (!read_number(c, 2, 2, &minute))
        return false;
    skip_blanks(c);
    if (read_char(c, ':')) {
        skip_blanks(c);
        if (!read_number(c, 2, 2, &second))
            return false;
    } else if (seconds_needed) {
        return false;
    }
    *out = hour * 3600 + minute * 60 + second;
    return hour < 24 && minute < 60 && second <= 60;
}

/* "+hhmm" as minutes. */
static bool
read_offset(struct cursor *c, int32_t *zone)
{
    struct cursor at = *c;
    bool minus = at.at < at.end && *at.at == '-';
    int hhmm;

    if (!read_char(&at, '-') && !read_char(&at, '+'))
        return false;
    if (!read_number(&at, 4, 4, &hhmm) || hhmm % 100 >= 60)
        return false;
    *zone = hhmm / 100 * 60 + hhmm % 100;
    if (minus)
        *zone = -*zone;
    *c = at;
    return true;
}

/* RFC 5322 section 4.3: the zones of North America have names; all others
 * mean nothing certain and are read as UTC, which is what "UT" and "GMT"
 * are. */
static int32_t
named_zone(struct cursor *c)
{
    static const char names[] = "EDTESTCDTCSTMDTMSTPDTPST";
    static const int8_t hours[] = {-4, -5, -5, -6, -6, -7, -7, -8};
    int i = read_name(c, names);

    return i < 0 ? 0 : hours[i] * 60;
}

/* RFC 5322 section 4.3: years of two digits are of 1950 to 2049, of three
 * digits since 1900. */
static bool
read_year(struct cursor *c, int64_t *out)
{
    const char *start = c->at;
    int year;

    if (!read_number(c, 2, 4, &year))
        return false;
    if (c->at - start == 2 && year < 50)
        year += 2000;
    else if (c->at - start < 4)
        year += 1900;
    *out = year;
    return true;
}

static bool
read_civil(struct cursor *c, struct civil *out)
{
    skip_blanks(c);
    if (!read_number(c, 1, 2, &out->day))
        return false;
    skip_blanks(c);
    read_char(c, '-'); /* 21-Nov-97, as some do */
    out->month = read_name(c, month_names) + 1;
    while (c->at < c->end && ptn_is_alpha((unsigned char)*c->at))
        c->at++; /* "November" */
    skip_blanks(c);
    read_char(c, '-');
    return read_year(c, &out->year) && civil_valid(*out);
}

bool
ptn_date_parse(struct ptn_slice text, int64_t *seconds, int32_t *zone)
{
    struct cursor c = {text.data, ptn_slice_end(text)};
    struct civil civil;
    int of_day;

    skip_blanks(&c);
    while (c.at < c.end && ptn_is_alpha((unsigned char)*c.at))
        c.at++; /* the day's name says nothing that the date does not */
    skip_blanks(&c);
    read_char(&c, ',');
    if (!read_civil(&c, &civil))
        return false;
    skip_blanks(&c);
    if (!read_time(&c, false, &of_day))
        return false;
    skip_blanks(&c);
    if (!read_offset(&c, zone))
        *zone = named_zone(&c);
    *seconds = days_from_civil(civil) * DAY_SECONDS + of_day - *zone * 60;
    return true;
}

/* date-day "-" date-month "-" date-year (RFC 3501 section 9). */
static bool
read_imap_date(struct cursor *c, struct civil *out)
{
    int year;

    if (!read_number(c, 1, 2, &out->day) || !read_char(c, '-'))
        return false;
    out->month = read_name(c, month_names) + 1;
    if (!read_char(c, '-') || !read_number(c, 4, 4, &year))
        return false;
    out->year = year;
    return civil_valid(*out);
}

bool
ptn_imap_datetime_parse(struct ptn_slice text, int64_t *seconds, int32_t *zone)
{
    struct cursor c = {text.data, ptn_slice_end(text)};
    struct civil civil;
    int of_day;

    /* date-day-fixed = (SP DIGIT) / 2DIGIT */
    if (text.len < 3 || (read_char(&c, ' ') && text.data[2] != '-') ||
        !read_imap_date(&c, &civil) || !read_char(&c, ' ') ||
        !read_time(&c, true, &of_day) || !read_char(&c, ' ') ||
        !read_offset(&c, zone) || c.at != c.end)
        return false;
    *seconds = days_from_civil(civil) * DAY_SECONDS + of_day - *zone * 60;
    return true;
}

bool
ptn_imap_date_parse(struct ptn_slice text, int32_t *days)
{
    struct cursor c = {text.data, ptn_slice_end(text)};
    struct civil civil;

    if (!read_imap_date(&c, &civil) || c.at != c.end)
        return false;
    *days = (int32_t)days_from_civil(civil);
    return true;
}

/* --- writing --- */

/* A moment as its zone's calendar and clock show it. */
struct shown {
    int64_t days;
    struct civil civil;
    int of_day;
};

static struct shown
show(int64_t seconds, int32_t zone)
{
    struct shown s;
    int64_t local = seconds + (int64_t)zone * 60;

    s.days = local / DAY_SECONDS - (local % DAY_SECONDS < 0);
    s.of_day = (int)(local - s.days * DAY_SECONDS);
    s.civil = civil_from_days(s.days);
    return s;
}

/* The year's range is what four digits can show, the zone's likewise. */
static int64_t
clamp(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

static char *
put_number(char *at, int64_t value, int width)
{
    for (int i = width - 1; i >= 0; i--, value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + width;
}

/* "17<sep>Jul<sep>1996 02:44:25 -0700" */
static void
put_date(const struct shown *s, int32_t zone, char sep, struct ptn_buf *out)
{
    char *start = ptn_buf_reserve(out, 32), *at = start;
    int32_t minutes = zone < 0 ? -zone : zone;

    at = put_number(at, s->civil.day, 2);
    *at++ = sep;
    memcpy(at, month_names + 3 * (s->civil.month - 1), 3);
    at[3] = sep;
    at = put_number(at + 4, s->civil.year, 4);
    *at++ = ' ';
    at = put_number(at, s->of_day / 3600, 2);
    *at++ = ':';
    at = put_number(at, s->of_day / 60 % 60, 2);
    *at++ = ':';
    at = put_number(at, s->of_day % 60, 2);
    *at++ = ' ';
    *at++ = zone < 0 ? '-' : '+';
    at = put_number(at, minutes / 60 * 100 + minutes % 60, 4);
    out->len += (size_t)(at - start);
}

#define YEAR_0001 INT64_C(-62135510400) /* a day within, for any zone */
#define YEAR_9999 INT64_C(253401609600)

static struct shown
show_clamped(int64_t *seconds, int32_t *zone)
{
    *zone = (int32_t)clamp(*zone, -ZONE_MAX, ZONE_MAX);
    *seconds =
        clamp(*seconds, YEAR_0001 + ZONE_MAX * 60, YEAR_9999 - ZONE_MAX * 60);
    return show(*seconds, *zone);
}

void
ptn_date_format(int64_t seconds, int32_t zone, struct ptn_buf *out)
{
    struct shown s = show_clamped(&seconds, &zone);
    int64_t weekday = s.days % 7 + (s.days % 7 < 0 ? 7 : 0);

    ptn_buf_add(out, day_names + 3 * weekday, 3);
    ptn_buf_adds(out, ", ");
    put_date(&s, zone, ' ', out);
}

void
ptn_imap_datetime_format(int64_t seconds, int32_t zone, struct ptn_buf *out)
{
    struct shown s = show_clamped(&seconds, &zone);

    put_date(&s, zone, '-', out);
}
