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

static void add_key(const char *key, struct buf *out)
{
    buf_add_char(out, '"');
    buf_add_cstr(out, key);
    buf_add_cstr(out, "\":");
}

/* Of an object's later members; "" is null. */
static void add_text(const char *key, struct str value, struct buf *out)
{
    buf_add_char(out, ',');
    add_key(key, out);
    if (value.n == 0)
        buf_add_cstr(out, "null");
    else
        trace_json_string(value, out);
}

static void add_number(const char *key, int64_t value, struct buf *out)
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
    buf_add_char(out, ',');
    add_key(key, out);
    buf_add(out, str_of(digits + n, sizeof(digits) - n));
}

static void add_bool(const char *key, bool value, struct buf *out)
{
    buf_add_char(out, ',');
    add_key(key, out);
    buf_add_cstr(out, value ? "true" : "false");
}

static void add_null(const char *key, struct buf *out)
{
    add_text(key, STR(""), out);
}

/* --- one hop ------------------------------------------------------------- */

static void add_tls(const struct hop *h, struct buf *out)
{
    const struct hop_tls *t = &h->tls;

    if (h->state != HOP_ENCRYPTED && h->state != HOP_WEAK) {
        add_null("tls", out);
        return;
    }
    buf_add_cstr(out, ",\"tls\":{\"version\":");
    if (t->version.n > 0)
        trace_json_string(t->version, out);
    else
        buf_add_cstr(out, "null");
    if (t->range_low.n > 0 || t->range_high.n > 0) {
        buf_add_cstr(out, ",\"version_range\":[");
        trace_json_string(t->range_low, out);
        buf_add_char(out, ',');
        trace_json_string(t->range_high, out);
        buf_add_char(out, ']');
    } else {
        add_null("version_range", out);
    }
    add_text("cipher", t->cipher, out);
    if (t->bits > 0)
        add_number("bits", t->bits, out);
    else
        add_null("bits", out);
    add_text("client_certificate",
             client_certificate_name(t->client_certificate), out);
    buf_add_char(out, '}');
}

static void add_time(const struct hop *h, struct buf *out)
{
    char text[CLOCK_ISO_SIZE];

    if (h->has_time)
        add_text("time", clock_iso(h->wall_ms, text), out);
    else
        add_null("time", out);
    if (h->has_delay)
        add_number("delay_s", h->delay_ms / 1000, out);
    else
        add_null("delay_s", out);
    add_bool("skew", h->skew, out);
    if (h->skew)
        add_text("skew_why", h->skew_why, out);
}

static void add_hop(const struct hop *h, struct buf *out)
{
    buf_add_cstr(out, "{\"index\":");
    buf_addf(out, "%zu", h->index);
    buf_add_cstr(out, ",\"from\":{\"helo\":");
    if (h->helo.n > 0)
        trace_json_string(h->helo, out);
    else
        buf_add_cstr(out, "null");
    add_text("name", h->name, out);
    add_text("ip", h->ip, out);
    buf_add_char(out, '}');
    add_text("by", h->by, out);
    add_text("with", h->with, out);
    add_text("state", hop_state_name(h->state), out);
    add_text("evidence", hop_evidence_name(h->evidence), out);
    add_text("why", h->why, out);
    add_tls(h, out);
    add_time(h, out);
    add_bool("internal", h->internal, out);
    add_bool("trusted", h->trusted, out);
    add_text("family", h->family, out);
    add_text("contradiction", h->contradiction, out);
    add_text("raw", h->raw, out);
    buf_add_char(out, '}');
}

/* --- the whole ----------------------------------------------------------- */

static void add_boundary(const struct trace *t, struct buf *out)
{
    buf_add_cstr(out, ",\"trust_boundary\":{\"index\":");
    if (t->trust_boundary < t->n)
        buf_addf(out, "%zu", t->trust_boundary);
    else
        buf_add_cstr(out, "null");
    add_bool("assumed", t->trust_assumed, out);
    add_text("text", t->trust_text, out);
    buf_add_char(out, '}');
}

static void add_notes(const struct trace *t, struct buf *out)
{
    buf_add_cstr(out, ",\"notes\":[");
    for (const struct trace_note *n = t->notes; n != NULL; n = n->next) {
        buf_add_cstr(out, "{\"id\":");
        trace_json_string(n->id, out);
        add_text("text", n->text, out);
        buf_add_cstr(out, n->next != NULL ? "}," : "}");
    }
    buf_add_char(out, ']');
}

void trace_json(const struct trace *t, struct str name, struct buf *out)
{
    buf_add_cstr(out, "{\"verdict\":");
    trace_json_string(trace_verdict_name(t->verdict), out);
    if (name.n > 0)
        add_text("file", name, out);
    add_text("summary", t->summary, out);
    add_text("advice", t->advice, out);
    add_text("message_id", t->message_id, out);
    add_boundary(t, out);
    buf_add_cstr(out, ",\"hops\":[");
    for (size_t i = 0; i < t->n; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        add_hop(&t->hops[i], out);
    }
    buf_add_char(out, ']');
    if (t->hops_cut > 0)
        add_number("hops_cut", (int64_t)t->hops_cut, out);
    add_notes(t, out);
    buf_add_char(out, '}');
}
