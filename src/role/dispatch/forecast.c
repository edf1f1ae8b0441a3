/* SPDX-License-Identifier: Apache-2.0 */
#include "role/dispatch/forecast.h"

#include "base/clock.h"
#include "base/panic.h"
#include "policy/rules.h"
#include "posture/keyfind.h"
#include "posture/posture.h"
#include "role/dispatch/decide.h"
#include "role/dispatch/plan.h"
#include "role/dispatch/reach.h"
#include "store/keyring.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HOSTS_MAX = 20, ADDRESSES_MAX = 8 };

struct forecaster {
    const struct config *config;
    struct posture *posture; /* NULL: offline */
    struct tls_trust *trust;
    struct store *store; /* the keyring; NULL: there is none to read */
    int64_t timeout_ms;
};

struct view {
    struct forecaster *who;
    struct arena *arena;
    struct forecast *out;
    struct dial dial;
    struct blame blame;
    struct str first_lasting, last_passing;
    bool served;
};

/* Rules can be asked before there is a store. */
static void open_keyring(struct forecaster *who)
{
    char path[600];
    int n = snprintf(path, sizeof(path), "%.*s/postseal.db",
                     STR_ARG(who->config->data_dir));

    if (n < 0 || (size_t)n >= sizeof(path) || access(path, R_OK) != 0)
        return;
    *strrchr(path, '/') = '\0';
    if (!status_is_ok(store_open(path, &who->store)))
        who->store = NULL;
}

struct status forecaster_open(const struct config *config, bool offline,
                              int64_t timeout_ms, struct forecaster **out)
{
    struct forecaster *who = calloc(1, sizeof(*who));
    struct status st = status_ok();

    if (who == NULL)
        panic("out of memory");
    /* As every role does: a server that hangs up must not end us. */
    signal(SIGPIPE, SIG_IGN);
    who->config = config;
    who->timeout_ms = timeout_ms;
    open_keyring(who);
    if (!offline)
        st = posture_open(config, NULL, &who->posture);
    if (status_is_ok(st))
        st = tls_trust_open(config->delivery.ca_file, &who->trust);
    *out = who;
    return st;
}

void forecaster_close(struct forecaster **who)
{
    struct forecaster *f = *who;

    *who = NULL;
    if (f == NULL)
        return;
    if (f->store != NULL)
        store_close(&f->store);
    posture_close(&f->posture);
    tls_trust_close(&f->trust);
    free(f);
}

/* --- lines ------------------------------------------------------------------
 */

static void say(struct arena *arena, struct forecast_line **list,
                const char *format, ...) __attribute__((format(printf, 3, 4)));

static void say(struct arena *arena, struct forecast_line **list,
                const char *format, ...)
{
    struct forecast_line *line = ARENA_NEW(arena, struct forecast_line);
    struct buf text = { 0 };
    va_list args;

    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    line->text = str_keep(arena, buf_str(&text));
    buf_free(&text);
    while (*list != NULL)
        list = &(*list)->next;
    *list = line;
}

static const char *dnssec(enum dns_state state)
{
    return state == DNS_SECURE     ? "DNSSEC secure"
           : state == DNS_INSECURE ? "not signed"
                                   : "look-up failed or bogus";
}

/* --- rules ------------------------------------------------------------------
 */

static void explain_rules(struct view *v, const struct message_facts *facts)
{
    const struct config *config = v->who->config;
    const struct rule *chosen = policy_rule(config, facts, v->out->recipient);

    for (size_t i = 0; i < config->rules_n; i++) {
        const struct rule *rule = &config->rules[i];
        struct buf when = { 0 };

        rule_write(&rule->when, &when);
        say(v->arena, &v->out->rules, "line %u, rule \"%.*s\": %s%s%s",
            rule->line, STR_ARG(rule->name), when.n > 0 ? "when " : "always",
            when.n > 0 ? buf_cstr(&when) : "",
            rule == chosen ? " -- holds, and decides" : " -- does not hold");
        buf_free(&when);
        if (rule == chosen)
            return;
    }
    say(v->arena, &v->out->rules,
        "no rule holds: the built-in default (verified; tls portal; 15m)");
}

/* --- hosts
 * -------------------------------------------------------------------- */

static const char *need_words(enum tls_need need)
{
    static const char *const words[] = {
        [TLS_NEED_MAY] = "TLS if offered (may)",
        [TLS_NEED_ENCRYPT] = "TLS 1.2 or newer, any certificate (encrypt)",
        [TLS_NEED_PKIX] = "TLS and a public certificate for its name (secure)",
        [TLS_NEED_STS] = "TLS and a certificate as MTA-STS demands (secure)",
        [TLS_NEED_DANE] = "TLS and a matching TLSA record (dane-only)",
        [TLS_NEED_PIN] = "TLS and one of the pinned keys (fingerprint)",
        [TLS_NEED_NEVER] = "nothing would do",
    };

    return words[need];
}

static void describe_domain(struct view *v, const struct domain_posture *p)
{
    const struct sts_policy *sts = &p->sts;
    static const char *const modes[] = { "none", "testing", "enforce" };

    if (v->dial.route != NULL) {
        say(v->arena, &v->out->facts, "route (line %u) to %.*s port %u%s%.*s",
            v->dial.route->line, STR_ARG(v->dial.route->host),
            (unsigned)v->dial.route->port,
            v->dial.route->has_floor ? ", trusted with floor " : "",
            STR_ARG(v->dial.route->has_floor ? floor_name(v->dial.route->floor)
                                             : STR("")));
        return;
    }
    if (!status_is_ok(p->status) && !p->null_mx)
        return;
    say(v->arena, &v->out->facts, "%.*s: %s, MX %s", STR_ARG(p->domain),
        p->null_mx       ? "takes no mail (null MX)"
        : p->implicit_mx ? "no MX record, the domain itself is the host"
                         : "MX records found",
        dnssec(p->mx_state));
    if (sts->present)
        say(v->arena, &v->out->facts, "%.*s: MTA-STS mode %s, id %.*s",
            STR_ARG(p->domain), modes[sts->mode], STR_ARG(sts->id));
    if (sts->fault.n > 0)
        say(v->arena, &v->out->facts, "%.*s: MTA-STS fetch: %.*s",
            STR_ARG(p->domain), STR_ARG(sts->fault));
}

static void describe_host(struct view *v, enum tls_need need)
{
    const struct mx_host *h = v->dial.host;

    say(v->arena, &v->out->facts,
        "%.*s: preference %u, %zu addresses (%s), %zu usable TLSA (%s); "
        "needs %s",
        STR_ARG(h->name), h->preference, h->addresses_n,
        dnssec(h->address_state), h->tlsa_usable_n, dnssec(h->tlsa_state),
        need_words(need));
}

static void describe_session(struct view *v,
                             const struct sockaddr_storage *address,
                             const struct tls_seen *seen)
{
    char text[64];
    struct str by = verified_by_name(seen->by);

    dial_address_text(address, text);
    if (!seen->up)
        say(v->arena, &v->out->facts, "%.*s [%s]: %s",
            STR_ARG(v->dial.host->name), text,
            seen->offered ? "STARTTLS offered, no TLS came of it"
                          : "STARTTLS not offered");
    else
        say(v->arena, &v->out->facts, "%.*s [%s]: %s %s %s, %s%.*s",
            STR_ARG(v->dial.host->name), text, seen->version, seen->cipher,
            seen->group, by.n > 0 ? "verified by " : "not verified",
            STR_ARG(by));
}

static void blame_one(struct view *v, struct fault fault)
{
    struct str why = str_keep(v->arena, str_from_cstr(fault.why.why));

    if (fault.kind == FAULT_LASTING) {
        if (v->blame.lasting++ == 0)
            v->first_lasting = why;
    } else {
        v->blame.passing++;
        v->last_passing = why;
    }
    say(v->arena, &v->out->facts, "%.*s: %.*s (%s)",
        STR_ARG(v->dial.host->name), STR_ARG(why),
        fault.kind == FAULT_LASTING ? "lasting" : "may pass");
}

static bool try_address(struct view *v, enum tls_need need,
                        const struct sockaddr_storage *address)
{
    struct session *session = NULL;
    struct tls_seen seen;
    struct str key;
    bool reused;
    struct fault fault =
        reach_open(&v->dial, need, address, v->who->timeout_ms, NULL, v->arena,
                   &key, &seen, &reused, &session);

    if (fault.kind == FAULT_NONE || seen.offered || seen.up)
        describe_session(v, address, &seen);
    if (fault.kind == FAULT_NONE &&
        clearance_judge(demand_link_floor(v->dial.floor, v->dial.route), need,
                        &seen) == CLEARANCE_NONE)
        fault = (struct fault){
            FAULT_LASTING, status_make(550, "5.7.5", "does not meet the floor")
        };
    if (fault.kind != FAULT_NONE)
        blame_one(v, fault);
    session_quit(&session);
    return fault.kind == FAULT_NONE;
}

static bool try_host(struct view *v)
{
    size_t order[ADDRESSES_MAX];
    size_t n = dial_order(v->dial.host, order, ADDRESSES_MAX);
    struct status why = status_ok();
    struct demand demand = dial_demand(&v->dial, &why);

    describe_host(v, demand.need);
    if (demand.need == TLS_NEED_NEVER) {
        blame_one(
            v, (struct fault){ demand.may_pass ? FAULT_PASSING : FAULT_LASTING,
                               why });
        return false;
    }
    if (n == 0)
        blame_one(
            v, (struct fault){ v->dial.host->address_error.kind == STATUS_REFUSE
                                   ? FAULT_LASTING
                                   : FAULT_DOWN,
                               v->dial.host->address_error });
    for (size_t i = 0; i < n; i++)
        if (try_address(v, demand.need, &v->dial.host->addresses[order[i]]))
            return true;
    return false;
}

/* The tls rung, as carry() walks it. Every host is described. */
static enum outcome try_tls(struct view *v)
{
    struct domain_posture posture = { 0 };
    const struct route_config *route = v->dial.route;

    if (route != NULL)
        posture_host(v->who->posture, route->host, route->port,
                     v->who->timeout_ms, v->arena, &posture);
    else
        posture_domain(v->who->posture, v->dial.domain, v->who->timeout_ms,
                       v->arena, &posture);
    describe_domain(v, &posture);
    if (!status_is_ok(posture.status) || posture.hosts_n == 0) {
        v->out->our_fault = posture.status.kind == STATUS_DEFER;
        v->last_passing = v->first_lasting =
            str_keep(v->arena, str_from_cstr(posture.status.why));
        return posture.status.kind == STATUS_REFUSE ? OUTCOME_REFUSED
                                                    : OUTCOME_PASSING;
    }
    v->dial.posture = &posture;
    for (size_t i = 0; i < posture.hosts_n && i < HOSTS_MAX; i++) {
        v->dial.host = &posture.hosts[i];
        v->served |= try_host(v);
    }
    return v->served ? OUTCOME_DELIVERED : plan_blame(v->blame);
}

/* --- rungs
 * -------------------------------------------------------------------- */

static void choose(struct view *v, enum method method, bool later,
                   struct str why)
{
    v->out->has_method = true;
    v->out->method = method;
    v->out->later = later;
    if (v->out->why.n == 0)
        v->out->why = why;
}

/* True when the walk down the ladder ends here. */
static bool rung_tls(struct view *v, bool last)
{
    if (v->who->posture == NULL) {
        choose(v, METHOD_TLS, false,
               STR("offline: the servers were not asked"));
        return true;
    }
    switch (try_tls(v)) {
    case OUTCOME_DELIVERED:
        choose(v, METHOD_TLS, false, STR("a connection meets the floor"));
        return true;
    case OUTCOME_REFUSED:
        v->out->why = v->first_lasting;
        say(v->arena, &v->out->to_change,
            "the domain takes no mail: a status notification goes to the "
            "sender at once");
        return true;
    case OUTCOME_LASTING:
        v->out->why = v->first_lasting;
        say(v->arena, &v->out->to_change, "for tls: %.*s",
            STR_ARG(v->first_lasting));
        return false;
    case OUTCOME_PASSING:
    case OUTCOME_UNKNOWN:
        break;
    }
    choose(v, METHOD_TLS, true, v->last_passing);
    say(v->arena, &v->out->to_change, "for tls: %.*s; tried again %s",
        STR_ARG(v->last_passing),
        last ? "until give-up-after"
             : "until switch-after, then the next rung");
    return true;
}

/* --- locked rungs -----------------------------------------------------------
 */

static bool known_key(struct view *v, enum key_kind kind, bool candidates,
                      struct keyring_key *out)
{
    struct store *store = v->who->store;
    struct keyring_key *keys = NULL;
    struct rx *rx;
    size_t n = 0;
    struct status st;

    if (store == NULL)
        return false;
    rx = store_read(store);
    st = keyring_find(rx, v->out->recipient, kind, candidates, clock_wall_ms(),
                      v->arena, &keys, &n);
    store_read_done(store, &rx);
    if (!status_is_ok(st) || n == 0)
        return false;
    *out = keys[0];
    return true;
}

/* Where one is published; the sealer reads it when the message is sent. */
static bool published_key(struct view *v, enum key_kind kind, struct str *where)
{
    struct found_key *found = NULL;
    struct str faults = STR("");
    size_t n = 0;

    if (v->who->posture == NULL ||
        !status_is_ok(keyfind(v->who->posture, v->who->config,
                              v->out->recipient, v->who->timeout_ms, v->arena,
                              &found, &n, &faults)))
        return false;
    if (faults.n > 0)
        say(v->arena, &v->out->facts, "keys: %.*s", STR_ARG(faults));
    for (size_t i = 0; i < n; i++)
        if (found[i].kind == kind) {
            *where = found[i].where;
            return true;
        }
    return false;
}

static bool rung_locked(struct view *v, enum method method)
{
    enum key_kind kind = method == METHOD_PGP ? KEY_PGP : KEY_SMIME;
    bool candidates = v->out->decision.key_candidates;
    struct keyring_key key;
    struct str where = STR("");

    if (known_key(v, kind, candidates, &key)) {
        say(v->arena, &v->out->facts, "%.*s key %.*s (%.*s), %.*s, from %.*s",
            STR_ARG(key_kind_name(kind)), STR_ARG(key.facts.fingerprint),
            STR_ARG(key.facts.algorithm), STR_ARG(key_state_name(key.state)),
            STR_ARG(key_source_name(key.source)));
        choose(v, method, false, STR("locked to the recipient's key"));
        return true;
    }
    if (known_key(v, kind, true, &key) || published_key(v, kind, &where)) {
        if (candidates) {
            choose(v, method, false,
                   arena_printf(v->arena, "a key is published at %.*s",
                                STR_ARG(where)));
            return true;
        }
        say(v->arena, &v->out->to_change,
            "for %.*s: the key that was found approved (postseal key), or "
            "keys candidates in the rule",
            STR_ARG(method_name(method)));
        return false;
    }
    say(v->arena, &v->out->to_change,
        "for %.*s: a key of the recipient (postseal key import)",
        STR_ARG(method_name(method)));
    return false;
}

static bool rung(struct view *v, size_t i)
{
    const struct ladder *ladder = &v->out->decision.ladder;

    switch (ladder->rung[i]) {
    case METHOD_TLS:
        return rung_tls(v, i + 1 == ladder->n);
    case METHOD_PGP:
    case METHOD_SMIME:
        return rung_locked(v, ladder->rung[i]);
    case METHOD_PORTAL:
        choose(v, METHOD_PORTAL, false, STR("the ladder begins there"));
        return true;
    }
    return false;
}

void forecast(struct forecaster *who, const struct message *message,
              struct str header, struct str recipient, struct arena *arena,
              struct forecast *out)
{
    const struct config *config = who->config;
    size_t at = recipient.n;
    struct view v = { .who = who, .arena = arena, .out = out };
    struct message_facts facts = { .from = message->from,
                                   .header = header,
                                   .size_bytes = message->size_bytes };
    bool done = false;

    *out = (struct forecast){ .recipient = recipient };
    while (at > 0 && recipient.p[at - 1] != '@')
        at--;
    decide_policy(config, message, header, recipient, arena, &out->decision);
    explain_rules(&v, &facts);
    say(arena, &out->facts, "%.*s", STR_ARG(out->decision.why));
    v.dial = (struct dial){ .config = config,
                            .trust = who->trust,
                            .domain = str_from(recipient, at),
                            .floor = out->decision.floor,
                            .waived = out->decision.tls_not_required };
    v.dial.route = config_route(config, v.dial.domain);
    v.dial.pin = config_pin(config, v.dial.route != NULL ? v.dial.route->host
                                                         : v.dial.domain);
    for (size_t i = 0; i < out->decision.ladder.n && !done; i++)
        done = rung(&v, i);
    if (!done && out->why.n == 0)
        out->why = STR("no method of the ladder is possible");
}
