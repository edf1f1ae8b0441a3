/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/finder.h"

void finder_add(struct finder *f, struct sight s)
{
    if (f->out->findings_n == FINDINGS_MAX)
        return;
    f->out->findings[f->out->findings_n++] = (struct finding){
        .id = str_from_cstr(s.id),
        .severity = s.severity,
        .fault = s.fault == ANSWER_FAULT_NONE ? ANSWER_FAULT_THEIRS : s.fault,
        .host = s.host,
        .text = s.text,
        .step = s.step,
        .record = s.record,
    };
}

/* --- our own side -----------------------------------------------------------
 */

static void our_side(struct finder *f)
{
    static const char *const ids[] = { "own-resolver", "own-dnssec",
                                       "own-anchor",   "own-clock",
                                       "own-ca",       "own-port" };

    for (int i = 0; f->self != NULL && i < SELF_PARTS; i++)
        if (f->self->part[i].state == SELF_BAD)
            finder_add(f, (struct sight){ .id = ids[i],
                                          .severity = SEVERITY_ERROR,
                                          .fault = ANSWER_FAULT_OURS,
                                          .text = f->self->part[i].text,
                                          .step = f->self->part[i].step });
    if (f->probe->resolver_dead &&
        (f->self == NULL || f->self->part[SELF_RESOLVER].state != SELF_BAD))
        finder_add(f,
                   (struct sight){
                       .id = "own-resolver",
                       .severity = SEVERITY_ERROR,
                       .fault = ANSWER_FAULT_OURS,
                       .text = STR("Our own DNS resolver does not answer, so "
                                   "nothing can be said of the domain."),
                       .step = STR("Check 'dns { resolver ... }' or "
                                   "/etc/resolv.conf, then run: postseal "
                                   "doctor") });
    if (f->probe->route != NULL)
        finder_add(
            f, (struct sight){
                   .id = "own-route",
                   .severity = SEVERITY_INFO,
                   .fault = ANSWER_FAULT_OURS,
                   .text = arena_printf(
                       f->arena,
                       "Our configuration (line %u) sends this domain's mail "
                       "to %.*s instead of its MX hosts.",
                       (unsigned)f->probe->route->line,
                       STR_ARG(f->probe->route->host)) });
}

/* --- the domain -------------------------------------------------------------
 */

static void no_hosts(struct finder *f)
{
    const struct domain_posture *p = &f->probe->posture;
    struct str why = str_keep(f->arena, str_from_cstr(p->status.why));

    if (p->null_mx) {
        finder_add(f,
                   (struct sight){ .id = "domain-null-mx",
                                   .severity = SEVERITY_INFO,
                                   .text = STR("The domain says in DNS that it "
                                               "takes no mail (null MX).") });
        return;
    }
    if (p->status.kind == STATUS_REFUSE &&
        f->out->floor[FLOOR_VERIFIED].fault != ANSWER_FAULT_OURS) {
        finder_add(
            f,
            (struct sight){
                .id = "domain-no-mail",
                .severity = SEVERITY_ERROR,
                .text = arena_printf(
                    f->arena, "No server takes its mail: %.*s.", STR_ARG(why)),
                .step = STR("Publish an MX record that names a host with "
                            "an address."),
                .record =
                    arena_printf(f->arena, "%.*s. IN MX 10 mail.%.*s.",
                                 STR_ARG(p->domain), STR_ARG(p->domain)) });
        return;
    }
    finder_add(
        f, (struct sight){
               .id = "dns-failed",
               .severity = SEVERITY_ERROR,
               .fault = f->out->floor[FLOOR_VERIFIED].fault,
               .text = arena_printf(f->arena,
                                    "DNS does not say which servers take its "
                                    "mail: %.*s. Careful senders wait.",
                                    STR_ARG(why)),
               .step = STR("If other domains work: its DNS operator must "
                           "repair the zone or its signatures (the DS record "
                           "must fit the zone's keys).") });
}

static bool any_tlsa(const struct probe *p)
{
    for (size_t i = 0; i < p->hosts_n; i++)
        if (p->hosts[i].mx->tlsa_n > 0)
            return true;
    return false;
}

static bool any_spoke(const struct probe *p)
{
    for (size_t i = 0; i < p->hosts_n; i++)
        for (size_t k = 0; k < p->hosts[i].addresses_n; k++)
            if (p->hosts[i].addresses[k].ehlo_n > 0)
                return true;
    return false;
}

static bool sts_in_force(const struct probe *p)
{
    return p->posture.sts.present && p->posture.sts.mode == STS_ENFORCE;
}

static void domain(struct finder *f)
{
    const struct domain_posture *p = &f->probe->posture;

    if (p->implicit_mx)
        finder_add(
            f, (struct sight){
                   .id = "mx-implicit",
                   .severity = SEVERITY_NOTICE,
                   .text = STR("The domain has no MX record; mail goes to the "
                               "domain's own address."),
                   .step = STR("Publish an MX record."),
                   .record =
                       arena_printf(f->arena, "%.*s. IN MX 10 %.*s.",
                                    STR_ARG(p->domain), STR_ARG(p->domain)) });
    if (p->mx_state == DNS_INSECURE)
        finder_add(
            f, (struct sight){
                   .id = "dnssec-unsigned",
                   .severity = SEVERITY_NOTICE,
                   .text = STR("The domain is not signed with DNSSEC: who "
                               "controls the network can name other servers "
                               "for its mail, and DANE cannot be used."),
                   .step = STR("Sign the zone and give the DS record to the "
                               "registrar.") });
    if (!sts_in_force(f->probe) && !any_tlsa(f->probe) && any_spoke(f->probe))
        finder_add(
            f,
            (struct sight){
                .id = "tls-not-demanded",
                .severity = SEVERITY_WARNING,
                .text = STR("Nothing tells senders that TLS is a must here. "
                            "An attacker on the way can take the "
                            "encryption out unnoticed."),
                .step =
                    arena_printf(f->arena, "Use MTA-STS or DANE. " SERVE_POLICY,
                                 STR_ARG(p->domain)),
                .record = arena_printf(f->arena, "%.*s\n\n%.*s",
                                       STR_ARG(record_sts(f->probe, f->arena)),
                                       STR_ARG(record_sts_policy(
                                           f->probe, "enforce", f->arena))) });
}

/* --- all --------------------------------------------------------------------
 */

/* Worst first; the order of finding among equals. */
static void put_in_order(struct answers *out)
{
    for (size_t i = 1; i < out->findings_n; i++)
        for (size_t k = i;
             k > 0 && out->findings[k - 1].severity < out->findings[k].severity;
             k--) {
            struct finding swap = out->findings[k];

            out->findings[k] = out->findings[k - 1];
            out->findings[k - 1] = swap;
        }
}

void findings_of(const struct probe *probe, const struct selftest *self,
                 struct arena *arena, struct answers *out)
{
    struct finder f = { probe, self, arena, out };

    out->findings = arena_array(arena, FINDINGS_MAX, sizeof(*out->findings));
    our_side(&f);
    if (!status_is_ok(probe->posture.status) || probe->hosts_n == 0) {
        no_hosts(&f);
    } else {
        domain(&f);
        find_in_policies(&f);
        find_in_hosts(&f);
    }
    put_in_order(out);
    out->worst = SEVERITY_INFO;
    if (out->findings_n > 0)
        out->worst = out->findings[0].severity;
}
