/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/check_json.h"

#include "cli/check_safe.h"
#include "cli/records.h"
#include "posture/need.h"

static void set(json_t *object, const char *name, json_t *value)
{
    json_object_set_new(object, name, value);
}

static void set_text(json_t *object, const char *name, struct str s)
{
    set(object, name, safe_json_or_null(s));
}

static void set_cstr(json_t *object, const char *name, const char *text)
{
    set_text(object, name, str_from_cstr(text));
}

static void set_yes(json_t *object, const char *name, bool yes)
{
    set(object, name, json_boolean(yes));
}

static void set_number(json_t *object, const char *name, int64_t number)
{
    set(object, name, json_integer((json_int_t)number));
}

static json_t *texts(const struct str *list, size_t n)
{
    json_t *out = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(out, safe_json(list[i]));
    return out;
}

static json_t *yes_no(enum answer_can answer)
{
    return answer == ANSWER_UNKNOWN ? json_null()
                                    : json_boolean(answer == ANSWER_YES);
}

static const char *dnssec(enum dns_state state)
{
    return state == DNS_SECURE     ? "secure"
           : state == DNS_INSECURE ? "insecure"
                                   : "failed";
}

static const char *need_name(enum tls_need need)
{
    static const char *const names[] = {
        [TLS_NEED_MAY] = "may",     [TLS_NEED_ENCRYPT] = "encrypt",
        [TLS_NEED_PKIX] = "pkix",   [TLS_NEED_STS] = "mta-sts",
        [TLS_NEED_DANE] = "dane",   [TLS_NEED_PIN] = "pin",
        [TLS_NEED_NEVER] = "never",
    };

    return names[need];
}

/* --- answers and findings -------------------------------------------------
 */

static json_t *floor_json(const struct floor_answer *a)
{
    json_t *o = json_object();

    set(o, "possible", yes_no(a->can));
    set_text(o, "now", answer_now_name(a->now));
    set_text(o, "verified_by", verified_by_name(a->by));
    set_yes(o, "encrypted", a->encrypted);
    set_text(o, "fault",
             a->fault == ANSWER_FAULT_NONE ? STR("")
                                           : answer_fault_name(a->fault));
    set_text(o, "host", a->host);
    set_text(o, "how", a->how);
    set_text(o, "message", a->message);
    set_number(o, "hosts_good", (int64_t)a->hosts_good);
    set_number(o, "hosts_bad", (int64_t)a->hosts_bad);
    return o;
}

static json_t *answers_json(const struct answers *answers)
{
    json_t *o = json_object();

    for (size_t i = 0; i < ANSWER_FLOORS; i++) {
        struct str name = floor_name(answers->floor[i].floor);

        json_object_setn_new(o, name.p, name.n, floor_json(&answers->floor[i]));
    }
    return o;
}

static json_t *findings_json(const struct answers *answers)
{
    json_t *list = json_array();

    for (size_t i = 0; i < answers->findings_n; i++) {
        const struct finding *f = &answers->findings[i];
        json_t *o = json_object();

        set_text(o, "id", f->id);
        set_text(o, "severity", severity_name(f->severity));
        set_text(o, "fault", answer_fault_name(f->fault));
        set_text(o, "host", f->host);
        set_text(o, "text", f->text);
        set_text(o, "step", f->step);
        /* Its lines are wanted: the record is ours and ready to paste. */
        set(o, "record",
            f->record.n == 0 ? json_null() : cli_json_str(f->record));
        json_array_append_new(list, o);
    }
    return list;
}

/* --- the domain -----------------------------------------------------------
 */

static json_t *txt_json(const struct probe_txt *t)
{
    json_t *o = json_object();

    set_cstr(o, "dnssec", dnssec(t->state));
    set(o, "texts", texts(t->texts, t->n));
    set_yes(o, "valid", t->valid);
    set_text(o, "value", t->id);
    set_cstr(o, "fault", t->state == DNS_ERROR ? t->fault.why : "");
    return o;
}

static json_t *policy_json(const struct sts_policy *sts)
{
    static const char *const modes[] = { "none", "testing", "enforce" };
    json_t *o = json_object();

    set_cstr(o, "mode", modes[sts->mode]);
    set_text(o, "id", sts->id);
    set(o, "mx", texts(sts->mx, sts->mx_n));
    set_number(o, "max_age_s", sts->max_age_s);
    set(o, "fetched_at", records_time(sts->fetched_wall_ms));
    return o;
}

static json_t *sts_json(const struct probe *p)
{
    const struct sts_policy *sts = &p->posture.sts;
    json_t *o = json_object();
    bool all = true;

    for (size_t i = 0; i < p->hosts_n; i++)
        all = all && p->hosts[i].mx->sts_listed;
    set(o, "record", txt_json(&p->sts_record));
    set(o, "policy", sts->present ? policy_json(sts) : json_null());
    set(o, "covers_every_mx", sts->present ? json_boolean(all) : json_null());
    set_text(o, "fault", sts->fault);
    return o;
}

static json_t *dns_json(const struct domain_posture *p)
{
    json_t *o = json_object();

    set_cstr(o, "mx_dnssec", dnssec(p->mx_state));
    set_yes(o, "null_mx", p->null_mx);
    set_yes(o, "implicit_mx", p->implicit_mx);
    set_cstr(o, "fault", status_is_ok(p->status) ? "" : p->status.why);
    return o;
}

/* --- hosts and addresses --------------------------------------------------
 */

static json_t *time_json(int64_t seconds)
{
    return records_time(seconds * 1000);
}

static json_t *certificate_json(const struct certificate *c)
{
    json_t *o = json_object();

    set_text(o, "subject", c->subject);
    set_text(o, "issuer", c->issuer);
    set(o, "names", texts(c->names, c->names_n));
    set(o, "not_before", time_json(c->not_before_s));
    set(o, "not_after", time_json(c->not_after_s));
    set_text(o, "key", c->key_kind);
    set_number(o, "key_bits", c->key_bits);
    set_text(o, "signature", c->signature);
    set_yes(o, "self_signed", c->self_signed);
    set_text(o, "sha256", c->sha256);
    set_text(o, "spki_sha256", c->spki_sha256);
    return o;
}

static json_t *chain_json(const struct probe_address *a)
{
    json_t *list = json_array();

    for (size_t i = 0; i < a->chain_n; i++)
        json_array_append_new(list, certificate_json(&a->chain[i]));
    return list;
}

static json_t *tls_json(const struct tls_seen *seen)
{
    json_t *o;

    if (!seen->up)
        return json_null();
    o = json_object();
    set_cstr(o, "version", seen->version);
    set_cstr(o, "cipher", seen->cipher);
    set_cstr(o, "group", seen->group);
    set_yes(o, "approved", seen->approved);
    set_text(o, "verified_by", verified_by_name(seen->by));
    return o;
}

static const char *trial_name(enum probe_trial trial)
{
    static const char *const names[] = {
        [TRIAL_NONE] = "not-tried",
        [TRIAL_ACCEPTED] = "accepted",
        [TRIAL_REFUSED] = "refused",
        [TRIAL_UNKNOWN] = "unknown",
    };

    return names[trial];
}

static json_t *versions_json(const struct probe_address *a)
{
    json_t *all = json_object();

    for (size_t i = 0; i < PROBE_VERSIONS; i++) {
        const struct probe_version_facts *v = &a->version[i];
        struct str name = probe_version_name((enum probe_version)i);
        json_t *o = json_object();

        set_cstr(o, "result", trial_name(v->result));
        set_cstr(o, "cipher", v->cipher);
        set_yes(o, "weak", v->weak);
        set_cstr(o, "why", v->why);
        json_object_setn_new(all, name.p, name.n, o);
    }
    return all;
}

static const char *reach_name(enum probe_reach reach)
{
    static const char *const names[] = {
        [REACH_NONE] = "not-tried",    [REACH_OPEN] = "open",
        [REACH_REFUSED] = "refused",   [REACH_TIMEOUT] = "timeout",
        [REACH_NO_ROUTE] = "no-route", [REACH_OTHER] = "other",
    };

    return names[reach];
}

static json_t *address_json(const struct probe_address *a)
{
    const struct tls_seen *seen =
        !a->seen.up && a->open_tried ? &a->open_seen : &a->seen;
    json_t *o = json_object();

    set_cstr(o, "address", a->text);
    set_number(o, "port", a->port);
    set_cstr(o, "reach", reach_name(a->reach));
    set_number(o, "connect_ms", a->connect_ms);
    set_number(o, "tls_ms", a->tls_ms);
    set_cstr(o, "banner", a->banner);
    set(o, "ehlo", texts(a->ehlo, a->ehlo_n));
    set_yes(o, "starttls", a->seen.offered || a->open_seen.offered);
    set_yes(o, "requiretls", a->caps_tls.requiretls);
    set_yes(o, "strained", a->strained);
    set_yes(o, "starttls_mangled", a->mangled);
    set_cstr(o, "need", need_name(a->need));
    set_cstr(o, "fault", a->fault.kind == FAULT_NONE ? "" : a->fault.why.why);
    set(o, "tls", tls_json(seen));
    set(o, "versions", versions_json(a));
    set(o, "chain", chain_json(a));
    set_yes(o, "trusted", a->trusted);
    set_text(o, "trusted_name", a->trusted_name);
    set_text(o, "trust_fault", a->trust_fault);
    set(o, "tlsa_match",
        a->tlsa_match < 0 ? json_null() : json_integer(a->tlsa_match));
    return o;
}

static json_t *tlsa_json(const struct mx_host *mx)
{
    json_t *list = json_array();

    for (size_t i = 0; i < mx->tlsa_n; i++) {
        const struct tlsa *t = &mx->tlsa[i];
        struct buf hex = { 0 };

        for (size_t k = 0; k < t->data.n; k++)
            buf_addf(&hex, "%02x", (unsigned char)t->data.p[k]);
        json_array_append_new(
            list,
            json_pack("{si si si ss sb}", "usage", (int)t->usage, "selector",
                      (int)t->selector, "matching", (int)t->matching, "data",
                      buf_cstr(&hex), "usable", tlsa_usable(t) ? 1 : 0));
        buf_free(&hex);
    }
    return list;
}

static json_t *host_json(const struct probe_host *h)
{
    json_t *o = json_object(), *list = json_array();

    set_text(o, "name", h->mx->name);
    set_number(o, "preference", h->mx->preference);
    set_cstr(o, "address_dnssec", dnssec(h->mx->address_state));
    set_cstr(o, "address_fault",
             h->mx->addresses_n > 0 ? "" : h->mx->address_error.why);
    set_cstr(o, "tlsa_dnssec", dnssec(h->mx->tlsa_state));
    set_text(o, "tlsa_base", h->mx->tlsa_base);
    set(o, "tlsa", tlsa_json(h->mx));
    set_yes(o, "sts_listed", h->mx->sts_listed);
    set_cstr(o, "need", need_name(h->mx->need));
    set_text(o, "why", h->mx->why);
    for (size_t i = 0; i < h->addresses_n; i++)
        json_array_append_new(list, address_json(&h->addresses[i]));
    set(o, "addresses", list);
    return o;
}

static json_t *hosts_json(const struct probe *p)
{
    json_t *list = json_array();

    for (size_t i = 0; i < p->hosts_n; i++)
        json_array_append_new(list, host_json(&p->hosts[i]));
    return list;
}

/* --- whole ----------------------------------------------------------------
 */

json_t *check_json(const struct check_result *result)
{
    const struct answers *a = &result->answers;
    json_t *o = json_object(), *nist = json_object();

    set_text(o, "domain", result->probe.domain);
    set(o, "checked_at", records_time(result->probe.began_wall_ms));
    set_number(o, "took_ms", result->probe.took_ms);
    set_text(o, "summary", a->summary);
    set_number(o, "exit", (int64_t)result->code);
    set(o, "answers", answers_json(a));
    set(nist, "met", yes_no(a->nist));
    set(nist, "met_by_our_connections", yes_no(a->nist_connection));
    set_text(nist, "text", a->nist_text);
    set(o, "nist_sp_800_52r2", nist);
    set_text(o, "health_information", a->phi_text);
    set(o, "findings", findings_json(a));
    set(o, "dns", dns_json(&result->probe.posture));
    set(o, "mta_sts", sts_json(&result->probe));
    set(o, "tlsrpt", txt_json(&result->probe.tlsrpt));
    set(o, "hosts", hosts_json(&result->probe));
    set(o, "self_test",
        result->self == NULL ? json_null() : check_json_self(result->self));
    return o;
}

json_t *check_json_self(const struct selftest *self)
{
    json_t *all = json_object();

    for (size_t i = 0; i < SELF_PARTS; i++) {
        struct str name = self_part_name((enum self_part)i);
        json_t *o = json_object();

        set_text(o, "state", self_state_name(self->part[i].state));
        set_text(o, "text", self->part[i].text);
        set_text(o, "step", self->part[i].step);
        json_object_setn_new(all, name.p, name.n, o);
    }
    return all;
}

static json_t *sender_json(enum answer_can answer, struct str text)
{
    json_t *o = json_object();

    set(o, "encrypted", yes_no(answer));
    set_text(o, "text", text);
    return o;
}

json_t *check_json_replies(const struct replies *r)
{
    json_t *o = json_object(), *senders = json_object(), *list = json_array();

    set_text(o, "summary", r->summary);
    set(o, "every_mx_offers_tls", yes_no(r->any_tls));
    set(o, "every_mx_offers_good_tls", yes_no(r->good_tls));
    set_text(o, "tls_required_by", replies_force_name(r->force));
    set_text(o, "clear_text", r->clear_text);
    set(senders, "careful", sender_json(r->careful, r->careful_text));
    set(senders, "ordinary", sender_json(r->ordinary, r->ordinary_text));
    set(senders, "careless", sender_json(r->careless, r->careless_text));
    set(o, "senders", senders);
    set_text(o, "theirs", r->theirs_text);
    for (size_t i = 0; i < r->remedies_n; i++) {
        const struct remedy *m = &r->remedies[i];
        json_t *one = json_object();

        set_text(one, "title", m->title);
        set_text(one, "text", m->text);
        set(one, "record",
            m->record.n == 0 ? json_null() : cli_json_str(m->record));
        json_array_append_new(list, one);
    }
    set(o, "remedies", list);
    return o;
}

void check_json_line(json_t *value)
{
    json_dumpf(value, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(value);
}
