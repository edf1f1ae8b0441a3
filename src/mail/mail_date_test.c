/* SPDX-License-Identifier: Apache-2.0 */
/* Dates in order and out of it (HA-05). */
#include "mail/mail_date.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_dates(void **state)
{
    static const struct {
        const char *in, *utc; /* NULL: none */
        bool zone_odd, year_short;
    } rows[] = {
        { "Thu, 1 Jan 2026 10:00:05 +0000", "2026-01-01T10:00:05.000Z" },
        { "Thu, 01 Jan 2026 11:00:05 +0100 (CET)", "2026-01-01T10:00:05.000Z" },
        { "1 Jan 2026 05:00:05 -0500", "2026-01-01T10:00:05.000Z" },
        { "1 Jan 2026 10:00:05 -0000", "2026-01-01T10:00:05.000Z" },
        { "Thu,1 Jan 2026 10:00:05 GMT", "2026-01-01T10:00:05.000Z" },
        { "Thu 1 Jan 2026 10:00:05 UT", "2026-01-01T10:00:05.000Z" },
        { "Thursday, 1 January 2026 10:00:05 Z", "2026-01-01T10:00:05.000Z" },
        { "Thu, 1 Jan 2026 10:00 +0000", "2026-01-01T10:00:00.000Z" },
        { "Thu, (a) 1 (b (c)) Jan 2026 10:00:05 (d) +0000",
          "2026-01-01T10:00:05.000Z" },
        { "\t Thu, 1\tJan 2026  10:00:05 +0000 ", "2026-01-01T10:00:05.000Z" },
        { "1 Jan 2026 05:00:05 EST", "2026-01-01T10:00:05.000Z" },
        { "1 Jan 2026 03:00:05 PDT", "2026-01-01T10:00:05.000Z" },
        { "1 Jan 2026 11:00:05 CET", "2026-01-01T10:00:05.000Z" },
        { "1 Jan 2026 10:00:05 XYZ", "2026-01-01T10:00:05.000Z", true },
        { "1 Jan 2026 10:00:05 A", "2026-01-01T10:00:05.000Z", true },
        { "1 Jan 2026 10:00:05", "2026-01-01T10:00:05.000Z", true },
        { "1 Jan 2026 10:00:05 +9999", "2026-01-01T10:00:05.000Z", true },
        { "1 Jan 2026 10:00:05 +1500", "2026-01-01T10:00:05.000Z", true },
        { "1 Jan 2026 10:00:05 +0075", "2026-01-01T10:00:05.000Z", true },
        { "1 Jan 2026 10:00:05 +123456", "2026-01-01T10:00:05.000Z", true },
        { "1 Jan 2026 10:00:05 +", "2026-01-01T10:00:05.000Z", true },
        { "1 Jan 2026 11:00:05 +01:00", "2026-01-01T10:00:05.000Z" },
        { "1 Jan 2026 15:45:05 +0545", "2026-01-01T10:00:05.000Z" },
        { "1 Jan 26 10:00:05 +0000", "2026-01-01T10:00:05.000Z", false, true },
        { "1 Jan 99 10:00:05 +0000", "1999-01-01T10:00:05.000Z", false, true },
        { "1 Jan 126 10:00:05 +0000", "2026-01-01T10:00:05.000Z", false, true },
        { "1-Jan-2026 10:00:05 +0000", "2026-01-01T10:00:05.000Z" },
        { "Thu Jan  1 10:00:05 2026", "2026-01-01T10:00:05.000Z", true },
        { "Thu Jan 1 11:00:05 CET 2026", "2026-01-01T10:00:05.000Z" },
        { "Thu Jan 1 11:00:05 +0100 2026", "2026-01-01T10:00:05.000Z" },
        { "2026-01-01T10:00:05Z", "2026-01-01T10:00:05.000Z" },
        { "2026-01-01 11:00:05.123 +0100", "2026-01-01T10:00:05.000Z" },
        { "1 Jan 1970 00:00:00 +0000", "1970-01-01T00:00:00.000Z" },
        { "29 Feb 2024 00:00:00 +0000", "2024-02-29T00:00:00.000Z" },
        { "31 Dec 2016 23:59:60 +0000", "2017-01-01T00:00:00.000Z" },
        { "Fri, 31 Dec 9999 23:59:59 +0000", "9999-12-31T23:59:59.000Z" },
        { "29 Feb 2023 00:00:00 +0000", NULL },
        { "31 Apr 2026 00:00:00 +0000", NULL },
        { "0 Jan 2026 00:00:00 +0000", NULL },
        { "32 Jan 2026 00:00:00 +0000", NULL },
        { "1 Foo 2026 00:00:00 +0000", NULL },
        { "1 Jan 2026 24:00:00 +0000", NULL },
        { "1 Jan 2026 10:60:00 +0000", NULL },
        { "1 Jan 2026 10:00:61 +0000", NULL },
        { "1 Jan 12026 10:00:05 +0000", NULL },
        { "1 Jan 2 10:00:05 +0000", NULL },
        { "1 Jan 2026", NULL },
        { "Thu,", NULL },
        { "yesterday", NULL },
        { "()", NULL },
        { "(", NULL },
        { "", NULL },
        { "99999999999999999999999999 Jan 2026 10:00:05 +0000", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[CLOCK_ISO_SIZE];
        struct mail_date date;
        bool got = mail_date_read(str_from_cstr(rows[i].in), &date);

        if (got != (rows[i].utc != NULL))
            fail_msg("%s: %d", rows[i].in, got);
        if (!got)
            continue;
        if (strcmp(clock_iso(date.wall_ms, text).p, rows[i].utc) != 0)
            fail_msg("%s: %s", rows[i].in, text);
        if (date.zone_odd != rows[i].zone_odd ||
            date.year_short != rows[i].year_short)
            fail_msg("%s: zone %d, year %d", rows[i].in, date.zone_odd,
                     date.year_short);
    }
}

/* Every day from 1970 to 2100, as our own clock writes it. */
static void test_every_day(void **state)
{
    char text[CLOCK_RFC5322_SIZE];
    struct mail_date date;

    (void)state;
    for (int64_t day = 0; day < 47482; day++) {
        int64_t ms = day * 86400000 + day % 86400 * 1000;

        assert_true(mail_date_read(clock_rfc5322(ms, text), &date));
        assert_int_equal(date.wall_ms, ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_every_day),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
