/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/received_read.h"

#include <arpa/inet.h>
#include <string.h>

enum { LOST_MAX = 8, ADDRESS_TEXT_MAX = 64 };

/* Where in the line we are, and what was found to be without an end: looked
 * for once only, so that the work stays linear. */
struct reader {
    struct str line;
    size_t at;
    bool quotes;   /* quotes in comments can be relied on */
    bool no_angle; /* no '>' ahead */
    bool no_quote; /* no '"' ahead */
    unsigned lost; /* parentheses without an end */
    bool too_deep;
    struct received *out;
};

/* Words are short: most differ by their length. */
static bool is_word(const struct received_token *t, struct str word)
{
    return t->text.n == word.n && !t->comment && str_eq_nocase(t->text, word);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The octet behind the quoted text at at, or 0 when it has no end. */
static size_t quote_end(struct str s, size_t at)
{
    for (at++; at < s.n; at++) {
        if (s.p[at] == '\\')
            at++;
        else if (s.p[at] == '"')
            return at + 1;
    }
    return 0;
}

/*
 * The octet behind the comment at at, or 0 when it has no end. Quotes mean
 * nothing in a comment (RFC 5322, 3.2.2), but certificate names stand in them
 * and may hold parentheses.
 */
static size_t comment_end(struct reader *r, size_t at)
{
    struct str s = r->line;
    size_t depth = 0, end;

    while (at < s.n) {
        char c = s.p[at];

        if (c == '\\') {
            at++;
        } else if (c == '"' && r->quotes) {
            end = quote_end(s, at);
            if (end == 0)
                return 0;
            at = end;
            continue;
        } else if (c == '(') {
            if (++depth > RECEIVED_DEPTH_MAX)
                r->too_deep = true;
        } else if (c == ')' && --depth == 0) {
            return at + 1;
        }
        at++;
    }
    return 0;
}

static void add_token(struct reader *r, struct str text, bool comment)
{
    struct received *out = r->out;

    if (out->n < RECEIVED_TOKENS_MAX)
        out->tokens[out->n] =
            (struct received_token){ .text = text, .comment = comment };
    out->n++;
}

/* One that has no end is only a character: a client may have put it there. */
static void take_comment(struct reader *r)
{
    size_t end = comment_end(r, r->at);

    if (end == 0 && r->quotes) {
        r->quotes = false;
        end = comment_end(r, r->at);
    }
    if (end == 0) {
        r->lost++;
        r->at++;
        return;
    }
    add_token(r, str_trim(str_of(r->line.p + r->at + 1, end - r->at - 2)),
              true);
    r->at = end;
}

/* Only recipients and senders may hold blanks, in quotes; elsewhere a quote or
 * "<" is a character like any other. */
static bool is_address_next(const struct reader *r)
{
    const struct received_token *t;

    if (r->out->n == 0)
        return false;
    t = &r->out->tokens[r->out->n - 1];
    return is_word(t, STR("for")) || is_word(t, STR("envelope-from"));
}

/* The octet behind an address: "<...>", or up to a blank; blanks in quotes
 * belong to it. 0: no end. */
static size_t address_end(struct reader *r)
{
    struct str s = r->line;
    bool angle = s.p[r->at] == '<';
    size_t at = r->at, end;

    while (at < s.n) {
        char c = s.p[at];

        end = c == '"' && !r->no_quote ? quote_end(s, at) : 0;
        if (c == '"' && end == 0)
            r->no_quote = true;
        if (angle ? c == '>' : is_blank(c) || c == '(' || c == ';')
            return at + angle;
        at = end > 0 ? end : at + 1;
    }
    return angle ? 0 : s.n;
}

static void take_word(struct reader *r)
{
    struct str s = r->line;
    size_t start = r->at, end = 0;

    if (!r->no_angle && is_address_next(r)) {
        end = address_end(r);
        r->no_angle = end == 0;
    }
    if (end <= start)
        for (end = start + 1; end < s.n; end++)
            if (is_blank(s.p[end]) || s.p[end] == '(' || s.p[end] == ';')
                break;
    add_token(r, str_of(s.p + start, end - start), false);
    r->at = end;
}

static bool cut_tokens(struct reader *r)
{
    struct str s = r->line;

    while (r->at < s.n && r->out->n <= RECEIVED_TOKENS_MAX) {
        char c = s.p[r->at];

        if (is_blank(c)) {
            r->at++;
        } else if (c == ';') {
            add_token(r, str_of(s.p + r->at, 1), false);
            r->at++;
        } else if (c == '(') {
            take_comment(r);
        } else {
            take_word(r);
        }
        if (r->too_deep || r->lost > LOST_MAX)
            return false;
    }
    return r->out->n <= RECEIVED_TOKENS_MAX;
}

static bool is_semicolon(const struct received_token *t)
{
    return !t->comment && t->text.n == 1 && t->text.p[0] == ';';
}

/* From token i to the end of the line, or to the first comment. */
static struct str text_from(const struct received *r, struct str line, size_t i)
{
    const char *end = line.p + line.n;

    if (i >= r->n)
        return STR("");
    for (size_t k = i; k < r->n; k++)
        if (r->tokens[k].comment) {
            end = r->tokens[k].text.p - 1;
            break;
        }
    return r->tokens[i].comment ? STR("")
                                : str_of(r->tokens[i].text.p,
                                         (size_t)(end - r->tokens[i].text.p));
}

static bool is_weekday(struct str word)
{
    return word.n == 4 && word.p[3] == ',' && ascii_is_alpha(word.p[0]);
}

/*
 * The date stands behind the last ";", usually. *at: the token where it
 * begins, the ";" included; r->n when there is none. False when there are two
 * dates: a client can have added the second (by a header that begins with a
 * blank), or the first (in HELO).
 */
static bool find_date(struct received *r, struct str line, size_t *at)
{
    struct mail_date date;
    int tries = 0;

    *at = r->n;
    for (size_t i = r->n; i-- > 0 && tries < 4;) {
        if (!is_semicolon(&r->tokens[i]))
            continue;
        if (*at == r->n)
            *at = i;
        tries++;
        if (!mail_date_read(text_from(r, line, i + 1), &date))
            continue;
        if (r->has_date)
            return false;
        *at = i;
        r->date = date;
        r->has_date = true;
    }
    for (size_t i = 0; i < r->n && !r->has_date && *at == r->n; i++)
        if (!r->tokens[i].comment && is_weekday(r->tokens[i].text) &&
            mail_date_read(text_from(r, line, i), &r->date)) {
            *at = i;
            r->has_date = true;
        }
    return tries < 4;
}

static const struct {
    struct str word;
    enum received_clause clause;
} keywords[] = {
    { STR_INIT("via"), CLAUSE_VIA }, { STR_INIT("with"), CLAUSE_WITH },
    { STR_INIT("id"), CLAUSE_ID },   { STR_INIT("for"), CLAUSE_FOR },
    { STR_INIT("tls"), CLAUSE_TLS },
};

static enum received_clause keyword(struct str word)
{
    if (word.n >= 2 && word.n <= 4)
        for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
            if (word.n == keywords[i].word.n &&
                str_eq_nocase(word, keywords[i].word))
                return keywords[i].clause;
    return CLAUSE_NONE;
}

/* The last "by" with a word behind it: earlier ones can be the client's. */
static size_t find_by(const struct received *r, size_t end)
{
    for (size_t i = end; i-- > 0;)
        if (!r->tokens[i].comment && i + 1 < end && !r->tokens[i + 1].comment &&
            str_eq_nocase(r->tokens[i].text, STR("by")))
            return i;
    return end;
}

struct str received_address(struct str s)
{
    char text[ADDRESS_TEXT_MAX];
    unsigned char bytes[16];
    size_t colon;

    if (s.n > 1 && s.p[0] == '[') {
        s = str_from(s, 1);
        s = str_first(s, str_find_char(s, ']'));
    }
    if (str_starts_nocase(s, STR("IPv6:")))
        s = str_from(s, 5);
    s = str_first(s, str_find_char(s, '%')); /* fe80::1%eth0 */
    colon = str_find_char(s, ':');
    if (str_has_char(s, '.') && !str_has_char(str_from(s, colon + 1), ':'))
        s = str_first(s, colon); /* a port */
    if (s.n < 2 || s.n >= sizeof(text))
        return STR("");
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    if (inet_pton(AF_INET, text, bytes) == 1 ||
        inet_pton(AF_INET6, text, bytes) == 1)
        return s;
    return STR("");
}

static bool is_nobody(struct str name)
{
    static const struct str words[] = {
        STR_INIT("unknown"),
        STR_INIT("Verified"), /* "Not Verified[...]" of MailMarshal */
        STR_INIT("unverified"),
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (str_eq_nocase(name, words[i]))
            return true;
    return name.n == 0;
}

static struct str without_dot(struct str name)
{
    return str_ends(name, STR(".")) ? str_first(name, name.n - 1) : name;
}

static struct str first_word(struct str s)
{
    size_t n = 0;

    s = str_trim(s);
    while (n < s.n && !is_blank(s.p[n]))
        n++;
    return str_first(s, n);
}

/* "ident@name" or "name" in front of "[". */
static struct str last_name(struct str s)
{
    size_t start;

    s = str_trim(s);
    for (start = s.n; start > 0; start--)
        if (is_blank(s.p[start - 1]) || s.p[start - 1] == '@' ||
            s.p[start - 1] == '=')
            break;
    s = without_dot(str_from(s, start));
    return is_nobody(s) || received_address(s).n > 0 ? STR("") : s;
}

static bool is_helo(struct str comment)
{
    return str_starts_nocase(comment, STR("HELO ")) ||
           str_starts_nocase(comment, STR("EHLO ")) ||
           str_starts(comment, STR("LHLO "));
}

/* "helo=x", "HELO x", "EHLO x" as Exim, qmail and Yahoo write them. */
static bool take_helo(struct received *r, struct str comment)
{
    size_t at = str_find_nocase(comment, STR("helo="));

    if (at < comment.n && (at == 0 || is_blank(comment.p[at - 1]))) {
        r->helo = first_word(str_from(comment, at + 5));
        return true;
    }
    /* CommuniGate: "account a@b HELO x" */
    if (str_starts(comment, STR("account ")))
        comment = str_from(comment, str_find(comment, STR(" HELO ")) + 1);
    if (is_helo(comment)) {
        r->helo = first_word(str_from(comment, 5));
        return true;
    }
    return false;
}

/* "[192.0.2.1]", "[unknown]" */
static bool is_bracketed(struct str s)
{
    return s.n > 2 && (received_address(s).n > 0 ||
                       str_starts(s, STR("[un")) /* unknown, unix */);
}

static size_t count_words(struct str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n && n < 4; i++)
        n += !is_blank(s.p[i]) && (i == 0 || is_blank(s.p[i - 1]));
    return n;
}

/* The "[address]" of the receiver's: the first where nothing stands before
 * it, else the last, as an ident (RFC 1413) may stand there. */
static struct str find_bracket(struct str comment, size_t *at)
{
    size_t open = 0, close;

    if (comment.n == 0 || comment.p[0] != '[')
        for (open = comment.n; open > 0 && comment.p[--open] != '[';)
            ;
    if (open >= comment.n || comment.p[open] != '[')
        return STR("");
    close = str_find_char(str_from(comment, open), ']');
    *at = open;
    return str_first(str_from(comment, open), close + 1);
}

/* qmail: "ident@192.0.2.1" */
static struct str behind_ident(struct str comment)
{
    size_t at = comment.n;

    if (count_words(comment) != 1)
        return comment;
    while (at > 0 && comment.p[at - 1] != '@')
        at--;
    return str_from(comment, at);
}

struct peer {
    struct str ip, name;
    bool forged, unix_socket;
};

/* "name 192.0.2.1" */
static bool read_bare_peer(struct str comment, struct peer *out)
{
    struct str name = first_word(comment);
    struct str rest = str_trim(str_from(comment, name.n));

    if (rest.n == 0 || !ascii_is_alnum(rest.p[0]) || count_words(rest) != 1)
        return false;
    out->ip = received_address(rest);
    out->name = last_name(name);
    return out->ip.n > 0;
}

/* Whether a comment of the from part says who was connected. Names from
 * certificates and log-ins have more words in front of a bracket. */
static bool read_peer(struct str comment, struct peer *out)
{
    size_t at = str_find_nocase(comment, STR(" helo=")), open = 0;
    struct str bracket;

    *out = (struct peer){ .ip = received_address(behind_ident(comment)) };
    if (out->ip.n > 0 && comment.p[0] != '[')
        return true;
    if (is_helo(comment))
        return false;
    if (read_bare_peer(comment, out))
        return true;
    bracket = find_bracket(str_first(comment, at), &open);
    if (!is_bracketed(bracket) || count_words(str_first(comment, open)) > 2)
        return false;
    out->unix_socket = str_starts(bracket, STR("[unix"));
    out->ip = received_address(bracket);
    out->name = last_name(str_first(comment, open));
    out->forged = str_find(comment, STR("may be forged")) < comment.n;
    return true;
}

/* What IIS writes of mail it found in a folder. */
static bool is_pickup(const struct received *r, size_t first, size_t by)
{
    static const struct str words[] = { STR_INIT("mail"), STR_INIT("pickup"),
                                        STR_INIT("service") };

    for (size_t i = 0; i < 3; i++)
        if (by != first + 3 || r->tokens[first + i].comment ||
            !str_eq(r->tokens[first + i].text, words[i]))
            return false;
    return true;
}

/*
 * The comment that says who was connected: the last, as earlier ones can be
 * what the client said. With two of them it is not sure which is the
 * receiver's. by: none.
 */
static size_t find_peer(struct received *r, size_t first, size_t by)
{
    size_t at = by;
    struct peer peer;

    for (size_t i = by; i-- > first;) {
        if (!r->tokens[i].comment || !read_peer(r->tokens[i].text, &peer))
            continue;
        r->ip_recorded = at == by;
        if (at < by)
            break;
        at = i;
        r->ip = peer.ip;
        r->name = peer.name;
        r->forged = peer.forged;
        r->unix_socket = peer.unix_socket;
    }
    return at;
}

/* The comment with HELO, where the receiver puts it in one; by: none. */
static size_t find_helo(struct received *r, size_t first, size_t by)
{
    for (size_t i = first; i < by; i++)
        if (r->tokens[i].comment && take_helo(r, r->tokens[i].text)) {
            if (r->name.n == 0)
                r->name = last_name(r->from);
            return i;
        }
    return by;
}

static void read_from(struct received *r, size_t from, size_t by)
{
    size_t first = from + 1, peer, helo;
    bool after; /* what the client said reaches behind its address */

    r->pickup = is_pickup(r, first, by);
    if (first < by && !r->tokens[first].comment && !r->pickup)
        r->from = r->tokens[first].text;
    r->helo = without_dot(r->from);
    peer = find_peer(r, first, by);
    helo = find_helo(r, first, by);
    after = helo < by && helo >= peer;
    for (size_t i = first; i < by; i++) {
        r->tokens[i].clause = CLAUSE_FROM;
        r->tokens[i].theirs = after || peer == by || i <= peer;
    }
    if (r->ip.n == 0)
        r->ip = received_address(r->from);
    if (peer == by)
        r->ip_recorded = helo < by && r->ip.n > 0;
    /* "x [192.0.2.1] by": the receiver's word, unless the HELO had a blank */
    if (r->ip.n == 0 && peer == by && by > first + 1 &&
        str_starts(r->tokens[by - 1].text, STR("[")) &&
        !r->tokens[by - 1].comment)
        r->ip = received_address(r->tokens[by - 1].text);
}

static void keep_value(struct received *r, enum received_clause clause,
                       struct str word)
{
    struct str *to = clause == CLAUSE_BY    ? &r->by
                     : clause == CLAUSE_VIA ? &r->via
                     : clause == CLAUSE_ID  ? &r->id
                     : clause == CLAUSE_FOR ? &r->rcpt
                     : clause == CLAUSE_TLS ? &r->tls
                                            : NULL;

    if (to != NULL && to->n == 0)
        *to = word;
}

/* Words of a protocol belong together: "Microsoft SMTP Server". */
static void keep_with(struct received *r, struct str word, bool second,
                      bool broken)
{
    struct str *to = second ? &r->with2 : &r->with;

    if (to->n == 0)
        *to = word;
    else if (!broken)
        *to = str_of(to->p, (size_t)(word.p + word.n - to->p));
}

static void read_rest(struct received *r, size_t by, size_t end)
{
    enum received_clause clause = CLAUSE_BY;
    bool valued = false, broken = false;
    unsigned withs = 0;

    for (size_t i = by + 1; i < end; i++) {
        struct received_token *t = &r->tokens[i];
        enum received_clause next = t->comment ? CLAUSE_NONE : keyword(t->text);

        if (is_semicolon(t)) {
            broken = true;
            continue;
        }
        if (next == CLAUSE_TLS && clause == CLAUSE_WITH && !valued)
            next = CLAUSE_NONE; /* "with TLS" */
        if (next != CLAUSE_NONE) {
            clause = next;
            valued = false;
            broken = false;
            withs += next == CLAUSE_WITH;
            continue;
        }
        t->clause = clause;
        if (t->comment) {
            broken = valued;
            /* A value that looks like a comment is no evidence. */
            t->theirs =
                !valued && (clause == CLAUSE_ID || clause == CLAUSE_FOR);
            if (clause == CLAUSE_BY && r->by_ip.n == 0)
                r->by_ip = received_address(t->text);
        } else if (clause == CLAUSE_WITH) {
            keep_with(r, t->text, withs > 1, broken);
        } else {
            keep_value(r, clause, t->text);
        }
        valued = valued || !t->comment;
    }
}

/* "Name <a@b>", "<a@b>", "a@b" */
static struct str bare_address(struct str s)
{
    if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
        return str_of(s.p + 1, s.n - 2);
    return s;
}

bool received_read(struct str line, struct received *out)
{
    struct reader r = { .line = line, .quotes = true, .out = out };
    size_t date, by, from;

    memset(out, 0, offsetof(struct received, tokens));
    out->n = 0;
    if (!cut_tokens(&r)) {
        out->n = 0;
        return false;
    }
    if (!find_date(out, line, &date))
        return false;
    for (size_t i = date; i < out->n; i++)
        out->tokens[i].clause = CLAUSE_DATE;
    by = find_by(out, date);
    for (from = 0; from < by; from++)
        if (is_word(&out->tokens[from], STR("from")))
            break;
    if (from < by)
        read_from(out, from, by);
    read_rest(out, by, date);
    out->rcpt = bare_address(out->rcpt);
    if (out->by_ip.n == 0)
        out->by_ip = received_address(out->by);
    return out->by.n > 0 || (out->from.n > 0 && out->has_date);
}
