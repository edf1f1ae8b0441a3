/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/trace_inner.h"

enum { MINUTE_MS = 60000, FUTURE_MS = 10 * MINUTE_MS };

/* Mail is older than that nowhere: a clock that was never set. */
static const int64_t mail_begins_ms = 315532800000; /* 1980 */

static bool is_absurd(const struct trace_work *w, size_t i, struct str *why)
{
    const struct hop *hop = &w->out->hops[i];

    if (w->facts[i].zone_odd)
        *why = STR("its time zone is missing, unknown or impossible");
    else if (hop->wall_ms < mail_begins_ms)
        *why = STR("the clock of this receiver was not set");
    else if (hop->wall_ms > w->now_wall_ms + FUTURE_MS)
        *why = STR("the time lies in the future: the clock of this receiver "
                   "is ahead, or its time zone is wrong");
    else
        return false;
    return true;
}

static bool near_hours(int64_t ms)
{
    int64_t hour = 60 * MINUTE_MS, off = ms % hour;

    return ms >= hour - 2 * MINUTE_MS &&
           (off <= 2 * MINUTE_MS || off >= hour - 2 * MINUTE_MS);
}

static struct str culprit(const struct trace_work *w, size_t before, size_t i,
                          bool before_is_ahead)
{
    const struct hop *hops = w->out->hops;

    if (near_hours(hops[before].wall_ms - hops[i].wall_ms))
        return STR("earlier than the hop before it by whole hours: one of the "
                   "two has a wrong time zone");
    if (before_is_ahead)
        return STR("earlier than the hop before it, and so are later hops: "
                   "the clock of the receiver before it is ahead");
    if (hops[i].trusted && !hops[before].trusted)
        return STR("earlier than the hop before it: the time of that hop is "
                   "only claimed, its clock is likely ahead");
    return STR("earlier than the hop before it: the clock of this receiver is "
               "behind, or that of the one before it is ahead");
}

/* The next believable time behind hop i is earlier than that before it. */
static bool later_agrees(const struct trace_work *w, size_t before, size_t next)
{
    const struct hop *hops = w->out->hops;

    return next < w->out->n && hops[next].wall_ms < hops[before].wall_ms;
}

static void total(struct trace *out)
{
    const struct hop *first = NULL, *last = NULL;

    for (size_t i = 0; i < out->n; i++) {
        const struct hop *hop = &out->hops[i];

        if (!hop->trusted || !hop->has_time || hop->skew)
            continue;
        if (first == NULL)
            first = hop;
        last = hop;
    }
    if (first == NULL || last == first || last->wall_ms < first->wall_ms)
        return;
    out->has_total = true;
    out->total_ms = last->wall_ms - first->wall_ms;
}

static size_t next_believable(const struct trace *out, size_t i)
{
    for (i++; i < out->n; i++)
        if (out->hops[i].has_time && !out->hops[i].skew)
            break;
    return i;
}

void trace_time(struct trace_work *w)
{
    struct trace *out = w->out;
    size_t before = out->n, next;

    for (size_t i = 0; i < out->n; i++)
        if (out->hops[i].has_time)
            out->hops[i].skew = is_absurd(w, i, &out->hops[i].skew_why);
    for (size_t i = next_believable(out, (size_t)-1); i < out->n; i = next) {
        struct hop *hop = &out->hops[i];

        next = next_believable(out, i);
        if (before < out->n) {
            hop->delay_ms = hop->wall_ms - out->hops[before].wall_ms;
            hop->has_delay = hop->delay_ms >= 0;
            hop->skew = !hop->has_delay;
        }
        if (hop->skew) {
            hop->delay_ms = 0;
            hop->skew_why =
                culprit(w, before, i, later_agrees(w, before, next));
        }
        if (!hop->skew || later_agrees(w, before, next) ||
            (hop->trusted && !out->hops[before].trusted))
            before = i;
    }
    total(out);
}
