/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/pickup.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/panic.h"
#include "base/random.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

enum { TEMPLATE_MAX = 65536 };

/* --- secrets
 * ------------------------------------------------------------------ */

void pickup_token_new(char out[PICKUP_TOKEN_SIZE])
{
    unsigned char raw[32];
    struct buf text = { 0 };

    random_bytes(raw, sizeof(raw));
    base64url_encode(str_of(raw, sizeof(raw)), &text);
    if (text.n != PICKUP_TOKEN_SIZE - 1)
        panic("pickup token of %zu letters", text.n);
    memcpy(out, text.p, text.n);
    out[text.n] = '\0';
    OPENSSL_cleanse(raw, sizeof(raw));
    buf_wipe(&text);
}

void pickup_pin_new(char out[PICKUP_PIN_SIZE])
{
    snprintf(out, PICKUP_PIN_SIZE, "%06u",
             (unsigned)(random_below(1000000) % 1000000u));
}

static void sha256(struct str data, unsigned char out[PICKUP_HASH])
{
    unsigned n = PICKUP_HASH;

    if (EVP_Digest(data.p, data.n, out, &n, EVP_sha256(), NULL) != 1)
        panic("SHA-256 failed");
}

void pickup_token_hash(struct str token, unsigned char out[PICKUP_HASH])
{
    sha256(token, out);
}

void pickup_secret_hash(const struct id *pickup, struct str secret,
                        unsigned char out[PICKUP_HASH])
{
    struct buf text = { 0 };

    buf_addf(&text, "%s:", pickup->text);
    buf_add(&text, secret);
    sha256(buf_str(&text), out);
    buf_wipe(&text);
}

/* --- templates
 * ------------------------------------------------------------------ */

static const char notice_text[] =
    "{{sender}} has sent you a protected message.\r\n"
    "\r\n"
    "Read it here:\r\n"
    "\r\n"
    "    {{link}}\r\n"
    "\r\n"
    "You will be sent a one-time code to this address to show that it is\r\n"
    "yours. The message waits until {{expires}}.\r\n"
    "\r\n"
    "{{organisation}} keeps the message on its own server, because the way\r\n"
    "to your mailbox could not be protected. If you did not expect a "
    "message\r\n"
    "from {{sender}}, ask them first, and not by answering this mail.\r\n";

static const char notice_html[] =
    "<!doctype html>\r\n"
    "<html lang=\"en\"><head><meta charset=\"utf-8\">\r\n"
    "<title>A protected message for you</title></head>\r\n"
    "<body style=\"font-family:sans-serif;line-height:1.5;max-width:36em\">\r\n"
    "<p><strong>{{sender}}</strong> has sent you a protected message.</p>\r\n"
    "<p><a href=\"{{link}}\" style=\"display:inline-block;padding:.7em "
    "1.2em;\r\n"
    "background:#14532d;color:#ffffff;text-decoration:none;"
    "border-radius:4px\">Read the message</a></p>\r\n"
    "<p>You will be sent a one-time code to this address to show that it is "
    "yours.\r\nThe message waits until {{expires}}.</p>\r\n"
    "<p style=\"color:#555555\">{{organisation}} keeps the message on its "
    "own\r\n"
    "server, because the way to your mailbox could not be protected. If you "
    "did\r\nnot expect a message from {{sender}}, ask them first, and not by "
    "answering\r\nthis mail.</p>\r\n"
    "<p style=\"color:#555555\">If the button does not work: {{link}}</p>\r\n"
    "</body></html>\r\n";

static const char tell_text[] =
    "Your message to {{recipient}} went another way than usual.\r\n"
    "\r\n"
    "    Sent by: {{method}}\r\n"
    "    Why:     {{why}}\r\n"
    "\r\n"
    "{{pin_words}}"
    "Nothing was sent with less protection than was asked for.\r\n";

static const char *const names[] = { "sender",   "recipient", "organisation",
                                     "link",     "expires",   "hostname",
                                     "method",   "why",       "pin",
                                     "pin_words" };
enum { NAMES = sizeof(names) / sizeof(names[0]) };

static bool known_name(struct str name)
{
    for (size_t i = 0; i < NAMES; i++)
        if (str_eq(name, str_from_cstr(names[i])))
            return true;
    return false;
}

/* Cuts "{{name}}" out; false when there is none left. */
static bool next_name(struct str *rest, struct str *before, struct str *name)
{
    size_t open = str_find(*rest, STR("{{"));
    size_t end = str_find(str_from(*rest, open), STR("}}"));

    if (open == rest->n || open + end >= rest->n)
        return false;
    *before = str_first(*rest, open);
    *name = str_trim(str_first(str_from(*rest, open + 2), end - 2));
    *rest = str_from(*rest, open + end + 2);
    return true;
}

static struct status check(struct str text, const char *file)
{
    struct str before, name;

    while (next_name(&text, &before, &name))
        if (!known_name(name))
            return status_refuse("%s: {{%.*s}} is not known", file,
                                 STR_ARG(name));
    return status_ok();
}

/* Line ends become CR LF, whatever the editor wrote. */
static struct str crlf(struct str text, struct arena *arena)
{
    struct buf out = { 0 };
    struct str line;

    while (str_split(&text, '\n', &line)) {
        if (str_ends(line, STR("\r")))
            line.n--;
        buf_add(&out, line);
        buf_add_cstr(&out, "\r\n");
    }
    struct str kept = str_keep(arena, buf_str(&out));
    buf_free(&out);
    return kept;
}

static struct status load(struct str dir, const char *file,
                          const char *built_in, struct arena *arena,
                          struct str *out)
{
    char path[600], text[TEMPLATE_MAX];
    FILE *f = NULL;

    *out = str_from_cstr(built_in);
    if (dir.n == 0)
        return status_ok();
    snprintf(path, sizeof(path), "%.*s/%s", STR_ARG(dir), file);
    f = fopen(path, "rb");
    if (f == NULL)
        return status_ok();
    size_t n = fread(text, 1, sizeof(text), f);
    fclose(f);
    if (n == sizeof(text))
        return status_refuse("%s is too long", path);
    *out = crlf(str_of(text, n), arena);
    return check(*out, path);
}

struct status pickup_templates_load(struct str dir,
                                    struct pickup_templates *out)
{
    struct status st;

    *out = (struct pickup_templates){ 0 };
    st = load(dir, "notice.txt", notice_text, &out->arena, &out->notice_text);
    if (status_is_ok(st))
        st = load(dir, "notice.html", notice_html, &out->arena,
                  &out->notice_html);
    if (status_is_ok(st))
        st = load(dir, "tell.txt", tell_text, &out->arena, &out->tell_text);
    return st;
}

void pickup_templates_free(struct pickup_templates *templates)
{
    arena_free(&templates->arena);
}

/* --- filling in
 * -------------------------------------------------------------------- */

static void add_html(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        switch (text.p[i]) {
        case '&':
            buf_add_cstr(out, "&amp;");
            break;
        case '<':
            buf_add_cstr(out, "&lt;");
            break;
        case '>':
            buf_add_cstr(out, "&gt;");
            break;
        case '"':
            buf_add_cstr(out, "&quot;");
            break;
        default:
            buf_add_char(out, text.p[i]);
        }
    }
}

static void add_pin_words(const struct pickup_mail *m, struct buf *out)
{
    if (m->pin.n == 0)
        return;
    buf_addf(out,
             "The mail domain of %.*s offers no protected way at all, so "
             "the\r\nreader needs a PIN as well. Please give it to them by "
             "phone, not by mail:\r\n\r\n    PIN: %.*s\r\n\r\n",
             STR_ARG(m->recipient), STR_ARG(m->pin));
}

static struct str value_of(const struct pickup_mail *m, struct str name,
                           char date[CLOCK_ISO_SIZE])
{
    if (str_eq(name, STR("sender")))
        return m->sender;
    if (str_eq(name, STR("recipient")))
        return m->recipient;
    if (str_eq(name, STR("organisation")))
        return m->organisation.n > 0 ? m->organisation : m->hostname;
    if (str_eq(name, STR("link")))
        return m->link;
    if (str_eq(name, STR("expires")))
        return str_first(clock_iso(m->expires_wall_ms, date), 10);
    if (str_eq(name, STR("hostname")))
        return m->hostname;
    if (str_eq(name, STR("method")))
        return m->method;
    if (str_eq(name, STR("why")))
        return m->why;
    return str_eq(name, STR("pin")) ? m->pin : STR("");
}

static void fill(struct str text, const struct pickup_mail *m, bool html,
                 struct buf *out)
{
    struct str before, name;
    char date[CLOCK_ISO_SIZE];

    while (next_name(&text, &before, &name)) {
        buf_add(out, before);
        if (str_eq(name, STR("pin_words")))
            add_pin_words(m, out);
        else if (html)
            add_html(out, value_of(m, name, date));
        else
            buf_add(out, value_of(m, name, date));
    }
    buf_add(out, text);
}

static void add_head(const struct pickup_mail *m, const char *subject,
                     struct buf *out)
{
    char date[CLOCK_RFC5322_SIZE];

    buf_addf(out, "From: <%.*s>\r\nTo: <%.*s>\r\nSubject: %s\r\nDate: ",
             STR_ARG(m->mail_from), STR_ARG(m->to), subject);
    buf_add(out, clock_rfc5322(m->now_wall_ms, date));
    buf_addf(out,
             "\r\nMessage-ID: <%.*s>\r\nAuto-Submitted: auto-generated\r\n"
             "MIME-Version: 1.0\r\n",
             STR_ARG(m->message_id));
}

void pickup_notice_write(const struct pickup_templates *t,
                         const struct pickup_mail *m, struct buf *out)
{
    add_head(m, "A protected message is waiting for you", out);
    buf_addf(out,
             "Content-Type: multipart/alternative;\r\n boundary=\"%.*s\"\r\n"
             "\r\n--%.*s\r\nContent-Type: text/plain; charset=utf-8\r\n"
             "Content-Transfer-Encoding: 8bit\r\n\r\n",
             STR_ARG(m->boundary), STR_ARG(m->boundary));
    fill(t->notice_text, m, false, out);
    buf_addf(out,
             "\r\n--%.*s\r\nContent-Type: text/html; charset=utf-8\r\n"
             "Content-Transfer-Encoding: 8bit\r\n\r\n",
             STR_ARG(m->boundary));
    fill(t->notice_html, m, true, out);
    buf_addf(out, "\r\n--%.*s--\r\n", STR_ARG(m->boundary));
}

void pickup_tell_write(const struct pickup_templates *t,
                       const struct pickup_mail *m, struct buf *out)
{
    add_head(m, "Your message went another way", out);
    buf_add_cstr(out, "Content-Type: text/plain; charset=utf-8\r\n"
                      "Content-Transfer-Encoding: 8bit\r\n\r\n");
    fill(t->tell_text, m, false, out);
}
