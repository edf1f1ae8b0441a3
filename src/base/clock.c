/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static _Atomic int64_t wall_shift_ms;

static int64_t read_ms(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
    return read_ms(CLOCK_REALTIME) + atomic_load(&wall_shift_ms);
}

int64_t clock_mono_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

void clock_shift_wall_ms(int64_t shift_ms)
{
    atomic_store(&wall_shift_ms, shift_ms);
}

static struct tm utc(int64_t wall_ms)
{
    /* Years beyond four digits do not fit the formats; the clock is wrong. */
    const int64_t last = 253402300799;
    int64_t whole = wall_ms >= 0 ? wall_ms / 1000 : 0;
    time_t seconds = (time_t)(whole > last ? last : whole);
    struct tm tm;

    gmtime_r(&seconds, &tm);
    return tm;
}

struct str clock_iso(int64_t wall_ms, char out[CLOCK_ISO_SIZE])
{
    struct tm tm = utc(wall_ms);
    unsigned ms = wall_ms > 0 ? (unsigned)(wall_ms % 1000) : 0;
    size_t n = strftime(out, CLOCK_ISO_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);

    n += (size_t)snprintf(out + n, CLOCK_ISO_SIZE - n, ".%03uZ", ms);
    return str_of(out, n);
}

struct str clock_rfc5322(int64_t wall_ms, char out[CLOCK_RFC5322_SIZE])
{
    static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed",
                                     "Thu", "Fri", "Sat" };
    static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr",
                                        "May", "Jun", "Jul", "Aug",
                                        "Sep", "Oct", "Nov", "Dec" };
    struct tm tm = utc(wall_ms);
    int n =
        snprintf(out, CLOCK_RFC5322_SIZE, "%s, %d %s %d %02d:%02d:%02d +0000",
                 days[tm.tm_wday % 7], tm.tm_mday, months[tm.tm_mon % 12],
                 tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);

    return str_of(out,
                  n < CLOCK_RFC5322_SIZE ? (size_t)n : CLOCK_RFC5322_SIZE - 1);
}
