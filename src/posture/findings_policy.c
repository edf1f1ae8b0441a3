/* SPDX-License-Identifier: Apache-2.0 */
/* Findings about MTA-STS and TLSRPT. */
#include "base/buf.h"
#include "posture/finder.h"

enum { POLICY_AGE_LEAST_S = 86400 };

static void sts_missing(struct finder *f)
{
    const struct probe_txt *r = &f->probe->sts_record;

    if (r->state == DNS_ERROR)
        finder_add(
            f, (struct sight){
                   .id = "sts-record-unknown",
                   .severity = SEVERITY_WARNING,
                   .fault = f->probe->resolver_dead ? ANSWER_FAULT_OURS
                                                    : ANSWER_FAULT_THEIRS,
                   .text = STR("DNS does not say whether there is an MTA-STS "
                               "record."),
                   .step = STR("Repair the zone of _mta-sts.") });
    else if (r->n == 0 && !f->probe->posture.sts.present)
        finder_add(
            f,
            (struct sight){
                .id = "sts-missing",
                .severity = SEVERITY_NOTICE,
                .text = STR("There is no MTA-STS policy, the way to demand "
                            "TLS of senders that needs no DNSSEC."),
                .step = arena_printf(f->arena, SERVE_POLICY,
                                     STR_ARG(f->probe->domain)),
                .record = arena_printf(f->arena, "%.*s\n\n%.*s",
                                       STR_ARG(record_sts(f->probe, f->arena)),
                                       STR_ARG(record_sts_policy(
                                           f->probe, "enforce", f->arena))) });
    else if (r->n > 0 && !r->valid)
        finder_add(
            f, (struct sight){
                   .id = "sts-record-bad",
                   .severity = SEVERITY_ERROR,
                   .text = r->n > 1 ? STR("There are several MTA-STS records: "
                                          "senders ignore them all.")
                                    : STR("The MTA-STS record cannot be read: "
                                          "senders ignore it."),
                   .step = STR("Leave exactly one record."),
                   .record = record_sts(f->probe, f->arena) });
}

static void sts_trouble(struct finder *f)
{
    const struct sts_policy *sts = &f->probe->posture.sts;
    static const struct {
        const char *id, *text, *step;
    } rows[] = {
        [STS_TROUBLE_REACH] = { "sts-policy-unreachable",
                                "The web server with the MTA-STS policy does "
                                "not answer",
                                "Make https://mta-sts.%.*s/.well-known/"
                                "mta-sts.txt answer." },
        [STS_TROUBLE_CERTIFICATE] = { "sts-policy-certificate",
                                      "The web server with the MTA-STS policy "
                                      "has a certificate that is not valid "
                                      "for its name",
                                      "Give mta-sts.%.*s a certificate of a "
                                      "public CA for that name, and renew it "
                                      "in time." },
        [STS_TROUBLE_HTTP] = { "sts-policy-http",
                               "The web server answers, but not with the "
                               "policy",
                               "https://mta-sts.%.*s/.well-known/mta-sts.txt "
                               "must answer 200 with text/plain, without "
                               "redirection, in less than 64 KiB." },
        [STS_TROUBLE_TEXT] = { "sts-policy-bad",
                               "The MTA-STS policy cannot be read",
                               "Serve the text given here at https://"
                               "mta-sts.%.*s/.well-known/mta-sts.txt." },
    };

    if (sts->trouble == STS_TROUBLE_NONE)
        return;
    struct str domain_name = f->probe->domain;
    struct buf step = { 0 };
    struct str at = str_from_cstr(rows[sts->trouble].step);
    size_t hole = str_find(at, STR("%.*s"));

    buf_add(&step, str_first(at, hole));
    buf_add(&step, domain_name);
    buf_add(&step, str_from(at, hole + 4));
    finder_add(
        f, (struct sight){
               .id = rows[sts->trouble].id,
               .severity = SEVERITY_ERROR,
               .text = arena_printf(
                   f->arena, "%s, so senders cannot use it%s (%.*s).",
                   rows[sts->trouble].text,
                   sts->present ? " when the copy they keep ends" : "",
                   STR_ARG(sts->fault)),
               .step = str_keep(f->arena, buf_str(&step)),
               .record = record_sts_policy(f->probe, "enforce", f->arena) });
    buf_free(&step);
}

static void sts_policy(struct finder *f)
{
    const struct sts_policy *sts = &f->probe->posture.sts;

    if (!sts->present)
        return;
    if (sts->mode == STS_TESTING)
        finder_add(
            f,
            (struct sight){
                .id = "sts-testing",
                .severity = SEVERITY_NOTICE,
                .text = STR("The MTA-STS policy is only a test: senders "
                            "deliver even where TLS fails."),
                .step = STR("When every server passes, set mode: enforce "
                            "and a new id."),
                .record = record_sts_policy(f->probe, "enforce", f->arena) });
    if (sts->mode == STS_NONE)
        finder_add(
            f,
            (struct sight){
                .id = "sts-none",
                .severity = SEVERITY_NOTICE,
                .text = STR("The MTA-STS policy says 'none': it demands "
                            "nothing."),
                .step = STR("Set mode: testing, later enforce."),
                .record = record_sts_policy(f->probe, "testing", f->arena) });
    if (sts->mode != STS_NONE && sts->max_age_s < POLICY_AGE_LEAST_S)
        finder_add(
            f, (struct sight){
                   .id = "sts-short-age",
                   .severity = SEVERITY_NOTICE,
                   .text = STR("Senders may keep the MTA-STS policy for less "
                               "than a day: an attacker who can block the web "
                               "server for so long gets round it."),
                   .step = STR("Set max_age: 604800 (a week) or more.") });
}

static void tlsrpt(struct finder *f)
{
    const struct probe_txt *r = &f->probe->tlsrpt;

    if (r->state == DNS_ERROR || r->valid)
        return;
    finder_add(
        f,
        (struct sight){
            .id = r->n == 0 ? "tlsrpt-missing" : "tlsrpt-bad",
            .severity = r->n == 0 ? SEVERITY_NOTICE : SEVERITY_WARNING,
            .text = r->n == 0 ? STR("Senders are not told where to report that "
                                    "TLS to this domain failed.")
                              : STR("The TLSRPT record cannot be used (not "
                                    "readable, or several)."),
            .step = STR("Publish one TLSRPT record (RFC 8460)."),
            .record = record_tlsrpt(f->probe, f->arena) });
}

void find_in_policies(struct finder *f)
{
    sts_missing(f);
    sts_trouble(f);
    sts_policy(f);
    tlsrpt(f);
}
