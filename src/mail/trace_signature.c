/* SPDX-License-Identifier: Apache-2.0 */
/* Weaknesses of DKIM-Signature fields (RFC 6376, RFC 8301) that show without
 * DNS. Whether a signature is valid is not judged here. */
#include "mail/trace_inner.h"

enum { SIGNATURES_MAX = 20 };

struct signature {
    struct str domain, algorithm, signed_fields, signature;
    struct str expires;
    bool length;
};

static void read_tags(struct str body, struct signature *out)
{
    struct str rest = body, tag;

    *out = (struct signature){ 0 };
    while (str_split(&rest, ';', &tag)) {
        size_t at = str_find_char(tag, '=');
        struct str name = str_trim(str_first(tag, at));
        struct str value = str_trim(str_from(tag, at + 1));

        if (str_eq(name, STR("a")))
            out->algorithm = value;
        else if (str_eq(name, STR("d")))
            out->domain = value;
        else if (str_eq(name, STR("h")))
            out->signed_fields = value;
        else if (str_eq(name, STR("b")))
            out->signature = value;
        else if (str_eq(name, STR("x")))
            out->expires = value;
        else if (str_eq(name, STR("l")))
            out->length = true;
    }
}

static bool is_signed(const struct signature *s, struct str field)
{
    struct str rest = s->signed_fields, name;

    while (str_split(&rest, ':', &name))
        if (str_eq_nocase(str_trim(name), field))
            return true;
    return false;
}

/* An RSA signature is as long as its key. */
static size_t key_bits(const struct signature *s)
{
    size_t n = 0, bytes;

    for (size_t i = 0; i < s->signature.n; i++) {
        char c = s->signature.p[i];

        n += ascii_is_alnum(c) || c == '+' || c == '/';
    }
    bytes = n * 3 / 4;
    return bytes * 8;
}

static void note(struct trace_work *w, const struct signature *s, struct str id,
                 const char *text)
{
    struct str domain = trace_plain(s->domain, STR("an unnamed domain"));

    trace_note(w, id,
               arena_printf(w->arena, "The DKIM signature of %.*s %s",
                            STR_ARG(domain), text));
}

static bool is_rsa(const struct signature *s)
{
    return str_starts_nocase(s->algorithm, STR("rsa-"));
}

static void judge_key(struct trace_work *w, const struct signature *s)
{
    size_t bits = key_bits(s);

    if (!is_rsa(s) || bits == 0)
        return;
    if (bits < 1024)
        note(w, s, STR("dkim-broken-key"),
             "was made with a key under 1024 bits, which anyone can break: "
             "receivers must not accept it (RFC 8301).");
    else if (bits < 2048)
        note(w, s, STR("dkim-short-key"),
             "was made with a key under 2048 bits: a well-equipped "
             "attacker could forge it (RFC 8301).");
}

static void judge(struct trace_work *w, const struct signature *s, bool typed)
{
    uint64_t expires;

    if (s->length)
        note(w, s, STR("dkim-length"),
             "covers only the beginning of the body (l=): anybody could have "
             "added text or replaced what is shown.");
    if (!is_signed(s, STR("Subject")))
        note(w, s, STR("dkim-unsigned-subject"),
             "does not cover the Subject: anybody could have changed it.");
    if (typed && !is_signed(s, STR("Content-Type")))
        note(w, s, STR("dkim-unsigned-content-type"),
             "does not cover Content-Type: the same body can be made to show "
             "something else.");
    if (str_eq_nocase(s->algorithm, STR("rsa-sha1")))
        note(w, s, STR("dkim-sha1"),
             "uses SHA-1, which is broken: receivers must not accept it "
             "(RFC 8301).");
    if (str_to_u64(s->expires, INT64_MAX / 1000, &expires) &&
        (int64_t)expires * 1000 < w->now_wall_ms)
        note(w, s, STR("dkim-expired"),
             "has expired (x=): it proves nothing any more, though it may have "
             "been valid when the message came.");
    judge_key(w, s);
}

void trace_signatures(struct trace_work *w)
{
    struct signature s;
    bool typed = false;
    size_t n = 0;

    for (size_t i = 0; i < w->fields.n; i++)
        typed = typed || w->fields.all[i].kind == FIELD_CONTENT_TYPE;
    for (size_t i = 0; i < w->fields.n && n < SIGNATURES_MAX; i++)
        if (w->fields.all[i].kind == FIELD_SIGNATURE) {
            read_tags(w->fields.all[i].body, &s);
            judge(w, &s, typed);
            n++;
        }
}
