/* SPDX-License-Identifier: Apache-2.0 */
#include "role/portal/code.h"

#include "base/metrics.h"
#include "base/panic.h"
#include "base/random.h"
#include "role/portal/codemail.h"
#include "role/portal/visit.h"
#include "seal/pickup.h"
#include "store/audit.h"
#include "store/pickup_access.h"
#include "store/queue.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

enum { DAY_MS = 86400000 };

/*
 * What may be asked and tried, each by its own count. Whoever holds a leaked
 * link uses up what is his own first: the limits of a source come before those
 * of a message, and a code that another browser asked for is not touched. A
 * message gets at most 40 codes and 100 tries a day: to guess one of 10^8
 * within 30 days succeeds once in 33,000 messages so attacked.
 */
struct limit {
    bool of_pickup, of_source;
    uint32_t most;
    int64_t window_ms;
};
static const struct limit ask_limits[] = {
    { true, true, 5, CODE_WINDOW_MS },
    { false, true, 20, CODE_WINDOW_MS },
    { true, true, 10, DAY_MS },
    { true, false, 40, DAY_MS }, /* mails to one person */
};
static const struct limit try_limits[] = {
    { true, true, 5, CODE_WINDOW_MS },
    { false, true, 50, CODE_WINDOW_MS },
    { true, true, 30, DAY_MS },
};
/* The hard stop: only tries at a code that could be guessed count. */
static const struct limit hard_limit = { true, false, 100, DAY_MS };
enum {
    ASK_LIMITS = sizeof(ask_limits) / sizeof(ask_limits[0]),
    TRY_LIMITS = sizeof(try_limits) / sizeof(try_limits[0]),
};

/* --- counting ------------------------------------------------------------ */

/* Whether one more is allowed, and if not, for how long. */
enum leave { LEAVE_GIVEN, LEAVE_SOON, LEAVE_TOMORROW };

static struct status count(struct tx *tx, const struct visit *v,
                           const char *what, const struct limit *limit,
                           enum leave *leave)
{
    bool day = limit->window_ms == DAY_MS, yes = false;
    struct str source = limit->of_source ? visit_source(v) : STR("");
    struct str name = arena_printf(
        v->arena, "%s%s:%s:%.*s", what, day ? "-day" : "",
        limit->of_pickup ? v->pickup.id.text : "", STR_ARG(source));
    struct status st = counter_hit(tx, name, limit->most, limit->window_ms,
                                   v->now_wall_ms, &yes);

    if (!yes)
        *leave = day ? LEAVE_TOMORROW : LEAVE_SOON;
    return st;
}

/* A try turned away by one limit does not count further on, so that one source
 * cannot use up what belongs to all. */
static struct status count_all(struct tx *tx, const struct visit *v,
                               const char *what, const struct limit *limits,
                               size_t n, enum leave *leave)
{
    struct status st = status_ok();

    *leave = LEAVE_GIVEN;
    for (size_t i = 0; i < n && status_is_ok(st) && *leave == LEAVE_GIVEN; i++)
        st = count(tx, v, what, &limits[i], leave);
    return st;
}

/* Code alone, or code and PIN, as one hash: the answer cannot tell which of
 * the two was wrong. */
static void join_hash(const struct visit *v, struct str code,
                      const unsigned char pin_hash[PORTAL_HASH],
                      unsigned char out[PORTAL_HASH])
{
    unsigned char both[2 * PORTAL_HASH];

    pickup_secret_hash(&v->pickup.id, code, out);
    if (!v->pickup.needs_pin)
        return;
    memcpy(both, out, PORTAL_HASH);
    memcpy(both + PORTAL_HASH, pin_hash, PORTAL_HASH);
    visit_hash(str_of(both, sizeof(both)), out);
}

static enum code_result of_leave(enum leave leave)
{
    return leave == LEAVE_GIVEN  ? RESULT_OK
           : leave == LEAVE_SOON ? RESULT_SLOW_DOWN
                                 : RESULT_TOMORROW;
}

/* --- asking -------------------------------------------------------------- */

struct asking {
    const struct visit *visit;
    struct one_time_code code;
    struct codemail *mail;
    enum leave leave;
};

static struct status ask_work(struct tx *tx, void *argument)
{
    struct asking *a = argument;
    const struct visit *v = a->visit;
    struct str client = str_from_cstr(v->x->client);
    struct status st =
        count_all(tx, v, "ask", ask_limits, ASK_LIMITS, &a->leave);

    if (!status_is_ok(st))
        return st;
    if (a->leave != LEAVE_GIVEN)
        return audit_code_refused(tx, &v->pickup.id, client, "asked too often");
    st = code_put(tx, &a->code);
    if (status_is_ok(st))
        st = codemail_queue(tx, a->mail);
    return status_is_ok(st) ? audit_code_sent(tx, &v->pickup.id, client) : st;
}

enum code_result code_ask(struct visit *v)
{
    char digits[CODE_DIGITS + 1];
    struct asking a = { .visit = v };
    struct status st;

    snprintf(digits, sizeof(digits), "%08u",
             (unsigned)(random_below(100000000) % 100000000u));
    a.code = (struct one_time_code){
        .pickup_id = v->pickup.id,
        .created_wall_ms = v->now_wall_ms,
        .expires_wall_ms = v->now_wall_ms + CODE_LIFE_MS,
    };
    join_hash(v, str_of(digits, CODE_DIGITS), v->pickup.pin_hash,
              a.code.code_hash);
    visit_hash(v->browser, a.code.browser_hash);
    a.mail = codemail_make(v, str_of(digits, CODE_DIGITS));
    OPENSSL_cleanse(digits, sizeof(digits));
    st = store_commit(v->portal->store, ask_work, &a);
    if (!status_is_ok(st)) {
        log_event(LOG_ERROR, "portal.fault", LOG_CSTR("why", st.why));
        return RESULT_FAULT;
    }
    bool sent = a.leave == LEAVE_GIVEN;
    metric_add(sent ? METRIC_CODES_SENT : METRIC_CODES_REFUSED, 1);
    log_event(LOG_INFO, sent ? "portal.code_sent" : "portal.slow_down",
              LOG_STR("pickup", id_str(&v->pickup.id)),
              LOG_CSTR("peer", v->x->client));
    return of_leave(a.leave);
}

/* --- entering ------------------------------------------------------------ */

struct entering {
    const struct visit *visit;
    unsigned char hash[PORTAL_HASH], browser[PORTAL_HASH];
    unsigned char new_session[PORTAL_HASH], old_session[PORTAL_HASH];
    enum leave leave;
    bool gone;
    enum code_fate fate;
};

static const char *const refusals[] = {
    [CODE_WRONG] = "wrong",         [CODE_TOO_OLD] = "too old",
    [CODE_TOO_MANY] = "tries used", [CODE_OTHER_BROWSER] = "other browser",
    [CODE_NONE] = "none asked for",
};

static struct status let_in(struct tx *tx, const struct entering *e)
{
    const struct visit *v = e->visit;
    struct status st = pickup_opened(
        tx, &v->pickup.id, str_from_cstr(v->x->client), v->now_wall_ms);

    if (status_is_ok(st) && v->session.n > 0)
        st = access_end(tx, e->old_session);
    return status_is_ok(st)
               ? access_open(tx, e->new_session, &v->pickup.id, v->now_wall_ms)
               : st;
}

static struct status enter_work(struct tx *tx, void *argument)
{
    struct entering *e = argument;
    const struct visit *v = e->visit;
    struct str client = str_from_cstr(v->x->client);
    struct status st =
        count_all(tx, v, "try", try_limits, TRY_LIMITS, &e->leave);
    bool live = false;

    if (status_is_ok(st) && e->leave == LEAVE_GIVEN)
        st = code_is_live(tx, &v->pickup.id, e->browser, v->now_wall_ms, &live);
    if (status_is_ok(st) && live)
        st = count(tx, v, "try", &hard_limit, &e->leave);
    if (!status_is_ok(st))
        return st;
    if (e->leave != LEAVE_GIVEN)
        return audit_code_refused(tx, &v->pickup.id, client, "tried too often");
    st = code_try(tx, &v->pickup.id, e->hash, e->browser, v->now_wall_ms,
                  &e->fate);
    if (!status_is_ok(st))
        return st;
    if (e->fate != CODE_RIGHT)
        return audit_code_refused(tx, &v->pickup.id, client, refusals[e->fate]);
    st = let_in(tx, e);
    e->gone = st.kind == STATUS_REFUSE;
    return st;
}

static enum code_result result_of(const struct entering *e)
{
    if (e->leave != LEAVE_GIVEN)
        return of_leave(e->leave);
    switch (e->fate) {
    case CODE_RIGHT:
        return RESULT_OK;
    case CODE_WRONG:
        return RESULT_WRONG;
    case CODE_TOO_MANY:
        return RESULT_USED_UP;
    case CODE_OTHER_BROWSER:
        return RESULT_ELSEWHERE;
    case CODE_TOO_OLD:
    case CODE_NONE:
        break;
    }
    return RESULT_TOO_OLD;
}

/* Only what people type between digits may be left out. */
static struct str digits_of(struct visit *v, struct str typed)
{
    struct buf out = { 0 };
    struct str kept;

    for (size_t i = 0; i < typed.n && i < 64; i++)
        if (typed.p[i] != ' ' && typed.p[i] != '-')
            buf_add_char(&out, typed.p[i]);
    kept = str_keep(v->arena, buf_str(&out));
    buf_wipe(&out);
    return kept;
}

enum code_result code_enter(struct visit *v, struct str code, struct str pin)
{
    struct entering e = { .visit = v };
    unsigned char pin_hash[PORTAL_HASH];
    struct str session = visit_new_secret(v);
    struct status st;

    pickup_secret_hash(&v->pickup.id, digits_of(v, pin), pin_hash);
    join_hash(v, digits_of(v, code), pin_hash, e.hash);
    visit_hash(v->browser, e.browser);
    visit_hash(session, e.new_session);
    visit_hash(v->session, e.old_session);
    st = store_commit(v->portal->store, enter_work, &e);
    if (!status_is_ok(st)) {
        log_event(LOG_ERROR, "portal.fault", LOG_CSTR("why", st.why));
        return e.gone ? RESULT_GONE : RESULT_FAULT;
    }
    enum code_result result = result_of(&e);
    if (result == RESULT_OK)
        visit_set_cookie(v, v->session_key, session);
    metric_add(result == RESULT_OK ? METRIC_LOGINS_OK : METRIC_LOGINS_FAILED,
               1);
    log_event(LOG_INFO,
              result == RESULT_OK ? "portal.opened" : "portal.code_refused",
              LOG_STR("pickup", id_str(&v->pickup.id)),
              LOG_CSTR("peer", v->x->client),
              LOG_CSTR("result", e.leave != LEAVE_GIVEN ? "slow down"
                                 : result == RESULT_OK  ? "ok"
                                                        : refusals[e.fate]));
    return result;
}
