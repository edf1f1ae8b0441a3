/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/selftest.h"

#include "base/clock.h"
#include "net/nameserver.h"
#include "net/tls.h"
#include "posture/probe.h"

#include <stdio.h>

enum { TARGETS_MAX = 4, ROOT_MS = 2000 };
/* 2026-11-24: no clock that shows an earlier day is right. */
static const int64_t not_before_s = 1795478400;

struct run {
    const struct config *config;
    const struct self_wishes *wishes;
    struct resolver *resolver; /* NULL: cannot start */
    struct status resolver_fault;
    int64_t until_ms;
    struct arena *arena;
    struct selftest *out;
};

struct str self_state_name(enum self_state state)
{
    static const struct str names[] = { STR_INIT("good"), STR_INIT("bad"),
                                        STR_INIT("unknown") };

    return names[state];
}

struct str self_part_name(enum self_part part)
{
    static const struct str names[] = {
        STR_INIT("resolver"), STR_INIT("dnssec"), STR_INIT("trust-anchor"),
        STR_INIT("clock"),    STR_INIT("ca"),     STR_INIT("port")
    };

    return names[part];
}

static void note(struct run *r, enum self_part part, enum self_state state,
                 struct str text, struct str step)
{
    r->out->part[part] = (struct self_fact){ state, text, step };
}

static int64_t left_ms(const struct run *r)
{
    int64_t left = r->until_ms - clock_mono_ms();

    return left > 0 ? left : 0;
}

static struct str say(struct run *r, struct status st)
{
    return str_keep(r->arena, str_from_cstr(st.why));
}

/* --- the clock --------------------------------------------------------------
 */

#define SET_CLOCK "Set the clock, and keep it set: timedatectl set-ntp true"

static struct str iso(struct run *r, int64_t seconds)
{
    char text[CLOCK_ISO_SIZE];

    return str_keep(r->arena, str_first(clock_iso(seconds * 1000, text), 10));
}

/* Between the two ends of the root's own signatures is a week or two. */
static void test_clock(struct run *r)
{
    int64_t now_s = clock_wall_ms() / 1000;
    struct signature_times times;
    struct str today = iso(r, now_s);

    if (now_s < not_before_s) {
        note(r, SELF_CLOCK, SELF_BAD,
             arena_printf(r->arena,
                          "The clock says %.*s, which is before this program "
                          "was made.",
                          STR_ARG(today)),
             STR(SET_CLOCK));
        return;
    }
    if (r->resolver == NULL ||
        !nameservers_root_times(resolver_servers(r->resolver), ROOT_MS,
                                &times)) {
        note(r, SELF_CLOCK, SELF_UNKNOWN,
             arena_printf(r->arena,
                          "The clock says %.*s; there is no signature of the "
                          "DNS root to compare it with.",
                          STR_ARG(today)),
             STR(""));
        return;
    }
    bool good = now_s >= times.from_s && now_s <= times.until_s;
    note(r, SELF_CLOCK, good ? SELF_GOOD : SELF_BAD,
         arena_printf(r->arena,
                      "The clock says %.*s; the DNS root's signatures hold "
                      "from %.*s to %.*s.",
                      STR_ARG(today), STR_ARG(iso(r, times.from_s)),
                      STR_ARG(iso(r, times.until_s))),
         good ? STR("") : STR(SET_CLOCK));
}

/* --- DNS --------------------------------------------------------------------
 */

static void dead_resolver(struct run *r, struct str why)
{
    note(r, SELF_RESOLVER, SELF_BAD, why,
         STR("Check 'dns { resolver ... }' or /etc/resolv.conf, and that the "
             "server there runs."));
    note(r, SELF_DNSSEC, SELF_UNKNOWN, STR("Not tested: no resolver."),
         STR(""));
    note(r, SELF_ANCHOR, SELF_UNKNOWN, STR("Not tested: no resolver."),
         STR(""));
}

static void judge_anchor(struct run *r, const struct dns_question *root)
{
    if (root->state == DNS_SECURE) {
        note(r, SELF_ANCHOR, SELF_GOOD,
             STR("The trust anchor fits the root's keys of today."), STR(""));
    } else if (root->state == DNS_INSECURE) {
        note(r, SELF_ANCHOR, SELF_BAD,
             STR("There is no trust anchor for the DNS root, so nothing in "
                 "DNS can be proven."),
             STR("Install dns-root-data, or name a file with 'dns { "
                 "trust-anchor FILE }'."));
    } else if (r->out->part[SELF_CLOCK].state == SELF_BAD) {
        note(r, SELF_ANCHOR, SELF_UNKNOWN,
             STR("Not to be told while the clock is wrong."), STR(""));
    } else {
        note(r, SELF_ANCHOR, SELF_BAD,
             arena_printf(r->arena,
                          "The root's keys do not fit our trust anchor: %s.",
                          root->fault.why),
             STR("Renew the trust anchor (unbound-anchor, or the package "
                 "dns-root-data); or the resolver strips signatures: use "
                 "one that passes DNSSEC on."));
    }
}

static void judge_dnssec(struct run *r, const struct dns_question *signed_name,
                         const struct dns_question *bogus)
{
    if (signed_name->state != DNS_SECURE)
        note(r, SELF_DNSSEC, SELF_BAD,
             signed_name->state == DNS_INSECURE
                 ? STR("A signed name comes back unproven.")
                 : say(r, signed_name->fault),
             STR("Use a resolver that passes DNSSEC on, or let libunbound ask "
                 "the root itself; check trust anchor and clock."));
    else if (bogus->name.n > 0 && bogus->state != DNS_ERROR)
        note(r, SELF_DNSSEC, SELF_BAD,
             arena_printf(r->arena,
                          "%.*s, whose signatures are broken, is believed.",
                          STR_ARG(bogus->name)),
             STR("Check the trust anchor."));
    else
        note(r, SELF_DNSSEC, SELF_GOOD,
             bogus->name.n > 0
                 ? STR("A signed name comes back proven, a broken one is "
                       "refused.")
                 : STR("The signed root comes back proven."),
             STR(""));
}

static void test_dns(struct run *r)
{
    struct dns_question q[3] = {
        { .name = STR("."), .type = DNS_DNSKEY },
        { .name =
              r->wishes->signed_name.n > 0 ? r->wishes->signed_name : STR("."),
          .type = r->wishes->signed_name.n > 0 ? DNS_A : DNS_DNSKEY },
        { .name = r->wishes->bogus_name, .type = DNS_A },
    };

    if (r->resolver == NULL) {
        dead_resolver(r, say(r, r->resolver_fault));
        return;
    }
    if (resolver_servers(r->resolver)->n > 0 &&
        !nameservers_answer(resolver_servers(r->resolver), ROOT_MS)) {
        dead_resolver(
            r, arena_printf(r->arena, "Our resolver %s does not answer.",
                            resolver_servers(r->resolver)->list[0].text));
        return;
    }
    resolver_ask(r->resolver, q, r->wishes->bogus_name.n > 0 ? 3 : 2,
                 left_ms(r), r->arena);
    if (q[0].state == DNS_ERROR && q[0].ours) {
        dead_resolver(r, say(r, q[0].fault));
    } else {
        note(r, SELF_RESOLVER, SELF_GOOD, STR("The resolver answers."),
             STR(""));
        judge_anchor(r, &q[0]);
        judge_dnssec(r, &q[1], &q[2]);
    }
}

/* --- CAs --------------------------------------------------------------------
 */

static void test_cas(struct run *r)
{
    struct tls_trust *trust = NULL;
    struct status st = tls_trust_open(r->config->delivery.ca_file, &trust);
    struct str step =
        STR("Install ca-certificates, or name a file with 'delivery { ca "
            "FILE }'.");

    r->out->cas_n = status_is_ok(st) ? tls_trust_count(trust) : 0;
    if (!status_is_ok(st))
        note(r, SELF_CA, SELF_BAD, say(r, st), step);
    else if (r->out->cas_n == 0)
        note(r, SELF_CA, SELF_BAD, STR("The CA store is empty."), step);
    else
        note(r, SELF_CA, SELF_GOOD,
             arena_printf(r->arena, "%zu public CA%s.", r->out->cas_n,
                          r->out->cas_n == 1 ? "" : "s"),
             STR(""));
    tls_trust_close(&trust);
}

/* --- the way out ------------------------------------------------------------
 */

struct way {
    size_t called, open, timeout, offered, mangled;
};

static void look_out(const struct probe *p, struct way *way)
{
    for (size_t i = 0; i < p->hosts_n; i++)
        for (size_t k = 0; k < p->hosts[i].addresses_n; k++) {
            const struct probe_address *a = &p->hosts[i].addresses[k];

            way->called += a->reach != REACH_NONE;
            way->open += a->reach == REACH_OPEN;
            way->timeout += a->reach == REACH_TIMEOUT;
            way->offered += a->caps.starttls;
            way->mangled += a->mangled;
        }
}

static void judge_way(struct run *r, const struct way *way)
{
    unsigned port = r->config->delivery.port;

    if (way->mangled > 0)
        note(r, SELF_PORT, SELF_BAD,
             STR("A device on the way blots out the offer of STARTTLS."),
             STR("Switch 'ESMTP inspection' off in your firewall (Cisco: no "
                 "inspect esmtp)."));
    else if (way->offered > 0)
        note(r, SELF_PORT, SELF_GOOD,
             arena_printf(r->arena,
                          "Port %u is open, and STARTTLS comes through.", port),
             STR(""));
    else if (way->open > 0)
        note(r, SELF_PORT, SELF_UNKNOWN,
             arena_printf(r->arena,
                          "Port %u is open, but no server that was called "
                          "offers STARTTLS. Name a domain that surely does.",
                          port),
             STR(""));
    else if (way->called > 0 && way->timeout == way->called)
        note(r, SELF_PORT, SELF_BAD,
             arena_printf(r->arena,
                          "Nothing comes back on port %u from any of %zu "
                          "addresses: it is probably blocked on the way out.",
                          port, way->called),
             STR("Ask your provider to open outgoing port 25, or send through "
                 "a smarthost ('route')."));
    else
        note(r, SELF_PORT, SELF_UNKNOWN,
             way->called > 0 ? STR("The servers that were called do not "
                                   "listen.")
                             : STR("Not tested: name a domain whose mail "
                                   "servers surely answer."),
             STR(""));
}

static void test_port(struct run *r)
{
    struct prober *prober = NULL;
    struct way way = { 0 };

    if (r->wishes->targets_n > 0 &&
        status_is_ok(prober_open(r->config, &prober)))
        for (size_t i = 0; i < r->wishes->targets_n && i < TARGETS_MAX; i++) {
            struct probe p;

            probe_domain(prober, r->wishes->targets[i],
                         left_ms(r) / (int64_t)(TARGETS_MAX - i), r->arena, &p);
            look_out(&p, &way);
        }
    prober_close(&prober);
    judge_way(r, &way);
}

void selftest_run(const struct config *config, const struct self_wishes *wishes,
                  int64_t timeout_ms, struct arena *arena, struct selftest *out)
{
    struct run r = { .config = config,
                     .wishes = wishes,
                     .until_ms = clock_mono_ms() + timeout_ms,
                     .arena = arena,
                     .out = out };

    *out = (struct selftest){ 0 };
    r.resolver_fault = resolver_open(config, &r.resolver);
    test_clock(&r);
    test_dns(&r);
    test_cas(&r);
    test_port(&r);
    resolver_close(&r.resolver);
}
