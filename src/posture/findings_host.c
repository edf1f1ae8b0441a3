/* SPDX-License-Identifier: Apache-2.0 */
/* Findings about each MX host: reach, STARTTLS, versions, certificate, DANE. */
#include "posture/finder.h"
#include "posture/need.h"

#include <string.h>

enum { DAY_S = 86400, SOON_DAYS = 21, RSA_BITS_MIN = 2048, EC_BITS_MIN = 224 };

#define POSTFIX_OFFER                                                          \
    "Postfix: smtpd_tls_security_level = may with smtpd_tls_chain_files. "     \
    "Exim: tls_advertise_hosts = * with tls_certificate. Exchange: tick TLS "  \
    "at the receive connector."
#define NEWER_ONLY                                                             \
    "Postfix: smtpd_tls_protocols = >=TLSv1.2. Exim: tls_require_ciphers = "   \
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2. Exchange: switch TLS 1.0 " \
    "and 1.1 off for the server role."

/* One address in view, the host's other facts beside it. */
struct spot {
    struct finder *f;
    const struct probe_host *host;
    const struct probe_address *a;
    struct str name;
};

static void at_host(const struct spot *s, const char *id,
                    enum severity severity, struct str text, struct str step,
                    struct str record)
{
    finder_add(s->f, (struct sight){ .id = id,
                                     .severity = severity,
                                     .host = s->name,
                                     .text = text,
                                     .step = step,
                                     .record = record });
}

static bool proven_by_dane(const struct probe_address *a)
{
    return a->seen.by == VERIFIED_DANE_EE || a->seen.by == VERIFIED_DANE_TA;
}

static bool speaks_old(const struct probe_address *a)
{
    return a->version[PROBE_TLS10].result == TRIAL_ACCEPTED ||
           a->version[PROBE_TLS11].result == TRIAL_ACCEPTED;
}

/* --- before TLS -------------------------------------------------------------
 */

static void unreached(const struct spot *s)
{
    bool ours = s->a->reach == REACH_NO_ROUTE;

    finder_add(
        s->f,
        (struct sight){
            .id = ours ? "own-no-route" : "mx-unreachable",
            .severity = ours ? SEVERITY_NOTICE : SEVERITY_WARNING,
            .fault =
                ours ? ANSWER_FAULT_OURS
                : s->f->probe->network_proven || s->a->reach == REACH_REFUSED
                    ? ANSWER_FAULT_THEIRS
                    : ANSWER_FAULT_UNCLEAR,
            .host = s->name,
            .text = ours ? arena_printf(s->f->arena,
                                        "Our own machine has no way to %s "
                                        "(address family not connected).",
                                        s->a->text)
                         : arena_printf(s->f->arena,
                                        "%.*s [%s] does not answer: %s.",
                                        STR_ARG(s->name), s->a->text,
                                        s->a->fault.why.why),
            .step = ours ? STR("Nothing at the domain. Give this machine IPv6 "
                               "if it should use it.")
                         : STR("Start the mail server, open port 25 in its "
                               "firewall, or take the host out of the MX "
                               "records."),
        });
}

static void turned_away(const struct spot *s)
{
    at_host(s, "mx-busy", SEVERITY_WARNING,
            arena_printf(s->f->arena,
                         "%.*s [%s] turned us away before TLS: %s. It was not "
                         "called again.",
                         STR_ARG(s->name), s->a->text, s->a->fault.why.why),
            STR("Allow more connections at a time, or lift the block on our "
                "address; then check again."),
            STR(""));
}

static void mangled(const struct spot *s)
{
    finder_add(
        s->f,
        (struct sight){
            .id = "starttls-mangled",
            .severity = SEVERITY_ERROR,
            .fault = ANSWER_FAULT_UNCLEAR,
            .host = s->name,
            .text = STR("A device between us and the server blots out its "
                        "offer of encryption (a line of X instead of "
                        "STARTTLS). It may stand on our side or on theirs."),
            .step = STR("Switch 'ESMTP inspection' (Cisco: inspect esmtp) off "
                        "in the firewall. 'postseal doctor DOMAIN' tells "
                        "whether it is yours.") });
}

static void no_starttls(const struct spot *s)
{
    at_host(s, "mx-no-starttls", SEVERITY_ERROR,
            arena_printf(s->f->arena,
                         "%.*s [%s] offers no encryption: mail handed to it "
                         "can be read on the way.",
                         STR_ARG(s->name), s->a->text),
            STR("Give it a certificate and switch STARTTLS on. " POSTFIX_OFFER),
            STR(""));
}

static void tls_failed(const struct spot *s)
{
    bool old = speaks_old(s->a);

    at_host(s, old ? "mx-tls-old-only" : "mx-tls-failed", SEVERITY_ERROR,
            old ? arena_printf(s->f->arena,
                               "%.*s [%s] speaks only TLS 1.0 or 1.1, which "
                               "are broken and no longer allowed.",
                               STR_ARG(s->name), s->a->text)
                : arena_printf(s->f->arena,
                               "%.*s [%s] offers encryption, but it does not "
                               "come about: %s.",
                               STR_ARG(s->name), s->a->text,
                               s->a->fault.why.why),
            old ? STR("Update the server's TLS library and allow TLS 1.2 and "
                      "1.3. " NEWER_ONLY)
                : STR("Look into the server's log at the time of this check; "
                      "mostly key and certificate do not fit, or cannot be "
                      "read."),
            STR(""));
}

/* --- versions and suites ----------------------------------------------------
 */

static void versions(const struct spot *s)
{
    const struct probe_version_facts *v = s->a->version;
    bool unsteady = false;

    if (speaks_old(s->a))
        at_host(s, "mx-tls-old-accepted", SEVERITY_NOTICE,
                arena_printf(s->f->arena,
                             "%.*s [%s] still accepts TLS 1.0 or 1.1 from "
                             "others. What we send is not affected.",
                             STR_ARG(s->name), s->a->text),
                STR("Allow TLS 1.2 and 1.3 only. " NEWER_ONLY), STR(""));
    if (v[PROBE_TLS13].result == TRIAL_REFUSED)
        at_host(s, "mx-tls13-missing", SEVERITY_NOTICE,
                arena_printf(s->f->arena, "%.*s [%s] does not speak TLS 1.3.",
                             STR_ARG(s->name), s->a->text),
                STR("Update the server's TLS library (OpenSSL 1.1.1, GnuTLS "
                    "3.6.3 or newer)."),
                STR(""));
    for (int i = 0; i < PROBE_VERSIONS; i++) {
        if (v[i].result == TRIAL_ACCEPTED && v[i].weak)
            at_host(s, "mx-suite-weak", SEVERITY_WARNING,
                    arena_printf(s->f->arena,
                                 "%.*s [%s] agrees to %s, which is broken.",
                                 STR_ARG(s->name), s->a->text, v[i].cipher),
                    STR("Postfix: smtpd_tls_ciphers = high and "
                        "smtpd_tls_exclude_ciphers = aNULL, eNULL, RC4, "
                        "3DES, MD5."),
                    STR(""));
        unsteady |= v[i].result == TRIAL_UNKNOWN;
    }
    if (unsteady && !s->a->strained)
        at_host(s, "mx-unsteady", SEVERITY_WARNING,
                arena_printf(s->f->arena,
                             "%.*s [%s] did not do the same on every "
                             "connection within this look: encryption was "
                             "not always to be had.",
                             STR_ARG(s->name), s->a->text),
                STR("If a load balancer stands before several servers, set "
                    "them up alike. If a server limits connections, this "
                    "may be harmless: check again."),
                STR(""));
}

/* --- the certificate --------------------------------------------------------
 */

static struct str names_of(const struct spot *s, const struct certificate *c)
{
    if (c->names_n == 0)
        return STR("no host name");
    return c->names_n == 1 ? c->names[0]
                           : arena_printf(s->f->arena, "%.*s and %zu more",
                                          STR_ARG(c->names[0]), c->names_n - 1);
}

static void untrusted(const struct spot *s, enum severity severity)
{
    const struct certificate *c = &s->a->chain[0];
    int64_t now_s = s->f->probe->began_wall_ms / 1000;
    struct str renew = arena_printf(
        s->f->arena,
        "Get a certificate of a public CA for %.*s (say, by ACME: certbot "
        "certonly -d %.*s) and let it be renewed by itself.",
        STR_ARG(s->name), STR_ARG(s->name));
    bool names = strcmp(s->a->trust_code, "certificate-host-mismatch") == 0;
    const char *id = c->not_after_s < now_s    ? "cert-expired"
                     : c->not_before_s > now_s ? "cert-not-yet-valid"
                     : names                   ? "cert-wrong-name"
                     : c->self_signed          ? "cert-self-signed"
                                               : "cert-untrusted";
    struct str what =
        names ? arena_printf(s->f->arena, "is for %.*s, not for this server",
                             STR_ARG(names_of(s, c)))
              : arena_printf(s->f->arena, "does not prove who it is: %.*s",
                             STR_ARG(s->a->trust_fault));

    at_host(s, id, severity,
            arena_printf(s->f->arena, "The certificate of %.*s [%s] %.*s.%s",
                         STR_ARG(s->name), s->a->text, STR_ARG(what),
                         severity == SEVERITY_ERROR
                             ? " Senders that check do not deliver."
                         : proven_by_dane(s->a)
                             ? " DANE makes up for it with senders that know "
                               "DANE."
                             : ""),
            renew, STR(""));
}

static void key_and_dates(const struct spot *s)
{
    const struct certificate *c = &s->a->chain[0];
    int64_t days = (c->not_after_s - s->f->probe->began_wall_ms / 1000) / DAY_S;
    bool rsa = str_starts(c->key_kind, STR("RSA"));

    if (s->a->trusted && days < SOON_DAYS)
        at_host(s, "cert-expires-soon", SEVERITY_WARNING,
                arena_printf(s->f->arena,
                             "The certificate of %.*s [%s] ends in %lld days.",
                             STR_ARG(s->name), s->a->text, (long long)days),
                STR("Renew it, and let it be renewed by itself."), STR(""));
    if (c->key_bits < (rsa ? RSA_BITS_MIN : EC_BITS_MIN))
        at_host(s, "cert-key-weak", SEVERITY_WARNING,
                arena_printf(s->f->arena,
                             "The key of %.*s [%s] is too short (%.*s, %u "
                             "bits).",
                             STR_ARG(s->name), s->a->text, STR_ARG(c->key_kind),
                             (unsigned)c->key_bits),
                STR("Make a new key: EC P-256 or RSA with 2048 bits or more."),
                STR(""));
    if (str_find_nocase(c->signature, STR("sha1")) < c->signature.n ||
        str_find_nocase(c->signature, STR("md5")) < c->signature.n)
        at_host(s, "cert-signature-weak", SEVERITY_WARNING,
                arena_printf(s->f->arena,
                             "The certificate of %.*s [%s] is signed with "
                             "%.*s, which can be forged.",
                             STR_ARG(s->name), s->a->text,
                             STR_ARG(c->signature)),
                STR("Get a new certificate, signed with SHA-256."), STR(""));
}

/* --- DANE -------------------------------------------------------------------
 */

static void dane_faults(const struct spot *s)
{
    const struct mx_host *mx = s->host->mx;
    struct str record = record_tlsa(mx, s->a, s->f->arena);

    if (mx->tlsa_n > 0 && mx->tlsa_usable_n == 0)
        at_host(s, "tlsa-unusable", SEVERITY_ERROR,
                arena_printf(s->f->arena,
                             "The TLSA records of %.*s cannot be used for "
                             "mail (only usages 2 and 3 with whole digests "
                             "count): TLS is demanded, and nothing proven.",
                             STR_ARG(s->name)),
                STR("Replace them by this one."), record);
    if (mx->tlsa_usable_n == 0 || !s->a->seen.up ||
        s->a->need != TLS_NEED_DANE || proven_by_dane(s->a))
        return;
    if (s->a->tlsa_match >= 0)
        at_host(s, "dane-cert-unfit", SEVERITY_ERROR,
                arena_printf(s->f->arena,
                             "The TLSA record of %.*s fits what %s shows, but "
                             "the certificate does not do: %s. Senders that "
                             "know DANE do not deliver there.",
                             STR_ARG(s->name), s->a->text, s->a->seen.fault),
                STR("Make a new certificate, or pin the server's own key with "
                    "this record: then name and dates do not matter."),
                record);
    else
        at_host(s, "tlsa-mismatch", SEVERITY_ERROR,
                arena_printf(s->f->arena,
                             "No TLSA record of %.*s fits the certificate "
                             "that %s shows: senders that know DANE do not "
                             "deliver there. Either the record is out of "
                             "date, or somebody else answers.",
                             STR_ARG(s->name), s->a->text),
                STR("If the certificate is yours, publish this record; keep "
                    "old and new side by side when keys change."),
                record);
}

static void dane_missing(const struct spot *s)
{
    const struct mx_host *mx = s->host->mx;
    bool could = mx->mx_state == DNS_SECURE && mx->address_state == DNS_SECURE;

    if (mx->tlsa_n == 0 && could && mx->tlsa_state != DNS_ERROR &&
        s->a->chain_n > 0)
        at_host(s, "dane-missing", SEVERITY_NOTICE,
                arena_printf(s->f->arena,
                             "DNS of %.*s is signed, but says nothing of its "
                             "certificate: DANE, the strongest protection "
                             "against a false server, is one record away.",
                             STR_ARG(s->name)),
                STR("Publish this record, and keep the key when the "
                    "certificate is renewed (certbot: --reuse-key)."),
                record_tlsa(mx, s->a, s->f->arena));
}

/* --- one address, one host --------------------------------------------------
 */

static void look_at(const struct spot *s)
{
    const struct probe_address *a = s->a;

    if (a->mangled) {
        mangled(s);
        return;
    }
    if (a->fault.kind == FAULT_STRAIN) {
        turned_away(s);
        return;
    }
    if (a->reach != REACH_OPEN || a->fault.kind == FAULT_DOWN) {
        unreached(s);
        return;
    }
    if (a->ehlo_n == 0 && !a->seen.up) {
        turned_away(s);
        return;
    }
    if (!a->caps.starttls && !a->seen.up) {
        no_starttls(s);
        return;
    }
    if (!a->seen.up) {
        tls_failed(s);
        return;
    }
    versions(s);
    dane_faults(s);
    if (a->chain_n == 0)
        return;
    if (!a->trusted && !(a->need == TLS_NEED_PIN && a->seen.by == VERIFIED_PIN))
        untrusted(s, s->host->mx->tlsa_usable_n > 0 ? SEVERITY_INFO
                                                    : SEVERITY_ERROR);
    key_and_dates(s);
}

static bool alike(const struct probe_address *a, const struct probe_address *b)
{
    bool same =
        a->seen.up == b->seen.up && a->caps.starttls == b->caps.starttls;

    for (int v = 0; v < PROBE_VERSIONS; v++)
        same &= a->version[v].result == b->version[v].result ||
                a->version[v].result == TRIAL_UNKNOWN ||
                b->version[v].result == TRIAL_UNKNOWN;
    if (a->chain_n > 0 && b->chain_n > 0)
        same &= a->trusted == b->trusted &&
                (a->tlsa_match >= 0) == (b->tlsa_match >= 0);
    return same;
}

static void compare(const struct spot *s)
{
    const struct probe_address *first = NULL;

    for (size_t i = 0; i < s->host->addresses_n; i++) {
        const struct probe_address *a = &s->host->addresses[i];

        if (a->reach != REACH_OPEN || a->fault.kind == FAULT_STRAIN)
            continue;
        if (first == NULL)
            first = a;
        if (alike(first, a))
            continue;
        at_host(s, "addresses-differ", SEVERITY_WARNING,
                arena_printf(s->f->arena,
                             "%.*s is not one server but several, and they "
                             "differ: [%s] is set up otherwise than [%s].",
                             STR_ARG(s->name), a->text, first->text),
                STR("Set all addresses of a host up alike."), STR(""));
        return;
    }
}

static void uncalled(const struct spot *s)
{
    const struct mx_host *mx = s->host->mx;

    if (mx->addresses_n == 0)
        finder_add(
            s->f,
            (struct sight){
                .id = "mx-no-address",
                .severity = SEVERITY_ERROR,
                .fault = mx->address_state == DNS_ERROR
                             ? answers_whose_dns(s->f->probe, s->f->self)
                             : ANSWER_FAULT_THEIRS,
                .host = s->name,
                .text = arena_printf(s->f->arena,
                                     "The MX host %.*s leads nowhere: %s.",
                                     STR_ARG(s->name), mx->address_error.why),
                .step = STR("Publish an address for it, or take it out of the "
                            "MX records (an MX must be a host name, not an "
                            "address).") });
    if (mx->tlsa_state == DNS_ERROR)
        finder_add(
            s->f,
            (struct sight){
                .id = "tlsa-lookup-failed",
                .severity = SEVERITY_ERROR,
                .fault = answers_whose_dns(s->f->probe, s->f->self),
                .host = s->name,
                .text = arena_printf(
                    s->f->arena,
                    "DNS of %.*s is signed, but the question for its TLSA "
                    "records ends in an error: careful senders must wait, "
                    "because an attacker would look the same.",
                    STR_ARG(s->name)),
                .step = STR("Repair the zone below _tcp: its name servers "
                            "must answer TLSA questions, if only with a "
                            "signed 'no such record'.") });
    if (s->f->probe->posture.sts.present &&
        s->f->probe->posture.sts.mode != STS_NONE && !mx->sts_listed)
        at_host(s, "sts-mx-unlisted", SEVERITY_ERROR,
                arena_printf(s->f->arena,
                             "The MX host %.*s is not in the MTA-STS policy: "
                             "senders that look do not deliver to it.",
                             STR_ARG(s->name)),
                STR("Add it to the policy and change the record's id; or, if "
                    "it is none of yours, take it out of the MX records."),
                arena_printf(s->f->arena, "mx: %.*s", STR_ARG(s->name)));
}

/* --- all hosts --------------------------------------------------------------
 */

/* Reached, and not what a verified floor demands: no matter of waiting. */
static bool falls_short(const struct finder *f, const struct probe_host *host)
{
    bool good = false, lasting = false;

    for (size_t i = 0; i < host->addresses_n; i++) {
        struct tls_seen seen;
        struct fault fault = probe_delivers(f->probe, host, &host->addresses[i],
                                            FLOOR_VERIFIED, &seen);

        good |= fault.kind == FAULT_NONE;
        lasting |= fault.kind == FAULT_LASTING &&
                   host->addresses[i].reach == REACH_OPEN;
    }
    return lasting && !good;
}

static void weakest_host(struct finder *f)
{
    const struct floor_answer *verified = &f->out->floor[FLOOR_VERIFIED];
    struct str names = STR("");
    size_t n = 0;

    for (size_t i = 0; i < f->probe->hosts_n; i++) {
        if (!falls_short(f, &f->probe->hosts[i]))
            continue;
        names = arena_printf(f->arena, "%.*s%s%.*s", STR_ARG(names),
                             n++ > 0 ? ", " : "",
                             STR_ARG(f->probe->hosts[i].mx->name));
    }
    if (verified->hosts_good == 0 || n == 0)
        return;
    finder_add(
        f,
        (struct sight){
            .id = "mx-one-bad",
            .severity = SEVERITY_ERROR,
            .text = arena_printf(
                f->arena,
                "%zu of %zu servers fall short (%.*s). An attacker who blocks "
                "the good ones leads ordinary senders there; 'verified' mail "
                "of ours is never handed to them.",
                n, f->probe->hosts_n, STR_ARG(names)),
            .step = STR("Mend or remove these servers: a domain is as safe as "
                        "its worst MX.") });
}

static void dane_everywhere(struct finder *f)
{
    size_t with = 0;

    for (size_t i = 0; i < f->probe->hosts_n; i++)
        with += f->probe->hosts[i].mx->tlsa_usable_n > 0;
    if (with > 0 && with < f->probe->hosts_n)
        finder_add(
            f, (struct sight){
                   .id = "dane-partial",
                   .severity = SEVERITY_WARNING,
                   .text = STR("Only some of the servers are protected by "
                               "DANE: an attacker leads mail to the others."),
                   .step = STR("Publish TLSA records for every MX host.") });
}

void find_in_hosts(struct finder *f)
{
    weakest_host(f);
    dane_everywhere(f);
    for (size_t i = 0; i < f->probe->hosts_n; i++) {
        struct spot s = { .f = f,
                          .host = &f->probe->hosts[i],
                          .name = f->probe->hosts[i].mx->name };
        bool asked = false;

        uncalled(&s);
        for (size_t k = 0; k < s.host->addresses_n; k++) {
            s.a = &s.host->addresses[k];
            look_at(&s);
            if (s.a->chain_n > 0 && !asked) {
                asked = true;
                dane_missing(&s);
            }
        }
        compare(&s);
    }
}
