/* SPDX-License-Identifier: Apache-2.0 */
/* AUTH (RFC 4954): PLAIN, LOGIN, SCRAM-SHA-256; inside TLS only. */
#include "role/intake/session.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/random.h"
#include "role/intake/scram.h"
#include "seal/password.h"
#include "store/user.h"

#include <stdatomic.h>

enum {
    AUTH_LINE_MAX = 12288,
    FAILURES_A_SESSION = 3,
    NONCE_BYTES = 18,
    ANSWER_MS = 30000,
    WAITING_MAX = 64, /* of all threads; see await_answer */
};

static const char *mechanism_name(struct str mechanism)
{
    return str_eq_nocase(mechanism, STR("PLAIN"))           ? "PLAIN"
           : str_eq_nocase(mechanism, STR("LOGIN"))         ? "LOGIN"
           : str_eq_nocase(mechanism, STR("SCRAM-SHA-256")) ? "SCRAM-SHA-256"
                                                            : "";
}

static struct status rejected(void)
{
    return status_make(535, "5.7.8", "Authentication credentials invalid");
}

static struct status malformed(void)
{
    return status_make(501, "5.5.2", "Cannot decode the answer");
}

/* The one place where a thread waits for a client's line: only so many do, or
 * silent clients could hold all of them (SI-12). */
static struct status await_answer(struct session *s, struct str *line)
{
    int64_t command_ms = s->in->config->limits.command_ms;
    struct status st = status_ok();

    if (atomic_fetch_add(&s->in->auth_waiting, 1) >= WAITING_MAX) {
        st = status_make(454, "4.7.0", "Too many logins at once, try again");
    } else {
        session_deadline(s, command_ms < ANSWER_MS ? command_ms : ANSWER_MS);
        if (stream_flush(s->stream) != STREAM_OK ||
            stream_read_line(s->stream, AUTH_LINE_MAX, line) != STREAM_OK) {
            session_close(s);
            st = status_make(421, "4.4.2", "No answer");
        }
    }
    atomic_fetch_sub(&s->in->auth_waiting, 1);
    return st;
}

/* One "334 challenge" and the client's answer, decoded. "*" gives up. */
static struct status ask(struct session *s, struct str challenge,
                         struct buf *answer)
{
    struct buf line = { 0 };
    struct str text;
    struct status st;

    buf_add_cstr(&line, "334 ");
    base64_encode(challenge, &line);
    buf_add_cstr(&line, "\r\n");
    stream_write(s->stream, buf_str(&line));
    buf_free(&line);
    st = await_answer(s, &text);
    if (!status_is_ok(st))
        return st;
    if (str_eq(text, STR("*")))
        return status_make(501, "5.7.0", "Authentication cancelled");
    return base64_decode(text, answer) ? status_ok() : malformed();
}

/* The first answer may come with the command; "=" is an empty one. */
static struct status first_answer(struct session *s, struct str initial,
                                  struct str challenge, struct buf *answer)
{
    if (initial.n == 0)
        return ask(s, challenge, answer);
    if (str_eq(initial, STR("=")))
        return status_ok();
    return base64_decode(initial, answer) ? status_ok() : malformed();
}

static bool find_user(struct session *s, struct str name, struct user *out)
{
    struct rx *rx = store_read(s->in->store);
    bool found = false;
    struct status st = user_get(rx, name, &s->arena, out, &found);

    store_read_done(s->in->store, &rx);
    return status_is_ok(st) && found;
}

static struct status signed_in(struct session *s, const struct user *user)
{
    s->user = user->name;
    s->user_senders = user->senders;
    s->user_senders_n = user->senders_n;
    return status_make(235, "2.7.0", "Authentication successful");
}

static struct status check_password(struct session *s, struct str name,
                                    struct str password)
{
    /* No password has this verifier; checking it takes the same time. */
    static const struct str decoy =
        STR_INIT("$argon2id$v=19$m=19456,t=2,p=1$"
                 "cG9zdHNlYWwgZGVjb3khIQ$"
                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    struct user user = { 0 };
    bool known = find_user(s, name, &user);
    struct secret secret;
    bool ok;

    /* Unknown names cost the same time as wrong passwords. */
    auth_gate_enter(s->in->auth_gate);
    ok = secret_set(&secret, password) &&
         password_argon2_check(known ? user.argon2 : decoy, &secret);
    secret_wipe(&secret);
    auth_gate_leave(s->in->auth_gate);
    return ok && known ? signed_in(s, &user) : rejected();
}

/* authzid NUL authcid NUL password (RFC 4616) */
static struct status auth_plain(struct session *s, struct str initial)
{
    struct buf answer = { 0 };
    struct status st = first_answer(s, initial, STR(""), &answer);
    struct str rest = buf_str(&answer), authzid, name, password;

    if (!status_is_ok(st))
        goto done;
    st = malformed();
    if (!str_split(&rest, '\0', &authzid) || !str_split(&rest, '\0', &name) ||
        !str_split(&rest, '\0', &password) || rest.p != NULL || name.n == 0)
        goto done;
    st = authzid.n == 0 || str_eq(authzid, name)
             ? check_password(s, name, password)
             : rejected();
done:
    buf_wipe(&answer);
    return st;
}

static struct status auth_login(struct session *s, struct str initial)
{
    struct buf name = { 0 }, password = { 0 };
    struct status st = first_answer(s, initial, STR("Username:"), &name);

    if (status_is_ok(st))
        st = ask(s, STR("Password:"), &password);
    if (status_is_ok(st))
        st = check_password(s, buf_str(&name), buf_str(&password));
    buf_wipe(&name);
    buf_wipe(&password);
    return st;
}

static struct status scram_rounds(struct session *s, struct scram *scram)
{
    struct scram_verifier verifier;
    struct buf answer = { 0 }, final = { 0 }, nonce = { 0 }, empty = { 0 };
    unsigned char raw[NONCE_BYTES];
    struct user user = { 0 };
    bool known = find_user(s, buf_str(&scram->user), &user) &&
                 password_scram_parse(user.scram, &verifier);
    struct status st;

    /* An unknown name is led to the end with a stable salt of its own. */
    if (!known)
        scram_decoy(buf_str(&scram->user), &verifier);
    random_bytes(raw, sizeof(raw));
    base64_encode(str_of(raw, sizeof(raw)), &nonce);
    scram_server_first(scram, &verifier, buf_str(&nonce));
    st = ask(s, buf_str(&scram->server_first), &answer);
    if (!status_is_ok(st))
        goto done;
    st = rejected();
    if (!scram_client_final(scram, &verifier, buf_str(&answer), &final) ||
        !known)
        goto done;
    st = ask(s, buf_str(&final), &empty);
    if (status_is_ok(st))
        st = empty.n == 0 ? signed_in(s, &user) : malformed();
done:
    buf_wipe(&answer);
    buf_wipe(&final);
    buf_wipe(&nonce);
    buf_wipe(&empty);
    return st;
}

static struct status auth_scram(struct session *s, struct str initial)
{
    struct scram scram = { 0 };
    struct buf answer = { 0 };
    struct status st = first_answer(s, initial, STR(""), &answer);

    if (status_is_ok(st))
        st = scram_client_first(&scram, buf_str(&answer))
                 ? scram_rounds(s, &scram)
                 : malformed();
    scram_free(&scram);
    buf_wipe(&answer);
    return st;
}

static struct status may_try(const struct session *s)
{
    if (!stream_is_tls(s->stream))
        return status_make(538, "5.7.11",
                           "Encryption required for authentication");
    if (!s->listen->auth_offered && !s->listen->auth_required)
        return status_make(502, "5.5.1", "No authentication here");
    if (s->user.n > 0 || s->tx.open)
        return status_make(503, "5.5.1", "Not now");
    if (!auth_gate_may_try(s->in->auth_gate,
                           str_from_cstr(stream_peer(s->stream))))
        return status_make(454, "4.7.0",
                           "Too many failures from this address: wait");
    return status_ok();
}

/* The name is not logged on failure: people type passwords there. */
static void settle(struct session *s, const char *mechanism, struct status st)
{
    struct str peer = str_from_cstr(stream_peer(s->stream));

    if (st.smtp == 235) {
        metric_add(METRIC_SIGN_INS_OK, 1);
        log_event(LOG_INFO, "smtp.in.signed_in",
                  LOG_STR("session", id_str(&s->id)), LOG_STR("peer", peer),
                  LOG_CSTR("mechanism", mechanism), LOG_STR("user", s->user));
    } else if (st.smtp == 535) {
        metric_add(METRIC_SIGN_INS_FAILED, 1);
        auth_gate_failed(s->in->auth_gate, peer);
        log_event(LOG_NOTICE, "smtp.in.auth_failed",
                  LOG_STR("session", id_str(&s->id)), LOG_STR("peer", peer),
                  LOG_CSTR("mechanism", mechanism));
        if (++s->auth_failures >= FAILURES_A_SESSION)
            session_close(s);
    }
}

void cmd_auth(struct session *s, struct str argument)
{
    size_t blank = str_find_char(argument, ' ');
    const char *mechanism = mechanism_name(str_first(argument, blank));
    struct str initial = str_trim(str_from(argument, blank));
    struct status st = may_try(s);

    if (status_is_ok(st) && mechanism[0] == '\0')
        st = status_make(504, "5.5.4", "Mechanism not known here");
    if (!status_is_ok(st)) {
        session_reply(s, st);
        return;
    }
    st = mechanism[0] == 'P'   ? auth_plain(s, initial)
         : mechanism[0] == 'L' ? auth_login(s, initial)
                               : auth_scram(s, initial);
    session_reply(s, st);
    settle(s, mechanism, st);
}
