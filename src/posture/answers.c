/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/answers.h"

#include "posture/blame.h"
#include "posture/findings.h"

#include <string.h>

struct view {
    const struct probe *probe;
    const struct selftest *self;
    struct arena *arena;
};

struct str answer_name(enum answer_can answer)
{
    static const struct str names[] = { STR_INIT("no"), STR_INIT("yes"),
                                        STR_INIT("cannot-tell") };

    return names[answer];
}

struct str answer_fault_name(enum answer_fault fault)
{
    static const struct str names[] = { STR_INIT(""), STR_INIT("theirs"),
                                        STR_INIT("ours"), STR_INIT("unclear") };

    return names[fault];
}

struct str answer_now_name(enum answer_now now)
{
    static const struct str names[] = { STR_INIT("delivered"),
                                        STR_INIT("waits"),
                                        STR_INIT("next-rung"),
                                        STR_INIT("refused") };

    return names[now];
}

struct str severity_name(enum severity severity)
{
    static const struct str names[] = { STR_INIT("info"), STR_INIT("notice"),
                                        STR_INIT("warning"),
                                        STR_INIT("error") };

    return names[severity];
}

/* --- whose fault ------------------------------------------------------------
 */

static bool ours_is(const struct view *v, enum self_part part,
                    enum self_state state)
{
    return v->self != NULL && v->self->part[part].state == state;
}

static bool dns_is_ours(const struct view *v)
{
    return v->probe->resolver_dead || ours_is(v, SELF_RESOLVER, SELF_BAD) ||
           ours_is(v, SELF_DNSSEC, SELF_BAD) ||
           ours_is(v, SELF_ANCHOR, SELF_BAD) ||
           ours_is(v, SELF_CLOCK, SELF_BAD);
}

enum answer_fault answers_whose_dns(const struct probe *probe,
                                    const struct selftest *self)
{
    const struct view view = { probe, self, NULL }, *v = &view;

    if (dns_is_ours(v))
        return ANSWER_FAULT_OURS;
    /* Only a resolver that was seen to work makes it theirs. */
    return ours_is(v, SELF_RESOLVER, SELF_GOOD) ? ANSWER_FAULT_THEIRS
                                                : ANSWER_FAULT_UNCLEAR;
}

/* "No such name" and "no signature" that nobody proved, from a resolver of ours
 * that proves nothing: the domain may be another than it seems. */
static bool dns_may_hide(const struct view *v)
{
    return v->probe->posture.mx_state != DNS_SECURE && dns_is_ours(v);
}

/* Nobody answered at all: they, or the way out of our house? */
static enum answer_fault whose_silence(const struct view *v, bool no_route)
{
    if (ours_is(v, SELF_PORT, SELF_BAD) || no_route)
        return ANSWER_FAULT_OURS;
    return v->probe->network_proven || ours_is(v, SELF_PORT, SELF_GOOD)
               ? ANSWER_FAULT_THEIRS
               : ANSWER_FAULT_UNCLEAR;
}

/* --- one floor --------------------------------------------------------------
 */

/* What the walk over the hosts comes to, as delivery makes it. */
struct walk {
    struct blame blame;
    struct status first_lasting, last_passing;
    bool dns_failed;            /* the newest passing fault is of DNS */
    size_t addresses, no_route; /* called; without a way from here */
    size_t silent, mangled;
    bool date_fault, trust_fault; /* of a certificate, among the lasting */
};

static void blame_one(struct walk *w, struct fault fault)
{
    if (fault.kind == FAULT_LASTING) {
        if (w->blame.lasting++ == 0)
            w->first_lasting = fault.why;
    } else {
        w->blame.passing++;
        w->last_passing = fault.why;
    }
}

static void note_address(struct walk *w, const struct probe_address *a)
{
    w->addresses++;
    w->no_route += a->reach == REACH_NO_ROUTE;
    w->silent += a->reach != REACH_OPEN && a->reach != REACH_REFUSED;
    w->mangled += a->mangled;
    w->date_fault |= strcmp(a->seen.fault_code, "certificate-expired") == 0;
    w->trust_fault |=
        strcmp(a->seen.fault_code, "certificate-not-trusted") == 0 &&
        a->chain_n > 0 && !a->chain[0].self_signed;
}

/* True when delivery would not call the host at all. */
static bool blame_uncalled(struct walk *w, const struct view *v,
                           const struct probe_host *host, enum floor floor)
{
    const struct status *no_address = &host->mx->address_error;
    struct demand demand = probe_demand(v->probe, host, floor);
    bool passing = demand.need == TLS_NEED_NEVER
                       ? demand.may_pass
                       : no_address->kind != STATUS_REFUSE;

    if (demand.need != TLS_NEED_NEVER && host->addresses_n > 0)
        return false;
    blame_one(
        w, (struct fault){ passing ? FAULT_PASSING : FAULT_LASTING,
                           demand.need != TLS_NEED_NEVER
                               ? *no_address
                               : status_make(passing ? 451 : 550,
                                             passing ? "4.7.5" : "5.7.5",
                                             "%.*s", STR_ARG(host->mx->why)) });
    w->dns_failed |= passing;
    return true;
}

/* The first address that takes the message, as delivery would find it. */
static bool walk_host(struct walk *w, const struct view *v,
                      const struct probe_host *host, enum floor floor,
                      struct tls_seen *seen)
{
    if (blame_uncalled(w, v, host, floor))
        return false;
    for (size_t i = 0; i < host->addresses_n; i++) {
        struct fault fault =
            probe_delivers(v->probe, host, &host->addresses[i], floor, seen);

        note_address(w, &host->addresses[i]);
        if (fault.kind == FAULT_NONE)
            return true;
        blame_one(w, fault);
    }
    return false;
}

static struct str by_words(const struct view *v, const struct tls_seen *seen,
                           struct str host)
{
    switch (seen->by) {
    case VERIFIED_PIN:
        return STR("its key is the pinned one");
    case VERIFIED_DANE_EE:
    case VERIFIED_DANE_TA:
        return STR("proven by DANE: a TLSA record in signed DNS matches");
    case VERIFIED_STS:
        return STR("proven by MTA-STS: listed in the policy, certificate "
                   "valid");
    case VERIFIED_PKIX:
        return arena_printf(v->arena, "proven by a public certificate for %.*s",
                            STR_ARG(host));
    case VERIFIED_NONE:
        break;
    }
    return STR("not proven to be the right server");
}

static void say_delivered(const struct view *v, struct floor_answer *a,
                          const struct tls_seen *seen)
{
    a->can = ANSWER_YES;
    a->now = NOW_DELIVERED;
    a->by = seen->by;
    a->encrypted = seen->up && seen->approved;
    if (!seen->up) {
        a->how =
            arena_printf(v->arena, "%.*s takes it in clear", STR_ARG(a->host));
        a->message = arena_printf(
            v->arena, "delivered at once to %.*s, readable on the way",
            STR_ARG(a->host));
        return;
    }
    a->how = arena_printf(v->arena, "%s %s with %.*s, %.*s", seen->version,
                          seen->cipher, STR_ARG(a->host),
                          STR_ARG(by_words(v, seen, a->host)));
    a->message = arena_printf(
        v->arena, "delivered at once to %.*s over %s%s", STR_ARG(a->host),
        seen->version, a->encrypted ? "" : ", which is no longer good enough");
}

static void say_lasting(const struct view *v, struct floor_answer *a,
                        const struct walk *w)
{
    a->can = ANSWER_NO;
    a->now = NOW_NEXT_RUNG;
    a->fault = ANSWER_FAULT_THEIRS;
    if (dns_may_hide(v) ||
        (w->date_fault && ours_is(v, SELF_CLOCK, SELF_BAD)) ||
        (w->trust_fault && ours_is(v, SELF_CA, SELF_BAD))) {
        a->can = ANSWER_UNKNOWN;
        a->fault = ANSWER_FAULT_OURS;
    } else if (w->mangled > 0) {
        a->can = ANSWER_UNKNOWN;
        a->fault = ours_is(v, SELF_PORT, SELF_BAD) ? ANSWER_FAULT_OURS
                                                   : ANSWER_FAULT_UNCLEAR;
    }
    a->how = str_keep(v->arena, str_from_cstr(w->first_lasting.why));
    a->message = STR("not sent by TLS; the next method of the rule is taken "
                     "at once, or the sender hears of it");
}

static void say_passing(const struct view *v, struct floor_answer *a,
                        const struct walk *w)
{
    a->can = ANSWER_UNKNOWN;
    a->now = NOW_WAITS;
    a->fault = w->dns_failed ? answers_whose_dns(v->probe, v->self)
               : w->silent > 0 && w->silent == w->addresses
                   ? whose_silence(v, w->no_route == w->addresses)
                   : ANSWER_FAULT_THEIRS;
    a->how = str_keep(v->arena, str_from_cstr(w->last_passing.why));
    a->message = STR("waits and is tried again; nothing is sent below the "
                     "floor meanwhile");
}

/* No host to call: the domain takes no mail, or DNS did not say. */
static void say_no_hosts(const struct view *v, struct floor_answer *a)
{
    const struct status *st = &v->probe->posture.status;

    a->how = str_keep(v->arena, str_from_cstr(st->why));
    if (st->kind == STATUS_REFUSE) {
        a->can = dns_may_hide(v) ? ANSWER_UNKNOWN : ANSWER_NO;
        a->now = NOW_REFUSED;
        a->fault = dns_may_hide(v) ? ANSWER_FAULT_OURS : ANSWER_FAULT_THEIRS;
        a->message = STR("not sent: the domain takes no mail, and the sender "
                         "hears so at once");
        return;
    }
    a->can = ANSWER_UNKNOWN;
    a->now = NOW_WAITS;
    a->fault = answers_whose_dns(v->probe, v->self);
    a->message = STR("waits and is tried again until DNS answers");
}

static void judge_floor(const struct view *v, enum floor floor,
                        struct floor_answer *a)
{
    const struct probe *p = v->probe;
    struct walk walk = { 0 };

    *a = (struct floor_answer){ .floor = floor };
    if (!status_is_ok(p->posture.status) || p->hosts_n == 0) {
        say_no_hosts(v, a);
        return;
    }
    struct tls_seen first = { 0 };
    for (size_t i = 0; i < p->hosts_n; i++) {
        struct tls_seen seen = { 0 };
        bool good = walk_host(&walk, v, &p->hosts[i], floor, &seen);

        if (good && a->hosts_good++ == 0) {
            first = seen;
            a->host = p->hosts[i].mx->name;
        }
        a->hosts_bad += !good;
    }
    if (a->hosts_good > 0)
        say_delivered(v, a, &first);
    else if (blame_is_lasting(walk.blame))
        say_lasting(v, a, &walk);
    else
        say_passing(v, a, &walk);
}

/* --- NIST SP 800-52r2 -------------------------------------------------------
 */

enum { RSA_BITS_MIN = 2048, EC_BITS_MIN = 224 };

static bool certificate_is_weak(const struct certificate *c)
{
    bool rsa = str_starts(c->key_kind, STR("RSA"));

    return c->key_bits < (rsa ? RSA_BITS_MIN : EC_BITS_MIN) ||
           str_find_nocase(c->signature, STR("sha1")) < c->signature.n ||
           str_find_nocase(c->signature, STR("md5")) < c->signature.n;
}

/* "" when the address meets the standard towards us, else what is missing. */
static const char *lacks_with_us(const struct probe_address *a)
{
    if (!a->seen.up)
        return "offers no TLS 1.2 or newer";
    if (!a->seen.approved)
        return "uses a suite that is not approved";
    if (a->chain_n > 0 && certificate_is_weak(&a->chain[0]))
        return "has a certificate with too weak a key or signature";
    return "";
}

static bool accepts_old(const struct probe_address *a)
{
    return a->version[PROBE_TLS10].result == TRIAL_ACCEPTED ||
           a->version[PROBE_TLS11].result == TRIAL_ACCEPTED;
}

static enum answer_can weaker(enum answer_can a, enum answer_can b)
{
    if (a == ANSWER_NO || b == ANSWER_NO)
        return ANSWER_NO;
    return a == ANSWER_UNKNOWN || b == ANSWER_UNKNOWN ? ANSWER_UNKNOWN
                                                      : ANSWER_YES;
}

/* Over all addresses that answered; *text is the first thing missing. */
static void judge_servers(const struct view *v, struct answers *out)
{
    size_t reached = 0;

    out->nist = ANSWER_YES;
    for (size_t i = 0; i < v->probe->hosts_n; i++)
        for (size_t k = 0; k < v->probe->hosts[i].addresses_n; k++) {
            const struct probe_address *a = &v->probe->hosts[i].addresses[k];
            const char *lacks = lacks_with_us(a);

            /* Not up for a reason that may pass tells nothing. */
            if (a->reach != REACH_OPEN ||
                (!a->seen.up && a->fault.kind != FAULT_LASTING))
                continue;
            reached++;
            if (lacks[0] == '\0' && accepts_old(a))
                lacks = "still accepts TLS 1.0 or 1.1 from others";
            if (lacks[0] == '\0' || out->nist == ANSWER_NO)
                continue;
            out->nist = ANSWER_NO;
            out->nist_text = arena_printf(v->arena, "Not met: %.*s [%s] %s.",
                                          STR_ARG(v->probe->hosts[i].mx->name),
                                          a->text, lacks);
        }
    if (reached == 0)
        out->nist = ANSWER_UNKNOWN;
}

static void judge_nist(const struct view *v, struct answers *out)
{
    const struct floor_answer *verified = &out->floor[FLOOR_VERIFIED];

    judge_servers(v, out);
    out->nist_connection = verified->can;
    if (out->nist == ANSWER_YES)
        out->nist = weaker(out->nist, verified->can);
    if (out->nist_text.n > 0)
        return;
    if (out->nist == ANSWER_YES)
        out->nist_text = STR("Met: every server that answered speaks TLS 1.2 "
                             "or newer with approved suites, none older, and "
                             "is proven.");
    else if (out->nist == ANSWER_UNKNOWN)
        out->nist_text = STR("Cannot tell: not enough of its servers could "
                             "be looked at.");
    else
        out->nist_text =
            arena_printf(v->arena, "Not met: no server is proven (%.*s).",
                         STR_ARG(verified->how));
}

static void judge_phi(struct answers *out)
{
    const struct floor_answer *verified = &out->floor[FLOOR_VERIFIED];

    if (verified->now == NOW_REFUSED)
        out->phi_text = STR("The domain takes no mail: nothing can be sent "
                            "there.");
    else if (verified->can == ANSWER_YES && verified->hosts_bad > 0)
        out->phi_text =
            STR("With the floor 'verified' protected health information may "
                "go there: a server that falls short gets nothing. Ordinary "
                "senders may be led to that server.");
    else if (verified->can == ANSWER_YES)
        out->phi_text =
            STR("Protected health information may go there with the floor "
                "'verified': what we send is encrypted by approved means to a "
                "proven server.");
    else if (out->floor[FLOOR_TLS].can == ANSWER_YES)
        out->phi_text =
            STR("Mail to it is encrypted, but nobody proves that the server "
                "is the right one: use the portal for protected health "
                "information, or pin the server's key.");
    else if (verified->can == ANSWER_UNKNOWN)
        out->phi_text = STR("Cannot tell now: with the floor 'verified' "
                            "nothing goes there unprotected meanwhile.");
    else
        out->phi_text = STR("Do not send protected health information there "
                            "as ordinary mail: use the portal.");
}

/* --- all --------------------------------------------------------------------
 */

static void summarize(const struct view *v, struct answers *out)
{
    const struct floor_answer *verified = &out->floor[FLOOR_VERIFIED];
    struct str domain = v->probe->domain;

    if (verified->can == ANSWER_YES)
        out->summary = arena_printf(
            v->arena, "Mail to %.*s goes encrypted to a proven server%s.",
            STR_ARG(domain),
            verified->hosts_bad > 0 ? ", but not every one of its servers is "
                                      "fit for it"
                                    : "");
    else if (verified->now == NOW_REFUSED && verified->can == ANSWER_NO)
        out->summary = arena_printf(v->arena, "%.*s.", STR_ARG(verified->how));
    else if (verified->can == ANSWER_UNKNOWN)
        out->summary = arena_printf(
            v->arena, "Cannot tell for %.*s%s: %.*s.", STR_ARG(domain),
            verified->fault == ANSWER_FAULT_OURS ? ", for a reason on our side"
                                                 : "",
            STR_ARG(verified->how));
    else
        out->summary =
            arena_printf(v->arena, "No server of %.*s can be proven%s: %.*s.",
                         STR_ARG(domain),
                         out->floor[FLOOR_TLS].can == ANSWER_YES
                             ? " (mail to it is encrypted)"
                             : "",
                         STR_ARG(verified->how));
}

void answers_of(const struct probe *probe, const struct selftest *self,
                struct arena *arena, struct answers *out)
{
    struct view v = { probe, self, arena };

    *out = (struct answers){ 0 };
    for (int f = FLOOR_OPEN; f <= FLOOR_VERIFIED; f++)
        judge_floor(&v, (enum floor)f, &out->floor[f]);
    judge_nist(&v, out);
    judge_phi(out);
    summarize(&v, out);
    findings_of(probe, self, arena, out);
}

int answers_exit(const struct answers *answers)
{
    const struct floor_answer *verified = &answers->floor[FLOOR_VERIFIED];

    if (verified->can == ANSWER_YES)
        return 0;
    return verified->can == ANSWER_UNKNOWN &&
                   verified->fault != ANSWER_FAULT_THEIRS
               ? 4
               : 1;
}
