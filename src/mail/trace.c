/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/trace.h"

#include "mail/trace_inner.h"

enum { NOTES_MAX = 100, PLAIN_MAX = 255, KEY_BITS_MIN = 112 };

struct str hop_state_name(enum hop_state state)
{
    static const struct str names[] = {
        STR_INIT("encrypted"),    STR_INIT("weak"),  STR_INIT("clear"),
        STR_INIT("not-recorded"), STR_INIT("local"), STR_INIT("not-smtp"),
        STR_INIT("unreadable"),
    };

    return names[state];
}

struct str hop_evidence_name(enum hop_evidence evidence)
{
    static const struct str names[] = {
        STR_INIT("none"),
        STR_INIT("keyword"),
        STR_INIT("clause"),
        STR_INIT("side-header"),
    };

    return names[evidence];
}

struct str client_certificate_name(enum client_certificate c)
{
    static const struct str names[] = {
        STR_INIT("unknown"), STR_INIT("unasked"), STR_INIT("absent"),
        STR_INIT("ok"),      STR_INIT("bad"),
    };

    return names[c];
}

struct str trace_verdict_name(enum trace_verdict v)
{
    static const struct str names[] = {
        STR_INIT("encrypted"),
        STR_INIT("not encrypted"),
        STR_INIT("weak"),
        STR_INIT("unknown"),
    };

    return names[v];
}

void trace_note(struct trace_work *w, struct str id, struct str text)
{
    struct trace_note *note;

    if (w->notes++ >= NOTES_MAX)
        return;
    note = ARENA_NEW(w->arena, struct trace_note);
    note->id = id;
    note->text = text;
    *w->notes_end = note;
    w->notes_end = &note->next;
}

struct str trace_plain(struct str name, struct str instead)
{
    if (name.n == 0 || name.n > PLAIN_MAX || name.p[0] == '-')
        return instead;
    for (size_t i = 0; i < name.n; i++)
        if (!ascii_is_alnum(name.p[i]) && name.p[i] != '.' &&
            name.p[i] != '-' && name.p[i] != '_' && name.p[i] != ':')
            return instead;
    return name;
}

/* What follows from the suite when the version is not stated, and what in the
 * clause cannot be. */
static void set_range(struct hop *hop, enum tls_version version,
                      const struct tls_cipher *cipher)
{
    if (version != VERSION_UNSTATED) {
        if (cipher->known && (version < cipher->low || version > cipher->high))
            hop->contradiction = STR("the clause names a version and a cipher "
                                     "suite that do not go together");
        return;
    }
    if (!cipher->known && cipher->low == VERSION_TLS1)
        return;
    if (cipher->low == cipher->high && cipher->known) {
        hop->tls.version = tls_version_name(cipher->low);
        return;
    }
    hop->tls.range_low = tls_version_name(cipher->low);
    hop->tls.range_high =
        tls_version_name(cipher->known ? cipher->high : VERSION_TLS13);
}

void trace_set_tls(struct hop *hop, const struct received_evidence *e)
{
    struct tls_cipher cipher = { 0 };
    bool short_key = e->bits > 0 && e->bits < KEY_BITS_MIN;
    bool old = e->version != VERSION_UNSTATED && e->version < VERSION_TLS12;

    hop->tls.version = tls_version_name(e->version);
    hop->tls.bits = e->bits;
    hop->tls.client_certificate = e->certificate;
    if (e->cipher.n > 0) {
        tls_cipher_read(e->cipher, e->version, &cipher);
        hop->tls.cipher = cipher.name;
        hop->tls.cipher_known = cipher.known;
        set_range(hop, e->version, &cipher);
    }
    cipher.weak = cipher.weak || short_key;
    hop->state = old || cipher.weak ? HOP_WEAK : HOP_ENCRYPTED;
    if (old)
        hop->why = STR("encrypted by a version of TLS that is broken");
    else if (cipher.weak)
        hop->why = STR("encrypted with a cipher suite that is broken or "
                       "authenticates nobody");
    else
        hop->why = STR("the receiver recorded TLS");
}

static void report_contradiction(struct hop *hop,
                                 const struct received_evidence *e)
{
    if (e->disagree)
        hop->contradiction = STR("the line has two TLS clauses that differ; "
                                 "the first counts");
    else if (e->stray)
        hop->contradiction =
            STR("a TLS clause stands behind the date, where this server "
                "writes none; it does not count");
    else if (e->proof == PROOF_NO_TLS && e->secure_word)
        hop->contradiction = STR("the protocol word says TLS, the clause says "
                                 "none; the clause counts");
    else if (e->proof == PROOF_CLAUSE && e->plain_word &&
             hop->contradiction.n == 0)
        hop->contradiction = STR("the protocol word says nothing of TLS, the "
                                 "clause does; the clause counts");
}

static void set_clear(struct hop *hop, struct str why)
{
    hop->state = HOP_CLEAR;
    hop->why = why;
}

/* The state by this line alone. */
static void set_state(struct hop *hop, const struct received_evidence *e)
{
    report_contradiction(hop, e);
    if (e->proof == PROOF_CLAUSE) {
        hop->evidence = EVIDENCE_CLAUSE;
        trace_set_tls(hop, e);
    } else if (e->proof == PROOF_NO_TLS) {
        hop->evidence = EVIDENCE_CLAUSE;
        set_clear(hop, STR("the receiver recorded that there was no TLS"));
    } else if (e->way == WAY_NOT_SMTP) {
        hop->state = HOP_NOT_SMTP;
        hop->why = STR("handed over by something that is not SMTP");
    } else if (e->proof == PROOF_KEYWORD) {
        hop->evidence = EVIDENCE_KEYWORD;
        hop->state = HOP_ENCRYPTED;
        hop->why = STR("the protocol word says TLS, the version is not stated");
    } else if (e->way == WAY_LOCAL) {
        hop->state = HOP_LOCAL;
        hop->why = STR("stayed on the machine or went to its mailbox store");
    } else if (e->tells) {
        set_clear(hop, STR("this software always records TLS and recorded "
                           "none"));
    } else {
        hop->state = HOP_NOT_RECORDED;
        hop->why = STR("nothing about TLS is recorded, and nobody can tell "
                       "whether this receiver would have");
    }
}

/* "(qmail 123 invoked by uid 89)" tells of a process, not of a hop. */
static bool is_process_line(struct str raw)
{
    return str_starts(raw, STR("(qmail ")) ||
           str_starts(raw, STR("(nullmailer"));
}

static void read_unreadable(struct hop *hop)
{
    if (is_process_line(hop->raw)) {
        hop->state = HOP_LOCAL;
        hop->family = STR("qmail");
        hop->why = STR("tells of a process on the machine, not of a hop");
        return;
    }
    hop->state = HOP_UNREADABLE;
    hop->why = STR("not understood");
}

static void copy_clauses(struct hop *hop, struct hop_facts *facts,
                         const struct received *r)
{
    hop->helo = r->helo;
    hop->name = r->name;
    hop->ip = r->ip;
    hop->by = r->by;
    hop->with = r->with;
    hop->id = r->id;
    hop->rcpt = r->rcpt;
    hop->has_time = r->has_date;
    hop->wall_ms = r->date.wall_ms;
    facts->by_ip = r->by_ip;
    facts->ip_recorded = r->ip_recorded;
    facts->no_from = r->from.n == 0;
    facts->unix_socket = r->unix_socket;
    facts->zone_odd = r->date.zone_odd;
}

/* Exim puts the name it looked up in front and leaves HELO out where it is the
 * same. */
static void fix_exim(struct hop *hop, const struct received *r)
{
    if (str_eq(hop->family, STR("exim")) && r->ip_recorded &&
        hop->name.n == 0 && str_eq(hop->helo, r->from) && hop->helo.n > 0 &&
        hop->helo.p[0] != '[')
        hop->name = hop->helo;
}

static void read_hop(struct trace_work *w, const struct trace_field *field,
                     size_t index, struct received *r)
{
    struct hop *hop = &w->out->hops[index];
    struct hop_facts *facts = &w->facts[index];
    struct received_evidence e;

    hop->index = index;
    hop->raw = field->body;
    if (field->too_long || !received_read(field->body, r)) {
        read_unreadable(hop);
        return;
    }
    received_judge(r, &e);
    copy_clauses(hop, facts, r);
    hop->family = e.family;
    facts->inside = e.inside;
    facts->name_checked = e.checks_names && !r->forged;
    facts->smtp_word = e.plain_word || e.secure_word;
    fix_exim(hop, r);
    set_state(hop, &e);
}

static void read_hops(struct trace_work *w)
{
    struct trace *out = w->out;
    struct received r;
    size_t index;

    for (size_t i = 0; i < w->fields.n; i++)
        out->n += w->fields.all[i].kind == FIELD_RECEIVED;
    out->hops = arena_array(w->arena, out->n, sizeof(*out->hops));
    w->facts = arena_array(w->arena, out->n, sizeof(*w->facts));
    index = out->n;
    for (size_t i = 0; i < w->fields.n; i++)
        if (w->fields.all[i].kind == FIELD_RECEIVED) {
            w->facts[--index].field = i;
            read_hop(w, &w->fields.all[i], index, &r);
        }
}

static void read_head(const struct trace_fields *fields, struct trace *out)
{
    for (size_t i = 0; i < fields->n; i++) {
        enum trace_field_kind kind = fields->all[i].kind;
        struct str *to = kind == FIELD_FROM         ? &out->from
                         : kind == FIELD_TO         ? &out->to
                         : kind == FIELD_SUBJECT    ? &out->subject
                         : kind == FIELD_MESSAGE_ID ? &out->message_id
                         : kind == FIELD_DATE       ? &out->date
                                                    : NULL;

        if (to != NULL && to->n == 0)
            *to = fields->all[i].body;
    }
}

void trace_read(struct str header, const struct str *trust, size_t trust_n,
                int64_t now_wall_ms, struct arena *arena, struct trace *out)
{
    struct trace_work w = { .out = out,
                            .arena = arena,
                            .trust = trust,
                            .trust_n = trust_n,
                            .now_wall_ms = now_wall_ms };

    *out = (struct trace){ .verdict = TRACE_UNKNOWN };
    w.notes_end = &out->notes;
    trace_fields_read(header, arena, &w.fields);
    out->hops_cut = w.fields.cut;
    read_head(&w.fields, out);
    read_hops(&w);
    trace_place(&w);
    trace_trust(&w);
    trace_recorders(&w);
    trace_side(&w);
    trace_time(&w);
    trace_judge(&w);
    trace_signatures(&w);
}
