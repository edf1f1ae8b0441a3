/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/trace_show.h"

#include "base/clock.h"
#include "base/utf8.h"

enum { WIDTH = 78 };

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

/* --- onto a terminal -------------------------------------------------------
 */

/* Strangers' octets: control characters, also those of C1, and what is no
 * UTF-8 become "?". */
static size_t put_safe(struct str s, struct buf *out)
{
    size_t columns = 0;

    for (size_t at = 0; at < s.n; columns++) {
        size_t n = utf8_length(str_from(s, at));
        unsigned char c = (unsigned char)s.p[at];
        bool c1 = n == 2 && c == 0xc2 && (unsigned char)s.p[at + 1] < 0xa0;
        /* Marks that turn the direction of a line (U+200E.., U+202A..,
         * U+2066..) would let a name rewrite what stands beside it. */
        bool turns = n == 3 && c == 0xe2 &&
                     ((unsigned char)s.p[at + 1] == 0x80 ||
                      (unsigned char)s.p[at + 1] == 0x81);

        if (n == 0 || c < 0x20 || c == 0x7f || c1 || turns)
            buf_add_char(out, '?');
        else
            buf_add(out, str_of(s.p + at, n));
        at += n == 0 ? 1 : n;
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

static void put_time(const struct hop *h, struct buf *out)
{
    char text[CLOCK_ISO_SIZE];

    if (h->has_time) {
        clock_iso(h->wall_ms, text);
        buf_addf(out, "%.10s %.8s UTC", text, text + 11);
    } else {
        buf_add_cstr(out, "(no time)");
    }
    if (h->has_delay)
        buf_addf(out, "  +%lld s", (long long)(h->delay_ms / 1000));
}

static void put_note(struct str text, struct buf *out)
{
    if (text.n == 0)
        return;
    buf_add_cstr(out, "      ");
    put_wrapped(text, 6, 6, out);
}

static void put_hop(const struct hop *h, bool color, struct arena *arena,
                    struct buf *out)
{
    struct str tls = trace_tls_words(h, arena);

    buf_addf(out, "%4zu  ", h->index + 1);
    put_safe(trace_from_words(h, arena), out);
    buf_add_cstr(out, "\n      -> ");
    put_safe(h->by.n > 0 ? h->by : STR("(not told)"), out);
    buf_add_cstr(out, "   ");
    put_time(h, out);
    buf_addf(out, "\n      %s%s%s",
             hue(h->internal ? HOP_LOCAL : h->state, color),
             trace_state_words(h->state), off(color));
    if (tls.n > 0) {
        buf_add_cstr(out, "  ");
        put_safe(tls, out);
    }
    if (h->with.n > 0) {
        buf_add_cstr(out, "  (");
        put_safe(h->with, out);
        buf_add_cstr(out, h->internal ? ", internal)" : ")");
    } else if (h->internal) {
        buf_add_cstr(out, "  (internal)");
    }
    buf_add_char(out, '\n');
    if (!h->internal)
        put_note(h->why, out);
    put_note(h->contradiction, out);
    put_note(h->skew_why, out);
    if (h->state == HOP_UNREADABLE)
        put_note(str_first(h->raw, 400), out);
}

static void put_hops(const struct trace *t, bool color, struct arena *arena,
                     struct buf *out)
{
    for (size_t i = 0; i < t->n; i++) {
        if (i == t->trust_boundary && i > 0)
            buf_addf(out,
                     "      %s- - above: only claimed, below: written by "
                     "receivers you trust - -%s\n",
                     color ? "\033[2m" : "", off(color));
        put_hop(&t->hops[i], color, arena, out);
    }
    if (t->hops_cut > 0)
        buf_addf(out, "      ... and %zu more lines that were not read\n",
                 t->hops_cut);
}

/* --- the whole -------------------------------------------------------------
 */

static void put_field(const char *name, struct str value, struct buf *out)
{
    if (value.n == 0)
        return;
    buf_addf(out, "  %-9s", name);
    put_safe(str_first(value, 200), out);
    buf_add_char(out, '\n');
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
        buf_add_cstr(out, "\nOldest first:\n\n");
    put_hops(t, color, &arena, out);
    if (t->trust_text.n > 0) {
        buf_add_char(out, '\n');
        put_wrapped(t->trust_text, 0, 0, out);
    }
    for (const struct trace_note *n = t->notes; n != NULL; n = n->next) {
        buf_add_cstr(out, "Note: ");
        put_wrapped(n->text, 6, 6, out);
    }
    arena_free(&arena);
}
