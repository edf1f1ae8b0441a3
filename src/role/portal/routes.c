/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be asked of the portal, on one screen. GET and HEAD change nothing
 * but a session's idle time: programs that open every link in a mail leave it
 * as it was (PO-01).
 */
#include "base/clock.h"
#include "role/portal/assets.h"
#include "role/portal/code.h"
#include "role/portal/letter.h"
#include "role/portal/pages.h"
#include "role/portal/visit.h"
#include "seal/pickup.h"
#include "store/pickup_access.h"

enum { GETS = 1, POSTS = 2, SESSION = 4 };

static void redirect(struct visit *v, const char *to)
{
    v->x->answer.status = 303;
    buf_addf(&v->x->answer.fields, "Location: /p/%.*s%s\r\n", STR_ARG(v->token),
             to);
}

static void show_link(struct visit *v)
{
    if (v->signed_in)
        redirect(v, "/read");
    else
        page_welcome(v);
}

static void show_code(struct visit *v)
{
    page_code(v, false);
}

static const enum notice_page result_pages[] = {
    [RESULT_TOO_OLD] = PAGE_TOO_OLD,     [RESULT_USED_UP] = PAGE_USED_UP,
    [RESULT_ELSEWHERE] = PAGE_ELSEWHERE, [RESULT_SLOW_DOWN] = PAGE_SLOW_DOWN,
    [RESULT_TOMORROW] = PAGE_TOMORROW,   [RESULT_GONE] = PAGE_EXPIRED,
    [RESULT_FAULT] = PAGE_FAULT,
};

static void ask(struct visit *v)
{
    enum code_result result = code_ask(v);

    if (result == RESULT_OK)
        redirect(v, "/code");
    else
        page_notice(v, result_pages[result]);
}

static void enter(struct visit *v)
{
    struct buf code = { 0 }, pin = { 0 };
    enum code_result result;

    http_form_value(v->x->body, STR("code"), &code);
    http_form_value(v->x->body, STR("pin"), &pin);
    result = code_enter(v, buf_str(&code), buf_str(&pin));
    buf_wipe(&code);
    buf_wipe(&pin);
    if (result == RESULT_OK)
        redirect(v, "/read");
    else if (result == RESULT_WRONG)
        page_code(v, true);
    else
        page_notice(v, result_pages[result]);
}

static void send_content(struct visit *v)
{
    letter_answer(v, false);
}

static void send_file(struct visit *v)
{
    letter_answer(v, true);
}

static struct status leave_work(struct tx *tx, void *argument)
{
    return access_end(tx, argument);
}

static void leave(struct visit *v)
{
    unsigned char hash[PORTAL_HASH];

    visit_hash(v->session, hash);
    if (!status_is_ok(store_commit(v->portal->store, leave_work, hash))) {
        page_notice(v, PAGE_FAULT);
        return;
    }
    visit_set_cookie(v, v->session_key, STR(""));
    redirect(v, "");
}

static const struct route {
    struct str tail; /* behind /p/TOKEN */
    unsigned needs;
    void (*answer)(struct visit *v);
} routes[] = {
    { STR_INIT(""), GETS, show_link },
    { STR_INIT("/code"), GETS, show_code },
    { STR_INIT("/code"), POSTS, ask },
    { STR_INIT("/open"), POSTS, enter },
    { STR_INIT("/read"), GETS | SESSION, page_reader },
    { STR_INIT("/content"), GETS | SESSION, send_content },
    { STR_INIT("/message.eml"), GETS | SESSION, send_file },
    { STR_INIT("/leave"), POSTS | SESSION, leave },
};

static unsigned need_of(enum http_method method)
{
    if (method == HTTP_OTHER)
        return 0;
    return method == HTTP_POST ? POSTS : GETS;
}

/* known: the path exists, maybe for another method. */
static const struct route *route_of(struct str tail, enum http_method method,
                                    bool *known)
{
    *known = false;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (!str_eq(routes[i].tail, tail))
            continue;
        *known = true;
        if ((routes[i].needs & need_of(method)) != 0)
            return &routes[i];
    }
    return NULL;
}

/* Cuts "/p/TOKEN" off the path. */
static bool take_token(struct visit *v, struct str *tail)
{
    struct str path = v->x->request->path;
    struct str rest = str_from(path, 3);
    size_t slash = str_find_char(rest, '/');

    if (!str_starts(path, STR("/p/")) || slash != PICKUP_TOKEN_SIZE - 1)
        return false;
    v->token = str_first(rest, slash);
    *tail = str_from(rest, slash);
    for (size_t i = 0; i < v->token.n; i++)
        if (!ascii_is_alnum(v->token.p[i]) && v->token.p[i] != '-' &&
            v->token.p[i] != '_')
            return false;
    return true;
}

static struct status find_pickup(struct visit *v, bool *found)
{
    unsigned char hash[PORTAL_HASH];
    struct rx *rx = store_read(v->portal->store);
    struct status st;

    pickup_token_hash(v->token, hash);
    st = pickup_by_token(rx, hash, v->arena, &v->pickup, found);
    store_read_done(v->portal->store, &rx);
    return st;
}

static void go(struct visit *v, struct str tail)
{
    bool known;
    const struct route *route = route_of(tail, v->x->request->method, &known);

    if (!known) {
        page_notice(v, PAGE_UNKNOWN);
    } else if (route == NULL) {
        buf_add_cstr(&v->x->answer.fields, "Allow: GET, HEAD, POST\r\n");
        page_notice(v, PAGE_METHOD);
    } else if ((route->needs & POSTS) != 0 && !visit_post_is_ours(v)) {
        page_notice(v, PAGE_NO_COOKIE);
    } else if ((route->needs & SESSION) != 0 && !v->signed_in) {
        page_notice(v, PAGE_SIGNED_OUT);
    } else {
        route->answer(v);
    }
}

static void visit_link(struct visit *v)
{
    struct str tail;
    bool found = false;
    struct status st = status_ok();

    if (take_token(v, &tail))
        st = find_pickup(v, &found);
    if (!found)
        v->token = STR("");
    if (!status_is_ok(st))
        page_notice(v, PAGE_FAULT);
    else if (!found)
        page_notice(v, PAGE_UNKNOWN);
    else if (v->pickup.state == PICKUP_RECALLED)
        page_notice(v, PAGE_RECALLED);
    else if (v->pickup.state == PICKUP_EXPIRED ||
             v->pickup.expires_wall_ms <= v->now_wall_ms)
        page_notice(v, PAGE_EXPIRED);
    else {
        visit_browser(v);
        visit_session(v);
        go(v, tail);
    }
}

void portal_handle(void *context, struct http_exchange *exchange)
{
    struct visit v = {
        .portal = context,
        .x = exchange,
        .arena = exchange->arena,
        .now_wall_ms = clock_wall_ms(),
    };
    bool reads = (need_of(exchange->request->method) & GETS) != 0;

    if (reads && asset_answer(exchange))
        return;
    if (reads && str_eq(exchange->request->path, STR("/")))
        page_notice(&v, PAGE_HOME);
    else
        visit_link(&v);
}
