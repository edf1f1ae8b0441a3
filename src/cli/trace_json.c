/* SPDX-License-Identifier: Apache-2.0 */
/* Written straight into a buffer: thirty thousand of these a second. */
#include "cli/trace_show.h"

#include "base/clock.h"
#include "base/utf8.h"

/* Octets that stand for themselves inside a JSON string. */
static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void add_escaped(unsigned char c, struct buf *out)
{
    static const char digits[] = "0123456789abcdef";

    switch (c) {
    case '"':
    case '\\':
        buf_add_char(out, '\\');
        buf_add_char(out, (char)c);
        return;
    case '\n':
        buf_add_cstr(out, "\\n");
        return;
    case '\t':
        buf_add_cstr(out, "\\t");
        return;
    default:
        buf_add_cstr(out, "\\u00");
        buf_add_char(out, digits[c >> 4]);
        buf_add_char(out, digits[c & 15]);
    }
}

void trace_json_string(struct str s, struct buf *out)
{
    size_t at = 0;

    buf_add_char(out, '"');
    while (at < s.n) {
        size_t from = at, n;

        while (at < s.n && is_plain((unsigned char)s.p[at]))
            at++;
        buf_add(out, str_of(s.p + from, at - from));
        if (at == s.n)
            break;
        if ((unsigned char)s.p[at] < 0x80) {
            add_escaped((unsigned char)s.p[at++], out);
            continue;
        }
        n = utf8_length(str_from(s, at));
        if (n == 0)
            buf_add_cstr(out, "\xef\xbf\xbd"); /* U+FFFD */
        else
            buf_add(out, str_of(s.p + at, n));
        at += n == 0 ? 1 : n;
    }
    buf_add_char(out, '"');
}

/* A member's name with what stands around it. */
#define KEY(name) STR(",\"" name "\":")

static void add_value(struct str value, struct buf *out)
{
    if (value.n == 0)
        buf_add(out, STR("null"));
    else
        trace_json_string(value, out);
}

/* Of an object's later members; "" is null. */
static void add_text(struct str key, struct str value, struct buf *out)
{
    buf_add(out, key);
    add_value(value, out);
}

static void add_number(struct str key, int64_t value, struct buf *out)
{
    char digits[24];
    size_t n = sizeof(digits);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        digits[--n] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        digits[--n] = '-';
    buf_add(out, key);
    buf_add(out, str_of(digits + n, sizeof(digits) - n));
}

static void add_bool(struct str key, bool value, struct buf *out)
{
    buf_add(out, key);
    buf_add(out, value ? STR("true") : STR("false"));
}

static void add_null(struct str key, struct buf *out)
{
    add_text(key, STR(""), out);
}

/* --- one hop ------------------------------------------------------------- */

static void add_tls(const struct hop *h, struct buf *out)
{
    const struct hop_tls *t = &h->tls;

    if (h->state != HOP_ENCRYPTED && h->state != HOP_WEAK) {
        add_null(KEY("tls"), out);
        return;
    }
    add_text(STR(",\"tls\":{\"version\":"), t->version, out);
    if (t->range_low.n > 0 || t->range_high.n > 0) {
        buf_add_cstr(out, ",\"version_range\":[");
        trace_json_string(t->range_low, out);
        buf_add_char(out, ',');
        trace_json_string(t->range_high, out);
        buf_add_char(out, ']');
    } else {
        add_null(KEY("version_range"), out);
    }
    add_text(KEY("cipher"), t->cipher, out);
    if (t->bits > 0)
        add_number(KEY("bits"), t->bits, out);
    else
        add_null(KEY("bits"), out);
    add_text(KEY("client_certificate"),
             client_certificate_name(t->client_certificate), out);
    buf_add_char(out, '}');
}

static void add_time(const struct hop *h, struct buf *out)
{
    char text[CLOCK_ISO_SIZE];

    if (h->has_time)
        add_text(KEY("time"), clock_iso(h->wall_ms, text), out);
    else
        add_null(KEY("time"), out);
    if (h->has_delay)
        add_number(KEY("delay_s"), h->delay_ms / 1000, out);
    else
        add_null(KEY("delay_s"), out);
    add_bool(KEY("skew"), h->skew, out);
    if (h->skew)
        add_text(KEY("skew_why"), h->skew_why, out);
}

static void add_hop(const struct hop *h, struct buf *out)
{
    add_number(STR("{\"index\":"), (int64_t)h->index, out);
    add_text(STR(",\"from\":{\"helo\":"), h->helo, out);
    add_text(KEY("name"), h->name, out);
    add_text(KEY("ip"), h->ip, out);
    buf_add_char(out, '}');
    add_text(KEY("by"), h->by, out);
    add_text(KEY("with"), h->with, out);
    add_text(KEY("state"), hop_state_name(h->state), out);
    add_text(KEY("evidence"), hop_evidence_name(h->evidence), out);
    add_text(KEY("why"), h->why, out);
    add_tls(h, out);
    add_time(h, out);
    add_bool(KEY("internal"), h->internal, out);
    add_bool(KEY("trusted"), h->trusted, out);
    add_text(KEY("family"), h->family, out);
    add_text(KEY("contradiction"), h->contradiction, out);
    buf_add(out, KEY("raw"));
    trace_json_string(h->raw, out);
    buf_add_char(out, '}');
}

/* --- the whole ----------------------------------------------------------- */

static void add_boundary(const struct trace *t, struct buf *out)
{
    struct str key = STR(",\"trust_boundary\":{\"index\":");

    if (t->trust_boundary < t->n)
        add_number(key, (int64_t)t->trust_boundary, out);
    else
        add_null(key, out);
    add_bool(KEY("assumed"), t->trust_assumed, out);
    add_text(KEY("text"), t->trust_text, out);
    buf_add_char(out, '}');
}

static void add_notes(const struct trace *t, struct buf *out)
{
    buf_add_cstr(out, ",\"notes\":[");
    for (const struct trace_note *n = t->notes; n != NULL; n = n->next) {
        add_text(STR("{\"id\":"), n->id, out);
        add_text(KEY("text"), n->text, out);
        buf_add_cstr(out, n->next != NULL ? "}," : "}");
    }
    buf_add_char(out, ']');
}

void trace_json(const struct trace *t, struct str name, struct buf *out)
{
    add_text(STR("{\"verdict\":"), trace_verdict_name(t->verdict), out);
    if (name.n > 0)
        add_text(KEY("file"), name, out);
    add_text(KEY("summary"), t->summary, out);
    add_text(KEY("advice"), t->advice, out);
    add_text(KEY("message_id"), t->message_id, out);
    add_boundary(t, out);
    buf_add_cstr(out, ",\"hops\":[");
    for (size_t i = 0; i < t->n; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        add_hop(&t->hops[i], out);
    }
    buf_add_char(out, ']');
    if (t->has_total)
        add_number(KEY("total_s"), t->total_ms / 1000, out);
    else
        add_null(KEY("total_s"), out);
    if (t->hops_cut > 0)
        add_number(KEY("hops_cut"), (int64_t)t->hops_cut, out);
    add_notes(t, out);
    buf_add_char(out, '}');
}
