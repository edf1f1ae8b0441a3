/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/received.h"

#include "base/clock.h"
#include "mail/header.h"

enum { HELO_MAX = 255 };

static void add_helo(struct str helo, struct buf *out)
{
    helo = str_first(helo, HELO_MAX);
    if (helo.n == 0)
        buf_add_cstr(out, "unknown");
    for (size_t i = 0; i < helo.n; i++) {
        char c = helo.p[i];
        bool fine = ascii_is_alnum(c) || c == '.' || c == '-' || c == '_' ||
                    c == ':' || c == '[' || c == ']';

        buf_add_char(out, fine ? c : '?');
    }
}

static void add_protocol(const struct received_facts *f, struct buf *out)
{
    if (!f->esmtp) {
        buf_add_cstr(out, "SMTP");
        return;
    }
    buf_addf(out, "%s%s%s", f->utf8 ? "UTF8SMTP" : "ESMTP", f->tls ? "S" : "",
             f->auth ? "A" : "");
}

/* The "tls" clause names the cipher; the version is for people. */
static void add_tls(const struct received_facts *f, struct buf *out)
{
    if (!f->tls || f->tls_cipher.n == 0)
        return;
    buf_addf(out, "\r\n tls %.*s", STR_ARG(f->tls_cipher));
    if (f->tls_version.n > 0)
        buf_addf(out, " (%.*s)", STR_ARG(f->tls_version));
}

void received_write(const struct received_facts *f, struct buf *out)
{
    bool six = str_has_char(f->address, ':');
    char date[CLOCK_RFC5322_SIZE];

    buf_add_cstr(out, "Received: from ");
    add_helo(f->helo, out);
    buf_addf(out, " ([%s%.*s])\r\n by %.*s (postseal) with ",
             six ? "IPv6:" : "", STR_ARG(f->address), STR_ARG(f->by));
    add_protocol(f, out);
    buf_addf(out, "\r\n id %.*s", STR_ARG(f->id));
    if (f->for_rcpt.n > 0)
        buf_addf(out, "\r\n for <%.*s>", STR_ARG(f->for_rcpt));
    add_tls(f, out);
    clock_rfc5322(f->wall_ms, date);
    buf_addf(out, ";\r\n %s\r\n", date);
}

/* The word behind "by", wherever it stands. */
static bool is_by(struct str body, struct str host)
{
    struct buf text = { 0 };
    struct str rest, word;
    bool by = false, found = false;

    header_unfold(body, &text);
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '\t')
            text.p[i] = ' ';
    rest = buf_str(&text);
    while (!found && str_split(&rest, ' ', &word)) {
        if (word.n == 0)
            continue;
        found = by && str_eq_nocase(word, host);
        by = str_eq_nocase(word, STR("by"));
    }
    buf_free(&text);
    return found;
}

void received_count(struct str header, struct str host, size_t *all,
                    size_t *ours)
{
    struct header_field field;

    *all = 0;
    *ours = 0;
    while (header_find(&header, STR("Received"), &field)) {
        (*all)++;
        *ours += is_by(field.body, host);
    }
}
