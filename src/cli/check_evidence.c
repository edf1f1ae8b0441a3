/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/check_evidence.h"

#include "base/clock.h"
#include "cli/check_paint.h"
#include "cli/check_safe.h"

#include <stdarg.h>

/* A labelled line from a format; the whole is made inert. */
static void line(const char *label, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void line(const char *label, const char *format, ...)
{
    struct buf text = { 0 };
    va_list args;

    va_start(args, format);
    buf_vaddf(&text, format, args);
    va_end(args);
    paint_labelled(label, buf_str(&text));
    buf_free(&text);
}

static const char *dnssec(enum dns_state state)
{
    return state == DNS_SECURE     ? "signed (DNSSEC)"
           : state == DNS_INSECURE ? "not signed"
                                   : "look-up failed";
}

/* --- the domain -----------------------------------------------------------
 */

static void print_sts(const struct probe *p)
{
    static const char *const modes[] = { "none", "testing", "enforce" };
    const struct sts_policy *sts = &p->posture.sts;
    size_t listed = 0;

    for (size_t i = 0; i < p->hosts_n; i++)
        listed += p->hosts[i].mx->sts_listed;
    if (sts->present)
        line("MTA-STS",
             "mode %s, id %.*s, kept for %lld s, names %zu of "
             "%zu MX hosts",
             modes[sts->mode], STR_ARG(sts->id), (long long)sts->max_age_s,
             listed, p->hosts_n);
    else if (sts->fault.n == 0)
        line("MTA-STS", "%s",
             p->sts_record.n == 0 ? "no record"
                                  : "a record, but no policy in force");
    if (sts->fault.n > 0)
        line("MTA-STS", "policy not fetched: %.*s", STR_ARG(sts->fault));
}

static void print_domain(const struct probe *p)
{
    const struct domain_posture *d = &p->posture;

    line("MX", "%s%s",
         d->null_mx       ? "none: the domain takes no mail (null MX), "
         : d->implicit_mx ? "none: the domain itself is the host, "
                          : "",
         dnssec(d->mx_state));
    if (!status_is_ok(d->status))
        line("", "%s", d->status.why);
    print_sts(p);
    line("TLS reports", "%s",
         p->tlsrpt.valid   ? "asked for (TLSRPT)"
         : p->tlsrpt.n > 0 ? "the TLSRPT record cannot be read"
                           : "not asked for");
}

/* --- one address ----------------------------------------------------------
 */

static const char *reach_words(enum probe_reach reach)
{
    static const char *const words[] = {
        [REACH_NONE] = "not called",
        [REACH_OPEN] = "answers",
        [REACH_REFUSED] = "refuses connections: nothing listens",
        [REACH_TIMEOUT] = "no answer",
        [REACH_NO_ROUTE] = "cannot be reached from this machine",
        [REACH_OTHER] = "no connection",
    };

    return words[reach];
}

static void print_versions(const struct probe_address *a)
{
    static const char *const words[] = { [TRIAL_NONE] = "-",
                                         [TRIAL_ACCEPTED] = "yes",
                                         [TRIAL_REFUSED] = "no",
                                         [TRIAL_UNKNOWN] = "?" };
    struct buf text = { 0 };
    bool tried = false;

    for (size_t i = 0; i < PROBE_VERSIONS; i++) {
        struct str name = probe_version_name((enum probe_version)i);
        const struct probe_version_facts *v = &a->version[i];

        tried = tried || v->result != TRIAL_NONE;
        buf_addf(&text, "%s%.*s %s%s", i == 0 ? "" : ", ", STR_ARG(name),
                 words[v->result],
                 v->weak && v->result == TRIAL_ACCEPTED ? " (weak suite)" : "");
    }
    if (tried)
        paint_labelled("  versions", buf_str(&text));
    buf_free(&text);
}

static struct str day(int64_t seconds, char out[CLOCK_ISO_SIZE])
{
    return str_first(clock_iso(seconds * 1000, out), 10);
}

static void print_certificate(const struct probe_address *a)
{
    const struct certificate *c = a->chain;
    char from[CLOCK_ISO_SIZE], until[CLOCK_ISO_SIZE];

    if (a->chain_n == 0)
        return;
    line("  certificate",
         "%.*s; by %.*s; %.*s to %.*s; %.*s %u bits%s; chain "
         "of %zu",
         STR_ARG(c->names_n > 0 ? c->names[0] : c->subject), STR_ARG(c->issuer),
         STR_ARG(day(c->not_before_s, from)),
         STR_ARG(day(c->not_after_s, until)), STR_ARG(c->key_kind), c->key_bits,
         c->self_signed ? "; self-signed" : "", a->chain_n);
    if (a->trusted)
        line("  verifies", "yes, for %.*s", STR_ARG(a->trusted_name));
    else
        line("  verifies", "no: %.*s", STR_ARG(a->trust_fault));
}

static void print_session(const struct probe_host *h,
                          const struct probe_address *a)
{
    const struct tls_seen *seen =
        !a->seen.up && a->open_tried ? &a->open_seen : &a->seen;
    struct str by = verified_by_name(seen->by);

    if (seen->up)
        line("  negotiates", "%s %s %s%s%s%.*s", seen->version, seen->cipher,
             seen->group, seen->approved ? "" : " (not approved)",
             by.n > 0 ? ", proven by " : ", not proven", STR_ARG(by));
    else
        line("  STARTTLS", "%s",
             a->mangled      ? "blotted out by a device on the way"
             : seen->offered ? "offered, but no TLS came of it"
                             : "not offered");
    if (a->fault.kind != FAULT_NONE)
        line("  fault", "%s", a->fault.why.why);
    print_versions(a);
    print_certificate(a);
    if (a->tlsa_match >= 0 && (size_t)a->tlsa_match < h->mx->tlsa_n) {
        const struct tlsa *t = &h->mx->tlsa[a->tlsa_match];

        line("  DANE", "matches TLSA %u %u %u", t->usage, t->selector,
             t->matching);
    } else if (h->mx->tlsa_usable_n > 0 && a->chain_n > 0) {
        line("  DANE", "no TLSA record matches");
    }
    if (a->caps_tls.requiretls)
        line("  REQUIRETLS", "offered");
}

static void print_address(const struct probe_host *h,
                          const struct probe_address *a)
{
    printf("  [%s] port %u: %s\n", a->text, a->port, reach_words(a->reach));
    paint_labelled("  greeting", str_from_cstr(a->banner));
    if (a->strained)
        line("  busy", "said 421, so it was not called again");
    if (a->reach == REACH_OPEN)
        print_session(h, a);
    else if (a->fault.kind != FAULT_NONE)
        line("  fault", "%s", a->fault.why.why);
}

static void print_host(const struct cli *cli, const struct probe_host *h)
{
    const struct mx_host *mx = h->mx;

    fputs("  ", stdout);
    paint_word(cli, PAINT_BOLD, mx->name, 0);
    printf("  preference %u\n", mx->preference);
    if (mx->tlsa_n > 0 || mx->tlsa_state == DNS_ERROR)
        line("  TLSA", "%zu found, %zu usable, %s", mx->tlsa_n,
             mx->tlsa_usable_n, dnssec(mx->tlsa_state));
    if (mx->addresses_n == 0)
        line("  address", "none: %s", mx->address_error.why);
    for (size_t i = 0; i < h->addresses_n; i++)
        print_address(h, &h->addresses[i]);
}

void check_evidence(const struct cli *cli, const struct probe *probe)
{
    fputs("\n", stdout);
    paint_word(cli, PAINT_BOLD, STR("Evidence"), 0);
    fputs("\n", stdout);
    print_domain(probe);
    for (size_t i = 0; i < probe->hosts_n; i++)
        print_host(cli, &probe->hosts[i]);
}
