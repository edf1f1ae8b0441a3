/* SPDX-License-Identifier: Apache-2.0 */
#include "role/portal/codemail.h"

#include "base/clock.h"
#include "role/portal/pages.h"

static void write_head(const struct visit *v, const struct str boundary,
                       struct buf *out)
{
    const struct config *config = v->portal->config;
    char date[CLOCK_RFC5322_SIZE];

    if (config->portal.from.n > 0)
        buf_addf(out, "From: <%.*s>\r\n", STR_ARG(config->portal.from));
    else
        buf_addf(out, "From: <postmaster@%.*s>\r\n", STR_ARG(config->hostname));
    buf_addf(out, "To: <%.*s>\r\nSubject: Your one-time code\r\nDate: ",
             STR_ARG(v->pickup.recipient));
    buf_add(out, clock_rfc5322(v->now_wall_ms, date));
    buf_addf(out,
             "\r\nMessage-ID: <%s@%.*s>\r\nAuto-Submitted: auto-generated\r\n"
             "MIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n"
             " boundary=\"%.*s\"\r\n\r\n",
             id_new().text, STR_ARG(config->hostname), STR_ARG(boundary));
}

static void write_text(const struct visit *v, struct str code, struct buf *out)
{
    buf_addf(
        out,
        "Your one-time code:\r\n\r\n    %.*s %.*s\r\n\r\n"
        "Enter it in the browser window where you asked for it. It is\r\n"
        "good for 15 minutes and can be used once.\r\n\r\n"
        "Nobody at %.*s will ever ask you for this code. If you did not\r\n"
        "ask for it, you need not do anything.\r\n",
        STR_ARG(str_first(code, 4)), STR_ARG(str_from(code, 4)),
        STR_ARG(v->portal->organisation));
}

static void write_html(const struct visit *v, struct str code, struct buf *out)
{
    buf_addf(
        out,
        "<!doctype html>\r\n<html lang=\"en\"><head><meta "
        "charset=\"utf-8\">\r\n<title>Your one-time code</title></head>\r\n"
        "<body style=\"font-family:sans-serif;line-height:1.5;"
        "max-width:36em\">\r\n<p>Your one-time code:</p>\r\n"
        "<p style=\"font-size:2em;letter-spacing:.1em\"><strong>"
        "%.*s&nbsp;%.*s</strong></p>\r\n"
        "<p>Enter it in the browser window where you asked for it. It is\r\n"
        "good for 15 minutes and can be used once.</p>\r\n"
        "<p style=\"color:#555555\">Nobody at ",
        STR_ARG(str_first(code, 4)), STR_ARG(str_from(code, 4)));
    page_escape(v->portal->organisation, out);
    buf_add_cstr(out, " will ever ask you\r\nfor this code. If you did not ask "
                      "for it, you need not do anything.</p>\r\n"
                      "</body></html>\r\n");
}

static void write_mail(struct visit *v, struct str code, struct buf *out)
{
    struct str boundary = arena_printf(v->arena, "postseal-%s", id_new().text);

    write_head(v, boundary, out);
    buf_addf(out,
             "--%.*s\r\nContent-Type: text/plain; charset=utf-8\r\n"
             "Content-Transfer-Encoding: 8bit\r\n\r\n",
             STR_ARG(boundary));
    write_text(v, code, out);
    buf_addf(out,
             "\r\n--%.*s\r\nContent-Type: text/html; charset=utf-8\r\n"
             "Content-Transfer-Encoding: 8bit\r\n\r\n",
             STR_ARG(boundary));
    write_html(v, code, out);
    buf_addf(out, "\r\n--%.*s--\r\n", STR_ARG(boundary));
}

static void seal(struct visit *v, struct str text, struct codemail *mail)
{
    struct str context =
        arena_printf(v->arena, "body:%s", mail->message.body_id.text);
    struct rest_key key;
    struct buf out = { 0 };

    rest_key_new(&key);
    rest_seal_frame(&key, context, 0, true, text, &out);
    mail->frame = str_keep(v->arena, buf_str(&out));
    buf_clear(&out);
    rest_wrap(v->portal->dispatch_public, context, &key, &out);
    mail->message.body_key = str_keep(v->arena, buf_str(&out));
    mail->message.body_chunks = 1;
    buf_free(&out);
    rest_key_wipe(&key);
}

static struct str domain_of(struct str address, struct arena *arena)
{
    size_t at = address.n;
    struct str domain;

    while (at > 0 && address.p[at - 1] != '@')
        at--;
    domain = str_keep(arena, str_from(address, at));
    for (size_t i = 0; i < domain.n; i++)
        ((char *)(uintptr_t)domain.p)[i] = ascii_lower(domain.p[i]);
    return domain;
}

static bool beyond_ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] > 0x7f)
            return true;
    return false;
}

struct codemail *codemail_make(struct visit *v, struct str code)
{
    struct codemail *mail = ARENA_NEW(v->arena, struct codemail);
    struct buf text = { 0 };

    write_mail(v, code, &text);
    mail->message = (struct message){
        .id = id_new(),
        .kind = MESSAGE_CODE,
        .received_wall_ms = v->now_wall_ms,
        .size_bytes = text.n,
        .protocol = STR("local"),
        .smtputf8 = beyond_ascii(v->pickup.recipient),
        .body_id = id_new(),
        .parent = id_str(&v->pickup.delivery_id),
    };
    seal(v, buf_str(&text), mail);
    mail->delivery = (struct delivery){
        .id = id_new(),
        .message_id = mail->message.id,
        .recipient = v->pickup.recipient,
        .domain = domain_of(v->pickup.recipient, v->arena),
        .notify = NOTIFY_NEVER,
        .state = DELIVERY_QUEUED,
        .next_wall_ms = v->now_wall_ms,
    };
    buf_wipe(&text);
    return mail;
}

struct status codemail_queue(struct tx *tx, const struct codemail *mail)
{
    struct status st =
        queue_body_append(tx, &mail->message.body_id, 0, &mail->frame, 1);

    return status_is_ok(st)
               ? queue_accept(tx, &mail->message, &mail->delivery, 1)
               : st;
}
