/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which lines count. Received lines are put on top one after the other, so
 * trust begins at the top and ends where a trusted server says that it got the
 * message from a stranger: whatever stands below, the stranger may have
 * written, also lines in the name of our own servers.
 */
#include "mail/trace_inner.h"

/* A hop that brought the message from another machine of the same house. */
static bool from_inside(const struct trace_work *w, size_t i)
{
    const struct hop *hop = &w->out->hops[i];

    return hop->internal || (w->facts[i].ip_recorded && w->trust_n > 0 &&
                             trace_trusts(w, hop->name, hop->ip));
}

/* A line of a trusted receiver, given that all lines above are. */
static bool is_ours(const struct trace_work *w, size_t i)
{
    const struct hop *hop = &w->out->hops[i];

    if (hop->state == HOP_UNREADABLE)
        return false;
    if (w->trust_n == 0)
        return true;
    if (trace_trusts(w, hop->by, w->facts[i].by_ip))
        return true;
    if (i + 1 < w->out->n && w->facts[i + 1].ip_recorded &&
        trace_trusts(w, STR(""), w->out->hops[i + 1].ip))
        return true; /* the line above names the address it came from */
    return hop->internal && trace_reach(w->facts[i].by_ip) != REACH_PUBLIC &&
           (hop->state == HOP_LOCAL || w->facts[i].inside);
}

static void note_forged(struct trace_work *w, size_t boundary)
{
    for (size_t i = 0; i < boundary; i++)
        if (w->trust_n > 0 &&
            trace_trusts(w, w->out->hops[i].by, w->facts[i].by_ip)) {
            trace_note(w, STR("claimed-received"),
                       STR("A line below the boundary bears the name of a "
                           "receiver you trust, but the trusted line above it "
                           "got the message from an address that is not "
                           "yours: it may be forged. If that address is yours, "
                           "name it with --trust."));
            return;
        }
}

static void describe(struct trace_work *w)
{
    struct trace *out = w->out;
    struct str by;

    if (out->n == 0)
        return;
    if (out->trust_boundary == out->n) {
        out->trust_text = STR("No line from the top was written by a receiver "
                              "you trust: every line is only claimed.");
        return;
    }
    by = trace_plain(out->hops[out->trust_boundary].by, STR("your receiver"));
    if (out->trust_assumed)
        out->trust_text = arena_printf(
            w->arena,
            "%.*s is taken as yours (name your receivers with --trust); "
            "lines below its own are only claimed by their writers.",
            STR_ARG(by));
    else
        out->trust_text = arena_printf(
            w->arena,
            "Trusted down to the line of %.*s; lines below it are only claimed "
            "by their writers.",
            STR_ARG(by));
}

void trace_trust(struct trace_work *w)
{
    struct trace *out = w->out;

    out->trust_assumed = w->trust_n == 0;
    out->trust_boundary = out->n;
    for (size_t i = out->n; i-- > 0;) {
        if (!is_ours(w, i))
            break;
        out->hops[i].trusted = true;
        out->trust_boundary = i;
        if (!from_inside(w, i))
            break;
    }
    if (out->trust_boundary < out->n)
        note_forged(w, out->trust_boundary);
    describe(w);
}
