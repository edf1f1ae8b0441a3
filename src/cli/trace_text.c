/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/trace_show.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "cli/check_safe.h"
#include "mail/header.h"

enum { WIDTH = 78, INDENT = 10 };

/* --- words -----------------------------------------------------------------
 */

const char *trace_state_words(enum hop_state state)
{
    static const char *const words[] = {
        [HOP_ENCRYPTED] = "encrypted",
        [HOP_WEAK] = "weakly encrypted",
        [HOP_CLEAR] = "in clear",
        [HOP_NOT_RECORDED] = "not recorded",
        [HOP_LOCAL] = "inside one machine",
        [HOP_NOT_SMTP] = "not by SMTP",
        [HOP_UNREADABLE] = "not understood",
    };

    return words[state];
}

struct str trace_tls_words(const struct hop *hop, struct arena *arena)
{
    const struct hop_tls *t = &hop->tls;
    struct str version = t->version;

    if (hop->state != HOP_ENCRYPTED && hop->state != HOP_WEAK)
        return STR("");
    if (version.n == 0 && t->range_low.n > 0)
        version = arena_printf(arena, "%.*s to %.*s", STR_ARG(t->range_low),
                               STR_ARG(t->range_high));
    if (version.n == 0)
        version = STR("TLS, version not stated");
    if (t->cipher.n == 0)
        return version;
    return arena_printf(arena, "%.*s %.*s", STR_ARG(version),
                        STR_ARG(t->cipher));
}

struct str trace_from_words(const struct hop *hop, struct arena *arena)
{
    struct str name = hop->name.n > 0 ? hop->name : hop->helo;

    if (name.n == 0 && hop->ip.n == 0)
        return STR("(not told)");
    if (hop->ip.n == 0)
        return name;
    return arena_printf(arena, "%.*s%s[%.*s]", STR_ARG(name),
                        name.n > 0 ? " " : "", STR_ARG(hop->ip));
}

struct str trace_by_words(const struct hop *hop, struct arena *arena)
{
    if (hop->family.n == 0 && hop->with.n == 0)
        return STR("");
    return arena_printf(arena, "(%.*s%s%.*s)", STR_ARG(hop->family),
                        hop->family.n > 0 && hop->with.n > 0 ? ", " : "",
                        STR_ARG(hop->with));
}

struct str trace_span_words(int64_t ms, struct arena *arena)
{
    static const struct {
        int64_t s;
        const char *big, *small;
    } units[] = { { 86400, "days", "h" },
                  { 3600, "h", "min" },
                  { 60, "min", "s" } };
    static const int64_t parts[] = { 3600, 60, 1 };
    int64_t s = ms / 1000;

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (s >= 2 * units[i].s)
            return arena_printf(arena, "%lld %s %lld %s",
                                (long long)(s / units[i].s), units[i].big,
                                (long long)(s % units[i].s / parts[i]),
                                units[i].small);
    return arena_printf(arena, "%lld s", (long long)s);
}

struct str trace_time_words(const struct hop *hop, struct arena *arena)
{
    char text[CLOCK_ISO_SIZE];
    struct str later = STR("");

    if (!hop->has_time)
        return STR("(no time told)");
    clock_iso(hop->wall_ms, text);
    if (hop->has_delay)
        later = arena_printf(arena, ", %.*s later",
                             STR_ARG(trace_span_words(hop->delay_ms, arena)));
    return arena_printf(arena, "%.10s %.8s UTC%.*s", text, text + 11,
                        STR_ARG(later));
}

struct str trace_certificate_words(const struct hop *hop)
{
    if (hop->state != HOP_ENCRYPTED && hop->state != HOP_WEAK)
        return STR("");
    if (hop->tls.client_certificate == CERTIFICATE_OK)
        return STR("the receiver verified the sending side's certificate; "
                   "whether the sending side checked the receiver's, no line "
                   "can tell");
    if (hop->tls.client_certificate == CERTIFICATE_BAD)
        return STR("the sending side showed a certificate that did not "
                   "verify; that says nothing about the receiver's");
    return STR("");
}

/* --- onto a terminal -------------------------------------------------------
 */

static size_t put_safe(struct str s, struct buf *out)
{
    size_t columns = 0;

    for (size_t at = 0; at < s.n; columns++) {
        size_t n = safe_hidden(str_from(s, at));

        if (n > 0) {
            buf_add_char(out, '?');
        } else {
            n = utf8_length(str_from(s, at));
            buf_add(out, str_of(s.p + at, n));
        }
        at += n;
    }
    return columns;
}

/* Words in lines; later lines are indented. */
static void put_wrapped(struct str text, size_t column, size_t indent,
                        struct buf *out)
{
    struct str word;
    bool first = true;

    while (str_split(&text, ' ', &word)) {
        if (!first && column + 1 + word.n > WIDTH) {
            buf_addf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!first) {
            buf_add_char(out, ' ');
            column++;
        }
        column += put_safe(word, out);
        first = false;
    }
    buf_add_char(out, '\n');
}

static const char *hue(enum hop_state state, bool color)
{
    if (!color)
        return "";
    switch (state) {
    case HOP_ENCRYPTED:
        return "\033[32m";
    case HOP_WEAK:
    case HOP_NOT_RECORDED:
    case HOP_UNREADABLE:
        return "\033[33m";
    case HOP_CLEAR:
        return "\033[31m";
    case HOP_LOCAL:
    case HOP_NOT_SMTP:
        return "\033[2m";
    }
    return "";
}

static const char *verdict_hue(enum trace_verdict v, bool color)
{
    static const char *const hues[] = {
        [TRACE_ENCRYPTED] = "\033[1;32m",
        [TRACE_NOT_ENCRYPTED] = "\033[1;31m",
        [TRACE_WEAK] = "\033[1;33m",
        [TRACE_UNKNOWN] = "\033[1;33m",
    };

    return color ? hues[v] : "";
}

static const char *off(bool color)
{
    return color ? "\033[0m" : "";
}

/* --- one hop ---------------------------------------------------------------
 */

/* To be told apart without colour, too. */
static const char *mark(const struct hop *h)
{
    static const char *const marks[] = {
        [HOP_ENCRYPTED] = "[ok]",  [HOP_WEAK] = "[!!]",
        [HOP_CLEAR] = "[!!]",      [HOP_NOT_RECORDED] = "[ ?]",
        [HOP_LOCAL] = "[ -]",      [HOP_NOT_SMTP] = "[ -]",
        [HOP_UNREADABLE] = "[ ?]",
    };

    return h->internal ? "[ -]" : marks[h->state];
}

static void put_row(const char *name, struct str value, struct str more,
                    struct buf *out)
{
    size_t columns;

    if (value.n == 0)
        return;
    buf_addf(out, "%*s%-6s", INDENT, "", name);
    columns = INDENT + 6 + put_safe(value, out);
    if (more.n > 0) {
        if (columns + 2 + more.n > WIDTH)
            buf_addf(out, "\n%*s", INDENT + 6, "");
        else
            buf_add_cstr(out, "  ");
        put_safe(more, out);
    }
    buf_add_char(out, '\n');
}

static void put_note(struct str text, struct buf *out)
{
    if (text.n == 0)
        return;
    buf_addf(out, "%*s", INDENT, "");
    put_wrapped(text, INDENT, INDENT, out);
}

static void put_state(const struct hop *h, bool color, struct arena *arena,
                      struct buf *out)
{
    struct str tls = trace_tls_words(h, arena);

    buf_addf(out, "%s%s%s%4zu  %s%s%s%s",
             hue(h->internal ? HOP_LOCAL : h->state, color), mark(h),
             off(color), h->index + 1,
             hue(h->internal ? HOP_LOCAL : h->state, color),
             trace_state_words(h->state), off(color), tls.n > 0 ? "  " : "");
    put_safe(tls, out);
    buf_add_char(out, '\n');
}

static void put_hop(const struct hop *h, bool color, struct arena *arena,
                    struct buf *out)
{
    put_state(h, color, arena, out);
    put_row("from", trace_from_words(h, arena), STR(""), out);
    put_row("to", h->by.n > 0 ? h->by : STR("(not told)"),
            trace_by_words(h, arena), out);
    put_row("at", trace_time_words(h, arena), STR(""), out);
    if (h->internal && h->state != HOP_LOCAL)
        put_note(STR("inside one organisation"), out);
    if (!h->internal && h->evidence != EVIDENCE_CLAUSE)
        put_note(h->why, out);
    put_note(trace_certificate_words(h), out);
    put_note(h->contradiction, out);
    put_note(h->skew_why, out);
    if (h->state == HOP_UNREADABLE)
        put_note(str_first(h->raw, 400), out);
    buf_add_char(out, '\n');
}

static void put_boundary(bool color, struct buf *out)
{
    buf_addf(out,
             "%s- - - - -  above: claimed by others | below: written by your "
             "own  - - - - -%s\n\n",
             color ? "\033[1m" : "", off(color));
}

static void put_hops(const struct trace *t, bool color, struct arena *arena,
                     struct buf *out)
{
    for (size_t i = 0; i < t->n; i++) {
        if (i == t->trust_boundary && i > 0)
            put_boundary(color, out);
        put_hop(&t->hops[i], color, arena, out);
    }
    if (t->hops_cut > 0)
        buf_addf(out, "%*s... and %zu more lines that were not read\n\n",
                 INDENT, "", t->hops_cut);
}

/* --- the whole -------------------------------------------------------------
 */

static void put_field(const char *name, struct str value, struct buf *out)
{
    struct buf text = { 0 };

    if (value.n == 0)
        return;
    header_decode(str_first(value, 1000), &text);
    buf_addf(out, "  %-9s", name);
    put_safe(str_first(buf_str(&text), 200), out);
    buf_add_char(out, '\n');
    buf_free(&text);
}

void trace_text(const struct trace *t, struct str name, bool color,
                struct buf *out)
{
    struct arena arena = { 0 };
    struct str verdict = trace_verdict_name(t->verdict);

    if (name.n > 0) {
        put_safe(name, out);
        buf_add_cstr(out, "\n");
    }
    buf_add_cstr(out, verdict_hue(t->verdict, color));
    for (size_t i = 0; i < verdict.n; i++)
        buf_add_char(out, verdict.p[i] >= 'a' && verdict.p[i] <= 'z'
                              ? (char)(verdict.p[i] - 32)
                              : verdict.p[i]);
    buf_addf(out, "%s  ", off(color));
    put_wrapped(t->summary, verdict.n + 2, 0, out);
    if (t->advice.n > 0) {
        bool good = t->verdict == TRACE_ENCRYPTED;
        size_t indent = good ? 14 : 12;

        buf_add_cstr(out, good ? "Keep in mind: " : "What to do: ");
        put_wrapped(t->advice, indent, indent, out);
    }
    buf_add_char(out, '\n');
    put_field("from", t->from, out);
    put_field("to", t->to, out);
    put_field("subject", t->subject, out);
    put_field("date", t->date, out);
    if (t->n > 0)
        buf_add_cstr(out, "\nThe way, oldest first:\n\n");
    put_hops(t, color, &arena, out);
    if (t->trust_text.n > 0)
        put_wrapped(t->trust_text, 0, 0, out);
    if (t->has_total && t->n > 1)
        buf_addf(out, "From the first to the last line you trust: %.*s.\n",
                 STR_ARG(trace_span_words(t->total_ms, &arena)));
    for (const struct trace_note *n = t->notes; n != NULL; n = n->next) {
        buf_add_cstr(out, "Note: ");
        put_wrapped(n->text, 6, 6, out);
    }
    arena_free(&arena);
}
