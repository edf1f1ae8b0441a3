/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/dsn.h"

#include "base/clock.h"
#include "mail/header.h"

enum { HEADER_SHOWN_MAX = 32768 };

static const struct {
    const char *action, *subject, *opening;
} words[] = {
    [DSN_FAILED] = { "failed", "Your message was not delivered",
                     "Your message could not be delivered to:" },
    [DSN_DELAYED] = { "delayed", "Your message is delayed",
                      "Your message has not been delivered yet to:" },
    [DSN_RELAYED] = { "relayed", "Your message was passed on",
                      "Your message was passed on to a mail server that does "
                      "not\r\nreport delivery:" },
    [DSN_DELIVERED] = { "delivered", "Your message was delivered",
                        "Your message is waiting in the secure mail portal "
                        "for:" },
};

static void add_date(struct buf *out, const char *name, int64_t wall_ms)
{
    char text[CLOCK_RFC5322_SIZE];

    buf_addf(out, "%s: ", name);
    buf_add(out, clock_rfc5322(wall_ms, text));
    buf_add_cstr(out, "\r\n");
}

static void add_head(const struct dsn *d, struct buf *out)
{
    buf_addf(out, "From: Mail delivery <postmaster@%.*s>\r\n",
             STR_ARG(d->hostname));
    buf_addf(out, "To: <%.*s>\r\n", STR_ARG(d->to));
    buf_addf(out, "Subject: %s\r\n", words[d->action].subject);
    add_date(out, "Date", d->now_wall_ms);
    buf_addf(out, "Message-ID: <%.*s>\r\n", STR_ARG(d->message_id));
    buf_addf(out,
             "Auto-Submitted: auto-replied\r\n"
             "MIME-Version: 1.0\r\n"
             "Content-Type: multipart/report; report-type=delivery-status;\r\n"
             " boundary=\"%.*s\"\r\n\r\n",
             STR_ARG(d->boundary));
}

static void open_part(const struct dsn *d, const char *type, struct buf *out)
{
    buf_addf(out, "--%.*s\r\nContent-Type: %s\r\n", STR_ARG(d->boundary), type);
    buf_add_cstr(out, "Content-Transfer-Encoding: 8bit\r\n\r\n");
}

/* --- for people ------------------------------------------------------------
 */

static void add_words(const struct dsn *d, struct buf *out)
{
    open_part(d, "text/plain; charset=utf-8", out);
    buf_addf(out, "This is the mail gateway %.*s.\r\n\r\n%s\r\n\r\n",
             STR_ARG(d->hostname), words[d->action].opening);
    for (size_t i = 0; i < d->n; i++) {
        const struct dsn_recipient *r = &d->recipients[i];

        buf_addf(out, "    %.*s\r\n", STR_ARG(r->recipient));
        if (r->status.why[0] != '\0' && d->action != DSN_DELIVERED)
            buf_addf(out, "        %s\r\n", r->status.why);
    }
    buf_add_cstr(out, "\r\n");
    if (d->action == DSN_FAILED)
        buf_add_cstr(out, "No further attempt will be made. Nothing was sent "
                          "with less\r\nprotection than was asked for.\r\n");
    if (d->action == DSN_DELAYED) {
        buf_add_cstr(out, "You need not send it again. The gateway goes on "
                          "trying; you will\r\nhear if it gives up.\r\n");
    }
    buf_add_cstr(out, "\r\n");
}

/* --- for machines ------------------------------------------------------------
 */

/* Addresses beyond ASCII need the types of RFC 6533. */
static bool is_ascii(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return false;
    return true;
}

static bool is_global(const struct dsn *d)
{
    for (size_t i = 0; i < d->n; i++)
        if (!is_ascii(d->recipients[i].recipient))
            return true;
    return false;
}

/* A field value may hold a peer's words: no line may begin in them. */
static void add_clean(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];

        buf_add_char(out, c < ' ' || c == 127 ? ' ' : (char)c);
    }
}

/* xtext (RFC 3461, 4): "+41" stands for an octet. */
static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static void add_xtext(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        int high = i + 2 < text.n && text.p[i] == '+' ? hex(text.p[i + 1]) : -1;
        int low = high >= 0 ? hex(text.p[i + 2]) : -1;
        char c = text.p[i];

        if (low >= 0) {
            c = (char)(high * 16 + low);
            i += 2;
        }
        add_clean(out, str_of(&c, 1));
    }
}

static void add_recipient(const struct dsn *d, const struct dsn_recipient *r,
                          struct buf *out)
{
    size_t semicolon = str_find_char(r->orcpt, ';');

    if (semicolon < r->orcpt.n) {
        buf_add_cstr(out, "Original-Recipient: ");
        add_clean(out, str_first(r->orcpt, semicolon + 1));
        add_xtext(out, str_from(r->orcpt, semicolon + 1));
        buf_add_cstr(out, "\r\n");
    }
    buf_addf(out, "Final-Recipient: %s; ",
             is_ascii(r->recipient) ? "rfc822" : "utf-8");
    add_clean(out, r->recipient);
    buf_addf(out, "\r\nAction: %s\r\nStatus: %u.%u.%u\r\n",
             words[d->action].action, r->status.enh[0], r->status.enh[1],
             r->status.enh[2]);
    if (r->remote.n > 0) {
        buf_add_cstr(out, "Remote-MTA: dns; ");
        add_clean(out, r->remote);
        buf_add_cstr(out, "\r\n");
    }
    if (r->reply.n > 0) {
        buf_add_cstr(out, "Diagnostic-Code: smtp; ");
        add_clean(out, r->reply);
        buf_add_cstr(out, "\r\n");
    }
    if (d->action == DSN_DELAYED && d->retry_until_wall_ms > 0)
        add_date(out, "Will-Retry-Until", d->retry_until_wall_ms);
    add_date(out, "Last-Attempt-Date", d->now_wall_ms);
    buf_add_cstr(out, "\r\n");
}

static void add_status(const struct dsn *d, struct buf *out)
{
    buf_addf(out,
             "--%.*s\r\nContent-Type: message/%s\r\n\r\n"
             "Reporting-MTA: dns; %.*s\r\n",
             STR_ARG(d->boundary),
             is_global(d) ? "global-delivery-status" : "delivery-status",
             STR_ARG(d->hostname));
    if (d->envid.n > 0) {
        buf_add_cstr(out, "Original-Envelope-Id: ");
        add_xtext(out, d->envid);
        buf_add_cstr(out, "\r\n");
    }
    add_date(out, "Arrival-Date", d->arrived_wall_ms);
    buf_add_cstr(out, "\r\n");
    for (size_t i = 0; i < d->n; i++)
        add_recipient(d, &d->recipients[i], out);
}

/* --- the header of the message ---------------------------------------------
 */

/* What may speak of the content, or is no business of the reader. */
static bool stays_here(struct str name, bool hide_subject)
{
    static const struct str hidden[] = { STR_INIT("Subject"),
                                         STR_INIT("Comments"),
                                         STR_INIT("Keywords"),
                                         STR_INIT("Thread-Topic") };

    if (str_eq_nocase(name, STR("Bcc")) ||
        str_starts_nocase(name, STR("X-Postseal-")))
        return true;
    for (size_t i = 0; hide_subject && i < 4; i++)
        if (str_eq_nocase(name, hidden[i]))
            return true;
    return false;
}

static void add_header(const struct dsn *d, struct buf *out)
{
    struct str rest = str_first(d->header, HEADER_SHOWN_MAX);
    struct header_field field;

    open_part(d,
              is_global(d) ? "message/global-headers" : "text/rfc822-headers",
              out);
    while (header_next(&rest, &field))
        if (field.name.n > 0 && !stays_here(field.name, d->hide_subject) &&
            str_ends(field.raw, STR("\n")))
            buf_add(out, field.raw);
    buf_add_cstr(out, "\r\n");
}

void dsn_write(const struct dsn *d, struct buf *out)
{
    add_head(d, out);
    add_words(d, out);
    add_status(d, out);
    add_header(d, out);
    buf_addf(out, "--%.*s--\r\n", STR_ARG(d->boundary));
}
