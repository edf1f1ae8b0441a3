/* SPDX-License-Identifier: Apache-2.0 */
#include "role/portal/visit.h"

#include "base/base64.h"
#include "base/panic.h"
#include "base/random.h"
#include "store/pickup_access.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

enum { SECRET_TEXT = 43 };

static const struct str browser_cookie = STR_INIT("__Host-postseal-browser");

void visit_hash(struct str secret, unsigned char out[PORTAL_HASH])
{
    unsigned n = PORTAL_HASH;

    if (EVP_Digest(secret.p, secret.n, out, &n, EVP_sha256(), NULL) != 1)
        panic("SHA-256 failed");
}

struct str visit_new_secret(struct visit *v)
{
    unsigned char raw[32];
    struct buf text = { 0 };
    struct str kept;

    random_bytes(raw, sizeof(raw));
    base64url_encode(str_of(raw, sizeof(raw)), &text);
    kept = str_keep(v->arena, buf_str(&text));
    OPENSSL_cleanse(raw, sizeof(raw));
    buf_wipe(&text);
    return kept;
}

void visit_set_cookie(struct visit *v, struct str name, struct str value)
{
    buf_addf(&v->x->answer.fields,
             "Set-Cookie: %.*s=%.*s; Path=/; Secure; HttpOnly; SameSite=Lax%s"
             "\r\n",
             STR_ARG(name), STR_ARG(value), value.n == 0 ? "; Max-Age=0" : "");
}

static bool is_secret(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_')
            return false;
    return s.n == SECRET_TEXT;
}

void visit_browser(struct visit *v)
{
    v->browser = http_request_cookie(v->x->request, browser_cookie);
    v->browser_known = is_secret(v->browser);
    if (v->browser_known)
        return;
    v->browser = visit_new_secret(v);
    visit_set_cookie(v, browser_cookie, v->browser);
}

/* One cookie a pickup, so that two messages can be read side by side. */
static struct str session_name(struct visit *v)
{
    const unsigned char *h = v->pickup.token_hash;

    return arena_printf(v->arena, "__Host-postseal-%02x%02x%02x%02x", h[0],
                        h[1], h[2], h[3]);
}

struct use {
    unsigned char hash[PORTAL_HASH];
    const struct visit *visit;
    struct id pickup_id;
    bool live;
};

static struct status use_work(struct tx *tx, void *argument)
{
    struct use *u = argument;
    const struct portal_config *config = &u->visit->portal->config->portal;

    return access_use(tx, u->hash, config->idle_ms, config->session_ms,
                      u->visit->now_wall_ms, &u->pickup_id, &u->live);
}

void visit_session(struct visit *v)
{
    struct use use = { .visit = v };

    v->session_key = session_name(v);
    v->session = http_request_cookie(v->x->request, v->session_key);
    if (!is_secret(v->session))
        return;
    visit_hash(v->session, use.hash);
    if (!status_is_ok(store_commit_soft(v->portal->store, use_work, &use)))
        return;
    v->signed_in =
        use.live && str_eq(id_str(&use.pickup_id), id_str(&v->pickup.id));
}

struct str visit_form_token(const struct visit *v)
{
    unsigned char hash[PORTAL_HASH];
    struct buf text = { 0 };
    struct str token;

    visit_hash(
        arena_printf(v->arena, "postseal form:%.*s", STR_ARG(v->browser)),
        hash);
    base64url_encode(str_of(hash, sizeof(hash)), &text);
    token = str_keep(v->arena, buf_str(&text));
    buf_free(&text);
    return token;
}

/* Under Referrer-Policy: no-referrer browsers send "Origin: null" with our own
 * forms, so null alone says nothing; the token does. */
static bool comes_from_us(const struct visit *v)
{
    struct str site = http_request_field(v->x->request, STR("Sec-Fetch-Site"));
    struct str origin = http_request_field(v->x->request, STR("Origin"));

    if (site.n > 0 && !str_eq(site, STR("same-origin")))
        return false;
    return origin.n == 0 || str_eq(origin, STR("null")) ||
           str_eq_nocase(origin, v->portal->config->portal.url);
}

bool visit_post_is_ours(const struct visit *v)
{
    struct buf token = { 0 };
    bool ours = v->browser_known && comes_from_us(v) &&
                http_form_value(v->x->body, STR("form"), &token) &&
                str_eq_secret(buf_str(&token), visit_form_token(v));

    buf_wipe(&token);
    return ours;
}

struct str visit_source(const struct visit *v)
{
    struct in6_addr six;
    const unsigned char *b = six.s6_addr;

    if (inet_pton(AF_INET6, v->x->client, &six) != 1)
        return str_from_cstr(v->x->client);
    return arena_printf(v->arena, "%02x%02x:%02x%02x:%02x%02x:%02x%02x", b[0],
                        b[1], b[2], b[3], b[4], b[5], b[6], b[7]);
}
