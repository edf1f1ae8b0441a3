/* SPDX-License-Identifier: Apache-2.0 */
#include "role/intake/session.h"

#include "base/clock.h"
#include "base/panic.h"
#include "role/intake/access.h"
#include "smtp/reply.h"

#include <stdlib.h>

enum {
    LINE_MAX_OCTETS = 2048, /* 512 of RFC 5321 and room for extensions */
    LINGER_MS = 20,         /* the next command of a client nearby; else park */
};

struct session *session_new(struct intake *in,
                            const struct listen_config *listen,
                            struct stream **stream)
{
    struct session *s = calloc(1, sizeof(*s));

    if (s == NULL)
        panic("out of memory");
    s->in = in;
    s->listen = listen;
    s->stream = *stream;
    *stream = NULL;
    s->id = id_new();
    s->address_allowed = access_in_ranges(
        stream_peer(s->stream), listen->accept_from, listen->accept_from_n);
    return s;
}

void session_reset(struct session *s)
{
    if (s->tx.open)
        spool_free(&s->tx.spool);
    s->tx = (struct transaction){ 0 };
    arena_reset(&s->tx_arena);
}

void session_forget(struct session *s)
{
    session_reset(s);
    arena_reset(&s->arena);
    s->helo = (struct str){ "", 0 };
    s->user = (struct str){ "", 0 };
    s->user_senders = NULL;
    s->user_senders_n = 0;
    s->esmtp = false;
}

void session_free(void *session)
{
    struct session *s = session;

    session_forget(s);
    arena_free(&s->arena);
    arena_free(&s->tx_arena);
    stream_free(&s->stream);
    free(s);
}

void session_close(struct session *s)
{
    s->closing = true;
}

bool session_may_relay(const struct session *s)
{
    return s->user.n > 0 || (s->address_allowed && !s->listen->auth_required);
}

static int64_t end_of(const struct session *s, int64_t each_ms)
{
    int64_t end = clock_mono_ms() + each_ms;

    return s->tx.open && s->tx.end_mono_ms < end ? s->tx.end_mono_ms : end;
}

void session_deadline(struct session *s, int64_t each_ms)
{
    stream_deadline(s->stream, end_of(s, each_ms));
}

void session_expect(struct session *s, int64_t each_ms)
{
    s->phase_end_mono_ms = end_of(s, each_ms);
}

static void count_error(struct session *s)
{
    if (++s->errors < s->in->config->limits.errors_per_session)
        return;
    session_close(s);
    stream_write(s->stream, STR("421 4.7.0 Too many errors\r\n"));
}

void session_reply(struct session *s, struct status st)
{
    struct buf out = { 0 };

    smtp_reply_write(&st, &out);
    if (stream_write(s->stream, buf_str(&out)) != STREAM_OK)
        session_close(s);
    buf_free(&out);
    if (st.smtp >= 500 && !s->closing)
        count_error(s);
}

static void greet(struct session *s)
{
    s->greeted = true;
    log_event(LOG_DEBUG, "smtp.in.connected",
              LOG_STR("session", id_str(&s->id)),
              LOG_CSTR("peer", stream_peer(s->stream)),
              LOG_STR("listener", s->listen->name));
    session_expect(s, s->in->config->limits.command_ms);
    if (s->listen->tls == LISTEN_TLS_IMPLICIT)
        handshake_begin(s);
    else
        session_banner(s);
}

void session_banner(struct session *s)
{
    stream_writef(s->stream, "220 %.*s ESMTP postseal\r\n",
                  STR_ARG(s->in->config->hostname));
}

/* What a line that is no line means for the session. */
static void line_fault(struct session *s, enum stream_result result)
{
    if (result == STREAM_TOO_LONG) {
        session_reply(s, status_make(500, "5.5.2", "Line too long"));
    } else if (result == STREAM_BAD_LINE) {
        log_event(LOG_WARNING, "smtp.in.bare_newline",
                  LOG_STR("session", id_str(&s->id)),
                  LOG_CSTR("peer", stream_peer(s->stream)));
        stream_write(s->stream, STR("521 5.5.2 Lines end in CR LF only\r\n"));
        session_close(s);
    } else if (result == STREAM_TIMEOUT) {
        stream_write(s->stream, STR("421 4.4.2 Timeout\r\n"));
        session_close(s);
    } else {
        session_close(s);
    }
}

static void finish(struct session *s)
{
    stream_flush(s->stream);
    stream_shutdown(s->stream);
}

static bool command_go_on(struct session *s)
{
    int64_t each_ms = s->in->config->limits.command_ms;
    enum stream_result result;
    struct str line;

    if (!stream_line_ready(s->stream, LINE_MAX_OCTETS))
        return false;
    result = stream_read_line(s->stream, LINE_MAX_OCTETS, &line);
    session_deadline(s, each_ms);
    session_expect(s, each_ms);
    s->dribbles = false;
    if (result == STREAM_OK)
        command_run(s, line);
    else
        line_fault(s, result);
    return true;
}

static bool go_on(struct session *s)
{
    switch (s->phase) {
    case PHASE_HANDSHAKE:
        return handshake_go_on(s);
    case PHASE_DATA:
        return data_go_on(s);
    case PHASE_CHUNK:
        return chunk_go_on(s);
    case PHASE_COMMAND:
        break;
    }
    return command_go_on(s);
}

/* Most clients say the next thing at once: cheaper to wait a moment than to
 * change threads. Not for one that is in the middle of something. */
static bool comes_at_once(struct session *s)
{
    return s->phase != PHASE_HANDSHAKE && !s->dribbles &&
           !stream_has_input(s->stream) &&
           stream_wait_input(s->stream, LINGER_MS);
}

enum listener_next session_step(void *session, int64_t *park_until_mono_ms)
{
    struct session *s = session;
    bool waited = false;

    session_deadline(s, s->in->config->limits.command_ms);
    if (!s->greeted)
        greet(s);
    while (!s->closing) {
        if (go_on(s)) {
            waited = false;
            continue;
        }
        session_deadline(s, s->in->config->limits.command_ms);
        if (stream_flush(s->stream) != STREAM_OK)
            break;
        if (waited || !comes_at_once(s)) {
            stream_park(s->stream);
            *park_until_mono_ms = s->phase_end_mono_ms;
            return LISTENER_PARK;
        }
        waited = true;
    }
    finish(s);
    return LISTENER_DONE;
}
