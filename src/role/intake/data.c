/* SPDX-License-Identifier: Apache-2.0 */
/* DATA (RFC 5321, 4.1.1.4) and BDAT (RFC 3030): the message itself. */
#include "role/intake/session.h"

#include "base/clock.h"
#include "role/intake/accept.h"
#include "role/intake/access.h"
#include "smtp/command.h"

enum { DRIBBLE_OCTETS = 512 };

static void begin(struct session *s)
{
    struct transaction *tx = &s->tx;
    struct buf trace = { 0 };

    spool_begin(&tx->spool, s->in->store, s->in->config->limits.message_bytes);
    tx->spooling = true;
    tx->lines = (struct smtp_lines){ 0 };
    accept_trace(s, &trace);
    spool_prepend(&tx->spool, buf_str(&trace));
    buf_free(&trace);
}

static void broken(struct session *s, enum stream_result result)
{
    log_event(
        LOG_INFO, "smtp.in.data_broken", LOG_STR("session", id_str(&s->id)),
        LOG_CSTR("peer", stream_peer(s->stream)),
        LOG_CSTR("why", result == STREAM_TIMEOUT ? "too slow"
                                                 : stream_fault(s->stream)));
    if (result == STREAM_TIMEOUT)
        stream_write(s->stream, STR("421 4.4.2 Timeout\r\n"));
    session_reset(s);
    session_close(s);
}

/* The message is whole: keep it and answer for it. */
static void end(struct session *s)
{
    struct status st = spool_finish(&s->tx.spool);

    if (status_is_ok(st))
        st = accept_message(s);
    else
        accept_refused(s, st);
    session_reset(s);
    session_reply(s, st);
}

/* Two readings of one byte stream are possible: neither is taken (SI-01). */
static void smuggled(struct session *s, const char *sequence)
{
    struct status st = status_make(
        554, "5.5.2", "%s in the message: lines end in CR LF only", sequence);

    log_event(LOG_WARNING, "smtp.in.smuggling",
              LOG_STR("session", id_str(&s->id)),
              LOG_CSTR("peer", stream_peer(s->stream)),
              LOG_CSTR("sequence", sequence));
    accept_refused(s, st);
    session_reset(s);
    session_reply(s, st);
    session_close(s);
}

static bool normalises(const struct session *s)
{
    return access_in_ranges(stream_peer(s->stream), s->listen->normalise,
                            s->listen->normalise_n);
}

void cmd_data(struct session *s, struct str argument)
{
    if (argument.n != 0) {
        session_reply(s, status_make(501, "5.5.4", "No parameters allowed"));
        return;
    }
    begin(s);
    smtp_data_begin(&s->decoder, normalises(s));
    stream_write(s->stream, STR("354 End data with <CR><LF>.<CR><LF>\r\n"));
    s->phase = PHASE_DATA;
    session_expect(s, s->in->config->limits.data_ms);
}

/* The next octets of the message, if they are here. */
static bool next_block(struct session *s, struct str *block)
{
    enum stream_result result = stream_peek_now(s->stream, block);

    if (result == STREAM_TIMEOUT && clock_mono_ms() < s->phase_end_mono_ms)
        return false;
    /* Who sends without a pause must come to an end too. */
    if (result == STREAM_OK && s->tx.open &&
        clock_mono_ms() >= s->tx.end_mono_ms)
        result = STREAM_TIMEOUT;
    if (result != STREAM_OK) {
        *block = STR("");
        broken(s, result);
        return true;
    }
    s->dribbles = block->n < DRIBBLE_OCTETS;
    session_expect(s, s->in->config->limits.data_ms);
    return true;
}

/* The client may speak again. */
static void await_command(struct session *s)
{
    s->phase = PHASE_COMMAND;
    s->dribbles = false;
    session_expect(s, s->in->config->limits.command_ms);
}

bool data_go_on(struct session *s)
{
    struct buf *out = &s->tx.spool.incoming;
    enum smtp_data_state state;
    struct str block;
    size_t used;

    if (!next_block(s, &block))
        return false;
    if (s->closing)
        return true;
    buf_clear(out);
    state = smtp_data_decode(&s->decoder, block, out, &used);
    stream_consume(s->stream, used);
    spool_add(&s->tx.spool, buf_str(out));
    if (state == SMTP_DATA_MORE)
        return true;
    s->tx.spool.has_nul = s->decoder.has_nul;
    await_command(s);
    session_deadline(s, s->in->config->limits.command_ms);
    if (state == SMTP_DATA_BAD)
        smuggled(s, s->decoder.fault);
    else
        end(s);
    return true;
}

static void end_chunk(struct session *s)
{
    await_command(s);
    session_deadline(s, s->in->config->limits.command_ms);
    if (!s->chunk.kept)
        session_reply(s, s->tx.open
                             ? status_make(554, "5.5.1", "No valid recipients")
                             : status_make(503, "5.5.1", "Send MAIL first"));
    else if (s->chunk.last && smtp_lines_end(&s->tx.lines) != NULL)
        smuggled(s, smtp_lines_end(&s->tx.lines));
    else if (s->chunk.last)
        end(s);
    else
        session_reply(s, status_make(250, "2.0.0", "%llu octets received",
                                     (unsigned long long)s->chunk.size));
}

/* A chunk is read to its end whatever its fate: its octets are never
 * commands. */
bool chunk_go_on(struct session *s)
{
    struct str block;

    if (s->chunk.left == 0) {
        end_chunk(s);
        return true;
    }
    if (!next_block(s, &block))
        return false;
    if (s->closing)
        return true;
    block = str_first(block, s->chunk.left);
    if (s->chunk.kept) {
        const char *fault = smtp_lines_add(&s->tx.lines, block);

        if (fault != NULL) {
            smuggled(s, fault);
            return true;
        }
        s->tx.spool.has_nul = s->tx.lines.has_nul;
        spool_add(&s->tx.spool, block);
    }
    s->chunk.left -= block.n;
    stream_consume(s->stream, block.n);
    return true;
}

void cmd_bdat(struct session *s, struct str argument)
{
    struct smtp_bdat bdat;
    struct status st = smtp_bdat_parse(argument, &bdat);

    if (!status_is_ok(st)) {
        /* Where the chunk ends is not known: nothing after it can be read. */
        session_reply(s, st);
        session_close(s);
        return;
    }
    s->chunk = (struct session_chunk){
        .size = bdat.size,
        .left = bdat.size,
        .last = bdat.last,
        .kept = s->tx.rcpts_n > 0,
    };
    if (s->chunk.kept && !s->tx.spooling)
        begin(s);
    s->phase = PHASE_CHUNK;
    session_expect(s, s->in->config->limits.data_ms);
}
