/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/trace_show.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "cli/check_safe.h"
#include "mail/header.h"

static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
    "'none'; style-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, "
    "initial-scale=1\">\n<title>Was it encrypted?</title>\n<style>\n"
    ":root{color-scheme:light dark;--fg:#1b1f24;--bg:#fff;--dim:#57606a;"
    "--line:#d0d7de;--good:#116329;--goodbg:#dafbe1;--bad:#a40e26;"
    "--badbg:#ffebe9;--warn:#7d4e00;--warnbg:#fff8c5}\n"
    "@media (prefers-color-scheme:dark){:root{--fg:#e6edf3;--bg:#0d1117;"
    "--dim:#9198a1;--line:#3d444d;--good:#7ee787;--goodbg:#0f2d19;"
    "--bad:#ffa198;--badbg:#3c1418;--warn:#e3b341;--warnbg:#3a2d0c}}\n"
    "body{font:16px/1.45 system-ui,sans-serif;color:var(--fg);"
    "background:var(--bg);max-width:52rem;margin:0 auto;padding:1rem}\n"
    "h1{font-size:1.3rem;margin:.2rem 0}h2{font-size:1.05rem;"
    "margin:1.6rem 0 .4rem}\n"
    ".verdict{border-radius:.6rem;padding:.9rem 1rem;margin:.6rem 0}\n"
    ".good{color:var(--good);background:var(--goodbg)}"
    ".bad{color:var(--bad);background:var(--badbg)}"
    ".warn{color:var(--warn);background:var(--warnbg)}"
    ".dim{color:var(--dim)}\n"
    "dl{display:grid;grid-template-columns:auto 1fr;gap:.15rem .8rem;"
    "margin:.6rem 0}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}\n"
    "ol{list-style:none;padding:0;margin:0}\n"
    "li.hop{border:1px solid var(--line);border-radius:.6rem;"
    "padding:.6rem .8rem;margin:.5rem 0;overflow-wrap:anywhere}\n"
    ".tag{display:inline-block;border-radius:1rem;padding:0 .6rem;"
    "font-weight:600;font-size:.9rem}\n"
    ".edge{border-top:2px dashed var(--line);color:var(--dim);"
    "font-size:.9rem;padding-top:.3rem;margin:1rem 0}\n"
    "details{margin-top:.3rem}summary{cursor:pointer;color:var(--dim)}\n"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.8rem}\n"
    ".hop p{margin:0}.who{float:right;color:var(--dim);font-size:.8rem}"
    ".paper{display:none}\n"
    "@media print{body{max-width:none;font-size:11pt;padding:0}"
    "details{display:none}.paper{display:block}.hop{break-inside:avoid}"
    ".verdict{border:1px solid}}\n"
    "</style>\n</head>\n<body>\n";

static void put(struct str s, struct buf *out)
{
    for (size_t at = 0; at < s.n;) {
        size_t n = safe_hidden(str_from(s, at));
        char c = s.p[at];

        if (n > 0 && c != '\t')
            buf_add_cstr(out, "\xef\xbf\xbd"); /* U+FFFD */
        else if (c == '<')
            buf_add_cstr(out, "&lt;");
        else if (c == '>')
            buf_add_cstr(out, "&gt;");
        else if (c == '&')
            buf_add_cstr(out, "&amp;");
        else if (c == '"')
            buf_add_cstr(out, "&quot;");
        else
            buf_add(out, str_of(s.p + at, utf8_length(str_from(s, at))));
        at += n > 0 ? n : utf8_length(str_from(s, at));
    }
}

static void put_in(const char *open, struct str s, const char *close,
                   struct buf *out)
{
    if (s.n == 0)
        return;
    buf_add_cstr(out, open);
    put(s, out);
    buf_add_cstr(out, close);
}

/* With encoded words (RFC 2047) read. */
static void put_field(const char *name, struct str value, struct buf *out)
{
    struct buf text = { 0 };

    header_decode(value, &text);
    buf_addf(out, "<dt>%s</dt>", name);
    put_in("<dd>", buf_str(&text), "</dd>", out);
    buf_free(&text);
}

static void put_head(const struct trace *t, struct buf *out)
{
    const struct {
        const char *name;
        struct str value;
    } fields[] = {
        { "from", t->from },          { "to", t->to },
        { "subject", t->subject },    { "date", t->date },
        { "message", t->message_id },
    };

    buf_add_cstr(out, "<dl>");
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (fields[i].value.n > 0)
            put_field(fields[i].name, fields[i].value, out);
    buf_add_cstr(out, "</dl>\n");
}

static const char *hue(enum hop_state state)
{
    switch (state) {
    case HOP_ENCRYPTED:
        return "good";
    case HOP_CLEAR:
        return "bad";
    case HOP_WEAK:
    case HOP_NOT_RECORDED:
    case HOP_UNREADABLE:
        return "warn";
    case HOP_LOCAL:
    case HOP_NOT_SMTP:
        break;
    }
    return "dim";
}

static const char *verdict_hue(enum trace_verdict v)
{
    return v == TRACE_ENCRYPTED       ? "good"
           : v == TRACE_NOT_ENCRYPTED ? "bad"
                                      : "warn";
}

static void put_hop(const struct hop *h, struct arena *arena, struct buf *out)
{
    buf_addf(out,
             "<li class=\"hop\"><p><span class=\"who\">%s</span><b>%zu</b> "
             "<span class=\"tag %s\">%s</span> ",
             h->trusted ? "trusted" : "claimed", h->index + 1,
             h->internal ? "dim" : hue(h->state), trace_state_words(h->state));
    put(trace_tls_words(h, arena), out);
    buf_add_cstr(out, h->internal && h->state != HOP_LOCAL
                          ? " (inside one organisation)</p>"
                          : "</p>");
    buf_add_cstr(out, "<dl><dt>from</dt><dd>");
    put(trace_from_words(h, arena), out);
    put_in("</dd><dt>to</dt><dd>", h->by.n > 0 ? h->by : STR("(not told)"), " ",
           out);
    put_in("<span class=\"dim\">", trace_by_words(h, arena), "</span>", out);
    put_in("</dd><dt>time</dt><dd>", trace_time_words(h, arena), "", out);
    if (!h->internal && h->evidence != EVIDENCE_CLAUSE)
        put_in("</dd><dt>why</dt><dd>", h->why, "", out);
    put_in("</dd><dt>cert</dt><dd>", trace_certificate_words(h), "", out);
    put_in("</dd><dt>but</dt><dd>", h->contradiction, "", out);
    put_in("</dd><dt>clock</dt><dd>", h->skew_why, "", out);
    buf_add_cstr(out, "</dd></dl>");
    /* Paper cannot unfold anything. */
    put_in("<details><summary>as written</summary><pre>", h->raw,
           "</pre></details>", out);
    put_in("<pre class=\"paper\">", h->raw, "</pre>", out);
    buf_add_cstr(out, "</li>\n");
}

static void put_trace(const struct trace *t, struct str name,
                      struct arena *arena, struct buf *out)
{
    put_in("<h2>", name, "</h2>\n", out);
    buf_addf(out, "<div class=\"verdict %s\"><h1>", verdict_hue(t->verdict));
    put(trace_verdict_name(t->verdict), out);
    buf_add_cstr(out, "</h1>");
    put(t->summary, out);
    put_in(t->verdict == TRACE_ENCRYPTED ? "<p><b>Keep in mind:</b> "
                                         : "<p><b>What to do:</b> ",
           t->advice, "</p>", out);
    buf_add_cstr(out, "</div>\n");
    put_head(t, out);
    if (t->n > 0)
        buf_add_cstr(out, "<h2>The way, oldest first</h2>\n");
    buf_add_cstr(out, "<ol>\n");
    for (size_t i = 0; i < t->n; i++) {
        if (i == t->trust_boundary && i > 0)
            buf_add_cstr(out, "<li class=\"edge\">Above: claimed by others. "
                              "Below: written by your own receivers.</li>\n");
        put_hop(&t->hops[i], arena, out);
    }
    buf_add_cstr(out, "</ol>\n");
    put_in("<p class=\"dim\">", t->trust_text, "</p>\n", out);
    if (t->has_total && t->n > 1)
        put_in("<p class=\"dim\">From the first to the last line you trust: ",
               trace_span_words(t->total_ms, arena), ".</p>\n", out);
    for (const struct trace_note *n = t->notes; n != NULL; n = n->next)
        put_in("<p><b>Note:</b> ", n->text, "</p>\n", out);
}

void trace_html(const struct trace *traces, const struct str *names, size_t n,
                struct buf *out)
{
    struct arena arena = { 0 };
    char now[CLOCK_ISO_SIZE];

    buf_add_cstr(out, head);
    for (size_t i = 0; i < n; i++)
        put_trace(&traces[i], n > 1 ? names[i] : STR(""), &arena, out);
    clock_iso(clock_wall_ms(), now);
    buf_addf(out,
             "<p class=\"dim\">Read from the message's own headers by postseal "
             "%s on %.10s. Names and lines are shown as they were "
             "written.</p>\n</body>\n</html>\n",
             POSTSEAL_VERSION, now);
    arena_free(&arena);
}
