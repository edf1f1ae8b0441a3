/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mail_date.h"

#include <string.h>

struct parts {
    int year, month, day, hour, minute, second;
};

/* Blanks and comments (RFC 5322, 3.2.2) in front. */
static void skip_blanks(struct str *s)
{
    size_t at = 0, depth = 0;

    for (; at < s->n; at++) {
        char c = s->p[at];

        if (c == '(')
            depth++;
        else if (c == ')' && depth > 0)
            depth--;
        else if (depth == 0 && c != ' ' && c != '\t' && c != ',')
            break;
    }
    *s = str_from(*s, at);
}

static bool next_number(struct str *s, size_t digits_max, int *out,
                        size_t *digits)
{
    size_t n = 0;

    *out = 0;
    while (n < s->n && n <= digits_max && ascii_is_digit(s->p[n]))
        *out = *out * 10 + (s->p[n++] - '0');
    if (n == 0 || n > digits_max)
        return false;
    *digits = n;
    *s = str_from(*s, n);
    return true;
}

static struct str next_letters(struct str *s)
{
    size_t n = 0;
    struct str word;

    while (n < s->n && ascii_is_alpha(s->p[n]))
        n++;
    word = str_first(*s, n);
    *s = str_from(*s, n);
    return word;
}

static bool skip_char(struct str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = str_from(*s, 1);
    return true;
}

static int month_of(struct str word)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

    if (word.n < 3)
        return 0;
    for (int m = 0; m < 12; m++)
        if (str_eq_nocase(str_first(word, 3), str_of(names + 3 * m, 3)))
            return m + 1;
    return 0;
}

/* RFC 5322, 4.3: 00-49 are 2000 and later; three digits count from 1900. */
static bool read_year(struct str *s, struct parts *p, struct mail_date *out)
{
    size_t digits;

    if (!next_number(s, 4, &p->year, &digits) || digits == 1)
        return false;
    out->year_short = digits < 4;
    if (digits == 2)
        p->year += p->year < 50 ? 2000 : 1900;
    else if (digits == 3)
        p->year += 1900;
    return true;
}

static bool read_time(struct str *s, struct parts *p)
{
    size_t digits;
    int fraction;

    if (!next_number(s, 2, &p->hour, &digits))
        return false;
    skip_blanks(s);
    if (!skip_char(s, ':'))
        return false;
    skip_blanks(s);
    if (!next_number(s, 2, &p->minute, &digits))
        return false;
    if (skip_char(s, ':') && !next_number(s, 2, &p->second, &digits))
        return false;
    if (s->n > 1 && (s->p[0] == '.') && ascii_is_digit(s->p[1])) {
        *s = str_from(*s, 1);
        next_number(s, 9, &fraction, &digits);
    }
    return true;
}

static const struct {
    struct str name;
    int minutes;
} zones[] = {
    { STR_INIT("UT"), 0 },     { STR_INIT("UTC"), 0 },
    { STR_INIT("GMT"), 0 },    { STR_INIT("Z"), 0 },
    { STR_INIT("EST"), -300 }, { STR_INIT("EDT"), -240 },
    { STR_INIT("CST"), -360 }, { STR_INIT("CDT"), -300 },
    { STR_INIT("MST"), -420 }, { STR_INIT("MDT"), -360 },
    { STR_INIT("PST"), -480 }, { STR_INIT("PDT"), -420 },
    { STR_INIT("WET"), 0 },    { STR_INIT("WEST"), 60 },
    { STR_INIT("BST"), 60 },   { STR_INIT("CET"), 60 },
    { STR_INIT("MET"), 60 },   { STR_INIT("CEST"), 120 },
    { STR_INIT("MEST"), 120 }, { STR_INIT("EET"), 120 },
    { STR_INIT("EEST"), 180 }, { STR_INIT("MSK"), 180 },
    { STR_INIT("JST"), 540 },  { STR_INIT("KST"), 540 },
    { STR_INIT("AEST"), 600 }, { STR_INIT("AEDT"), 660 },
    { STR_INIT("NZST"), 720 }, { STR_INIT("NZDT"), 780 },
};

/* Named zones nobody knows, and the military ones, say nothing (RFC 5322,
 * 4.3). */
static void read_zone_name(struct str *s, struct mail_date *out)
{
    struct str word = next_letters(s);

    out->zone_odd = true;
    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
        if (str_eq_nocase(word, zones[i].name)) {
            out->zone_min = zones[i].minutes;
            out->zone_odd = false;
        }
}

static void read_zone(struct str *s, struct mail_date *out)
{
    bool minus = s->n > 0 && s->p[0] == '-';
    int value = 0, hours, minutes;
    size_t digits = 0;

    if (!minus && (s->n == 0 || s->p[0] != '+')) {
        read_zone_name(s, out);
        return;
    }
    *s = str_from(*s, 1);
    if (!next_number(s, 4, &value, &digits))
        value = -1;
    if (digits == 2) { /* +01:00, +01 */
        value *= 100;
        if (skip_char(s, ':') && next_number(s, 2, &minutes, &digits))
            value += minutes;
    }
    hours = value / 100;
    minutes = value % 100;
    out->zone_odd =
        value < 0 || hours > 14 || minutes > 59 || (digits != 2 && digits != 4);
    if (!out->zone_odd)
        out->zone_min = (minus ? -1 : 1) * (hours * 60 + minutes);
}

/* Days since the epoch; the era has 400 years and 146097 days. */
static int64_t days_of(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t days = of_era * 365 + of_era / 4 - of_era / 100 + of_year;

    return era * 146097 + days - 719468;
}

static bool in_bounds(const struct parts *p)
{
    static const int days[] = {
        31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };
    bool leap = (p->year % 4 == 0 && p->year % 100 != 0) || p->year % 400 == 0;

    return p->month >= 1 && p->month <= 12 && p->day >= 1 &&
           p->day <= days[p->month - 1] &&
           (p->month != 2 || p->day < 29 || leap) && p->hour < 24 &&
           p->minute < 60 && p->second <= 60;
}

static bool is_iso(struct str s)
{
    return s.n >= 10 && s.p[4] == '-' && s.p[7] == '-' &&
           ascii_is_digit(s.p[0]);
}

/* 2026-01-31T10:00:00Z, 2026-01-31 10:00:00 +0000 */
static bool read_iso(struct str *s, struct parts *p, struct mail_date *out)
{
    size_t digits;

    if (!next_number(s, 4, &p->year, &digits) || !skip_char(s, '-') ||
        !next_number(s, 2, &p->month, &digits) || !skip_char(s, '-') ||
        !next_number(s, 2, &p->day, &digits))
        return false;
    if (!skip_char(s, 'T'))
        skip_blanks(s);
    if (!read_time(s, p))
        return false;
    skip_blanks(s);
    read_zone(s, out);
    return true;
}

/* 31 Jan 2026 10:00:00 +0000, 31-Jan-26 ...; behind the weekday */
static bool read_mail(struct str *s, struct parts *p, struct mail_date *out)
{
    size_t digits;

    if (!next_number(s, 2, &p->day, &digits))
        return false;
    skip_blanks(s);
    skip_char(s, '-');
    p->month = month_of(next_letters(s));
    skip_blanks(s);
    skip_char(s, '-');
    if (!read_year(s, p, out))
        return false;
    skip_blanks(s);
    if (!read_time(s, p))
        return false;
    skip_blanks(s);
    read_zone(s, out);
    return true;
}

/* Jan 31 10:00:00 2026, Jan 31 10:00:00 +0000 2026; behind the weekday */
static bool read_asctime(struct str *s, struct parts *p, struct mail_date *out)
{
    size_t digits;

    p->month = month_of(next_letters(s));
    skip_blanks(s);
    if (p->month == 0 || !next_number(s, 2, &p->day, &digits))
        return false;
    skip_blanks(s);
    if (!read_time(s, p))
        return false;
    skip_blanks(s);
    read_zone(s, out);
    skip_blanks(s);
    return read_year(s, p, out);
}

static bool is_weekday(struct str word)
{
    static const char names[] = "sunmontuewedthufrisat";

    for (size_t i = 0; i < 7 && word.n >= 3; i++)
        if (str_eq_nocase(str_first(word, 3), str_of(names + 3 * i, 3)))
            return true;
    return false;
}

bool mail_date_read(struct str text, struct mail_date *out)
{
    struct str s = str_trim(text), before;
    struct parts p = { 0 };
    bool fine;

    *out = (struct mail_date){ 0 };
    if (s.n > MAIL_DATE_MAX)
        s = str_first(s, MAIL_DATE_MAX);
    skip_blanks(&s);
    before = s;
    if (is_weekday(next_letters(&s)))
        skip_blanks(&s);
    else
        s = before;
    if (s.n == 0)
        return false;
    if (is_iso(s))
        fine = read_iso(&s, &p, out);
    else if (ascii_is_digit(s.p[0]))
        fine = read_mail(&s, &p, out);
    else
        fine = read_asctime(&s, &p, out);
    if (!fine || !in_bounds(&p))
        return false;
    out->wall_ms = ((days_of(p.year, p.month, p.day) * 24 + p.hour) * 60 +
                    p.minute - out->zone_min) *
                       60000 +
                   (int64_t)p.second * 1000;
    return true;
}
