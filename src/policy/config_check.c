/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/config_check.h"

#include "mail/pattern.h"
#include "policy/rules.h"
#include "policy/schema.h"
#include "policy/value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ERRORS_MAX = 200 };

void config_complain(struct config_errors *errors, struct str file,
                     uint32_t line, uint32_t column, struct str message)
{
    size_t n = errors->n;

    if (n == ERRORS_MAX)
        return;
    if ((n & (n - 1)) == 0) {
        struct config_error *list =
            arena_array(&errors->arena, n == 0 ? 1 : n * 2, sizeof(*list));

        if (n > 0)
            memcpy(list, errors->list, n * sizeof(*list));
        errors->list = list;
    }
    errors->list[n] = (struct config_error){
        .file = str_keep(&errors->arena, file),
        .line = line,
        .column = column,
        .message = str_keep(&errors->arena, message),
    };
    errors->n++;
}

static int compare_errors(const void *one, const void *other)
{
    const struct config_error *a = one, *b = other;
    int order = str_cmp(a->file, b->file);

    if (order != 0)
        return order;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    return str_cmp(a->message, b->message);
}

void config_errors_sort(struct config_errors *errors)
{
    size_t kept = 0;

    if (errors->n == 0)
        return;
    qsort(errors->list, errors->n, sizeof(errors->list[0]), compare_errors);
    for (size_t i = 0; i < errors->n; i++)
        if (i == 0 ||
            compare_errors(&errors->list[kept - 1], &errors->list[i]) != 0)
            errors->list[kept++] = errors->list[i];
    errors->n = kept;
}

void config_errors_write(const struct config_errors *errors, struct buf *out)
{
    for (size_t i = 0; i < errors->n; i++) {
        const struct config_error *e = &errors->list[i];

        buf_add(out, e->file);
        if (e->line > 0)
            buf_addf(out, ":%u:%u", e->line, e->column);
        buf_addf(out, ": %.*s\n", STR_ARG(e->message));
    }
}

void config_errors_free(struct config_errors *errors)
{
    arena_free(&errors->arena);
    *errors = (struct config_errors){ 0 };
}

/* --- what follows from other settings ---------------------------------- */

static void finish_listen(struct listen_config *l)
{
    l->auth_required = l->auth == LISTEN_AUTH_REQUIRED;
    l->auth_offered = l->auth != LISTEN_AUTH_OFF;
    l->requires_senders = l->senders_n > 0;
}

/* strip-subject-marker alone means the text the rule itself looks for. */
static void finish_rule(struct rule *rule)
{
    if (!rule->strip || rule->strip_marker.n > 0)
        return;
    for (size_t i = 0; i < rule->when.n; i++) {
        const struct rule_step *step = &rule->when.steps[i];

        if (step->code == RULE_TEST && step->field == FIELD_SUBJECT &&
            step->test == TEST_CONTAINS) {
            rule->strip_marker = step->text;
            return;
        }
    }
}

static void finish_portal(struct config *config)
{
    struct portal_config *p = &config->portal;

    p->on = config_origin(config, "portal", NULL, 0) != NULL;
    if (p->organisation.n == 0)
        p->organisation = config->hostname;
    if (p->from.n == 0)
        p->from = arena_printf(&config->arena, "postseal@%.*s",
                               STR_ARG(config->hostname));
    if (p->certificate_file.n == 0 && p->key_file.n == 0) {
        p->certificate_file = config->tls_certificate_file;
        p->key_file = config->tls_key_file;
    }
}

static bool is_given(const struct config *config, const char *block,
                     const char *key)
{
    const struct config_origin *o = config_origin(config, block, key, 0);

    return o != NULL && o->key != NULL;
}

/* A default gives way to what was written. */
static void finish_defaults(struct config *config)
{
    struct delivery_config *d = &config->delivery;
    struct portal_config *p = &config->portal;

    if (!is_given(config, "delivery", "connections-per-destination") &&
        d->connections_per_destination > d->connections)
        d->connections_per_destination = d->connections;
    if (!is_given(config, "portal", "idle-timeout") &&
        p->idle_ms > p->session_ms)
        p->idle_ms = p->session_ms;
    if (!is_given(config, "delivery", "delay-notice-after") &&
        d->delay_notice_after_ms > d->give_up_after_ms)
        d->delay_notice_after_ms = d->give_up_after_ms;
}

/* RFC 8314, 3.3: port 465 speaks TLS from the first octet. */
static void finish_route(struct route_config *route, uint16_t port)
{
    if (route->port == 0)
        route->port = port;
    if (route->port == 465)
        route->tls = LISTEN_TLS_IMPLICIT;
}

void config_finish(struct config *config)
{
    finish_defaults(config);
    for (size_t i = 0; i < config->listens_n; i++)
        finish_listen(&config->listens[i]);
    for (size_t i = 0; i < config->rules_n; i++)
        finish_rule(&config->rules[i]);
    for (size_t i = 0; i < config->routes_n; i++)
        finish_route(&config->routes[i], config->delivery.port);
    finish_portal(config);
}

/* --- lookups ----------------------------------------------------------- */

const struct route_config *config_route(const struct config *config,
                                        struct str domain)
{
    for (size_t i = 0; i < config->routes_n; i++)
        if (pattern_domain(config->routes[i].domain, domain))
            return &config->routes[i];
    return NULL;
}

const struct recipient_config *config_recipient(const struct config *config,
                                                struct str address)
{
    for (size_t i = 0; i < config->recipients_n; i++)
        if (pattern_address(config->recipients[i].who, address))
            return &config->recipients[i];
    return NULL;
}

const struct pin_config *config_pin(const struct config *config,
                                    struct str domain)
{
    for (size_t i = 0; i < config->pins_n; i++)
        if (pattern_domain(config->pins[i].domain, domain))
            return &config->pins[i];
    return NULL;
}

/* --- checks ------------------------------------------------------------ */

struct checking {
    const struct config *config;
    struct config_errors *errors;
};

static void __attribute__((format(printf, 5, 6)))
wrong(struct checking *c, const char *block, const char *key, size_t index,
      const char *format, ...)
{
    const struct config_origin *o = config_origin(c->config, block, key, index);
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    config_complain(c->errors, o == NULL ? c->config->file : o->file,
                    o == NULL ? 0 : o->line, o == NULL ? 0 : o->column,
                    str_from_cstr(text));
}

static bool same_address(const struct sockaddr_storage *a,
                         const struct sockaddr_storage *b)
{
    const struct sockaddr_in *a4 = (const struct sockaddr_in *)a;
    const struct sockaddr_in *b4 = (const struct sockaddr_in *)b;
    const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)a;
    const struct sockaddr_in6 *b6 = (const struct sockaddr_in6 *)b;

    if (a->ss_family != b->ss_family)
        return false;
    if (a->ss_family == AF_INET)
        return a4->sin_port == b4->sin_port &&
               (a4->sin_addr.s_addr == b4->sin_addr.s_addr ||
                a4->sin_addr.s_addr == 0 || b4->sin_addr.s_addr == 0);
    return a6->sin6_port == b6->sin6_port &&
           (memcmp(&a6->sin6_addr, &b6->sin6_addr, 16) == 0 ||
            IN6_IS_ADDR_UNSPECIFIED(&a6->sin6_addr) ||
            IN6_IS_ADDR_UNSPECIFIED(&b6->sin6_addr));
}

/* Nearly everybody: such a range restricts nothing. */
static bool is_everybody(const struct address_range *range)
{
    return range->bits < (range->family == AF_INET ? 8 : 16);
}

static bool accepts_everybody(const struct listen_config *l)
{
    for (size_t i = 0; i < l->accept_from_n; i++)
        if (is_everybody(&l->accept_from[i]))
            return true;
    return false;
}

static void check_relay(struct checking *c, size_t i)
{
    const struct listen_config *l = &c->config->listens[i];

    if (l->accept_from_n == 0 && !l->auth_required)
        wrong(c, "listen", NULL, i,
              "this listener would take mail from anybody (an open relay): "
              "say 'accept-from RANGE' or 'auth required'");
    else if (accepts_everybody(l) && (!l->auth_required || l->senders_n == 0))
        wrong(c, "listen", "accept-from", i,
              "this range is nearly everybody (an open relay): it needs "
              "'auth required' and 'senders' as well");
}

static void check_listen(struct checking *c, size_t i)
{
    const struct listen_config *l = &c->config->listens[i];
    bool has_tls = c->config->tls_certificate_file.n > 0;

    check_relay(c, i);
    if (l->auth_offered && !has_tls)
        wrong(c, "listen", "auth", i,
              "passwords only pass inside TLS: this needs tls { certificate "
              "... key ... }");
    else if (l->tls != LISTEN_TLS_OFFERED && !has_tls)
        wrong(c, "listen", l->tls == LISTEN_TLS_IMPLICIT ? "tls" : "starttls",
              i, "this needs tls { certificate ... key ... }");
    for (size_t k = 0; k < i; k++)
        if (same_address(&l->address, &c->config->listens[k].address))
            wrong(c, "listen", NULL, i,
                  "this is the address of another listener (line %u)",
                  c->config->listens[k].line);
}

static void check_starttls_words(struct checking *c, size_t i)
{
    const struct config_origin *tls =
        config_origin(c->config, "listen", "tls", i);
    const struct config_origin *starttls =
        config_origin(c->config, "listen", "starttls", i);

    if (tls != NULL && starttls != NULL && tls->key != NULL &&
        starttls->key != NULL)
        wrong(c, "listen", "tls", i,
              "either 'tls implicit' or 'starttls', not both");
}

static bool is_loopback(const struct sockaddr_storage *a)
{
    if (a->ss_family == AF_INET)
        return (ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) >>
                24) == 127;
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

static void check_portal(struct checking *c)
{
    const struct portal_config *p = &c->config->portal;

    if (!p->on)
        return;
    if (p->url.n > 0 && !str_starts(p->url, STR("https://")))
        wrong(c, "portal", "url", 0,
              "readers must come by https: write https:// here (a proxy in "
              "front is said by 'behind-proxy')");
    if (p->behind_proxy && p->address.ss_family != 0 &&
        !is_loopback(&p->address))
        wrong(c, "portal", "listen", 0,
              "behind a proxy the portal speaks plain HTTP: it may listen on "
              "loopback only");
    if (!p->behind_proxy && p->certificate_file.n == 0)
        wrong(c, "portal", NULL, 0,
              "the portal needs a certificate: here, or tls { certificate "
              "... key ... }");
    if ((p->certificate_file.n == 0) != (p->key_file.n == 0))
        wrong(c, "portal", p->key_file.n == 0 ? "certificate" : "key", 0,
              "certificate and key go together");
    for (size_t i = 0; i < c->config->listens_n; i++)
        if (p->address.ss_family != 0 &&
            same_address(&p->address, &c->config->listens[i].address))
            wrong(c, "portal", "listen", 0,
                  "this is the address of another listener (line %u)",
                  c->config->listens[i].line);
    if (p->session_ms < p->idle_ms)
        wrong(c, "portal", "session-timeout", 0,
              "this is shorter than idle-timeout");
}

static void check_metrics(struct checking *c)
{
    const struct config *config = c->config;

    if (!config->metrics_on)
        return;
    for (size_t i = 0; i < config->listens_n; i++)
        if (same_address(&config->metrics_address, &config->listens[i].address))
            wrong(c, "metrics", "listen", 0,
                  "this is the address of another listener (line %u)",
                  config->listens[i].line);
    if (config->portal.on &&
        same_address(&config->metrics_address, &config->portal.address))
        wrong(c, "metrics", "listen", 0, "this is the portal's address");
}

static bool ladder_has(struct ladder ladder, enum method method)
{
    for (uint8_t i = 0; i < ladder.n; i++)
        if (ladder.rung[i] == method)
            return true;
    return false;
}

static void check_rule(struct checking *c, size_t i)
{
    const struct config *config = c->config;
    const struct rule *rule = &config->rules[i];
    struct ladder ladder = ladder_above(rule->ladder, rule->floor);
    struct str floor = floor_name(rule->floor);

    if (rule->name.n == 0)
        wrong(c, "rule", NULL, i, "a rule needs a name: rule \"...\" { ... }");
    if (ladder.n == 0)
        wrong(c, "rule", "ladder", i,
              "nothing on this ladder meets the floor '%.*s': nothing could "
              "be sent (add portal)",
              STR_ARG(floor));
    else if (ladder.n == 1 && ladder_has(ladder, METHOD_PORTAL) &&
             !config->portal.on)
        wrong(c, "rule", "ladder", i,
              "only the portal meets this rule, and there is none: nothing "
              "could be sent (add portal { url ... listen ... })");
    if (rule->strip && rule->strip_marker.n == 0)
        wrong(c, "rule", "strip-subject-marker", i,
              "say which text: the rule itself looks for none by 'subject "
              "contains'");
    for (size_t k = 0; k < i; k++)
        if (str_eq(rule->name, config->rules[k].name))
            wrong(c, "rule", NULL, i, "another rule has this name (line %u)",
                  config->rules[k].line);
}

/* The first that fits is taken: what stands behind "all" is never asked. */
static void check_order(struct checking *c)
{
    const struct config *config = c->config;

    for (size_t i = 0; i + 1 < config->rules_n; i++)
        if (config->rules[i].when.n == 0)
            wrong(c, "rule", NULL, i + 1,
                  "this rule is never asked: the one before it (line %u) has "
                  "no 'when' and decides everything",
                  config->rules[i].line);
    for (size_t i = 0; i < config->routes_n; i++)
        for (size_t k = 0; k < i; k++)
            if (str_eq(config->routes[i].domain, config->routes[k].domain) ||
                str_eq(config->routes[k].domain, STR("*"))) {
                wrong(c, "route", NULL, i,
                      "this route is never taken: the one on line %u comes "
                      "first",
                      config->routes[k].line);
                break;
            }
    for (size_t i = 0; i < config->pins_n; i++)
        for (size_t k = 0; k < i; k++)
            if (str_eq(config->pins[i].domain, config->pins[k].domain))
                wrong(c, "pin", NULL, i, "this domain is pinned on line %u",
                      config->pins[k].line);
}

static void check_pin(struct checking *c, size_t i)
{
    const struct pin_config *pin = &c->config->pins[i];

    if (!pin->has_floor && pin->spki_n == 0)
        wrong(c, "pin", NULL, i, "a pin needs 'floor' or 'public-key'");
    if (pin->spki_n > 0 && pin->has_floor && pin->floor < FLOOR_VERIFIED)
        wrong(c, "pin", "floor", i,
              "a pinned public key is always demanded: the floor cannot be "
              "below 'verified'");
    if (str_eq(pin->domain, STR("*")))
        wrong(c, "pin", NULL, i,
              "a pin is for one domain: for all of them write a rule");
}

static void check_route(struct checking *c, size_t i)
{
    const struct route_config *route = &c->config->routes[i];
    bool weak = route->has_floor && route->floor < FLOOR_VERIFIED;

    if (route->has_floor && route->floor == FLOOR_SEALED)
        wrong(c, "route", "floor", i,
              "a connection cannot be sealed: write open, tls or verified");
    if (route->auth_user.n > 0 && weak)
        wrong(c, "route", "floor", i,
              "a password only goes to a checked server: with 'auth' the "
              "floor cannot be below 'verified'");
}

static void check_delivery(struct checking *c)
{
    const struct delivery_config *d = &c->config->delivery;

    if (d->retry_n > 0 && d->retry_ms[0] > d->give_up_after_ms)
        wrong(c, "delivery", "give-up-after", 0,
              "this is shorter than the first retry");
    if (d->connections_per_destination > d->connections)
        wrong(c, "delivery", "connections-per-destination", 0,
              "this is more than connections in all");
}

static void check_expect(struct checking *c, size_t i)
{
    const struct expect_config *e = &c->config->expects[i];

    if (e->header.n > 0 && str_find_char(e->header, ':') == e->header.n)
        wrong(c, "expect", "header", i,
              "write a whole field: header \"X-Class: secret\"");
    if (e->rule.n == 0 || str_eq(e->rule, STR("default")))
        return;
    for (size_t k = 0; k < c->config->rules_n; k++)
        if (str_eq(e->rule, c->config->rules[k].name))
            return;
    wrong(c, "expect", "rule", i, "there is no rule of this name");
}

void config_check(const struct config *config, struct config_errors *errors)
{
    struct checking c = { config, errors };

    for (size_t i = 0; i < config->listens_n; i++) {
        check_listen(&c, i);
        check_starttls_words(&c, i);
    }
    for (size_t i = 0; i < config->routes_n; i++)
        check_route(&c, i);
    for (size_t i = 0; i < config->pins_n; i++)
        check_pin(&c, i);
    for (size_t i = 0; i < config->rules_n; i++)
        check_rule(&c, i);
    for (size_t i = 0; i < config->expects_n; i++)
        check_expect(&c, i);
    check_order(&c);
    check_portal(&c);
    check_metrics(&c);
    check_delivery(&c);
}

/* --- files ------------------------------------------------------------- */

struct named_file {
    struct str path;
    const char *block, *key;
    size_t index;
    bool secret, folder;
};

static void check_file(struct checking *c, struct named_file f)
{
    char path[4096];
    struct stat st;

    if (f.path.n == 0 || f.path.n >= sizeof(path))
        return;
    snprintf(path, sizeof(path), "%.*s", STR_ARG(f.path));
    if (stat(path, &st) != 0)
        wrong(c, f.block, f.key, f.index, "%s: %s", path, strerror(errno));
    else if (f.folder ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode))
        wrong(c, f.block, f.key, f.index, "%s is not a %s", path,
              f.folder ? "folder" : "file");
    else if (f.secret && (st.st_mode & 077) != 0)
        wrong(c, f.block, f.key, f.index,
              "%s holds a secret and others may read it (mode %04o): chmod "
              "600 it",
              path, (unsigned)st.st_mode & 07777);
}

void config_check_files(const struct config *config,
                        struct config_errors *errors)
{
    struct checking c = { config, errors };
    bool own = is_given(config, "portal", "certificate") ||
               is_given(config, "portal", "key");
    const struct named_file fixed[] = {
        { config->tls_certificate_file, "tls", "certificate", 0, false, false },
        { config->tls_key_file, "tls", "key", 0, true, false },
        { config->dns_trust_anchor_file, "dns", "trust-anchor", 0, false,
          false },
        { config->delivery.ca_file, "delivery", "ca", 0, false, false },
        { config->portal.template_dir, "portal", "templates", 0, false, true },
        { own ? config->portal.certificate_file : STR(""), "portal",
          "certificate", 0, false, false },
        { own ? config->portal.key_file : STR(""), "portal", "key", 0, true,
          false },
    };

    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        check_file(&c, fixed[i]);
    for (size_t i = 0; i < config->routes_n; i++)
        check_file(&c, (struct named_file){ config->routes[i].auth_secret_file,
                                            "route", "auth", i, true, false });
    for (size_t i = 0; i < config->dkims_n; i++)
        check_file(&c, (struct named_file){ config->dkims[i].key_file, "dkim",
                                            "key", i, true, false });
}

/* --- notices ----------------------------------------------------------- */

static bool is_private(const struct address_range *r)
{
    const uint8_t *o = r->octets;

    if (r->family == AF_INET)
        return o[0] == 127 || o[0] == 10 ||
               (o[0] == 172 && (o[1] & 0xf0) == 16) ||
               (o[0] == 192 && o[1] == 168);
    return (o[0] & 0xfe) == 0xfc || (o[0] == 0xfe && (o[1] & 0xc0) == 0x80) ||
           r->bits == 128;
}

static void notice_listen(struct checking *c, size_t i)
{
    const struct listen_config *l = &c->config->listens[i];

    for (size_t k = 0; k < l->accept_from_n && l->senders_n == 0; k++)
        if (!is_private(&l->accept_from[k]) && l->accept_from[k].bits != 32) {
            wrong(c, "listen", "accept-from", i,
                  "if others share this range (a mail provider's), also name "
                  "'senders'");
            return;
        }
}

static void notice_rule(struct checking *c, size_t i)
{
    const struct rule *rule = &c->config->rules[i];

    if (ladder_has(rule->ladder, METHOD_PORTAL) && !c->config->portal.on)
        wrong(c, "rule", "ladder", i,
              "there is no portal { }: this ladder ends before it");
}

static bool decides_all(const struct config *config)
{
    return config->rules_n > 0 &&
           config->rules[config->rules_n - 1].when.n == 0;
}

void config_notices(const struct config *config, struct config_errors *notices)
{
    struct checking c = { config, notices };

    for (size_t i = 0; i < config->listens_n; i++)
        notice_listen(&c, i);
    for (size_t i = 0; i < config->rules_n; i++)
        notice_rule(&c, i);
    if (!config->portal.on && !decides_all(config))
        wrong(&c, "portal", NULL, 0,
              "there is no portal { }: the default rule's ladder is 'tls' "
              "alone, and what cannot go by checked TLS goes back to the "
              "sender");
    if (config->listens_n == 0)
        wrong(&c, "listen", NULL, 0,
              "there is no listen: no mail can come in by SMTP");
    config_errors_sort(notices);
}
