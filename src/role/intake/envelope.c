/* SPDX-License-Identifier: Apache-2.0 */
/* MAIL and RCPT (RFC 5321, 4.1.1.2 and 3): who sends, who shall get it. */
#include "role/intake/session.h"

#include "base/clock.h"
#include "role/intake/access.h"
#include "smtp/command.h"

#include <string.h>

static struct status check_mail(const struct session *s,
                                const struct smtp_mail *mail)
{
    uint64_t limit = s->in->config->limits.message_bytes;

    if (s->tx.open)
        return status_make(503, "5.5.1", "A transaction is open already");
    if (mail->size > limit)
        return status_make(552, "5.3.4",
                           "Message is larger than the limit of %llu octets",
                           (unsigned long long)limit);
    if (mail->requiretls && !stream_is_tls(s->stream))
        return status_make(530, "5.7.4", "REQUIRETLS needs TLS");
    if (s->listen->senders_n > 0 && mail->from.n > 0 &&
        !access_sender_allowed(mail->from, s->listen->senders,
                               s->listen->senders_n))
        return status_make(550, "5.7.1",
                           "This listener does not take mail from that sender");
    if (s->user_senders_n > 0 && mail->from.n > 0 &&
        !access_sender_allowed(mail->from, s->user_senders, s->user_senders_n))
        return status_make(550, "5.7.1",
                           "This account may not send as that address");
    return status_ok();
}

void cmd_mail(struct session *s, struct str argument)
{
    const struct limits_config *limits = &s->in->config->limits;
    struct smtp_mail mail;
    struct status st;

    if (role_is_ending(s->in->role)) {
        session_reply(s, status_make(421, "4.3.2", "Going down"));
        session_close(s);
        return;
    }
    st = smtp_mail_parse(argument, s->esmtp, &s->tx_arena, &mail);
    if (status_is_ok(st))
        st = check_mail(s, &mail);
    if (!status_is_ok(st)) {
        session_reply(s, st);
        return;
    }
    s->tx = (struct transaction){
        .open = true,
        .id = id_new(),
        .from = mail.from,
        .ret = mail.ret,
        .envid = mail.envid,
        .smtputf8 = mail.smtputf8,
        .body_8bit = mail.body_8bit,
        .requiretls = mail.requiretls,
        .end_mono_ms = clock_mono_ms() + limits->transaction_ms,
    };
    session_reply(s, status_make(250, "2.1.0", "Ok"));
}

static struct status check_rcpt(const struct session *s)
{
    if (!session_may_relay(s))
        return status_make(550, "5.7.1", "Relaying denied");
    if (s->tx.rcpts_n >= s->in->config->limits.recipients)
        return status_make(452, "4.5.3", "Too many recipients");
    return status_ok();
}

static void keep_rcpt(struct session *s, const struct smtp_rcpt *rcpt)
{
    struct transaction *tx = &s->tx;

    if (tx->rcpts_n == tx->rcpts_cap) {
        uint32_t cap = tx->rcpts_cap == 0 ? 8 : tx->rcpts_cap * 2;
        struct session_rcpt *grown =
            arena_array(&s->tx_arena, cap, sizeof(*grown));

        if (tx->rcpts_n > 0)
            memcpy(grown, tx->rcpts, tx->rcpts_n * sizeof(*grown));
        tx->rcpts = grown;
        tx->rcpts_cap = cap;
    }
    tx->rcpts[tx->rcpts_n++] = (struct session_rcpt){
        .recipient = rcpt->recipient,
        .domain = rcpt->domain,
        .orcpt = rcpt->orcpt,
        .notify = rcpt->notify,
    };
}

void cmd_rcpt(struct session *s, struct str argument)
{
    struct smtp_rcpt rcpt;
    struct status st = check_rcpt(s);

    if (status_is_ok(st))
        st = smtp_rcpt_parse(argument, s->esmtp, s->tx.smtputf8, &s->tx_arena,
                             &rcpt);
    if (!status_is_ok(st)) {
        session_reply(s, st);
        return;
    }
    keep_rcpt(s, &rcpt);
    session_reply(s, status_make(250, "2.1.5", "Ok"));
}
