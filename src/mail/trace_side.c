/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What other fields tell of the hop into the trusted receiver. A field counts
 * when it stands above the line of that hop: all that stands below came with
 * the message, whatever name it bears (RFC 8601, 1.6 and 5).
 */
#include "mail/trace_inner.h"

struct results {
    struct str id; /* authserv-id */
    bool tls, failed;
    struct received_evidence e;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The octet behind a quoted text or comment at at; s.n when it has no end. */
static size_t skip_group(struct str s, size_t at)
{
    size_t depth = 0;

    if (s.p[at] == '"') {
        for (at++; at < s.n && s.p[at] != '"'; at++)
            if (s.p[at] == '\\')
                at++;
        return at < s.n ? at + 1 : s.n;
    }
    for (; at < s.n; at++) {
        if (s.p[at] == '\\')
            at++;
        else if (s.p[at] == '(')
            depth++;
        else if (s.p[at] == ')' && --depth == 0)
            return at + 1;
    }
    return s.n;
}

/* Cuts the next word in the open; ";" is one of its own. False at the end. */
static bool next_word(struct str *rest, struct str *word)
{
    size_t at = 0, start;

    while (at < rest->n && (is_blank(rest->p[at]) || rest->p[at] == '('))
        at = rest->p[at] == '(' ? skip_group(*rest, at) : at + 1;
    start = at;
    if (at < rest->n && rest->p[at] == ';')
        at++;
    else
        while (at < rest->n && !is_blank(rest->p[at]) && rest->p[at] != ';' &&
               rest->p[at] != '(')
            at = rest->p[at] == '"' ? skip_group(*rest, at) : at + 1;
    *word = str_of(rest->p + start, at - start);
    *rest = str_from(*rest, at);
    return word->n > 0;
}

static bool is_pair(struct str word, struct str key, struct str *value)
{
    if (!str_starts_nocase(word, key))
        return false;
    *value = str_from(word, key.n);
    return true;
}

static unsigned bits_of(struct str value)
{
    uint64_t bits = 0;

    value = str_first(value, str_find_char(value, '/'));
    return str_to_u64(value, 1024, &bits) ? (unsigned)bits : 0;
}

static void read_property(struct str word, struct results *out)
{
    struct str value;
    size_t used;

    if (is_pair(word, STR("smtp.version="), &value)) {
        if (!tls_version_read(value, &out->e.version, &used))
            out->e.version = VERSION_UNSTATED;
    } else if (is_pair(word, STR("smtp.cipher="), &value)) {
        out->e.cipher = tls_cipher_like(value) ? value : STR("");
    } else if (is_pair(word, STR("smtp.bits="), &value)) {
        out->e.bits = bits_of(value);
    }
}

/* "mx.example.com; spf=pass ...; x-tls=pass smtp.version=TLSv1.3 ..." */
static void read_results(struct str body, struct results *out)
{
    struct str rest = body, word, value;
    bool first = true, inside = false;

    *out = (struct results){ .e = { .way = WAY_SMTP } };
    next_word(&rest, &out->id);
    while (next_word(&rest, &word)) {
        if (str_eq(word, STR(";"))) {
            first = true;
            inside = false;
            continue;
        }
        if (first && !out->tls &&
            (is_pair(word, STR("x-tls="), &value) ||
             is_pair(word, STR("tls="), &value))) {
            out->tls = str_eq_nocase(value, STR("pass"));
            inside = out->tls;
        } else if (inside) {
            read_property(word, out);
        }
        first = false;
    }
}

static struct str parent_of(struct str name)
{
    struct str parent = str_from(name, str_find_char(name, '.') + 1);

    return str_has_char(parent, '.') ? parent : name;
}

/* "co.uk" and the like: under it names belong to different houses. */
static bool is_shared(struct str parent)
{
    size_t dot = str_find_char(parent, '.');

    return dot <= 3 && parent.n - dot == 3;
}

static bool same_house(struct str id, struct str by)
{
    struct str parent = parent_of(by);

    if (id.n == 0 || str_eq_nocase(id, by))
        return id.n > 0;
    return !is_shared(parent) &&
           (str_eq_nocase(id, parent) || str_eq_nocase(parent_of(id), parent));
}

/* Whether id is the name of a receiver that is trusted. */
static bool is_our_id(const struct trace_work *w, struct str id)
{
    size_t end = w->out->trust_boundary + 8; /* they are the same few names */

    if (trace_trusts(w, id, STR("")))
        return true;
    for (size_t i = w->out->trust_boundary; i < w->out->n && i < end; i++)
        if (same_house(id, w->out->hops[i].by))
            return true;
    return false;
}

static bool differs(const struct hop *hop, const struct received_evidence *e)
{
    struct tls_cipher cipher = { 0 };

    if (e->cipher.n > 0)
        tls_cipher_read(e->cipher, e->version, &cipher);
    return (e->version != VERSION_UNSTATED && hop->tls.version.n > 0 &&
            !str_eq(hop->tls.version, tls_version_name(e->version))) ||
           (cipher.known && hop->tls.cipher_known &&
            !str_eq(cipher.name, hop->tls.cipher));
}

/* The line itself beats what stands beside it. */
static void apply(struct trace_work *w, const struct received_evidence *e)
{
    struct hop *hop = &w->out->hops[w->out->trust_boundary];
    bool no_tls = e->proof == PROOF_NO_TLS;
    bool clash =
        no_tls ? hop->evidence != EVIDENCE_NONE && hop->state != HOP_CLEAR
               : hop->state == HOP_CLEAR ||
                     (hop->evidence == EVIDENCE_CLAUSE && differs(hop, e));

    if (clash) {
        hop->contradiction = STR("another field of the same server says "
                                 "otherwise; the Received line counts");
    } else if (no_tls && hop->state == HOP_NOT_RECORDED) {
        hop->state = HOP_CLEAR;
        hop->evidence = EVIDENCE_SIDE_HEADER;
        hop->why = STR("a field of the same server says that there was no "
                       "TLS");
    } else if (!no_tls &&
               (hop->state == HOP_NOT_RECORDED ||
                (hop->evidence == EVIDENCE_KEYWORD &&
                 (e->version != VERSION_UNSTATED || e->cipher.n > 0)))) {
        hop->evidence = EVIDENCE_SIDE_HEADER;
        trace_set_tls(hop, e);
        hop->why = STR("a field of the same server records TLS");
    }
}

static bool is_one_of(struct str word, const struct str *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq_nocase(word, words[i]))
            return true;
    return false;
}

static bool read_side(struct str body, struct received_evidence *e)
{
    static const struct str yes[] = { STR_INIT("yes"),  STR_INIT("true"),
                                      STR_INIT("on"),   STR_INIT("1"),
                                      STR_INIT("used"), STR_INIT("encrypted") };
    static const struct str no[] = {
        STR_INIT("no"), STR_INIT("false"),  STR_INIT("off"),
        STR_INIT("0"),  STR_INIT("unused"), STR_INIT("unencrypted")
    };

    if (received_clause_read(body, e))
        return true;
    if (is_one_of(body, yes, sizeof(yes) / sizeof(yes[0])))
        e->proof = PROOF_CLAUSE;
    else if (is_one_of(body, no, sizeof(no) / sizeof(no[0])))
        e->proof = PROOF_NO_TLS;
    return e->proof != PROOF_NONE;
}

static void note_results(struct trace_work *w, struct str id, bool ours,
                         bool noted[2])
{
    struct str name = trace_plain(id, STR("an unreadable name"));

    if (noted[ours] || str_has_char(id, '='))
        return; /* Exchange leaves its name out */
    noted[ours] = true;
    if (ours)
        trace_note(w, STR("forged-authentication-results"),
                   arena_printf(w->arena,
                                "An Authentication-Results field bears the "
                                "name of your own receiver (%.*s) but stands "
                                "below the line that it wrote: it came with "
                                "the message, may be forged and does not "
                                "count.",
                                STR_ARG(name)));
    else
        trace_note(w, STR("foreign-authentication-results"),
                   arena_printf(w->arena,
                                "An Authentication-Results field of %.*s, "
                                "which is not known to be yours, does not "
                                "count.",
                                STR_ARG(name)));
}

static void take_results(struct trace_work *w, struct str body, bool above,
                         bool noted[2])
{
    struct results results;
    bool ours;

    read_results(body, &results);
    ours = is_our_id(w, results.id);
    if (!ours || !above) {
        note_results(w, results.id, ours, noted);
        return;
    }
    if (results.tls && !w->out->hops[w->out->trust_boundary].internal)
        apply(w, &results.e);
}

void trace_side(struct trace_work *w)
{
    const struct trace *out = w->out;
    bool any = out->trust_boundary < out->n, noted[2] = { false, false };
    size_t line = any ? w->facts[out->trust_boundary].field : 0;

    for (size_t i = 0; i < w->fields.n; i++) {
        const struct trace_field *f = &w->fields.all[i];
        struct received_evidence e;

        if (f->kind == FIELD_RESULTS)
            take_results(w, f->body, i < line, noted);
        else if (f->kind == FIELD_SIDE && i < line &&
                 !out->hops[out->trust_boundary].internal &&
                 read_side(f->body, &e))
            apply(w, &e);
    }
}
