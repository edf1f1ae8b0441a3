/* SPDX-License-Identifier: Apache-2.0 */
/* EHLO and HELO (RFC 5321, 4.1.1.1) and the keywords we offer. */
#include "role/intake/session.h"

#include "smtp/command.h"

static bool hello(struct session *s, struct str argument, bool esmtp)
{
    struct status st = smtp_hello_check(argument);

    if (!status_is_ok(st)) {
        session_reply(s, st);
        return false;
    }
    session_reset(s);
    s->helo = str_keep(&s->arena, argument);
    s->esmtp = esmtp;
    return true;
}

void cmd_helo(struct session *s, struct str argument)
{
    if (hello(s, argument, false))
        stream_writef(s->stream, "250 %.*s\r\n",
                      STR_ARG(s->in->config->hostname));
}

static bool offers_auth(const struct session *s)
{
    return stream_is_tls(s->stream) && s->user.n == 0 &&
           (s->listen->auth_offered || s->listen->auth_required);
}

void cmd_ehlo(struct session *s, struct str argument)
{
    const struct limits_config *limits = &s->in->config->limits;
    struct stream *out = s->stream;
    bool tls = stream_is_tls(out);

    if (!hello(s, argument, true))
        return;
    stream_writef(out, "250-%.*s\r\n", STR_ARG(s->in->config->hostname));
    stream_write(out, STR("250-PIPELINING\r\n"));
    stream_writef(out, "250-SIZE %llu\r\n",
                  (unsigned long long)limits->message_bytes);
    if (!tls && s->in->tls != NULL)
        stream_write(out, STR("250-STARTTLS\r\n"));
    if (offers_auth(s))
        stream_write(out, STR("250-AUTH PLAIN LOGIN SCRAM-SHA-256\r\n"));
    if (tls)
        stream_write(out, STR("250-REQUIRETLS\r\n"));
    stream_writef(out, "250-LIMITS RCPTMAX=%u\r\n", limits->recipients);
    stream_write(out, STR("250-ENHANCEDSTATUSCODES\r\n"
                          "250-8BITMIME\r\n"
                          "250-SMTPUTF8\r\n"
                          "250-DSN\r\n"
                          "250 CHUNKING\r\n"));
}
