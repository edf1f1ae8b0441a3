/* SPDX-License-Identifier: Apache-2.0 */
/* STARTTLS (RFC 3207). What was read before counts for nothing after. */
#include "base/metrics.h"
#include "role/intake/session.h"

static void failed(struct session *s)
{
    metric_add(METRIC_TLS_IN_FAILED, 1);
    log_event(LOG_INFO, "smtp.in.tls_failed",
              LOG_STR("session", id_str(&s->id)),
              LOG_CSTR("peer", stream_peer(s->stream)),
              LOG_CSTR("why", stream_fault(s->stream)));
    session_close(s);
}

static void count_session(const struct session *s)
{
    struct tls_seen seen = { 0 };

    tls_describe(s->stream, &seen);
    metric_add(str_eq(str_from_cstr(seen.version), STR("TLSv1.3"))
                   ? METRIC_TLS_IN_13
                   : METRIC_TLS_IN_12,
               1);
}

void handshake_begin(struct session *s)
{
    s->phase = PHASE_HANDSHAKE;
    if (stream_begin_tls_server(s->stream, s->in->tls) != STREAM_OK)
        failed(s);
}

bool handshake_go_on(struct session *s)
{
    enum stream_result result = stream_continue_tls(s->stream);

    if (result == STREAM_TIMEOUT)
        return false;
    s->phase = PHASE_COMMAND;
    session_expect(s, s->in->config->limits.command_ms);
    if (result == STREAM_OK)
        count_session(s);
    if (result != STREAM_OK)
        failed(s);
    else if (s->listen->tls == LISTEN_TLS_IMPLICIT)
        session_banner(s);
    return true;
}

void cmd_starttls(struct session *s, struct str argument)
{
    if (argument.n != 0) {
        session_reply(s, status_make(501, "5.5.4", "No parameters allowed"));
        return;
    }
    if (stream_is_tls(s->stream)) {
        session_reply(s, status_make(503, "5.5.1", "TLS is active already"));
        return;
    }
    if (s->in->tls == NULL) {
        session_reply(s, status_make(502, "5.5.1", "No certificate here"));
        return;
    }
    /* Commands that came in one packet with STARTTLS would be read inside TLS
     * as if they had been protected: such a client is attacked or broken, and
     * the connection ends (SI-02). */
    if (stream_has_input(s->stream)) {
        log_event(LOG_WARNING, "smtp.in.starttls_injection",
                  LOG_STR("session", id_str(&s->id)),
                  LOG_CSTR("peer", stream_peer(s->stream)));
        session_close(s);
        return;
    }
    session_reply(s, status_make(220, "2.0.0", "Ready to start TLS"));
    session_forget(s);
    if (stream_flush(s->stream) == STREAM_OK)
        handshake_begin(s);
    else
        session_close(s);
}
