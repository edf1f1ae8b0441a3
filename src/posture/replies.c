/* SPDX-License-Identifier: Apache-2.0 */
#include "posture/replies.h"

#include "base/buf.h"
#include "posture/findings.h"

struct view {
    const struct probe *probe;
    const struct answers *answers;
    struct arena *arena;
    struct replies *out;
};

struct str replies_force_name(enum replies_force force)
{
    static const struct str names[] = { STR_INIT("none"), STR_INIT("mta-sts"),
                                        STR_INIT("dane"),
                                        STR_INIT("dane+mta-sts") };

    return names[force];
}

/* --- what our side offers and demands --------------------------------------
 */

static enum answer_can worse(enum answer_can a, enum answer_can b)
{
    if (a == ANSWER_NO || b == ANSWER_NO)
        return ANSWER_NO;
    return a == ANSWER_UNKNOWN || b == ANSWER_UNKNOWN ? ANSWER_UNKNOWN
                                                      : ANSWER_YES;
}

static enum answer_can address_proves(const struct probe *p,
                                      const struct probe_host *h,
                                      const struct probe_address *a)
{
    struct tls_seen seen;
    struct fault fault = probe_delivers(p, h, a, FLOOR_VERIFIED, &seen);

    return fault.kind == FAULT_NONE      ? ANSWER_YES
           : fault.kind == FAULT_LASTING ? ANSWER_NO
                                         : ANSWER_UNKNOWN;
}

static enum answer_can address_encrypts(const struct probe_address *a)
{
    if (a->seen.up || a->open_seen.up)
        return ANSWER_YES;
    return a->ehlo_n > 0 && !a->caps.starttls ? ANSWER_NO : ANSWER_UNKNOWN;
}

static void judge_servers(struct view *v)
{
    const struct probe *p = v->probe;
    size_t n = 0;

    v->out->good_tls = v->out->any_tls = ANSWER_YES;
    for (size_t i = 0; i < p->hosts_n; i++)
        for (size_t k = 0; k < p->hosts[i].addresses_n; k++, n++) {
            const struct probe_address *a = &p->hosts[i].addresses[k];

            v->out->good_tls =
                worse(v->out->good_tls, address_proves(p, &p->hosts[i], a));
            v->out->any_tls = worse(v->out->any_tls, address_encrypts(a));
        }
    if (n == 0)
        v->out->good_tls = v->out->any_tls = ANSWER_UNKNOWN;
}

static bool dane_everywhere(const struct probe *p)
{
    for (size_t i = 0; i < p->hosts_n; i++)
        if (p->hosts[i].mx->tlsa_usable_n == 0)
            return false;
    return p->hosts_n > 0;
}

static bool sts_enforced(const struct probe *p)
{
    return p->posture.sts.present && p->posture.sts.mode == STS_ENFORCE &&
           p->posture.sts.trouble == STS_TROUBLE_NONE;
}

static enum replies_force force_of(const struct probe *p)
{
    if (dane_everywhere(p))
        return sts_enforced(p) ? FORCE_BOTH : FORCE_DANE;
    return sts_enforced(p) ? FORCE_STS : FORCE_NONE;
}

/* --- the three senders ------------------------------------------------------
 */

static void judge_careful(struct view *v)
{
    struct replies *out = v->out;

    out->careful = v->answers->floor[FLOOR_VERIFIED].can;
    if (out->careful == ANSWER_UNKNOWN)
        out->careful_text = STR("Cannot tell: not enough could be seen of our "
                                "servers.");
    else if (out->careful == ANSWER_NO)
        out->careful_text =
            STR("A sender that insists on a proven server cannot reach us: its "
                "answers do not come at all, or by another way.");
    else if (out->force == FORCE_NONE)
        out->careful_text =
            STR("Encrypted, if the sender insists on its own account. Nothing "
                "we publish asks it to.");
    else
        out->careful_text =
            STR("Encrypted, to a server of ours that was proven, or not at "
                "all: such a sender heeds what we publish.");
}

static void judge_ordinary(struct view *v)
{
    struct replies *out = v->out;

    out->ordinary = out->any_tls;
    if (out->any_tls == ANSWER_YES)
        out->ordinary_text =
            STR("Encrypted as long as nobody interferes. An attacker on the "
                "way can strip the encryption or stand in for our server, and "
                "neither side notices.");
    else if (out->any_tls == ANSWER_NO)
        out->ordinary_text = STR("May come back in clear: a server of ours "
                                 "does not even offer encryption.");
    else
        out->ordinary_text = STR("Cannot tell: not every server of ours could "
                                 "be reached.");
}

static void judge_senders(struct view *v)
{
    struct replies *out = v->out;

    judge_careful(v);
    judge_ordinary(v);
    out->careless = ANSWER_NO;
    out->careless_text =
        STR("In clear, if our server takes it: a sender without TLS is "
            "stopped only by a server that refuses mail in clear.");
    out->clear_text =
        STR("Whether our servers refuse mail in clear shows only when a "
            "sender is named (they say 530 to MAIL FROM), and this check "
            "names none. See your server's settings: Postfix "
            "'smtpd_tls_security_level = encrypt' refuses it, 'may' takes "
            "it.");
}

/* --- the other side ---------------------------------------------------------
 */

/* Whose servers, and what they say they heed when they send. */
static const struct provider {
    struct str suffix, text;
} providers[] = {
    { STR_INIT(".google.com"),
      STR_INIT("Its mail is run by Google, which says that it heeds MTA-STS "
               "when it sends, not DANE.") },
    { STR_INIT(".googlemail.com"),
      STR_INIT("Its mail is run by Google, which says that it heeds MTA-STS "
               "when it sends, not DANE.") },
    { STR_INIT(".outlook.com"),
      STR_INIT("Its mail is run by Microsoft, which says that it heeds DANE "
               "and MTA-STS when it sends.") },
    { STR_INIT(".mx.microsoft"),
      STR_INIT("Its mail is run by Microsoft, which says that it heeds DANE "
               "and MTA-STS when it sends.") },
};

static struct str provider_text(const struct probe *p)
{
    for (size_t i = 0; i < p->hosts_n; i++)
        for (size_t k = 0; k < sizeof(providers) / sizeof(providers[0]); k++)
            if (str_ends_nocase(p->hosts[i].mx->name, providers[k].suffix))
                return providers[k].text;
    return STR("");
}

static struct str theirs(const struct probe *p, const struct answers *a,
                         struct arena *arena)
{
    struct str provider = provider_text(p);
    enum replies_force force = force_of(p);

    if (provider.n > 0)
        return arena_printf(arena, "%.*s: %.*s", STR_ARG(p->domain),
                            STR_ARG(provider));
    if (force != FORCE_NONE)
        return arena_printf(
            arena,
            "%.*s protects its own mail with %.*s. Who does so often heeds "
            "the same when sending, but nothing proves it.",
            STR_ARG(p->domain), STR_ARG(replies_force_name(force)));
    return arena_printf(
        arena,
        "%.*s %s; how it sends cannot be seen from outside. The Received "
        "lines of a message from there tell: postseal trace FILE.",
        STR_ARG(p->domain),
        a->floor[FLOOR_TLS].can == ANSWER_YES
            ? "takes mail encrypted, but demands nothing"
            : "does not reliably take mail encrypted");
}

/* --- remedies ---------------------------------------------------------------
 */

static void offer(struct view *v, struct str title, struct str text,
                  struct str record)
{
    if (v->out->remedies_n < REMEDIES_MAX)
        v->out->remedies[v->out->remedies_n++] =
            (struct remedy){ title, text, record };
}

static struct str tlsa_of_all(const struct view *v)
{
    struct buf lines = { 0 };

    for (size_t i = 0; i < v->probe->hosts_n; i++) {
        const struct probe_host *h = &v->probe->hosts[i];

        for (size_t k = 0; k < h->addresses_n; k++) {
            struct str record = record_tlsa(h->mx, &h->addresses[k], v->arena);

            if (record.n == 0 || str_find(buf_str(&lines), record) < lines.n)
                continue;
            buf_addf(&lines, "%s%.*s", lines.n > 0 ? "\n" : "",
                     STR_ARG(record));
        }
    }
    struct str kept = str_keep(v->arena, buf_str(&lines));
    buf_free(&lines);
    return kept;
}

static void offer_dane(struct view *v)
{
    bool is_signed = v->probe->posture.mx_state == DNS_SECURE;

    if (v->out->force == FORCE_DANE || v->out->force == FORCE_BOTH)
        return;
    offer(v, STR("DANE: demand TLS by signed DNS"),
          is_signed ? STR("The domain is signed already. Publish a TLSA record "
                          "for every MX host, and keep the keys when "
                          "certificates are renewed.")
                    : STR("First sign the domain with DNSSEC, and the zone of "
                          "its MX hosts; then publish a TLSA record for every "
                          "MX host, and keep the keys when certificates are "
                          "renewed."),
          tlsa_of_all(v));
}

static void offer_sts(struct view *v)
{
    const struct probe *p = v->probe;

    if (sts_enforced(p))
        return;
    offer(v, STR("MTA-STS: demand TLS by a policy on the web"),
          arena_printf(v->arena,
                       "Every MX needs a certificate of a public CA for its "
                       "name. Publish the TXT record, and serve the text as "
                       "https://mta-sts.%.*s/.well-known/mta-sts.txt.%s",
                       STR_ARG(p->domain),
                       v->out->good_tls == ANSWER_YES
                           ? ""
                           : " Mend the servers first, or begin with mode: "
                             "testing."),
          arena_printf(v->arena, "%.*s\n\n%.*s",
                       STR_ARG(record_sts(p, v->arena)),
                       STR_ARG(record_sts_policy(p, "enforce", v->arena))));
}

static void offer_all(struct view *v)
{
    struct replies *out = v->out;

    out->remedies = arena_array(v->arena, REMEDIES_MAX, sizeof(*out->remedies));
    if (out->good_tls == ANSWER_NO)
        offer(v, STR("Mend the servers that fall short"),
              arena_printf(v->arena,
                           "Without good TLS on every MX nothing can be "
                           "demanded. See: postseal check %.*s",
                           STR_ARG(v->probe->domain)),
              STR(""));
    offer_dane(v);
    offer_sts(v);
    offer(v, STR("Refuse mail in clear"),
          STR("Postfix: smtpd_tls_security_level = encrypt. Answers of senders "
              "without TLS then do not arrive, and their senders are told; "
              "the strictest way, and the one that can lose mail."),
          STR(""));
    offer(v, STR("Let people answer in the portal"),
          STR("An answer written in the portal comes over HTTPS and is sealed "
              "to us, whatever the other side's mail can do: send with the "
              "floor 'sealed' (ladder portal) where the answer matters."),
          STR(""));
    if (!v->probe->tlsrpt.valid)
        offer(v, STR("Hear of failures"),
              STR("TLSRPT asks senders to report where TLS to us failed."),
              record_tlsrpt(v->probe, v->arena));
}

static void summarize(struct view *v)
{
    struct str domain = v->probe->domain;
    struct replies *out = v->out;

    if (v->probe->hosts_n == 0)
        out->summary = arena_printf(
            v->arena, "No answer can come back to %.*s by mail: %.*s.",
            STR_ARG(domain), STR_ARG(v->answers->floor[FLOOR_VERIFIED].how));
    else if (out->force == FORCE_NONE)
        out->summary = arena_printf(
            v->arena,
            "Nothing forces answers to %.*s to come back encrypted: replies "
            "cannot be guaranteed, use the portal's reply.",
            STR_ARG(domain));
    else if (out->careful == ANSWER_YES)
        out->summary = arena_printf(
            v->arena,
            "Senders that heed %s are forced to encrypt their answers to "
            "%.*s; others are not. Where it matters, use the portal's reply.",
            out->force == FORCE_STS    ? "MTA-STS"
            : out->force == FORCE_DANE ? "DANE"
                                       : "DANE or MTA-STS",
            STR_ARG(domain));
    else
        out->summary = arena_printf(
            v->arena,
            "%.*s demands TLS of senders but does not meet its own demand now "
            "(%.*s): careful senders' answers do not arrive.",
            STR_ARG(domain), STR_ARG(v->answers->floor[FLOOR_VERIFIED].how));
}

void replies_of(const struct probe *ours, const struct answers *our_answers,
                const struct probe *their_probe,
                const struct answers *their_answers, struct arena *arena,
                struct replies *out)
{
    struct view v = { ours, our_answers, arena, out };

    *out = (struct replies){ 0 };
    judge_servers(&v);
    out->force = force_of(ours);
    judge_senders(&v);
    if (their_probe != NULL && their_answers != NULL)
        out->theirs_text = theirs(their_probe, their_answers, arena);
    offer_all(&v);
    summarize(&v);
}
