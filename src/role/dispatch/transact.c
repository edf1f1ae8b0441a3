/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/transact.h"

#include "base/clock.h"
#include "base/panic.h"
#include "posture/converse.h"
#include "store/queue.h"

#include <stdio.h>
#include <string.h>

struct transaction {
    struct session *session;
    struct envelope *envelope;
    const struct body_source *body;
    bool pipelined;
    size_t accepted; /* recipients with a 2xx */
    struct status *why;
};

/* --- what the host can take ------------------------------------------- */

static struct fault lacks(const struct session *s, uint16_t code,
                          const char *enh, const char *what)
{
    return (struct fault){ FAULT_LASTING, status_make(code, enh, "%.*s %s",
                                                      STR_ARG(s->host), what) };
}

struct fault session_accepts(const struct session *s, const struct envelope *e)
{
    if (e->smtputf8 && !s->caps.smtputf8)
        return lacks(s, 550, "5.6.7", "does not take UTF-8 addresses");
    if (e->requiretls && !s->caps.requiretls)
        return lacks(s, 550, "5.7.30", "does not support REQUIRETLS");
    if (s->caps.size_max > 0 && e->size_bytes > s->caps.size_max)
        return lacks(s, 552, "5.3.4", "takes no message of this size");
    return (struct fault){ FAULT_NONE, status_ok() };
}

/* --- commands ---------------------------------------------------------- */

static void say_mail(struct transaction *t)
{
    const struct smtp_caps *caps = &t->session->caps;
    const struct envelope *e = t->envelope;
    struct buf line = { 0 };

    buf_addf(&line, "MAIL FROM:<%.*s>", STR_ARG(e->from));
    if (caps->size)
        buf_addf(&line, " SIZE=%llu", (unsigned long long)e->size_bytes);
    /* To a host without 8BITMIME the octets go as they are, as most servers
     * do: rewriting the body would break its signatures. */
    if (caps->eightbitmime && e->body_8bit)
        buf_add_cstr(&line, " BODY=8BITMIME");
    if (e->smtputf8)
        buf_add_cstr(&line, " SMTPUTF8");
    if (e->requiretls)
        buf_add_cstr(&line, " REQUIRETLS");
    if (caps->dsn && e->ret.n > 0)
        buf_addf(&line, " RET=%.*s", STR_ARG(e->ret));
    if (caps->dsn && e->envid.n > 0)
        buf_addf(&line, " ENVID=%.*s", STR_ARG(e->envid));
    converse_say(t->session->stream, "%s", buf_cstr(&line));
    buf_free(&line);
}

static void add_notify(struct buf *line, uint32_t notify)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = { { NOTIFY_NEVER, "NEVER" },
                  { NOTIFY_SUCCESS, "SUCCESS" },
                  { NOTIFY_FAILURE, "FAILURE" },
                  { NOTIFY_DELAY, "DELAY" } };
    const char *before = " NOTIFY=";

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (notify & names[i].bit) {
            buf_addf(line, "%s%s", before, names[i].name);
            before = ",";
        }
}

static void say_rcpt(struct transaction *t, const struct envelope_rcpt *r)
{
    struct buf line = { 0 };

    buf_addf(&line, "RCPT TO:<%.*s>", STR_ARG(r->address));
    if (t->session->caps.dsn) {
        add_notify(&line, r->notify);
        if (r->orcpt.n > 0)
            buf_addf(&line, " ORCPT=%.*s", STR_ARG(r->orcpt));
    }
    converse_say(t->session->stream, "%s", buf_cstr(&line));
    buf_free(&line);
}

/* --- replies ----------------------------------------------------------- */

enum reading {
    READ_OK,
    READ_BROKEN,
    READ_ODD, /* a code that cannot answer this command: out of step */
};

static enum reading read_reply(struct transaction *t, bool data_now,
                               struct answer *a)
{
    if (!answer_read(t->session->stream, t->session->command_ms, a, t->why))
        return READ_BROKEN;
    if (a->code == 421)
        t->session->spoilt = true;
    bool go_ahead = a->code == 354;
    bool odd = a->code < 400 && (data_now ? !go_ahead : a->code / 100 != 2);
    if (odd)
        *t->why = status_make(451, "4.5.0", "%.*s: replies out of step (%.60s)",
                              STR_ARG(t->session->host), a->text);
    return odd ? READ_ODD : READ_OK;
}

static struct status said(const struct transaction *t, const struct answer *a)
{
    char prefix[280];

    snprintf(prefix, sizeof(prefix), "%.*s said", STR_ARG(t->session->host));
    return answer_status(a, prefix);
}

static void give(struct envelope_rcpt *r, struct status st)
{
    r->status = st;
    r->outcome = st.kind == STATUS_OK      ? OUTCOME_DELIVERED
                 : st.kind == STATUS_DEFER ? OUTCOME_PASSING
                                           : OUTCOME_REFUSED;
}

/* The same result for everybody whose own RCPT was not refused. */
static void give_accepted(struct transaction *t, struct status st)
{
    for (size_t i = 0; i < t->envelope->n; i++)
        if (t->envelope->rcpts[i].status.kind == STATUS_OK)
            give(&t->envelope->rcpts[i], st);
}

static enum reading read_rcpt(struct transaction *t, struct envelope_rcpt *r)
{
    struct answer a = { 0 };
    enum reading reading = read_reply(t, false, &a);

    if (reading != READ_OK)
        return reading;
    struct status st = said(t, &a);
    /* 552 on RCPT means "too many recipients" to old servers (RFC 5321,
     * 4.5.3.1.10): they are to be tried again. */
    if (a.code == 552)
        st.kind = STATUS_DEFER;
    give(r, st);
    if (st.kind == STATUS_OK) {
        /* Accepted is not delivered: only the reply to the dot says that. */
        r->outcome = OUTCOME_PASSING;
        t->accepted++;
    }
    return READ_OK;
}

/* --- the body ------------------------------------------------------------ */

static enum sent finish(struct transaction *t)
{
    struct session *s = t->session;
    struct answer a = { 0 };
    struct status why;

    if (!answer_read(s->stream, s->data_ms, &a, &why)) {
        *t->why = why;
        for (size_t i = 0; i < t->envelope->n; i++)
            if (t->envelope->rcpts[i].status.kind == STATUS_OK) {
                t->envelope->rcpts[i].status = why;
                t->envelope->rcpts[i].outcome = OUTCOME_UNKNOWN;
            }
        return SENT_UNKNOWN;
    }
    snprintf(s->said, sizeof(s->said), "%s", a.text);
    if (a.code == 421 || stream_has_input(s->stream))
        s->spoilt = true;
    give_accepted(t, said(t, &a));
    s->sent++;
    return SENT_DONE;
}

static enum sent send_body(struct transaction *t)
{
    struct session *s = t->session;
    int64_t size_ms = (int64_t)(t->envelope->size_bytes / 4);

    /* A word nobody asked for: its replies are not ours to count. */
    if (stream_has_input(s->stream)) {
        *t->why = status_make(451, "4.5.0", "%.*s sent more replies than asked",
                              STR_ARG(s->host));
        return SENT_MISCOUNT;
    }
    /* No slower than 4 KB/s beyond the patience for a single write. */
    stream_deadline(s->stream, clock_mono_ms() + s->data_ms + size_ms);
    struct status st = t->body->write(t->body->context, s->stream);
    if (!status_is_ok(st)) {
        *t->why = st;
        return st.enh[1] == 4 ? SENT_BROKEN : SENT_OUR_FAULT;
    }
    if (stream_has_input(s->stream)) {
        *t->why = status_make(451, "4.5.0", "%.*s answered before the end",
                              STR_ARG(s->host));
        return SENT_BROKEN;
    }
    stream_write(s->stream, STR(".\r\n"));
    if (!converse_flush(s->stream, s->data_ms, t->why)) {
        /* Part of the dot's packet may have arrived. */
        give_accepted(t, *t->why);
        for (size_t i = 0; i < t->envelope->n; i++)
            if (t->envelope->rcpts[i].outcome == OUTCOME_PASSING)
                t->envelope->rcpts[i].outcome = OUTCOME_UNKNOWN;
        return SENT_UNKNOWN;
    }
    return finish(t);
}

/* After DATA was refused although recipients were accepted: are we still in
 * step? A surplus reply would now be read as the answer to RSET. */
static bool in_step(struct transaction *t)
{
    struct answer a = { 0 };
    struct status why;

    converse_say(t->session->stream, "RSET");
    return converse_flush(t->session->stream, t->session->command_ms, &why) &&
           answer_read(t->session->stream, t->session->command_ms, &a, &why) &&
           a.code == 250 && !stream_has_input(t->session->stream);
}

static enum sent refused_data(struct transaction *t, const struct answer *a)
{
    if (t->session->spoilt) { /* 421 */
        give_accepted(t, said(t, a));
        return SENT_DONE;
    }
    if (!in_step(t)) {
        *t->why = status_make(451, "4.5.0", "%.*s: replies out of step",
                              STR_ARG(t->session->host));
        return SENT_MISCOUNT;
    }
    give_accepted(t, said(t, a));
    return SENT_DONE;
}

static enum sent after_data(struct transaction *t, const struct answer *a)
{
    if (t->accepted == 0) {
        /* 354 for nobody: the only clean way out is to leave. Otherwise the
         * sender is still on record there and must be taken back. */
        if (a->code == 354 || t->session->spoilt || !in_step(t))
            t->session->spoilt = true;
        return SENT_DONE;
    }
    return a->code == 354 ? send_body(t) : refused_data(t, a);
}

/* --- the two ways to talk ------------------------------------------------ */

static enum sent as_sent(enum reading reading)
{
    return reading == READ_ODD ? SENT_MISCOUNT : SENT_BROKEN;
}

static enum sent mail_refused(struct transaction *t, const struct answer *a)
{
    struct status st = said(t, a);

    for (size_t i = 0; i < t->envelope->n; i++)
        give(&t->envelope->rcpts[i], st);
    return SENT_DONE;
}

/* All commands in one write, all replies in order (RFC 2920). */
static enum sent send_pipelined(struct transaction *t)
{
    struct session *s = t->session;
    struct answer mail = { 0 }, data = { 0 };
    enum reading reading;

    say_mail(t);
    for (size_t i = 0; i < t->envelope->n; i++)
        say_rcpt(t, &t->envelope->rcpts[i]);
    converse_say(s->stream, "DATA");
    if (!converse_flush(s->stream, s->command_ms, t->why))
        return SENT_BROKEN;
    if ((reading = read_reply(t, false, &mail)) != READ_OK)
        return as_sent(reading);
    for (size_t i = 0; i < t->envelope->n; i++)
        if ((reading = read_rcpt(t, &t->envelope->rcpts[i])) != READ_OK)
            return as_sent(reading);
    if ((reading = read_reply(t, true, &data)) != READ_OK)
        return as_sent(reading);
    if (mail.code / 100 != 2) {
        s->spoilt = s->spoilt || data.code == 354 || t->accepted > 0;
        return mail_refused(t, &mail);
    }
    return after_data(t, &data);
}

static enum reading one_by_one(struct transaction *t, bool data_now,
                               struct answer *a)
{
    if (!converse_flush(t->session->stream, t->session->command_ms, t->why))
        return READ_BROKEN;
    return read_reply(t, data_now, a);
}

static enum sent send_stepwise(struct transaction *t)
{
    struct session *s = t->session;
    struct answer a = { 0 };
    enum reading reading;

    say_mail(t);
    if ((reading = one_by_one(t, false, &a)) != READ_OK)
        return as_sent(reading);
    if (a.code / 100 != 2)
        return mail_refused(t, &a);
    for (size_t i = 0; i < t->envelope->n; i++) {
        say_rcpt(t, &t->envelope->rcpts[i]);
        if (!converse_flush(s->stream, s->command_ms, t->why))
            return SENT_BROKEN;
        reading = read_rcpt(t, &t->envelope->rcpts[i]);
        if (reading != READ_OK)
            return as_sent(reading);
    }
    if (t->accepted == 0) {
        s->spoilt = s->spoilt || !in_step(t);
        return SENT_DONE;
    }
    converse_say(s->stream, "DATA");
    if ((reading = one_by_one(t, true, &a)) != READ_OK)
        return as_sent(reading);
    return after_data(t, &a);
}

enum sent session_send(struct session *session, enum clearance clearance,
                       bool pipelined, struct envelope *envelope,
                       const struct body_source *body, struct status *why)
{
    struct transaction t = { .session = session,
                             .envelope = envelope,
                             .body = body,
                             .pipelined = pipelined,
                             .why = why };

    if (clearance == CLEARANCE_NONE ||
        (clearance != CLEARANCE_OPEN && !stream_is_tls(session->stream)))
        panic("dispatch: message offered to a connection without clearance");
    session->said[0] = '\0';
    for (size_t i = 0; i < envelope->n; i++) {
        envelope->rcpts[i].outcome = OUTCOME_PASSING;
        envelope->rcpts[i].status = status_ok();
    }
    enum sent sent = pipelined && session->caps.pipelining ? send_pipelined(&t)
                                                           : send_stepwise(&t);
    if (sent != SENT_DONE)
        session->spoilt = true;
    return sent;
}
