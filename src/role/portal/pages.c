/* SPDX-License-Identifier: Apache-2.0 */
#include "role/portal/pages.h"

#include "base/clock.h"
#include "role/portal/assets.h"
#include "role/portal/visit.h"

#define POLICY_PAGES                                                           \
    "default-src 'none'; script-src 'self'; style-src 'self'; "                \
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
/* A frame without an address of its own inherits this policy and adds its own
 * narrower one: mail may bring inline styles and data: images, never a
 * request. */
#define POLICY_READER                                                          \
    "default-src 'none'; script-src 'self'; style-src 'self' "                 \
    "'unsafe-inline'; img-src data: blob:; connect-src 'self'; "               \
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

void page_escape(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (c == '&')
            buf_add_cstr(out, "&amp;");
        else if (c == '<')
            buf_add_cstr(out, "&lt;");
        else if (c == '>')
            buf_add_cstr(out, "&gt;");
        else if (c == '"')
            buf_add_cstr(out, "&quot;");
        else if (c == '\'')
            buf_add_cstr(out, "&#39;");
        else
            buf_add_char(out, c);
    }
}

/* --- what all pages have ------------------------------------------------- */

static struct buf *page_begin(struct visit *v, uint16_t status,
                              const char *title, bool script)
{
    struct http_answer *a = &v->x->answer;
    struct buf *out = &a->body;

    a->status = status;
    a->type = STR("text/html; charset=utf-8");
    a->policy = script ? STR(POLICY_READER) : STR(POLICY_PAGES);
    buf_clear(out);
    buf_addf(out,
             "<!doctype html>\n<html lang=\"en\">\n<head>\n"
             "<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, "
             "initial-scale=1\">\n<meta name=\"color-scheme\" "
             "content=\"light dark\">\n<title>%s - ",
             title);
    page_escape(v->portal->organisation, out);
    buf_addf(out,
             "</title>\n<link rel=\"icon\" href=\"data:,\">\n"
             "<link rel=\"stylesheet\" href=\"%s\">\n",
             asset_path(ASSET_STYLE));
    if (script)
        buf_addf(out, "<script type=\"module\" src=\"%s\"></script>\n",
                 asset_path(ASSET_SCRIPT));
    buf_add_cstr(out, "</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip "
                      "to the content</a>\n<header><p class=\"name\">");
    page_escape(v->portal->organisation, out);
    buf_add_cstr(out, "</p></header>\n<main id=\"main\" tabindex=\"-1\">\n");
    return out;
}

static void page_end(struct visit *v)
{
    struct buf *out = &v->x->answer.body;

    buf_add_cstr(out, "</main>\n<footer><p>Protected mail of ");
    page_escape(v->portal->organisation, out);
    buf_add_cstr(out, "</p></footer>\n</body>\n</html>\n");
}

static void form_begin(const struct visit *v, const char *to, struct buf *out)
{
    buf_addf(out,
             "<form method=\"post\" action=\"/p/%.*s/%s\">\n"
             "<input type=\"hidden\" name=\"form\" value=\"%.*s\">\n",
             STR_ARG(v->token), to, STR_ARG(visit_form_token(v)));
}

static void ask_form(const struct visit *v, const char *button,
                     const char *kind, struct buf *out)
{
    form_begin(v, "code", out);
    buf_addf(out, "<button class=\"%s\">%s</button>\n</form>\n", kind, button);
}

/* --- pages that say something -------------------------------------------- */

static const struct {
    uint16_t status;
    bool can_ask; /* a fresh code is the way on */
    const char *title, *text;
} notices[] = {
    [PAGE_HOME] = { 200, false, "Protected mail",
                    "Messages are opened with the link in the mail you "
                    "received. Please open that link." },
    [PAGE_UNKNOWN] = { 404, false, "This link leads nowhere",
                       "Please check that the address was copied whole: mail "
                       "programs sometimes cut long links. If it still does "
                       "not work, ask the sender to send the message again." },
    [PAGE_EXPIRED] = { 410, false, "This message is no longer available",
                       "It was kept for a limited time, and that time is "
                       "over. The message has been erased. If you still need "
                       "it, ask the sender to send it again." },
    [PAGE_RECALLED] = { 410, false, "This message was withdrawn",
                        "It was taken back before it was picked up, and has "
                        "been erased. If you have questions, ask the "
                        "sender." },
    [PAGE_TOO_OLD] = { 403, true, "That code is too old",
                       "A code is good for 15 minutes, and only the newest "
                       "one of this browser counts. Have a new one sent to "
                       "you." },
    [PAGE_USED_UP] = { 403, true, "That code can no longer be used",
                       "It was entered wrongly five times. Have a new one "
                       "sent to you." },
    [PAGE_ELSEWHERE] = { 403, true, "That code belongs to another browser",
                         "A code works only in the browser where it was asked "
                         "for. Go back to that one, or have a new code sent "
                         "for this browser." },
    [PAGE_SLOW_DOWN] = { 429, false, "Too many tries",
                         "For your protection nothing more is accepted from "
                         "here for a while. Please wait 15 minutes, then open "
                         "the link again. Your message is safe." },
    [PAGE_TOMORROW] = { 429, false, "Too many tries today",
                        "For your protection nothing more is accepted for "
                        "this message today. Your message is safe: open the "
                        "link again tomorrow, or ask the sender to release it "
                        "sooner. If it was not you who tried, tell the sender "
                        "that somebody else has your link." },
    [PAGE_NO_COOKIE] = { 403, false, "Your browser sent no cookie",
                         "This page needs one cookie to know that it is still "
                         "you. Please allow cookies for this address, then "
                         "open the link in your mail again." },
    [PAGE_SIGNED_OUT] = { 403, true, "You are signed out",
                          "To keep your message private you are signed out "
                          "after a while. Have a new code sent to you to go "
                          "on reading." },
    [PAGE_METHOD] = { 405, false, "That cannot be done here",
                      "Please open the link in your mail again." },
    [PAGE_FAULT] = { 503, false, "Something is wrong on our side",
                     "Your message is safe. Please try again in a few "
                     "minutes." },
};

void page_notice(struct visit *v, enum notice_page which)
{
    struct buf *out =
        page_begin(v, notices[which].status, notices[which].title, false);

    buf_addf(out, "<h1>%s</h1>\n<p>%s</p>\n", notices[which].title,
             notices[which].text);
    if (notices[which].can_ask && v->token.n > 0)
        ask_form(v, "Send me a new code", "main", out);
    if (notices[which].status == 429)
        buf_add_cstr(&v->x->answer.fields, "Retry-After: 900\r\n");
    page_end(v);
}

/* --- the way in ---------------------------------------------------------- */

void page_welcome(struct visit *v)
{
    struct buf *out = page_begin(v, 200, "A protected message", false);

    buf_add_cstr(out, "<p class=\"step\">Step 1 of 2</p>\n"
                      "<h1>A protected message is waiting for you</h1>\n"
                      "<p>To make sure that nobody else reads it, a one-time "
                      "code will be sent to the mail address that received "
                      "this link.</p>\n");
    ask_form(v, "Send me a code", "main", out);
    buf_addf(out,
             "<p class=\"small\">You have a code already? "
             "<a href=\"/p/%.*s/code\">Enter it here</a>.</p>\n",
             STR_ARG(v->token));
    page_end(v);
}

static void pin_field(struct buf *out)
{
    buf_add_cstr(out,
                 "<label for=\"pin\">PIN from the sender</label>\n"
                 "<p class=\"hint\" id=\"pin-hint\">The sender gives you this "
                 "number by phone.</p>\n<input id=\"pin\" name=\"pin\" "
                 "class=\"digits\" inputmode=\"numeric\" "
                 "autocomplete=\"off\" maxlength=\"12\" required "
                 "aria-describedby=\"pin-hint\">\n");
}

void page_code(struct visit *v, bool wrong)
{
    struct buf *out =
        page_begin(v, wrong ? 403 : 200, "Enter your code", false);

    buf_add_cstr(out, "<p class=\"step\">Step 2 of 2</p>\n"
                      "<h1>Enter your code</h1>\n");
    if (wrong)
        buf_addf(out, "<p class=\"alert\" role=\"alert\" id=\"fault\">%s</p>\n",
                 v->pickup.needs_pin
                     ? "Code or PIN is not right. Please check both."
                     : "That code is not right. Please check it.");
    buf_add_cstr(out,
                 "<p>We have sent a mail with an 8-digit code to the address "
                 "that received the link. It may take a minute; please look "
                 "into the spam folder too.</p>\n");
    form_begin(v, "open", out);
    buf_addf(out,
             "<label for=\"code\">One-time code</label>\n"
             "<input id=\"code\" name=\"code\" class=\"digits\" "
             "inputmode=\"numeric\" autocomplete=\"one-time-code\" "
             "maxlength=\"12\" required autofocus%s>\n",
             wrong ? " aria-invalid=\"true\" aria-describedby=\"fault\"" : "");
    if (v->pickup.needs_pin)
        pin_field(out);
    buf_add_cstr(out,
                 "<button class=\"main\">Open the message</button>\n</form>\n"
                 "<p class=\"small\">The code is good for 15 minutes, once, "
                 "and only in this browser.</p>\n");
    ask_form(v, "Send a new code", "quiet", out);
    page_end(v);
}

/* --- the message --------------------------------------------------------- */

void page_reader(struct visit *v)
{
    struct buf *out = page_begin(v, 200, "Your message", true);
    char date[CLOCK_ISO_SIZE];

    buf_addf(out,
             "<div id=\"reader\" data-content=\"/p/%.*s/content\""
             ">\n<h1>Your message</h1>\n<p>From <strong>",
             STR_ARG(v->token));
    page_escape(v->pickup.from, out);
    buf_add_cstr(out, "</strong> to <strong>");
    page_escape(v->pickup.recipient, out);
    buf_add_cstr(out, "</strong></p>\n<noscript><p>Without JavaScript the "
                      "message cannot be shown here, but you can save it and "
                      "open it in a mail program.</p></noscript>\n</div>\n");
    buf_addf(out,
             "<nav class=\"actions\" aria-label=\"What you can do\">\n"
             "<a class=\"button\" href=\"/p/%.*s/message.eml\" download>Save "
             "the message</a>\n",
             STR_ARG(v->token));
    form_begin(v, "leave", out);
    buf_add_cstr(out, "<button class=\"quiet\">Sign out</button>\n</form>\n"
                      "</nav>\n");
    buf_addf(out, "<p class=\"small\">Kept here until %.*s.</p>\n", 10,
             clock_iso(v->pickup.expires_wall_ms, date).p);
    page_end(v);
}
