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

enum {
    ASKS_HERE = 5,      /* per pickup and source in a window */
    ASKS_SOURCE = 20,   /* per source in a window */
    ASKS_PICKUP = 20,   /* per pickup in a day: mails to one person */
    TRIES_HERE = 5,     /* per pickup and source in a window */
    TRIES_SOURCE = 50,  /* per source in a window */
    TRIES_PICKUP = 100, /* per pickup in a day: the hard stop */
    DAY_MS = 86400000,
};

/* --- counting ------------------------------------------------------------ */

static struct status count(struct tx *tx, const struct visit *v,
                           const char *what, bool per_pickup, bool per_source,
                           uint32_t most, bool *allowed)
{
    struct str source = per_source ? visit_source(v) : STR("");
    struct str name =
        arena_printf(v->arena, "%s:%s:%.*s", what,
                     per_pickup ? v->pickup.id.text : "", STR_ARG(source));
    bool yes = false;
    struct status st =
        counter_hit(tx, name, most, per_source ? CODE_WINDOW_MS : DAY_MS,
                    v->now_wall_ms, &yes);

    *allowed = *allowed && yes;
    return st;
}

/* A try turned away here does not count further on, so that one source cannot
 * use up what belongs to all. */
static struct status count_all(struct tx *tx, const struct visit *v,
                               const char *what, const uint32_t most[3],
                               bool *allowed)
{
    struct status st;

    *allowed = true;
    st = count(tx, v, what, true, true, most[0], allowed);
    if (status_is_ok(st) && *allowed)
        st = count(tx, v, what, false, true, most[1], allowed);
    if (status_is_ok(st) && *allowed)
        st = count(tx, v, what, true, false, most[2], allowed);
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

/* --- asking -------------------------------------------------------------- */

struct asking {
    const struct visit *visit;
    struct one_time_code code;
    struct codemail *mail;
    bool allowed;
};

static struct status ask_work(struct tx *tx, void *argument)
{
    static const uint32_t most[3] = { ASKS_HERE, ASKS_SOURCE, ASKS_PICKUP };
    struct asking *a = argument;
    const struct visit *v = a->visit;
    struct str client = str_from_cstr(v->x->client);
    struct status st = count_all(tx, v, "ask", most, &a->allowed);

    if (!status_is_ok(st))
        return st;
    if (!a->allowed)
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
    metric_add(a.allowed ? METRIC_CODES_SENT : METRIC_CODES_REFUSED, 1);
    log_event(LOG_INFO, a.allowed ? "portal.code_sent" : "portal.slow_down",
              LOG_STR("pickup", id_str(&v->pickup.id)),
              LOG_CSTR("peer", v->x->client));
    return a.allowed ? RESULT_OK : RESULT_SLOW_DOWN;
}

/* --- entering ------------------------------------------------------------ */

struct entering {
    const struct visit *visit;
    unsigned char hash[PORTAL_HASH], browser[PORTAL_HASH];
    unsigned char new_session[PORTAL_HASH], old_session[PORTAL_HASH];
    bool allowed, gone;
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
        st = session_end(tx, e->old_session);
    return status_is_ok(st)
               ? session_open(tx, e->new_session, &v->pickup.id, v->now_wall_ms)
               : st;
}

static struct status enter_work(struct tx *tx, void *argument)
{
    static const uint32_t most[3] = { TRIES_HERE, TRIES_SOURCE, TRIES_PICKUP };
    struct entering *e = argument;
    const struct visit *v = e->visit;
    struct str client = str_from_cstr(v->x->client);
    struct status st = count_all(tx, v, "try", most, &e->allowed);

    if (!status_is_ok(st))
        return st;
    if (!e->allowed)
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
    if (!e->allowed)
        return RESULT_SLOW_DOWN;
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
              LOG_CSTR("result", !e.allowed            ? "slow down"
                                 : result == RESULT_OK ? "ok"
                                                       : refusals[e.fate]));
    return result;
}
