/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/trace_field.h"

#include "mail/trace.h"

#include <string.h>

enum { OTHER_MAX = 1000, NAME_MAX_OCTETS = 76, TEXT_BYTES = 4096 };

static const struct {
    struct str name;
    enum trace_field_kind kind;
} kinds[] = {
    { STR_INIT("Received"), FIELD_RECEIVED },
    { STR_INIT("Authentication-Results"), FIELD_RESULTS },
    { STR_INIT("DKIM-Signature"), FIELD_SIGNATURE },
    { STR_INIT("X-PM-Transfer-Encryption"), FIELD_SIDE },
    { STR_INIT("X-Barracuda-Encrypted"), FIELD_SIDE },
    { STR_INIT("X-Last-TLS-Session-Version"), FIELD_SIDE },
    { STR_INIT("X-TLS"), FIELD_SIDE },
    { STR_INIT("X-ASSP-Client-TLS"), FIELD_SIDE },
    { STR_INIT("X-DDEI-TLS-USAGE"), FIELD_SIDE },
    { STR_INIT("From"), FIELD_FROM },
    { STR_INIT("To"), FIELD_TO },
    { STR_INIT("Subject"), FIELD_SUBJECT },
    { STR_INIT("Message-ID"), FIELD_MESSAGE_ID },
    { STR_INIT("Date"), FIELD_DATE },
    { STR_INIT("Content-Type"), FIELD_CONTENT_TYPE },
};

/* Names that can go on a header behind a blank line. */
static const struct str others[] = {
    STR_INIT("Return-Path"),   STR_INIT("Delivered-To"), STR_INIT("Cc"),
    STR_INIT("Reply-To"),      STR_INIT("Sender"),       STR_INIT("Importance"),
    STR_INIT("MIME-Version"),  STR_INIT("In-Reply-To"),  STR_INIT("References"),
    STR_INIT("Envelope-To"),   STR_INIT("Precedence"),   STR_INIT("Bcc"),
    STR_INIT("Delivery-date"),
};

/* How the copy was made. */
struct copy {
    bool quoted;       /* "> " in front of every line */
    struct str indent; /* blanks in front of every line */
    bool spaced;       /* blank lines between the lines */
};

struct reader {
    struct str rest;
    struct copy copy;
    struct arena *arena;
    struct trace_fields *out;
    size_t room, received, others;
    /* The field being read. */
    struct trace_field now;
    bool open;  /* there is one */
    char *text; /* bodies of folded fields; the last one can grow */
    size_t used, room_text;
    size_t judged, depth; /* completeness of a Received line so far */
    bool dated;
    bool seen_from;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t blanks(struct str s)
{
    size_t n = 0;

    while (n < s.n && is_blank(s.p[n]))
        n++;
    return n;
}

static struct str trim_end(struct str s)
{
    while (s.n > 0 && (is_blank(s.p[s.n - 1]) || s.p[s.n - 1] == '\r'))
        s.n--;
    return s;
}

/* "> > text" */
static struct str unquote(struct str line)
{
    size_t at = blanks(line);

    while (at < line.n && line.p[at] == '>') {
        at++;
        if (at < line.n && line.p[at] == ' ')
            at++;
    }
    return at > blanks(line) ? str_from(line, at) : line;
}

static bool raw_line(struct str *rest, struct str *line)
{
    size_t end;

    if (rest->n == 0)
        return false;
    end = str_find_char(*rest, '\n');
    *line = str_first(*rest, end);
    *rest = str_from(*rest, end + 1);
    return true;
}

/* The next line without what the copy put in front. */
static bool next_line(struct reader *r, struct str *line)
{
    if (!raw_line(&r->rest, line))
        return false;
    if (line->n > 0 && line->p[line->n - 1] == '\r')
        line->n--;
    if (r->copy.quoted)
        *line = unquote(*line);
    else if (r->copy.indent.n > 0 && str_starts(*line, r->copy.indent))
        *line = str_from(*line, r->copy.indent.n);
    return true;
}

static bool is_name_char(char c)
{
    return ascii_is_alnum(c) || c == '-' || c == '_' || c == '.';
}

/* The name when the line begins a field. "fe80::1)" and the like are the rest
 * of a line that lost its fold. */
static struct str field_name(struct str line)
{
    size_t n = 0, end;
    bool hex = true;

    if (line.n == 0 || !ascii_is_alpha(line.p[0]))
        return STR("");
    for (; n < line.n && n < NAME_MAX_OCTETS && is_name_char(line.p[n]); n++)
        hex = hex && strchr("0123456789abcdefABCDEF", line.p[n]) != NULL;
    end = n + blanks(str_from(line, n)); /* obsolete: "Subject :" */
    if (end == line.n || line.p[end] != ':')
        return STR("");
    if (hex && end + 1 < line.n && !is_blank(line.p[end + 1]))
        return STR("");
    return str_first(line, n);
}

static enum trace_field_kind kind_of(struct str name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (name.n == kinds[i].name.n && str_eq_nocase(name, kinds[i].name))
            return kinds[i].kind;
    return FIELD_OTHER;
}

static bool is_known(struct str name)
{
    if (kind_of(name) != FIELD_OTHER)
        return true;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (str_eq_nocase(name, others[i]))
            return true;
    return str_starts_nocase(name, STR("X-")) ||
           str_starts_nocase(name, STR("ARC-")) ||
           str_starts_nocase(name, STR("Received-SPF")) ||
           str_starts_nocase(name, STR("Content-")) ||
           str_starts_nocase(name, STR("List-"));
}

static bool room_for(struct reader *r)
{
    struct trace_fields *f = r->out;
    struct trace_field *more;

    if (r->now.kind == FIELD_RECEIVED) {
        if (r->received == TRACE_HOPS_MAX) {
            f->cut++;
            return false;
        }
        r->received++;
    } else if (r->others++ >= OTHER_MAX) {
        return false;
    }
    if (f->n == r->room) {
        r->room = r->room == 0 ? 32 : r->room * 2;
        more = arena_array(r->arena, r->room, sizeof(*more));
        if (f->n > 0)
            memcpy(more, f->all, f->n * sizeof(*more));
        f->all = more;
    }
    return true;
}

static void close_field(struct reader *r)
{
    if (!r->open)
        return;
    r->open = false;
    if (r->now.kind == FIELD_OTHER || !room_for(r))
        return;
    r->now.body = str_trim(r->now.body);
    if (r->now.body.n > TRACE_LINE_MAX) {
        r->now.body = str_first(r->now.body, TRACE_LINE_MAX);
        r->now.too_long = true;
    }
    r->out->all[r->out->n++] = r->now;
}

static void open_field(struct reader *r, struct str line, struct str name)
{
    close_field(r);
    r->open = true;
    r->now = (struct trace_field){ .kind = kind_of(name), .name = name };
    r->now.body = str_from(line, str_find_char(line, ':') + 1);
    r->now.body = trim_end(str_from(r->now.body, blanks(r->now.body)));
    r->judged = 0;
    r->depth = 0;
    r->dated = false;
    r->seen_from = r->seen_from || r->now.kind == FIELD_FROM;
}

/* Room for n more octets behind the body of the field being read, which is
 * moved when it does not stand at the end of text or has no room there. */
static void make_room(struct reader *r, size_t n)
{
    size_t have = r->now.body.n;
    bool last = r->used > 0 && r->now.body.p + have == r->text + r->used;

    if (last && r->room_text - r->used >= n)
        return;
    if (last)
        r->used -= have;
    if (r->text == NULL || r->room_text - r->used < have + n) {
        r->room_text = 2 * (have + n) + TEXT_BYTES;
        r->text = arena_alloc(r->arena, r->room_text);
        r->used = 0;
    }
    if (have > 0)
        memmove(r->text + r->used, r->now.body.p, have);
    r->now.body.p = r->text + r->used;
    r->used += have;
}

/* A fold becomes one blank. What is past the limit is dropped. */
static void join(struct reader *r, struct str line)
{
    if (!r->open || r->now.kind == FIELD_OTHER)
        return;
    line = trim_end(str_from(line, blanks(line)));
    if (line.n == 0 || r->now.body.n > TRACE_LINE_MAX)
        return;
    make_room(r, line.n + 1);
    if (r->now.body.n > 0)
        r->text[r->used++] = ' ';
    memcpy(r->text + r->used, line.p, line.n);
    r->used += line.n;
    r->now.body.n = (size_t)(r->text + r->used - r->now.body.p);
}

/*
 * Whether a Received line has come to its date. Each octet is looked at once.
 * What comes behind a blank line is the sender's body unless the line is
 * unfinished.
 */
static bool is_unfinished(struct reader *r)
{
    struct str body = r->now.body;

    if (!r->open || r->now.kind != FIELD_RECEIVED)
        return false;
    for (; r->judged < body.n; r->judged++) {
        char c = body.p[r->judged];

        if (c == '(')
            r->depth++;
        else if (c == ')' && r->depth > 0)
            r->depth--;
        else if (c == ':' && r->dated && r->depth == 0)
            return false;
        else if (c == ';' && r->depth == 0)
            r->dated = true;
    }
    return true;
}

/* Behind an empty line: more header, or the body? */
static bool goes_on(struct reader *r, struct str line)
{
    struct str name = field_name(line);

    if (is_unfinished(r) && (name.n == 0 || !is_known(name)))
        return true;
    if (is_known(name))
        return r->copy.spaced || !r->seen_from;
    return r->copy.spaced;
}

static bool skip_empty(struct reader *r, struct str *line)
{
    do {
        if (!next_line(r, line))
            return false;
    } while (trim_end(*line).n == 0);
    return true;
}

static void take_line(struct reader *r, struct str line, bool apart)
{
    struct str name = field_name(line);

    if (line.n > 0 && is_blank(line.p[0])) {
        if (!apart || r->copy.spaced || is_unfinished(r))
            join(r, line);
    } else if (name.n > 0 &&
               (str_has_char(name, '-') || kind_of(name) != FIELD_OTHER ||
                !is_unfinished(r) || is_known(name))) {
        open_field(r, line, name);
    } else if (is_unfinished(r) || !apart ||
               (r->copy.spaced && line.n > 0 && line.p[0] == '(')) {
        join(r, line);
    }
}

/* mbox's separator, also where it was protected. */
static void skip_envelope(struct reader *r)
{
    struct str line, rest = r->rest;

    while (raw_line(&rest, &line) && trim_end(line).n == 0)
        r->rest = rest;
    rest = r->rest;
    if (raw_line(&rest, &line) &&
        (str_starts(line, STR("From ")) || str_starts(line, STR(">From "))))
        r->rest = rest;
}

/* The first line shows how the copy was made, the second whether it has blank
 * lines between. */
static void look_at_copy(struct reader *r)
{
    struct str line, rest = r->rest, second;
    size_t indent;

    if (!raw_line(&rest, &line))
        return;
    indent = blanks(line);
    if (indent < line.n && line.p[indent] == '>')
        r->copy.quoted = true;
    else if (field_name(str_from(line, indent)).n > 0)
        r->copy.indent = str_first(line, indent);
    if (raw_line(&rest, &second)) {
        if (r->copy.quoted)
            second = unquote(second);
        r->copy.spaced = second.n == 0 || str_eq(second, STR("\r"));
    }
}

void trace_fields_read(struct str header, struct arena *arena,
                       struct trace_fields *out)
{
    struct reader r = { .rest = header, .arena = arena, .out = out };
    struct str line;
    bool apart;

    *out = (struct trace_fields){ 0 };
    skip_envelope(&r);
    look_at_copy(&r);
    while (next_line(&r, &line)) {
        apart = line.n == 0;
        if (apart) {
            if (!skip_empty(&r, &line) || !goes_on(&r, line))
                break;
        }
        take_line(&r, line, apart);
    }
    close_field(&r);
}
