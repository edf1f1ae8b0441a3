/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates as mail servers write them (RFC 5322, 3.3 and 4.3), odd ones included:
 * years of two digits, named and military zones, no weekday, asctime and ISO
 * order. What cannot be a date is said to be none. Pure.
 */
#ifndef POSTSEAL_MAIL_DATE_H
#define POSTSEAL_MAIL_DATE_H

#include "base/str.h"

struct mail_date {
    int64_t wall_ms; /* UTC */
    int zone_min;    /* east of UTC, as stated */
    bool zone_odd;   /* absent, unknown or absurd ("+9999"): read as UTC */
    bool year_short; /* two or three digits */
};

enum { MAIL_DATE_MAX = 128 }; /* octets that are looked at */

/* The whole of text; comments and words behind the zone do not matter. */
bool mail_date_read(struct str text, struct mail_date *out);

#endif
