/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands: what may happen in which state is seen here only. */
#include "role/intake/session.h"

enum when {
    ANY_TIME = 1,
    AFTER_HELLO = 2,
    IN_MAIL = 4,      /* a sender was accepted */
    IN_RCPT = 8,      /* at least one recipient was accepted */
    BEFORE_TLS = 16,  /* also where the listener demands TLS first */
    BEFORE_AUTH = 32, /* also where the listener demands AUTH first */
    NOT_IN_BDAT = 64, /* refused between chunks (RFC 3030, 2) */
};

static const struct row {
    struct str verb;
    unsigned when;
    session_handler *run;
} rows[] = {
    { STR_INIT("EHLO"), ANY_TIME | BEFORE_TLS | BEFORE_AUTH, cmd_ehlo },
    { STR_INIT("HELO"), ANY_TIME | BEFORE_TLS | BEFORE_AUTH, cmd_helo },
    { STR_INIT("STARTTLS"), AFTER_HELLO | BEFORE_TLS | BEFORE_AUTH,
      cmd_starttls },
    { STR_INIT("AUTH"), AFTER_HELLO | BEFORE_AUTH | NOT_IN_BDAT, cmd_auth },
    { STR_INIT("MAIL"), AFTER_HELLO | NOT_IN_BDAT, cmd_mail },
    { STR_INIT("RCPT"), IN_MAIL | NOT_IN_BDAT, cmd_rcpt },
    { STR_INIT("DATA"), IN_RCPT | NOT_IN_BDAT, cmd_data },
    /* Its chunk must be read off the wire in any state: cmd_bdat checks. */
    { STR_INIT("BDAT"), ANY_TIME | BEFORE_TLS | BEFORE_AUTH, cmd_bdat },
    { STR_INIT("RSET"), ANY_TIME | BEFORE_TLS | BEFORE_AUTH, cmd_rset },
    { STR_INIT("NOOP"), ANY_TIME | BEFORE_TLS | BEFORE_AUTH, cmd_noop },
    { STR_INIT("VRFY"), ANY_TIME, cmd_vrfy },
    { STR_INIT("HELP"), ANY_TIME | BEFORE_TLS | BEFORE_AUTH, cmd_help },
    { STR_INIT("QUIT"), ANY_TIME | BEFORE_TLS | BEFORE_AUTH, cmd_quit },
};

/* A browser that was tricked into talking to us: nothing is echoed (SI-17). */
static bool is_http(struct str verb)
{
    static const struct str verbs[] = {
        STR_INIT("GET"),    STR_INIT("POST"),    STR_INIT("HEAD"),
        STR_INIT("PUT"),    STR_INIT("OPTIONS"), STR_INIT("CONNECT"),
        STR_INIT("DELETE"), STR_INIT("PATCH"),   STR_INIT("TRACE"),
        STR_INIT("PRI"),
    };

    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (str_eq_nocase(verb, verbs[i]))
            return true;
    return false;
}

static bool has_control(struct str line)
{
    for (size_t i = 0; i < line.n; i++)
        if ((unsigned char)line.p[i] < ' ' && line.p[i] != '\t')
            return true;
    return false;
}

static const struct row *find(struct str verb)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (str_eq_nocase(verb, rows[i].verb))
            return &rows[i];
    return NULL;
}

/* Why a known command cannot be run now; ok when it can. */
static struct status check(const struct session *s, const struct row *row)
{
    bool tls_missing =
        s->listen->tls != LISTEN_TLS_OFFERED && !stream_is_tls(s->stream);

    if (tls_missing && !(row->when & BEFORE_TLS))
        return status_make(530, "5.7.0", "Must issue a STARTTLS command first");
    if (s->listen->auth_required && s->user.n == 0 &&
        !(row->when & BEFORE_AUTH))
        return status_make(530, "5.7.0", "Authentication required");
    if (row->when & ANY_TIME)
        return status_ok();
    if (s->helo.n == 0)
        return status_make(503, "5.5.1", "Send EHLO first");
    if ((row->when & (IN_MAIL | IN_RCPT)) && !s->tx.open)
        return status_make(503, "5.5.1", "Send MAIL first");
    if ((row->when & IN_RCPT) && s->tx.rcpts_n == 0)
        return status_make(554, "5.5.1", "No valid recipients");
    if ((row->when & NOT_IN_BDAT) && s->tx.spooling)
        return status_make(503, "5.5.1", "BDAT has begun: only BDAT or RSET");
    return status_ok();
}

void command_run(struct session *s, struct str line)
{
    size_t blank = str_find_char(line, ' ');
    struct str verb = str_first(line, blank);
    const struct row *row;
    struct status st;

    if (is_http(verb)) {
        log_event(LOG_WARNING, "smtp.in.http",
                  LOG_STR("session", id_str(&s->id)),
                  LOG_CSTR("peer", stream_peer(s->stream)));
        session_close(s);
        return;
    }
    if (has_control(line)) {
        session_reply(
            s, status_make(501, "5.5.2", "Control characters in a command"));
        return;
    }
    row = find(verb);
    if (row == NULL) {
        session_reply(s, status_make(500, "5.5.2", "Command not recognized"));
        return;
    }
    st = check(s, row);
    if (status_is_ok(st))
        row->run(s, str_from(line, blank + 1));
    else
        session_reply(s, st);
}
